//! What the allocator does with memory that is not needed for a moment.
//!
//! Rules   a command that scores keeps it: customers' windows grow and are freed all the time, and
//!         to give memory back to the system only to take it again costs a fifteenth of the time
//!         of an event, and batches that stand still for a tenth of a second (benches/RUNS.md).
//!         Whoever sets `MIMALLOC_PURGE_DELAY` has the last word. A process that answers questions
//!         gives back what a large one took.
#![allow(unsafe_code, reason = "measured: see Rules")]

use std::ffi::c_int;

/// `mi_option_purge_delay` of mimalloc's second version.
///
/// Source: `mi_option_e` in its `mimalloc.h`.
const PURGE_DELAY: c_int = 15;

/// Keeps what is freed for what is needed next; to be called before there is another thread.
pub fn keep() {
    // SAFETY: mimalloc takes any value, and leaves alone what it does not know as an option; nobody
    // reads it meanwhile, for there is no other thread yet.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, -1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_the_one_that_is_ten_milliseconds_where_nobody_sets_it() {
        // SAFETY: as above; tests have another allocator, so nobody reads its options but this one.
        let get = |option| unsafe { libmimalloc_sys::mi_option_get(option) };
        assert_eq!(get(PURGE_DELAY), 10);
        keep();
        assert_eq!(get(PURGE_DELAY), -1);
    }
}
