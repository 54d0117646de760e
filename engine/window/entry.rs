//! One entry of a track as bytes.
//!
//! Shape   the time first, then what else its kind keeps.
//! Units   a time takes six bytes of milliseconds: every moment that a record may carry fits, and
//!         two numbers beyond them stand for `NEVER` and `ALWAYS`.

use crate::unit::{EventTime, Key, Micros, ShortKey};

/// What a row can hold.
pub trait Entry: Copy + 'static {
    /// How many bytes it takes.
    const BYTES: usize;

    /// When it happened.
    fn time(&self) -> EventTime;

    /// The entry in `bytes`, which are [`Entry::BYTES`].
    fn read(bytes: &[u8]) -> Self;

    /// Writes it into `bytes`, which are [`Entry::BYTES`].
    fn write(&self, bytes: &mut [u8]);
}

/// Bytes of a time.
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

impl Entry for EventTime {
    const BYTES: usize = TIME_BYTES;

    fn time(&self) -> EventTime {
        *self
    }

    fn read(bytes: &[u8]) -> EventTime {
        read_time(bytes)
    }

    fn write(&self, bytes: &mut [u8]) {
        write_time(*self, bytes);
    }
}

impl Entry for (EventTime, Micros) {
    const BYTES: usize = TIME_BYTES + 8;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(bytes: &[u8]) -> Self {
        (read_time(bytes), Micros::new(read_u64(bytes, TIME_BYTES).cast_signed()))
    }

    fn write(&self, bytes: &mut [u8]) {
        write_time(self.0, bytes);
        write_u64(self.1.get().cast_unsigned(), bytes, TIME_BYTES);
    }
}

impl Entry for (EventTime, Key) {
    const BYTES: usize = TIME_BYTES + 8;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(bytes: &[u8]) -> Self {
        (read_time(bytes), Key::from_bits(read_u64(bytes, TIME_BYTES)))
    }

    fn write(&self, bytes: &mut [u8]) {
        write_time(self.0, bytes);
        write_u64(self.1.bits(), bytes, TIME_BYTES);
    }
}

impl Entry for (EventTime, ShortKey) {
    const BYTES: usize = TIME_BYTES + ShortKey::BYTES;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(bytes: &[u8]) -> Self {
        (read_time(bytes), ShortKey::from(read_u48(bytes, TIME_BYTES)))
    }

    fn write(&self, bytes: &mut [u8]) {
        write_time(self.0, bytes);
        write_u48(self.1.bits(), bytes, TIME_BYTES);
    }
}

impl Entry for (EventTime, Key, Key) {
    const BYTES: usize = TIME_BYTES + 16;

    fn time(&self) -> EventTime {
        self.0
    }

    fn read(bytes: &[u8]) -> Self {
        let key = |at| Key::from_bits(read_u64(bytes, at));
        (read_time(bytes), key(TIME_BYTES), key(TIME_BYTES + 8))
    }

    fn write(&self, bytes: &mut [u8]) {
        write_time(self.0, bytes);
        write_u64(self.1.bits(), bytes, TIME_BYTES);
        write_u64(self.2.bits(), bytes, TIME_BYTES + 8);
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
