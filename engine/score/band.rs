//! Bands: which one a score lies in, and which one is held.
//!
//! Rules   an edge belongs to the band above it. What gets worse is held at once; what gets
//!         better only `exit_margin` past the edge, edge by edge.
//! Source  readings, I-13 of the specification.

use crate::model::{Score, Worse};
use crate::unit::Points;

/// The band that `value` lies in.
pub fn of(score: &Score, value: Points) -> u8 {
    let above = score.bands.iter().rposition(|band| band.from <= value.get());
    small(above.unwrap_or(0))
}

/// The band to hold for `value` where `held` was held before.
pub fn target(score: &Score, held: Option<u8>, value: Points) -> u8 {
    let raw = of(score, value);
    let Some(held) = held else { return raw };
    let mut at = usize::from(held);
    let value = value.get();
    match score.worse {
        Worse::Higher if raw < held => {
            while 0 < at
                && score.bands.get(at).is_some_and(|band| value < band.from - score.exit_margin)
            {
                at -= 1;
            }
            small(at)
        }
        Worse::Lower if held < raw => {
            while score.bands.get(at + 1).is_some_and(|band| band.from + score.exit_margin <= value)
            {
                at += 1;
            }
            small(at)
        }
        _ => raw,
    }
}

/// Whether band `a` of `score` is worse than band `b`.
pub fn is_worse(score: &Score, a: u8, b: u8) -> bool {
    match score.worse {
        Worse::Higher => b < a,
        Worse::Lower => a < b,
    }
}

/// An index that the loader keeps below [`BANDS_MAX`](crate::unit::limit::BANDS_MAX).
fn small(index: usize) -> u8 {
    u8::try_from(index).unwrap_or(u8::MAX)
}
