//! What a demo shows, without a terminal and without a clock.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at once")]

use clap::Parser;
use console::{measure_text_width, strip_ansi_codes};

use super::view::{AlertLine, Band, By, Row, Tone};
use super::*;
use crate::unit::Points;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

fn args(line: &str) -> Args {
    let words = ["demo"].into_iter().chain(line.split_whitespace());
    Command::try_parse_from(words).unwrap().args
}

fn alert() -> AlertLine {
    AlertLine {
        at: EventTime::from_millis(1_795_248_000_000),
        customer: "c-42".to_owned(),
        what: "▲ high 75.0".to_owned(),
        tone: Tone::Bad,
        by: By::Silence,
        why: "reduced use 0.2 < 0.3, red flag RF-3".to_owned(),
    }
}

fn view() -> View {
    let args = args("--customers 2000 --seconds 60");
    let Args { customers, seed, speed, seconds, .. } = args;
    let now = EventTime::from_millis(1_795_248_000_000);
    let mut view = View::new(Frame { customers, seed, speed, seconds }, now);
    let band = |name: &str, customers: u64, tone: Tone| {
        let name = name.to_owned();
        Band { name, customers, tone }
    };
    view.bands = vec![
        band("low", 1_800, Tone::Good),
        band("medium", 150, Tone::Warn),
        band("high", 3, Tone::Bad),
    ];
    (view.unscored, view.events, view.rate, view.busy) = (47, 721_973, 3_000, 14);
    view.elapsed = Duration::from_secs(13);
    view.at_risk = (0..20)
        .map(|number| Row {
            customer: format!("c-{number}"),
            score: Points::new(79.96),
            band: "high".to_owned(),
            tone: Tone::Bad,
            why: "login frequency 0.25 < 0.5, 3 signals at once".repeat(3),
            next: Some(("medium".to_owned(), now)),
        })
        .collect();
    view.alerts = std::iter::repeat_n(alert(), 40).collect();
    view.tally.by_kind[3] = 300;
    view.tally.by_silence = 200;
    view.tally.by_direction = [200, 80, 20];
    view
}

#[test]
fn a_page_fits_its_terminal() {
    for (width, height) in [(80, 24), (130, 40), (200, 60), (40, 12), (20, 5), (80, 1)] {
        let lines = draw::draw(&view(), width, height);
        assert!(lines.len() <= height, "{} lines of {height}", lines.len());
        for line in &lines {
            assert!(measure_text_width(line) <= width, "{line:?}");
        }
    }
}

#[test]
fn a_page_says_what_there_is_to_know() {
    let page: Vec<String> = draw::draw(&view(), 120, 30)
        .iter()
        .map(|line| strip_ansi_codes(line).into_owned())
        .collect();
    assert!(page[0].starts_with(" ebb demo") && page[0].ends_with("47 s left · Ctrl-C ends it "));
    assert_eq!(
        page[2],
        " 11-21 08:00 UTC   2,000 customers, 6 hours of theirs in a second of yours"
    );
    assert_eq!(
        page[3],
        " 3,000 events/s   721,973 events   300 alerts, 200 of them rung by silence   engine 1.4 % \
         busy"
    );
    assert_eq!(page[5].trim_start(), "█".repeat(118));
    assert_eq!(page[6], " 1,800 low   150 medium   3 high   47 gone");
    assert!(
        page[9].starts_with(" c-0       79.9  high      medium 11-21 08:00  login frequency 0.25")
    );
    let ring =
        " c-42     ▲ high 75.0      11-21 08:00 silence reduced use 0.2 < 0.3, red flag RF-3";
    assert_eq!(page.iter().filter(|line| *line == ring).count(), 10);
}

#[test]
fn a_view_with_nothing_in_it_is_drawn_too() {
    let frame = view().frame;
    let empty = View::new(frame, EventTime::FIRST);
    assert!(draw::draw(&empty, 80, 24).len() <= 24);
    assert!(plain::status(&empty).starts_with("1970-01-01T00:00:00Z"));
}

