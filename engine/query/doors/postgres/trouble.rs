//! Errors as PostgreSQL's clients know them.
//!
//! Source  appendix A of the manual of PostgreSQL 16.

use pgwire::error::{ErrorInfo, PgWireError};

use crate::query::refused::{Cause, Refused};

/// An error with its SQLSTATE.
pub(super) fn error(state: &str, words: impl Into<String>) -> PgWireError {
    of_severity("ERROR", state, words)
}

/// An error after which the connection ends.
pub(super) fn fatal(state: &str, words: impl Into<String>) -> PgWireError {
    of_severity("FATAL", state, words)
}

fn of_severity(severity: &str, state: &str, words: impl Into<String>) -> PgWireError {
    let info = ErrorInfo::new(severity.to_owned(), state.to_owned(), words.into());
    PgWireError::UserError(Box::new(info))
}

/// Why a question gets no answer, with its SQLSTATE.
pub(super) fn of(refused: &Refused) -> PgWireError {
    let state = match refused.cause() {
        Cause::Unreadable => "42601",
        Cause::Writes => "25006",
        Cause::NoTable => "42P01",
        Cause::NoColumn => "42703",
        Cause::NoFunction => "42883",
        Cause::Size => "54000",
        Cause::Time => "57014",
        Cause::Memory => "53200",
        Cause::Busy => "53300",
        Cause::Parameter => "22P02",
        Cause::Broken => "58000",
        Cause::Other => "22000",
    };
    error(state, refused.to_string())
}
