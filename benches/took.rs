//! What something took, and how that is told.

use std::fs;
use std::time::{Duration, Instant};

/// The whole number in the environment under `name`.
pub(crate) fn asked(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What something took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// By the clock on the wall.
    pub(crate) waited: Duration,
    /// On the cores.
    pub(crate) worked: Duration,
}

impl Took {
    /// What `work` gives, and what it took.
    pub(crate) fn by<R>(work: impl FnOnce() -> R) -> (R, Took) {
        let before = cpu();
        let began = Instant::now();
        let result = work();
        let waited = began.elapsed();
        (result, Took { waited, worked: cpu().saturating_sub(before) })
    }
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Took) {
        self.waited += other.waited;
        self.worked += other.worked;
    }
}

/// Says how `all` are spread.
pub(crate) fn tell(what: &str, all: &[Took]) {
    println!("{what:15} {:10}         waited       on the cores", all.len());
    let sorted = |of: fn(&Took) -> Duration| {
        let mut times: Vec<Duration> = all.iter().map(of).collect();
        times.sort();
        times
    };
    let (waited, worked) = (sorted(|took| took.waited), sorted(|took| took.worked));
    for (name, permille) in [("p50", 500), ("p99", 990), ("p99.9", 999), ("max", 1_000)] {
        let at = all.len().saturating_sub(1) * permille / 1_000;
        let of = |times: &[Duration]| millis(times.get(at).copied().unwrap_or_default());
        println!("  {name:13} {:23.3} ms {:12.3} ms", of(&waited), of(&worked));
    }
}

/// The time that this process was on a core so far, all its threads together: what a busy machine
/// does not lengthen. Zero where Linux does not tell it.
fn cpu() -> Duration {
    // Linux counts a thread's time when the thread stops, and else only four milliseconds apart.
    std::thread::yield_now();
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanos = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// `time` in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
