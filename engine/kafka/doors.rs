//! Input and outputs as one: what is committed, and how.
//!
//! Rules   "effectively-once": everything sent is acknowledged, then the offsets are committed, while
//!         scoring goes on. What was kept back, because others may have sent it meanwhile, is done
//!         again. Whoever the group has put out commits nothing.
//!         "exactly-once": one transaction holds both. One that cannot be committed is undone
//!         with all that it holds, and its producer replaced; that happens again and again only
//!         a bounded number of times.
//! Source  DESIGN §8 and §15, traps 4 and 5.

use std::thread;
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, ConsumerGroupMetadata};
use tracing::warn;

use super::client::Tries;
use super::membership::PUT_OUT;
use super::produce::Line;
use super::sink::KafkaSink;
use super::source::KafkaSource;
use super::transact::Ended;
use crate::run::Settings;
use crate::run::settings::{Delivery, Retry};
use crate::wire::{Committed, Doors, Fault, Handover, Position, Sink, Source};

/// How long a commit may be on its way before it is waited for.
const COMING_MAX: Duration = Duration::from_secs(1);

/// The input topic and the output topics of one instance.
pub struct KafkaDoors {
    source: KafkaSource,
    sink: KafkaSink,
    delivery: Delivery,
    retry: Retry,
    /// Transactions in a row that were undone.
    undone: Option<Tries>,
    /// The commit that is on its way.
    coming: Option<Coming>,
}

/// A commit that nobody waits for.
struct Coming {
    /// Behind the outputs that must be safe before.
    line: Line,
    /// What was asked for, once it was.
    asked: Option<TopicPartitionList>,
    began: Instant,
}

impl KafkaDoors {
    /// Reaches the cluster that `settings` name.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where it cannot be reached, refuses us or lacks a topic.
    pub fn connect(settings: &Settings) -> Result<KafkaDoors, Fault> {
        let sink = KafkaSink::connect(settings)?;
        let source = KafkaSource::connect(settings)?;
        let (delivery, retry) = (settings.delivery, settings.retry);
        Ok(KafkaDoors { source, sink, delivery, retry, undone: None, coming: None })
    }

    /// The partitions of the topic that other members of the group have, or nobody.
    pub fn not_ours(&self) -> Vec<u32> {
        let assigned = self.source.assigned();
        (0..self.source.n_partitions()).filter(|number| !assigned.contains(number)).collect()
    }

    /// Ends the transaction with what is done so far.
    fn end(&mut self, positions: &[Position]) -> Result<Committed, Fault> {
        let ours = self.source.ours(positions);
        if ours.is_empty() && !self.sink.is_open() {
            return Ok(Committed::Done);
        }
        let ended = match self.member().filter(|_| !ours.is_empty()) {
            Some(member) => self.sink.commit(self.source.list(&ours)?, member),
            None if self.source.is_other_member() => Ended::Undone(PUT_OUT.to_owned()),
            None => Ended::Undone("what it holds is no longer ours".to_owned()),
        };
        match ended {
            Ended::Done => {
                self.undone = None;
                self.source.note_committed(&ours);
                Ok(Committed::Done)
            }
            Ended::Undone(why) => self.replace(why),
        }
    }

    /// This instance as the member of its group that it is now, if it is one.
    ///
    /// One that was put out forgets its own name, and the broker takes offsets of the nameless
    /// within a transaction without a question; and it may be in again under another one. Whether
    /// it was put out is looked at last: no name comes back.
    fn member(&self) -> Option<ConsumerGroupMetadata> {
        let member = self.source.consumer.group_metadata();
        let is_lost = self.source.consumer.assignment_lost();
        member.filter(|_| !is_lost && self.source.is_same_member())
    }

