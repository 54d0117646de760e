//! A customer's row into the cells of `customers`.

use crate::query::sheet::{Cell, Misfit, Sheet};
use crate::query::spot::Spot;
use crate::record::alert::{Input, Part};
use crate::record::scores::Status;
use crate::state::Row;
use crate::unit::{Micros, Points};
use crate::window::Precision;

/// Puts `row`, which stands at `spot` in `edition`, into `sheet`, whose columns are those of
/// [`published`](crate::query::columns::published).
pub(crate) fn put(
    row: &Row<&str>,
    spot: Spot,
    edition: i64,
    sheet: &mut Sheet,
) -> Result<(), Misfit> {
    let (scores, about) = (&row.scores, &row.about);
    sheet.row([
        Cell::Text(Some(scores.customer_id)),
        Cell::Whole(Some(i64::from(spot.partition))),
        Cell::Time(Some(scores.at)),
        Cell::Text(Some(scores.status.name())),
        Cell::Time(Some(about.known_since)),
        Cell::Text(about.plan),
        Cell::Number(about.mrr.map(Micros::to_f64)),
        Cell::Number(about.seats.map(Micros::to_f64)),
        Cell::Text(about.owner),
        Cell::Flag(Some(about.precision == Precision::Approximate)),
        Cell::Text(row.status_before.map(Status::name)),
    ])?;
    for (line, (week, month)) in scores.scores.iter().zip(&row.trends) {
        sheet.row([
            Cell::Number(line.value.map(Points::get)),
            Cell::Text(line.band),
            Cell::Text(line.held),
            Cell::Number(*week),
            Cell::Number(*month),
        ])?;
    }
    sheet.row(scores.scores.iter().map(|line| Cell::Number(Some(line.coverage))))?;
    let next = scores.next.as_ref();
    sheet.row([
        Cell::Text(next.map(|next| next.score)),
        Cell::Text(next.map(|next| next.band)),
        Cell::Time(next.map(|next| next.at)),
    ])?;
    sheet.row(row.measures.iter().map(|value| Cell::Number(*value)))?;
    sheet.row(row.signals.iter().map(|signal| Cell::Flag(signal.active)))?;
    for (line, parts) in scores.scores.iter().zip(&row.reasons) {
        explain(line.name, parts, sheet.inner()?)?;
    }
    sheet.put(Cell::End)?;
    sheet.row([Cell::Whole(Some(spot.number())), Cell::Whole(Some(edition))])
}

/// One row of the explanation.
#[derive(Default)]
struct Told<'a> {
    part: &'a str,
    rule: &'a str,
    name: Option<&'a str>,
    value: f64,
    threshold: Option<f64>,
    weight: Option<f64>,
    points: Option<f64>,
    input: Option<&'a Input<&'a str>>,
    reason: Option<&'a str>,
}

/// Puts the `parts` of the explanation of `score` into `sheet`.
fn explain(score: &str, parts: &[Part<&str>], sheet: &mut Sheet) -> Result<(), Misfit> {
    let mut position = 0;
    for part in parts {
        position += 1;
        put_part(score, position, &told(part), sheet)?;
        if let Part::Subscore { subscore, inputs, .. } = part {
            for input in inputs {
                position += 1;
                put_part(score, position, &told_input(subscore, input), sheet)?;
            }
        }
    }
    Ok(())
}

fn told<'a>(part: &'a Part<&'a str>) -> Told<'a> {
    let points = Some(part.points());
    match part {
        Part::Signal { signal: rule, name, value, threshold, .. } => {
            let (name, threshold) = (Some(*name), Some(*threshold));
            Told { part: "signal", rule, name, value: *value, threshold, points, ..Told::default() }
        }
        Part::Cap { cap: rule, value, threshold, .. } => {
            let threshold = Some(*threshold);
            Told { part: "cap", rule, value: *value, threshold, points, ..Told::default() }
        }
        Part::Floor { floor: rule, value, threshold, .. } => {
            let threshold = Some(*threshold);
            Told { part: "floor", rule, value: *value, threshold, points, ..Told::default() }
        }
        Part::Override { by: rule, reason, value, .. } => {
            let reason = *reason;
            Told { part: "override", rule, value: *value, points, reason, ..Told::default() }
        }
        Part::Subscore { subscore: rule, value, weight, .. } => {
            let weight = Some(*weight);
            Told { part: "subscore", rule, value: *value, weight, points, ..Told::default() }
        }
    }
}

fn told_input<'a>(subscore: &'a str, input: &'a Input<&'a str>) -> Told<'a> {
    let (rule, name) = (input.input, Some(subscore));
    Told { part: "input", rule, name, value: input.value, input: Some(input), ..Told::default() }
}

fn put_part(score: &str, position: i64, told: &Told<'_>, sheet: &mut Sheet) -> Result<(), Misfit> {
    sheet.row([
        Cell::Text(Some(score)),
        Cell::Whole(Some(position)),
        Cell::Text(Some(told.part)),
        Cell::Text(Some(told.rule)),
        Cell::Text(told.name),
        Cell::Number(Some(told.value)),
        Cell::Number(told.threshold),
        Cell::Number(told.weight),
        Cell::Number(told.points),
        Cell::Number(told.input.map(|input| input.low)),
        Cell::Number(told.input.map(|input| input.high)),
        Cell::Number(told.input.map(|input| input.score)),
        Cell::Text(told.reason),
    ])
}
