//! Files as an outgoing door: alerts, scores and rejects as JSON lines.
//!
//! Rules   an output is written to `OUT.part`, which takes its name only when all is written; on
//!         a failure `.part` stays, so that half an output is never taken for a whole one (D-12).
//!         `-` is standard output; what is no regular file (`/dev/null`, a pipe) is written to
//!         directly.
//! Errors  a [`Fault::Output`] names the path, what was found and what to do.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::record::reject_line;
use crate::wire::{Fault, Origin, Outgoing, Sink};

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 256 << 10;

/// The name that means standard output.
const STDOUT: &str = "-";

/// One output on its way to being a file.
pub struct OutFile {
    name: String,
    writer: BufWriter<Box<dyn Write + Send>>,
    /// The file under the name it is written by, and the name it gets.
    part: Option<(PathBuf, PathBuf)>,
}

impl OutFile {
    /// Begins the output at `path`. A file of that name stays until [`OutFile::finish`].
    ///
    /// # Errors
    ///
    /// A fault where nothing can be written there.
    pub fn create(path: &Path) -> Result<OutFile, Fault> {
        let name = path.display().to_string();
        if path == Path::new(STDOUT) {
            let name = "standard output".to_owned();
            let writer = BufWriter::with_capacity(BUFFER_BYTES, Box::new(io::stdout()) as _);
            return Ok(OutFile { name, writer, part: None });
        }
        let found = std::fs::metadata(path);
        if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            return Err(Fault::Output(format!(
                "cannot write: {name}: a directory; wanted a file; name one in it"
            )));
        }
        let is_special = found.is_ok_and(|found| !found.is_file());
        let (target, part) = if is_special {
            (path.to_owned(), None)
        } else {
            let part = part_of(path);
            (part.clone(), Some((part, path.to_owned())))
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(!is_special).truncate(!is_special);
        let file = options.open(target).map_err(|error| cannot_write(&name, &error))?;
        let writer = BufWriter::with_capacity(BUFFER_BYTES, Box::new(file) as _);
        Ok(OutFile { name, writer, part })
    }

    /// Writes `bytes` and a line end.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written; some of them may stand in `.part`.
    pub fn line(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let written = self.writer.write_all(bytes).and_then(|()| self.writer.write_all(b"\n"));
        written.map_err(|error| self.fault(&error))
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    ///
    /// A fault where it does not take it.
    pub fn settle(&mut self) -> Result<(), Fault> {
        self.writer.flush().map_err(|error| self.fault(&error))
    }

    /// Puts the whole output under its name.
    ///
    /// # Errors
    ///
    /// A fault where that fails; the output then stands in `.part`.
    pub fn finish(mut self) -> Result<(), Fault> {
        self.settle()?;
        let Some((part, path)) = self.part.take() else { return Ok(()) };
        let whole = File::open(&part).and_then(|file| file.sync_all());
        whole.and_then(|()| std::fs::rename(&part, &path)).map_err(|error| {
            let name = path.display();
            let part = part.display();
            Fault::Output(format!(
                "cannot finish: {name}: {error}; wanted to give {part} this name; the output is \
                 whole in {part}"
            ))
        })
    }

    /// What an error in writing to this output means.
    pub fn fault(&self, error: &io::Error) -> Fault {
        let fault = cannot_write(&self.name, error);
        match &self.part {
            Some((part, _)) => {
                let part = part.display();
                Fault::Output(format!("{fault}; {part} is not whole"))
            }
            None => fault,
        }
    }
}

/// Writes in pieces, for writers of other formats.
impl Write for OutFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Where outputs go; what has no path is not written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs<'p> {
    /// Alerts.
    pub alerts: Option<&'p Path>,
    /// Scores.
    pub scores: Option<&'p Path>,
    /// Rejects.
    pub rejects: Option<&'p Path>,
}

/// Files as a sink.
pub struct FileSink {
    alerts: Option<OutFile>,
    scores: Option<OutFile>,
    rejects: Option<OutFile>,
    input_names: Vec<String>,
}

impl FileSink {
    /// Begins `outputs`; rejects name their inputs by `input_names`.
    ///
    /// # Errors
    ///
    /// Every output that cannot be written, one a line.
    pub fn create(outputs: Outputs<'_>, input_names: &[String]) -> Result<FileSink, Fault> {
        let mut faults: Vec<String> = Vec::new();
        let mut begin = |path: Option<&Path>| {
            let begun = path.map(OutFile::create).transpose();
            begun.map_err(|fault| faults.push(fault.to_string())).ok().flatten()
        };
        let alerts = begin(outputs.alerts);
        let scores = begin(outputs.scores);
        let rejects = begin(outputs.rejects);
        if !faults.is_empty() {
            return Err(Fault::Output(faults.join("\n")));
        }
        Ok(FileSink { alerts, scores, rejects, input_names: input_names.to_vec() })
    }

