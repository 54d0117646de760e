//! A folder as a place for checkpoints.
//!
//! Rules   a checkpoint is written beside its name, handed to the disk, renamed, and the folder
//!         handed to the disk: a crash between any two of these leaves the older ones whole.
//!         Several may be written for one partition at the same time, by instances of which one
//!         does not know yet that it is no longer its own: each in a file of its own. What a crash
//!         left half written is removed when the partition's next one is begun, once nobody has
//!         written to it for ten minutes.

use std::fs::{self, DirEntry, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::Fault;
use crate::wire::clock::moment;
use crate::wire::store::{Name, Store, Stored, Unpublished, list_folders, newest_first};

/// A folder of checkpoints.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

/// How the file of a checkpoint ends that is not whole yet.
const PART: &str = ".part";
/// How long nobody has written to it before it is taken for one that a crash left: longer than
/// whoever writes it may wait for a broker, and short enough that crash upon crash fills no disk.
const PART_AGE_MAX: Duration = Duration::from_secs(600);

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 256 << 10;

impl Directory {
    /// The checkpoints in `root`; the folder is made when it is needed.
    pub fn new(root: impl Into<PathBuf>) -> Directory {
        Directory { root: root.into() }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.root.join(Name::folder(&name.topic, name.partition)).join(name.file())
    }

    /// Appends the checkpoints in the folder of one partition.
    fn list_into(&self, folder: &str, stored: &mut Vec<Stored>) -> Result<(), Fault> {
        let path = self.root.join(folder);
        for file in names_in(&path)? {
            let Some(name) = Name::parse(&format!("{folder}/{file}")) else { continue };
            match fs::metadata(path.join(&file)) {
                Ok(found) if found.is_file() => {
                    let (n_bytes, saved_at) = (found.len(), found.modified().ok().map(moment));
                    stored.push(Stored { name, n_bytes, saved_at });
                }
                Ok(_) => {}
                // Another instance has just deleted it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(cannot_list(&path, &error)),
            }
        }
        Ok(())
    }
}

impl Store for Directory {
    fn list(&self) -> Result<Vec<Stored>, Fault> {
        list_folders(
            |name| names_in(&self.root.join(name)),
            |folder, stored| self.list_into(folder, stored),
        )
    }

    fn list_of(&self, topic: &str, partition: u32) -> Result<Vec<Stored>, Fault> {
        let mut stored = Vec::new();
        self.list_into(&Name::folder(topic, partition), &mut stored)?;
        newest_first(&mut stored);
        Ok(stored)
    }

    fn read(&self, name: &Name) -> Result<Box<dyn Read + Send>, Fault> {
        let path = self.path(name);
        match File::open(&path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => {
                Err(Fault::Input(format!("cannot read checkpoint: {}: {error}", path.display())))
            }
        }
    }

    fn create(&self, name: &Name) -> Result<Box<dyn Unpublished>, Fault> {
        let path = self.path(name);
        let begun = Part::begin(&path, &self.root);
        begun.map(|part| Box::new(part) as _).map_err(|error| cannot_write(&path, &error))
    }

    fn delete(&self, name: &Name) -> Result<(), Fault> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::Output(format!(
                "cannot delete checkpoint: {}: {error}; safe: it is older than those that are kept",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    fn place(&self) -> String {
        self.root.display().to_string()
    }
}

/// A checkpoint beside its name.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    root: PathBuf,
    part: Option<(PathBuf, BufWriter<File>)>,
}

impl Part {
    fn begin(path: &Path, root: &Path) -> io::Result<Part> {
        let folder = path.parent().unwrap_or(root);
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name.to_str().is_some_and(|name| name.ends_with(PART));
            if is_ours
                && entry.path().with_extension("").extension() == path.extension()
                && is_left(&entry)
            {
                // Somebody else may be about to do the same.
                let _gone = fs::remove_file(entry.path());
            }
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let part = format!("{}-{:x}.{file}{PART}", std::process::id(), now.as_nanos());
        let part = folder.join(part);
        let file = BufWriter::with_capacity(BUFFER_BYTES, File::create_new(&part)?);
        Ok(Part { path: path.to_owned(), root: root.to_owned(), part: Some((part, file)) })
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some((part, writer)) = &mut self.part else { return Ok(()) };
        writer.flush()?;
        writer.get_ref().sync_all()?;
        fs::rename(part, &self.path)?;
        self.part = None;
        // The folder of the partition, that of the topic, and the root: any of them may be new.
        for folder in self.path.ancestors().skip(1).take_while(|up| up.starts_with(&self.root)) {
            // A root of "." or nothing has a name only as the place we stand in.
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Unpublished for Part {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some((_, writer)) = &mut self.part else { return Ok(()) };
        writer.write_all(bytes).map_err(|error| cannot_write(&self.path, &error))
    }

    fn publish(mut self: Box<Self>) -> Result<(), Fault> {
        self.finish().map_err(|error| cannot_write(&self.path, &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some((part, _)) = self.part.take() {
            // If that fails, the next one that is begun removes it.
            let _stays = fs::remove_file(part);
        }
    }
}

/// Whether nobody has written to the file at `entry` for long.
fn is_left(entry: &DirEntry) -> bool {
    let written_at = entry.metadata().and_then(|found| found.modified());
    let age = written_at.ok().and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| PART_AGE_MAX < age)
}

/// The names in the folder at `path`; none if there is no such folder.
fn names_in(path: &Path) -> Result<Vec<String>, Fault> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(cannot_list(path, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| cannot_list(path, &error))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

fn cannot_list(path: &Path, error: &io::Error) -> Fault {
    Fault::Input(format!("cannot list checkpoints: {}: {error}", path.display()))
}

fn cannot_write(path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::Output(format!("cannot write checkpoint: {path}: {error}; safe: older ones are whole"))
}
