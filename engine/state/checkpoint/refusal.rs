//! Why bytes are not taken for a checkpoint.

use std::io;

use thiserror::Error;

/// Why bytes are not taken for a checkpoint; nothing of them is then used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("cannot be read at byte {at}: {error}")]
    Unread {
        /// How far it was read.
        at: u64,
        /// Why no further.
        error: String,
    },
    /// It is something else.
    #[error("no checkpoint: it begins with {found}; wanted 89454242 0d0a1a0a")]
    Foreign {
        /// Its first bytes, in hexadecimal digits.
        found: String,
    },
    /// Another version of Ebb wrote it.
    #[error("format {found}; wanted {known}; {} version of ebb wrote it", age(*found, *known))]
    OtherFormat {
        /// Its format.
        found: u32,
        /// The format that this program reads.
        known: u32,
    },
    /// It ends too early.
    #[error("torn: it ends at byte {at}, within {within}")]
    Torn {
        /// Where it ends.
        at: u64,
        /// Within what.
        within: &'static str,
    },
    /// Bytes were changed after they were written.
    #[error("damaged: the checksum of {of} at byte {at} does not hold")]
    Damaged {
        /// Where it begins.
        at: u64,
        /// Of what.
        of: &'static str,
    },
    /// The checksums hold, yet it says what cannot be.
    #[error("unsound: {of} at byte {at}: {why}")]
    Unsound {
        /// Where it begins.
        at: u64,
        /// Of what.
        of: &'static str,
        /// What cannot be.
        why: String,
    },
    /// It is of another partition.
    #[error("it is of {found}; wanted {wanted}")]
    OtherPlace {
        /// Its topic and partition.
        found: String,
        /// Those asked for.
        wanted: String,
    },
    /// Its state rests on other rules.
    #[error("it rests on other rules: {key} = {found}; wanted {wanted}")]
    OtherRules {
        /// The setting.
        key: &'static str,
        /// What it was.
        found: String,
        /// What it is.
        wanted: String,
    },
}

/// Which version wrote a format.
fn age(found: u32, known: u32) -> &'static str {
    if known < found { "a newer" } else { "an older" }
}

impl Refusal {
    /// What a read that failed at byte `at` within `within` means.
    pub(crate) fn of_read(error: &io::Error, at: u64, within: &'static str) -> Refusal {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Refusal::Torn { at, within },
            _ => Refusal::Unread { at, error: error.to_string() },
        }
    }
}
