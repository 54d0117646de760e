//! `ebb generate`: a seeded, realistic stream of events, into a file, a pipe or a topic.
//!
//! Rules   a file is written as `OUT.part` and renamed when it is whole; a reader who hangs up
//!         ends the work quietly.
//! Errors  exit 2 for a plan that cannot be, 1 for an output that cannot be written.

mod tally;

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use tally::{Tally, report};

use super::Failure;
use super::packed::PackedFile;
use super::setup;
use crate::kafka::Producer;
use crate::kafka::produce::{Pace, Parcel};
use crate::run::counts::thousands;
use crate::unit::EventTime;
use crate::wire::Fault;
use crate::wire::generate::{CUSTOMERS_MAX, END, Flavour, Generator, Plan, Share, Shares};

/// Bytes gathered before they are written.
const CHUNK_BYTES: usize = 1 << 18;

/// `ebb generate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "The same arguments give the same bytes. Lines come in order of time; \
--late, --duplicates and --garbage add disorder.

Examples:
  ebb generate --out events.jsonl
  ebb generate --customers 100k --events 5M --late 0.02 --out events.jsonl.zst
  ebb generate --events 100k | ebb replay --alerts alerts.jsonl -
  ebb generate --brokers localhost:9092 --topic customer-events

For customers with 100 live events each under the bench model, ask for 100 events a customer
within 14 days: --model bench --customers 100k --events 10M --days 14")]
pub struct Args {
    /// How many customers
    #[arg(long, value_name = "N", default_value = "1000", value_parser = parse_customers)]
    pub customers: u32,
    /// How many lines in total, repeated and broken ones included; 5M and 500k are understood
    #[arg(long, value_name = "M", default_value = "500k", value_parser = parse_count)]
    pub events: u64,
    /// How many days of event time
    #[arg(long, value_name = "D", default_value_t = 120)]
    pub days: u32,
    /// What tells this stream from others
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// What kind of customers: `default` tells stories with every type of event, `bench` has the
    /// eight types of the bench job
    #[arg(long, value_name = "MODEL", value_enum, default_value_t = ModelName::Default)]
    pub model: ModelName,
    /// The moment at which the stream ends, RFC 3339
    #[arg(long, value_name = "TIME", default_value_t = END, value_parser = parse_time)]
    pub end: EventTime,
    /// Share of the events that come late, by minutes to weeks: 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    pub late: Share,
    /// Share of the lines that repeat an earlier one: 0 to 0.5
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    pub duplicates: Share,
    /// Share of the lines that are no event at all: 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    pub garbage: Share,
    /// Where to write: a file (.gz and .zst are compressed), or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub out: PathBuf,
    /// Brokers to send to instead of a file, host:port, several with commas
    #[arg(long, value_name = "HOST:PORT", requires = "topic", conflicts_with = "out")]
    pub brokers: Option<String>,
    /// The topic to send to, keyed by customer
    #[arg(long, value_name = "TOPIC", requires = "brokers")]
    pub topic: Option<String>,
    /// Settings file whose [kafka.properties] say how to reach the brokers
    #[arg(long, value_name = "FILE", requires = "brokers")]
    pub settings: Option<PathBuf>,
}

/// The kinds of customers by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ModelName {
    /// Stories, every type of event.
    Default,
    /// The bench job's mix.
    Bench,
}

/// Reads a whole number: `5000000`, `5_000_000`, `5M`, `500k`.
fn parse_count(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1_000_000),
            None => (text, 1),
        },
    };
    let digits = digits.replace('_', "");
    let number: Option<u64> = digits.parse().ok();
    number
        .filter(|_| !digits.starts_with('+'))
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| "wanted a whole number such as 5000000, 5_000_000, 500k or 5M".to_owned())
}

fn parse_customers(text: &str) -> Result<u32, String> {
    u32::try_from(parse_count(text)?)
        .map_err(|_| format!("wanted at most {} customers", thousands(u64::from(CUSTOMERS_MAX))))
}

