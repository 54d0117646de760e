//! The pen: canonical JSON into bytes, field by field, without an allocation.
//!
//! Rules   texts are written as they are, so they hold nothing that JSON escapes; the fields'
//!         names are those of the vocabulary.
//! Cost    about 100 ns an event of 150 bytes: the day's part of a time is written once a day.
//! Source  the form of ids is the ULID's, <https://github.com/ulid/spec>: moment, then the rest.

use crate::record::kind::{Field, Kind};
use crate::unit::EventTime;

use super::dice::mix;

/// The digits of an id.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const DAY_MS: i64 = 86_400_000;

/// Writes events, gives each its id.
#[derive(Debug)]
pub(super) struct Pen {
    salt: u64,
    serial: u64,
    day_index: i64,
    /// `2026-11-21T` of the day last written.
    day: [u8; 11],
}

/// An event being written; [`Sheet::end`] closes it.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    pen: &'a mut Pen,
    out: &'a mut Vec<u8>,
}

impl Pen {
    /// A pen whose ids differ from those of other seeds.
    pub(super) fn new(seed: u64) -> Pen {
        Pen { salt: mix(seed, 0x1D), serial: 0, day_index: i64::MIN, day: *b"0000-00-00T" }
    }

    /// Begins an event in `out`: id, type, customer and time.
    pub(super) fn begin<'a>(
        &'a mut self,
        out: &'a mut Vec<u8>,
        kind: Kind,
        customer: u32,
        time: i64,
    ) -> Sheet<'a> {
        out.extend_from_slice(b"{\"id\":\"");
        self.id(out, time);
        out.extend_from_slice(b"\",\"type\":\"");
        out.extend_from_slice(kind.name().as_bytes());
        out.extend_from_slice(b"\",\"customer_id\":\"");
        customer_id(out, customer);
        out.extend_from_slice(b"\",\"time\":\"");
        self.moment(out, time);
        out.push(b'"');
        Sheet { pen: self, out }
    }

    /// Appends a fresh id: 48 bits of time, 42 that look like chance, 40 that count.
    pub(super) fn id(&mut self, out: &mut Vec<u8>, time: i64) {
        self.serial += 1;
        let noise = mix(self.salt, self.serial);
        // An odd factor permutes the 40 bits, so that ids of one moment stay apart.
        let count = self.serial.wrapping_mul(0x5851_F42D_4C95_7F2D) & 0xFF_FFFF_FFFF;
        let mut id = [0_u8; 26];
        base32(&mut id[..10], u64::try_from(time).unwrap_or(0));
        base32(&mut id[10..18], noise);
        base32(&mut id[18..], count);
        out.extend_from_slice(&id);
    }

    /// Appends `time` in UTC, with milliseconds only where there are some.
    pub(super) fn moment(&mut self, out: &mut Vec<u8>, time: i64) {
        let day_index = time.div_euclid(DAY_MS);
        if day_index != self.day_index {
            let text = EventTime::from_millis(day_index * DAY_MS).to_string();
            self.day.copy_from_slice(text.as_bytes().get(..11).unwrap_or(b"1970-01-01T"));
            self.day_index = day_index;
        }
        out.extend_from_slice(&self.day);
        let millis = time.rem_euclid(DAY_MS);
        let (second, milli) = (millis / 1_000, millis % 1_000);
        let mut clock = *b"00:00:00.000Z";
        two(&mut clock[0..2], second / 3_600);
        two(&mut clock[3..5], second / 60 % 60);
        two(&mut clock[6..8], second % 60);
        if milli == 0 {
            out.extend_from_slice(&clock[..8]);
            out.push(b'Z');
        } else {
            clock[9] = digit(milli / 100);
            two(&mut clock[10..12], milli % 100);
            out.extend_from_slice(&clock);
        }
    }
}

