//! What goes wrong on the way to a store, and in it.

use std::time::{Duration, Instant};

use ebb::wire::store::{Name, retain};
use ebb::wire::{Fault, Store};

use super::bytes;
use super::contract::{name, names, read, write};
use super::line::Line;
use super::servers::{KINDS, Place, Server};

/// Two parts and a rest.
const SIZE: usize = (17 << 20) + 5;
/// The line breaks after 0, 1, 2 … of so many bytes.
const STEP: usize = SIZE / 9;

/// Saves `bytes` as `name` and clears older ones away, as the engine does.
fn save(store: &dyn Store, name: &Name, bytes: &[u8]) -> Result<(), Fault> {
    write(store, name, bytes)?;
    retain(store, name, 1).map(|_n_deleted| ())
}

#[test]
fn wherever_the_line_breaks_the_older_one_is_there_or_the_newer_one_whole() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let (old, new) = (name(1, 9, 5), name(1, 10, 5));
        let (before, after) = (bytes(100), bytes(SIZE));
        let (mut n_broken, mut n_saved) = (0, 0);
        for n_bytes in (0..SIZE + 3 * STEP).step_by(STEP) {
            let place = server.place();
            let straight = place.open(3);
            save(&straight, &old, &before).unwrap();
            let line = Line::to(place.at(), i64::try_from(n_bytes).unwrap());
            let saved = save(&place.through(line.at()).open(2), &new, &after);
            let found = names(straight.list_of("customer-events", 1).unwrap());
            match saved {
                Ok(()) => {
                    n_saved += 1;
                    assert_eq!(found, std::slice::from_ref(&new), "{kind:?} {n_bytes}");
                }
                Err(fault) => {
                    n_broken += 1;
                    assert!(line.is_broken(), "{kind:?} {n_bytes}: {fault}");
                    assert!(fault.to_string().contains("; safe: "), "{fault}");
                    let older = found.last();
                    assert!(older == Some(&old) || found == [new.clone()], "{found:?}");
                }
            }
            for name in found {
                let wanted = if name == old { &before } else { &after };
                assert!(read(&straight, &name) == *wanted, "{kind:?} {n_bytes}: {name}");
            }
        }
        assert!(2 < n_broken && 0 < n_saved, "{kind:?}: {n_broken} broken, {n_saved} saved");
    }
}

#[test]
fn a_store_that_is_away_is_given_up_in_time_and_told_of() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let place = server.place();
        let line = Line::to(place.at(), 0);
        let away = place.through(line.at()).open(3);
        let began = Instant::now();
        let check = |fault: Option<Fault>, wanted: &str| {
            let said = fault.map(|fault| fault.to_string()).unwrap_or_default();
            assert!(said.starts_with(wanted), "{kind:?}: {said}");
            assert!(said.contains(&place.url), "{kind:?}: {said}");
            assert!(!said.contains("hush") && !said.contains('\n'), "{kind:?}: {said}");
        };
        check(away.list().err(), "cannot list checkpoints: ");
        check(away.read(&name(1, 9, 5)).err(), "cannot read checkpoint: ");
        check(save(&away, &name(1, 9, 5), b"new").err(), "cannot write checkpoint: ");
        check(away.delete(&name(1, 9, 5)).err(), "cannot delete checkpoint: ");
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
}

#[test]
fn a_bucket_that_is_not_there_is_a_fault_and_no_empty_place() {
    for kind in KINDS {
        let Some(server) = Server::shared(kind) else { continue };
        let mut place: Place = server.place();
        place.url = place.url.replace("bucket-", "missing-");
        let away = place.open(1);
        let said = away.list().err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(said.starts_with("cannot list checkpoints: "), "{kind:?}: {said}");
        let said = save(&away, &name(1, 9, 5), b"new").err().map(|fault| fault.to_string());
        assert!(said.is_some_and(|said| said.contains("older ones are whole")), "{kind:?}");
    }
}
