//! Checkpoints: what is read back goes on as if nothing had happened, or is refused.
//!
//! Shape   `script` is a stream with everything that can come between two records, played step by
//!         step; `resume` cuts it anywhere, `corrupt` hurts the bytes, `fixture` keeps a file of
//!         each format, `command` asks the program.

mod command;
mod corrupt;
mod fixture;
mod resume;
pub(crate) mod script;

use std::collections::BTreeMap;

use ebb::state::checkpoint::{Header, Mark, Sight, Summary, walk};
use ebb::state::erased::Request;
use ebb::state::{Engine, Progress, Refusal};
use ebb::unit::{EventTime, Key};
use serde_json::Value;

/// What a checkpoint says, in an order that no lane and no slice has a say in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    pub(crate) header: Header,
    /// By id: everything of a customer, as JSON.
    pub(crate) customers: BTreeMap<String, String>,
    pub(crate) remembered: Vec<(Key, EventTime)>,
    pub(crate) erased: Vec<(Key, Request)>,
}

/// The whole checkpoint of `partition` as it stands, in slices of `n_customers`.
pub(crate) fn checkpoint(engine: &mut Engine, partition: u32, n_customers: usize) -> Vec<u8> {
    engine.begin_checkpoint(partition, mark(engine, 0));
    let mut file = Vec::new();
    loop {
        match engine.continue_checkpoint(partition, n_customers).expect("one was begun") {
            Progress::More(pieces) => file.extend(pieces.concat()),
            Progress::Done(pieces) => {
                file.extend(pieces.concat());
                return file;
            }
        }
    }
}

/// The mark of a checkpoint before `step`.
pub(crate) fn mark(engine: &Engine, step: usize) -> Mark {
    let next_offset = i64::try_from(step).expect("steps are few");
    Mark { next_offset, n_partitions: engine.n_partitions(), journal: 7, n_events: 9 }
}

/// What `bytes` say.
pub(crate) fn contents(bytes: &[u8]) -> Result<Contents, Refusal> {
    let (mut customers, mut remembered) = (BTreeMap::new(), Vec::new());
    let mut erased = Vec::new();
    let Summary { header, n_remembered, n_bytes } = walk(&mut &*bytes, &mut |sight| match sight {
        Sight::Customer(customer) => {
            let json = serde_json::to_string(&customer).expect("a customer is JSON");
            assert_eq!(customers.insert(customer.id().to_owned(), json), None, "twice");
        }
        Sight::Remembered(key, applied) => remembered.push((key, applied)),
        Sight::Erased(key, request) => erased.push((key, request)),
    })?;
    assert_eq!(n_remembered, remembered.len() as u64);
    assert_eq!(n_bytes, bytes.len() as u64);
    Ok(Contents { header, customers, remembered, erased })
}

/// Both without the traces of judgings of which nothing came: whoever looks anew may find another
/// instant at which it is worth while to look again, and what the midnights between such instants
/// bring is noted by the later of them.
pub(crate) fn as_felt(mut one: Contents, mut other: Contents) -> [Contents; 2] {
    for (id, one) in &mut one.customers {
        let Some(other) = other.customers.get_mut(id) else { continue };
        let [mut a, mut b] =
            [&*one, &*other].map(|json| serde_json::from_str::<Value>(json).expect("it is JSON"));
        let is_apart = a["machine"]["judged_at"] != b["machine"]["judged_at"];
        for value in [&mut a, &mut b] {
            value["due"] = Value::Null;
            if is_apart {
                value["machine"]["judged_at"] = Value::Null;
                value["machine"]["rung"] = Value::Null;
                for held in value["machine"]["scores"].as_array_mut().into_iter().flatten() {
                    held["samples"] = Value::Null;
                    held["arming"] = Value::Null;
                }
            }
        }
        (*one, *other) = (a.to_string(), b.to_string());
    }
    [one, other]
}
