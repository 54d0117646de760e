//! The frame of a checkpoint: what stands around headers and customers.

use std::io::{ErrorKind, Read};

use crate::state::checkpoint::header::Header;
use crate::state::checkpoint::refusal::Refusal;
use crate::unit::Key;

/// The first bytes: one that is no text, the name, and line ends that a text transfer would change.
pub(crate) const MAGIC: [u8; 8] = *b"\x89EBB\r\n\x1a\n";

/// The format that is written and read: it grows whenever what stands in a header, or what a
/// customer holds, changes.
pub(crate) const FORMAT: u32 = 3;

/// So much is set aside for a body before any of it was read; a longer one grows as it comes.
const BODY_BYTES_AT_FIRST: u64 = 1 << 20;

/// Bytes of a section before its body.
const HEAD_BYTES: usize = 13;
/// Bytes of its checksum, behind the body.
const CHECKSUM_BYTES: usize = 8;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Customers = 1,
    Remembered = 2,
    Erased = 3,
    End = 255,
}

/// One section as read; its checksum is not compared yet.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) kind: Kind,
    /// How many there are in it.
    pub(crate) n: u32,
    /// Where it begins.
    pub(crate) at: u64,
    bytes: Vec<u8>,
    before: Key,
    checksum: Key,
}

/// The body of a section on its way, behind room for its head: nothing is copied to seal it.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
}

/// Writes the frame.
#[derive(Debug)]
pub(crate) struct Writer {
    checksum: Key,
}

/// Reads the frame.
pub(crate) struct Reader<'r> {
    source: &'r mut (dyn Read + Send),
    at: u64,
    checksum: Key,
}

impl Writer {
    /// Begins a file and appends its head to `out`.
    pub(crate) fn begin(header: &Header, out: &mut Vec<u8>) -> Writer {
        let encoded = postcard::to_allocvec(header);
        assert!(encoded.is_ok(), "a header of plain values always has bytes");
        let encoded = encoded.unwrap_or_default();
        let length = u32::try_from(encoded.len()).unwrap_or(u32::MAX);
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&encoded);
        let checksum = Key::of(out.get(start..).unwrap_or_default());
        out.extend_from_slice(&checksum.bits().to_le_bytes());
        Writer { checksum }
    }

    /// Makes `body`, which holds `n` things, the next section; returns its bytes.
    pub(crate) fn seal(&mut self, kind: Kind, n: u32, body: Body) -> Vec<u8> {
        let length = body.len() as u64;
        let Body { mut bytes } = body;
        let mut head = [0; HEAD_BYTES];
        head[0] = kind as u8;
        head[1..5].copy_from_slice(&n.to_le_bytes());
        head[5..].copy_from_slice(&length.to_le_bytes());
        if let Some(room) = bytes.first_chunk_mut() {
            *room = head;
        }
        self.checksum = Key::within(self.checksum, &bytes);
        bytes.extend_from_slice(&self.checksum.bits().to_le_bytes());
        bytes
    }
}

impl Body {
    /// An empty one, with room for `n_bytes`.
    pub(crate) fn with_capacity(n_bytes: usize) -> Body {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + n_bytes + CHECKSUM_BYTES);
        bytes.resize(HEAD_BYTES, 0);
        Body { bytes }
    }

    /// One that holds `bytes`.
    pub(crate) fn of(bytes: &[u8]) -> Body {
        let mut body = Body::with_capacity(bytes.len());
        body.bytes.extend_from_slice(bytes);
        body
    }

    /// Where more is to be appended; what is there already must stay.
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - HEAD_BYTES
    }
}

