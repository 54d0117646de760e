//! Floor 1: the words every other floor speaks: time, amounts, scores, keys, bounds.

pub mod amount;
pub mod key;
pub mod limit;
pub mod points;
pub mod size;
pub mod time;

pub use amount::Micros;
pub use key::{Key, Key128, ShortKey};
pub use points::Points;
pub use size::Size;
pub use time::{EventTime, Span};
