//! Why a question gets no answer.
//!
//! Rules   whoever asked can mend it: a message says what was found and what there is or what was
//!         wanted; one about a limit names it and how to raise it.

use crate::model::near;
use datafusion::common::{DataFusionError, SchemaError};

/// A question that is not answered, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Refused {
    /// A limit was reached: `found` of it, `most` allowed, raised by the setting `sql.KEY`, which
    /// is a flag of `ebb sql` too.
    pub fn limit(what: &str, found: &str, most: &str, key: &str) -> Refused {
        let flag = key.replace('_', "-");
        Refused(format!("{what}: {found}; wanted at most {most}; raise it by sql.{key} (--{flag})"))
    }

    /// There is no `what` called `name` among `known`.
    pub fn unknown<'k>(
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Refused {
        let hint = match near(name, known.clone()) {
            Some(near) => format!("did you mean {near}?"),
            None => {
                let mut known: Vec<&str> = known.collect();
                let n_more = known.len().saturating_sub(NAMES_SHOWN);
                known.truncate(NAMES_SHOWN);
                let more = if n_more == 0 { String::new() } else { format!(", … {n_more} more") };
                format!("there are {}{more}", known.join(", "))
            }
        };
        Refused(format!("no {what} is called {name}; {hint}"))
    }

    /// What `error` says, in this program's words; `tables` are those there are.
    pub fn of(error: &DataFusionError, tables: &[&str], memory_max: u64) -> Refused {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Refused::memory(memory_max),
            DataFusionError::SchemaError(schema, _) => of_schema(schema),
            DataFusionError::Plan(text) => of_plan(text, tables),
            DataFusionError::Diagnostic(_, inner) => Refused::of(inner, tables, memory_max),
            DataFusionError::External(inner) if inner.is::<Refused>() => Refused(inner.to_string()),
            other => Refused(lines(&other.strip_backtrace())),
        }
    }

    /// The query wanted more memory than it may have.
    pub fn memory(memory_max: u64) -> Refused {
        let most = format!("{} MiB", memory_max >> 20);
        Refused::limit("memory of a query", "more is needed", &most, "memory_max")
    }
}

/// What kind of thing stands in the way, for those who have a code for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The statement is not SQL, or not one statement.
    Unreadable,
    /// It would write, or is no SELECT.
    Writes,
    /// It names a table that there is not.
    NoTable,
    /// It names a column that there is not.
    NoColumn,
    /// It names a function that there is not.
    NoFunction,
    /// It, or its answer, is too large.
    Size,
    /// It takes too long.
    Time,
    /// It takes too much memory.
    Memory,
    /// Too many ask at once.
    Busy,
    /// A parameter is not what its place wants.
    Parameter,
    /// The process that answers is lost, or there is nothing to answer from.
    Broken,
    /// Anything else that is wrong with it.
    Other,
}

impl Cause {
    /// Its name, for those who read answers by program.
    pub const fn name(self) -> &'static str {
        match self {
            Cause::Unreadable => "unreadable",
            Cause::Writes => "writes",
            Cause::NoTable => "no_table",
            Cause::NoColumn => "no_column",
            Cause::NoFunction => "no_function",
            Cause::Size => "size",
            Cause::Time => "time",
            Cause::Memory => "memory",
            Cause::Busy => "busy",
            Cause::Parameter => "parameter",
            Cause::Broken => "broken",
            Cause::Other => "other",
        }
    }
}

