//! The process that answers, seen from both sides.
//!
//! Shape   whoever asks starts this same program with [`HIDDEN`] as its command, writes the
//!         question to it, copies what comes, and waits no longer than allowed; the other side
//!         takes the question, puts limits on itself and answers.
//! Rules   a query that takes too long is ended by killing its process, whatever it is doing: a
//!         join or a planner may not look up for minutes. What it allocates beyond its memory
//!         fails there and ends it. Neither touches the one that asked. A process whose asker is
//!         gone ends too (Linux).
//! Source  DESIGN §9; §15, trap 13.

use std::io::{self, Read, Write};
use std::os::unix::process::{ExitStatusExt, parent_id};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::query::desk::{Allowance, Desk};
use crate::query::form::Form;
use crate::query::guard::Bounds;
use crate::query::raw::{Asked, Dialect, Question};
use crate::query::refused::Refused;

/// The command of this program that answers one question and ends.
pub const HIDDEN: &str = "answer";
/// The flag with which it goes on to the next question.
pub const MANY: &str = "--many";

/// What a process needs beyond the memory of its query: the program and its readers, and for
/// every core a thread with its stack.
const BASE_BYTES: u64 = 512 << 20;
const CORE_BYTES: u64 = 16 << 20;
/// How the allocator is told how many KiB to reserve at a time: its usual GiB would count in full.
pub(crate) const RESERVE: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "65536");

/// How far a process that answers beside an engine stands behind it, in steps of nice(2): where
/// both want the same core it gets a seventieth. With ten steps, a tenth, the median batch of
/// events was done 45 % later while two asked without a pause (benches/RUNS.md).
const GIVES_WAY: i32 = 19;

/// What is said where memory ran out: by the allocator, by a vector, by the threads.
const OUT_OF_MEMORY: [&str; 3] =
    ["memory allocation of", "capacity overflow", "can't spawn worker thread"];

/// The signal of Ctrl-C.
const INTERRUPT: i32 = rustix::process::Signal::INT.as_raw();

/// The exit code of a process that refused, with the reason on its standard error.
const REFUSED: u8 = 1;

/// Asks `question` of a new process and copies the answer into `out`.
///
/// # Errors
///
/// [`Refused`] with the reason; what is out then is not whole.
pub fn ask(
    question: &Question,
    time_max: Duration,
    out: &mut (dyn Write + Send),
) -> Result<(), Refused> {
    let mut child = start().map_err(|error| broken(&error))?;
    let pipes = (child.stdin.take(), child.stdout.take());
    let stderr = child.stderr.take();
    thread::scope(|scope| {
        let (done, ended) = mpsc::channel();
        let copied = scope.spawn(move || {
            let copied = converse(question, pipes, out);
            // Nobody listens any more where the time was over before.
            let _late = done.send(());
            copied
        });
        let said = scope.spawn(move || last_words(stderr));
        let in_time = ended.recv_timeout(time_max).is_ok();
        // What answered is ending by itself; what did not is ended. An error means it is gone.
        let _gone = if in_time { Ok(()) } else { child.kill() };
        let status = child.wait().map_err(|error| broken(&error))?;
        let said = said.join().unwrap_or_default();
        let copied = copied.join().unwrap_or(Ok(()));
        if !in_time {
            let most = format!("{} s", time_max.as_secs_f64());
            return Err(Refused::limit("time of a query", "not done", &most, "time_max"));
        }
        judge(status, &said, question.memory_max, question.operators_max)?;
        copied.map_err(|error| Refused(format!("cannot write the answer: {error}")))
    })
}

