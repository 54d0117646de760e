//! What stands in one checkpoint, and what it holds of one customer.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args as ClapArgs;
use serde_json::{Map, Value, json};

use super::Place;
use crate::cli::Failure;
use crate::cli::setup;
use crate::cli::story::Story;
use crate::cli::table::{Format, Table};
use crate::run::counts::thousands;
use crate::state::checkpoint::{Print, Sight, Summary, walk};
use crate::state::customer::{Customer, Waiting};
use crate::state::erased::Request;
use crate::state::rules::{Publish, Timers};
use crate::state::{Row, Rules};
use crate::unit::{EventTime, Key, Micros};
use crate::window::Standing;
use crate::window::history::Precision;
use crate::wire::store::Name;

/// What `show` asks.
#[derive(ClapArgs, Debug)]
pub(super) struct Args {
    /// The checkpoint: a file, a URL, or a name as `list --format json` tells it
    #[arg(value_name = "NAME|FILE|URL")]
    name: String,
    #[command(flatten)]
    place: Place,
    /// Shows what it holds of this customer, as JSON
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// How to show it
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// What was counted on the way through a checkpoint.
#[derive(Default)]
struct Contents {
    n_events: u64,
    n_waiting: u64,
    n_erased: u64,
}

/// Runs `ebb checkpoint show`.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut source = args.open()?;
    if let Some(id) = &args.customer {
        println!("{:#}", customer(args, &mut *source, id)?);
        return Ok(());
    }
    let mut contents = Contents::default();
    let summary = walk(&mut *source, &mut |sight| contents.count(&sight));
    let summary = summary.map_err(|refusal| args.refused(&refusal))?;
    match args.format {
        Format::Table => print!("{}", table(&summary, &contents)),
        Format::Json => println!("{:#}", json(&summary, &contents)),
    }
    Ok(())
}

impl Args {
    fn open(&self) -> Result<Box<dyn Read + Send>, Failure> {
        let path = Path::new(&self.name);
        if path.is_file() {
            let file = File::open(path).map_err(|error| self.refused(&error))?;
            return Ok(Box::new(file));
        }
        if let Some((place, name)) = apart(&self.name) {
            let store = setup::store_at(place, &self.place.sources.settings()?)?;
            return Ok(store.read(&name)?);
        }
        let Some(name) = Name::parse(&self.name) else {
            return Err(
                self.refused(&"no such file; wanted one, a URL, or a name as list tells it")
            );
        };
        Ok(self.place.store()?.read(&name)?)
    }

    fn refused(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::failed(format!("cannot show: {}: {why}", self.name))
    }
}

/// The place and the name in the URL of a checkpoint, if `url` is one.
fn apart(url: &str) -> Option<(&str, Name)> {
    let (at, _) = url.rmatch_indices('/').nth(2).filter(|_| url.contains("://"))?;
    Some((url.get(..at)?, Name::parse(url.get(at + 1..)?)?))
}

impl Contents {
    fn count(&mut self, sight: &Sight) {
        match sight {
            Sight::Customer(customer) => {
                self.n_events += customer.history.n_entries() as u64;
                self.n_waiting += customer.waiting.len() as u64;
            }
            Sight::Erased(..) => self.n_erased += 1,
            Sight::Remembered(..) => {}
        }
    }
}

