//! The scores of the file, read into drafts: how each is made, its bands and how it rings.
//!
//! Rules   bands go up from 0 without gap or overlap; weights add up to 1; caps add up to at most
//!         100; no exit margin is wider than a band that must be entered through it.

use crate::model::fault::{Named, Spot};
use crate::model::measure::How;
use crate::model::raw::{
    COUNT, Form, NUMBER, POINTS, POINTS_LIST, SHARE, SPAN, Section, TEXT, TEXTS, WEIGHT, show,
};
use crate::model::score::{
    Asks, Band, Combine, DropRule, Group, InputRule, Level, Score, Severity, Subscore, Worse,
};
use crate::unit::Micros;
use crate::unit::limit::BANDS_MAX;

/// One score, read but not yet joined to its measures and signals.
#[derive(Clone, Debug)]
pub(super) struct ScoreDraft {
    /// Its name and place.
    pub(super) named: Named,
    /// The score; the measures of its inputs and its signals are still open.
    pub(super) score: Score,
    /// The measures of its inputs, in their order.
    pub(super) inputs: Vec<Named>,
    /// Where its groups or levels stand, in their order.
    pub(super) members: Vec<Named>,
}

#[derive(Clone, Copy)]
enum Way {
    Capped,
    Normalised,
    Severity(Severity),
    Weighted,
}

const WAYS: &[(&str, Way)] = &[
    ("capped_sum", Way::Capped),
    ("normalised", Way::Normalised),
    ("severity_max", Way::Severity(Severity::Max)),
    ("noisy_or", Way::Severity(Severity::NoisyOr)),
    ("sum_capped", Way::Severity(Severity::SumCapped)),
    ("weighted", Way::Weighted),
];

/// What a score is made of, and the names it needs.
#[derive(Default)]
struct Made {
    combine: Option<Combine>,
    inputs: Vec<Named>,
    members: Vec<Named>,
}

/// Reads one `[scores.NAME]`.
pub(super) fn draft(named: Named, mut section: Section<'_>) -> Option<ScoreDraft> {
    let way = section.choice("combine", WAYS)?;
    let made = match way {
        Way::Capped | Way::Normalised => capped(&mut section, way),
        Way::Severity(how) => severity(&mut section, how),
        Way::Weighted => weighted(&mut section),
    };
    let worse = section.choice("worse", &[("higher", Worse::Higher), ("lower", Worse::Lower)]);
    let margin = section.may("exit_margin", &POINTS).unwrap_or(0.0);
    let bands = bands(&mut section);
    let dwell = section.may("dwell", &SPAN).unwrap_or_default();
    let cooldown = section.may("cooldown", &SPAN).unwrap_or_default();
    let min_coverage = section.may("min_coverage", &SHARE).unwrap_or(0.0);
    let null_band = section.may("null_band", &TEXT);
    if let Some(word) = &null_band
        && bands.iter().any(|band| band.name == *word)
    {
        section.fault("null_band", "a word that is not the name of a band");
    }
    let drop = drop_rule(&mut section);
    if drop.is_some() && worse == Some(Worse::Higher) {
        let wanted = "no drop here: where a higher score is worse, its fall is good news";
        section.fault("drop", wanted);
    }
    if let Some(worse) = worse {
        check_margin(&section, &bands, margin, worse);
    }
    section.end();
    let score = Score {
        name: named.name.clone(),
        combine: made.combine?,
        signals: Vec::new(),
        mask: 0,
        bands,
        worse: worse?,
        exit_margin: margin,
        dwell,
        cooldown,
        min_coverage,
        null_band,
        drop,
    };
    Some(ScoreDraft { named, score, inputs: made.inputs, members: made.members })
}

