//! The TOML of a model file as sections that believe nothing.
//!
//! Shape   a [`Section`] is one table; its values are asked for by key and form. What nobody asked
//!         for is unknown and is reported with a near name when the section ends.
//! Rules   walked by hand rather than by derived code, which would stop at the first fault; tables
//!         keep the order of the file, for signals and scores have one.

use toml::Spanned;
pub(super) use toml::de::{DeTable, DeValue};

use crate::model::fault::{Faults, Named, Spot, near};
use crate::unit::Span;

/// A form that a value may have, and the words for it.
pub(super) struct Form<T> {
    /// What is wanted, in words.
    pub(super) wanted: &'static str,
    /// Reads it, or not.
    pub(super) read: fn(&DeValue<'_>) -> Option<T>,
}

/// A text that is not empty.
pub(super) const TEXT: Form<String> = Form {
    wanted: "a text",
    read: |value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned),
};
/// One text or a list of texts.
pub(super) const TEXTS: Form<Vec<String>> =
    Form { wanted: "a text or a list of texts", read: texts };
/// A flag.
pub(super) const FLAG: Form<bool> = Form { wanted: "true or false", read: |value| value.as_bool() };
/// A finite number.
pub(super) const NUMBER: Form<f64> = Form { wanted: "a number", read: number };
/// Points from 0 to 100.
pub(super) const POINTS: Form<f64> = Form {
    wanted: "points from 0 to 100",
    read: |value| number(value).filter(|number| (0.0..=100.0).contains(number)),
};
/// Points from above 0 to 100.
pub(super) const WEIGHT: Form<f64> = Form {
    wanted: "points above 0, at most 100",
    read: |value| number(value).filter(|number| 0.0 < *number && *number <= 100.0),
};
/// Several points from 0 to 100.
pub(super) const POINTS_LIST: Form<Vec<f64>> = Form {
    wanted: "a list of points from 0 to 100",
    read: |value| value.as_array()?.iter().map(|item| (POINTS.read)(item.get_ref())).collect(),
};
/// A share from 0 to 1.
pub(super) const SHARE: Form<f64> = Form {
    wanted: "a share from 0 to 1",
    read: |value| number(value).filter(|number| (0.0..=1.0).contains(number)),
};
/// A whole number of at least one.
pub(super) const COUNT: Form<u32> = Form {
    wanted: "a whole number, at least 1",
    read: |value| u32::try_from(whole(value)?).ok().filter(|number| *number != 0),
};
/// A span of time; zero is written `0`.
pub(super) const SPAN: Form<Span> = Form {
    wanted: "a whole number with a unit (ms, s, m, h, d, w) in quotes, such as \"14d\", or \"0\"",
    read: span,
};
/// A span of time above zero.
pub(super) const WINDOW: Form<Span> = Form {
    wanted: "a whole number above 0 with a unit (ms, s, m, h, d, w) in quotes, such as \"14d\"",
    read: |value| span(value).filter(|span| *span != Span::ZERO),
};

/// Longer windows than ten thousand days have no use and would come near the end of time.
const SPAN_MAX: Span = Span::days(10_000);

fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| (TEXT.read)(item.get_ref())).collect(),
        other => (TEXT.read)(other).map(|text| vec![text]),
    }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    let number: f64 = match value {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok()?,
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => return None,
    };
    (number.is_finite() && number.abs() <= crate::unit::limit::AMOUNT_MAX).then_some(number)
}

fn span(value: &DeValue<'_>) -> Option<Span> {
    Span::parse(value.as_str()?).filter(|span| *span <= SPAN_MAX)
}

/// The document that `text` holds; a text that is no TOML gives its faults and nothing else.
pub(super) fn parse<'t>(text: &'t str, faults: &Faults<'_>) -> Option<Spanned<DeTable<'t>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let spot = Spot { place: String::new(), at };
        faults.add(&spot, error.message().trim().replace('\n', ", "), "TOML 1.1");
    }
    errors.is_empty().then_some(document)
}

