//! What a client sends, piece by piece.
//!
//! Rules   between two pieces whoever waits for a message gets to see how much has gathered. A
//!         message that comes as fast as it is read would be read whole otherwise, however long.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pgwire::tokio::server::{MaybeTls, PgWireMessageServerCodec};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::{Framed, FramedParts};

/// The most bytes of a piece.
const PIECE_BYTES: usize = 1 << 16;

/// The messages of a client over a stream that is read in pieces.
pub(super) type Messages<T> = Framed<Pieces<MaybeTls>, PgWireMessageServerCodec<T>>;

/// `socket`, read in pieces from here on.
pub(super) fn in_pieces<T>(socket: Framed<MaybeTls, PgWireMessageServerCodec<T>>) -> Messages<T> {
    let old = socket.into_parts();
    let mut parts = FramedParts::new(Pieces { stream: old.io, is_due: true }, old.codec);
    (parts.read_buf, parts.write_buf) = (old.read_buf, old.write_buf);
    Framed::from_parts(parts)
}

/// A stream that has a piece to read at every second time it is asked, and nothing in between.
pub(super) struct Pieces<S> {
    stream: S,
    /// Whether the next piece may be read.
    is_due: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Pieces<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.is_due {
            this.is_due = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut piece =
            ReadBuf::new(buffer.initialize_unfilled_to(buffer.remaining().min(PIECE_BYTES)));
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut piece))?;
        let read = piece.filled().len();
        buffer.advance(read);
        this.is_due = false;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Pieces<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::task::Waker;

    #[test]
    fn what_is_there_to_be_read_is_read_in_pieces() {
        let bytes = vec![b'x'; 5 << 20];
        let mut pieces = Pieces { stream: &bytes[..], is_due: true };
        let mut cx = Context::from_waker(Waker::noop());
        let (mut read, mut buffer) = (0, vec![0; bytes.len()]);
        while read < bytes.len() {
            let mut rest = ReadBuf::new(&mut buffer[read..]);
            assert!(Pin::new(&mut pieces).poll_read(&mut cx, &mut rest).is_ready());
            assert!(!rest.filled().is_empty() && rest.filled().len() <= PIECE_BYTES);
            read += rest.filled().len();
            let mut more = ReadBuf::new(&mut buffer[read..]);
            assert!(Pin::new(&mut pieces).poll_read(&mut cx, &mut more).is_pending());
        }
        assert_eq!(buffer, bytes);
    }
}
