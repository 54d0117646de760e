//! One input opened: a file, plain or compressed, or standard input.
//!
//! Rules   `.gz` and `.zst` are unpacked on a thread of their own, a few blocks ahead; members
//!         and frames may follow one another. A file that ends or breaks in the middle of one is
//!         a fault, never an end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flate2::bufread::MultiGzDecoder;

use crate::wire::Fault;

/// The name that means standard input.
pub(super) const STDIN: &str = "-";

/// How much is read at a time.
const BLOCK_BYTES: usize = 256 << 10;

/// How many unpacked blocks may wait.
const BLOCKS_AHEAD: usize = 4;

/// What the bytes of a file are, by its name without `.gz` or `.zst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// One JSON object a line; also where the name does not tell.
    Json,
    /// Separated values.
    Csv,
    /// Something Ebb does not read.
    Foreign,
}

/// An open input.
pub(super) struct Input {
    name: String,
    reader: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    total: u64,
}

impl Input {
    /// Opens the file at `path`, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// A fault that names the path, what was found, and what to do.
    pub(super) fn open(path: &Path) -> Result<Input, Fault> {
        let read = Arc::new(AtomicU64::new(0));
        if path == Path::new(STDIN) {
            let reader = Box::new(Counting { inner: io::stdin(), read: Arc::clone(&read) });
            return Ok(Input { name: "standard input".to_owned(), reader, read, total: 0 });
        }
        let refuse = |error: &io::Error| Fault::Input(cannot_open(path, error));
        let file = File::open(path).map_err(|error| refuse(&error))?;
        let metadata = file.metadata().map_err(|error| refuse(&error))?;
        let name = path.display().to_string();
        if metadata.is_dir() {
            return Err(Fault::Input(format!(
                "cannot read: {name}: a directory; wanted files; try {name}/*.jsonl"
            )));
        }
        let total = if metadata.is_file() { metadata.len() } else { 0 };
        let counted = Counting { inner: file, read: Arc::clone(&read) };
        // A file of no bytes is no broken archive: it is empty, as its plain form would be.
        let empty = metadata.is_file() && total == 0;
        let reader: Box<dyn Read + Send> = match path.extension().and_then(OsStr::to_str) {
            Some("gz") if !empty => {
                let packed = buffered(counted.inner, &read);
                ahead(MultiGzDecoder::new(packed)).map_err(|error| refuse(&error))?
            }
            Some("zst") if !empty => {
                let packed = buffered(counted.inner, &read);
                let unpacked = zstd::stream::read::Decoder::with_buffer(packed);
                let reader = unpacked.and_then(ahead);
                reader.map_err(|error| refuse(&error))?
            }
            _ => Box::new(counted),
        };
        Ok(Input { name, reader, read, total })
    }

    /// The input as people know it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes were read, as they lie in the file.
    pub(super) fn meter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }

    /// How many bytes the file has, 0 where nobody knows.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Reads some bytes into `into`; 0 is the end.
    ///
    /// # Errors
    ///
    /// A fault that names the file and the byte up to which it could be read.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match self.reader.read(into) {
                Ok(n_read) => return Ok(n_read),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(&error)),
            }
        }
    }

    fn broken(&self, error: &io::Error) -> Fault {
        let byte = self.read.load(Ordering::Acquire);
        let name = &self.name;
        let found = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the file ends in the middle".to_owned(),
            _ => error.to_string(),
        };
        Fault::Input(format!(
            "cannot read on: {name}: at byte {byte}: {found}; wanted a whole file; nothing of it \
             counts as done, fetch it again"
        ))
    }
}

/// Why `path` could not be opened, and what to do.
pub(super) fn cannot_open(path: &Path, error: &io::Error) -> String {
    let name = path.display();
    let (found, remedy) = match error.kind() {
        io::ErrorKind::NotFound => ("no such file".to_owned(), "check the path"),
        io::ErrorKind::PermissionDenied => {
            ("no permission to read it".to_owned(), "ask its owner, or run as a user who may")
        }
        _ => (error.to_string(), "check the path"),
    };
    format!("cannot read: {name}: {found}; wanted a file; {remedy}")
}

