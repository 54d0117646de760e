//! Scoring while others ask: how long after its time a batch of events is applied.
//!
//! Budget  at p99 a tenth longer at most while questions are asked back to back.
//! Load    `EBB_RATE` (20 000) events a second of `EBB_CUSTOMERS` (2 000) customers under the
//!         default model on one lane, a batch each 5 ms; in `EBB_SPELLS` (2) spells of
//!         `EBB_SECONDS` (1) with nobody asking and as many with two who ask without a pause, by
//!         turns, at the process that `ebb run` starts for it. It answers from snapshots of a
//!         replay, or those in `EBB_SNAPSHOTS`. A run by hand takes 100 000 customers, 20 spells
//!         of 5 seconds, and snapshots of 1 000 000.

mod asking;
mod load;
mod snapshots;
mod took;

use std::error::Error;
use std::hint::black_box;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use asking::Asking;
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
        Ok(Answering { process, door })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // It may be gone already.
        let _gone = self.process.kill();
        let _ended = self.process.wait();
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

fn main() -> Result<(), Failed> {
    memory::keep();
    let (customers, rate) = (asked("EBB_CUSTOMERS", 2_000), asked("EBB_RATE", 20_000));
    let (spells, seconds) = (asked("EBB_SPELLS", 2), asked("EBB_SECONDS", 1));
    let n = (Duration::from_secs(u64::from(seconds)).as_millis() / EVERY.as_millis()) as usize;
    let size = (rate as usize * EVERY.as_millis() as usize / 1_000).max(1);
    let first = u64::from(customers) * 20;
    let events = first + ((2 * spells as usize + 1) * n * size) as u64;
    let (Some(mut engine), Ok(mut generator)) =
        (engine(shipped::DEFAULT, 1), Generator::new(&plan(customers, events, Flavour::Default)))
    else {
        return Err("the shipped model is sound, and the plan".into());
    };
    for _ in 0..first / 1_000 {
        black_box(engine.apply(&arrivals(&lines(&mut generator, 1_000))));
    }
    let folder = tempfile::tempdir()?;
    let answering = Answering::start(&snapshots::given_or_made(folder.path())?)?;
    // Until its door is open and what it reads is at hand.
    let opening = Asking::begin(answering.door);
    black_box(spell(&mut engine, &mut generator, (n, size)));
    opening.end()?;
    let (mut without, mut with, mut n_answers) = (Vec::new(), Vec::new(), 0);
    for _ in 0..spells {
        without.extend(spell(&mut engine, &mut generator, (n, size)));
        let askers = [0; ASKERS].map(|_| Asking::begin(answering.door));
        with.extend(spell(&mut engine, &mut generator, (n, size)));
        for asker in askers {
            n_answers += asker.end()?;
        }
    }
    tell("nobody asks", &without);
    tell("two ask", &with);
    println!("{n_answers} answers");
    Ok(())
}