    /// Puts all outputs under their names.
    ///
    /// # Errors
    ///
    /// A fault for the first that cannot be finished; it and those after it stay in `.part`.
    pub fn finish(self) -> Result<(), Fault> {
        let FileSink { alerts, scores, rejects, .. } = self;
        [alerts, scores, rejects].into_iter().flatten().try_for_each(OutFile::finish)
    }

    /// The name of the input that `origin` speaks of, and the line in it.
    fn place(&self, origin: Origin) -> (&str, u64) {
        match origin {
            Origin::File { file, line } => {
                let name = usize::try_from(file).ok().and_then(|at| self.input_names.get(at));
                (name.map_or("", String::as_str), line)
            }
            // A topic's rejects go to a topic; in a file the offset stands for the line.
            Origin::Topic { offset, .. } => ("", u64::try_from(offset).unwrap_or(0)),
        }
    }
}

impl Sink for FileSink {
    /// Writes each output as a line. A tombstone of scores has no line: a file is written anew
    /// by every replay, and what is deleted never comes back in it.
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        for output in outputs {
            match output {
                Outgoing::Alert { value, .. } => {
                    if let Some(alerts) = &mut self.alerts {
                        alerts.line(value)?;
                    }
                }
                Outgoing::Scores { value, .. } => {
                    if let (Some(scores), Some(value)) = (&mut self.scores, value) {
                        scores.line(value)?;
                    }
                }
                // Files have no wall clock, hence no journal; and nobody waits for a receipt.
                Outgoing::Journal { .. } | Outgoing::Receipt { .. } => {}
                Outgoing::Reject { reject, origin, bytes } => {
                    let (name, line) = self.place(*origin);
                    let line = reject_line(reject, name, line, bytes);
                    if let Some(rejects) = &mut self.rejects {
                        rejects.line(&line)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        [&mut self.alerts, &mut self.scores, &mut self.rejects]
            .into_iter()
            .flatten()
            .try_for_each(OutFile::settle)
    }
}

/// Makes sure that no path is used twice: neither an input nor an output, nor one as the other.
/// `outputs` are named as their flags are.
///
/// # Errors
///
/// A fault for the first path that is.
pub fn check_paths(inputs: &[PathBuf], outputs: &[(&str, &Path)]) -> Result<(), Fault> {
    let mut seen: Vec<(PathBuf, String)> = Vec::new();
    let mut claim = |path: &Path, used: String, std_name: &str| {
        let special = std::fs::metadata(path).is_ok_and(|found| !found.is_file());
        let place = if path == Path::new(STDOUT) { PathBuf::from(std_name) } else { place(path) };
        if special {
            return Ok(());
        }
        let before = seen.iter().find(|(other, _)| *other == place).map(|(_, used)| used.clone());
        seen.push((place, used.clone()));
        match before {
            Some(before) => Err(format!("{}: {before} and {used}", path.display())),
            None => Ok(()),
        }
    };
    for path in inputs {
        claim(path, "an input".to_owned(), "<stdin>").map_err(|found| {
            Fault::Input(format!("cannot start: {found}; wanted every path once"))
        })?;
    }
    for (flag, path) in outputs {
        let parts = [Some(path.to_path_buf()), (*path != Path::new(STDOUT)).then(|| part_of(path))];
        for path in parts.into_iter().flatten() {
            claim(&path, (*flag).to_owned(), "<stdout>").map_err(|found| {
                Fault::Output(format!("cannot start: {found}; wanted every path once"))
            })?;
        }
    }
    Ok(())
}

/// The name of an output that is not whole yet.
fn part_of(path: &Path) -> PathBuf {
    path.with_added_extension("part")
}

/// A path in one form, whether a file is there or not.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    match (parent, path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

fn cannot_write(name: &str, error: &io::Error) -> Fault {
    let (found, remedy) = match error.kind() {
        io::ErrorKind::NotFound => ("its folder does not exist".to_owned(), "make the folder"),
        io::ErrorKind::PermissionDenied => {
            ("no permission to write it".to_owned(), "write elsewhere, or ask its owner")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ("the disk is full".to_owned(), "make room and start again")
        }
        io::ErrorKind::BrokenPipe => {
            ("nobody reads it any more".to_owned(), "write to a file, or read to the end")
        }
        _ => (error.to_string(), "write elsewhere"),
    };
    Fault::Output(format!("cannot write: {name}: {found}; {remedy}"))
}

#[cfg(test)]
mod tests;
