//! What is wrong with a model file, and where.
//!
//! Rules   a file's faults are reported all at once, in the order of its lines.
//! Errors  a fault says its place, what was found there and what was wanted.

use std::cell::RefCell;
use std::fmt;

/// One thing wrong with a model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as the path of keys: `signals.R3-B1.measure`.
    pub place: String,
    /// The line it stands on, counted from 1, where there is one.
    pub line: Option<usize>,
    /// What stands there; empty where nothing does.
    pub found: String,
    /// What should.
    pub wanted: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match (self.place.as_str(), self.found.as_str()) {
            ("", found) => write!(f, "{found}: ")?,
            (place, "") => write!(f, "{place}: ")?,
            (place, found) => write!(f, "{place} = {found}: ")?,
        }
        write!(f, "wanted {}", self.wanted)
    }
}

impl std::error::Error for Fault {}

/// A place in a file that a later check may come back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// The path of keys.
    pub(super) place: String,
    /// The byte it begins at.
    pub(super) at: usize,
}

impl Spot {
    /// The place of `key` below this one.
    pub(super) fn below(&self, key: &str) -> Spot {
        let place = match self.place.as_str() {
            "" => key.to_owned(),
            above => format!("{above}.{key}"),
        };
        Spot { place, at: self.at }
    }
}

/// A name that stands in the file and must be found elsewhere in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The name.
    pub(super) name: String,
    /// Where it stands.
    pub(super) spot: Spot,
}

/// Gathers the faults of one file.
pub(super) struct Faults<'t> {
    text: &'t str,
    list: RefCell<Vec<(usize, Fault)>>,
}

impl<'t> Faults<'t> {
    /// For the file that holds `text`.
    pub(super) fn new(text: &'t str) -> Faults<'t> {
        Faults { text, list: RefCell::default() }
    }

    /// Notes a fault at `spot`: `found` stands there, `wanted` should.
    pub(super) fn add(&self, spot: &Spot, found: impl Into<String>, wanted: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(spot.at);
        let fault = Fault {
            place: spot.place.clone(),
            line: Some(1 + before.filter(|byte| **byte == b'\n').count()),
            found: found.into(),
            wanted: wanted.into(),
        };
        self.list.borrow_mut().push((spot.at, fault));
    }

    /// Notes that `named` is none of `known`, which are `what`; says which of them is near.
    pub(super) fn unknown<'k>(
        &self,
        named: &Named,
        what: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let wanted = match near(&named.name, known) {
            Some(near) => format!("{what}; did you mean {near}?"),
            None => what.to_owned(),
        };
        self.add(&named.spot, format!("{:?}", named.name), wanted);
    }

    /// Notes that `named` is no name that can stand in alerts, columns and paths of keys.
    pub(super) fn plain(&self, named: &Named) {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=64).contains(&named.name.len()) || !named.name.chars().all(fits) {
            let wanted = "a name of letters, digits, - and _, at most 64 of them";
            self.add(&named.spot, format!("{:?}", named.name), wanted);
        }
    }

    /// The faults in the order of the file's lines, without repetitions.
    pub(super) fn end(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|(at, _)| *at);
        let mut faults: Vec<Fault> = list.into_iter().map(|(_, fault)| fault).collect();
        faults.dedup();
        faults
    }
}

/// The one of `known` that `name` was most likely meant to be, if any is near.
pub fn near<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let letters = name.chars().count();
    let far = (1 + letters / 3).min(letters.saturating_sub(1));
    let scored = known.into_iter().map(|known| (distance(name, known), known));
    scored.filter(|(edits, _)| *edits <= far).min_by_key(|(edits, _)| *edits).map(|(_, near)| near)
}

/// How many letters must be added, dropped or changed to make one of the other (Levenshtein);
/// letter case and the dash against the underscore cost nothing.
fn distance(one: &str, other: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        text.chars().take(64).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
    };
    let (one, other) = (fold(one), fold(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (b, cell) in other.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = changed.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        let known = ["open_rate", "tickets", "sessions"];
        assert_eq!(near("opn_rate", known), Some("open_rate"));
        assert_eq!(near("Open-Rate", known), Some("open_rate"));
        assert_eq!(near("ticket", known), Some("tickets"));
        assert_eq!(near("revenue", known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }

    #[test]
    fn a_fault_reads_as_a_sentence() {
        let faults = Faults::new("a\nb = 3\n");
        faults.add(&Spot { place: "b".to_owned(), at: 2 }, "3", "a text");
        faults.add(&Spot { place: "a".to_owned(), at: 0 }, "", "a value");
        let lines: Vec<String> = faults.end().iter().map(Fault::to_string).collect();
        assert_eq!(lines, ["line 1: a: wanted a value", "line 2: b = 3: wanted a text"]);
    }
}
