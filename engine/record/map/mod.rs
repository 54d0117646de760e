//! A platform's own rows, turned into canonical JSON events by a file of rules.
//!
//! Shape   a map file becomes a [`Map`]: which files hold what ([`Table`]), and for each which
//!         events a row gives. A [`Mapper`] binds one table to one file's header and turns rows
//!         into bytes, which then walk the one decoder like any others.
//! Rules   a row is taken whole or refused whole: where one of its events cannot be made, none
//!         is. Two rows never hang on each other, but for `once_per = "day"`.
//! Errors  all faults of a map are told at once; a row that fits no rule is a reject that names
//!         the column, what stood there and what was wanted.
//! Source  `config/maps/` holds two maps whose comments explain the language.

mod keys;
mod lookup;
mod mapper;
mod moment;
mod row;
mod rules;
mod shipped;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod value;
mod when;
mod write;

pub use keys::MapFault;
pub use lookup::{Lookup, LookupReader, LookupRule};
pub use mapper::{Mapped, Mapper, Taken};
pub use row::Quotes;
pub use rules::Map;
pub use shipped::shipped;
pub use table::{Format, Order, Table};
