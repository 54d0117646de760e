//! A map file, read and checked.
//!
//! Shape   `[map]` names it, `[sources]` lists the types of events that the platform sends
//!         each `[[source]]` says how the rows of some files are read.
//! Errors  every fault of the file at once; a map with a fault is no map.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::record::Kind;
use crate::record::map::keys::{Faults, Keys, MapFault, wanted_name};
use crate::record::map::moment::{self, Writing};
use crate::record::map::table::Table;
use crate::unit::{EventTime, limit};

/// A map: how a platform's files become events.
#[derive(Clone, Debug)]
pub struct Map {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// The types of events that the platform sends, each with the moment from which on it does
    /// if that is known: what the model may count on.
    pub sources: Vec<(Kind, Option<EventTime>)>,
    tables: Vec<Arc<Table>>,
}

impl Map {
    /// Reads a map file.
    ///
    /// # Errors
    ///
    /// Every fault of it, in the order of the file.
    pub fn parse(text: &str) -> Result<Map, Vec<MapFault>> {
        let file: toml::Table = match toml::from_str(text) {
            Ok(file) => file,
            Err(error) => {
                let mut faults = Faults::default();
                let line = error.span().map_or(1, |span| {
                    1 + text.as_bytes().iter().take(span.start).filter(|b| **b == b'\n').count()
                });
                faults.note(format!("line {line}"), error.message(), "TOML");
                return Err(faults.0);
            }
        };
        let mut faults = Faults::default();
        let mut keys = Keys::new("", file);
        let (id, version, zone) = heading(&mut keys, &mut faults);
        let sources = sources(&mut keys, &mut faults);
        let tables = keys.tables("source", &mut faults);
        if tables.is_empty() {
            faults.note("source", "nothing", "at least one [[source]]");
        }
        if limit::MAP_RULES_MAX < tables.len() {
            let wanted = format!("at most {}", limit::MAP_RULES_MAX);
            faults.note("source", format!("{} tables", tables.len()), wanted);
        }
        let tables: Vec<Arc<Table>> = (tables.into_iter().enumerate())
            .map(|(at, table)| Table::read(at + 1, table, &zone, &mut faults))
            .map(Arc::new)
            .collect();
        for (table, kind) in tables.iter().flat_map(|t| t.kinds().map(move |kind| (t, kind))) {
            if sources.iter().all(|(listed, _)| *listed != kind) {
                let place = format!("sources, {}", kind.name());
                let wanted = format!("{} = {{}}, for a model may not count on it", kind.name());
                faults.note(place, format!("nothing, yet {} gives it", table.pattern()), wanted);
            }
        }
        keys.finish(&mut faults);
        faults.0.dedup();
        match (id, version) {
            (Some(id), Some(version)) if faults.0.is_empty() => {
                Ok(Map { id, version, sources, tables })
            }
            _ => Err(faults.0),
        }
    }

    /// How the rows of a file of this name are read: the first table whose `file` is the name
    /// itself, else the first whose pattern fits.
    pub fn table_for(&self, file_name: &str) -> Option<Arc<Table>> {
        let exact = self.tables.iter().find(|table| table.pattern() == file_name);
        exact.or_else(|| self.tables.iter().find(|table| table.fits(file_name))).cloned()
    }

    /// The names and patterns of the files it reads.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.pattern())
    }
}

/// Reads `[map]`: id, version, and the time zone of sources that name none.
fn heading(keys: &mut Keys, faults: &mut Faults) -> (Option<String>, Option<u32>, TimeZone) {
    let utc = TimeZone::UTC;
    let Some(heading) = keys.table("map", faults) else {
        faults.note("map", "nothing", "[map] with id and version");
        return (None, None, utc);
    };
    let mut heading = Keys::new("map", heading);
    let id = heading.need_text("id", faults);
    let version = match heading.whole("version", faults).map(u32::try_from) {
        Some(Ok(version)) if version != 0 => Some(version),
        _ => {
            faults.note("map, version", "no such number", "a whole number from 1");
            None
        }
    };
    let zone = zone(&mut heading, &utc, faults);
    heading.finish(faults);
    (id, version, zone)
}

/// Reads the time zone of a table, which is `default` where it names none.
pub(super) fn zone(keys: &mut Keys, default: &TimeZone, faults: &mut Faults) -> TimeZone {
    let Some(name) = keys.text("timezone", faults) else { return default.clone() };
    moment::zone(&name).unwrap_or_else(|| {
        let wanted = "a name of the IANA database such as \"Europe/Berlin\", or \"+02:00\"";
        faults.note(keys.place_of("timezone"), format!("{name:?}"), wanted);
        default.clone()
    })
}

/// Reads `[sources]`: types of events, each with an optional `since`.
fn sources(keys: &mut Keys, faults: &mut Faults) -> Vec<(Kind, Option<EventTime>)> {
    let Some(listed) = keys.table("sources", faults) else {
        faults.note("sources", "nothing", "[sources] with the types of events the platform sends");
        return Vec::new();
    };
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let mut sources = Vec::with_capacity(listed.len());
    for (name, value) in listed {
        let place = format!("sources, {name}");
        let Some(kind) = Kind::named(&name) else {
            faults.note(place, "an unknown type of event", wanted_name(&name, &names));
            continue;
        };
        let toml::Value::Table(table) = value else {
            faults.note(place, super::keys::shown(&value), "{} or { since = \"…\" }");
            continue;
        };
        let mut entry = Keys::new(place.clone(), table);
        let since = entry.text("since", faults);
        entry.finish(faults);
        let since = since.and_then(|text| {
            let read = Writing::Rfc3339.read(&text, &TimeZone::UTC);
            let place = format!("{place}, since");
            read.map_err(|wanted| faults.note(place, format!("{text:?}"), wanted)).ok()
        });
        sources.push((kind, since));
    }
    sources.sort_unstable();
    sources
}
