//! Reasons, times and lengths in the words of the demo.

use std::collections::HashMap;

use crate::model::{Model, Op};
use crate::record::alert::{Direction, Part};
use crate::unit::{EventTime, Points, Span};

/// Puts the parts of an explanation into a few words.
#[derive(Clone, Debug, Default)]
pub struct Reasons {
    /// By signal, how its measure is compared with its threshold.
    signs: HashMap<String, &'static str>,
}

impl Reasons {
    /// The words for the signals of `model`.
    pub fn of(model: &Model) -> Reasons {
        let signs = model.signals.iter().map(|signal| {
            let sign = match signal.test.op {
                Op::Lt => "<",
                Op::Le => "≤",
                Op::Gt => ">",
                Op::Ge => "≥",
            };
            (signal.id.clone(), sign)
        });
        Reasons { signs: signs.collect() }
    }

    /// The reasons of a score, one after the other.
    pub fn words(&self, parts: &[Part]) -> String {
        let words: Vec<String> = parts.iter().filter_map(|part| self.word(part)).collect();
        words.join(", ")
    }

    fn word(&self, part: &Part) -> Option<String> {
        Some(match part {
            Part::Signal { signal, name, value, threshold, .. } => {
                let sign = self.signs.get(signal).copied().unwrap_or("against");
                let (name, value) = (name.replace('_', " "), short(*value));
                format!("{name} {value} {sign} {}", short(*threshold))
            }
            Part::Floor { floor, value, .. } if floor == "count" => {
                format!("{} signals at once", short(*value))
            }
            Part::Floor { floor, .. } => format!("red flag {floor}"),
            Part::Override { by, value, .. } => format!("set to {} by {by}", short(*value)),
            // What a cap takes away is arithmetic, no reason.
            Part::Cap { .. } => return None,
            Part::Subscore { subscore, value, .. } => {
                format!("{subscore} {}", Points::new(*value))
            }
        })
    }
}

/// A number with at most two digits behind the point.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Which way, as a sign.
pub fn sign(direction: Direction) -> &'static str {
    match direction {
        Direction::Worse => "▲",
        Direction::Better => "▼",
        Direction::Faded => "▽",
    }
}

/// `11-21 10:00`: the year is no news.
pub fn moment(time: EventTime) -> String {
    let text = time.to_string();
    match (text.get(5..10), text.get(11..16)) {
        (Some(day), Some(clock)) => format!("{day} {clock}"),
        _ => text,
    }
}

/// `2 days`, `6 hours`, `90 minutes`.
pub fn length(span: Span) -> String {
    const MINUTE: i64 = 60_000;
    let millis = span.as_millis();
    let (unit, name) = [(1_440, "day"), (60, "hour"), (1, "minute")]
        .into_iter()
        .map(|(minutes, name)| (minutes * MINUTE, name))
        .find(|(unit, _)| *unit <= millis && millis % unit == 0)
        .unwrap_or((1_000, "second"));
    let n_units = millis / unit;
    format!("{n_units} {name}{}", if n_units == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_a_few_words_each() {
        let signal = Part::Signal {
            signal: "R3-B2".to_owned(),
            name: "reduced_use".to_owned(),
            value: 0.2,
            threshold: 0.3,
            points: 20.0,
        };
        let cap = Part::Cap { cap: "x".to_owned(), value: 45.0, threshold: 40.0, points: -5.0 };
        let floor =
            Part::Floor { floor: "count".to_owned(), value: 3.0, threshold: 70.0, points: 30.0 };
        let flag =
            Part::Floor { floor: "RF-1".to_owned(), value: 90.0, threshold: 90.0, points: 9.0 };
        let reasons = Reasons { signs: HashMap::from([("R3-B2".to_owned(), "<")]) };
        assert_eq!(
            reasons.words(&[signal, cap, floor, flag]),
            "reduced use 0.2 < 0.3, 3 signals at once, red flag RF-1"
        );
        assert_eq!(reasons.words(&[]), "");
    }

    #[test]
    fn times_and_lengths_are_short() {
        assert_eq!(moment(EventTime::from_millis(1_795_248_000_007)), "11-21 08:00");
        for (span, wanted) in [
            (Span::days(2), "2 days"),
            (Span::days(1), "1 day"),
            (Span::millis(6 * 3_600_000), "6 hours"),
            (Span::millis(90 * 60_000), "90 minutes"),
            (Span::millis(30_000), "30 seconds"),
        ] {
            assert_eq!(length(span), wanted);
        }
    }
}