impl<'r> Reader<'r> {
    /// Reads the head of `source`.
    pub(crate) fn open(source: &'r mut (dyn Read + Send)) -> Result<(Header, Reader<'r>), Refusal> {
        let mut reader = Reader { source, at: 0, checksum: Key::from_bits(0) };
        let mut bytes = Vec::new();
        reader.take(8, "the magic", &mut bytes).map_err(|refusal| match refusal {
            // Whatever is this short was never one.
            Refusal::Torn { .. } if !MAGIC.starts_with(&bytes) => foreign(&bytes),
            other => other,
        })?;
        if bytes != MAGIC {
            return Err(foreign(&bytes));
        }
        reader.take(8, "the head", &mut bytes)?;
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
            word.map_or(0, |word| u32::from_le_bytes(*word))
        };
        let (format, length) = (word(8), word(12));
        if format != FORMAT {
            return Err(Refusal::OtherFormat { found: format, known: FORMAT });
        }
        reader.take(u64::from(length), "the header", &mut bytes)?;
        reader.checksum = reader.number("the header")?;
        if Key::of(&bytes) != reader.checksum {
            return Err(Refusal::Damaged { at: 0, of: "the header" });
        }
        let encoded = bytes.get(16..).unwrap_or_default();
        match postcard::take_from_bytes::<Header>(encoded) {
            Ok((header, [])) => Ok((header, reader)),
            Ok(_) => Err(unsound(16, "the header", "more bytes than it needs")),
            Err(error) => Err(unsound(16, "the header", error)),
        }
    }

    /// The next section; `None` behind the end.
    pub(crate) fn next(&mut self) -> Result<Section, Refusal> {
        let (at, before) = (self.at, self.checksum);
        let mut bytes = Vec::new();
        self.take(HEAD_BYTES as u64, "the head of a section", &mut bytes)?;
        let (Some([kind, n @ ..]), Some(length)) =
            (bytes.first_chunk::<5>(), bytes.last_chunk::<8>())
        else {
            return Err(Refusal::Torn { at: self.at, within: "the head of a section" });
        };
        let (kind, n) = (*kind, u32::from_le_bytes(*n));
        let length = u64::from_le_bytes(*length);
        self.take(length, "a section", &mut bytes)?;
        self.checksum = self.number("a section")?;
        let kind = match kind {
            1 => Kind::Customers,
            2 => Kind::Remembered,
            3 => Kind::Erased,
            255 => Kind::End,
            _ if Key::within(before, &bytes) != self.checksum => {
                return Err(Refusal::Damaged { at, of: "a section" });
            }
            other => return Err(unsound(at, "a section", format!("its kind is {other}"))),
        };
        Ok(Section { kind, n, at, bytes, before, checksum: self.checksum })
    }

    /// Sees to it that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), Refusal> {
        let mut one = [0];
        loop {
            return match self.source.read(&mut one) {
                Ok(0) => Ok(()),
                Ok(_) => Err(unsound(self.at, "the end", "more bytes follow")),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(Refusal::of_read(&error, self.at, "the end")),
            };
        }
    }

    /// How many bytes were read.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Appends the next `length` bytes to `bytes`; what is set aside for them grows as they come,
    /// so that a length that lies costs nothing.
    fn take(
        &mut self,
        length: u64,
        within: &'static str,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        bytes.reserve(usize::try_from(length.min(BODY_BYTES_AT_FIRST)).unwrap_or(0) + 1);
        let read = (&mut *self.source).take(length).read_to_end(bytes);
        let n_read = read.map_err(|error| Refusal::of_read(&error, self.at, within))? as u64;
        self.at += n_read;
        if n_read < length { Err(Refusal::Torn { at: self.at, within }) } else { Ok(()) }
    }

    fn number(&mut self, within: &'static str) -> Result<Key, Refusal> {
        let mut bytes = Vec::new();
        self.take(8, within, &mut bytes)?;
        let word = bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        Ok(Key::from_bits(word))
    }
}

impl Section {
    /// The body, if the checksum holds.
    pub(crate) fn body(&self) -> Result<&[u8], Refusal> {
        if Key::within(self.before, &self.bytes) != self.checksum {
            return Err(Refusal::Damaged { at: self.at, of: "a section" });
        }
        Ok(self.bytes.get(HEAD_BYTES..).unwrap_or_default())
    }

    /// How many bytes it takes in memory.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn foreign(bytes: &[u8]) -> Refusal {
    let digits: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Refusal::Foreign { found: if digits.is_empty() { "nothing".into() } else { digits.concat() } }
}

/// A refusal of what the checksums let pass.
pub(crate) fn unsound(at: u64, of: &'static str, why: impl ToString) -> Refusal {
    Refusal::Unsound { at, of, why: why.to_string() }
}
