//! Floor 4: what one customer did lately, and what it measures to.
//!
//! Shape   a [`History`] holds a customer's tracks, life and standing; [`Scope::read`]
//!         turns it into [`Reading`]s at an instant, each with the next instant at which it
//!         could change if nothing else happens.

mod block;
pub mod entry;
mod form;
pub mod history;
pub mod invoice;
pub mod life;
pub mod list;
pub mod lump;
pub mod measure;
pub mod memo;
pub mod probe;
pub mod reading;
pub mod sends;
pub mod slot;
mod slots;
pub mod standing;

pub use history::{Admitted, History, Precision};
pub use life::{Life, LifeAt};
pub use measure::{Scope, Which};
pub use memo::{Memo, Moved, Readings, Stale};
pub use reading::{Motion, Reading};
pub use standing::Standing;