    /// Replaces a spent producer, after a wait that grows from one time to the next.
    fn replace(&mut self, why: String) -> Result<Committed, Fault> {
        warn!(why, "a transaction is undone; going back to what is committed");
        let tries = self.undone.get_or_insert_with(|| Tries::new(self.retry));
        match tries.failed() {
            Some(wait) => thread::sleep(wait),
            None => {
                return Err(Fault::Broker(format!(
                    "cannot commit: {} transactions in a row were undone, the last one: {why}\n{}",
                    self.retry.tries_max,
                    self.source.safe()
                )));
            }
        }
        self.sink.renew()?;
        Ok(Committed::Undone(why))
    }
}

impl Doors for KafkaDoors {
    fn ends(&mut self) -> (&mut dyn Source, &mut dyn Sink) {
        (&mut self.source, &mut self.sink)
    }

    fn n_partitions(&self) -> u32 {
        self.source.n_partitions()
    }

    fn assigned(&self) -> &[u32] {
        self.source.assigned()
    }

    fn is_caught_up(&self, partition: u32) -> bool {
        self.source.is_caught_up(partition)
    }

    fn is_reachable(&self) -> bool {
        self.source.is_reachable()
    }

    fn is_rebalancing(&self) -> bool {
        self.source.is_rebalancing()
    }

    fn handovers(&mut self) -> Result<Vec<Handover>, Fault> {
        let handovers = self.source.handovers();
        if !handovers.is_empty() && self.delivery == Delivery::EffectivelyOnce {
            self.sink.settle()?;
        }
        Ok(handovers)
    }

    fn earliest(&mut self, partition: u32) -> Result<i64, Fault> {
        self.source.earliest(partition)
    }

    fn place(&mut self, starts: &[(u32, i64)]) -> Result<(), Fault> {
        self.source.place(starts)
    }

    fn open(&mut self, partition: u32, from: i64) -> Result<(), Fault> {
        self.source.open(partition, from)
    }

    fn journal_end(&self, partition: u32) -> Option<i64> {
        self.sink.journal_end(partition)
    }

    fn commit(&mut self, positions: &[Position]) -> Result<Committed, Fault> {
        self.coming = None;
        match self.delivery {
            Delivery::EffectivelyOnce => {
                let committed = match self.sink.take_stale() {
                    Some(why) => Committed::Undone(why),
                    None => {
                        self.sink.settle()?;
                        self.source.commit(positions)?
                    }
                };
                if let Committed::Undone(why) = &committed {
                    warn!(why, "others may have taken over; going back to what is committed");
                }
                Ok(committed)
            }
            Delivery::ExactlyOnce => self.end(positions),
        }
    }

    fn begin_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault> {
        let line = match self.delivery {
            Delivery::EffectivelyOnce => self.sink.line(),
            Delivery::ExactlyOnce => None,
        };
        let Some(line) = line else { return self.commit(positions).map(Some) };
        self.coming = Some(Coming { line, asked: None, began: Instant::now() });
        Ok(None)
    }

    fn hear_commit(&mut self, positions: &[Position]) -> Result<Option<Committed>, Fault> {
        let Some(mut coming) = self.coming.take() else { return Ok(None) };
        if coming.asked.is_none() && self.sink.is_settled(coming.line)? {
            let ours = self.source.ours(positions);
            if ours.is_empty() {
                return Ok(Some(Committed::Done));
            }
            if self.source.is_other_member() {
                return self.commit(positions).map(Some);
            }
            coming.asked = self.source.ask_to_commit(&ours);
        }
        let answer = coming.asked.as_ref().and_then(|list| self.source.answer(list));
        match answer {
            Some(true) => {
                let ours = self.source.ours(positions);
                self.source.note_committed(&ours);
                Ok(Some(Committed::Done))
            }
            None if coming.began.elapsed() <= COMING_MAX => {
                self.coming = Some(coming);
                Ok(None)
            }
            // Whoever waits knows what to do about every trouble.
            Some(false) | None => self.commit(positions).map(Some),
        }
    }

    fn start_over(&mut self) -> Result<Vec<(u32, Option<Position>)>, Fault> {
        self.source.start_over()
    }
}
