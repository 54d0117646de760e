//! The catalogue: how many features each plan has.
//!
//! Shape   one table, `[features]`: a plan's name and its number; `"*"` is any other plan.
//! Source  reading A-18 of the specification.

use crate::model::PlanFeatures;
use crate::model::fault::{Faults, Spot};
use crate::model::raw::{COUNT, Section, parse, show};

/// Reads the catalogue in `text`; the row of `"*"` comes last.
pub(super) fn read(text: &str, faults: &Faults<'_>) -> Vec<PlanFeatures> {
    let Some(document) = parse(text, faults) else { return Vec::new() };
    let mut file = Section::new(spot(), document.get_ref(), faults);
    let mut rows = Vec::new();
    for (named, value) in file.entries("features") {
        match (COUNT.read)(value) {
            Some(n_features) => rows.push(PlanFeatures { plan: named.name, n_features }),
            None => faults.add(&named.spot, show(value), COUNT.wanted),
        }
    }
    let has_star = file.table("features").is_some_and(|features| features.has("*"));
    if !has_star {
        let wanted = "a row \"*\" with the features of any plan that is not named";
        faults.add(&spot().below("features"), "", wanted);
    }
    file.end();
    // Stable: the others keep the order of the file.
    rows.sort_by_key(|row| row.plan == "*");
    rows
}

fn spot() -> Spot {
    Spot { place: "catalog".to_owned(), at: 0 }
}
