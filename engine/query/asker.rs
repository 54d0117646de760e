//! Asks a snapshot for one number, as watches do.

use std::path::PathBuf;
use std::time::Duration;

use crate::query::form::Form;
use crate::query::process;
use crate::query::raw::Question;
use crate::run::Asker;

/// What a statement that is watched may use.
const TIME_MAX: Duration = Duration::from_secs(30);
const MEMORY_MAX: u64 = 1 << 30;
const STATEMENT_MAX: u64 = 64 << 10;
const OPERATORS_MAX: u64 = 500;

/// Asks the snapshots of one folder.
#[derive(Clone, Debug)]
pub struct FolderAsker {
    folder: PathBuf,
}

impl FolderAsker {
    /// One that asks the snapshots in `folder`.
    pub fn new(folder: PathBuf) -> FolderAsker {
        FolderAsker { folder }
    }
}

impl Asker for FolderAsker {
    /// Every instance's newest partitions are seen, so the snapshot `id` is only the occasion.
    fn ask(&mut self, _id: &str, sql: &str) -> Result<Option<f64>, String> {
        let question = Question {
            asker: std::process::id(),
            snapshots: self.folder.to_string_lossy().into_owned(),
            as_of: None,
            statement: sql.to_owned(),
            format: Form::Json.name().to_owned(),
            rows_max: 1,
            memory_max: MEMORY_MAX,
            statement_max: STATEMENT_MAX,
            operators_max: OPERATORS_MAX,
        };
        let mut answer = Vec::new();
        process::ask(&question, TIME_MAX, &mut answer).map_err(|refused| refused.to_string())?;
        number(&answer)
    }
}

/// The one number in the lines of JSON of an answer.
fn number(answer: &[u8]) -> Result<Option<f64>, String> {
    let says = |found: &str| Err(format!("the answer is {found}; wanted one number or null"));
    let mut lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let Some(line) = lines.next() else { return says("empty") };
    let row = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(line);
    let Ok(row) = row else { return says("no row") };
    match row.values().collect::<Vec<_>>().as_slice() {
        // JSON leaves out what is null.
        [] | [serde_json::Value::Null] => Ok(None),
        [one] => match one.as_f64() {
            Some(number) => Ok(Some(number)),
            None => says(&one.to_string()),
        },
        several => says(&format!("{} columns", several.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_number_or_nothing() {
        assert_eq!(number(b"{\"n\":2.5}\n"), Ok(Some(2.5)));
        assert_eq!(number(b"{\"n\":null}\n"), Ok(None));
        for bad in [&b"{\"n\":\"x\"}\n"[..], b"{\"a\":1,\"b\":2}\n", b""] {
            assert!(number(bad).is_err_and(|says| says.ends_with("wanted one number or null")));
        }
    }
}
