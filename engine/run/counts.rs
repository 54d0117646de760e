//! What a run read, did and said, by number.

use std::fmt;

use crate::record::Kind;
use crate::record::alert::AlertKind;
use crate::record::kind::KINDS;
use crate::record::reject::Reason;
use crate::score::Tally;
use crate::state::Fate;
use crate::unit::EventTime;

/// Counters of one run.
#[derive(Clone, Debug)]
pub struct Counts {
    /// Records read.
    pub read: u64,
    /// Records gone over again after a restart, to be where it was left; counted nowhere else.
    pub recovered: u64,
    /// Events applied, late ones included.
    pub applied: u64,
    /// Events applied though their time lay before `now`.
    pub late: u64,
    /// Events passed over because their id was applied before.
    pub duplicate: u64,
    /// Events passed over because no window reaches back to them.
    pub too_old: u64,
    /// Events passed over because their customer asked to be forgotten.
    pub erased: u64,
    /// Events that wait for their time.
    pub waiting: u64,
    /// Events of a type that nobody registered.
    pub unknown: u64,
    /// Records refused, by reason.
    pub rejected: [u64; Reason::ALL.len()],
    /// Alerts, by kind.
    pub alerts: [u64; AlertKind::ALL.len()],
    /// Alerts about all customers together.
    pub kpis: u64,
    /// Scores published.
    pub scores: u64,
    /// What was judged by time alone, and what was kept back.
    pub tally: Tally,
    /// Events applied, by type.
    pub kinds: [u64; KINDS],
    /// The first record that moved `now` by more than 30 days at once (D-1).
    pub jump: Option<Jump>,
}

/// A record that moved `now` far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jump {
    /// Where it stands.
    pub place: String,
    /// `now` before.
    pub from: EventTime,
    /// `now` after.
    pub to: EventTime,
}

impl Default for Counts {
    fn default() -> Self {
        Counts {
            read: 0,
            recovered: 0,
            applied: 0,
            late: 0,
            duplicate: 0,
            too_old: 0,
            erased: 0,
            waiting: 0,
            unknown: 0,
            rejected: [0; Reason::ALL.len()],
            alerts: [0; AlertKind::ALL.len()],
            kpis: 0,
            scores: 0,
            tally: Tally::default(),
            kinds: [0; KINDS],
            jump: None,
        }
    }
}

impl Counts {
    /// Counts one record of a decided fate.
    pub fn fate(&mut self, fate: Fate, kind: Kind) {
        match fate {
            Fate::Applied => self.applied += 1,
            Fate::Late => {
                self.applied += 1;
                self.late += 1;
            }
            Fate::Duplicate => self.duplicate += 1,
            Fate::TooOld => self.too_old += 1,
            Fate::Erased => self.erased += 1,
            Fate::Waiting => self.waiting += 1,
        }
        if matches!(fate, Fate::Applied | Fate::Late)
            && let Some(count) = self.kinds.get_mut(kind.index())
        {
            *count += 1;
        }
    }

    /// Counts one refused record.
    pub fn reject(&mut self, reason: Reason) {
        let at = Reason::ALL.iter().position(|known| *known == reason);
        if let Some(count) = at.and_then(|at| self.rejected.get_mut(at)) {
            *count += 1;
        }
    }

    /// Counts one alert.
    pub fn alert(&mut self, kind: AlertKind) {
        let at = AlertKind::ALL.iter().position(|known| *known == kind);
        if let Some(count) = at.and_then(|at| self.alerts.get_mut(at)) {
            *count += 1;
        }
    }

    /// All refused records.
    pub fn rejected_in_all(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// All alerts.
    pub fn alerts_in_all(&self) -> u64 {
        self.alerts.iter().sum()
    }

    /// The types that were applied at least once.
    pub fn came(&self, kind: Kind) -> bool {
        self.kinds.get(kind.index()).is_some_and(|count| 0 < *count)
    }
}

/// `number` with a comma between thousands: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `number` of something a second when it took `millis`.
pub fn per_second(number: u64, millis: u128) -> u64 {
    let rate = u128::from(number) * 1_000 / millis.max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// The counters in lines, zero ones left out where they say nothing.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, count: u64, note: String| {
            let note = if note.is_empty() { note } else { format!("  ({note})") };
            writeln!(f, "  {name:<10} {:>13}{note}", thousands(count))
        };
        line("read", self.read, String::new())?;
        line("applied", self.applied, String::new())?;
        line("late", self.late, "of those applied".to_owned())?;
        line("duplicate", self.duplicate, String::new())?;
        line("too old", self.too_old, String::new())?;
        if 0 < self.erased {
            line("erased", self.erased, "of customers who asked to be forgotten".to_owned())?;
        }
        if 0 < self.waiting {
            line("waiting", self.waiting, "from the future".to_owned())?;
        }
        line("unknown", self.unknown, "types nobody registered".to_owned())?;
        let reasons = Reason::ALL.iter().zip(self.rejected).filter(|(_, count)| 0 < *count);
        let reasons: Vec<String> = reasons
            .map(|(reason, count)| format!("{} {}", reason.name(), thousands(count)))
            .collect();
        line("rejected", self.rejected_in_all(), reasons.join(", "))?;
        let kinds = AlertKind::ALL.iter().zip(self.alerts).filter(|(_, count)| 0 < *count);
        let kinds: Vec<String> =
            kinds.map(|(kind, count)| format!("{} {}", kind.name(), thousands(count))).collect();
        line("alerts", self.alerts_in_all(), kinds.join(", "))?;
        if 0 < self.kpis {
            line("kpi alerts", self.kpis, "about all customers together".to_owned())?;
        }
        line("timers", self.tally.n_timers, "judgings that time alone brought about".to_owned())?;
        let kept = &self.tally;
        let back = format!(
            "{} by cooldown, {} by snooze",
            thousands(kept.n_suppressed),
            thousands(kept.n_snoozed)
        );
        line("kept back", kept.n_suppressed + kept.n_snoozed, back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
    }

    #[test]
    fn a_late_event_counts_as_applied_too() {
        let mut counts = Counts::default();
        counts.fate(Fate::Late, Kind::Login);
        counts.fate(Fate::Duplicate, Kind::Login);
        assert_eq!((counts.applied, counts.late, counts.duplicate), (1, 1, 1));
        assert!(counts.came(Kind::Login) && !counts.came(Kind::Tick));
    }
}
