//! Floor 2: what comes in, what goes out, and their bytes.

pub mod alert;
pub mod decode;
pub mod event;
pub mod kind;
pub mod partition;
pub mod reject;
pub mod scores;

pub use alert::Alert;
pub use event::{Event, Value};
pub use kind::{Field, Form, Kind};
pub use partition::partition;
pub use reject::Reject;
pub use scores::ScoreRecord;
