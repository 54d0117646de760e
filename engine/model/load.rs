//! Loading: from the text of a model file to a [`Model`], or to everything that is wrong with it.
//!
//! Rules   what loads cannot be wrong: every index points somewhere, every number is in range.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::model::check_measure::{self, Draft};
use crate::model::check_score::{self, ScoreDraft};
use crate::model::check_signal::{self, Known};
use crate::model::derive::Sources;
use crate::model::fault::{Fault, Faults, Named, Spot};
use crate::model::raw::{COUNT, DeTable, Section, TEXT, WINDOW, parse, show};
use crate::model::reads::Reads;
use crate::model::score::{Combine, Score};
use crate::model::{Model, PlanFeatures, catalog, compile, derive};
use crate::record::Kind;
use crate::unit::Span;
use crate::unit::limit::{MEASURES_MAX, MODEL_BYTES_MAX, SCORES_MAX, SIGNALS_MAX, TRACKS_MAX};

/// Loads the model in `text` with the catalogue in `catalog_text`, for a platform that sends
/// `sources` (all types, if it is `None`).
///
/// # Errors
///
/// Every fault of both files at once, in the order of their lines.
pub fn load(text: &str, catalog_text: &str, sources: Sources<'_>) -> Result<Model, Vec<Fault>> {
    let of_catalog = Faults::new(catalog_text);
    let catalog = match fits(catalog_text, &of_catalog) {
        true => catalog::read(catalog_text, &of_catalog),
        false => Vec::new(),
    };
    let faults = Faults::new(text);
    let model = match fits(text, &faults) {
        true => parse(text, &faults)
            .and_then(|document| read(document.get_ref(), &faults, catalog, sources)),
        false => None,
    };
    let mut found = faults.end();
    found.extend(of_catalog.end());
    match model {
        Some(model) if found.is_empty() => Ok(model),
        _ => Err(found),
    }
}

fn fits(text: &str, faults: &Faults<'_>) -> bool {
    let fits = text.len() <= MODEL_BYTES_MAX;
    if !fits {
        let spot = Spot { place: String::new(), at: 0 };
        let wanted = format!("at most {MODEL_BYTES_MAX} bytes");
        faults.add(&spot, format!("a file of {} bytes", text.len()), wanted);
    }
    fits
}

fn read<'t>(
    document: &'t DeTable<'t>,
    faults: &'t Faults<'t>,
    catalog: Vec<PlanFeatures>,
    sources: Sources<'_>,
) -> Option<Model> {
    let mut file = Section::new(Spot { place: String::new(), at: 0 }, document, faults);
    let header = header(&mut file);
    let (mut drafts, measures) = drafts(&mut file);
    let (tracks, feeds) = compile::tracks(&mut drafts);
    let reach = compile::reach(&drafts, &too_old(&mut file), faults);
    let (score_names, scores) = score_drafts(&mut file);
    let known = Known {
        measures: &measures,
        scores: &scores,
        score_names: &score_names,
        peopled: RefCell::new(BTreeSet::new()),
        faults,
    };
    let (signals, flags) = (file.tables("signals"), file.tables("red_flags"));
    let intents = file.tables("intents");
    let ids: Vec<Named> = signals.iter().map(|(named, _)| named.clone()).collect();
    let rules = flags.iter().chain(&intents).map(|(named, _)| named.clone());
    check_ids(&ids.iter().cloned().chain(rules).collect::<Vec<_>>(), &score_names, faults);
    at_most(&file, "signals", ids.len(), SIGNALS_MAX);
    at_most(&file, "measures", tracks.len(), TRACKS_MAX);
    let ids: Vec<String> = ids.into_iter().map(|named| named.name).collect();
    let signals = check_signal::signals(signals, &known);
    let flags = check_signal::flags(flags, &known, &ids);
    let intents = check_signal::intents(intents, &known);
    file.end();
    check_peopled(&known);
    let inputs = inputs(&known, &drafts);
    let scores = join(scores, &inputs, &signals);
    let (mut measures, purposes) = derive::measures(&drafts, sources);
    derive::uses(&mut measures, &signals, &flags, &scores);
    let (id, version) = header?;
    let reads = Reads::of(&measures, &feeds, &signals, &flags, &scores);
    Some(Model {
        id,
        version,
        tracks,
        feeds,
        reach,
        measures,
        signals,
        flags,
        scores,
        intents,
        purposes,
        catalog,
        reads,
    })
}

/// Notes a fault at `key` where there are more than `most` of what it holds.
fn at_most(file: &Section<'_>, key: &str, n: usize, most: usize) {
    if most < n {
        let what = if key == "measures" && most == TRACKS_MAX { "different tracks" } else { key };
        file.faults().add(&file.spot_of(key), format!("{n} {what}"), format!("at most {most}"));
    }
}

fn header(file: &mut Section<'_>) -> Option<(String, u32)> {
    if !file.has("model") {
        file.fault("model", "a table [model] with id and version");
    }
    let mut model = file.table("model")?;
    let id = model.need("id", &TEXT);
    if let Some(name) = &id {
        file.faults().plain(&Named { name: name.clone(), spot: model.spot_of("id") });
    }
    let version = model.need("version", &COUNT);
    model.end();
    Some((id?, version?))
}

