//! A table of rules at work on one file: rows in, canonical JSON out.
//!
//! Rules   a row is taken whole or refused whole. `once_per = "day"` remembers each customer's
//!         last day, 16 bytes a customer and rule.
//! Cost    a few hundred nanoseconds an event; memory is used again from row to row.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::record::Reject;
use crate::record::map::keys::{Faults, MapFault, wanted_name};
use crate::record::map::lookup::Lookup;
use crate::record::map::row::Cells;
use crate::record::map::table::{EventRule, Format, Once, Table, Unmatched};
use crate::record::map::template::{Place, Row};
use crate::record::map::{moment, write};
use crate::record::reject::Reason;
use crate::unit::{EventTime, Key};

/// The events of one row.
#[derive(Debug, Default)]
pub struct Mapped {
    /// Their bytes, one after the other.
    pub bytes: Vec<u8>,
    /// Where each stands in the bytes, and its time.
    pub events: Vec<(Range<usize>, EventTime)>,
}

/// What became of a row that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It gave what stands in [`Mapped`], perhaps nothing new.
    Mapped,
    /// No event's conditions held, and the map says to skip such rows.
    Skipped,
}

/// A table of rules, bound to one file.
#[derive(Debug)]
pub struct Mapper {
    table: Arc<Table>,
    places: Vec<Place>,
    /// The columns of a JSON row that are cells.
    paths: Vec<String>,
    /// How many cells a CSV row must have.
    n_cells: usize,
    lookups: Vec<Lookup>,
    /// By rule: each customer's last day with such an event.
    days: Vec<HashMap<Key, Key>>,
    work: Work,
}

/// Memory used again from row to row.
#[derive(Debug, Default)]
struct Work {
    cells: Cells,
    text: String,
    /// Of every event of the row: its customer and id as one key.
    ids: Vec<Key>,
    /// Days to remember once the whole row is taken: rule, customer, day.
    days: Vec<(usize, Key, Key)>,
}

impl Mapper {
    /// Binds `table` to a file with this header row (CSV) or without one (JSON). `lookups` are
    /// those that [`Table::lookups`] asks for, in its order.
    ///
    /// # Errors
    ///
    /// Every column that the table names and the header has not, or has twice.
    pub fn new(
        table: Arc<Table>,
        header: Option<&[u8]>,
        lookups: Vec<Lookup>,
    ) -> Result<Mapper, Vec<MapFault>> {
        let mut faults = Faults::default();
        let mut cells = Cells::default();
        let mut paths = Vec::new();
        if let (Format::Csv { delimiter }, Some(header)) = (table.format(), header) {
            match std::str::from_utf8(header) {
                Ok(header) => cells.split(header, delimiter),
                Err(_) => faults.note("header", "bytes that are no text", "UTF-8"),
            }
        }
        let header: Vec<&str> =
            (0..cells.len()).map(|at| cells.get(at).unwrap_or_default()).collect();
        let mut places = Vec::with_capacity(table.columns.names.len());
        for (column, name) in table.columns.names.iter().enumerate() {
            let lookup = table.lookups().iter().position(|rule| rule.column == column);
            let n_found = header.iter().filter(|cell| *cell == name).count();
            places.push(match (lookup, table.format()) {
                (Some(at), _) => {
                    if n_found != 0 {
                        faults.note(format!("column {name}"), "in the header, and a lookup", "one");
                    }
                    Place::Lookup { table: at, by: table.lookups()[at].by }
                }
                (None, Format::Json) => {
                    paths.push(name.clone());
                    Place::Cell(paths.len() - 1)
                }
                (None, Format::Csv { .. }) => {
                    let place = format!("column {name}");
                    match n_found {
                        0 => faults.note(place, "not in the header", wanted_name(name, &header)),
                        1 => {}
                        _ => faults.note(place, "more than once in the header", "one"),
                    }
                    Place::Cell(header.iter().position(|cell| cell == name).unwrap_or(0))
                }
            });
        }
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        let n_cells = cells.len();
        let days = table.events.iter().map(|_| HashMap::new()).collect();
        Ok(Mapper { places, paths, n_cells, lookups, days, work: Work::default(), table })
    }

    /// Maps the row that starts at `line`; `out` then holds its events, and nothing else.
    ///
    /// # Errors
    ///
    /// A reject that says which column held what, and what was wanted; `out` is empty then, and
    /// nothing of the row is remembered.
    pub fn map(&mut self, row: &[u8], line: u64, out: &mut Mapped) -> Result<Taken, Reject> {
        out.bytes.clear();
        out.events.clear();
        self.work.ids.clear();
        self.work.days.clear();
        let taken = self.read(row).and_then(|()| self.events(line, out));
        match &taken {
            Ok(_) => {
                for (rule, customer, day) in self.work.days.drain(..) {
                    self.days[rule].insert(customer, day);
                }
            }
            Err(_) => {
                out.bytes.clear();
                out.events.clear();
            }
        }
        taken
    }

