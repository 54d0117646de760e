//! `ebb replay`: files in, alerts and scores out, on the events' own time.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args as ClapArgs;

use crate::cli::inputs::{Inputs, Played, Scores};
use crate::cli::setup::Setup;
use crate::cli::snapshot::{Days, KeepingSink};
use crate::cli::{Failure, customers};
use crate::run::counts::{per_second, thousands};
use crate::wire::{FileSink, FileSource, Outputs, check_paths};

/// `ebb replay`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Where alerts go, one JSON object a line; `-` for standard output
    #[arg(long, value_name = "OUT.jsonl")]
    alerts: Option<PathBuf>,
    /// Where scores go whenever they changed, one JSON object a line
    #[arg(long, value_name = "OUT.jsonl")]
    scores: Option<PathBuf>,
    /// Where records go that are no events, with the reason
    #[arg(long, value_name = "OUT.jsonl")]
    rejects: Option<PathBuf>,
    /// Where every customer's last state goes, one row each
    #[arg(long, value_name = "OUT.csv")]
    customers: Option<PathBuf>,
    /// Folder that gets a snapshot of everything at the end, for `ebb sql`
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
}

/// Runs `ebb replay`.
///
/// # Errors
///
/// Exit 1, 2 or 3; the outputs then keep their `.part` names.
pub fn run(args: &Args) -> Result<(), Failure> {
    let begun = Instant::now();
    let named = [
        ("--alerts", &args.alerts),
        ("--scores", &args.scores),
        ("--rejects", &args.rejects),
        ("--customers", &args.customers),
    ];
    let named: Vec<(&str, &Path)> =
        named.into_iter().filter_map(|(name, path)| Some((name, path.as_deref()?))).collect();
    check_paths(args.inputs.files(), &named)?;
    let outputs = Outputs {
        alerts: args.alerts.as_deref(),
        scores: args.scores.as_deref(),
        rejects: args.rejects.as_deref(),
    };
    let wanted = args.scores.is_some() || args.snapshots.is_some();
    let scores = if wanted { Scores::Wanted } else { Scores::Unwanted };
    let root = args.snapshots.as_deref();
    let days = Days::default();
    let open = |source: &FileSource, setup: &Setup| {
        let files = FileSink::create(outputs, source.names())?;
        KeepingSink::new(files, root, &setup.model, args.inputs.partitions())
    };
    let witness = root.map(|_| days.witness());
    let (played, sink) = args.inputs.play(scores, witness, open)?;
    if let Some(path) = &args.customers {
        customers::write(path, played.pump.engine())?;
    }
    let snapshot = sink.finish(&played.pump, &days)?;
    eprint!("{}", summary(&played, begun));
    if let (Some(id), Some(root)) = (snapshot, root) {
        eprintln!("snapshot {id} in {}", root.display());
    }
    Ok(())
}

/// What was read, done and said.
fn summary(played: &Played, begun: Instant) -> String {
    let (counts, engine) = (played.pump.counts(), played.pump.engine());
    let mut text = counts.to_string();
    let n_customers: usize =
        (0..engine.n_partitions()).map(|number| engine.customers(number).count()).sum();
    let n_customers = u64::try_from(n_customers).unwrap_or(u64::MAX);
    text += &format!("  {:<10} {:>13}\n", "customers", thousands(n_customers));
    let millis = begun.elapsed().as_millis();
    let rate = per_second(counts.read, millis);
    text += &format!("  {:<10} {:>13}  (in {millis} ms)\n", "events/s", thousands(rate));
    if let Some(map) = &played.setup.map {
        let missing: Vec<&str> = map
            .sources
            .iter()
            .filter(|(kind, _)| !counts.came(*kind))
            .map(|(kind, _)| kind.name())
            .collect();
        if !missing.is_empty() {
            text += &format!("listed as sources, but none came: {}\n", missing.join(", "));
        }
    }
    if let Some(jump) = &counts.jump {
        text += &format!(
            "note: {} moved the time from {} to {} in one step; a wrong clock there would make \
             everything after it late\n",
            jump.place, jump.from, jump.to
        );
    }
    text + &played.doubt()
}
