//! What a trouble of the input means: to be waited out, or a fault, and then what is safe.

use rdkafka::error::RDKafkaErrorCode as Code;

use super::source::KafkaSource;
use crate::wire::Fault;

impl KafkaSource {
    /// Whether a trouble with `place` is one that librdkafka mends by itself.
    pub(super) fn weigh(&self, code: Code, place: &str, sentence: &str) -> Result<(), Fault> {
        let remedy = match code {
            // It resets an offset only when told to, and here it never is.
            Code::AutoOffsetReset | Code::OffsetOutOfRange => {
                return Err(Fault::DataLoss(self.gone(place, sentence)));
            }
            Code::BadMessage
            | Code::InvalidMessage
            | Code::BadCompression
            | Code::NotImplemented => {
                let safe = self.safe();
                return Err(Fault::DataLoss(format!(
                    "cannot read on: {place}: records that cannot be read: {sentence}; wanted \
                     whole ones\n{safe}"
                )));
            }
            Code::FencedInstanceId | Code::Fenced => {
                return Err(Fault::Fenced(format!(
                    "cannot go on: {}: another instance has the same kafka.instance_id: \
                     {sentence}; wanted one of its own for each\n{}",
                    self.settings.input.group,
                    self.safe()
                )));
            }
            Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
                "wanted the topic that was there at the start"
            }
            Code::TopicAuthorizationFailed => "wanted the right to read the topic",
            Code::GroupAuthorizationFailed => "wanted the right to read as a member of the group",
            Code::Fatal => "wanted a client that can go on",
            _ => return Ok(()),
        };
        let safe = self.safe();
        Err(Fault::Broker(format!("cannot read on: {place}: {sentence}; {remedy}\n{safe}")))
    }

    /// What a stop leaves behind, for the end of a fault.
    pub(super) fn safe(&self) -> String {
        let ends = self.committed.values().take(4).map(|position| {
            let last = position.next_offset.saturating_sub(1);
            format!("{}-{}@{last}", self.topic, position.partition)
        });
        let ends: Vec<_> = ends.collect();
        match ends.len() {
            0 => "safe: nothing was committed; start again to begin where the group stands".into(),
            _ => format!(
                "safe: nothing is committed beyond {}; start again to go on from there",
                ends.join(", ")
            ),
        }
    }

    /// The words for a range of records that is gone, and the commands that decide.
    pub(super) fn gone(&self, place: &str, found: &str) -> String {
        let (topic, brokers, group) =
            (&self.topic, &self.settings.kafka.brokers, &self.settings.input.group);
        let partition = place.strip_prefix(topic.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let partition = partition.map_or(String::new(), |partition| format!(":{partition}"));
        format!(
            "cannot go on: {place}: {found}; wanted every record since the last commit\n\
             safe: nothing was skipped\n\
             try: restore the records, or go on without them: kafka-consumer-groups.sh \
             --bootstrap-server {brokers} --group {group} --topic {topic}{partition} \
             --reset-offsets --to-earliest --execute"
        )
    }
}
