//! The output topics as a [`Sink`].
//!
//! Rules   alerts and scores are keyed by customer, so a customer's records keep their order; a
//!         customer who is gone is deleted by a tombstone. A reject is its bytes as they came,
//!         with reason, detail, topic, partition and offset as headers (D-6); one so long that
//!         the topic might refuse it is cut, and says so in `bytes_total`.

use super::produce::{Pace, Parcel, Producer};
use crate::record::Reject;
use crate::run::Settings;
use crate::run::settings::Output;
use crate::wire::{Fault, Origin, Outgoing, Sink};

/// Most bytes of a reject: below Kafka's own default for a message (1 048 588 bytes with all
/// around it), because a reject that cannot be written would stop everything behind it.
const REJECT_BYTES_MAX: usize = 1_000_000 - 16 * 1_024;
/// Most bytes of a reject's detail, for the same reason.
const DETAIL_BYTES_MAX: usize = 4 * 1_024;

/// The output topics.
pub struct KafkaSink {
    output: Output,
    /// The input topic, of which rejects speak.
    input: String,
    producer: Producer,
}

impl KafkaSink {
    /// Reaches the cluster that `settings` name and looks for the three topics.
    ///
    /// # Errors
    ///
    /// [`Fault::Broker`] where it cannot be reached, refuses us or lacks a topic.
    pub fn connect(settings: &Settings) -> Result<KafkaSink, Fault> {
        let producer = Producer::new(&settings.kafka, settings.retry, Pace::Prompt)?;
        let output = settings.output.clone();
        for topic in [&output.alerts, &output.scores, &output.rejects] {
            producer.partitions(topic)?;
        }
        Ok(KafkaSink { output, input: settings.input.topic.clone(), producer })
    }

    fn reject(&mut self, reject: &Reject, origin: Origin, bytes: &[u8]) -> Result<(), Fault> {
        let (place, index, offset) = match origin {
            Origin::Topic { partition, offset } => (self.input.as_str(), partition, offset),
            // A file's line in the same words: which input, which line.
            Origin::File { file, line } => ("", file, i64::try_from(line).unwrap_or(i64::MAX)),
        };
        let (index, offset) = (index.to_string(), offset.to_string());
        let total = bytes.len().to_string();
        let mut headers = vec![
            ("reason", reject.reason.name()),
            ("detail", cut(&reject.detail)),
            ("topic", place),
            ("partition", &index),
            ("offset", &offset),
        ];
        let value = bytes.get(..REJECT_BYTES_MAX).unwrap_or(bytes);
        if value.len() < bytes.len() {
            headers.push(("bytes_total", &total));
        }
        let topic = &self.output.rejects;
        self.producer.send(&Parcel { topic, key: None, value: Some(value), headers: &headers })
    }
}

impl Sink for KafkaSink {
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        for output in outputs {
            match output {
                Outgoing::Alert { key, value } => self.producer.send(&Parcel {
                    topic: &self.output.alerts,
                    key: Some(key.as_bytes()),
                    value: Some(value),
                    headers: &[],
                })?,
                Outgoing::Scores { key, value } => self.producer.send(&Parcel {
                    topic: &self.output.scores,
                    key: Some(key.as_bytes()),
                    value: value.as_deref(),
                    headers: &[],
                })?,
                Outgoing::Reject { reject, origin, bytes } => {
                    self.reject(reject, *origin, bytes)?;
                }
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.producer.settle()
    }
}

/// The start of `detail`, as long as a header should be, whole characters only.
fn cut(detail: &str) -> &str {
    &detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(DETAIL_BYTES_MAX);
        assert_eq!(cut(&long).len(), DETAIL_BYTES_MAX);
        assert_eq!(cut(&format!("x{long}")).len(), DETAIL_BYTES_MAX - 1);
    }
}
