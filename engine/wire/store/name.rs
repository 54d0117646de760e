//! What a checkpoint is called: whose state it is, and as of when.
//!
//! Shape   `<topic>/<partition, 5 digits>/<next offset, 20 digits>-<now in milliseconds>.ckpt`.
//! Rules   names of one partition are in order of position: the pair of next offset and `now`.

use std::fmt;

use crate::unit::EventTime;

/// The name of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The input topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The first record that is not in it.
    pub next_offset: i64,
    /// The partition's `now`.
    pub now: EventTime,
}

/// How every file of a checkpoint ends.
const ENDING: &str = ".ckpt";

impl Name {
    /// The folder of the partition.
    pub fn folder(topic: &str, partition: u32) -> String {
        format!("{topic}/{partition:05}")
    }

    /// The file within that folder.
    pub fn file(&self) -> String {
        format!("{:020}-{}{ENDING}", self.next_offset, self.now.millis())
    }

    /// The name that [`Name::folder`] and [`Name::file`] give `path`, if it is one.
    pub fn parse(path: &str) -> Option<Name> {
        let mut parts = path.split('/');
        let (topic, partition, file) = (parts.next()?, parts.next()?, parts.next()?);
        let (next_offset, now) = file.strip_suffix(ENDING)?.split_once('-')?;
        let name = Name {
            topic: topic.to_owned(),
            partition: partition.parse().ok()?,
            next_offset: next_offset.parse().ok()?,
            now: EventTime::from_millis(now.parse().ok()?),
        };
        // What would be written otherwise was not written by us.
        (parts.next().is_none() && name.to_string() == path).then_some(name)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Name::folder(&self.topic, self.partition), self.file())
    }
}
