//! One entry of a track as bytes.
//!
//! Shape   the time first, in as many bytes as the form of its row says, then what else its kind
//!         keeps.
//! Units   a wide time takes six bytes of milliseconds: every moment that a record may carry fits,
//!         and two numbers beyond them stand for `NEVER` and `ALWAYS`.

use crate::unit::{EventTime, Key, Micros, ShortKey};

/// What a row can hold.
pub trait Entry: Copy + 'static {
    /// Bytes of what it keeps besides its time.
    const REST: usize;
    /// The same of small numbers, where those take fewer.
    const REST_MIN: usize = Self::REST;
    /// Whether a row of it has the form that suits its entries; else all of them are wide.
    const IS_FORMED: bool;

    /// When it happened.
    fn time(&self) -> EventTime;

    /// How many bytes it takes besides its time: [`Entry::REST`] or [`Entry::REST_MIN`].
    fn rest(&self) -> usize {
        Self::REST
    }

    /// The entry of `time` that keeps `rest` besides.
    fn read(time: EventTime, rest: &[u8]) -> Self;

    /// Writes what it keeps besides its time into `rest`.
    fn write(&self, rest: &mut [u8]);
}

/// Bytes of a wide time.
pub(crate) const TIME_BYTES: usize = 6;

/// What stands for `NEVER` and `ALWAYS`, which no record carries.
const NEVER: u64 = (1 << 48) - 1;
const ALWAYS: u64 = NEVER - 1;

const _: () = assert!(EventTime::LAST.millis().unsigned_abs() < ALWAYS);

/// The time in the first six of `bytes`.
#[inline]
pub(crate) fn read_time(bytes: &[u8]) -> EventTime {
    match read_u48(bytes, 0) {
        NEVER => EventTime::NEVER,
        ALWAYS => EventTime::ALWAYS,
        millis => EventTime::from_millis(millis.cast_signed()),
    }
}

/// Writes `time` into the first six of `bytes`; what lies beyond all records becomes the last
/// moment of its side.
#[inline]
pub(crate) fn write_time(time: EventTime, bytes: &mut [u8]) {
    let millis = match time {
        EventTime::NEVER => NEVER,
        EventTime::ALWAYS => ALWAYS,
        time => time.clamp(EventTime::FIRST, EventTime::LAST).millis().unsigned_abs(),
    };
    write_u48(millis, bytes, 0);
}

/// The number in the six of `bytes` from `at` on.
#[inline]
fn read_u48(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |[a, b, c, d, e, f]| u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0]))
}

/// Writes the lower six bytes of `number` into those of `bytes` from `at` on.
#[inline]
fn write_u48(number: u64, bytes: &mut [u8], at: usize) {
    if let Some(to) = bytes.get_mut(at..).and_then(|bytes| bytes.first_chunk_mut::<6>()) {
        let [a, b, c, d, e, f, ..] = number.to_le_bytes();
        *to = [a, b, c, d, e, f];
    }
}

/// The number in the eight of `bytes` from `at` on.
#[inline]
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let found = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    found.map_or(0, |word| u64::from_le_bytes(*word))
}

/// Writes `number` into the eight of `bytes` from `at` on.
#[inline]
pub(crate) fn write_u64(number: u64, bytes: &mut [u8], at: usize) {
    if let Some(to) = bytes.get_mut(at..).and_then(|bytes| bytes.first_chunk_mut()) {
        *to = number.to_le_bytes();
    }
}

/// The number in `bytes`, which are four or eight.
#[inline]
fn read_number(bytes: &[u8]) -> Micros {
    let short = <[u8; 4]>::try_from(bytes).map(i32::from_le_bytes).map(i64::from);
    Micros::new(short.unwrap_or_else(|_| read_u64(bytes, 0).cast_signed()))
}

/// Writes `number` into `bytes`: into four where there are no more, which it then fits.
#[inline]
fn write_number(number: Micros, bytes: &mut [u8]) {
    let word = number.get().to_le_bytes();
    if let Some((short, _)) = word.split_at_checked(bytes.len()) {
        bytes.copy_from_slice(short);
    }
}

impl Entry for EventTime {
    const REST: usize = 0;
    const IS_FORMED: bool = true;

    fn time(&self) -> EventTime {
        *self
    }

    fn read(time: EventTime, _: &[u8]) -> EventTime {
        time
    }

    fn write(&self, _: &mut [u8]) {}
}

impl Entry for (EventTime, Micros) {
    const REST: usize = 8;
    const REST_MIN: usize = 4;
    const IS_FORMED: bool = true;

    fn time(&self) -> EventTime {
        self.0
    }

    fn rest(&self) -> usize {
        if i32::try_from(self.1.get()).is_ok() { Self::REST_MIN } else { Self::REST }
    }

    fn read(time: EventTime, rest: &[u8]) -> Self {
        (time, read_number(rest))
    }

    fn write(&self, rest: &mut [u8]) {
        write_number(self.1, rest);
    }
}

impl Entry for (EventTime, Key) {
    const REST: usize = 8;
    const IS_FORMED: bool = false;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(time: EventTime, rest: &[u8]) -> Self {
        (time, Key::from_bits(read_u64(rest, 0)))
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.1.bits(), rest, 0);
    }
}

impl Entry for (EventTime, ShortKey) {
    const REST: usize = ShortKey::BYTES;
    const IS_FORMED: bool = true;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(time: EventTime, rest: &[u8]) -> Self {
        (time, ShortKey::from(read_u48(rest, 0)))
    }

    fn write(&self, rest: &mut [u8]) {
        write_u48(self.1.bits(), rest, 0);
    }
}

impl Entry for (EventTime, Key, Key) {
    const REST: usize = 16;
    const IS_FORMED: bool = true;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(time: EventTime, rest: &[u8]) -> Self {
        (time, Key::from_bits(read_u64(rest, 0)), Key::from_bits(read_u64(rest, 8)))
    }

    fn write(&self, rest: &mut [u8]) {
        write_u64(self.1.bits(), rest, 0);
        write_u64(self.2.bits(), rest, 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milli: i64) -> EventTime {
        EventTime::from_millis(milli)
    }

    #[test]
    fn every_moment_of_a_record_fits_and_so_do_those_that_never_come() {
        let moments = [EventTime::FIRST, EventTime::LAST, EventTime::NEVER, EventTime::ALWAYS];
        for time in moments.into_iter().chain([at(1), at(1_795_248_000_123)]) {
            let mut bytes = [0xFF; TIME_BYTES];
            write_time(time, &mut bytes);
            assert_eq!(read_time(&bytes), time);
        }
    }
}
