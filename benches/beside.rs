//! Scoring while others ask: how long after its time a batch of events is applied.
//!
//! Budget  at p99 a tenth longer at most while questions are asked back to back.
//! Load    `EBB_RATE` (20 000) events a second of `EBB_CUSTOMERS` (2 000) customers under the
//!         default model on one lane, a batch each 5 ms; in `EBB_SPELLS` (2) spells of
//!         `EBB_SECONDS` (1) with nobody asking and as many with two who ask without a pause, by
//!         turns, at the process that `ebb run` starts for it. It answers from snapshots of a
//!         replay, or those in `EBB_SNAPSHOTS`. A run by hand takes 100 000 customers, 20 spells
//!         of 5 seconds, and snapshots of 1 000 000.

mod load;
mod took;

use std::error::Error;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ebb::model::shipped;
use ebb::run::memory;
use ebb::state::Engine;
use ebb::wire::generate::{Flavour, Generator};
use load::{arrivals, engine, lines, plan};
use took::{Took, asked, tell};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often a batch is due.
const EVERY: Duration = Duration::from_millis(5);
/// How many ask.
const ASKERS: usize = 2;
/// The longest that the doors take to open.
const OPENING_MAX: Duration = Duration::from_secs(60);
const QUESTIONS: [&str; 3] = [
    r#"{"sql": "SELECT risk_held, count(*), sum(mrr) FROM customers GROUP BY risk_held"}"#,
    r#"{"sql": "SELECT customer_id, risk FROM customers ORDER BY risk DESC LIMIT 100"}"#,
    r#"{"sql": "SELECT * FROM customers WHERE customer_id = 'c-7'"}"#,
];

type Failed = Box<dyn Error>;

/// A process that answers; it ends with this one at the latest.
struct Answering {
    process: Child,
    door: SocketAddr,
}

impl Answering {
    /// Starts it over the snapshots at `root`, as an engine does: behind it in rank.
    fn start(root: &Path) -> Result<Answering, Failed> {
        let door = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut ebb = Command::new(env!("CARGO_BIN_EXE_ebb"));
        ebb.arg("serve").arg("--snapshots").arg(root);
        ebb.args(["--http", &door.to_string(), "--owner", &std::process::id().to_string()]);
        let process = ebb.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let answering = Answering { process, door };
        let began = Instant::now();
        while !ask(door, QUESTIONS[0]) {
            if OPENING_MAX < began.elapsed() {
                return Err("nobody answers".into());
            }
            thread::sleep(EVERY);
        }
        Ok(answering)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.process.kill();
        let _ended = self.process.wait();
    }
}

/// Asks `question` at `door`; whether there was an answer.
fn ask(door: SocketAddr, question: &str) -> bool {
    let answer = TcpStream::connect(door).and_then(|mut stream| {
        write!(
            stream,
            "POST /v1/sql HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{question}",
            question.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    });
    answer.is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"))
}

/// Asks at `door` as long as `may` says so; how many answers came.
fn ask_on(door: SocketAddr, may: &AtomicBool, n_answers: &AtomicU64) {
    for question in QUESTIONS.iter().cycle() {
        if !may.load(Ordering::Relaxed) {
            break;
        }
        n_answers.fetch_add(u64::from(ask(door, question)), Ordering::Relaxed);
    }
}

/// Applies `n` batches of `size` events, each when it is due; how long after that it was done.
fn spell(engine: &mut Engine, generator: &mut Generator, (n, size): (usize, usize)) -> Vec<Took> {
    let batches: Vec<_> = (0..n).map(|_| lines(generator, size)).collect();
    let mut due = Instant::now();
    let late = batches.iter().map(|lines| {
        due += EVERY;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (applied, took) = Took::by(|| engine.apply(&arrivals(lines)));
        black_box(applied);
        Took { waited: due.elapsed(), ..took }
    });
    late.collect()
}

/// Replays a stream of `customers` into snapshots below `folder`.
fn snapshots(folder: &Path, customers: u32) -> Result<PathBuf, Failed> {
    let (root, events) = (folder.join("snapshots"), folder.join("events.jsonl"));
    let ebb = |arguments: &[&str], paths: &[&Path]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ebb"));
        let command = command.args(arguments).args(paths);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        if status.success() { Ok(()) } else { Err(Failed::from(format!("ebb: {status}"))) }
    };
    let (n, n_events) = (customers.to_string(), (3 * customers).to_string());
    ebb(&["generate", "--customers", &n, "--events", &n_events, "--out"], &[&events])?;
    ebb(&["replay", "--alerts", "/dev/null", "--snapshots"], &[&root, &events])?;
    Ok(root)
}

fn main() -> Result<(), Failed> {
    memory::keep();
    let (customers, rate) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_RATE", 20_000));
    let (spells, seconds) = (asked("EBB_SPELLS", 2), asked("EBB_SECONDS", 1));
    let n = (Duration::from_secs(u64::from(seconds)).as_millis() / EVERY.as_millis()) as usize;
    let size = (rate as usize * EVERY.as_millis() as usize / 1_000).max(1);
    let first = u64::from(customers) * 20;
    let events = first + (2 * spells as usize * n * size) as u64;
    let (Some(mut engine), Ok(mut generator)) =
        (engine(shipped::DEFAULT, 1), Generator::new(&plan(customers, events, Flavour::Default)))
    else {
        return Err("the shipped model is sound, and the plan".into());
    };
    for _ in 0..first / 1_000 {
        black_box(engine.apply(&arrivals(&lines(&mut generator, 1_000))));
    }
    let folder = tempfile::tempdir()?;
    let root = match std::env::var_os("EBB_SNAPSHOTS") {
        Some(root) => PathBuf::from(root),
        None => snapshots(folder.path(), customers)?,
    };
    let answering = Answering::start(&root)?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let n_answers = Arc::new(AtomicU64::new(0));
    for _ in 0..spells {
        without.extend(spell(&mut engine, &mut generator, (n, size)));
        let may = Arc::new(AtomicBool::new(true));
        let askers: Vec<_> = (0..ASKERS)
            .map(|_| {
                let (may, n_answers) = (Arc::clone(&may), Arc::clone(&n_answers));
                let door = answering.door;
                thread::spawn(move || ask_on(door, &may, &n_answers))
            })
            .collect();
        with.extend(spell(&mut engine, &mut generator, (n, size)));
        may.store(false, Ordering::Relaxed);
        for asker in askers {
            asker.join().map_err(|_| "whoever asks failed")?;
        }
    }
    tell("nobody asks", &without);
    tell("two ask", &with);
    println!("{} answers", n_answers.load(Ordering::Relaxed));
    Ok(())
}