/// Key and value of everything that is told of a checkpoint, in order.
fn facts(summary: &Summary, contents: &Contents) -> [(&'static str, Value); 18] {
    let Summary { header, n_remembered, n_bytes } = summary;
    let Print { model_id, model_version, model, dedup_horizon, exact_events_max, timers } =
        &header.print;
    let timers = match timers {
        Timers::On => "on",
        Timers::Off => "off",
    };
    [
        ("topic", json!(header.topic)),
        ("partition", json!(header.partition)),
        ("of_partitions", json!(header.mark.n_partitions)),
        ("next_offset", json!(header.mark.next_offset)),
        ("journal_offset", json!(header.mark.journal)),
        ("events_before", json!(header.mark.n_events)),
        ("now", json!(header.now.to_string())),
        ("customers", json!(header.n_customers)),
        ("remembered_events", json!(contents.n_events)),
        ("waiting_events", json!(contents.n_waiting)),
        ("remembered_ids", json!(n_remembered)),
        ("erased_customers", json!(contents.n_erased)),
        ("bytes", json!(n_bytes)),
        ("model", json!(format!("{model_id} version {model_version}"))),
        ("model_key", json!(format!("{:016x}", model.bits()))),
        ("dedup.horizon", json!(dedup_horizon.to_string())),
        ("window.exact_events_max", json!(exact_events_max)),
        ("clock.timers", json!(timers)),
    ]
}

fn table(summary: &Summary, contents: &Contents) -> Table {
    let mut table = Table::new(&["what", "is"]);
    for (key, value) in facts(summary, contents) {
        let is_count = !matches!(key, "partition" | "next_offset" | "journal_offset");
        let says = match &value {
            Value::String(text) => text.clone(),
            other => other.as_u64().filter(|_| is_count).map_or(other.to_string(), thousands),
        };
        // Settings keep their names.
        let what = if key.contains('.') { key.to_owned() } else { key.replace('_', " ") };
        table.row([what, says]);
    }
    table
}

fn json(summary: &Summary, contents: &Contents) -> Value {
    let facts = facts(summary, contents).into_iter();
    Value::Object(facts.map(|(key, value)| (key.to_owned(), value)).collect())
}

/// What the checkpoint holds of the customer called `id`.
fn customer(args: &Args, source: &mut (dyn Read + Send), id: &str) -> Result<Value, Failure> {
    let rules = args.place.sources.read(None)?.rules(Publish::Never, None);
    let key = Key::of(id.as_bytes());
    let mut found: (Option<Box<Customer>>, Option<Request>) = (None, None);
    let summary = walk(source, &mut |sight| match sight {
        Sight::Customer(customer) if customer.id() == id => found.0 = Some(customer),
        Sight::Erased(erased, request) if erased == key => found.1 = Some(request),
        _ => {}
    });
    let summary = summary.map_err(|refusal| args.refused(&refusal))?;
    let forgotten = found.1.map(|request| request.time.to_string());
    let Some(customer) = found.0 else {
        return Err(args.refused(&match forgotten {
            Some(time) => format!("{id} asked at {time} to be forgotten and is"),
            None => {
                format!("{id} is none of its {} customers", thousands(summary.header.n_customers))
            }
        }));
    };
    let refusal = summary.header.print.check(&Print::of(&rules)).err();
    let now = summary.header.now;
    let rules = if refusal.is_none() { Some(&rules) } else { None };
    let mut told = held(&customer, rules, now);
    told.insert("forgotten_before".to_owned(), json!(forgotten));
    if let Some(refusal) = refusal {
        let why = format!("{refusal}; with those, scores and measures would be told, too");
        told.insert("unexplained".to_owned(), json!(why));
    }
    Ok(Value::Object(told))
}

/// What is known of `customer` at `now`; with scores, measures and the names of what is remembered
/// where the rules are known.
fn held(customer: &Customer, rules: Option<&Rules>, now: EventTime) -> Map<String, Value> {
    let Customer { history, machine, .. } = customer;
    let standing = history.standing();
    let mut told = Map::new();
    if let Some(Rules { model, .. }) = rules {
        let row = Row::of(customer, model, now);
        if let Value::Object(story) = (Story { row: &row, without: &[], model, standing }).json() {
            told = story;
        }
        let tracks = model.tracks.iter().enumerate().filter_map(|(index, track)| {
            Some((track.name.clone(), json!(history.slot(index)?.n_entries())))
        });
        told.insert("remembered".to_owned(), Value::Object(tracks.collect()));
    }
    let time = |time: EventTime| json!(time.to_string());
    let precision = match history.precision() {
        Precision::Exact => "exact",
        Precision::Approximate => "approximate",
    };
    let rest = [
        ("customer_id", json!(customer.id())),
        ("as_of", time(now)),
        ("status", json!(machine.status().name())),
        ("known_since", time(history.known_since())),
        ("judged_at", time(machine.judged_at())),
        ("due", time(customer.due)),
        ("plan", json!(standing.and_then(Standing::plan))),
        ("owner", json!(standing.and_then(Standing::owner))),
        ("mrr", json!(standing.and_then(Standing::mrr).map(Micros::to_f64))),
        ("seats", json!(standing.and_then(Standing::seats).map(Micros::to_f64))),
        ("remembered_events", json!(history.n_entries())),
        ("precision", json!(precision)),
        ("waiting", Value::Array(customer.waiting.iter().map(waiting).collect())),
    ];
    told.extend(rest.map(|(key, value)| (key.to_owned(), value)));
    told
}

/// An event that waits for its time.
fn waiting(waiting: &Waiting) -> Value {
    json!({
        "time": waiting.time.to_string(),
        "offset": waiting.offset,
        "event": serde_json::from_slice::<Value>(&waiting.bytes).ok(),
    })
}
