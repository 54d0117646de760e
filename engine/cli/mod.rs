//! Roof: arguments, wiring, exit codes.

pub mod check;
pub mod checkpoint;
pub mod customers;
pub mod demo;
pub mod erase;
pub mod explain;
pub mod failure;
pub mod generate;
pub mod inputs;
pub mod journal;
pub mod model;
pub mod packed;
pub mod replay;
pub mod run;
pub mod serve;
pub mod setup;
pub mod snapshot;
pub mod sql;
pub mod story;
pub mod table;
pub mod warden;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::run::memory;

pub use failure::Failure;

/// Scores every customer's risk of leaving on every event, and rings at the exact moment a score
/// crosses a line.
#[derive(Parser, Debug)]
#[command(name = "ebb", version, arg_required_else_help = true, max_term_width = 100)]
struct Ebb {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Generated customers live at an accelerated clock, and alerts ring: no broker, no files
    Demo(demo::Args),
    /// Files in, alerts and scores out, on the events' own time
    Replay(replay::Args),
    /// Events in from a topic, alerts, scores and rejects out to topics
    Run(run::Args),
    /// Whether settings, model, broker and topics are fit to start
    Check(check::Args),
    /// A seeded, realistic stream of customer events
    Generate(generate::Args),
    /// Why one customer's scores are what they are, and what comes next
    Explain(explain::Args),
    /// Forgets one customer everywhere, and shows what is gone and what remains until when
    Erase(erase::Args),
    /// What the wall clock did to a group's events, as files for `replay --clock-journal`
    Journal(journal::Args),
    /// What is saved, whether a start can rely on it, and what stands in it
    Checkpoint(checkpoint::Args),
    /// Questions about all customers, over snapshots
    Sql(sql::Args),
    /// SQL over snapshots for other programs: HTTP, the wire of PostgreSQL, Arrow Flight SQL
    Serve(serve::Args),
    /// Answers one question for `ebb sql`, or many for `ebb serve`
    #[command(hide = true)]
    Answer(sql::AnswerArgs),
    /// Check, show or compare models
    Model(model::Args),
    /// A shell's completions, on standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    let ebb = Ebb::parse();
    // Before there is another thread.
    if matches!(ebb.command, Command::Demo(_) | Command::Replay(_) | Command::Run(_)) {
        memory::keep();
    }
    log();
    let done = match ebb.command {
        Command::Demo(args) => demo::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Journal(args) => journal::run(&args),
        Command::Checkpoint(args) => checkpoint::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Answer(args) => return answer(args),
        Command::Model(args) => model::run(&args, &mut std::io::stdout()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Ebb::command(), "ebb", &mut std::io::stdout());
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.exit)
        }
    }
}

/// Answers; what is said on failure is for whoever asked, who says it to people.
fn answer(args: sql::AnswerArgs) -> ExitCode {
    match sql::answer(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit)
        }
    }
}

/// Log lines go to standard error; EBB_LOG says how many, as `info` or `ebb=debug`.
fn log() {
    let wanted = tracing_subscriber::EnvFilter::try_from_env("EBB_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(wanted.unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(is_watched())
        .with_target(false)
        .init();
}

/// Whether standard error is a terminal: progress bars and colours are for people.
fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}
