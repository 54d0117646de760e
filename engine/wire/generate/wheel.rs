//! Whose turn it is: customers wait on wheels, one wheel a time zone.
//!
//! Shape   a wheel is a ring of ticks, a tick a chain of customers; a customer who acts often
//!         is put back a few ticks ahead, one who acts seldom far ahead.
//! Rules   ticks are turns, not time: the pace of the stream turns the wheel, so shares of the
//!         stream are right whatever its size.
//! Cost    O(1) a turn; four bytes a customer.

/// Ticks of a wheel.
const TICKS: u32 = 1 << 13;
/// The ticks between two turns of an average customer.
pub(super) const TICKS_MEAN: u32 = 128;
/// The end of a chain.
const NOBODY: u32 = u32::MAX;

/// All wheels.
#[derive(Debug)]
pub(super) struct Wheels {
    wheels: Vec<Wheel>,
    next: Vec<u32>,
}

#[derive(Debug)]
struct Wheel {
    heads: Vec<u32>,
    hand: u32,
    waiting: u32,
}

impl Wheels {
    /// `zones` empty wheels for `customers` customers.
    pub(super) fn new(zones: usize, customers: u32) -> Wheels {
        let wheel = || Wheel { heads: vec![NOBODY; TICKS as usize], hand: 0, waiting: 0 };
        Wheels {
            wheels: std::iter::repeat_with(wheel).take(zones).collect(),
            next: vec![NOBODY; customers as usize],
        }
    }

    /// Lets `customer`, who waits nowhere, wait `ticks` ticks in `zone`; a wheel's length at
    /// most.
    pub(super) fn put(&mut self, zone: usize, customer: u32, ticks: u32) {
        let Some(wheel) = self.wheels.get_mut(zone) else { return };
        let at = (wheel.hand + ticks.min(TICKS - 1)) % TICKS;
        let head = &mut wheel.heads[at as usize];
        self.next[customer as usize] = *head;
        *head = customer;
        wheel.waiting += 1;
    }

    /// Takes the customer whose turn it is in `zone`, or in the next zone where someone waits.
    pub(super) fn take(&mut self, zone: usize) -> Option<u32> {
        let zones = self.wheels.len();
        let at = (0..zones).map(|step| (zone + step) % zones);
        let zone = at.into_iter().find(|zone| self.wheels[*zone].waiting != 0)?;
        let wheel = &mut self.wheels[zone];
        while wheel.heads[wheel.hand as usize] == NOBODY {
            wheel.hand = (wheel.hand + 1) % TICKS;
        }
        let head = &mut wheel.heads[wheel.hand as usize];
        let customer = *head;
        *head = self.next[customer as usize];
        wheel.waiting -= 1;
        Some(customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_the_ticks() {
        let mut wheels = Wheels::new(2, 3);
        wheels.put(0, 0, 10);
        wheels.put(0, 1, 20);
        wheels.put(1, 2, 5);
        let mut turns = [0; 3];
        for _ in 0..300 {
            let customer = wheels.take(0);
            assert!(matches!(customer, Some(0 | 1)));
            let customer = customer.unwrap_or(0);
            turns[customer as usize] += 1;
            wheels.put(0, customer, if customer == 0 { 10 } else { 20 });
        }
        assert_eq!(turns, [200, 100, 0]);
        assert_eq!(wheels.take(1), Some(2));
    }

    #[test]
    fn an_empty_wheel_hands_over_to_the_next() {
        let mut wheels = Wheels::new(3, 1);
        assert_eq!(wheels.take(0), None);
        wheels.put(2, 0, 7);
        assert_eq!(wheels.take(0), Some(0));
        assert_eq!(wheels.take(0), None);
    }
}
