//! What every store does, these do.

use std::io::Read;

use ebb::wire::Store;
use ebb::wire::store::retain;

use super::servers::{KINDS, Server};
use super::{bytes, name, names, read, write};

/// More than two parts of an upload, and more pieces of a download than are fetched ahead.
const LARGE: usize = (20 << 20) + 12_345;

fn check(store: &dyn Store) {
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
    let found = &store.list_of("customer-events", 0).unwrap()[0];
    assert!(found.n_bytes == 3 && found.saved_at.is_some(), "{found:?}");
    assert_eq!(read(store, &ten), [7; 2]);
    let large = bytes(LARGE);
    write(store, &ten, &large).unwrap();
    assert!(read(store, &ten) == large, "what comes back is not what went there");
    // Dropped unpublished, it leaves nothing, not even instead of the older one.
    for n in [4, LARGE] {
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

#[test]
fn every_object_store_does_what_a_folder_does() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        check(&server.place().open(3));
    }
}

#[test]
fn what_is_replaced_while_it_is_read_is_not_mixed() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let store = server.place().open(1);
        let name = name(1, 9, 5);
        let (old, new) = (bytes(40 << 20), vec![9; 40 << 20]);
        write(&store, &name, &old).unwrap();
        let mut reading = store.read(&name).unwrap();
        let mut first = [0; 1_000];
        reading.read_exact(&mut first).unwrap();
        write(&store, &name, &new).unwrap();
        let mut rest = Vec::new();
        match reading.read_to_end(&mut rest) {
            // All of it had come before it was replaced.
            Ok(_) => assert!([&first[..], &rest].concat() == old, "{kind:?}: mixed"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
