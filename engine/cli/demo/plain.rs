//! The view as plain lines, for pipes and logs; and the words at the end.

use std::fmt::Write;

use crate::record::alert::AlertKind;
use crate::run::counts::{per_second, thousands};
use crate::unit::Span;

use super::view::{AlertLine, By, View};
use super::words;
use super::{DAYS_BEFORE, Ended};

/// One alert as a line.
pub fn alert(alert: &AlertLine) -> String {
    let by = match alert.by {
        By::Silence => "silence",
        By::Event => "event",
    };
    let AlertLine { at, customer, what, why, .. } = alert;
    format!("{at}  {customer:<9} {what:<22} by {by:<8} {why}").trim_end().to_owned()
}

/// Where everyone stands, as a line.
pub fn status(view: &View) -> String {
    let bands: Vec<String> = view
        .bands
        .iter()
        .map(|band| format!("{} {}", thousands(band.customers), band.name))
        .collect();
    format!(
        "{}  -- {} events/s, {} events, {} alerts; {}, {} gone",
        view.now,
        thousands(view.rate),
        thousands(view.events),
        thousands(view.tally.in_all()),
        bands.join(", "),
        thousands(view.unscored),
    )
}

/// What was seen, and what to try next.
pub fn summary(view: &View, ended: &Ended) -> String {
    let mut text = String::new();
    let seconds = view.elapsed.as_secs();
    let lived = view.now.since(ended.curtain);
    let days = lived.as_millis() / Span::DAY.as_millis();
    let hours = lived.as_millis() / 3_600_000 % 24;
    let tally = &view.tally;
    let mut say = |line: String| {
        // Writing into a string cannot fail.
        let _fits = writeln!(text, "{line}");
    };
    say(format!(
        "{seconds} s of yours were {days} days and {hours} hours in the lives of {} customers.",
        thousands(u64::from(view.frame.customers)),
    ));
    let [worse, better, faded] = tally.by_direction;
    let kind = |wanted: AlertKind| {
        let at = AlertKind::ALL.iter().position(|kind| *kind == wanted);
        thousands(at.and_then(|at| tally.by_kind.get(at)).copied().unwrap_or_default())
    };
    say(format!(
        "{} alerts rang, {} of them at the moment of a silence that no event told of:",
        thousands(tally.in_all()),
        thousands(tally.by_silence),
    ));
    say(format!(
        "  signals {}, red flags {}, asked to leave {}, sudden drops {}, changes of band {} (worse \
         {}, better {}, faded {})",
        kind(AlertKind::Signal),
        kind(AlertKind::RedFlag),
        kind(AlertKind::CancellationIntent),
        kind(AlertKind::Drop),
        kind(AlertKind::Band),
        thousands(worse),
        thousands(better),
        thousands(faded),
    ));
    say(format!(
        "The engine took {} ms for {} events: {} events/s if it never had to wait.",
        thousands(u64::try_from(ended.worked.as_millis()).unwrap_or(u64::MAX)),
        thousands(view.events),
        thousands(per_second(view.events, ended.worked.as_millis())),
    ));
    let example = view.at_risk.first();
    if let Some(worst) = example {
        say(format!("Most at risk: {} at {} ({}).", worst.customer, worst.score, worst.why));
    }
    let customer = example.map_or("c-1", |worst| worst.customer.as_str());
    say(String::new());
    say("What to try next, with these same customers:".to_owned());
    say(format!("  {} --out events.jsonl", ended.command));
    say(format!("  ebb explain {customer} events.jsonl"));
    say("  ebb replay --alerts alerts.jsonl --customers customers.csv events.jsonl".to_owned());
    say("And: ebb model show default, to read what is judged, and how.".to_owned());
    text
}

/// The first line.
pub fn greeting(view: &View) -> String {
    let frame = view.frame;
    format!(
        "ebb demo: {} customers of seed {}; {} days of their lives as fast as they go, then {} of \
         theirs in a second of yours, for {} s; Ctrl-C ends it",
        thousands(u64::from(frame.customers)),
        frame.seed,
        DAYS_BEFORE,
        words::length(frame.speed),
        frame.seconds,
    )
}
