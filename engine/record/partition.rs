//! Which partition a key belongs to: Kafka's own default.
//!
//! Rules   `(murmur2(key) & 0x7fffffff) mod N`, so that a replay of files spreads customers over
//!         partitions exactly as producers did over the topic (D-5).
//! Cost    one pass over the key, four bytes at a time; nothing is allocated.
//! Source  `Utils.murmur2` and `BuiltInPartitioner.partitionForKey` of Apache Kafka 4.1, after
//!         Austin Appleby's MurmurHash2; the test vectors are those of Kafka's `UtilsTest`.

use std::num::NonZeroU32;

/// Kafka's seed.
const SEED: u32 = 0x9747_b28c;
/// The multiplier of MurmurHash2.
const FACTOR: u32 = 0x5bd1_e995;
/// The shift of MurmurHash2.
const SHIFT: u32 = 24;

/// The partition, from 0, of `key` among `n_partitions`.
pub fn partition(key: &[u8], n_partitions: NonZeroU32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % n_partitions.get()
}

/// MurmurHash2 of `bytes` in 32 bits, as Kafka computes it.
pub fn murmur2(bytes: &[u8]) -> u32 {
    // Kafka takes the length as a 32-bit number; keys are far shorter than its range.
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ len;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(FACTOR);
        word ^= word >> SHIFT;
        hash = hash.wrapping_mul(FACTOR) ^ word.wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        for (place, &byte) in rest.iter().enumerate() {
            hash ^= u32::from(byte) << (8 * place);
        }
        hash = hash.wrapping_mul(FACTOR);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(FACTOR);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, wanted: i32) {
        assert_eq!(murmur2(key.as_bytes()).cast_signed(), wanted, "{key}");
    }

    #[test]
    fn murmur2_gives_the_numbers_that_kafka_gives() {
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("a-little-bit-longer-string", -1_486_304_829);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
    }

    #[test]
    fn the_sign_is_cut_before_the_division() {
        let Some(four) = NonZeroU32::new(4) else { return };
        let cut = u32::try_from(i64::from(-973_932_308_i32) & 0x7fff_ffff).unwrap_or(0);
        assert_eq!(partition(b"21", four), cut % 4);
        assert_eq!(partition(b"21", NonZeroU32::MIN), 0);
    }
}