fn capped(section: &mut Section<'_>, way: Way) -> Made {
    let faults = section.faults();
    let (mut groups, mut members) = (Vec::new(), Vec::new());
    for (named, value) in section.entries("groups") {
        match (WEIGHT.read)(value) {
            Some(cap) => groups.push(Group { name: named.name.clone(), cap }),
            None => faults.add(&named.spot, show(value), WEIGHT.wanted),
        }
        faults.plain(&named);
        members.push(named);
    }
    let caps: f64 = groups.iter().map(|group| group.cap).sum();
    if members.is_empty() {
        section.fault("groups", "a table of groups, each with its cap in points");
    } else if 100.0 < caps {
        let wanted = format!("caps that add up to at most 100, not {caps}");
        section.fault("groups", wanted);
    }
    let count_floor = section.may("count_floor", &POINTS_LIST).unwrap_or_else(|| vec![0.0]);
    let rises = count_floor.is_sorted_by(|a, b| a <= b);
    if count_floor.is_empty() || !rises {
        section
            .fault("count_floor", "the floors for 0, 1, 2, … active signals, none below the last");
    }
    let mut count_groups = Vec::new();
    for named in section.names("count_groups") {
        match members.iter().position(|group| group.name == named.name) {
            Some(group) => count_groups.push(group),
            None => {
                let known = members.iter().map(|group| group.name.as_str());
                faults.unknown(&named, "the name of a group of this score", known);
            }
        }
    }
    let combine = match way {
        Way::Normalised => Combine::Normalised { groups, count_floor, count_groups },
        _ => Combine::CappedSum { groups, count_floor, count_groups },
    };
    Made { combine: Some(combine), inputs: vec![], members }
}

fn severity(section: &mut Section<'_>, how: Severity) -> Made {
    let faults = section.faults();
    let (mut levels, mut members): (Vec<Level>, Vec<Named>) = (Vec::new(), Vec::new());
    for (named, mut inner) in section.tables("levels") {
        let base = inner.need("base", &WEIGHT);
        let span = inner.need("span", &POINTS);
        let points = inner.need("points", &WEIGHT);
        if let (Some(base), Some(span)) = (base, span)
            && 100.0 < base + span
        {
            inner.fault("span", format!("at most {}, so that a score ends at 100", 100.0 - base));
        }
        if let (Some(above), Some(base)) = (levels.last(), base)
            && above.base <= base
        {
            inner.fault("base", format!("less than {} of level {}", above.base, above.name));
        }
        inner.end();
        if let (Some(base), Some(span), Some(points)) = (base, span, points) {
            levels.push(Level { name: named.name.clone(), base, span, points });
        }
        faults.plain(&named);
        members.push(named);
    }
    if members.is_empty() {
        section.fault("levels", "a table of levels from the worst down");
    }
    Made { combine: Some(Combine::Severity { levels, how }), inputs: vec![], members }
}

fn weighted(section: &mut Section<'_>) -> Made {
    let (mut subscores, mut inputs) = (Vec::new(), Vec::new());
    let mut all_weighed = true;
    for (named, mut inner) in section.tables("subscores") {
        const PART: Form<f64> = Form {
            wanted: "a weight above 0, at most 1",
            read: |value| (SHARE.read)(value).filter(|share| 0.0 < *share),
        };
        let weight = inner.need("weight", &PART);
        let mut rules = Vec::new();
        for mut row in inner.list("inputs") {
            let measure = row.name("measure", "the name of a measure");
            let (low, high) = (row.need("lo", &NUMBER), row.need("hi", &NUMBER));
            if let (Some(low), Some(high)) = (low, high) {
                if same(low, high) {
                    row.fault("hi", "another number than lo: the score rises from lo to hi");
                }
                rules.push(InputRule { measure: 0, low, high });
            }
            inputs.extend(measure);
            row.end();
        }
        if rules.is_empty() {
            inner.fault("inputs", "at least one input: { measure, lo, hi }");
        }
        inner.end();
        section.faults().plain(&named);
        all_weighed &= weight.is_some();
        subscores.push(Subscore {
            name: named.name,
            weight: weight.and_then(Micros::from_f64).unwrap_or(Micros::ZERO),
            inputs: rules,
        });
    }
    let weights: f64 = subscores.iter().map(|subscore| subscore.weight.to_f64()).sum();
    if subscores.is_empty() {
        section.fault("subscores", "a table of sub-scores, each with weight and inputs");
    } else if all_weighed && 1e-9 < (weights - 1.0).abs() {
        let wanted = format!("weights that add up to 1, not {weights}");
        section.fault("subscores", wanted);
    }
    Made { combine: Some(Combine::Weighted { subscores }), inputs, members: vec![] }
}

