//! Who looks on while a pump works.

use crate::state::{Arrival, Fate};
use crate::wire::Outgoing;

/// Is shown what happens to customers; what was done before a restart, too.
pub trait Witness: Send {
    /// These were handed to the engine, and that became of each.
    fn applied(&mut self, arrivals: &[Arrival<'_>], fates: &[Fate]);

    /// This came out of it, of a customer of `partition`.
    fn went_out(&mut self, partition: u32, output: &Outgoing);
}
