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
    /// A limit was reached: `found` of it, `most` allowed, raised by `flag`.
    pub fn limit(what: &str, found: &str, most: &str, flag: &str) -> Refused {
        Refused(format!("{what}: {found}; wanted at most {most}; raise it by {flag}"))
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
        Refused::limit("memory of a query", "more is needed", &most, "--memory-max")
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
    fn a_limit_is_named_with_what_raises_it() {
        let exhausted = DataFusionError::ResourcesExhausted("…".to_owned());
        assert_eq!(
            Refused::of(&exhausted, &[], 64 << 20).to_string(),
            "memory of a query: more is needed; wanted at most 64 MiB; raise it by --memory-max"
        );
    }
}