impl Sheet<'_> {
    fn name(&mut self, field: Field) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(field.name().as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A text.
    pub(super) fn text(mut self, field: Field, text: &str) -> Self {
        self.name(field);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
        self
    }

    /// A text made of a word and a number, `m-17`.
    pub(super) fn named(mut self, field: Field, word: &str, number: u32) -> Self {
        self.name(field);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        whole(self.out, u64::from(number));
        self.out.push(b'"');
        self
    }

    /// A whole number.
    pub(super) fn count(mut self, field: Field, number: u32) -> Self {
        self.name(field);
        whole(self.out, u64::from(number));
        self
    }

    /// A number of hundredths: 125 is written `1.25`.
    pub(super) fn hundredths(mut self, field: Field, number: u32) -> Self {
        self.name(field);
        whole(self.out, u64::from(number / 100));
        let rest = number % 100;
        if rest != 0 {
            self.out.push(b'.');
            self.out.push(digit(i64::from(rest / 10)));
            if !rest.is_multiple_of(10) {
                self.out.push(digit(i64::from(rest % 10)));
            }
        }
        self
    }

    /// A number that may be negative.
    pub(super) fn signed(mut self, field: Field, number: i32) -> Self {
        self.name(field);
        if number < 0 {
            self.out.push(b'-');
        }
        whole(self.out, u64::from(number.unsigned_abs()));
        self
    }

    /// `true`.
    pub(super) fn yes(mut self, field: Field) -> Self {
        self.name(field);
        self.out.extend_from_slice(b"true");
        self
    }

    /// `false`.
    pub(super) fn no(mut self, field: Field) -> Self {
        self.name(field);
        self.out.extend_from_slice(b"false");
        self
    }

    /// A moment.
    pub(super) fn time(mut self, field: Field, time: i64) -> Self {
        self.name(field);
        self.out.push(b'"');
        self.pen.moment(self.out, time);
        self.out.push(b'"');
        self
    }

    /// A calendar day.
    pub(super) fn day(mut self, field: Field, time: i64) -> Self {
        self.name(field);
        let text = EventTime::from_millis(time).to_string();
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes().get(..10).unwrap_or(b"1970-01-01"));
        self.out.push(b'"');
        self
    }

    /// Closes the event.
    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}

/// Appends the id of customer number `customer`.
pub(super) fn customer_id(out: &mut Vec<u8>, customer: u32) {
    out.extend_from_slice(b"c-");
    whole(out, u64::from(customer));
}

fn whole(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn digit(number: i64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

fn two(into: &mut [u8], number: i64) {
    into[0] = digit(number / 10);
    into[1] = digit(number);
}

fn base32(into: &mut [u8], mut number: u64) {
    for place in into.iter_mut().rev() {
        *place = DIGITS[(number & 31) as usize];
        number >>= 5;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_json_object() {
        let mut pen = Pen::new(7);
        let mut out = Vec::new();
        pen.begin(&mut out, Kind::InvoiceIssued, 42, 1_795_248_000_007)
            .named(Field::Invoice, "i-", 3)
            .hundredths(Field::Amount, 12_305)
            .time(Field::DueAt, 1_795_248_000_000)
            .end();
        let text = String::from_utf8_lossy(&out);
        let (id, rest) = text.split_at(33);
        assert!(id.starts_with("{\"id\":\"01"), "{id}");
        assert_eq!(
            rest,
            "\",\"type\":\"invoice_issued\",\"customer_id\":\"c-42\",\
             \"time\":\"2026-11-21T08:00:00.007Z\",\"invoice_id\":\"i-3\",\"amount\":123.05,\
             \"due_at\":\"2026-11-21T08:00:00Z\"}"
        );
    }

    #[test]
    fn hundredths_lose_their_last_zeros() {
        for (number, wanted) in [(0, "0"), (7, "0.07"), (50, "0.5"), (100, "1"), (110, "1.1")] {
            let mut out = Vec::new();
            let mut pen = Pen::new(1);
            let _open = Sheet { pen: &mut pen, out: &mut out }.hundredths(Field::Score, number);
            assert_eq!(String::from_utf8_lossy(&out), format!(",\"score\":{wanted}"));
        }
    }

    #[test]
    fn ids_of_one_moment_differ() {
        let mut pen = Pen::new(1);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..10_000 {
            let mut id = Vec::new();
            pen.id(&mut id, 0);
            assert_eq!(id.len(), 26);
            assert!(seen.insert(id));
        }
    }
}
