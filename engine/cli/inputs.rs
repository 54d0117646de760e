//! What `replay` and `explain` share: the same inputs through the same pump.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::journal::read as read_journal;
use crate::cli::setup::{Setup, Sources};
use crate::cli::{Failure, is_watched};
use crate::run::counts::thousands;
use crate::run::{Pump, Relay, Spread, Witness};
use crate::state::Engine;
use crate::state::rules::Publish;
use crate::unit::{EventTime, limit};
use crate::wire::files::FileSource;
use crate::wire::{Fetched, Sink};

/// Which inputs, and by which rules.
#[derive(Args, Clone, Debug)]
pub struct Inputs {
    #[command(flatten)]
    sources: Sources,
    /// Map that turns a platform's own rows into events: a path, or the name of a shipped one
    /// (socialnet7, ravenstack)
    #[arg(long, value_name = "MAP")]
    map: Option<String>,
    /// Where time goes on to after the last event, such as 2026-12-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<EventTime>,
    /// Over how many partitions customers are spread, each with its own time
    #[arg(long, value_name = "N", default_value = "1", value_parser = parse_partitions)]
    partitions: NonZeroU32,
    /// Folder that `ebb journal` wrote: takes the road that a running engine took, whose wall
    /// clock had a say
    #[arg(long, value_name = "DIR")]
    clock_journal: Option<PathBuf>,
    /// Files of events (.jsonl or, by a map, .csv; also .gz and .zst), `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn parse_time(text: &str) -> Result<EventTime, String> {
    EventTime::parse(text).map_err(|fault| fault.to_string())
}

fn parse_partitions(text: &str) -> Result<NonZeroU32, String> {
    let wanted = || format!("wanted a whole number from 1 to {}", limit::PARTITIONS_MAX);
    let number: NonZeroU32 = text.parse().map_err(|_| wanted())?;
    if limit::PARTITIONS_MAX < number.get() { Err(wanted()) } else { Ok(number) }
}

/// A replay that went through.
pub struct Played {
    /// The pump, with engine and counters.
    pub pump: Pump<'static>,
    /// What it was set up with.
    pub setup: Setup,
}

impl Played {
    /// A line where the journal speaks of events that did not come; else nothing.
    pub fn doubt(&self) -> String {
        let journal = self.pump.journal().filter(|journal| 0 < journal.n_left());
        journal.map_or(String::new(), |journal| {
            format!(
                "note: {} of the journal's {} notes on events found none, so this may be another \
                 road than the engine took; wanted one file, or one for each partition, with all \
                 that the group has read: repeated events too, those refused as wrong_key not\n",
                thousands(journal.n_left() as u64),
                thousands(journal.n_notes() as u64)
            )
        })
    }
}

impl Inputs {
    /// Over how many partitions customers are spread.
    pub fn partitions(&self) -> NonZeroU32 {
        self.partitions
    }

    /// The paths of the inputs.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Replays the inputs into the sink that `open` opens once rules and inputs are there; scores
    /// are published where `scores` says so, and `witness`, if there is one, sees what is applied.
    ///
    /// # Errors
    ///
    /// Exit 3 for faulty rules, 1 for an input that broke or an output that cannot be written.
    pub fn play<S: Sink>(
        &self,
        scores: Scores,
        witness: Option<Box<dyn Witness>>,
        open: impl FnOnce(&FileSource, &Setup) -> Result<S, Failure>,
    ) -> Result<(Played, S), Failure> {
        let setup = self.sources.read(self.map.as_deref())?;
        let mut source = FileSource::open(&self.files, setup.map.as_ref())?;
        let mut sink = open(&source, &setup)?;
        let publish = match scores {
            Scores::Wanted => setup.publish(),
            Scores::Unwanted => Publish::Never,
        };
        let engine = Engine::new(setup.rules(publish, None), self.partitions.get());
        let mut pump = Pump::new(engine, Spread::ByCustomer(self.partitions), None);
        let journal =
            self.clock_journal.as_deref().map(|folder| read_journal(folder, self.partitions));
        let journal = journal.transpose()?.unwrap_or_default();
        let ends: Vec<(u32, EventTime)> = journal.ends().collect();
        pump.follow(journal);
        if let Some(witness) = witness {
            pump.watch(witness);
        }
        let bar = bar(source.progress().1);
        let mut turns = || -> Result<(), Failure> {
            let mut relay = Relay::new(&mut pump);
            while relay.turn(&mut source, &mut sink)? != Fetched::End {
                bar.set_position(source.progress().0);
                bar.set_message(format!("{} events", relay.pump().counts().read));
            }
            for (partition, end) in &ends {
                pump.advance(*partition, *end, &mut sink)?;
            }
            for partition in 0..self.partitions.get() {
                if let Some(until) = self.until {
                    pump.advance(partition, until, &mut sink)?;
                }
            }
            Ok(sink.settle()?)
        };
        let done = turns();
        bar.finish_and_clear();
        done.map(|()| (Played { pump, setup }, sink))
    }
}

/// Whether anyone reads the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Somebody does.
    Wanted,
    /// Nobody does.
    Unwanted,
}

/// A bar over `total` bytes of input, or a spinner where their number is not known.
fn bar(total: u64) -> ProgressBar {
    if !is_watched() {
        return ProgressBar::hidden();
    }
    let (bar, template) = if total == 0 {
        (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}")
    } else {
        (ProgressBar::new(total), "{wide_bar} {percent:>3} %  {msg}  {eta} left")
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
