//! A small language for one customer's story: what happened when, and what is seen of it.
//!
//! Shape   a [`Story`] is told in the order in which its events arrive; [`Story::until`] plays it
//!         up to an instant and gives what is [`Seen`] then.
//! Units   milliseconds since the story began at midnight, [`START`]; `day(7) + 1` is one
//!         millisecond into the eighth day.

use std::fmt::Write;

use serde_json::{Value, json};

use ebb::model::{Sources, load, shipped};
use ebb::record::{Decoded, decode};
use ebb::state::row::without;
use ebb::state::{Arrival, Engine, Row, Rules};
use ebb::unit::{EventTime, Points};

use crate::engine::{play_by, rules};
use crate::played::{DAY, Options, Played, default_options};

/// When stories begin: 2025-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_735_689_600_000;
/// Sixty minutes in milliseconds.
pub(crate) const HOUR: i64 = DAY / 24;

/// `n` days after the story began.
pub(crate) const fn day(n: i64) -> i64 {
    n * DAY
}

/// What happened to a customer called "c", in order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    lines: Vec<String>,
    /// The time of the newest event: before it nothing can be looked at.
    newest: i64,
    customer: String,
    options: Options,
    catalog: Option<String>,
    sources: Option<Vec<(ebb::record::Kind, Option<EventTime>)>>,
}

impl Story {
    /// A story in which nothing happened yet.
    pub(crate) fn new() -> Story {
        Story {
            lines: Vec::new(),
            newest: i64::MIN,
            customer: "c".to_owned(),
            options: default_options(),
            catalog: None,
            sources: None,
        }
    }

    /// A customer who is known from the beginning and never does a thing.
    pub(crate) fn known() -> Story {
        Story::new().on(0, "customer_created", json!({}))
    }

    /// The next event to arrive: one of `kind` that happened at `at`, with `fields`.
    pub(crate) fn on(self, at: i64, kind: &str, fields: Value) -> Story {
        let id = format!("e-{}", self.lines.len());
        self.with_id(&id, at, kind, fields)
    }

    /// The same with an id of its own.
    pub(crate) fn with_id(mut self, id: &str, at: i64, kind: &str, fields: Value) -> Story {
        let mut event = json!({
            "id": id, "type": kind, "customer_id": self.customer, "time": START + at,
        });
        if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
            event.extend(fields);
        }
        self.lines.push(event.to_string());
        self.newest = self.newest.max(at);
        self
    }

    /// The next event once for each of `times`.
    pub(crate) fn each(
        self,
        times: impl IntoIterator<Item = i64>,
        kind: &str,
        fields: impl Fn(usize) -> Value,
    ) -> Story {
        let each = times.into_iter().enumerate();
        each.fold(self, |story, (n, at)| story.on(at, kind, fields(n)))
    }

    /// A record as it is, whatever it is.
    pub(crate) fn record(mut self, line: &str) -> Story {
        self.lines.push(line.to_owned());
        self
    }

    /// The consent of the customer to every purpose, from the beginning.
    pub(crate) fn consenting(self) -> Story {
        ["competitive_tracking", "social_listening"].iter().fold(self, |story, purpose| {
            story.on(0, "consent_changed", json!({"purpose": purpose, "granted": true}))
        })
    }

    /// Someone sets `score` to `value` by hand at `at`, until replaced.
    pub(crate) fn set(self, at: i64, score: &str, value: f64) -> Story {
        self.on(at, "score_override", json!({"score": score, "value": value}))
    }

    /// From here on events are those of `customer`.
    pub(crate) fn of(mut self, customer: &str) -> Story {
        customer.clone_into(&mut self.customer);
        self
    }

    /// The default model with `from` replaced by `to`, wherever it stands.
    pub(crate) fn model(mut self, from: &str, to: &str) -> Story {
        let text = self.options.model.as_deref().unwrap_or(shipped::DEFAULT);
        assert!(text.contains(from), "the model does not hold {from:?}");
        self.options.model = Some(text.replace(from, to));
        self
    }

    /// Another catalogue.
    pub(crate) fn catalog(mut self, text: &str) -> Story {
        self.catalog = Some(text.to_owned());
        self
    }

    /// A platform that sends only these types, each since an instant if one is given.
    pub(crate) fn sources(mut self, listed: &[(&str, Option<i64>)]) -> Story {
        let source = |(name, since): &(&str, Option<i64>)| {
            let kind = ebb::record::Kind::named(name).expect("a type of the vocabulary");
            (kind, since.map(|at| EventTime::from_millis(START + at)))
        };
        self.sources = Some(listed.iter().map(source).collect());
        self
    }

    /// The story played in another way.
    pub(crate) fn options(mut self, change: impl FnOnce(&mut Options)) -> Story {
        change(&mut self.options);
        self
    }

    /// The rules it is played by.
    pub(crate) fn rules(&self) -> Rules {
        let mut rules = rules(&self.options);
        if self.catalog.is_some() || self.sources.is_some() {
            let text = self.options.model.as_deref().unwrap_or(shipped::DEFAULT);
            let catalog = self.catalog.as_deref().unwrap_or("[features]\n\"*\" = 10\n");
            let sources: Sources<'_> = self.sources.as_deref();
            rules.model = load(text, catalog, sources).expect("a sound model");
        }
        rules
    }

    /// The records in their order.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What is seen when `now` has moved to `at` after the last event.
    pub(crate) fn until(&self, at: i64) -> Seen {
        assert!(self.newest <= at, "an event comes after the instant asked for");
        let options = Options { until: Some(START + at), ..self.options.clone() };
        Seen { played: play_by(self.rules(), &self.lines, &options) }
    }

    /// What is seen after the last event.
    pub(crate) fn end(&self) -> Seen {
        Seen { played: play_by(self.rules(), &self.lines, &self.options) }
    }

    /// Everything that is known of customer "c" at `at`: measures, explanations, trends.
    pub(crate) fn row(&self, at: i64) -> Row {
        let engine = self.engine(at);
        let (_, customer) = engine.find("c").expect("the customer is known");
        Row::of(customer, &engine.rules().model, engine.now(0))
    }

    /// What the score called `score` of customer "c" would be at `at` without the active `signal`.
    pub(crate) fn without(&self, at: i64, signal: &str, score: &str) -> Option<f64> {
        let engine = self.engine(at);
        let (_, customer) = engine.find("c").expect("the customer is known");
        let model = &engine.rules().model;
        let score = model.scores.iter().position(|known| known.name == score);
        let all = without(customer, model, engine.now(0));
        let of = |(index, _): &&(usize, _)| model.signals[*index].id == signal;
        let (_, scores) = all.iter().find(of).expect("the signal is active");
        scores[score.expect("a score of the model")].map(Points::get)
    }

    /// The engine at `at`.
    fn engine(&self, at: i64) -> Engine {
        assert!(self.newest <= at, "an event comes after the instant asked for");
        let mut engine = Engine::new(self.rules(), 1);
        for line in &self.lines {
            if let Ok(Decoded::Event(event)) = decode(line.as_bytes()) {
                engine.apply(&[Arrival::plain(event)]);
            }
        }
        engine.advance(0, EventTime::from_millis(START + at));
        engine
    }

    /// What the measure called `name` reads at `at`.
    pub(crate) fn measure(&self, at: i64, name: &str) -> Option<f64> {
        let model = self.rules().model;
        let index = model.measures.iter().position(|measure| measure.name == name);
        self.row(at).measures[index.expect("a measure of the model")]
    }
}

