//! What a value must obey beyond its form: its scale.
//!
//! Rules   a value lies within its scale, ends included; a scale has room between its ends; where
//!         the record names no scale and its kind has no usual one, nothing is checked.
//! Source  readings of the specification.

use crate::record::event::Event;
use crate::record::kind::{Field, Kind};
use crate::record::reject::{Reason, Reject};
use crate::unit::Micros;

/// Refuses an event whose value lies outside its scale or whose scale has no room.
///
/// # Errors
///
/// [`Reason::OutOfRange`] with the value and its scale.
pub(crate) fn scale(event: &Event<'_>) -> Result<(), Reject> {
    let (field, scale) = match event.kind {
        Kind::ScoreOverride => (Field::Value, Some((Micros::ZERO, Micros::new(100_000_000)))),
        _ => match event.scaled_field() {
            Some(field) => (field, event.scale()),
            None => return Ok(()),
        },
    };
    let Some((min, max)) = scale else { return Ok(()) };
    if max <= min {
        let (min, max) = (min.to_f64(), max.to_f64());
        let detail = format!("scale_min: found {min}; wanted less than scale_max ({max})");
        return Err(Reject::new(Reason::OutOfRange, detail));
    }
    match event.number(field) {
        Some(value) if value < min || max < value => {
            let (name, found) = (field.name(), value.to_f64());
            let (min, max) = (min.to_f64(), max.to_f64());
            let detail = format!("{name}: found {found}; wanted {min} to {max}");
            Err(Reject::new(Reason::OutOfRange, detail))
        }
        _ => Ok(()),
    }
}
