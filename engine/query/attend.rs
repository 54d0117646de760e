//! The process that answers one question after another.
//!
//! Shape   its duty comes first, then tasks; every task ends with `Done` or `Refused`.
//! Rules   it is the process of one question at a time: what a query does to it, it does to this
//!         process alone, and whoever asks ends it and starts another. One that keeps much memory
//!         from a large query says so at the end of it, and is not asked again.

use std::io::{self, Read, Write};
use std::path::Path;

use arrow::datatypes::Schema;
use arrow::ipc::writer::StreamWriter;

use crate::query::desk::{Allowance, Desk};
use crate::query::frame::{self, Framed, Kind};
use crate::query::guard::Bounds;
use crate::query::process;
use crate::query::raw::{Done, Duty, Task};
use crate::query::refused::Refused;

/// Answers what comes from `from` into `out` until there is no more.
///
/// # Errors
///
/// [`Refused`] with what is to be said before the process ends: nobody asks, or nobody reads.
pub fn attend(from: &mut dyn Read, out: &mut (dyn Write + Send)) -> Result<(), Refused> {
    process::begin();
    let own = |words: String| Refused(format!("no duty: {words}; this command is ebb's own"));
    let duty = match next(from)? {
        Some(bytes) => bytes,
        None => return Err(own("nothing".to_owned())),
    };
    let duty: Duty = serde_json::from_slice(&duty).map_err(|error| own(error.to_string()))?;
    process::know(duty.asker)?;
    process::limit(duty.memory_max)?;
    let mut clerk = Clerk { duty, desk: None };
    while let Some(bytes) = next(from)? {
        let task = serde_json::from_slice(&bytes).map_err(|error| own(error.to_string()))?;
        let done = clerk.work(task, out);
        let last = match done {
            Ok(rows) => {
                let done = Done { rows, is_full: is_full(clerk.duty.memory_max) };
                let words = serde_json::to_vec(&done).map_err(|error| own(error.to_string()))?;
                frame::frame(Kind::Done, &words)
            }
            Err(refused) => frame::frame(Kind::Refused, refused.0.as_bytes()),
        };
        let written = last.and_then(|last| out.write_all(&last)).and_then(|()| out.flush());
        written.map_err(|error| unread(&error))?;
    }
    Ok(())
}

/// Whoever answers, with what lies open before it.
struct Clerk {
    duty: Duty,
    desk: Option<Desk>,
}

impl Clerk {
    /// Does `task`; how many rows it gave.
    fn work(&mut self, task: Task, out: &mut (dyn Write + Send)) -> Result<u64, Refused> {
        let desk = self.desk()?;
        match task {
            Task::Look => Ok(0),
            Task::Ask(asked) => {
                let form = process::form(&asked.format)?;
                let mut framed = Framed::new(Kind::Data, out);
                let n_rows = desk.ask(&asked, form, &mut framed)?;
                framed.finish().map_err(|error| unread(&error))?;
                Ok(n_rows)
            }
            Task::Describe(asked) => {
                let outline = desk.describe(&asked)?;
                send_schema(Kind::Parameters, &outline.parameters, out)?;
                send_schema(Kind::Data, &outline.columns, out)?;
                Ok(0)
            }
        }
    }

    /// The newest snapshots, open.
    fn desk(&mut self) -> Result<&mut Desk, Refused> {
        let bounds = Bounds {
            statement_max: self.duty.statement_max,
            operators_max: self.duty.operators_max,
        };
        let (memory_max, rows_max) = (self.duty.memory_max, self.duty.rows_max);
        let desk = match self.desk.take() {
            Some(desk) => desk,
            None => {
                let allowance = Allowance { memory_max, rows_max, bounds };
                Desk::open(Path::new(&self.duty.snapshots), None, allowance)?
            }
        };
        let desk = self.desk.insert(desk);
        desk.refresh()?;
        Ok(desk)
    }
}

fn send_schema(kind: Kind, schema: &Schema, out: &mut (dyn Write + Send)) -> Result<(), Refused> {
    let mut framed = Framed::new(kind, out);
    let written = StreamWriter::try_new(&mut framed, schema);
    let written = written.and_then(|mut writer| writer.finish());
    written.map_err(|error| Refused(format!("cannot write the answer: {error}")))?;
    framed.finish().map_err(|error| unread(&error))
}

/// The next task, or the duty.
fn next(from: &mut dyn Read) -> Result<Option<Vec<u8>>, Refused> {
    match frame::read(from) {
        Ok(Some((Kind::Task, bytes))) => Ok(Some(bytes)),
        Ok(None) => Ok(None),
        Ok(Some(_)) => Err(Refused("no task; this command is ebb's own".to_owned())),
        Err(error) => Err(Refused(format!("no task: {error}; this command is ebb's own"))),
    }
}

fn unread(error: &io::Error) -> Refused {
    Refused(format!("cannot write the answer: {error}"))
}

/// Whether so much is kept that a query might miss half of what it may have.
///
/// Source: `VmData` of `proc_pid_status(5)`, which is what the limit counts. Elsewhere than on
/// Linux nothing is known, and a process that runs out of memory is replaced all the same.
fn is_full(memory_max: u64) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kept = status.lines().find_map(|line| line.strip_prefix("VmData:"));
    let kept = kept.and_then(|kept| kept.split_whitespace().next()?.parse::<u64>().ok());
    let most = process::own_bytes().saturating_add(memory_max / 2);
    kept.is_some_and(|kib| most < kib.saturating_mul(1 << 10))
}
