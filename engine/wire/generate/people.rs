//! Who the customers are: eight ways of being a customer, and what each is like at a moment.
//!
//! Shape   everything here follows from the seed, the customer's number and the time; nothing is
//!         stored.
//! Rules   stories last weeks; in a stream shorter than 120 days they shrink with it.
//! Units   shares and moods in thousandths, weights in 256ths.

use super::dice::mix;
use super::pace::ZONES;

const DAY_MS: i64 = 86_400_000;
/// A stream at least this long tells its stories at their natural length.
const STORY_DAYS: i64 = 120;

/// The plans: name, monthly price in hundredths.
pub(super) const PLANS: [(&str, u32); 3] =
    [("starter", 4_900), ("professional", 19_900), ("enterprise", 89_900)];

/// A way of being a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archetype {
    /// Uses the product week by week.
    Healthy,
    /// Arrives in the course of the stream.
    Newcomer,
    /// Uses it less and less.
    Fading,
    /// Has a bad month.
    Angry,
    /// Looks around for something cheaper.
    Bargain,
    /// Cannot pay in time.
    Payer,
    /// Has stopped, and stays.
    Dormant,
    /// Leaves and comes back.
    Returning,
}

/// Each archetype's share in a thousand.
const SHARES: [(u64, Archetype); 8] = [
    (560, Archetype::Healthy),
    (110, Archetype::Newcomer),
    (75, Archetype::Fading),
    (45, Archetype::Angry),
    (60, Archetype::Bargain),
    (60, Archetype::Payer),
    (50, Archetype::Dormant),
    (40, Archetype::Returning),
];

/// The stream's span, as stories see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    /// What tells this seed's people from another's.
    pub(super) salt: u64,
    /// The first moment.
    pub(super) start: i64,
    /// The first moment after the last.
    pub(super) end: i64,
    /// A day of a story.
    pub(super) day: i64,
}

/// What never changes about a customer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// How they behave.
    pub(super) archetype: Archetype,
    /// Their time zone, an index of [`ZONES`].
    pub(super) zone: usize,
    /// How much they do: 256 is the mean; half of them near 200, a few many thousands.
    pub(super) weight: u32,
    /// How many people use the account.
    pub(super) users: u32,
    /// How many of the ten features they use.
    pub(super) breadth: u32,
    /// Their first feature.
    pub(super) base: u32,
    /// Their plan at first, an index of [`PLANS`].
    pub(super) plan: u8,
    /// When their story turns.
    pub(super) onset: i64,
    /// How it ends: 0 to 99.
    pub(super) fate: u32,
    /// More bits for what is asked seldom.
    pub(super) bits: u64,
}

/// What a customer is like at one moment; all in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase {
    /// How much they do of what they usually do.
    pub(super) activity: u32,
    /// How many of their mails they open.
    pub(super) open: u32,
    /// How content they are.
    pub(super) mood: u32,
    /// How much of what they do is asking for help.
    pub(super) trouble: u32,
    /// How much of what they do is looking at competitors.
    pub(super) shopping: u32,
    /// How often they pay late.
    pub(super) late: u32,
}

const WELL: Phase =
    Phase { activity: 1_000, open: 900, mood: 790, trouble: 20, shopping: 2, late: 12 };

impl World {
    /// The world of `seed` between `start` and `end`.
    pub(super) fn new(seed: u64, start: i64, end: i64) -> World {
        let day = ((end - start) / STORY_DAYS).clamp(1, DAY_MS);
        World { salt: mix(seed, 0xEBB), start, end, day }
    }

    /// The traits of customer `index`. Number 0 is always there and healthy, so that there is
    /// always someone to act.
    pub(super) fn traits(&self, index: u32) -> Traits {
        let bits = mix(self.salt, u64::from(index));
        let more = mix(bits, 1);
        let archetype = match index {
            0 => Archetype::Healthy,
            _ => drawn(&SHARES, bits % 1_000).unwrap_or(Archetype::Healthy),
        };
        let zones = ZONES.iter().enumerate();
        let mut point = (bits >> 10) % 1_000;
        let mut zone = 0;
        for (at, (_, _, share)) in zones {
            if point < u64::from(*share) {
                zone = at;
                break;
            }
            point -= u64::from(*share);
        }
        let breadth = 5 + ((bits >> 30) % 5) as u32;
        let plan = match (bits >> 40) % 100 {
            0..55 => 0,
            55..88 => 1,
            _ => 2,
        };
        let place = i64::try_from((more >> 20) % 1_000).unwrap_or(0);
        let span = self.end - self.start;
        Traits {
            archetype,
            zone,
            weight: weight((more >> 32) as u32),
            users: 1 + ((bits >> 48) % 4) as u32 * (1 + 2 * u32::from(plan)),
            breadth,
            base: ((bits >> 36) % 10) as u32,
            plan,
            onset: self.start + span / 1_000 * first_place(archetype, place),
            fate: (more % 100) as u32,
            bits: more,
        }
    }
}

/// Half of everyone's activity is alike, half is heavy-tailed: `1 / sqrt(u)`, whose mean is 2.
fn weight(uniform: u32) -> u32 {
    let root = u64::from(uniform.max(1 << 8)).isqrt().max(1);
    let tail = 64 * (1 << 16) / root;
    128 + u32::try_from(tail).unwrap_or(u32::MAX)
}