fn parse_share(text: &str) -> Result<Share, String> {
    Share::parse(text).ok_or_else(|| "wanted a share from 0 to 1 such as 0.05".to_owned())
}

fn parse_time(text: &str) -> Result<EventTime, String> {
    EventTime::parse(text).map_err(|fault| fault.to_string())
}

impl Args {
    /// The plan that these arguments describe.
    pub fn plan(&self) -> Plan {
        Plan {
            customers: self.customers,
            events: self.events,
            days: self.days,
            seed: self.seed,
            shares: Shares { late: self.late, duplicates: self.duplicates, garbage: self.garbage },
            flavour: match self.model {
                ModelName::Default => Flavour::Default,
                ModelName::Bench => Flavour::Bench,
            },
            end: self.end,
        }
    }
}

/// Writes the stream to `--out`, or sends it to `--topic`.
///
/// # Errors
///
/// A [`Failure`] of exit 2 where the plan cannot be carried out, of exit 1 where the output
/// cannot be written (what was written then stays in `OUT.part`), of exit 3 for faulty settings
/// and 4 where the broker stays away.
pub fn run(args: &Args) -> Result<(), Failure> {
    if let (Some(brokers), Some(topic)) = (&args.brokers, &args.topic) {
        return to_topic(args, brokers, topic);
    }
    let generator = open(args)?;
    if args.out.as_os_str() == "-" {
        let mut stdout = io::stdout().lock();
        pour(generator, Tally::new(args), &ProgressBar::hidden(), |chunk| {
            pipe(&mut stdout, chunk)
        })?;
        return quiet(stdout.flush());
    }
    let mut file = PackedFile::create(&args.out)?;
    let bar = progress_bar(args.events);
    let tally = pour(generator, Tally::new(args), &bar, |chunk| {
        file.write_all(chunk)?;
        Ok(ControlFlow::Continue(()))
    })?;
    file.finish()?;
    bar.finish_and_clear();
    report(&format!("wrote {}", args.out.display()), &tally);
    Ok(())
}

/// Sends the stream to `topic` of the cluster that `brokers` names.
fn to_topic(args: &Args, brokers: &str, topic: &str) -> Result<(), Failure> {
    let generator = open(args)?;
    let flags = vec![format!("kafka.brokers={brokers}")];
    let settings = setup::settings(args.settings.as_deref(), flags)?;
    let mut producer = Producer::new(&settings.kafka, settings.retry, Pace::Bulk)?;
    // A topic that is not there is found before a record is on its way.
    producer.partitions(topic)?;
    let tally = send_all(args, generator, |key, value| {
        let (key, value) = (Some(key), Some(value));
        producer.send(&Parcel { topic, partition: None, key, value, headers: &[] })
    })?;
    producer.settle()?;
    report(&format!("sent to {topic}"), &tally);
    Ok(())
}

/// Gives the stream to `send` record by record, key first.
fn send_all(
    args: &Args,
    mut generator: Generator,
    mut send: impl FnMut(&[u8], &[u8]) -> Result<(), Fault>,
) -> Result<Tally, Failure> {
    let bar = progress_bar(args.events);
    let mut tally = Tally::new(args);
    let (mut key, mut bytes) = (Vec::new(), Vec::new());
    while let Some(line) = generator.next_into(&mut bytes) {
        line.key_into(&mut key);
        send(&key, &bytes)?;
        tally.count(&line, bytes.len());
        if tally.lines.is_multiple_of(4_096) {
            bar.set_position(tally.lines);
        }
        key.clear();
        bytes.clear();
    }
    bar.finish_and_clear();
    Ok(tally)
}

fn open(args: &Args) -> Result<Generator, Failure> {
    Generator::new(&args.plan())
        .map_err(|fault| Failure::usage(format!("cannot generate: {fault}")))
}

