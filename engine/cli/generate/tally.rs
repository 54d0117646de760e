//! What `ebb generate` has written so far, and the line that says so.

use std::time::Instant;

use super::Args;
use crate::run::counts::{per_second, thousands};
use crate::wire::generate::{Line, Sort};

/// What was written.
#[derive(Debug)]
pub(super) struct Tally {
    /// Lines written so far.
    pub lines: u64,
    bytes: u64,
    late: u64,
    duplicates: u64,
    garbage: u64,
    /// One bit a customer.
    seen: Vec<u64>,
    since: Instant,
}

impl Tally {
    /// Nothing yet of the stream that `args` describe.
    pub(super) fn new(args: &Args) -> Tally {
        let words = args.customers as usize / 64 + 1;
        let (lines, bytes, late, duplicates, garbage) = (0, 0, 0, 0, 0);
        let seen = vec![0; words];
        Tally { lines, bytes, late, duplicates, garbage, seen, since: Instant::now() }
    }

    /// Counts one line of `n_bytes`.
    pub(super) fn count(&mut self, line: &Line, n_bytes: usize) {
        self.lines += 1;
        self.bytes += n_bytes as u64;
        match line.sort {
            Sort::Fresh => {}
            Sort::Late => self.late += 1,
            Sort::Duplicate => self.duplicates += 1,
            Sort::Garbage => self.garbage += 1,
        }
        if let Some(word) = self.seen.get_mut(line.customer as usize / 64) {
            *word |= 1 << (line.customer % 64);
        }
    }
}

/// Says on standard error what was done, how much of what, and how fast.
pub(super) fn report(what: &str, tally: &Tally) {
    let customers: u64 = tally.seen.iter().map(|word| u64::from(word.count_ones())).sum();
    let rate = per_second(tally.lines, tally.since.elapsed().as_millis());
    let mut text = format!(
        "{what}: {} events, {} customers, {} bytes, {} events/s",
        thousands(tally.lines),
        thousands(customers),
        thousands(tally.bytes),
        thousands(rate),
    );
    for (n_lines, sort) in
        [(tally.late, "late"), (tally.duplicates, "duplicate"), (tally.garbage, "garbage")]
    {
        if n_lines != 0 {
            text.push_str(&format!(", {} {sort}", thousands(n_lines)));
        }
    }
    eprintln!("{text}");
}
