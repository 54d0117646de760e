//! Floor 9: the room that speaks to Kafka, over librdkafka.
//!
//! Shape   `client` reaches the cluster, with `token` where it wants such, `trouble` puts what it
//!         says into words; `source` reads the input through one `tap` a partition; `handover`
//!         takes partitions on and gives them up as `group`'s callbacks have noted, `membership`
//!         and `pause` tell whether that is out of date or may be; `sink` writes the outputs
//!         through `produce`, in transactions by `transact` where that is wanted, else under the
//!         eye of `watch`; `doors` joins both ends; `journal` is read by whoever takes a partition
//!         on; `committed` tells how far the whole group is; `check` looks before anything starts.
//! Rules   offsets are committed only by [`Doors::commit`](crate::wire::Doors::commit), with the
//!         partition's `now` as their metadata (D-2). Nothing is lost silently: what cannot be
//!         delivered or read becomes a fault that says what is safe.
//! Source  librdkafka 2.12.1 and its `CONFIGURATION.md`; the Kafka protocol, 4.1.

pub mod check;
pub mod client;
pub mod committed;
pub mod doors;
pub mod erase;
mod group;
mod handover;
pub mod journal;
mod membership;
mod pause;
pub mod produce;
pub mod sink;
pub mod source;
mod tap;
mod token;
mod topics;
mod transact;
mod trouble;
mod verdict;
mod watch;

pub use check::check;
pub use committed::Others;
pub use doors::KafkaDoors;
pub use erase::erase;
pub use journal::Journal;
pub use produce::Producer;
pub use sink::KafkaSink;
pub use source::KafkaSource;
