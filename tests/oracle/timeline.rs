//! When anything could change by time alone, and what changes first.
//!
//! Rules   every instant named here is only a candidate: there are far more of them than there
//!         are changes, and judging at one that changes nothing leaves no trace (P-01).
//! Source  DESIGN §3; readings.

use std::collections::BTreeSet;

use crate::oracle::crossings::{Held, target};
use crate::oracle::history::{History, Status, end_of};
use crate::oracle::measures::View;
use crate::oracle::moment;
use crate::oracle::rules::SCALES;
use crate::oracle::scores::Judged;
use crate::played::{DAY, Options};

/// Every length of a window, of a grace, and of a window's end before T, in days.
pub(crate) const SPANS: [i64; 8] = [2, 7, 14, 30, 60, 90, 104, 120];

/// The first change of a held band.
pub(crate) struct Forecast {
    /// Which score.
    pub(crate) score: &'static str,
    /// The band.
    pub(crate) band: &'static str,
    /// When.
    pub(crate) at: String,
}

/// Every instant at which time alone could change what `history` says, whenever it is; the
/// instant after each too, for what is asked as "more than".
pub(crate) fn candidates(history: &History) -> BTreeSet<i64> {
    let mut instants = BTreeSet::new();
    for accepted in &history.events {
        let event = &accepted.event;
        let dates = ["due_at", "new_due_at", "effective_at"];
        instants.extend(dates.into_iter().filter_map(|field| event.moment(field)));
        instants.insert(event.time);
        if matches!(event.kind.as_str(), "score_override" | "alert_snoozed") {
            instants.insert(end_of(event));
        }
    }
    let starts: Vec<i64> = instants.iter().copied().collect();
    for span in SPANS {
        instants.extend(starts.iter().map(|start| start.saturating_add(span * DAY)));
    }
    instants.extend(baseline_days(history));
    let after: Vec<i64> = instants.iter().map(|instant| instant.saturating_add(1)).collect();
    instants.extend(after);
    instants
}

/// The instants at which the active time of the login baseline is a whole number of days.
///
/// Between two instants at which an end of (T − 104 d, T − 14 d] passes an end of an active
/// stretch, the active time grows, falls or stays, one millisecond a millisecond.
fn baseline_days(history: &History) -> Vec<i64> {
    let active_time = |at: i64| history.active_time(at - 104 * DAY, at - 14 * DAY);
    let mut turns = BTreeSet::new();
    for (from, to) in history.active_stretches() {
        for end in [from, to].into_iter().filter(|&end| end < i64::MAX) {
            turns.extend([end + 14 * DAY, end + 104 * DAY]);
        }
    }
    let turns: Vec<i64> = turns.into_iter().collect();
    let mut instants = Vec::new();
    for pair in turns.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let (first, last) = (active_time(from), active_time(to));
        for day in first.min(last).div_euclid(DAY)..=first.max(last).div_euclid(DAY) {
            let passed = (day * DAY - first).abs();
            if first != last && passed <= to - from {
                instants.push(from + passed);
            }
        }
    }
    instants
}

/// The first change of a held band in (`now`, `now` + 120 d] if nothing arrives.
///
/// Dwell is ignored: a move that waits for its dwell counts as made.
pub(crate) fn forecast(
    history: &History,
    held: &[Held; 3],
    now: i64,
    options: &Options,
) -> Option<Forecast> {
    let mut bands = [held[0].band, held[1].band, held[2].band];
    let judge = |at: i64| Judged::new(&View::new(history, at, options.features));
    let moved = |bands: &[Option<usize>; 3], judged: &Judged, score: usize| {
        let steps = judged.scores[score]?;
        let margin = options.tuning[score].exit_margin;
        Some(target(score, bands[score], steps, margin)).filter(|&to| bands[score] != Some(to))
    };
    let today = judge(now);
    for score in 0..bands.len() {
        bands[score] = moved(&bands, &today, score).or(bands[score]);
    }
    for &at in candidates(history).range(now + 1..=now + 120 * DAY) {
        let judged = judge(at);
        if judged.status == Status::Cancelled {
            return None;
        }
        for (score, scale) in SCALES.iter().enumerate() {
            if let Some(to) = moved(&bands, &judged, score) {
                let (score, band) = (scale.name, scale.bands[to].0);
                return Some(Forecast { score, band, at: moment::write(at) });
            }
        }
    }
    None
}
