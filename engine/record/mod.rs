//! Floor 2: what comes in, what goes out, and their bytes.

pub mod alert;
mod check;
mod cut;
pub mod decode;
pub mod encode;
pub mod event;
mod field;
pub mod journal;
pub mod kind;
pub mod map;
mod number;
pub mod partition;
mod pen;
mod plain;
mod quick;
pub mod receipt;
pub mod reject;
pub mod reject_line;
mod scale;
pub mod scores;

pub use alert::Alert;
pub use decode::{Decoded, check_key, decode, peek_time};
pub use event::{Event, Value};
pub use journal::{Note, Says, Subject};
pub use kind::{Field, Form, Kind};
pub use partition::partition;
pub use receipt::Receipt;
pub use reject::Reject;
pub use reject_line::reject_line;
pub use scores::ScoreRecord;
