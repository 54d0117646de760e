//! A partition's state as bytes, written while it goes on, and back.
//!
//! Shape   a `Draft` marks an instant in O(lanes) and is then written in slices; a customer who
//!         is about to change before the slice that holds them is written first, so that every
//!         customer stands in the file as at that instant. [`restore`] reads it back on any
//!         thread, [`walk`] shows it without any rules.
//! Rules   nothing that follows from the rest is written: keys of ids, timers, memos. How many
//!         lanes wrote it cannot be told from what is read. Every byte is under a checksum, and
//!         each checksum is keyed by the one before, so no section can be missing, doubled, out
//!         of order or from another file.
//! Cost    about 1 us a customer to write; a memory of the customers who changed since the last
//!         slice.
//! Errors  [`Refusal`] says why bytes were not taken; nothing of them is then used.
//!
//! One file, byte by byte (whole numbers little-endian):
//!
//! ```text
//! 0      8  magic: 89 45 42 42 0D 0A 1A 0A ("\x89EBB\r\n\x1a\n")
//! 8      4  format, now 3
//! 12     4  length of the header, h
//! 16     h  header, postcard: topic, partition, next_offset, number of partitions, place in the
//!           journal, number of events before, now, retold now, model id, model version, key of
//!           the compiled model, dedup.horizon, window.exact_events_max, clock.timers, n_customers
//! 16+h   8  XXH3-64 of everything so far
//! then sections, each
//! 0      1  kind: 1 customers, 2 remembered ids, 3 erased customers, 255 the end
//! 1      4  how many there are in it, n
//! 5      8  length of the body, b
//! 13     b  body
//! 13+b   8  XXH3-64 of this section so far, keyed by the checksum before it
//! body of 1    n customers, postcard, one after the other, in no order that means anything
//! body of 2    n times a key (8) and the millisecond at which it was applied (8), in order
//! body of 3    n times, postcard: the key of an id, the time of the request, until when nothing
//!              is shown, how many there were, what came since
//! body of 255  how many customers (8) and remembered ids (8) came before; nothing follows
//! ```
//!
//! Source  DESIGN §8, D-2; postcard's wire format, <https://postcard.jamesmunns.com>.

mod draft;
mod frame;
mod header;
mod refusal;
mod restore;
mod walk;

pub use draft::Progress;
pub(crate) use draft::{Draft, Share};
pub use header::{Header, Mark, Print};
pub use refusal::Refusal;
pub use restore::{Restored, restore};
pub use walk::{Sight, Summary, head, walk};