#[test]
fn plain_lines_are_for_logs() {
    assert_eq!(
        plain::alert(&alert()),
        "2026-11-21T08:00:00Z  c-42      ▲ high 75.0            by silence  reduced use 0.2 < 0.3, \
         red flag RF-3"
    );
    assert_eq!(
        plain::status(&view()),
        "2026-11-21T08:00:00Z  -- 3,000 events/s, 721,973 events, 300 alerts; 1,800 low, 150 \
         medium, 3 high, 47 gone"
    );
}

#[test]
fn the_end_tells_what_was_seen_and_what_to_try() {
    let curtain = EventTime::from_millis(1_795_248_000_000).minus(Span::millis(280_800_000));
    let worked = Duration::from_millis(1_000);
    let command = "ebb generate --customers 2000".to_owned();
    let text = plain::summary(&view(), &Ended { curtain, worked, command });
    for wanted in [
        "13 s of yours were 3 days and 6 hours in the lives of 2,000 customers.",
        "300 alerts rang, 200 of them at the moment of a silence",
        "changes of band 300 (worse 200, better 80, faded 20)",
        "721,973 events/s if it never had to wait",
        "Most at risk: c-0 at 79.9 (",
        "  ebb generate --customers 2000 --out events.jsonl",
        "  ebb explain c-0 events.jsonl",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn a_demo_that_cannot_be_is_refused() {
    for line in ["--speed 0", "--speed fast", "--speed 40d", "--seconds 0", "--customers 0"] {
        let words = ["demo"].into_iter().chain(line.split_whitespace());
        assert!(Command::try_parse_from(words).is_err(), "{line}");
    }
    let failure = args("--seconds 86400 --speed 1d").plan().unwrap_err();
    assert_eq!(failure.exit, 2);
}

fn stage(plan: &Plan) -> Stage {
    let sources = Sources { settings: None, model: None, set: Vec::new() };
    let Ok(setup) = sources.read(None) else { panic!("the shipped settings have faults") };
    Stage::new(plan, setup.rules(Publish::Never, None)).unwrap()
}

/// What rings when `plan` is played in steps of `step`.
fn played(plan: &Plan, step: Span) -> (Vec<Alert>, View) {
    let mut stage = stage(plan);
    let mut now = plan.end.minus(Span::days(i64::from(plan.days)));
    let mut alerts = Vec::new();
    let first = stage.first_score();
    let mut view = View::new(view().frame, now);
    while now < plan.end {
        now = now.plus(step).min(plan.end);
        let rung = stage.play(now);
        for alert in &rung {
            assert!(alert.at <= now);
            view.hear(alert, &first);
        }
        alerts.extend(rung);
    }
    stage.look(&first, 5, &mut view);
    (view.events, _) = stage.effort();
    (alerts, view)
}

#[test]
fn the_pace_of_the_show_changes_nothing_in_it() {
    let plan = Plan { customers: 30, events: 9_000, ..args("").plan().unwrap() };
    let (alerts, view) = played(&plan, Span::days(1));
    let (others, _) = played(&plan, Span::millis(5_000_000));
    let key = |alert: &Alert| (alert.at, alert.customer_id.clone(), alert.id);
    let mut keys: Vec<_> = alerts.iter().map(key).collect();
    let mut other_keys: Vec<_> = others.iter().map(key).collect();
    keys.sort_by_key(|key| (key.0, key.2.to_string()));
    other_keys.sort_by_key(|key| (key.0, key.2.to_string()));
    assert_eq!(keys, other_keys);
    assert_eq!(view.events, 9_000);
    assert_eq!(view.tally.in_all(), alerts.len() as u64);
    assert!(20 < alerts.len() && !view.alerts.is_empty());
    assert_eq!(view.at_risk.len(), 5);
    assert!(view.at_risk.is_sorted_by(|a, b| b.score <= a.score));
    let scored: u64 = view.bands.iter().map(|band| band.customers).sum();
    assert_eq!(scored + view.unscored, 30);
}
