//! Secrets: which values they are, and how they are kept out of the settings themselves.
//!
//! Rules   the value of `NAME.file` is the path of a file, and what stands in it is the value of
//!         `NAME`: so orchestrators hand secrets over. A secret is masked wherever settings are
//!         shown; a path is not.

use std::fs;

use super::raw::{FREE, free};

/// The keys outside that table whose values are secrets.
const SECRETS: [&str; 1] = ["sql.password"];

/// How the name of a property ends whose value stands in a file.
const FILE: &str = ".file";

/// The property whose value stands in a file, if `property` is one that says where.
pub(super) fn kept_in_file(property: &str) -> Option<&str> {
    property.strip_suffix(FILE).filter(|name| !name.is_empty())
}

/// The other of the two keys that give the same property, by its value or by a file.
pub(super) fn twin(key: &str) -> Option<String> {
    if SECRETS.contains(&key) {
        return Some(format!("{key}{FILE}"));
    }
    if let Some(name) = named_by_file(key) {
        return Some(name.to_owned());
    }
    let (table, property) = free(key)?;
    Some(match kept_in_file(property) {
        Some(name) => format!("{table}.{name}"),
        None => format!("{key}{FILE}"),
    })
}

/// The secret whose file `key` names, if it is one of those outside the table.
pub(super) fn named_by_file(key: &str) -> Option<&str> {
    key.strip_suffix(FILE).filter(|name| SECRETS.contains(name))
}

/// The secret in the file at `path`, without the end of its line.
///
/// # Errors
///
/// The words for what was wanted.
pub(super) fn read(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("the path of a file that can be read: {error}"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        Err("the path of a file that is not empty".to_owned())
    } else {
        Ok(secret.to_owned())
    }
}

/// Whether the value of `key` must never be shown.
pub(super) fn is_secret(key: &str) -> bool {
    let Some((table, name)) = free(key).filter(|(_, name)| kept_in_file(name).is_none()) else {
        return SECRETS.contains(&key);
    };
    if table == FREE[0] {
        let ends = [".password", ".key", ".pem", ".secret", ".token"];
        return name.starts_with("sasl.") || ends.iter().any(|end| name.ends_with(end));
    }
    // A proxy's URL may hold a password.
    let words = ["key", "secret", "token", "sas", "password", "credential", "proxy_url"];
    words.iter().any(|word| name.contains(word))
}
