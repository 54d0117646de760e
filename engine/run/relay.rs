//! A pump whose doors work while its lanes do: for inputs that are there already.
//!
//! Shape   while the lanes apply one batch, the thread that calls writes the outputs of the batch
//!         before and reads the batch to come.
//! Rules   what goes out, and in which order, is what [`Pump::turn`] lets out; when the source
//!         breaks, everything before the break is still written. Only the end of the outputs is
//!         late by a batch, so nobody may commit between two turns.
//! Cost    two batches in memory. On two cores a replay that writes alerts is a tenth faster, one
//!         that writes nothing no faster than the noise (benches/RUNS.md).

use crate::run::pump::Pump;
use crate::wire::{Batch, Fault, Fetched, Outgoing, Sink, Source};

/// A pump between a source and a sink that both work ahead of it or behind it.
pub struct Relay<'p, 'c> {
    pump: &'p mut Pump<'c>,
    /// The batch to come, and how it was fetched; `None` before the first.
    next: Option<Result<Fetched, Fault>>,
    batch: Batch,
    spare: Batch,
    /// What came out of the last batch.
    unsent: Vec<Outgoing>,
}

impl<'p, 'c> Relay<'p, 'c> {
    /// A relay around `pump`.
    pub fn new(pump: &'p mut Pump<'c>) -> Relay<'p, 'c> {
        let (batch, spare) = (Batch::default(), Batch::default());
        Relay { pump, next: None, batch, spare, unsent: Vec::new() }
    }

    /// The pump.
    pub fn pump(&self) -> &Pump<'c> {
        self.pump
    }

    /// Takes one batch from `source` and hands to `sink` what came of the one before; at the end
    /// of the source everything.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of either door, as of [`Pump::turn`].
    pub fn turn(&mut self, source: &mut dyn Source, sink: &mut dyn Sink) -> Result<Fetched, Fault> {
        let fetched = self.next.take().unwrap_or_else(|| fill(source, &mut self.batch));
        if fetched.is_err() || self.batch.records.is_empty() {
            let unsent = std::mem::take(&mut self.unsent);
            self.pump.send(&unsent, sink)?;
            return fetched;
        }
        let (mut unsent, spare) = (std::mem::take(&mut self.unsent), &mut self.spare);
        let (mut sent, mut next) = (Ok(()), None);
        let mut meanwhile = |source: &mut dyn Source| {
            // What was sent is given back here, too.
            let unsent = std::mem::take(&mut unsent);
            sent = if unsent.is_empty() { Ok(()) } else { sink.send(&unsent) };
            next = Some(fill(source, spare));
        };
        self.unsent = self.pump.process(&self.batch, source, Some(&mut meanwhile));
        self.next = next;
        std::mem::swap(&mut self.batch, &mut self.spare);
        sent?;
        // The end is told of once everything is sent: in the next turn, which finds no records.
        fetched.map(|fetched| if fetched == Fetched::End { Fetched::Some } else { fetched })
    }
}

/// Puts the next records of `source` into `batch` instead of those that are there.
fn fill(source: &mut dyn Source, batch: &mut Batch) -> Result<Fetched, Fault> {
    batch.clear();
    source.fill(batch)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::model::{load, shipped};
    use crate::run::Spread;
    use crate::state::rules::Publish;
    use crate::state::{Engine, Rules};
    use crate::wire::generate::{END, Flavour, Generator, Plan, Share, Shares};
    use crate::wire::{MemorySink, MemorySource, Origin};

    /// A source that breaks after so many batches.
    struct Brittle(MemorySource, usize);

    impl Source for Brittle {
        fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
            let broken = || Fault::Input("broken".to_owned());
            self.1 = self.1.checked_sub(1).ok_or_else(broken)?;
            self.0.fill(batch)
        }

        fn name(&self, origin: Origin) -> &str {
            self.0.name(origin)
        }
    }

    fn lines() -> Vec<Vec<u8>> {
        let share = Share::millionths(20_000);
        let shares = Shares { late: share, duplicates: share, garbage: share };
        let (customers, events, days) = (60, 3_000, 60);
        let flavour = Flavour::Default;
        let plan = Plan { customers, events, days, seed: 5, shares, flavour, end: END };
        let mut lines = Vec::new();
        if let Ok(mut generator) = Generator::new(&plan) {
            let mut line = Vec::new();
            while generator.next_into(&mut line).is_some() {
                lines.push(std::mem::take(&mut line));
            }
        }
        lines
    }

    /// A source that says that it ends together with its last records.
    struct Hasty(MemorySource);

    impl Source for Hasty {
        fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
            self.0.fill(batch).map(|_| Fetched::End)
        }

        fn name(&self, origin: Origin) -> &str {
            self.0.name(origin)
        }
    }

    /// What goes out of a pump with `n_lanes` lanes that `play` plays through, and how that ends.
    fn sent(
        n_lanes: usize,
        play: impl Fn(&mut Pump<'_>, &mut MemorySink) -> Result<(), Fault>,
    ) -> (Vec<Outgoing>, Option<String>) {
        let Ok(model) = load(shipped::DEFAULT, shipped::CATALOG, None) else {
            unreachable!("the shipped model is sound")
        };
        let publish = Publish::Changes { min_change: 1.0 };
        let rules = Rules { publish, n_lanes, ..Rules::plain(model) };
        let spread = NonZeroU32::MIN.saturating_add(1);
        let engine = Engine::new(rules, spread.get());
        let mut pump = Pump::new(engine, Spread::ByCustomer(spread), None);
        let mut sink = MemorySink::default();
        let ended = play(&mut pump, &mut sink);
        (sink.take(), ended.err().map(|fault| fault.to_string()))
    }

    /// Drives a relay and turns side by side; returns how they end.
    fn check<S: Source>(n_lanes: usize, source: impl Fn() -> S) -> Option<String> {
        let by_turns = sent(n_lanes, |pump, sink| {
            let mut source = source();
            while pump.turn(&mut source, sink)? != Fetched::End {}
            Ok(())
        });
        let by_relay = sent(n_lanes, |pump, sink| {
            let (mut source, mut relay) = (source(), Relay::new(pump));
            while relay.turn(&mut source, sink)? != Fetched::End {}
            Ok(())
        });
        assert!(100 < by_turns.0.len());
        assert_eq!(by_turns, by_relay, "{n_lanes} lanes");
        by_relay.1
    }

    #[test]
    fn a_relay_lets_out_what_turns_let_out_even_where_the_source_breaks() {
        let brittle = |n_batches| move || Brittle(MemorySource::new(lines(), 100), n_batches);
        assert_eq!(check(1, brittle(100)), None);
        assert_eq!(check(2, brittle(100)), None);
        assert!(check(2, brittle(7)).is_some());
        // It breaks where the end would have been.
        assert!(check(3, brittle(30)).is_some());
    }

    #[test]
    fn a_source_that_ends_with_records_is_gone_through_to_its_end() {
        assert_eq!(check(2, || Hasty(MemorySource::new(lines(), 10_000))), None);
    }
}
