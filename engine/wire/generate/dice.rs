//! Chance: a stream of random bits, and the few shapes of number that stories are made of.
//!
//! Rules   whole numbers only, no logarithm of the platform: the same seed gives the same bytes
//!         on every machine.
//! Source  xoshiro256++ by Blackman and Vigna; the mixing of [`mix`] is SplitMix64's.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// One in the fixed-point numbers of [`Dice::exponential`] and [`Dice::gap`].
pub(super) const ONE: u32 = 1 << 16;

/// A seeded stream of chance.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    source: Xoshiro256PlusPlus,
}

impl Dice {
    /// The stream that belongs to `seed`.
    pub(super) fn new(seed: u64) -> Dice {
        Dice { source: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// 64 fresh bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.source.next_u64()
    }

    /// A number from 0 to `end` - 1; 0 where `end` is 0.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(end)) >> 32) as u32
    }

    /// A number from `from` to `last`, both included.
    pub(super) fn between(&mut self, from: u32, last: u32) -> u32 {
        from + self.below(last.saturating_sub(from).saturating_add(1))
    }

    /// True `per_mille` times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille
    }

    /// True `part` times in `whole`, exactly so over a draw without replacement.
    pub(super) fn quota(&mut self, part: u64, whole: u64) -> bool {
        let point = (u128::from(self.bits()) * u128::from(whole)) >> 64;
        point < u128::from(part)
    }

    /// One of `of`, which is not empty.
    pub(super) fn pick<'a>(&mut self, of: &'a [&'a str]) -> &'a str {
        let at = self.below(u32::try_from(of.len()).unwrap_or(u32::MAX));
        of.get(at as usize).copied().unwrap_or_default()
    }

    /// An exponential waiting time of mean [`ONE`].
    ///
    /// The number of leading zeros is the whole part of the logarithm to base 2; the rest is a
    /// parabola, off by less than a hundredth.
    pub(super) fn exponential(&mut self) -> u32 {
        let bits = self.bits() | 1;
        let zeros = bits.leading_zeros();
        let rest = ((bits << zeros) << 1) >> 48;
        let bend = (rest * (u64::from(ONE) - rest)) >> 16;
        let log2 = (u64::from(zeros + 1) << 16) - rest - ((bend * 22_486) >> 16);
        // The natural logarithm of 2 in 65 536ths.
        (((log2 * 45_426) >> 16) & 0x00FF_FFFF) as u32
    }

    /// A waiting time of mean [`ONE`] that keeps closer to it, as habits do.
    pub(super) fn gap(&mut self) -> u32 {
        (self.exponential() + self.exponential() + self.exponential()) / 3
    }

    /// A length from `from` to about `to`, every doubling as likely as the next: most are
    /// short, a few are very long.
    pub(super) fn spread(&mut self, from: i64, to: i64) -> i64 {
        let from = from.max(1);
        let octaves = (to / from).max(1).ilog2() + 1;
        let base = from << self.below(octaves);
        let length = base + i64::from(self.below(u32::try_from(base).unwrap_or(u32::MAX)));
        length.min(to.max(from))
    }
}

/// Bits that belong to `number` under `salt`, for traits that are looked up, not stored.
pub(super) const fn mix(salt: u64, number: u64) -> u64 {
    let mut z = salt ^ number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_have_the_mean_they_promise() {
        let mut dice = Dice::new(1);
        let n = 200_000_u64;
        let (mut waits, mut gaps, mut long) = (0, 0, 0);
        for _ in 0..n {
            let wait = dice.exponential();
            waits += u64::from(wait);
            gaps += u64::from(dice.gap());
            long += u64::from(3 * ONE < wait);
        }
        let one = u64::from(ONE);
        assert!((waits / n).abs_diff(one) < one / 50, "{}", waits / n);
        assert!((gaps / n).abs_diff(one) < one / 50, "{}", gaps / n);
        // e^-3 is 49.8 in a thousand.
        assert!((long * 1_000 / n).abs_diff(50) <= 3, "{}", long * 1_000 / n);
    }

    #[test]
    fn a_quota_is_met_exactly() {
        let mut dice = Dice::new(2);
        let (mut part, whole) = (137_u64, 1_000_u64);
        for done in 0..whole {
            if dice.quota(part, whole - done) {
                part -= 1;
            }
        }
        assert_eq!(part, 0);
    }

    #[test]
    fn a_spread_stays_within_its_ends() {
        let mut dice = Dice::new(3);
        for _ in 0..10_000 {
            let length = dice.spread(60_000, 86_400_000);
            assert!((60_000..=86_400_000).contains(&length));
        }
        assert_eq!(dice.spread(5, 2), 5);
    }
}
