//! `ebb checkpoint`: what is saved, whether it can be relied on, and what stands in it.
//!
//! Shape   here the arguments, `list` and `verify`; in `show` what stands in one.
//! Rules   nothing is changed. What is refused here a start refuses, too; and here the name must
//!         say what the header says, for a start goes by names.
//! Source  DESIGN §8, §10.

use std::io::Read;
use std::sync::Arc;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::cli::setup::{self, Sources};
use crate::cli::table::Table;
use crate::run::counts::thousands;
use crate::state::checkpoint::{Header, Print, Refusal, head, walk};
use crate::state::rules::Publish;
use crate::unit::EventTime;
use crate::wire::clock::WallClock;
use crate::wire::store::{Name, Stored};
use crate::wire::{Clock, Directory, Store};

mod show;

/// `ebb checkpoint`.
#[derive(ClapArgs, Debug)]
#[command(after_help = "Examples:
  ebb checkpoint list --settings mine.toml
  ebb checkpoint verify --folder ebb-checkpoints/ebb
  ebb checkpoint list --folder s3://my-bucket/checkpoints/ebb
  ebb checkpoint show --customer c-42 \\
    ebb-checkpoints/ebb/customer-events/00003/00000000000000088120-1795000000000.ckpt")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// The checkpoints that are there, the newest of each partition first
    List(Survey),
    /// Reads every byte of every checkpoint and says which ones a start could use
    ///
    /// Exit 6 where the newest of a partition cannot be used, 1 where an older one cannot or
    /// where there is none at all.
    Verify(Survey),
    /// What stands in one checkpoint, or what it holds of one customer
    Show(show::Args),
}

/// Where checkpoints are.
#[derive(ClapArgs, Clone, Debug)]
struct Place {
    #[command(flatten)]
    sources: Sources,
    /// The folder of one group, such as ebb-checkpoints/ebb or s3://bucket/prefix/ebb, rather than
    /// that of the settings
    #[arg(long, value_name = "DIR|URL")]
    folder: Option<String>,
}

/// What `list` and `verify` ask.
#[derive(ClapArgs, Debug)]
struct Survey {
    #[command(flatten)]
    place: Place,
    /// How to show them
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How to show checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For programs: one array
    Json,
    /// For spreadsheets
    Csv,
}

/// How closely a checkpoint is looked at.
enum Look {
    /// Its head only.
    Head,
    /// All of it, and whether it rests on these rules where it is of this topic.
    Whole(Option<(String, Print)>),
}

/// One checkpoint, looked at.
struct Row {
    stored: Stored,
    seen: Result<Header, String>,
}

/// The columns in JSON and CSV.
const KEYS: [&str; 9] = [
    "name",
    "topic",
    "partition",
    "next_offset",
    "now",
    "customers",
    "bytes",
    "saved_at",
    "refused",
];

/// Runs `ebb checkpoint`.
///
/// # Errors
///
/// Exit 1 where nothing can be read or an older checkpoint cannot be used, 3 for faulty settings,
/// 6 where the newest one of a partition cannot be used.
pub fn run(args: &Args) -> Result<(), Failure> {
    match &args.command {
        Command::List(survey) => survey.make(&Look::Head).map(|_| ()),
        Command::Verify(survey) => {
            let rows = survey.make(&Look::Whole(survey.place.wanted()?))?;
            judge(&rows, &survey.place.store()?.place())
        }
        Command::Show(args) => show::run(args),
    }
}

impl Place {
    fn store(&self) -> Result<Arc<dyn Store>, Failure> {
        match &self.folder {
            // A folder needs no settings, so faults in them are none of its business.
            Some(folder) if !folder.contains("://") => Ok(Arc::new(Directory::new(folder))),
            Some(url) => setup::store_at(url, &self.sources.settings()?),
            None => setup::store(&self.sources.settings()?),
        }
    }

    /// The topic and the rules that a start would go by; `None` where only a folder is named.
    fn wanted(&self) -> Result<Option<(String, Print)>, Failure> {
        let Sources { settings, model, set } = &self.sources;
        let names_rules = settings.is_some() || model.is_some() || !set.is_empty();
        if self.folder.is_some() && !names_rules {
            return Ok(None);
        }
        let setup = self.sources.read(None)?;
        let topic = setup.settings.input.topic.clone();
        Ok(Some((topic, Print::of(&setup.rules(Publish::Never, None)))))
    }
}

impl Survey {
    /// Looks at all checkpoints and prints what was found.
    fn make(&self, look: &Look) -> Result<Vec<Row>, Failure> {
        let store = self.place.store()?;
        let stored = store.list()?;
        let mut rows = Vec::new();
        for stored in stored {
            rows.extend(Row::of(&*store, stored, look)?);
        }
        match self.format {
            Format::Table if rows.is_empty() => eprintln!("no checkpoint in {}", store.place()),
            Format::Table => print!("{}", table(&rows, look)),
            Format::Json => {
                let rows: Vec<Value> = rows.iter().map(Row::json).collect();
                println!("{:#}", Value::Array(rows));
            }
            Format::Csv => print!("{}", csv(&rows)?),
        }
        Ok(rows)
    }
}