/// Reads the bands: from 0 up, each to where the next begins, the last to 100.
fn bands(section: &mut Section<'_>) -> Vec<Band> {
    let faults = section.faults();
    let mut bands: Vec<Band> = Vec::new();
    // Where the band before says that it ends, and where it says so.
    let mut end: Option<(f64, Spot)> = None;
    for mut row in section.list("bands") {
        let (from, to) = (row.need("from", &POINTS), row.may("to", &POINTS));
        let band = band(&mut row, from.unwrap_or(0.0));
        if let (Some(before), Some(from)) = (bands.last(), from) {
            if from <= before.from {
                let (edge, name) = (before.from, &before.name);
                row.fault("from", format!("more than {edge}, where band {name} begins"));
            } else if let Some((end, spot)) = end.filter(|(end, _)| !same(*end, from)) {
                let flaw = if end < from { "a gap" } else { "an overlap" };
                let wanted = format!("{from}, where the next band begins: this leaves {flaw}");
                faults.add(&spot, end.to_string(), wanted);
            }
            if bands.iter().any(|other| other.name == band.name) {
                row.fault("name", "a name that no other band of the score has");
            }
        } else if let Some(from) = from
            && !same(from, 0.0)
        {
            row.fault("from", "0: the first band begins at 0");
        }
        end = to.map(|to| (to, row.spot_of("to")));
        row.end();
        bands.push(band);
    }
    if let Some((end, spot)) = end.filter(|(end, _)| !same(*end, 100.0)) {
        faults.add(&spot, end.to_string(), "100: the last band ends at 100");
    }
    if bands.is_empty() {
        section.fault("bands", "at least one band, from 0 up");
    } else if BANDS_MAX < bands.len() {
        section.fault("bands", format!("at most {BANDS_MAX} bands"));
    }
    bands
}

fn band(row: &mut Section<'_>, from: f64) -> Band {
    let asks = match row.has("asks") {
        true => row.choice("asks", &[("action", Asks::Action), ("nothing", Asks::Nothing)]),
        false => None,
    };
    let name = row.name("name", "the band's name");
    if let Some(name) = &name {
        row.faults().plain(name);
    }
    Band {
        name: name.map(|named| named.name).unwrap_or_default(),
        from,
        asks: asks.unwrap_or(Asks::Nothing),
        action: row.may("action", &TEXT).unwrap_or_default(),
        channels: row.may("channels", &TEXTS).unwrap_or_default(),
        due: row.may("due", &SPAN),
    }
}

fn drop_rule(section: &mut Section<'_>) -> Option<DropRule> {
    let mut row = section.table("drop")?;
    let days = row.need("days", &COUNT);
    let ring_at = row.need("ring_at", &NUMBER);
    let arm_above = row.need("arm_above", &NUMBER);
    let cooldown = row.may("cooldown", &SPAN).unwrap_or_default();
    // Daily samples of a score are kept for the longest trend.
    if days.is_some_and(|days| 30 < days) {
        row.fault("days", "at most 30 days");
    }
    if ring_at.is_some_and(|points| !(-100.0..0.0).contains(&points)) {
        row.fault("ring_at", "points below 0, such as -20");
    } else if let (Some(ring_at), Some(arm_above)) = (ring_at, arm_above)
        && arm_above < ring_at
    {
        row.fault("arm_above", format!("at least ring_at ({ring_at})"));
    }
    row.end();
    Some(DropRule { days: days?, ring_at: ring_at?, arm_above: arm_above?, cooldown })
}

/// A better band is entered only `margin` past its edge, so it must be wider than that; the worst
/// band is entered at its edge.
fn check_margin(section: &Section<'_>, bands: &[Band], margin: f64, worse: Worse) {
    for (at, band) in bands.iter().enumerate() {
        let above = bands.get(at + 1);
        let is_worst = match worse {
            Worse::Higher => above.is_none(),
            Worse::Lower => at == 0,
        };
        let width = above.map_or(100.0, |above| above.from) - band.from;
        if !is_worst && 0.0 < width && width <= margin {
            let name = &band.name;
            section.fault("exit_margin", format!("less than {width}, the width of band {name}"));
        }
    }
}

/// Whether two numbers of a file are the same number.
fn same(one: f64, other: f64) -> bool {
    one.total_cmp(&other).is_eq() || (one - other).abs() < f64::EPSILON
}

/// Whether `how` may be turned into points: it must not move with every millisecond.
pub(super) fn is_input(how: &How) -> bool {
    !how.is_continuous()
}
