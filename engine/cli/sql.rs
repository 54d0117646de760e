//! `ebb sql`: questions about all customers, over snapshots.

pub mod shell;
pub mod words;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;

use crate::cli::Failure;
use crate::query::raw::Question;
use crate::query::{Form, process};
use crate::unit::Span;
use crate::wire::OutFile;

/// `ebb sql`.
#[derive(ClapArgs, Clone, Debug)]
pub struct Args {
    /// Folder of snapshots, as `ebb replay --snapshots` writes it
    #[arg(long, value_name = "DIR")]
    pub snapshots: PathBuf,
    /// As of when: a time such as 2026-11-21T10:00:00Z, or the id of a snapshot; the newest if
    /// not said
    #[arg(long, value_name = "TIME|SNAPSHOT")]
    pub as_of: Option<String>,
    /// Form of the answer
    #[arg(long, value_name = "FORM", default_value = "table", value_parser = forms())]
    pub format: String,
    /// Where the answer goes; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    limits: Limits,
    /// One SELECT; if it is not given, from standard input, or in a shell where that is a terminal
    #[arg(value_name = "STATEMENT")]
    statement: Option<String>,
}

/// How much a query may take. What it goes beyond is named when it is stopped.
#[derive(ClapArgs, Clone, Debug)]
struct Limits {
    /// Longest time of a query
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = parse_time)]
    time_max: Duration,
    /// Most memory of a query
    #[arg(long, value_name = "BYTES", default_value = "1GiB", value_parser = parse_bytes)]
    memory_max: u64,
    /// Most rows of an answer
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows_max: u64,
    /// Longest statement
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = parse_bytes)]
    statement_max: u64,
    /// Most operators and commas in a statement: the time of planning grows with their square
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    operators_max: u64,
}

fn forms() -> PossibleValuesParser {
    PossibleValuesParser::new(Form::ALL.map(Form::name))
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let span = Span::parse(text).filter(|span| Span::ZERO < *span && *span <= Span::days(1));
    let millis = span.and_then(|span| u64::try_from(span.as_millis()).ok());
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| "wanted a span up to 24h, such as 500ms or 2m".to_owned())
}

fn parse_bytes(text: &str) -> Result<u64, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(at);
    let shift = match unit {
        "" | "B" => Some(0),
        "KiB" => Some(10),
        "MiB" => Some(20),
        "GiB" => Some(30),
        _ => None,
    };
    let number: Option<u64> = digits.parse().ok().filter(|number| (1..1 << 34).contains(number));
    match (number, shift) {
        (Some(number), Some(shift)) => Ok(number << shift),
        _ => Err("wanted a size such as 64KiB, 512MiB or 1GiB".to_owned()),
    }
}

impl Args {
    /// The question that `statement` is.
    fn question(&self, statement: &str) -> Question {
        Question {
            asker: std::process::id(),
            snapshots: self.snapshots.display().to_string(),
            as_of: self.as_of.clone(),
            statement: statement.to_owned(),
            format: self.format.clone(),
            rows_max: self.limits.rows_max,
            memory_max: self.limits.memory_max,
            statement_max: self.limits.statement_max,
            operators_max: self.limits.operators_max,
        }
    }
}

/// Runs `ebb sql`.
///
/// # Errors
///
/// Exit 1 where the statement is refused or stopped, 2 where the form does not fit a terminal.
pub fn run(args: &Args) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    let statement = match &args.statement {
        Some(statement) => statement.clone(),
        None if stdin.is_terminal() => return shell::run(args),
        None => read_statement(stdin.lock())?,
    };
    let form = Form::named(&args.format).unwrap_or(Form::Table);
    let is_terminal = args.out.as_os_str() == "-" && std::io::stdout().is_terminal();
    if form.is_binary() && is_terminal {
        return Err(Failure::usage(format!(
            "cannot start: --format {} on a terminal; wanted --out FILE, or a pipe",
            form.name()
        )));
    }
    let mut out = OutFile::create(&args.out)?;
    process::ask(&args.question(&statement), args.limits.time_max, &mut out)
        .map_err(|refused| Failure::failed(refused.to_string()))?;
    Ok(out.finish()?)
}

/// The statement on standard input.
fn read_statement(mut stdin: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    stdin
        .read_to_string(&mut text)
        .map_err(|error| Failure::failed(format!("cannot read standard input: {error}")))?;
    Ok(text)
}

/// Runs the hidden command that answers one question: from standard input to standard output.
///
/// # Errors
///
/// Exit 1 with the reason as the whole of what is said.
pub fn answer() -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout());
    process::answer(&mut std::io::stdin().lock(), &mut out)
        .map_err(|refused| Failure::failed(refused.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_with_their_units() {
        assert_eq!(parse_bytes("64KiB"), Ok(64 << 10));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert_eq!(parse_bytes("7"), Ok(7));
        for wrong in ["", "KiB", "0", "1GB", "1 GiB", "-1", "99999999999999999999"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "0", "25h", "30"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