/// How messages begin, or what they contain, and what that means. Between processes a refusal is
/// its words alone.
const CAUSES: [(&str, Cause); 22] = [
    ("time of a query: ", Cause::Time),
    ("memory of a query: ", Cause::Memory),
    ("queries at once: ", Cause::Busy),
    ("no table is called ", Cause::NoTable),
    ("no column is called ", Cause::NoColumn),
    ("Invalid function ", Cause::NoFunction),
    ("table function ", Cause::NoFunction),
    ("cannot read the statement: ", Cause::Unreadable),
    ("an empty statement; ", Cause::Unreadable),
    ("a statement ", Cause::Writes),
    ("rows of an answer: ", Cause::Size),
    ("size of a statement: ", Cause::Size),
    ("operators in a statement: ", Cause::Size),
    ("depth of ", Cause::Size),
    ("parameter ", Cause::Parameter),
    ("parameters of ", Cause::Parameter),
    ("a parameter ", Cause::Parameter),
    ("the process that answers ", Cause::Broken),
    ("cannot start", Cause::Broken),
    ("cannot read snapshots", Cause::Broken),
    ("cannot read a snapshot", Cause::Broken),
    ("the query failed: a bug", Cause::Broken),
];

impl Refused {
    /// What kind of thing stands in the way.
    pub fn cause(&self) -> Cause {
        let found = CAUSES.iter().find(|(begins, _)| self.0.starts_with(begins));
        match found {
            Some((_, cause)) => *cause,
            None if self.0.contains(" statements; wanted one") => Cause::Unreadable,
            None => Cause::Other,
        }
    }
}

/// How many names a message lists.
const NAMES_SHOWN: usize = 12;

fn of_schema(error: &SchemaError) -> Refused {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|column| column.name.as_str());
            Refused::unknown("column", field.name(), known)
        }
        other => Refused(lines(&other.to_string())),
    }
}

/// DataFusion tells of an unknown table in words only.
fn of_plan(text: &str, tables: &[&str]) -> Refused {
    let between = text.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found"));
    match between {
        Some(path) => {
            let name = path.rsplit('.').next().unwrap_or(path);
            Refused::unknown("table", name, tables.iter().copied())
        }
        None => Refused(lines(text)),
    }
}

/// `text` as one line: messages of the engine break where they like.
fn lines(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_comes_with_the_nearest_or_with_those_there_are() {
        let known = ["customers", "alerts"];
        let says = |name: &str| Refused::unknown("table", name, known.into_iter()).to_string();
        assert_eq!(says("custmers"), "no table is called custmers; did you mean customers?");
        assert_eq!(says("x"), "no table is called x; there are customers, alerts");
        let plan = DataFusionError::Plan("table 'ebb.public.alert' not found".to_owned());
        let says = Refused::of(&plan, &known, 0).to_string();
        assert_eq!(says, "no table is called alert; did you mean alerts?");
    }

    #[test]
    fn the_words_tell_the_cause() {
        let check = |refused: Refused, cause: Cause| {
            assert_eq!(refused.cause(), cause, "{refused}");
        };
        let known = ["customers"];
        check(Refused::unknown("table", "x", known.into_iter()), Cause::NoTable);
        check(Refused::unknown("column", "x", known.into_iter()), Cause::NoColumn);
        check(Refused::limit("time of a query", "not done", "1 s", "time_max"), Cause::Time);
        check(Refused::memory(1 << 20), Cause::Memory);
        let bounds = crate::query::guard::Bounds { statement_max: 64, operators_max: 2 };
        let admitted = |text: &str| {
            let dialect = crate::query::raw::Dialect::Postgres;
            crate::query::guard::admit(text, dialect, bounds).err()
        };
        for (text, cause) in [
            ("DELETE FROM customers", Cause::Writes),
            ("SELEC", Cause::Unreadable),
            ("SELECT 1; SELECT 2", Cause::Unreadable),
            (";", Cause::Unreadable),
            ("SELECT 1+1+1+1", Cause::Size),
            ("SELECT                                                               1", Cause::Size),
        ] {
            assert_eq!(admitted(text).map(|refused| refused.cause()), Some(cause), "{text}");
        }
    }

    #[test]
    fn a_limit_is_named_with_what_raises_it() {
        let exhausted = DataFusionError::ResourcesExhausted("…".to_owned());
        assert_eq!(
            Refused::of(&exhausted, &[], 64 << 20).to_string(),
            "memory of a query: more is needed; wanted at most 64 MiB; raise it by sql.memory_max (--memory-max)"
        );
    }
}
