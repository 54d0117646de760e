//! A customer's place as one number.

use crate::state::edition::Place;

/// Bits of a slot, and of slot and lane.
const SLOT: u32 = 32;
const LANE: u32 = 40;

/// A place of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// Which partition.
    pub partition: u32,
    /// Where in it.
    pub place: Place,
}

impl Spot {
    /// The spot that `number` stands for.
    pub fn of(number: i64) -> Spot {
        let low = |bits: i64| u32::try_from(bits & 0xffff_ffff).unwrap_or(0);
        let place = Place { lane: low(number >> SLOT) & 0xff, slot: low(number) };
        Spot { partition: low(number >> LANE), place }
    }

    /// It as one number: partition, lane (of 256 at most), slot.
    pub fn number(self) -> i64 {
        let Place { lane, slot } = self.place;
        i64::from(self.partition) << LANE | i64::from(lane & 0xff) << SLOT | i64::from(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spot_comes_back_from_its_number() {
        for (partition, lane, slot) in [(0, 0, 0), (1, 2, 3), (70_000, 255, u32::MAX)] {
            let spot = Spot { partition, place: Place { lane, slot } };
            assert_eq!(Spot::of(spot.number()), spot);
        }
    }
}