impl Look {
    /// Looks at the checkpoint `name`.
    fn at(&self, source: &mut (dyn Read + Send), name: &Name) -> Result<Header, Refusal> {
        let header = match self {
            Look::Head => head(source)?,
            Look::Whole(_) => walk(source, &mut |_| {})?.header,
        };
        let topic = header.topic.clone().unwrap_or_default();
        let (partition, next_offset) = (header.partition, header.mark.next_offset);
        let found = Name { topic, partition, next_offset, now: header.now };
        if found != *name {
            let (found, wanted) = (found.to_string(), format!("{name}, as it is called"));
            return Err(Refusal::OtherPlace { found, wanted });
        }
        match self {
            Look::Whole(Some((topic, wanted))) if *topic == name.topic => {
                header.print.check(wanted)?;
            }
            _ => {}
        }
        Ok(header)
    }
}

impl Row {
    /// Looks at `stored`; `None` where it has just been deleted, for a newer one is there.
    fn of(store: &dyn Store, stored: Stored, look: &Look) -> Result<Option<Row>, Failure> {
        let name = &stored.name;
        let seen = match store.read(name) {
            Ok(mut source) => look.at(&mut *source, name).map_err(|refusal| refusal.to_string()),
            Err(fault) => {
                let left = store.list_of(&name.topic, name.partition)?;
                if left.iter().all(|other| other.name != *name) {
                    return Ok(None);
                }
                Err(fault.to_string())
            }
        };
        Ok(Some(Row { stored, seen }))
    }

    /// The topic and the partition.
    fn partition(&self) -> (&str, u32) {
        (&self.stored.name.topic, self.stored.name.partition)
    }

    fn json(&self) -> Value {
        let Stored { name, n_bytes, saved_at } = &self.stored;
        json!({
            "name": name.to_string(),
            "topic": name.topic,
            "partition": name.partition,
            "next_offset": name.next_offset,
            "now": name.now.to_string(),
            "customers": self.seen.as_ref().ok().map(|header| header.n_customers),
            "bytes": n_bytes,
            "saved_at": saved_at.map(|time| time.to_string()),
            "refused": self.seen.as_ref().err(),
        })
    }
}

fn table(rows: &[Row], look: &Look) -> Table {
    let mut table = Table::new(&[
        "topic",
        "partition",
        "next offset",
        "now",
        "customers",
        "bytes",
        "age",
        "verdict",
    ]);
    for row in rows {
        let Stored { name, n_bytes, saved_at } = &row.stored;
        let (customers, verdict) = match (&row.seen, look) {
            (Ok(header), Look::Head) => (thousands(header.n_customers), String::new()),
            (Ok(header), Look::Whole(_)) => (thousands(header.n_customers), "ok".to_owned()),
            (Err(refusal), _) => (String::new(), format!("refused: {refusal}")),
        };
        table.row([
            name.topic.clone(),
            name.partition.to_string(),
            name.next_offset.to_string(),
            name.now.to_string(),
            customers,
            thousands(*n_bytes),
            saved_at.map(|time| age(WallClock.now(), time)).unwrap_or_default(),
            verdict,
        ]);
    }
    table
}

/// The time from `then` to `now` in one unit, the largest that fits.
fn age(now: EventTime, then: EventTime) -> String {
    let millis = now.since(then).as_millis();
    let unit = [86_400_000, 3_600_000, 60_000].into_iter().find(|unit| *unit <= millis);
    let unit = unit.unwrap_or(1_000);
    let name = match unit {
        86_400_000 => "d",
        3_600_000 => "h",
        60_000 => "min",
        _ => "s",
    };
    format!("{} {name}", millis / unit)
}

fn csv(rows: &[Row]) -> Result<String, Failure> {
    let cannot = |error: String| Failure::failed(format!("cannot write: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(KEYS).map_err(|error| cannot(error.to_string()))?;
    for row in rows {
        let json = row.json();
        let cells = KEYS.map(|key| match &json[key] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        writer.write_record(cells).map_err(|error| cannot(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| cannot(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| cannot(error.to_string()))
}

/// What the checkpoints in `place`, the newest of each partition first, mean for a start.
fn judge(rows: &[Row], place: &str) -> Result<(), Failure> {
    let n_refused = rows.iter().filter(|row| row.seen.is_err()).count();
    if rows.is_empty() {
        return Err(Failure::failed(format!("nothing to verify: no checkpoint in {place}")));
    }
    if n_refused == 0 {
        return Ok(());
    }
    let firsts = rows.chunk_by(|a, b| a.partition() == b.partition());
    let lost: Vec<String> = firsts
        .filter_map(|rows| rows.first().filter(|newest| newest.seen.is_err()))
        .map(|newest| format!("{}-{}", newest.partition().0, newest.partition().1))
        .collect();
    let n_rows = rows.len();
    let noun = if n_rows == 1 { "checkpoint" } else { "checkpoints" };
    let found = format!("{n_refused} of {n_rows} {noun} in {place} cannot be used");
    if lost.is_empty() {
        return Err(Failure::failed(format!(
            "{found}: older ones only\nsafe: a start uses the newest of each partition"
        )));
    }
    Err(Failure::data_loss(format!(
        "{found}, among them the newest of {}\n\
         safe: a start uses the next older one, or else goes over the topic from its first event\n\
         try: let ebb run save a new one while the topic still has its events",
        lost.join(", ")
    )))
}
