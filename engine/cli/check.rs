//! `ebb check`: settings, model, broker, topics and rights, before anything starts.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::Failure;
use crate::cli::setup::{Sources, store};
use crate::kafka::check::{Grade, check};

/// `ebb check`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// Settings file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Looks at the files only, not at the cluster
    #[arg(long)]
    offline: bool,
}

/// Runs `ebb check`.
///
/// # Errors
///
/// Exit 3 for faulty settings, model or map, 4 where the cluster is not fit for them.
pub fn run(args: &Args) -> Result<(), Failure> {
    let file = args.file.display();
    let sources = Sources { settings: Some(args.file.clone()), model: None, set: Vec::new() };
    let setup = sources.read(None)?;
    println!("ok: {file}: every setting is in range");
    let model = &setup.model;
    println!("ok: model {}, version {}", model.id, model.version);
    if let Some(map) = &setup.map {
        println!("ok: map {}, version {}", map.id, map.version);
    }
    let store = store(&setup.settings)?;
    let n_saved = store.list()?.len();
    let noun = if n_saved == 1 { "checkpoint" } else { "checkpoints" };
    println!("ok: checkpoint.folder {}: {n_saved} {noun}", store.place());
    if args.offline {
        return Ok(());
    }
    let findings = check(&setup.settings);
    for finding in &findings {
        println!("{finding}");
    }
    let n_bad = findings.iter().filter(|finding| finding.grade == Grade::Bad).count();
    match n_bad {
        0 => Ok(()),
        1 => Err(Failure::broker("1 finding stands in the way; it is marked bad above")),
        _ => Err(Failure::broker(format!(
            "{n_bad} findings stand in the way; they are marked bad above"
        ))),
    }
}
