//! Which events a measure reads: their types, their fields and the filter over them.
//!
//! Rules   a field must be carried by every type it is asked of, in a form that fits; texts of a
//!         closed list must stand in that list.

use crate::model::fault::Named;
use crate::model::raw::{DeValue, FLAG, NUMBER, Section, TEXTS, show};
use crate::model::track::{FieldTest, Filter, Number, Test};
use crate::record::{Field, Form, Kind};
use crate::unit::Micros;

/// The events a measure reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Their types in the order of the vocabulary.
    pub(super) kinds: Vec<Kind>,
    /// Which of them.
    pub(super) filter: Filter,
}

/// Reads `of` and `where`.
pub(super) fn source(section: &mut Section<'_>) -> Option<Source> {
    let kinds = kinds(section, "of");
    let filter = filter(section, kinds.as_deref().unwrap_or_default());
    Some(Source { kinds: kinds?, filter: filter? })
}

/// Reads the types at `key`; `ticket_*` stands for every type that begins so.
pub(super) fn kinds(section: &mut Section<'_>, key: &'static str) -> Option<Vec<Kind>> {
    let wanted = "the name of an event type";
    if !section.has(key) {
        section.name(key, wanted);
        return None;
    }
    let names = section.names(key);
    if names.is_empty() {
        section.fault(key, format!("{wanted}, or several"));
    }
    let mut kinds = Vec::new();
    let mut all = !names.is_empty();
    for named in &names {
        let fits = |kind: &Kind| match named.name.strip_suffix('*') {
            Some(start) => kind.name().starts_with(start),
            None => kind.name() == named.name,
        };
        let before = kinds.len();
        kinds.extend(Kind::ALL.iter().copied().filter(fits));
        if kinds.len() == before {
            let known = Kind::ALL.iter().map(|kind| kind.name());
            section.faults().unknown(named, wanted, known);
            all = false;
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    all.then_some(kinds)
}

/// Finds the field called `named`, which every one of `kinds` must carry in a form that `fits`.
fn field(
    section: &Section<'_>,
    named: &Named,
    kinds: &[Kind],
    (wanted, fits): (&str, fn(Form) -> bool),
) -> Option<Field> {
    let faults = section.faults();
    let carried = |kind: Kind| kind.fields().iter().map(|(field, _)| field.name());
    let Some(field) = Field::named(&named.name) else {
        let known = kinds.iter().flat_map(|kind| carried(*kind));
        faults.unknown(named, &format!("{wanted} of the event type"), known);
        return None;
    };
    let mut fine = true;
    for &kind in kinds {
        match kind.form(field) {
            None => {
                let wanted = format!("{wanted} that {} carries", kind.name());
                faults.unknown(named, &wanted, carried(kind));
                fine = false;
            }
            Some(form) if !fits(form) => {
                let (name, form) = (kind.name(), words(form));
                let wanted = format!("{wanted}; in {name} this one holds {form}");
                faults.add(&named.spot, format!("{:?}", named.name), wanted);
                fine = false;
            }
            Some(_) => {}
        }
    }
    fine.then_some(field)
}

/// Reads the field at `key` that holds a text.
pub(super) fn text_field(
    section: &mut Section<'_>,
    key: &'static str,
    kinds: &[Kind],
) -> Option<Field> {
    let named = section.name(key, "the name of a text field")?;
    field(section, &named, kinds, ("a text field", is_text))
}

/// Reads the field at `key` that holds a moment.
pub(super) fn time_field(
    section: &mut Section<'_>,
    key: &'static str,
    kinds: &[Kind],
) -> Option<Field> {
    let named = section.name(key, "the name of a field that holds a moment")?;
    field(section, &named, kinds, ("a moment", |form| matches!(form, Form::Time | Form::Day)))
}

/// Reads the number at `field` of every one of `kinds`, in their order. Besides the number fields
/// there are `goodness` of surveys and, where `pairs` are kept, `attainment` of reported KPIs.
pub(super) fn numbers(
    section: &mut Section<'_>,
    kinds: &[Kind],
    pairs: Pairs,
) -> Option<Vec<Number>> {
    let named = section.name("field", "the name of a number field")?;
    let only = |kind: Kind| kinds.iter().all(|other| *other == kind);
    match named.name.as_str() {
        "goodness" if only(Kind::SurveyResponse) => {
            return Some(vec![Number::Goodness; kinds.len()]);
        }
        "attainment" if only(Kind::KpiReported) && pairs == Pairs::Kept => {
            return Some(vec![Number::Attainment; kinds.len()]);
        }
        _ => {}
    }
    let field = field(section, &named, kinds, ("a number field", is_number))?;
    let scaled = |kind: Kind| {
        field == Field::Score && matches!(kind, Kind::SentimentScored | Kind::SocialMention)
    };
    let number = |kind: &Kind| if scaled(*kind) { Number::Scaled } else { Number::Field(field) };
    Some(kinds.iter().map(number).collect())
}

/// Whether a number may be kept as a pair of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// It may.
    Kept,
    /// It may not: sums need one integer.
    Refused,
}

/// Reads `where`: one row of tests, or several of which any may hold.
fn filter(section: &mut Section<'_>, kinds: &[Kind]) -> Option<Filter> {
    let mut any = Vec::new();
    let mut fine = true;
    for row in section.list("where") {
        let mut tests = Vec::new();
        for (named, value) in row.all() {
            match test(&row, &named, value, kinds) {
                Some(test) => tests.push(test),
                None => fine = false,
            }
        }
        if tests.is_empty() && fine {
            row.faults().add(&row.spot, "no test", "at least one field with its test");
            fine = false;
        }
        tests.sort_by_key(|test| test.field);
        any.push(tests);
    }
    fine.then_some(Filter { any })
}

/// Reads `field = value`: a text, a list of texts, a flag, or a table with one test.
fn test(
    row: &Section<'_>,
    named: &Named,
    value: &DeValue<'_>,
    kinds: &[Kind],
) -> Option<FieldTest> {
    let faults = row.faults();
    let (test, wanted) = match value {
        DeValue::Table(table) => {
            let mut inner = Section::new(named.spot.clone(), table, faults);
            let test = worded(&mut inner);
            inner.end();
            test?
        }
        DeValue::Boolean(flag) => (Test::Flag(*flag), FLAGS),
        other => match (TEXTS.read)(other) {
            Some(texts) if !texts.is_empty() => (Test::OneOf(texts), LISTED),
            _ => {
                let wanted = "a text, a list of texts, true or false, or a table with one test";
                faults.add(&named.spot, show(other), wanted);
                return None;
            }
        },
    };
    let field = field(row, named, kinds, wanted)?;
    let fine = listed(row, named, &test, field, kinds);
    fine.then_some(FieldTest { field, test })
}

type Fits = (&'static str, fn(Form) -> bool);

const LISTED: Fits = ("a text field", is_text);
const FLAGS: Fits = ("a true-or-false field", |form| matches!(form, Form::Flag));
const NUMBERS: Fits = ("a number field", is_number);
const ANYTHING: Fits = ("a field", |_| true);

/// Reads a table with exactly one test.
fn worded(inner: &mut Section<'_>) -> Option<(Test, Fits)> {
    let mut tests = Vec::new();
    if let Some(texts) = inner.may("is", &TEXTS) {
        tests.push((Test::OneOf(texts), LISTED));
    }
    if let Some(texts) = inner.may("not", &TEXTS) {
        tests.push((Test::NoneOf(texts), LISTED));
    }
    if let Some(texts) = inner.may("holds_any", &TEXTS) {
        tests.push((Test::HoldsAny(texts), LISTED));
    }
    if let Some(absent) = inner.may("absent", &FLAG) {
        tests.push((if absent { Test::Absent } else { Test::Present }, ANYTHING));
    }
    if let Some(number) = inner.may("below", &NUMBER).and_then(Micros::from_f64) {
        tests.push((Test::Below(number), NUMBERS));
    }
    if let Some(number) = inner.may("at_least", &NUMBER).and_then(Micros::from_f64) {
        tests.push((Test::AtLeast(number), NUMBERS));
    }
    let n_tests = tests.len();
    match (n_tests, tests.pop()) {
        (1, test) => test,
        _ => {
            let wanted = "exactly one of is, not, holds_any, absent, below, at_least";
            inner.faults().add(&inner.spot, format!("{n_tests} tests"), wanted);
            None
        }
    }
}

/// Checks that texts of a closed list stand in that list.
fn listed(row: &Section<'_>, named: &Named, test: &Test, field: Field, kinds: &[Kind]) -> bool {
    let (Test::OneOf(texts) | Test::NoneOf(texts)) = test else { return true };
    let mut fine = true;
    for kind in kinds {
        let Some(Form::OneOf(list)) = kind.form(field) else { continue };
        for text in texts.iter().filter(|text| !list.contains(&text.as_str())) {
            let wrong = Named { name: text.clone(), spot: named.spot.clone() };
            let wanted = format!("one of {}", list.join(", "));
            row.faults().unknown(&wrong, &wanted, list.iter().copied());
            fine = false;
        }
    }
    fine
}

fn is_text(form: Form) -> bool {
    matches!(form, Form::Text | Form::Label | Form::OneOf(_))
}

fn is_number(form: Form) -> bool {
    matches!(form, Form::Number | Form::Amount | Form::Count)
}

/// What a field of this form holds, in words.
fn words(form: Form) -> &'static str {
    match form {
        Form::Text | Form::Label | Form::OneOf(_) => "a text",
        Form::Number | Form::Amount | Form::Count => "a number",
        Form::Flag => "true or false",
        Form::Time | Form::Day => "a moment",
    }
}
