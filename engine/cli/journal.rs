//! `ebb journal`: what the wall clock did to the events of a group, as files.
//!
//! Shape   one file a partition, `<partition>.jsonl`, one note a line; the last one is the position
//!         up to which everything is committed.
//! Source  DESIGN D-1, D-2.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::cli::Failure;
use crate::cli::setup::Sources;
use crate::kafka;
use crate::record::{Note, Says};
use crate::run::Journal;
use crate::run::settings::ClockMode;
use crate::wire::JournalDoor;

/// `ebb journal`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Where the files go; the folder must be empty or not there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs `ebb journal`.
///
/// # Errors
///
/// Exit 1 where a file cannot be written, 3 for faulty settings, 4 where the broker stays away.
pub fn run(args: &Args) -> Result<(), Failure> {
    let settings = args.sources.read(None)?.settings;
    if settings.clock.mode == ClockMode::Replay {
        return Err(Failure::settings(
            "there is no journal: clock.mode is \"replay\", where the wall clock has no say",
        ));
    }
    let folder = &args.folder;
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        return Err(Failure::usage(format!("{}: wanted an empty folder", folder.display())));
    }
    fs::create_dir_all(folder).map_err(|error| cannot(folder, "made", &error))?;
    let positions = kafka::committed::committed(&settings)?;
    let n_partitions = u32::try_from(positions.len()).unwrap_or(u32::MAX);
    let mut journal = kafka::Journal::open(&settings, n_partitions)?;
    for (partition, position) in (0..).zip(positions) {
        let (mut notes, _) = journal.read(partition, None)?;
        if let Some(position) = position {
            // What was noted beyond it will be noted again.
            notes.retain(|note| note.offset < position.next_offset);
            let says = Says::Now(position.now);
            notes.push(Note { offset: position.next_offset, says, subject: None });
        }
        let path = folder.join(format!("{partition}.jsonl"));
        let lines: Vec<Vec<u8>> = notes.iter().map(Note::to_json).collect();
        let mut text = lines.join(&b'\n');
        text.push(b'\n');
        fs::write(&path, text).map_err(|error| cannot(&path, "written", &error))?;
        println!("{}: {} notes", path.display(), notes.len());
    }
    Ok(())
}

/// Reads the journal in `folder`, of an input of `n_partitions`.
///
/// # Errors
///
/// Exit 1 where a file cannot be read, 2 where it is of another number of partitions.
pub fn read(folder: &Path, n_partitions: NonZeroU32) -> Result<Journal, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| cannot(folder, "read", &error))?;
    let mut journal = Journal::default();
    let mut n_found = 0;
    for entry in entries {
        let path = entry.map_err(|error| cannot(folder, "read", &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let partition = name.strip_suffix(".jsonl").and_then(|number| number.parse().ok());
        let Some(partition): Option<u32> = partition else { continue };
        n_found = n_found.max(partition.saturating_add(1));
        let text = fs::read_to_string(&path).map_err(|error| cannot(&path, "read", &error))?;
        let mut notes = Vec::new();
        for (number, line) in (1_u64..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            let note = Note::parse(line.as_bytes());
            let fault = |why| Failure::failed(format!("{}:{number}: {why}", path.display()));
            notes.push(note.map_err(fault)?);
        }
        journal.add(partition, &notes);
    }
    if n_found == 0 {
        return Err(Failure::failed(format!(
            "{}: no journal; wanted files such as 0.jsonl, which ebb journal writes",
            folder.display()
        )));
    }
    if n_found != n_partitions.get() {
        return Err(Failure::usage(format!(
            "{}: wanted --partitions {n_found}, as many as the topic has",
            folder.display()
        )));
    }
    Ok(journal)
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Failure {
    Failure::failed(format!("{}: cannot be {what}: {error}", path.display()))
}
