//! What passes over the pipes between a process that asks and one that answers many questions.
//!
//! Shape   a frame is one byte that says what it is, four bytes of its length, little-endian, and
//!         its bytes. Tasks go one way; answers come back as data, ended by `Done` or `Refused`.
//! Rules   both ends are this same program; what does not fit is an error all the same, for a
//!         process that ran out of memory may write anything.

use std::io::{self, Read, Write};

/// The longest frame: more than a task may be, for a statement is bounded far below.
pub(crate) const FRAME_MAX: usize = 64 << 20;
/// How much data a frame carries at most, so that the other side holds little.
const DATA_BYTES: usize = 64 << 10;
/// The bytes before a frame's own.
pub(crate) const HEAD_BYTES: usize = 5;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// JSON: what to do.
    Task,
    /// The parameters of a statement that is described: a stream of Arrow without rows.
    Parameters,
    /// A part of the answer, in its form.
    Data,
    /// Why there is no answer, or none that is whole.
    Refused,
    /// JSON: the end of a task.
    Done,
}

impl Kind {
    const ALL: [(u8, Kind); 5] = [
        (b'T', Kind::Task),
        (b'P', Kind::Parameters),
        (b'D', Kind::Data),
        (b'R', Kind::Refused),
        (b'Z', Kind::Done),
    ];

    fn byte(self) -> u8 {
        Kind::ALL.iter().find(|(_, kind)| *kind == self).map_or(0, |(byte, _)| *byte)
    }
}

/// What the bytes before a frame's own say: what it is and how long.
///
/// # Errors
///
/// Where no frame begins so.
pub(crate) fn head(bytes: [u8; HEAD_BYTES]) -> io::Result<(Kind, usize)> {
    let [kind, length @ ..] = bytes;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    match Kind::ALL.iter().find(|(byte, _)| *byte == kind) {
        Some((_, kind)) if length <= FRAME_MAX => Ok((*kind, length)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no frame")),
    }
}

/// The bytes of a frame.
///
/// # Errors
///
/// Where it is longer than a frame may be.
pub(crate) fn frame(kind: Kind, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= FRAME_MAX);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "too long"))?;
    let mut framed = Vec::with_capacity(HEAD_BYTES + bytes.len());
    framed.push(kind.byte());
    framed.extend_from_slice(&length.to_le_bytes());
    framed.extend_from_slice(bytes);
    Ok(framed)
}

/// Reads the next frame of `from`; `None` at its end.
///
/// # Errors
///
/// What reading says, or where no frame stands there.
pub(crate) fn read(from: &mut dyn Read) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let mut bytes = [0_u8; HEAD_BYTES];
    let n_read = from.read(&mut bytes[..1])?;
    if n_read == 0 {
        return Ok(None);
    }
    from.read_exact(&mut bytes[1..])?;
    let (kind, length) = head(bytes)?;
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Some((kind, body)))
}

/// Writes whatever is written to it as frames of data, each as soon as it is full.
pub(crate) struct Framed<'w> {
    out: &'w mut (dyn Write + Send),
    kind: Kind,
    held: Vec<u8>,
}

impl<'w> Framed<'w> {
    /// Frames of `kind` into `out`.
    pub(crate) fn new(kind: Kind, out: &'w mut (dyn Write + Send)) -> Framed<'w> {
        Framed { out, kind, held: Vec::with_capacity(DATA_BYTES) }
    }

    /// Writes what is held back.
    ///
    /// # Errors
    ///
    /// What writing says.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send()
    }

    fn send(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.out.write_all(&frame(self.kind, &self.held)?)?;
        self.held.clear();
        Ok(())
    }
}

impl Write for Framed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if DATA_BYTES <= self.held.len() {
            self.send()?;
        }
        let taken = bytes.len().min(DATA_BYTES - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: a refusal is told apart from an answer as long as nothing is out.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use super::*;

    #[test]
    fn what_is_written_in_frames_is_read_back() {
        let long = vec![7_u8; 3 * DATA_BYTES + 5];
        let mut out: Vec<u8> = Vec::new();
        let mut framed = Framed::new(Kind::Data, &mut out);
        framed.write_all(&long).unwrap();
        framed.finish().unwrap();
        out.extend(frame(Kind::Done, b"end").unwrap());
        let mut from = out.as_slice();
        let (mut back, mut n_frames) = (Vec::new(), 0);
        loop {
            match read(&mut from).unwrap().unwrap() {
                (Kind::Data, bytes) => back.extend(bytes),
                (kind, bytes) => {
                    assert_eq!((kind, bytes.as_slice()), (Kind::Done, &b"end"[..]));
                    break;
                }
            }
            n_frames += 1;
        }
        assert_eq!((back, n_frames), (long, 4));
        assert!(read(&mut from).unwrap().is_none());
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        assert!(read(&mut &b"X\0\0\0\0"[..]).is_err());
        assert!(read(&mut &b"D\xff\xff\xff\xff"[..]).is_err());
        assert!(read(&mut &b"D\x02\0\0\0a"[..]).is_err());
        assert!(read(&mut &b"D\x02"[..]).is_err());
    }
}
