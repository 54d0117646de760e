//! Any bytes are an event, a type nobody registered, or a reject; an event survives being written.

#![no_main]

use ebb::record::{Decoded, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Outlives the event that is compared with what was written.
    let written;
    match decode(bytes) {
        Ok(Decoded::Event(event)) => {
            written = event.to_json();
            let again = decode(&written);
            assert!(again == Ok(Decoded::Event(event.clone())), "{event:?} became {again:?}");
        }
        Ok(Decoded::Unknown(name)) => assert!(name.len() <= bytes.len()),
        Err(reject) => assert!(!reject.detail.is_empty() && reject.detail.len() < 4_096),
    }
});