/// What is seen of a story.
#[derive(Debug)]
pub(crate) struct Seen {
    played: Played,
}

impl Seen {
    /// A cell of the customers file, of customer "c".
    pub(crate) fn cell(&self, column: &str) -> &str {
        self.cell_of("c", column)
    }

    /// A cell of the customers file.
    pub(crate) fn cell_of(&self, customer: &str, column: &str) -> &str {
        let row = self.played.customers.get(customer).expect("the customer is known");
        row.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// Whether the customers file has a row for `customer`.
    pub(crate) fn knows(&self, customer: &str) -> bool {
        self.played.customers.contains_key(customer)
    }

    /// `active 0.2`, `clear 0.3` or `n/a`: a signal with the value of its measure.
    pub(crate) fn signal(&self, id: &str) -> String {
        let column = id.to_lowercase().replace('-', "_");
        let value = self.cell(&format!("{column}_value"));
        match self.cell(&format!("{column}_active")) {
            "1" => format!("active {value}"),
            "0" => format!("clear {value}"),
            _ => {
                assert_eq!(value, "", "{id} has a value but is not available");
                "n/a".to_owned()
            }
        }
    }

    /// `40 medium`: a score with the band of its number; `null` or `null insufficient_data`.
    pub(crate) fn score(&self, name: &str) -> String {
        let (value, band) = (self.cell(name), self.cell(&format!("{name}_band")));
        let value = if value.is_empty() { "null" } else { value };
        format!("{value} {band}").trim_end().to_owned()
    }

    /// The band that is held for a score.
    pub(crate) fn held(&self, name: &str) -> &str {
        self.cell(&format!("{name}_held"))
    }

    /// All alerts as JSON.
    pub(crate) fn alerts(&self) -> &[Value] {
        &self.played.alerts
    }

    /// The alerts of `rule` as JSON.
    pub(crate) fn alerts_of(&self, rule: &str) -> Vec<&Value> {
        self.alerts().iter().filter(|alert| alert["rule"] == rule).collect()
    }

    /// The alerts of kind `band` and of `rule`, or of any other kind, as
    /// `7d none>high worse 80`.
    pub(crate) fn rings(&self, rule: &str) -> Vec<String> {
        let band = |alert: &&Value| alert["kind"] != "drop";
        self.alerts_of(rule).into_iter().filter(band).map(told).collect()
    }

    /// The alerts of kind `drop` in short.
    pub(crate) fn drops(&self) -> Vec<String> {
        self.alerts().iter().filter(|alert| alert["kind"] == "drop").map(told).collect()
    }

    /// How often something happened: `late`, `duplicate`, `suppressed` …
    pub(crate) fn count(&self, what: &str) -> u64 {
        self.played.counts[what]
    }
}

/// An alert in short: instant, from, to, direction, value.
pub(crate) fn told(alert: &Value) -> String {
    let word = |key: &str| match &alert[key] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let value = alert["value"].as_f64().map_or("null".to_owned(), |value| value.to_string());
    let (from, to) = (word("from"), word("to"));
    format!("{} {from}>{to} {} {value}", clock(&word("at")), word("direction"))
}

/// `7d`, `7d+3h` or `7d+1`: an instant of the story in days, hours or milliseconds.
pub(crate) fn clock(at: &str) -> String {
    let millis = EventTime::parse(at).expect("an instant").millis() - START;
    let mut text = format!("{}d", millis.div_euclid(DAY));
    match millis.rem_euclid(DAY) {
        0 => {}
        rest if rest % HOUR == 0 => write!(text, "+{}h", rest / HOUR).expect("room"),
        rest => write!(text, "+{rest}").expect("room"),
    }
    text
}
