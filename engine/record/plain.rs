//! Plain JSON objects, as nearly all records are: no escapes, nothing nested, no exponents.
//!
//! Shape   one walk over the bytes that hands out names and the raw texts of their values.
//! Rules   whatever is not plain ends the walk, and whoever walks must then take a whole road from
//!         the first byte; a plain object is JSON.
//! Cost    texts are searched eight bytes at once.
//! Source  RFC 8259; the search of eight bytes at once is that of `serde_json`'s own reader.

/// Hands every name of the plain object `text` and the raw text of its value to `each`, in their
/// order; `None` where `text` is not plain or `each` gives up.
#[inline]
pub(crate) fn walk<'a>(
    text: &'a str,
    mut each: impl FnMut(&'a str, &'a str) -> Option<()>,
) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = skip_spaces(bytes, 0);
    if *bytes.get(at)? != b'{' {
        return None;
    }
    loop {
        at = skip_spaces(bytes, at + 1);
        let name_end = plain_text(bytes, at)?;
        let name = text.get(at + 1..name_end - 1)?;
        at = skip_spaces(bytes, name_end);
        if *bytes.get(at)? != b':' {
            return None;
        }
        at = skip_spaces(bytes, at + 1);
        let end = plain_value(bytes, at)?;
        each(name, text.get(at..end)?)?;
        at = skip_spaces(bytes, end);
        match *bytes.get(at)? {
            b',' => {}
            b'}' if skip_spaces(bytes, at + 1) == bytes.len() => return Some(()),
            _ => return None,
        }
    }
}

/// The first place from `at` on that holds no space of JSON.
#[inline]
fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The end of the plain value that begins at `at`.
fn plain_value(bytes: &[u8], at: usize) -> Option<usize> {
    let ends_after = |word: &[u8]| bytes[at..].starts_with(word).then_some(at + word.len());
    match *bytes.get(at)? {
        b'"' => plain_text(bytes, at),
        b'-' | b'0'..=b'9' => plain_number(bytes, at),
        b't' => ends_after(b"true"),
        b'f' => ends_after(b"false"),
        b'n' => ends_after(b"null"),
        _ => None,
    }
}

/// The end, its quote included, of the text without escapes whose quote stands at `at`.
#[inline]
fn plain_text(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut at = at + 1;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let stops = stops_in(u64::from_le_bytes(*chunk));
        if stops != 0 {
            at += (stops.trailing_zeros() / 8) as usize;
            return if bytes.get(at) == Some(&b'"') { Some(at + 1) } else { None };
        }
        at += 8;
    }
    // Fewer than eight bytes are left.
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' | 0..0x20 => return None,
            _ => at += 1,
        }
    }
}

/// The top bit of the lowest byte of `word` that is a quote, a backslash or a control character;
/// above it bits may be set that mean nothing.
pub(crate) const fn stops_in(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = word ^ (ONES * b'"' as u64);
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = word ^ (ONES * b'\\' as u64);
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (control | quote | backslash) & TOPS
}

/// The end of the number without exponent that begins at `at`.
fn plain_number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        while let Some(b'0'..=b'9') = bytes.get(at) {
            at += 1;
        }
        at
    };
    let start = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut end = digits(start);
    if end == start || (bytes[start] == b'0' && start + 1 < end) {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let decimals = end + 1;
        end = digits(decimals);
        if end == decimals {
            return None;
        }
    }
    if let Some(b'e' | b'E') = bytes.get(end) { None } else { Some(end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_found_at_every_place_of_a_text() {
        for len in 0..20 {
            for stop in 0..len {
                for byte in [b'"', b'\\', 0, 0x1f, b'\n'] {
                    let mut text = vec![b'\x7f'; len];
                    text[stop] = byte;
                    let text = [b"\"", &text[..], b"\""].concat();
                    let wanted = (byte == b'"').then_some(stop + 2);
                    assert_eq!(plain_text(&text, 0), wanted, "{len} {stop} {byte}");
                }
            }
        }
    }
}
