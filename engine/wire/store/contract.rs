//! What every store of checkpoints does, checked here and on real object stores.

use std::io::Read;

use super::{EventTime, Fault, Name, Store, Stored, retain};

/// A checkpoint is written in at least three pieces, none longer than this.
const PIECE_BYTES: usize = 70_000;

/// The name of a checkpoint of `customer-events`.
pub(crate) fn name(partition: u32, next_offset: i64, now: i64) -> Name {
    let now = EventTime::from_millis(now);
    Name { topic: "customer-events".to_owned(), partition, next_offset, now }
}

/// Puts `bytes` under `name`, in pieces as an engine writes them.
pub(crate) fn write(store: &dyn Store, name: &Name, bytes: &[u8]) -> Result<(), Fault> {
    let mut open = store.create(name)?;
    for piece in bytes.chunks(bytes.len().div_ceil(3).clamp(1, PIECE_BYTES)) {
        open.write(piece)?;
    }
    open.publish()
}

/// The bytes under `name`.
pub(crate) fn read(store: &dyn Store, name: &Name) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.read(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The names alone.
pub(crate) fn names(stored: Vec<Stored>) -> Vec<Name> {
    stored.into_iter().map(|stored| stored.name).collect()
}

/// Fails unless `store`, which is empty, does what every store does, with checkpoints of a few bytes
/// and one of `large`. It then holds two of partition 1 and one of partition 0.
pub(crate) fn check(store: &dyn Store, large: &[u8]) {
    assert_eq!(store.list().unwrap(), []);
    assert_eq!(store.list_of("customer-events", 1).unwrap(), []);
    // In no order: offset 9 comes before 10, the same offset goes by `now`.
    let stored = [name(1, 9, 5), name(1, 10, 3), name(0, 7, 7), name(1, 10, -4), name(1, 10, 20)];
    for (length, name) in (1..).zip(&stored) {
        write(store, name, &vec![7; length]).unwrap();
    }
    let [nine, ten, other, below, above] = stored;
    let of_1 = [above.clone(), ten.clone(), below.clone(), nine.clone()];
    assert_eq!(names(store.list_of("customer-events", 1).unwrap()), of_1);
    assert_eq!(names(store.list_of("other", 1).unwrap()), []);
    let all = names(store.list().unwrap());
    assert_eq!(all.first(), Some(&other));
    assert_eq!(all.get(1..), Some(&of_1[..]));
    assert_eq!(store.list_of("customer-events", 0).unwrap()[0].n_bytes, 3);
    assert_eq!(read(store, &ten), [7; 2]);
    write(store, &ten, large).unwrap();
    assert!(read(store, &ten) == large, "what comes back is not what went there");
    // Dropped unpublished, it leaves nothing, not even instead of the older one.
    for n in [4, large.len()] {
        let mut open = store.create(&ten).unwrap();
        open.write(&vec![1; n]).unwrap();
        drop(open);
        assert!(read(store, &ten) == large, "{n}");
    }
    assert_eq!(store.list().unwrap().len(), 5);
    // What was published now stays, and so does what claims to be newer.
    assert_eq!(retain(store, &ten, 2).unwrap(), 1);
    let left = names(store.list_of("customer-events", 1).unwrap());
    assert_eq!(left, [above.clone(), ten.clone(), below]);
    assert_eq!(retain(store, &ten, 0).unwrap(), 1);
    assert_eq!(names(store.list_of("customer-events", 1).unwrap()), [above, ten]);
    store.delete(&nine).unwrap();
    assert!(store.read(&nine).is_err());
    assert_eq!(names(store.list_of("customer-events", 0).unwrap()), [other]);
}