    /// Takes the row apart.
    fn read(&mut self, row: &[u8]) -> Result<(), Reject> {
        let delimiter = match self.table.format() {
            Format::Json => return self.work.cells.pick(row, &self.paths),
            Format::Csv { delimiter } => delimiter,
        };
        let text = std::str::from_utf8(row).map_err(|error| {
            let at = error.valid_up_to() + 1;
            Reject::new(Reason::Unmapped, format!("no UTF-8 from byte {at} on; wanted UTF-8"))
        })?;
        self.work.cells.split(text, delimiter);
        let n_cells = self.work.cells.len();
        if n_cells != self.n_cells {
            let detail = format!("{n_cells} cells; wanted {} as in the header", self.n_cells);
            return Err(Reject::new(Reason::Unmapped, detail));
        }
        Ok(())
    }

    /// Writes the events of the row that was read.
    fn events(&mut self, line: u64, out: &mut Mapped) -> Result<Taken, Reject> {
        let Work { cells, text, ids, days } = &mut self.work;
        let row = Row {
            cells,
            places: &self.places,
            names: &self.table.columns.names,
            lookups: &self.lookups,
            line,
            zone: &self.table.zone,
        };
        let mut n_matched = 0;
        for (at, rule) in self.table.events.iter().enumerate() {
            if !holds(rule, &row)? {
                continue;
            }
            n_matched += 1;
            let time = time(rule, &row)?;
            let from = out.bytes.len();
            let customer = write_envelope(rule, &row, time, text, &mut out.bytes)?;
            let id = Key::within(customer, text.as_bytes());
            if ids.contains(&id) {
                let detail = format!("two events with the id {text:?}; wanted ids that differ");
                return Err(Reject::new(Reason::Unmapped, detail));
            }
            ids.push(id);
            if rule.once == Once::PerDay {
                let day = Key::of(moment::day_of(time, row.zone).as_bytes());
                if self.days[at].get(&customer) == Some(&day) {
                    out.bytes.truncate(from);
                    continue;
                }
                days.push((at, customer, day));
            }
            for field in &rule.fields {
                field.write(&row, time, text, &mut out.bytes)?;
            }
            out.bytes.push(b'}');
            out.events.push((from..out.bytes.len(), time));
        }
        match (n_matched, self.table.unmatched) {
            (0, Unmatched::Refuse) => {
                let detail = "no event's conditions hold; wanted one that fits the row, or \
                              unmatched = \"skip\" in its [[source]]";
                Err(Reject::new(Reason::Unmapped, detail))
            }
            (0, Unmatched::Skip) => Ok(Taken::Skipped),
            _ => Ok(Taken::Mapped),
        }
    }
}

/// Whether all conditions of `rule` hold.
fn holds(rule: &EventRule, row: &Row<'_>) -> Result<bool, Reject> {
    for condition in &rule.when {
        if !condition.holds(row)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The time of the event.
fn time(rule: &EventRule, row: &Row<'_>) -> Result<EventTime, Reject> {
    let refuse = |wanted: &str| {
        let detail = format!("{}; wanted {wanted} for time", row.shown(rule.time.column));
        Reject::new(Reason::Unmapped, detail)
    };
    let text = row.get(rule.time.column).ok_or_else(|| refuse("a time"))?;
    rule.time.writing.read(text, row.zone).map_err(|wanted| refuse(&wanted))
}

/// Writes what every event has, leaves the id in `text` and returns the customer's key.
fn write_envelope(
    rule: &EventRule,
    row: &Row<'_>,
    time: EventTime,
    text: &mut String,
    out: &mut Vec<u8>,
) -> Result<Key, Reject> {
    let refuse = |column: usize, what: &str| {
        let detail = format!("{}; wanted a text for {what}", row.shown(column));
        Reject::new(Reason::Unmapped, detail)
    };
    out.extend_from_slice(b"{\"customer_id\":");
    rule.customer.render(row, time, text).map_err(|column| refuse(column, "customer_id"))?;
    write::text(out, text);
    let customer = Key::of(text.as_bytes());
    out.extend_from_slice(b",\"id\":");
    rule.id.render(row, time, text).map_err(|column| refuse(column, "id"))?;
    write::text(out, text);
    out.extend_from_slice(b",\"type\":\"");
    out.extend_from_slice(rule.kind.name().as_bytes());
    out.extend_from_slice(b"\",\"time\":");
    write::whole(out, time.millis());
    Ok(customer)
}