/// Gives the stream to `write` in chunks of whole lines, until it says to stop.
fn pour(
    mut generator: Generator,
    mut tally: Tally,
    bar: &ProgressBar,
    mut write: impl FnMut(&[u8]) -> Result<ControlFlow<()>, Failure>,
) -> Result<Tally, Failure> {
    let mut chunk = Vec::with_capacity(CHUNK_BYTES + (1 << 12));
    loop {
        let from = chunk.len();
        let line = generator.next_into(&mut chunk);
        if let Some(line) = &line {
            chunk.push(b'\n');
            tally.count(line, chunk.len() - from);
        }
        if line.is_none() || CHUNK_BYTES <= chunk.len() {
            let flow = write(&chunk)?;
            chunk.clear();
            bar.set_position(tally.lines);
            if line.is_none() || flow.is_break() {
                return Ok(tally);
            }
        }
    }
}

/// Writes to a pipe; a reader who has hung up is no fault.
fn pipe(stdout: &mut impl Write, chunk: &[u8]) -> Result<ControlFlow<()>, Failure> {
    match stdout.write_all(chunk) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(fault) => Err(Failure::failed(format!("cannot write: standard output: {fault}"))),
    }
}

fn quiet(flushed: io::Result<()>) -> Result<(), Failure> {
    match flushed {
        Err(fault) if fault.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write: standard output: {fault}")))
        }
        _ => Ok(()),
    }
}

fn progress_bar(n_lines: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(n_lines), ProgressDrawTarget::stderr());
    let form = "{bar:32.cyan/blue} {percent:>3} %  {human_pos} events  {per_sec}  {eta} left";
    match ProgressStyle::with_template(form) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use std::fs;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        let words = ["generate"].into_iter().chain(line.split_whitespace());
        Command::try_parse_from(words).unwrap().args
    }

    #[test]
    fn counts_are_read_with_their_units() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("5_000", Some(5_000)),
            ("500k", Some(500_000)),
            ("5M", Some(5_000_000)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("+1", None),
            ("1.5M", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse_count(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn a_file_holds_as_many_lines_as_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("events.jsonl");
        let line = format!("--customers 50 --events 2k --garbage 0.1 --out {}", out.display());
        run(&args(&line)).unwrap();
        let bytes = fs::read(&out).unwrap();
        assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 2_000);
        assert_eq!(bytes.last(), Some(&b'\n'));
    }

    #[test]
    fn a_record_of_a_topic_has_its_customer_as_key() {
        let args = args("--customers 20 --events 1000 --brokers b:9092 --topic t");
        let mut sent = 0;
        let tally = send_all(&args, open(&args).unwrap(), |key, line| {
            sent += 1;
            let object: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert_eq!(object["customer_id"].as_str().unwrap().as_bytes(), key);
            Ok(())
        });
        assert_eq!((sent, tally.unwrap().lines), (1_000, 1_000));
    }

    #[test]
    fn an_impossible_plan_is_a_fault_of_usage() {
        let failure = run(&args("--events 10 --duplicates 0.6 --out never")).unwrap_err();
        assert_eq!(failure.exit, 2);
        assert!(failure.message.starts_with("cannot generate: duplicates 0.6"), "{failure}");
        let words = ["generate", "--late", "5%"];
        assert!(Command::try_parse_from(words).is_err());
        assert!(Command::try_parse_from(["generate", "--customers", "5000M"]).is_err());
        assert!(Command::try_parse_from(["generate", "--topic", "t"]).is_err());
    }

    #[test]
    fn a_broken_pipe_stops_the_work_and_another_fault_is_said() {
        struct Broken(io::ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        assert_eq!(pipe(&mut Broken(io::ErrorKind::BrokenPipe), b"x"), Ok(ControlFlow::Break(())));
        let failure = pipe(&mut Broken(io::ErrorKind::StorageFull), b"x").unwrap_err();
        assert!(failure.exit == 1 && failure.message.starts_with("cannot write: standard output"));
    }
}
