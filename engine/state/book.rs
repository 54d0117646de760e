//! The customers of one lane: from id to customer.
//!
//! Shape   a table from the key of an id to a slot, customers side by side in slots; a slot
//!         never moves, so a timer can name it. Slots stand in pages: those that are full are
//!         neither copied when more come, nor do they wait for them.
//! Cost    one probe and one slot a look-up, about 40 ns at 100 000 customers, 70 at a million.

use hashbrown::HashTable;

use crate::state::customer::Customer;
use crate::unit::Key;

/// The customers of one lane.
#[derive(Debug, Default)]
pub struct Book {
    slots: HashTable<u32>,
    customers: Pages,
}

/// Customers in the order of their slots.
#[derive(Debug, Default)]
struct Pages {
    /// All but the last hold [`PAGE`].
    pages: Vec<Vec<Customer>>,
}

/// Two to the power of so many customers fill a page: half a megabyte.
const PAGE_BITS: u32 = 11;
const PAGE: usize = 1 << PAGE_BITS;

impl Pages {
    fn len(&self) -> usize {
        let last = self.pages.last().map_or(0, Vec::len);
        self.pages.len().saturating_sub(1) * PAGE + last
    }

    #[inline]
    fn get(&self, slot: u32) -> Option<&Customer> {
        let page = self.pages.get((slot >> PAGE_BITS) as usize)?;
        page.get(slot as usize % PAGE)
    }

    #[inline]
    fn get_mut(&mut self, slot: u32) -> Option<&mut Customer> {
        let page = self.pages.get_mut((slot >> PAGE_BITS) as usize)?;
        page.get_mut(slot as usize % PAGE)
    }

    fn push(&mut self, customer: Customer) {
        // The first page grows with its customers: a test or a demo has few.
        let room = if self.pages.is_empty() { 0 } else { PAGE };
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(room));
        }
        if let Some(page) = self.pages.last_mut() {
            page.push(customer);
        }
    }
}

impl Book {
    /// The slot of the customer called `id`, a new one if there is none yet.
    pub fn slot(&mut self, id: &str, key: Key) -> u32 {
        let customers = &self.customers;
        let is_same = |slot: &u32| {
            customers.get(*slot).is_some_and(|known| known.key() == key && known.id() == id)
        };
        if let Some(slot) = self.slots.find(key.bits(), is_same) {
            return *slot;
        }
        self.push(Customer::new(id, key))
    }

    /// Makes room for `n_customers` in all, as far as there is any.
    pub(crate) fn reserve(&mut self, n_customers: usize) {
        self.slots.reserve(n_customers, hash_in(&self.customers));
        self.customers.pages.reserve(n_customers.div_ceil(PAGE));
    }

    /// Takes in `customer` and returns its slot; `None` if there is one of that id already.
    pub(crate) fn take_in(&mut self, customer: Customer) -> Option<u32> {
        if self.find(customer.id(), customer.key()).is_some() {
            return None;
        }
        Some(self.push(customer))
    }

    /// Puts `customer`, whom nobody here knows, into a new slot.
    fn push(&mut self, customer: Customer) -> u32 {
        // A lane that could hold more than 4 billion customers would need terabytes.
        let slot = u32::try_from(self.customers.len()).unwrap_or(u32::MAX);
        self.slots.insert_unique(customer.key().bits(), slot, hash_in(&self.customers));
        self.customers.push(customer);
        slot
    }

    /// Forgets the customer in `slot`, which stays empty for ever: a timer may still name it.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(customer) = self.customers.get_mut(slot) else { return };
        let gone = std::mem::replace(customer, Customer::nobody());
        if let Ok(entry) = self.slots.find_entry(gone.key().bits(), |known| *known == slot) {
            entry.remove();
        }
    }

    /// The customer called `id`, if there is one.
    pub fn find(&self, id: &str, key: Key) -> Option<&Customer> {
        let is_same = |slot: &u32| self.at(*slot).is_some_and(|known| known.id() == id);
        self.slots.find(key.bits(), is_same).and_then(|slot| self.at(*slot))
    }

    /// The customer in `slot`.
    pub fn at(&self, slot: u32) -> Option<&Customer> {
        self.customers.get(slot)
    }

    /// The customer in `slot`, to be changed.
    pub fn at_mut(&mut self, slot: u32) -> Option<&mut Customer> {
        self.customers.get_mut(slot)
    }

    /// Has the memory of the customers in `slots` fetched: the misses of several overlap, those of
    /// one step after the other would not. First what stands in the slots, then what is found
    /// through that: so the misses of a round hang on nothing that is still on its way.
    pub fn warm(&self, slots: impl Iterator<Item = u32> + Clone) {
        let customers = slots.filter_map(|slot| self.at(slot));
        for look in [Customer::warm_self, Customer::warm, Customer::warm_far] {
            std::hint::black_box(customers.clone().map(look).fold(0, usize::wrapping_add));
        }
    }

    /// All customers, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Customer> {
        self.customers.pages.iter().flatten().filter(|customer| !customer.is_nobody())
    }

    /// How many customers there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many slots there are, empty ones too.
    pub(crate) fn n_slots(&self) -> usize {
        self.customers.len()
    }
}

/// What the table goes by.
fn hash_in(customers: &Pages) -> impl Fn(&u32) -> u64 {
    |slot| customers.get(*slot).map_or(0, |known| known.key().bits())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_keeps_the_slot() {
        let mut book = Book::default();
        for round in 0..2 {
            for n in 0..1_000_u32 {
                let id = format!("c-{n}");
                assert_eq!(book.slot(&id, Key::of(id.as_bytes())), n, "round {round}");
            }
        }
        assert_eq!(book.len(), 1_000);
        assert_eq!(book.find("c-7", Key::of(b"c-7")).map(Customer::id), Some("c-7"));
        assert!(book.find("nobody", Key::of(b"nobody")).is_none());
    }

    #[test]
    fn who_is_removed_is_nobody_and_comes_back_as_somebody_new() {
        let mut book = Book::default();
        let slots: Vec<u32> =
            ["a", "b", "c"].iter().map(|id| book.slot(id, Key::of(id.as_bytes()))).collect();
        book.remove(slots[1]);
        assert_eq!((book.len(), book.iter().count(), book.n_slots()), (2, 2, 3));
        assert!(book.find("b", Key::of(b"b")).is_none());
        assert_eq!(book.slot("c", Key::of(b"c")), slots[2]);
        assert_eq!(book.slot("b", Key::of(b"b")), 3);
        assert_eq!((book.len(), book.iter().count()), (3, 3));
    }
}
