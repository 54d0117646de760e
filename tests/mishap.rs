//! What may befall the instances of a group: one list for the simulator and for a real broker, so
//! that what the one plays the other must stand.

/// A mishap, or what an operator does on an ordinary day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mishap {
    /// An instance ends at once, at whatever it is doing.
    Kill,
    /// An instance is told to stop and ends in order.
    Stop,
    /// An instance stands still for longer than its session lasts and then goes on.
    Zombie,
    /// Partitions move between instances that live.
    Rebalance,
    /// The broker does not answer for a while.
    BrokerAway,
    /// A transaction does not become what its instance was told or has hoped for.
    Undone,
}

impl Mishap {
    /// All there are.
    pub(crate) const ALL: [Mishap; 6] = [
        Mishap::Kill,
        Mishap::Stop,
        Mishap::Zombie,
        Mishap::Rebalance,
        Mishap::BrokerAway,
        Mishap::Undone,
    ];
}
