//! `ebb sql`: questions about all customers, over snapshots.

pub mod shell;
pub mod words;

use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::PossibleValuesParser;

use crate::cli::Failure;
use crate::cli::setup::settings;
use crate::query::attend::attend;
use crate::query::desk::with_room;
use crate::query::raw::Question;
use crate::query::{Form, Refused, process};
use crate::run::settings::SqlRules;
use crate::unit::{Size, Span};
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
    /// Settings file, whose table sql holds the limits that are not given here
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Longest time of a query [sql.time_max, as shipped 30s]
    #[arg(long, value_name = "SPAN", value_parser = parse_time)]
    time_max: Option<Duration>,
    /// Most memory of a query [sql.memory_max, as shipped 1GiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    memory_max: Option<Size>,
    /// Most rows of an answer [sql.rows_max, as shipped 1000000]
    #[arg(long, value_name = "N")]
    rows_max: Option<u64>,
    /// Longest statement [sql.statement_max, as shipped 64KiB]
    #[arg(long, value_name = "BYTES", value_parser = parse_size)]
    statement_max: Option<Size>,
    /// Most operators and commas in a statement: the time of planning grows with their square
    /// [sql.operators_max, as shipped 1000]
    #[arg(long, value_name = "N")]
    operators_max: Option<u64>,
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

fn parse_size(text: &str) -> Result<Size, String> {
    Size::parse(text).ok_or_else(|| "wanted a size such as 64KiB, 512MiB or 1GiB".to_owned())
}

/// `ebb sql` with everything that it goes by.
#[derive(Clone, Debug)]
pub struct Asker {
    /// What was said.
    pub args: Args,
    /// What queries may take.
    pub rules: SqlRules,
}

impl Asker {
    /// Reads the settings; what was said lies over them.
    ///
    /// # Errors
    ///
    /// Exit 3 with every fault of the settings.
    pub fn new(args: &Args) -> Result<Asker, Failure> {
        let limits = &args.limits;
        let mut rules = settings(limits.settings.as_deref(), Vec::new())?.sql;
        rules.memory_max = limits.memory_max.unwrap_or(rules.memory_max);
        rules.rows_max = limits.rows_max.unwrap_or(rules.rows_max);
        rules.statement_max = limits.statement_max.unwrap_or(rules.statement_max);
        rules.operators_max = limits.operators_max.unwrap_or(rules.operators_max);
        Ok(Asker { args: args.clone(), rules })
    }

    /// Asks `statement` and copies the answer into `out`.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the reason; what is out then is not whole.
    pub fn ask(&self, statement: &str, out: &mut (dyn Write + Send)) -> Result<(), Refused> {
        let question = Question {
            asker: std::process::id(),
            snapshots: self.args.snapshots.display().to_string(),
            as_of: self.args.as_of.clone(),
            statement: statement.to_owned(),
            format: self.args.format.clone(),
            rows_max: self.rules.rows_max,
            memory_max: self.rules.memory_max.as_bytes(),
            statement_max: self.rules.statement_max.as_bytes(),
            operators_max: self.rules.operators_max,
        };
        let time_max = self.args.limits.time_max;
        process::ask(&question, time_max.unwrap_or_else(|| duration(self.rules.time_max)), out)
    }
}

/// `span` as the system counts.
pub fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(0))
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
        None if stdin.is_terminal() => return shell::run(Asker::new(args)?),
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
    let asker = Asker::new(args)?;
    let mut out = OutFile::create(&args.out)?;
    asker.ask(&statement, &mut out).map_err(|refused| Failure::failed(refused.to_string()))?;
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

/// The hidden command that answers.
#[derive(ClapArgs, Clone, Copy, Debug)]
pub struct AnswerArgs {
    /// One question after another, instead of one
    #[arg(long)]
    many: bool,
}

/// Runs the hidden command that answers: from standard input to standard output.
///
/// # Errors
///
/// Exit 1 with the reason as the whole of what is said.
pub fn answer(args: AnswerArgs) -> Result<(), Failure> {
    let answered = with_room(|| {
        let mut out = std::io::BufWriter::new(std::io::stdout());
        let from = &mut std::io::stdin().lock();
        if args.many { attend(from, &mut out) } else { process::answer(from, &mut out) }
    });
    answered.map_err(|refused| Failure::failed(refused.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        assert_eq!(parse_time("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "0", "25h", "30"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }
}