/// What a file holds, told by its name.
pub(super) fn content(path: &Path) -> Content {
    let packed = matches!(path.extension().and_then(OsStr::to_str), Some("gz" | "zst"));
    let plain = if packed { path.file_stem().map(PathBuf::from) } else { None };
    let name = plain.as_deref().unwrap_or(path);
    match name.extension().and_then(OsStr::to_str) {
        Some("csv" | "tsv") => Content::Csv,
        Some("parquet" | "avro" | "orc" | "xlsx" | "zip" | "bz2" | "xz" | "tar" | "tgz") => {
            Content::Foreign
        }
        _ => Content::Json,
    }
}

/// Counts the bytes that go through.
struct Counting<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

fn buffered(file: File, read: &Arc<AtomicU64>) -> Counting<BufReader<File>> {
    Counting { inner: BufReader::with_capacity(BLOCK_BYTES, file), read: Arc::clone(read) }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n_read = self.inner.read(into)?;
        self.read.fetch_add(n_read as u64, Ordering::Release);
        Ok(n_read)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.read.fetch_add(amount as u64, Ordering::Release);
        self.inner.consume(amount);
    }
}

/// What the reading thread hands over. Its silence is no end: only `End` is.
enum Block {
    Bytes(Vec<u8>),
    Fault(io::Error),
    End,
}

/// The reading side of a thread that reads ahead.
struct Ahead {
    blocks: Receiver<Block>,
    block: Vec<u8>,
    from: usize,
    ended: bool,
}

/// Lets a thread read `source` a few blocks ahead. It ends with its source, or when nobody
/// takes its blocks any more.
fn ahead(source: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let (give, blocks) = sync_channel(BLOCKS_AHEAD);
    let unpack = move || unpack(source, &give);
    std::thread::Builder::new().name("unpack".to_owned()).spawn(unpack)?;
    Ok(Box::new(Ahead { blocks, block: Vec::new(), from: 0, ended: false }))
}

fn unpack(mut source: impl Read, give: &SyncSender<Block>) {
    loop {
        let mut block = Vec::with_capacity(BLOCK_BYTES);
        let read = (&mut source).take(BLOCK_BYTES as u64).read_to_end(&mut block);
        let last = match read {
            Ok(0) => Some(Block::End),
            Ok(_) => None,
            Err(error) => Some(Block::Fault(error)),
        };
        let ends = last.is_some();
        if !block.is_empty() && give.send(Block::Bytes(block)).is_err() {
            return;
        }
        if let Some(last) = last {
            // An error here only means that nobody wants the end any more.
            let _nobody_waits = give.send(last);
        }
        if ends {
            return;
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.from == self.block.len() && !self.ended {
            match self.blocks.recv() {
                Ok(Block::Bytes(block)) => (self.block, self.from) = (block, 0),
                Ok(Block::End) => self.ended = true,
                Ok(Block::Fault(error)) => return Err(error),
                Err(_) => return Err(io::Error::other("the thread that unpacks it stopped")),
            }
        }
        let n_read = into.len().min(self.block.len() - self.from);
        into[..n_read].copy_from_slice(&self.block[self.from..self.from + n_read]);
        self.from += n_read;
        Ok(n_read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_tells_what_a_file_holds() {
        let check = |name: &str, wanted| assert_eq!(content(Path::new(name)), wanted, "{name}");
        check("a/b.jsonl", Content::Json);
        check("b.ndjson.zst", Content::Json);
        check("b.csv.gz", Content::Csv);
        check("b.tsv", Content::Csv);
        check("b.parquet", Content::Foreign);
        check("b.tar.gz", Content::Foreign);
        check("/dev/fd/63", Content::Json);
        check("-", Content::Json);
    }
}
