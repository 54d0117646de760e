//! How the rows of some files are read: one `[[source]]` of a map.

use jiff::tz::TimeZone;
use toml::Value;

use crate::record::Kind;
use crate::record::map::keys::{Faults, Keys, shown, wanted_name};
use crate::record::map::lookup::LookupRule;
use crate::record::map::moment::Writing;
use crate::record::map::rules;
use crate::record::map::template::{Columns, Template};
use crate::record::map::value::FieldRule;
use crate::record::map::when::Condition;
use crate::unit::limit;

/// What a file's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values under a header.
    Csv {
        /// What separates the cells: one ASCII character.
        delimiter: u8,
    },
    /// One JSON object a line.
    Json,
}

/// In which order a file's events are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As its rows come.
    Own,
    /// By time; rows of one time as they come.
    Time,
}

/// What happens to a row for which no event's conditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unmatched {
    Refuse,
    Skip,
}

/// How often an event is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Once {
    EachRow,
    PerDay,
}

/// One event that a row may give.
#[derive(Clone, Debug)]
pub(super) struct EventRule {
    pub(super) kind: Kind,
    pub(super) when: Vec<Condition>,
    pub(super) id: Template,
    pub(super) customer: Template,
    pub(super) time: TimeRule,
    pub(super) once: Once,
    pub(super) fields: Vec<FieldRule>,
}

/// Where an event's time stands.
#[derive(Clone, Debug)]
pub(super) struct TimeRule {
    pub(super) column: usize,
    pub(super) writing: Writing,
}

/// How the rows of some files are read.
#[derive(Clone, Debug)]
pub struct Table {
    pattern: String,
    format: Format,
    order: Order,
    lookups: Vec<LookupRule>,
    pub(super) zone: TimeZone,
    pub(super) unmatched: Unmatched,
    pub(super) columns: Columns,
    pub(super) events: Vec<EventRule>,
}

impl Table {
    /// The name of its files, or a pattern in which `*` stands for any letters.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// What its files' bytes are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// In which order its events are taken.
    pub fn order(&self) -> Order {
        self.order
    }

    /// What must be looked up in other files.
    pub fn lookups(&self) -> &[LookupRule] {
        &self.lookups
    }

    /// The types of events that it gives, each as often as a rule gives it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.events.iter().map(|event| event.kind)
    }

    /// Whether a file of this name is one of its files.
    pub fn fits(&self, file_name: &str) -> bool {
        fits(&self.pattern, file_name)
    }

    /// Reads the `number`th `[[source]]`; what is wrong with it is noted.
    pub(super) fn read(
        number: usize,
        table: toml::Table,
        default: &TimeZone,
        faults: &mut Faults,
    ) -> Table {
        let mut keys = Keys::new(format!("source {number}"), table);
        let pattern = keys.need_text("file", faults).unwrap_or_default();
        keys.call(format!("source {number} ({pattern})"));
        let format = format(&mut keys, faults);
        let word = keys.text("sort", faults);
        if word.as_deref().is_some_and(|word| word != "time") {
            faults.note(keys.place_of("sort"), "another word", "\"time\", or nothing");
        }
        let order = if word.is_some() { Order::Time } else { Order::Own };
        let unmatched = unmatched(&mut keys, faults);
        let zone = rules::zone(&mut keys, default, faults);
        let mut columns = Columns::default();
        let lookups = lookups(&mut keys, &mut columns, faults);
        let defaults = Defaults {
            customer: template("customer_id", &mut keys, &mut columns, faults),
            time: time(&mut keys, &mut columns, faults),
        };
        let events = keys.tables("event", faults);
        if events.is_empty() || limit::MAP_RULES_MAX < events.len() {
            let wanted = format!("1 to {} [[source.event]]", limit::MAP_RULES_MAX);
            faults.note(keys.place_of("event"), format!("{} of them", events.len()), wanted);
        }
        let events = (events.into_iter().enumerate())
            .filter_map(|(at, table)| {
                let place = keys.place_of(&format!("event {}", at + 1));
                event(Keys::new(place, table), &defaults, &mut columns, faults)
            })
            .collect();
        keys.finish(faults);
        Table { pattern, format, order, lookups, zone, unmatched, columns, events }
    }
}

/// What a source says for all its events.
struct Defaults {
    customer: Option<Template>,
    time: Option<TimeRule>,
}

fn format(keys: &mut Keys, faults: &mut Faults) -> Format {
    let format = keys.need_text("format", faults);
    let delimiter = keys.text("delimiter", faults);
    match format.as_deref() {
        Some("json") => {
            if delimiter.is_some() {
                faults.note(keys.place_of("delimiter"), "a delimiter", "none, for JSON has none");
            }
            return Format::Json;
        }
        Some("csv") | None => {}
        Some(other) => {
            faults.note(keys.place_of("format"), format!("{other:?}"), "\"csv\" or \"json\"");
        }
    }
    let delimiter = delimiter.unwrap_or_else(|| ",".to_owned());
    match delimiter.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => {
            Format::Csv { delimiter: *byte }
        }
        _ => {
            let wanted = "one ASCII character such as \",\" or \"\\t\"";
            faults.note(keys.place_of("delimiter"), format!("{delimiter:?}"), wanted);
            Format::Csv { delimiter: b',' }
        }
    }
}

fn unmatched(keys: &mut Keys, faults: &mut Faults) -> Unmatched {
    match keys.text("unmatched", faults).as_deref() {
        None | Some("refuse") => Unmatched::Refuse,
        Some("skip") => Unmatched::Skip,
        Some(other) => {
            let wanted = "\"refuse\" (as without it) or \"skip\"";
            faults.note(keys.place_of("unmatched"), format!("{other:?}"), wanted);
            Unmatched::Refuse
        }
    }
}