/// One table of the file.
pub(super) struct Section<'t> {
    /// Where it stands.
    pub(super) spot: Spot,
    table: &'t DeTable<'t>,
    faults: &'t Faults<'t>,
    asked: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// The table at `spot`.
    pub(super) fn new(spot: Spot, table: &'t DeTable<'t>, faults: &'t Faults<'t>) -> Section<'t> {
        Section { spot, table, faults, asked: Vec::new() }
    }

    /// Where faults go.
    pub(super) fn faults(&self) -> &'t Faults<'t> {
        self.faults
    }

    fn find(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// Whether `key` stands in the table.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of the value of `key`, or of the table where it has none.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        let at = self.table.get(key).map_or(self.spot.at, |value| value.span().start);
        Spot { at, ..self.spot.below(key) }
    }

    /// Notes a fault at `key`, quoting what stands there.
    pub(super) fn fault(&self, key: &str, wanted: impl Into<String>) {
        let found = self.table.get(key).map_or_else(String::new, |value| show(value.get_ref()));
        self.faults.add(&self.spot_of(key), found, wanted);
    }

    /// The value of `key`, which may be absent; one of another form is a fault.
    pub(super) fn may<T>(&mut self, key: &'static str, form: &Form<T>) -> Option<T> {
        let value = self.find(key)?;
        let read = (form.read)(value.get_ref());
        if read.is_none() {
            self.fault(key, form.wanted);
        }
        read
    }

    /// The value of `key`, which must be there.
    pub(super) fn need<T>(&mut self, key: &'static str, form: &Form<T>) -> Option<T> {
        if !self.has(key) {
            self.asked.push(key);
            self.fault(key, form.wanted);
            return None;
        }
        self.may(key, form)
    }

    /// The name at `key`, which must be there.
    pub(super) fn name(&mut self, key: &'static str, what: &'static str) -> Option<Named> {
        let name = self.need(key, &Form { wanted: what, read: TEXT.read })?;
        Some(Named { name, spot: self.spot_of(key) })
    }

    /// The names at `key`, one or several, none if it is absent.
    pub(super) fn names(&mut self, key: &'static str) -> Vec<Named> {
        let names = self.may(key, &TEXTS).unwrap_or_default();
        let spot = self.spot_of(key);
        names.into_iter().map(|name| Named { name, spot: spot.clone() }).collect()
    }

    /// One of `choices` at `key`, which must be there.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let what = format!("one of {}", words.join(", "));
        self.asked.push(key);
        let Some(text) = self.table.get(key).and_then(|value| (TEXT.read)(value.get_ref())) else {
            self.fault(key, what);
            return None;
        };
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if chosen.is_none() {
            self.faults.unknown(&Named { name: text, spot: self.spot_of(key) }, &what, words);
        }
        chosen
    }

    /// The entries of the table at `key` in the order of the file, none if it is absent.
    pub(super) fn entries(&mut self, key: &'static str) -> Vec<(Named, &'t DeValue<'t>)> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.fault(key, "a table");
            return Vec::new();
        };
        entries(&self.spot_of(key), table)
    }

    /// The named tables below `key` in the order of the file, none if it is absent.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<(Named, Section<'t>)> {
        let faults = self.faults;
        let table = |(named, value): (Named, &'t DeValue<'t>)| match value.as_table() {
            Some(table) => Some((named.clone(), Section::new(named.spot, table, faults))),
            None => {
                faults.add(&named.spot, show(value), "a table");
                None
            }
        };
        self.entries(key).into_iter().filter_map(table).collect()
    }

    /// The table at `key`, if it is there.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Section<'t>> {
        let value = self.find(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.fault(key, "a table");
            return None;
        };
        Some(Section::new(self.spot_of(key), table, self.faults))
    }

    /// The tables of the list at `key`, or the one table there; none if it is absent.
    pub(super) fn list(&mut self, key: &'static str) -> Vec<Section<'t>> {
        let Some(value) = self.find(key) else { return Vec::new() };
        let spot = self.spot_of(key);
        let items = match value.get_ref() {
            DeValue::Array(items) => items.as_ref(),
            _ => std::slice::from_ref(value),
        };
        let mut sections = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            let place = if items.len() == 1 { spot.place.clone() } else { numbered(&spot, at) };
            let spot = Spot { place, at: item.span().start };
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::new(spot, table, self.faults)),
                None => self.faults.add(&spot, show(item.get_ref()), "a table"),
            }
        }
        sections
    }

    /// The entries of this table itself in the order of the file.
    pub(super) fn all(&self) -> Vec<(Named, &'t DeValue<'t>)> {
        entries(&self.spot, self.table)
    }

    /// Notes every key that nobody asked for.
    pub(super) fn end(self) {
        for (named, _) in self.all() {
            if self.asked.contains(&named.name.as_str()) {
                continue;
            }
            let asked = self.asked.iter().copied();
            let wanted = match near(&named.name, asked.clone()) {
                Some(near) => format!("a known key; did you mean {near}?"),
                None => {
                    let mut known: Vec<&str> = asked.collect();
                    known.sort_unstable();
                    known.dedup();
                    format!("one of the keys {}", known.join(", "))
                }
            };
            self.faults.add(&named.spot, "", wanted);
        }
    }
}

/// `bands[2]`: the place of one item of a list, counted from 1.
fn numbered(spot: &Spot, at: usize) -> String {
    format!("{}[{}]", spot.place, at + 1)
}

fn entries<'t>(spot: &Spot, table: &'t DeTable<'t>) -> Vec<(Named, &'t DeValue<'t>)> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let spot = Spot { at: key.span().start, ..spot.below(key.get_ref()) };
            (Named { name: key.get_ref().to_string(), spot }, value.get_ref())
        })
        .collect();
    entries.sort_by_key(|(named, _)| named.spot.at);
    entries
}

/// What a value says, short enough for a message.
pub(super) fn show(value: &DeValue<'_>) -> String {
    let text = match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(integer) => integer.to_string(),
        DeValue::Float(float) => float.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> = items.iter().take(8).map(flat).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(_) => "a table".to_owned(),
    };
    if text.chars().count() <= 80 {
        text
    } else {
        text.chars().take(77).chain("…".chars()).collect()
    }
}

/// An item of a list, without what it holds itself.
fn flat(item: &Spanned<DeValue<'_>>) -> String {
    match item.get_ref() {
        DeValue::Array(_) => "a list".to_owned(),
        other => show(other),
    }
}
