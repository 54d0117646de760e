//! Names shrunk to fixed size: what tells two customers, messages or alerts apart.
//!
//! Shape   64 bits for values kept in tables, 48 for the distinct values that a customer's windows
//!         count, 128 bits for alert ids.
//! Rules   the hash key is fixed for ever: state, ids and replays depend on it.
//! Errors  two different names may share a key: among `n` distinct values of one customer the
//!         odds are about n² / 2^65, of short keys n² / 2^49: 4 096 message ids collide once in
//!         33 million customers, 100 once in 56 thousand million.
//! Source  XXH3, <https://xxhash.com>.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3;

/// A name as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(u64);

/// A name as 48 bits: as many as it takes to tell the values of one customer apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct ShortKey(u64);

/// What an alert is, as 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key128(u128);

impl Key {
    /// The key of `bytes`.
    pub fn of(bytes: &[u8]) -> Key {
        Key(xxh3::xxh3_64(bytes))
    }

    /// The key of `bytes` within the space that `of` opens: the same bytes under another key
    /// give another key.
    pub fn within(of: Key, bytes: &[u8]) -> Key {
        Key(xxh3::xxh3_64_with_seed(bytes, of.0))
    }

    /// The key with these bits.
    pub const fn from_bits(bits: u64) -> Key {
        Key(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl ShortKey {
    /// How many bytes it takes.
    pub const BYTES: usize = 6;

    /// The lower bits of `key`.
    pub const fn of(key: Key) -> ShortKey {
        ShortKey(key.0 & ((1 << (8 * ShortKey::BYTES)) - 1))
    }

    /// The bits.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// The lower bits of what may be a whole key.
impl From<u64> for ShortKey {
    fn from(bits: u64) -> ShortKey {
        ShortKey::of(Key(bits))
    }
}

/// Its bits.
impl From<ShortKey> for u64 {
    fn from(key: ShortKey) -> u64 {
        key.0
    }
}

impl Key128 {
    /// The key of `parts`, each written with its length before it, so that `["ab", "c"]` and
    /// `["a", "bc"]` differ.
    pub fn of_parts(parts: &[&[u8]]) -> Key128 {
        let mut bytes = Vec::with_capacity(128);
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        Key128(xxh3::xxh3_128(&bytes))
    }

    /// Appends what the key displays as.
    pub fn write(self, out: &mut Vec<u8>) {
        let nibbles = self.0.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        out.extend(nibbles.map(|nibble| b"0123456789abcdef"[usize::from(nibble)]));
    }

    /// The key that displays as `text`.
    pub fn parse(text: &str) -> Option<Key128> {
        let is_whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        u128::from_str_radix(text, 16).ok().filter(|_| is_whole).map(Key128)
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for Key128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_by_their_lengths() {
        assert_ne!(Key128::of_parts(&[b"ab", b"c"]), Key128::of_parts(&[b"a", b"bc"]));
        let key = Key128::of_parts(&[b"a"]);
        let mut written = Vec::new();
        key.write(&mut written);
        assert_eq!(written, key.to_string().into_bytes());
        assert_eq!((written.len(), Key128::parse(&key.to_string())), (32, Some(key)));
        assert_eq!(Key128::parse("+2462c78718d9eb615679452e25ffa27"), None);
    }

    #[test]
    fn a_short_key_is_the_lower_end_of_a_key() {
        let short = ShortKey::of(Key::from_bits(0xFEDC_BA98_7654_3210));
        assert_eq!(short.bits(), 0xBA98_7654_3210);
        assert_eq!(ShortKey::from(0xFEDC_BA98_7654_3210), short);
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(Key::of(b"c-42").bits(), Key::of(b"c-42").bits());
        assert_ne!(Key::within(Key::of(b"c-42"), b"1"), Key::within(Key::of(b"c-43"), b"1"));
    }
}
