//! Canonical JSON, written straight into the bytes of a batch.

use crate::unit::Micros;

/// Writes `text` as a JSON string.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut kept = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"\\u00",
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[kept..at]);
        out.extend_from_slice(escape);
        if escape == b"\\u00" {
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        kept = at + 1;
    }
    out.extend_from_slice(&text.as_bytes()[kept..]);
    out.push(b'"');
}

/// Writes a number with as many decimals as it needs.
pub(super) fn number(out: &mut Vec<u8>, number: Micros) {
    if number.get() < 0 {
        out.push(b'-');
    }
    let (whole, mut rest) = (number.get().unsigned_abs() / 1_000_000, number.get() % 1_000_000);
    out.extend_from_slice(whole.to_string().as_bytes());
    if rest != 0 {
        rest = rest.abs();
        let digits = format!(".{rest:06}");
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}

/// Writes a whole number.
pub(super) fn whole(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_as_they_were() {
        for wanted in ["", "plain", "say \"hi\"\\", "a\nb\r\tc", "\u{0}\u{1f}", "ä€😀\u{7f}"] {
            let mut out = Vec::new();
            text(&mut out, wanted);
            let read: Result<String, _> = serde_json::from_slice(&out);
            assert_eq!(read.ok().as_deref(), Some(wanted));
        }
    }

    #[test]
    fn numbers_have_the_decimals_they_need() {
        let check = |micros, wanted: &str| {
            let mut out = Vec::new();
            number(&mut out, Micros::new(micros));
            assert_eq!(String::from_utf8_lossy(&out), wanted);
        };
        check(0, "0");
        check(1_000_000, "1");
        check(-1_500_000, "-1.5");
        check(1, "0.000001");
        check(-1, "-0.000001");
        check(96_450_000, "96.45");
        check(1_000_000_000_000_000_000, "1000000000000");
    }
}
