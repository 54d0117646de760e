//! What every store does, these do.

use std::io::Read;

use ebb::wire::Store;

use super::bytes;
use super::contract::{check, name, write};
use super::servers::{KINDS, Server};

/// More than two parts of an upload, and more pieces of a download than are fetched ahead.
const LARGE: usize = (20 << 20) + 12_345;

#[test]
fn every_object_store_does_what_a_folder_does() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let store = server.place().open(3);
        check(&store, &bytes(LARGE));
        let [other] = store.list_of("customer-events", 0).unwrap().try_into().unwrap();
        assert!(other.saved_at.is_some(), "{other:?}");
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
