//! Statements that speak of the connection, not of customers: they are answered at the door.
//!
//! Rules   a setting belongs to its connection alone. What cannot be had is refused rather than
//!         promised: another encoding, another form of dates, writing.

use std::collections::BTreeMap;

use crate::query::catalog;

/// A statement about the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A transaction begins; with the tag that says so.
    Begin(&'static str),
    /// It ends; with the tag that says so.
    End(&'static str),
    /// A part of it begins or ends: nothing changes, as nothing is written.
    Part(&'static str),
    /// A setting gets a value.
    Set(String, String),
    /// A setting, or all, get their value back.
    Reset(Option<String>),
    /// A setting is shown.
    Show(String),
    /// A prepared statement, or all, are forgotten.
    Deallocate(Option<String>),
    /// Everything that the connection has is forgotten.
    Discard,
    /// Something is let go that nobody has here.
    Release(&'static str),
}

/// Why a statement about the connection is refused: its SQLSTATE and the words.
pub(super) type Refusal = (&'static str, String);

/// Settings that clients set though nothing depends on them here.
const FREE: [&str; 9] = [
    "client_min_messages",
    "idle_in_transaction_session_timeout",
    "jit",
    "lock_timeout",
    "row_security",
    "session_authorization",
    "statement_timeout",
    "synchronize_seqscans",
    "transaction_timeout",
];

/// Settings with one value that there is.
const FIXED: [(&str, &[&str]); 7] = [
    ("client_encoding", &["utf8", "utf-8", "unicode", "default"]),
    ("datestyle", &["iso", "iso, mdy", "iso,mdy", "iso, dmy", "iso, ymd", "default"]),
    ("default_transaction_read_only", &["on", "true", "yes", "1", "default"]),
    ("intervalstyle", &["postgres", "default"]),
    ("search_path", &["public", "\"$user\", public", "\"$user\",public", "default"]),
    ("standard_conforming_strings", &["on", "true", "yes", "1", "default"]),
    ("transaction_read_only", &["on", "true", "yes", "1", "default"]),
];

/// What `text` says about the connection; `None` if it says nothing about it.
pub(super) fn read(text: &str) -> Option<Result<Word, Refusal>> {
    let text = bare(text);
    let words: Vec<String> =
        text.split_whitespace().take(6).map(|word| word.to_ascii_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let word = match words.as_slice() {
        ["begin", ..] => Word::Begin("BEGIN"),
        ["start", "transaction", ..] => Word::Begin("START TRANSACTION"),
        ["commit" | "end", ..] => Word::End("COMMIT"),
        ["rollback" | "abort", "to", ..]
        | ["rollback" | "abort", "transaction" | "work", "to", ..] => Word::Part("ROLLBACK"),
        ["rollback" | "abort", ..] => Word::End("ROLLBACK"),
        ["savepoint", _] => Word::Part("SAVEPOINT"),
        ["release", ..] => Word::Part("RELEASE"),
        ["set", rest @ ..] => return Some(set(text, rest)),
        ["reset", "all"] => Word::Reset(None),
        ["reset", name] => Word::Reset(Some(plain(name))),
        ["show", "transaction", "isolation", "level"] => {
            Word::Show("transaction_isolation".to_owned())
        }
        ["show", "time", "zone"] => Word::Show("timezone".to_owned()),
        ["show", name] => Word::Show(plain(name)),
        ["deallocate", "prepare", name] | ["deallocate", name] => {
            Word::Deallocate((*name != "all").then(|| plain(name)))
        }
        ["discard", ..] => Word::Discard,
        ["unlisten", ..] => Word::Release("UNLISTEN"),
        ["close", ..] => Word::Release("CLOSE CURSOR"),
        _ => return None,
    };
    Some(Ok(word))
}

/// `SET …` with its words after the first.
fn set(text: &str, rest: &[&str]) -> Result<Word, Refusal> {
    let rest = match rest {
        ["session" | "local", "characteristics", ..] | ["characteristics", ..] => {
            return transaction(text);
        }
        ["session" | "local", rest @ ..] => rest,
        rest => rest,
    };
    match rest {
        ["transaction", ..] => return transaction(text),
        ["names", ..] => return checked("client_encoding", value_after(text, &["names"])),
        ["time", "zone", ..] => return checked("timezone", value_after(text, &["zone"])),
        _ => {}
    }
    let Some(first) = rest.first() else { return Err(unclear(text)) };
    let name = plain(first.split('=').next().unwrap_or(first));
    let (equals, to) = (text.find('='), text.to_ascii_lowercase().find(" to "));
    let value = match (equals, to) {
        (Some(at), None) => &text[at + 1..],
        (None, Some(at)) => &text[at + 4..],
        (Some(equals), Some(to)) => &text[(equals + 1).min(to + 4)..],
        (None, None) => return Err(unclear(text)),
    };
    checked(&name, value.trim())
}

/// A transaction as it is wanted: any isolation, for nothing changes under a query; not writing.
fn transaction(text: &str) -> Result<Word, Refusal> {
    if text.to_ascii_lowercase().contains("read write") {
        return Err(("25006", "a transaction that writes; wanted READ ONLY".to_owned()));
    }
    Ok(Word::Part("SET"))
}

fn checked(name: &str, value: &str) -> Result<Word, Refusal> {
    let value = unquoted(value);
    let is_known = catalog::shown(name).is_some() || FREE.contains(&name);
    if !is_known {
        let known = catalog::SHOWN.iter().map(|(known, _)| *known).chain(FREE);
        let refused = crate::query::Refused::unknown("setting", name, known);
        return Err(("42704", refused.0));
    }
    if let Some((_, values)) = FIXED.iter().find(|(fixed, _)| *fixed == name)
        && !values.iter().any(|known| value.eq_ignore_ascii_case(known))
    {
        let state = if name.ends_with("read_only") { "25006" } else { "22023" };
        let only = catalog::shown(name).unwrap_or_default();
        return Err((
            state,
            format!("{name}: {value}; wanted {only}: nothing else is spoken here"),
        ));
    }
    if name == "statement_timeout" && millis(&value).is_none() {
        let words = format!("statement_timeout: {value}; wanted a time such as 500, 500ms or 5s");
        return Err(("22023", words));
    }
    Ok(Word::Set(name.to_owned(), value))
}

/// How many milliseconds `text` is in the words of PostgreSQL; zero is no limit.
pub(super) fn millis(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let times = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ if text.eq_ignore_ascii_case("default") => return Some(0),
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(times)
}

fn unclear(text: &str) -> Refusal {
    let shown: String = text.chars().take(40).collect();
    ("42601", format!("cannot read the statement: {shown}; wanted SET name = value"))
}

/// What stands in `text` behind the last of `words`.
fn value_after<'t>(text: &'t str, words: &[&str]) -> &'t str {
    let lower = text.to_ascii_lowercase();
    let ends = words.iter().filter_map(|word| lower.find(word).map(|at| at + word.len()));
    text[ends.max().unwrap_or(0)..].trim()
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.unwrap_or(value).replace("''", "'")
}

/// A name without its quotes, in small letters.
fn plain(name: &str) -> String {
    name.trim_matches('"').to_ascii_lowercase()
}

/// `text` without what stands around its words: blanks, semicolons, comments before it.
fn bare(text: &str) -> &str {
    let mut text = text.trim().trim_end_matches([';', ' ', '\n', '\t', '\r']);
    loop {
        let rest = if let Some(rest) = text.strip_prefix("--") {
            rest.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(rest) = text.strip_prefix("/*") {
            rest.split_once("*/").map_or("", |(_, rest)| rest)
        } else {
            return text;
        };
        text = rest.trim_start();
    }
}

/// What a connection has set.
#[derive(Debug, Default)]
pub(super) struct Set(BTreeMap<String, String>);

impl Set {
    /// Remembers that `name` is `value`.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Forgets `name`, or all.
    pub(super) fn reset(&mut self, name: Option<&str>) {
        match name {
            Some(name) => drop(self.0.remove(name)),
            None => self.0.clear(),
        }
    }

    /// What `name` is, if there is such a setting.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        let set = self.0.get(name).filter(|_| !FIXED.iter().any(|(fixed, _)| *fixed == name));
        let free = || FREE.contains(&name).then_some("0");
        set.map(String::as_str).or_else(|| catalog::shown(name)).or_else(free).map(str::to_owned)
    }

    /// All settings with what they are.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let names = catalog::SHOWN.iter().map(|(name, _)| *name).chain(FREE);
        let mut all: Vec<(String, String)> =
            names.map(|name| (name.to_owned(), self.shown(name).unwrap_or_default())).collect();
        all.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Word) {
        assert_eq!(read(text), Some(Ok(wanted)), "{text}");
    }

    fn set_to(name: &str, value: &str) -> Word {
        Word::Set(name.to_owned(), value.to_owned())
    }

    #[test]
    fn what_speaks_of_the_connection_is_told_from_questions() {
        check("BEGIN", Word::Begin("BEGIN"));
        check("  -- hello\n/* there */ begin read only ; ", Word::Begin("BEGIN"));
        check("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", Word::Begin("START TRANSACTION"));
        check("end", Word::End("COMMIT"));
        check("ROLLBACK", Word::End("ROLLBACK"));
        check("ROLLBACK TO SAVEPOINT a", Word::Part("ROLLBACK"));
        check("SET application_name = 'a b'", set_to("application_name", "a b"));
        check("set extra_float_digits to 3", set_to("extra_float_digits", "3"));
        check("SET SESSION statement_timeout='5s'", set_to("statement_timeout", "5s"));
        check("SET TIME ZONE 'Europe/Berlin'", set_to("timezone", "Europe/Berlin"));
        check("SET NAMES 'UTF8'", set_to("client_encoding", "UTF8"));
        check(
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            Word::Part("SET"),
        );
        check("SHOW TRANSACTION ISOLATION LEVEL", Word::Show("transaction_isolation".to_owned()));
        check("SHOW search_path", Word::Show("search_path".to_owned()));
        check("DEALLOCATE ALL", Word::Deallocate(None));
        check("RESET ALL", Word::Reset(None));
        for question in ["SELECT 1", "COPY a TO 'b'", "", "WITH a AS (SELECT 1) SELECT 1", "--"] {
            assert_eq!(read(question), None, "{question}");
        }
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        for (text, state) in [
            ("SET client_encoding = 'LATIN1'", "22023"),
            ("SET datestyle = 'German'", "22023"),
            ("SET default_transaction_read_only = off", "25006"),
            ("SET TRANSACTION READ WRITE", "25006"),
            ("SET datafusion.execution.batch_size = 1", "42704"),
            ("SET statement_timeout = 'soon'", "22023"),
            ("SET", "42601"),
            ("SET role", "42601"),
        ] {
            let refused = read(text).and_then(Result::err);
            assert_eq!(refused.map(|(state, _)| state), Some(state), "{text}");
        }
    }

    #[test]
    fn a_setting_is_shown_as_it_was_set_until_it_is_reset() {
        let mut set = Set::default();
        assert_eq!(set.shown("timezone").as_deref(), Some("UTC"));
        set.set("application_name", "x");
        set.set("client_encoding", "unicode");
        assert_eq!(set.shown("application_name").as_deref(), Some("x"));
        assert_eq!(set.shown("client_encoding").as_deref(), Some("UTF8"));
        assert_eq!(set.shown("nothing"), None);
        set.reset(Some("application_name"));
        assert_eq!(set.shown("application_name").as_deref(), Some(""));
    }
}
