//! What a demo shows, as plain data: nothing here knows an engine or a terminal.

use std::collections::VecDeque;
use std::time::Duration;

use crate::record::Alert;
use crate::record::alert::{AlertKind, Cause, Direction};
use crate::unit::{EventTime, Points, Span};

use super::words::{self, Reasons};

/// Alerts kept to be looked at.
const ALERTS_MAX: usize = 64;

/// What the demo was asked to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// How many customers.
    pub customers: u32,
    /// What tells them from others.
    pub seed: u64,
    /// How much of their time passes in a second of ours.
    pub speed: Span,
    /// How long it lasts.
    pub seconds: u64,
}

/// Everything there is to see at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// What was asked for.
    pub frame: Frame,
    /// How long it has been running.
    pub elapsed: Duration,
    /// The customers' time.
    pub now: EventTime,
    /// Events applied so far, the time before the curtain included.
    pub events: u64,
    /// Events a second of ours, lately.
    pub rate: u64,
    /// How much of the time the engine works, in thousandths.
    pub busy: u64,
    /// How many customers are in each band of the first score, lowest band first.
    pub bands: Vec<Band>,
    /// Customers without a score: left, or not known well enough.
    pub unscored: u64,
    /// Those most at risk, worst first.
    pub at_risk: Vec<Row>,
    /// Alerts, newest first.
    pub alerts: VecDeque<AlertLine>,
    /// Alerts by number.
    pub tally: Tally,
    /// What to type in another terminal, to ask about everyone.
    pub doors: Vec<String>,
}

/// One band of the first score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// How many customers are in it.
    pub customers: u64,
    /// How bad it is.
    pub tone: Tone,
}

/// How something is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The worst there is.
    Bad,
    /// On the way there.
    Warn,
    /// All is well, or better than before.
    Good,
    /// Neither.
    Plain,
}

/// One customer of those most at risk.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Who.
    pub customer: String,
    /// The first score.
    pub score: Points,
    /// Its band.
    pub band: String,
    /// How bad the band is.
    pub tone: Tone,
    /// Why, in words.
    pub why: String,
    /// What happens if nothing happens: a band and when.
    pub next: Option<(String, EventTime)>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertLine {
    /// When.
    pub at: EventTime,
    /// Whose.
    pub customer: String,
    /// What rang, in words.
    pub what: String,
    /// How it is to be taken.
    pub tone: Tone,
    /// What brought it.
    pub by: By,
    /// Why, in words.
    pub why: String,
}

/// What brought an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Something arrived.
    Event,
    /// Nothing arrived, and time went on.
    Silence,
}

/// Alerts by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By kind, in the order of [`AlertKind::ALL`].
    pub by_kind: [u64; AlertKind::ALL.len()],
    /// Of bands: worse, better, faded.
    pub by_direction: [u64; 3],
    /// Brought by silence.
    pub by_silence: u64,
}

impl View {
    /// A view before anything has happened.
    pub fn new(frame: Frame, now: EventTime) -> View {
        View {
            frame,
            elapsed: Duration::ZERO,
            now,
            events: 0,
            rate: 0,
            busy: 0,
            bands: Vec::new(),
            unscored: 0,
            at_risk: Vec::new(),
            alerts: VecDeque::new(),
            tally: Tally::default(),
            doors: Vec::new(),
        }
    }

    /// Counts `alert` and, if it is one of those that are shown, keeps and returns its line.
    pub fn hear(&mut self, alert: &Alert, first: &FirstScore) -> Option<&AlertLine> {
        self.tally.count(alert);
        let line = AlertLine::of(alert, first)?;
        self.alerts.truncate(ALERTS_MAX - 1);
        self.alerts.push_front(line);
        self.alerts.front()
    }
}

/// The score that is shown: the model's first.
#[derive(Clone, Debug)]
pub struct FirstScore {
    /// Its name.
    pub name: String,
    /// Its bands, the best first, each with its tone.
    pub bands: Vec<(String, Tone)>,
    /// How its reasons are put into words.
    pub reasons: Reasons,
}

impl FirstScore {
    /// How bad the band called `name` is.
    pub fn tone(&self, name: &str) -> Tone {
        let found = self.bands.iter().find(|(band, _)| band == name);
        found.map_or(Tone::Plain, |(_, tone)| *tone)
    }
}

impl Tally {
    fn count(&mut self, alert: &Alert) {
        let at = AlertKind::ALL.iter().position(|kind| *kind == alert.kind);
        if let Some(count) = at.and_then(|at| self.by_kind.get_mut(at)) {
            *count += 1;
        }
        if alert.kind == AlertKind::Band {
            self.by_direction[match alert.direction {
                Direction::Worse => 0,
                Direction::Better => 1,
                Direction::Faded => 2,
            }] += 1;
        }
        if alert.cause == Cause::Timer {
            self.by_silence += 1;
        }
    }

    /// All alerts.
    pub fn in_all(&self) -> u64 {
        self.by_kind.iter().sum()
    }
}

impl AlertLine {
    /// The line of `alert`: bands of the first score, red flags, and those who ask to leave.
    fn of(alert: &Alert, first: &FirstScore) -> Option<AlertLine> {
        let value = alert.value.map(|value| Points::new(value).to_string()).unwrap_or_default();
        let (what, tone) = match alert.kind {
            AlertKind::Band if alert.score.as_ref() == Some(&first.name) => {
                let to = alert.to.as_deref().unwrap_or("no score");
                let tone =
                    if alert.direction == Direction::Worse { first.tone(to) } else { Tone::Good };
                (format!("{} {to} {value}", words::sign(alert.direction)), tone)
            }
            AlertKind::RedFlag => (format!("! red flag {}", alert.rule), Tone::Bad),
            AlertKind::CancellationIntent => ("! asks to leave".to_owned(), Tone::Bad),
            _ => return None,
        };
        Some(AlertLine {
            at: alert.at,
            customer: alert.customer_id.clone(),
            what: what.trim_end().to_owned(),
            tone,
            by: if alert.cause == Cause::Timer { By::Silence } else { By::Event },
            why: why(alert, &first.reasons),
        })
    }
}

/// The reasons in words; a recovery says what is left.
fn why(alert: &Alert, reasons: &Reasons) -> String {
    match (reasons.words(&alert.reasons), alert.direction) {
        (reasons, _) if !reasons.is_empty() => reasons,
        (_, Direction::Better) => "no reason left: something good came in".to_owned(),
        (_, Direction::Faded) => "no reason left: the evidence ran out".to_owned(),
        _ => String::new(),
    }
}