/// Starts the process.
fn start() -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .arg(HIDDEN)
        .env(RESERVE.0, RESERVE.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Hands the question over and copies the answer until there is no more.
fn converse(
    question: &Question,
    (stdin, stdout): (Option<impl Write>, Option<impl Read>),
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    if let Some(mut stdin) = stdin {
        // A process that died before it read tells why by how it ended.
        let _died = serde_json::to_writer(&mut stdin, question);
    }
    stdout.map_or(Ok(0), |mut stdout| io::copy(&mut stdout, out)).map(|_| ())
}

/// What a process says last; more than a screen of it helps nobody.
fn last_words(stderr: Option<impl Read>) -> String {
    let mut text = Vec::new();
    if let Some(stderr) = stderr {
        // What can be read is read; the rest does not matter.
        let _rest = stderr.take(8 << 10).read_to_end(&mut text);
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}

/// What the end of a process means.
///
/// # Errors
///
/// [`Refused`] with the reason, unless all went well.
pub(crate) fn judge(
    status: ExitStatus,
    said: &str,
    memory_max: u64,
    operators_max: u64,
) -> Result<(), Refused> {
    if status.success() {
        return Ok(());
    }
    if OUT_OF_MEMORY.iter().any(|words| said.contains(words)) {
        return Err(Refused::memory(memory_max));
    }
    if status.code() == Some(i32::from(REFUSED)) {
        return Err(Refused(said.to_owned()));
    }
    if said.contains("overflowed its stack") {
        let most = operators_max.to_string();
        return Err(Refused::limit("depth of a query", "too deep", &most, "operators_max"));
    }
    let how = match status.signal() {
        Some(INTERRUPT) => return Err(Refused("interrupted".to_owned())),
        Some(signal) => format!("was ended by signal {signal}"),
        None => format!("ended with {status}"),
    };
    Err(Refused(format!("the process that answers {how}: {said}; scoring is not touched by it")))
}

pub(crate) fn broken(error: &io::Error) -> Refused {
    Refused(format!("cannot start the process that answers: {error}"))
}

/// The other side: takes a question from `from` and writes the answer to `out`.
///
/// # Errors
///
/// [`Refused`] with what is to be said before the process ends with exit code 1.
pub fn answer(from: &mut dyn Read, out: &mut (dyn Write + Send)) -> Result<(), Refused> {
    begin();
    let question: Question = serde_json::from_reader(from)
        .map_err(|error| Refused(format!("no question: {error}; this command is ebb's own")))?;
    know(question.asker)?;
    limit(question.memory_max)?;
    let form = form(&question.format)?;
    let bounds =
        Bounds { statement_max: question.statement_max, operators_max: question.operators_max };
    let (memory_max, rows_max) = (question.memory_max, question.rows_max);
    let allowance = Allowance { memory_max, rows_max, bounds };
    let mut desk =
        Desk::open(Path::new(&question.snapshots), question.as_of.as_deref(), allowance)?;
    let asked = Asked {
        statement: question.statement,
        dialect: Dialect::Plain,
        parameters: Vec::new(),
        as_of: None,
        format: question.format,
    };
    desk.ask(&asked, form, out)?;
    out.flush().map_err(|error| Refused(format!("cannot write the answer: {error}")))
}

/// What a process does first that answers: it ends with whoever asks, and says little.
pub(crate) fn begin() {
    end_with_the_asker();
    // One line is enough for whoever asked; where in the engine helps nobody there.
    std::panic::set_hook(Box::new(|panic| {
        let words = panic.payload_as_str().unwrap_or("no reason");
        eprintln!("a bug of the engine: {words}");
    }));
}

/// Makes sure that `asker` is there: it may have gone before this process asked to end with it.
///
/// # Errors
///
/// [`Refused`] where it is gone.
pub(crate) fn know(asker: u32) -> Result<(), Refused> {
    if parent_id() == asker { Ok(()) } else { Err(Refused("whoever asked is gone".to_owned())) }
}

/// Puts the limit on the memory of this process: `memory_max` bytes beyond its own.
///
/// # Errors
///
/// [`Refused`] where the system does not allow it.
pub(crate) fn limit(memory_max: u64) -> Result<(), Refused> {
    let most = memory_max.saturating_add(own_bytes());
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Data, limit)
        .map_err(|error| Refused(format!("cannot limit the memory of a query: {error}")))
}

/// What a process needs beyond the memory of its query, in bytes.
pub(crate) fn own_bytes() -> u64 {
    let n_cores =
        thread::available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap_or(1));
    BASE_BYTES.saturating_add(CORE_BYTES.saturating_mul(n_cores))
}

/// The form called `name`.
///
/// # Errors
///
/// [`Refused`] with those there are.
pub(crate) fn form(name: &str) -> Result<Form, Refused> {
    Form::named(name)
        .ok_or_else(|| Refused::unknown("form", name, Form::ALL.iter().map(|f| f.name())))
}

/// Makes this process end with the one of number `owner`, and give way to it; whether that is still
/// there.
pub fn belongs_to(owner: u32) -> bool {
    end_with_the_asker();
    // Those that it starts give way too. Where the system does not allow it all are alike.
    let _alike = rustix::process::nice(GIVES_WAY);
    // It may have gone before.
    parent_id() == owner
}

/// Asks the system to end this process when the one that started it ends.
fn end_with_the_asker() {
    // Elsewhere than on Linux the pipes that break end it at its next word.
    #[cfg(target_os = "linux")]
    let _unsupported =
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}
