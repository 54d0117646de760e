//! How much was judged and kept back: what a lane tells the meters.

/// What was judged and kept back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    /// How often time alone brought a judging about.
    pub n_timers: u64,
    /// By a cooldown.
    pub n_suppressed: u64,
    /// By a snooze.
    pub n_snoozed: u64,
}

impl Tally {
    /// Adds what `other` counted.
    pub fn add(&mut self, other: Tally) {
        self.n_timers += other.n_timers;
        self.n_suppressed += other.n_suppressed;
        self.n_snoozed += other.n_snoozed;
    }
}