fn lookups(keys: &mut Keys, columns: &mut Columns, faults: &mut Faults) -> Vec<LookupRule> {
    let mut rules: Vec<LookupRule> = Vec::new();
    for (at, table) in keys.tables("lookup", faults).into_iter().enumerate() {
        let place = keys.place_of(&format!("lookup {}", at + 1));
        let lookup = Keys::new(place.clone(), table);
        let Some(rule) = LookupRule::read(lookup, columns, faults) else { continue };
        if rules.iter().any(|other| other.column == rule.column) {
            faults.note(place, "a name that another lookup has", "one of its own");
        }
        if rule.by == rule.column {
            faults.note(keys.place_of("lookup"), "a lookup by itself", "another column");
        }
        rules.push(rule);
    }
    rules
}

/// Reads a text that must hang on the row.
fn template(
    key: &'static str,
    keys: &mut Keys,
    columns: &mut Columns,
    faults: &mut Faults,
) -> Option<Template> {
    let text = keys.text(key, faults)?;
    let found = match Template::read(&text, columns) {
        Ok(template) if template.constant().is_none() => return Some(template),
        Ok(_) => Err("a text with a column in it, such as \"{account_id}\"".to_owned()),
        Err(wanted) => Err(wanted),
    };
    found.map_err(|wanted| faults.note(keys.place_of(key), format!("{text:?}"), wanted)).ok()
}

/// Reads `time = { column = …, format = … }`.
fn time(keys: &mut Keys, columns: &mut Columns, faults: &mut Faults) -> Option<TimeRule> {
    let mut time = Keys::new(keys.place_of("time"), keys.table("time", faults)?);
    let column = time.need_text("column", faults).map(|name| columns.index(&name));
    let writing = time.need_text("format", faults).and_then(|name| {
        Writing::named(&name)
            .map_err(|wanted| {
                faults.note(time.place_of("format"), format!("{name:?}"), wanted);
            })
            .ok()
    });
    time.finish(faults);
    Some(TimeRule { column: column?, writing: writing? })
}

/// Reads one `[[source.event]]`.
fn event(
    mut keys: Keys,
    defaults: &Defaults,
    columns: &mut Columns,
    faults: &mut Faults,
) -> Option<EventRule> {
    let n_before = faults.0.len();
    let name = keys.need_text("type", faults).unwrap_or_default();
    keys.call(format!("{} ({name})", keys.place()));
    let kind = Kind::named(&name);
    if kind.is_none() && !name.is_empty() {
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        faults.note(keys.place_of("type"), format!("{name:?}"), wanted_name(&name, &names));
    }
    let when: Vec<Condition> = (keys.tables("when", faults).into_iter().enumerate())
        .filter_map(|(at, table)| {
            let place = keys.place_of(&format!("when {}", at + 1));
            Condition::read(Keys::new(place, table), columns, faults)
        })
        .collect();
    let id = template("id", &mut keys, columns, faults);
    let customer = template("customer_id", &mut keys, columns, faults);
    let time = time(&mut keys, columns, faults);
    let once = match keys.text("once_per", faults).as_deref() {
        None => Once::EachRow,
        Some("day") => Once::PerDay,
        Some(other) => {
            faults.note(keys.place_of("once_per"), format!("{other:?}"), "\"day\", or nothing");
            Once::EachRow
        }
    };
    let fields = fields(kind, &mut keys, columns, faults);
    let customer = customer.or_else(|| defaults.customer.clone());
    let time = time.or_else(|| defaults.time.clone());
    let needed =
        [("id", id.is_some()), ("customer_id", customer.is_some()), ("time", time.is_some())];
    for (key, there) in needed {
        if !there && faults.0.len() == n_before {
            faults.note(keys.place_of(key), "nothing", "it here or in its [[source]]");
        }
    }
    keys.finish(faults);
    Some(EventRule { kind: kind?, when, id: id?, customer: customer?, time: time?, once, fields })
}

/// Reads the fields of an event.
fn fields(
    kind: Option<Kind>,
    keys: &mut Keys,
    columns: &mut Columns,
    faults: &mut Faults,
) -> Vec<FieldRule> {
    let Some(table) = keys.table("fields", faults) else { return Vec::new() };
    let Some(kind) = kind else { return Vec::new() };
    let known: Vec<&str> = kind.fields().iter().map(|(field, _)| field.name()).collect();
    let mut rules = Vec::with_capacity(table.len());
    for (name, value) in Keys::new("", table).rest() {
        let place = keys.place_of(&format!("fields.{name}"));
        let field = kind.fields().iter().find(|(field, _)| field.name() == name);
        let Some(field) = field.copied() else {
            faults.note(place, "a field this type does not carry", wanted_name(&name, &known));
            continue;
        };
        let empty = matches!(&value, Value::String(text) if text.is_empty());
        if empty {
            faults.note(place, shown(&value), "a text, or no such field");
            continue;
        }
        rules.extend(FieldRule::read(field, value, &place, columns, faults));
    }
    rules
}

/// Whether `name` fits `pattern`, in which `*` stands for any letters and `?` for any one.
fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == name[from] => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                (at, from) = (star_at + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_pattern_fits_whole_names() {
        assert!(fits("events.csv*", "events.csv.gz") && fits("events.csv*", "events.csv"));
        assert!(fits("*", "") && fits("*a*b", "xxaybyb") && fits("?.csv", "ä.csv"));
        assert!(!fits("events.csv", "old-events.csv") && !fits("*.csv", "a.csv.gz"));
        assert!(!fits("", "a") && !fits("a?", "a"));
    }
}
