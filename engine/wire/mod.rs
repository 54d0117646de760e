//! Floor 7: doors. Where records come from, where outputs go, and what time it is outside.
//!
//! Shape   a [`Source`] fills a [`Batch`], the floors below turn it into [`Outgoing`]s, a
//!         [`Sink`] takes them; only then does the source hear how far its records are done.
//! Rules   a door never interprets an event: that is `record`'s word.

pub mod clock;
pub mod door;
pub mod doors;
pub mod files;
pub mod generate;
pub mod memory;
pub mod output;
pub mod store;
pub mod token;

pub use door::{
    Batch, Body, Clock, Fault, Fetched, Origin, Outgoing, Position, RawRecord, Sink, Source,
};
pub use doors::{Committed, Doors, Handover, JournalDoor};
pub use files::FileSource;
pub use memory::{MemorySink, MemorySource};
pub use output::{FileSink, OutFile, Outputs, check_paths};
pub use store::{Directory, MemoryStore, Store};
pub use token::Token;
