//! JSON written by hand: the bytes that `serde_json` would write, at the cost of a copy.
//!
//! Shape   each verb appends one value to a buffer; names and marks are appended as they stand.
//! Rules   byte for byte what `serde_json` writes; tests drive both side by side.
//! Cost    a text without escapes is one look at every eight bytes and one copy; a whole number
//!         never sees the shortest-decimal search.
//! Source  RFC 8259; moments by A-41.

use crate::record::encode::{write_shape, write_shown};
use crate::record::plain::stops_in;
use crate::unit::EventTime;

/// Appends `text` as a JSON string.
#[inline]
pub(crate) fn text(text: &str, out: &mut Vec<u8>) {
    if !is_plain(text.as_bytes()) {
        return write_shape(&text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Appends `text` as a JSON string, or null.
#[inline]
pub(crate) fn text_or_null(found: Option<&str>, out: &mut Vec<u8>) {
    match found {
        Some(found) => text(found, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Whether no byte of a text needs an escape.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    /// Eight bytes that need none.
    const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let last = match bytes.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(SPACES, |word, byte| word << 8 | u64::from(*byte)),
    };
    words.iter().all(|word| stops_in(u64::from_le_bytes(*word)) == 0) && stops_in(last) == 0
}

/// Appends `number`, which is finite.
#[inline]
pub(crate) fn number(number: f64, out: &mut Vec<u8>) {
    let floor = floor(number);
    if f64::from(floor).to_bits() == number.to_bits() {
        whole(floor, out);
        return out.extend_from_slice(b".0");
    }
    if number.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(number).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// The whole number not above `number`, where there is one that fits; any other where not.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the caller looks whether it is the same number"
)]
#[inline]
fn floor(number: f64) -> u32 {
    number as u32
}

/// Appends `number`, or null.
#[inline]
pub(crate) fn number_or_null(found: Option<f64>, out: &mut Vec<u8>) {
    match found {
        Some(found) => number(found, out),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a whole number.
#[inline]
pub(crate) fn whole(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `time` as a JSON string.
pub(crate) fn moment(time: EventTime, out: &mut Vec<u8>) {
    let Some((text, len)) = time.shown() else { return write_shown(&time, out) };
    out.push(b'"');
    out.extend_from_slice(text.get(..len).unwrap_or_default());
    out.push(b'"');
}

/// Appends `time` as a JSON string, or null.
pub(crate) fn moment_or_null(time: Option<EventTime>, out: &mut Vec<u8>) {
    match time {
        Some(time) => moment(time, out),
        None => out.extend_from_slice(b"null"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn check(number: f64) {
        let wanted = serde_json::to_string(&number).unwrap_or_default();
        assert_eq!(written(|out| super::number(number, out)), wanted, "{number:e}");
    }

    #[test]
    fn numbers_at_the_edges_are_written_as_serde_json_writes_them() {
        let edges = [0.0, -0.0, 1.0, -1.0, 0.1, 75.0, 1e15, 1e16, 1e17, 1e300, 5e-324, f64::MAX];
        edges.into_iter().for_each(check);
        check(999_999_999_999_999.0);
        check(4_294_967_295.0);
        check(4_294_967_296.0);
        check(9_007_199_254_740_993.0);
        check(0.1 + 0.2);
        check(f64::NAN);
        check(f64::NEG_INFINITY);
    }

    #[test]
    fn a_text_is_plain_unless_a_byte_of_it_needs_an_escape() {
        for len in 0..20 {
            for at in 0..len {
                for byte in [b'"', b'\\', 0x1f, b'\n', 0] {
                    let mut bytes = vec![b'x'; len];
                    assert!(is_plain(&bytes));
                    bytes[at] = byte;
                    assert!(!is_plain(&bytes), "{byte} at {at} of {len}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn texts_are_written_as_serde_json_writes_them(text in any::<String>()) {
            let wanted = serde_json::to_string(&text).unwrap_or_default();
            prop_assert_eq!(written(|out| super::text(&text, out)), wanted);
        }

        #[test]
        fn numbers_are_written_as_serde_json_writes_them(number in any::<f64>(), n in any::<i32>()) {
            check(number);
            check(f64::from(n));
            check(f64::from(n) / 1000.0);
        }

        #[test]
        fn moments_are_written_as_they_are_shown(millis in any::<i64>(), second in 0_i64..4_000_000_000) {
            for time in [millis, second * 1000, second * 1000 + 7, i64::MAX, i64::MIN] {
                let time = EventTime::from_millis(time);
                prop_assert_eq!(written(|out| moment(time, out)), format!("\"{time}\""));
            }
        }
    }
}
