//! What may be asked, by whom, and what a question may take.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::check::Reader;
use super::secret;
use crate::unit::{Size, Span};

const MIB: u64 = 1 << 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// The key of the password.
const PASSWORD: &str = "sql.password";

/// The limits of questions, and the doors they come through.
#[derive(Clone, PartialEq, Eq)]
pub struct SqlRules {
    /// The longest time of a query.
    pub time_max: Span,
    /// The most memory of a query.
    pub memory_max: Size,
    /// The most rows of an answer.
    pub rows_max: u64,
    /// The longest statement.
    pub statement_max: Size,
    /// The most operators in a statement.
    pub operators_max: u64,
    /// How many queries run at once; `None` for one a core.
    pub queries_max: Option<NonZeroUsize>,
    /// Where HTTP listens beside a running engine; `None` where it does not.
    pub http: Option<SocketAddr>,
    /// Where the wire of PostgreSQL does.
    pub postgres: Option<SocketAddr>,
    /// Where Arrow Flight SQL does.
    pub flight: Option<SocketAddr>,
    /// How many clients may be connected at once.
    pub connections_max: usize,
    /// How long a client may take to say who it is, and to take the next byte.
    pub client_wait: Span,
    /// Who may ask.
    pub user: String,
    /// With what password; `None` where only this machine is let in.
    pub password: Option<String>,
    /// Certificate and key, as PEM files; `None` without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// With the password masked.
impl fmt::Debug for SqlRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| "***");
        f.debug_struct("SqlRules")
            .field("time_max", &self.time_max)
            .field("memory_max", &self.memory_max)
            .field("rows_max", &self.rows_max)
            .field("statement_max", &self.statement_max)
            .field("operators_max", &self.operators_max)
            .field("queries_max", &self.queries_max)
            .field("http", &self.http)
            .field("postgres", &self.postgres)
            .field("flight", &self.flight)
            .field("connections_max", &self.connections_max)
            .field("client_wait", &self.client_wait)
            .field("user", &self.user)
            .field("password", &password)
            .field("tls", &self.tls)
            .finish()
    }
}

/// Reads the table `sql`.
pub(super) fn read(reader: &mut Reader<'_>) -> SqlRules {
    let whole = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let (certificate, key) = (reader.text("sql.tls_certificate"), reader.text("sql.tls_key"));
    if certificate.is_empty() != key.is_empty() {
        let missing = if key.is_empty() { "sql.tls_key" } else { "sql.tls_certificate" };
        reader.fault(missing, "the path of a PEM file, as the other of the two is set");
    }
    SqlRules {
        time_max: reader.span("sql.time_max", 1, DAY_MS),
        memory_max: reader.size("sql.memory_max", MIB, 1_024 << 30),
        rows_max: whole(reader.whole("sql.rows_max", 1, 1_000_000_000)),
        statement_max: reader.size("sql.statement_max", 1, 16 * MIB),
        operators_max: whole(reader.whole("sql.operators_max", 1, 100_000)),
        queries_max: NonZeroUsize::new(reader.whole("sql.queries_max", 0, 256)),
        http: place(reader, "sql.http"),
        postgres: place(reader, "sql.postgres"),
        flight: place(reader, "sql.flight"),
        connections_max: reader.whole("sql.connections_max", 1, 100_000),
        client_wait: reader.span("sql.client_wait", 100, HOUR_MS),
        user: reader.filled("sql.user"),
        password: password(reader),
        tls: (!certificate.is_empty()).then(|| (certificate.into(), key.into())),
    }
}

/// Where a door of a running engine is.
fn place(reader: &mut Reader<'_>, key: &str) -> Option<SocketAddr> {
    let text = reader.text(key);
    if text.is_empty() {
        return None;
    }
    let place = text.parse();
    if place.is_err() {
        reader.fault(key, "an address such as \"127.0.0.1:8080\", or nothing");
    } else if reader.text("snapshots.folder").is_empty() {
        reader.fault("snapshots.folder", format!("a folder, as {key} is set"));
    }
    place.ok()
}

/// The password as it stands, or the one in the file that is named.
fn password(reader: &mut Reader<'_>) -> Option<String> {
    let by_file = format!("{PASSWORD}.file");
    if !reader.is_given(&by_file) {
        return Some(reader.text(PASSWORD)).filter(|password| !password.is_empty());
    }
    let path = reader.text(&by_file);
    match secret::read(&path) {
        Ok(password) => Some(password),
        Err(wanted) => {
            reader.fault(&by_file, wanted);
            None
        }
    }
}
