//! A checkpoint on its way out of an object store.
//!
//! Rules   it is read in pieces, some of them ahead; all must be of the object that was there at
//!         the beginning, so that one that is replaced meanwhile is refused, not mixed.
//! Cost    as many pieces of memory as are read ahead.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt};
use tokio::task::JoinHandle;

use super::bucket::Link;
use super::words::words;

/// How long a piece is: its time on the way outweighs that of the question.
const PIECE_BYTES: u64 = 4 << 20;
/// How many pieces are on their way at once: four fill a line of 1 GB/s with 16 ms of delay.
const AHEAD: usize = 4;

/// A checkpoint that is being read.
pub(super) struct Download {
    link: Arc<Link>,
    path: Path,
    etag: Option<String>,
    n_bytes: u64,
    /// Everything before it is here or on its way.
    asked: u64,
    coming: VecDeque<JoinHandle<Result<Vec<u8>, Error>>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Download {
    /// Looks for the object at `path` and has its first pieces sent.
    pub(super) fn open(link: &Arc<Link>, path: Path) -> Result<Download, Error> {
        let found = link.wait(link.store.head(&path))?;
        let mut download = Download {
            link: Arc::clone(link),
            path,
            etag: found.e_tag,
            n_bytes: found.size,
            asked: 0,
            coming: VecDeque::with_capacity(AHEAD),
            piece: io::Cursor::default(),
        };
        download.ask();
        Ok(download)
    }

    /// Has as many pieces sent as may be on their way.
    fn ask(&mut self) {
        while self.coming.len() < AHEAD && self.asked < self.n_bytes {
            let range = self.asked..self.n_bytes.min(self.asked + PIECE_BYTES);
            self.asked = range.end;
            let (link, path, etag) = (&self.link, self.path.clone(), self.etag.clone());
            let piece = piece(Arc::clone(&link.store), path, etag, range);
            self.coming.push_back(link.runtime.spawn(piece));
        }
    }
}

async fn piece(
    store: Arc<dyn ObjectStore>,
    path: Path,
    etag: Option<String>,
    range: Range<u64>,
) -> Result<Vec<u8>, Error> {
    let options = GetOptions::new().with_if_match(etag).with_range(Some(range));
    store.get_opts(&path, options).await?.bytes().await.map(Vec::from)
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.piece.read(buffer)?;
            if 0 < n || buffer.is_empty() {
                return Ok(n);
            }
            let Some(coming) = self.coming.pop_front() else { return Ok(0) };
            let piece = self.link.runtime.block_on(coming);
            let piece = piece.map_err(io::Error::other)?;
            let piece = piece.map_err(|error| io::Error::other(words(&error)))?;
            self.piece = io::Cursor::new(piece);
            self.ask();
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.coming.iter().for_each(JoinHandle::abort);
    }
}
