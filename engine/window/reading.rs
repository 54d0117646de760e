//! What a measure reads: a quotient of two whole numbers, and until when.
//!
//! Rules   one division of two integers gives the number, hence the nearest one.

use crate::model::{Bound, Compare, Op};
use crate::unit::{EventTime, Micros, Span};

/// What one measure reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Above the line.
    pub num: i64,
    /// Below the line; zero where the measure is not available.
    pub den: i64,
    /// The first instant at which it might read otherwise, or `NEVER`.
    pub until: EventTime,
    /// How it moves meanwhile.
    pub motion: Motion,
}

/// How a measure moves between events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Not at all.
    Still,
    /// It is the time since this moment, and zero before it.
    Since(EventTime),
    /// It is the time left until this moment.
    Until(EventTime),
}

/// Milliseconds of a day, below the line of everything that is told in days.
pub(crate) const DAY: i64 = Span::DAY.as_millis();
pub(crate) const ONE: i64 = Micros::ONE.get();

impl Reading {
    /// Not available before `until`.
    #[inline]
    pub(crate) const fn none(until: EventTime) -> Reading {
        Reading { num: 0, den: 0, until, motion: Motion::Still }
    }

    /// `num / den` until `until`.
    #[inline]
    pub(crate) const fn still(num: i64, den: i64, until: EventTime) -> Reading {
        Reading { num, den, until, motion: Motion::Still }
    }

    /// The number, if there is one: the nearest to the quotient.
    #[expect(clippy::cast_precision_loss, reason = "the nearest is what is wanted")]
    #[inline]
    pub fn value(&self) -> Option<f64> {
        if self.den == 0 { None } else { Some(self.num as f64 / self.den as f64) }
    }

    /// The first instant after `now` at which `compare` turns over by time alone.
    pub fn turns(&self, compare: Compare, now: EventTime) -> EventTime {
        let edge = compare.threshold * 86_400_000.0;
        let strictly = matches!(compare.op, Op::Gt | Op::Le);
        let at = match self.motion {
            Motion::Still => return EventTime::NEVER,
            // The value passes a strict edge one millisecond after it stood on it.
            Motion::Since(from) if strictly => from.millis().saturating_add(floor(edge) + 1),
            Motion::Since(from) => from.millis().saturating_add(-floor(-edge)),
            Motion::Until(to) if strictly => to.millis().saturating_sub(floor(edge)),
            Motion::Until(to) => to.millis().saturating_sub(-floor(-edge) - 1),
        };
        let at = EventTime::from_millis(at);
        if now < at { at } else { EventTime::NEVER }
    }
}

/// The largest whole number not above `number`.
///
/// By hand, for rounding is a call where the processor may be an old one.
#[expect(clippy::cast_possible_truncation, reason = "a cast of f64 saturates")]
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 every number is whole")]
fn floor(number: f64) -> i64 {
    let whole = number as i64;
    whole.saturating_sub(i64::from(number < whole as f64))
}

impl Reading {
    /// The same quotient with a denominator that is not negative.
    pub(crate) fn positive(self) -> Reading {
        if self.den < 0 { Reading { num: -self.num, den: -self.den, ..self } } else { self }
    }
}

/// One reading divided by another.
pub(crate) fn ratio(num: Reading, den: Reading, min_den: i64, bound: Bound) -> Reading {
    let until = num.until.min(den.until);
    let enough = i128::from(min_den) * i128::from(den.den) <= i128::from(den.num);
    if num.den == 0 || den.den == 0 || !enough {
        return Reading::none(until);
    }
    let (above, below) = if num.den == den.den {
        (i128::from(num.num), i128::from(den.num))
    } else {
        (i128::from(num.num) * i128::from(den.den), i128::from(den.num) * i128::from(num.den))
    };
    let above = if bound == Bound::One { above.min(below) } else { above };
    shrunk(above, below, until)
}

/// The greatest of those that are available.
pub(crate) fn greatest(parts: impl Iterator<Item = Reading>) -> Reading {
    let mut greatest = Reading::none(EventTime::NEVER);
    for part in parts {
        let until = greatest.until.min(part.until);
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        if part.den != 0
            && (greatest.den == 0
                || product(greatest.num, part.den) < product(part.num, greatest.den))
        {
            greatest = part;
        }
        greatest.until = until;
    }
    greatest
}

/// `num / den` brought into 64 bits; only beyond 2^62 does that cost the last bits.
pub(crate) fn shrunk(num: i128, den: i128, until: EventTime) -> Reading {
    let (mut num, mut den) = if den < 0 { (-num, -den) } else { (num, den) };
    while i128::from(i64::MAX) < num.abs().max(den) {
        num >>= 1;
        den >>= 1;
    }
    match (i64::try_from(num), i64::try_from(den)) {
        (Ok(num), Ok(den)) => Reading::still(num, den, until),
        _ => Reading::none(until),
    }
}

/// A count as a signed number.
pub(crate) fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The earlier of two instants that may never come.
#[inline]
pub(crate) fn earliest(first: Option<EventTime>, second: Option<EventTime>) -> EventTime {
    first.unwrap_or(EventTime::NEVER).min(second.unwrap_or(EventTime::NEVER))
}

/// Number, sum and extremes of a window.
pub(crate) struct Sums {
    n: u64,
    sum: i128,
    least: Micros,
    most: Micros,
    pub until: EventTime,
}

impl Sums {
    pub(crate) fn new() -> Sums {
        let (least, most) = (Micros::new(i64::MAX), Micros::new(i64::MIN));
        Sums { n: 0, sum: 0, least, most, until: EventTime::NEVER }
    }

    pub(crate) fn add(&mut self, n: u64, sum: i128, extremes: (Micros, Micros)) {
        self.n = self.n.saturating_add(n);
        self.sum = self.sum.saturating_add(sum);
        self.least = self.least.min(extremes.0);
        self.most = self.most.max(extremes.1);
    }

    pub(crate) fn sum(&self, per: i64) -> Reading {
        shrunk(self.sum, i128::from(ONE) * i128::from(per), self.until)
    }

    pub(crate) fn mean(&self) -> Reading {
        shrunk(self.sum, i128::from(ONE) * i128::from(self.n), self.until)
    }

    pub(crate) fn least(&self) -> Reading {
        self.extreme(self.least)
    }

    pub(crate) fn most(&self) -> Reading {
        self.extreme(self.most)
    }

    fn extreme(&self, number: Micros) -> Reading {
        if self.n == 0 {
            Reading::none(self.until)
        } else {
            Reading::still(number.get(), ONE, self.until)
        }
    }
}