/// Where in the span, in thousandths, a story may turn.
fn first_place(archetype: Archetype, place: i64) -> i64 {
    match archetype {
        Archetype::Newcomer => 10 + place * 900 / 1_000,
        Archetype::Dormant => 20 + place * 480 / 1_000,
        Archetype::Returning => 100 + place * 600 / 1_000,
        _ => 50 + place * 900 / 1_000,
    }
}

fn drawn<T: Copy>(shares: &[(u64, T)], mut point: u64) -> Option<T> {
    for (share, what) in shares {
        if point < *share {
            return Some(*what);
        }
        point -= share;
    }
    None
}

impl Traits {
    /// What the customer is like at `time`.
    pub(super) fn phase(&self, world: &World, time: i64) -> Phase {
        let days = (time - self.onset).div_euclid(world.day.max(1));
        match self.archetype {
            Archetype::Healthy => WELL,
            Archetype::Newcomer => self.newcomer(days),
            Archetype::Fading => self.fading(days),
            Archetype::Angry => self.angry(days),
            Archetype::Bargain if (0..35).contains(&days) => Phase {
                activity: 800,
                open: 700,
                mood: 620,
                shopping: if self.fate < 45 { 200 } else { 40 },
                ..WELL
            },
            Archetype::Payer if 0 <= days => Phase {
                activity: 850,
                open: 780,
                mood: 650,
                late: if days < 90 { 850 } else { 300 },
                ..WELL
            },
            Archetype::Dormant if 0 <= days => {
                Phase { activity: 12, open: 30, mood: 600, trouble: 4, ..WELL }
            }
            Archetype::Returning if (-20..0).contains(&days) => {
                Phase { activity: 350, open: 500, mood: 500, ..WELL }
            }
            Archetype::Bargain | Archetype::Payer | Archetype::Dormant | Archetype::Returning => {
                WELL
            }
        }
    }

    fn newcomer(&self, days: i64) -> Phase {
        match days {
            ..20 => Phase { activity: 1_400, trouble: 45, ..WELL },
            20.. if self.fate < 30 => Phase { activity: 90, open: 250, mood: 560, ..WELL },
            _ => WELL,
        }
    }

    fn fading(&self, days: i64) -> Phase {
        let low = Phase { activity: 25, open: 60, mood: 520, trouble: 10, ..WELL };
        match days {
            ..0 => WELL,
            0..30 => {
                let gone = u32::try_from(days).unwrap_or(0) * 1_000 / 30;
                let between = |from: u32, to: u32| from - (from - to) * gone / 1_000;
                Phase {
                    activity: between(WELL.activity, low.activity),
                    open: between(WELL.open, low.open),
                    mood: between(WELL.mood, low.mood),
                    ..low
                }
            }
            30..70 => low,
            _ if self.fate < 70 => Phase { activity: 900, open: 800, ..WELL },
            _ => low,
        }
    }

    fn angry(&self, days: i64) -> Phase {
        match days {
            0..40 => {
                Phase { activity: 650, open: 550, mood: 160, trouble: 140, shopping: 15, late: 60 }
            }
            40.. => Phase { mood: 680, ..WELL },
            _ => WELL,
        }
    }

    /// When the customer will ask to leave, if ever.
    pub(super) fn leaves(&self, world: &World) -> Option<i64> {
        let (below, days) = match self.archetype {
            Archetype::Returning => (100, 0),
            Archetype::Fading => (32, 55),
            Archetype::Angry => (35, 35),
            Archetype::Bargain => (22, 30),
            Archetype::Payer => (12, 60),
            Archetype::Newcomer => (9, 45),
            Archetype::Dormant => (10, 70),
            Archetype::Healthy => (2, 0),
        };
        let leaves = self.fate < below && self.bits != 0;
        leaves.then(|| self.onset + days * world.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World::new(1, 1_700_000_000_000, 1_700_000_000_000 + 120 * DAY_MS)
    }

    #[test]
    fn every_archetype_has_its_share() {
        let world = world();
        for (share, archetype) in SHARES {
            let n = (1..20_001).filter(|n| world.traits(*n).archetype == archetype).count();
            assert!(n.abs_diff(usize::try_from(share * 20).unwrap_or(0)) < 150, "{archetype:?}");
        }
        assert_eq!(world.traits(0).archetype, Archetype::Healthy);
    }

    #[test]
    fn activity_is_heavy_tailed_around_its_mean() {
        let world = world();
        let mut weights: Vec<u32> = (0..20_000).map(|n| world.traits(n).weight).collect();
        weights.sort_unstable();
        let mean = weights.iter().map(|w| u64::from(*w)).sum::<u64>() / 20_000;
        assert!(mean.abs_diff(256) < 12, "{mean}");
        assert!(weights[10_000] < 230 && 1_000 < weights[19_950]);
    }

    #[test]
    fn those_who_fade_are_silent_in_the_end() {
        let world = world();
        let fading = (1..1_000).map(|n| world.traits(n));
        let Some(fading) = fading.into_iter().find(|t| t.archetype == Archetype::Fading) else {
            return;
        };
        let at = |days: i64| fading.phase(&world, fading.onset + days * DAY_MS).activity;
        assert_eq!(at(-1), 1_000);
        assert!(at(20) < at(10) && at(10) < at(1));
        assert_eq!(at(40), 25);
    }
}