/// The measures in their order, and the names of all of them: by index as far as they are sound,
/// the faulty ones behind.
fn drafts(file: &mut Section<'_>) -> (Vec<Draft>, Vec<String>) {
    let faults = file.faults();
    let tables = file.tables("measures");
    at_most(file, "measures", tables.len(), MEASURES_MAX);
    let declared: Vec<String> = tables.iter().map(|(named, _)| named.name.clone()).collect();
    let mut drafts = Vec::new();
    for (named, section) in tables.into_iter().take(MEASURES_MAX) {
        faults.plain(&named);
        drafts.extend(check_measure::draft(named, section));
    }
    let drafts = compile::order(drafts, &declared, faults);
    let mut names: Vec<String> = drafts.iter().map(|draft| draft.named.name.clone()).collect();
    let faulty = declared.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>();
    names.extend(faulty);
    (drafts, names)
}

fn too_old(file: &mut Section<'_>) -> Vec<(Kind, Span, Spot)> {
    let faults = file.faults();
    let mut rows = Vec::new();
    for (named, value) in file.entries("too_old") {
        let kind = Kind::named(&named.name);
        if kind.is_none() {
            let known = Kind::ALL.iter().map(|kind| kind.name());
            faults.unknown(&named, "the name of an event type", known);
        }
        let span = (WINDOW.read)(value);
        if span.is_none() {
            faults.add(&named.spot, show(value), WINDOW.wanted);
        }
        rows.extend(kind.zip(span).map(|(kind, span)| (kind, span, named.spot)));
    }
    rows
}

/// Names that would stand for two columns in tables of customers, or that cannot be one.
const TAKEN: &[&str] = &[
    "approximate",
    "as_of",
    "at",
    "customer_id",
    "edition",
    "explanation",
    "known_since",
    "measured_at",
    "model",
    "model_id",
    "model_version",
    "mrr",
    "next",
    "owner",
    "partition",
    "place",
    "plan",
    "seats",
    "status",
    "status_30d_before",
];

fn score_drafts(file: &mut Section<'_>) -> (Vec<String>, Vec<ScoreDraft>) {
    let faults = file.faults();
    let tables = file.tables("scores");
    at_most(file, "scores", tables.len(), SCORES_MAX);
    if tables.is_empty() {
        file.fault("scores", "at least one score");
    }
    let names = tables.iter().map(|(named, _)| named.name.clone()).collect();
    let mut drafts = Vec::new();
    for (named, section) in tables {
        let name = named.name.as_str();
        let fine = name.len() <= 64
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !fine {
            let wanted = "a name of lower-case letters, digits and _, as it names a column";
            faults.add(&named.spot, format!("{name:?}"), wanted);
        }
        let ends = ["_band", "_held", "_value", "_active", "_trend_7d", "_trend_30d"];
        let starts = ["coverage_", "next_", "measure_"];
        if TAKEN.contains(&name)
            || ends.iter().any(|end| name.ends_with(end))
            || starts.iter().any(|start| name.starts_with(start))
        {
            let wanted = "a name that no other column of the customers table has";
            faults.add(&named.spot, format!("{name:?}"), wanted);
        }
        drafts.extend(check_score::draft(named, section));
    }
    (names, drafts)
}

/// What rings is told apart by its rule; and signals name columns, where case and dash are lost.
fn check_ids(ids: &[Named], scores: &[String], faults: &Faults<'_>) {
    let column = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let mut seen: Vec<String> = scores.to_vec();
    for named in ids {
        faults.plain(named);
        let name = column(&named.name);
        if seen.contains(&name) {
            let wanted = "an id that no other signal, red flag, intent or score has, whatever its \
                          letter case and dashes";
            faults.add(&named.spot, format!("{:?}", named.name), wanted);
        }
        seen.push(name);
    }
}

/// Every group and every level has a signal.
fn check_peopled(known: &Known<'_>) {
    let peopled = known.peopled.borrow();
    for (score, draft) in known.scores.iter().enumerate() {
        for (member, named) in draft.members.iter().enumerate() {
            if !peopled.contains(&(score, member)) {
                known.faults.add(&named.spot, "no signal", "at least one signal that stands in it");
            }
        }
    }
}

/// The measures of every score's inputs, in their order.
fn inputs(known: &Known<'_>, drafts: &[Draft]) -> Vec<Vec<usize>> {
    let find = |named: &Named| {
        let at = known.measure(named)?;
        if drafts.get(at).is_some_and(|draft| !check_score::is_input(&draft.how)) {
            let wanted = "a measure that stands still between events: ages, tenure, days late and \
                          days until may stand in comparisons only";
            known.faults.add(&named.spot, format!("{:?}", named.name), wanted);
        }
        Some(at)
    };
    let of_score = |draft: &ScoreDraft| draft.inputs.iter().filter_map(find).collect();
    known.scores.iter().map(of_score).collect()
}

/// The scores with their inputs and signals.
fn join(
    drafts: Vec<ScoreDraft>,
    inputs: &[Vec<usize>],
    signals: &[crate::model::Signal],
) -> Vec<Score> {
    let mut scores = Vec::with_capacity(drafts.len());
    for (at, (draft, measures)) in drafts.into_iter().zip(inputs).enumerate() {
        let mut score = draft.score;
        if let Combine::Weighted { subscores } = &mut score.combine {
            let rules = subscores.iter_mut().flat_map(|subscore| &mut subscore.inputs);
            for (rule, measure) in rules.zip(measures) {
                rule.measure = *measure;
            }
        }
        let own = signals.iter().enumerate().filter(|(_, signal)| signal.score == at);
        score.signals = own.map(|(index, _)| index).collect();
        // Those beyond the last bit are too many, which is a fault of its own.
        let bit = |index: &usize| u32::try_from(*index).ok().and_then(|at| 1_u128.checked_shl(at));
        score.mask = score.signals.iter().filter_map(bit).fold(0, |mask, bit| mask | bit);
        scores.push(score);
    }
    scores
}
