//! Memory as a door, for tests and for showing.

use std::collections::VecDeque;

use crate::wire::{Batch, Body, Fault, Fetched, Origin, Outgoing, RawRecord};
use crate::wire::{Sink, Source};

/// Records from memory, as if they were the lines of one file.
#[derive(Debug)]
pub struct MemorySource {
    lines: VecDeque<Vec<u8>>,
    line: u64,
    chunk: usize,
}

impl MemorySource {
    /// A source of `lines`, at most `chunk` of them a batch and at least one.
    pub fn new<L: Into<Vec<u8>>>(lines: impl IntoIterator<Item = L>, chunk: usize) -> MemorySource {
        let lines = lines.into_iter().map(Into::into).collect();
        MemorySource { lines, line: 0, chunk: chunk.max(1) }
    }
}

impl Source for MemorySource {
    fn fill(&mut self, batch: &mut Batch) -> Result<Fetched, Fault> {
        if self.lines.is_empty() {
            return Ok(Fetched::End);
        }
        for line in self.lines.drain(..self.chunk.min(self.lines.len())) {
            self.line += 1;
            let body = Body::Event(batch.store(&line));
            let origin = Origin::File { file: 0, line: self.line };
            batch.records.push(RawRecord { body, key: None, original: None, origin });
        }
        Ok(Fetched::Some)
    }

    fn name(&self, _origin: Origin) -> &str {
        "memory"
    }
}

/// Keeps everything that is sent, in order.
#[derive(Debug, Default)]
pub struct MemorySink {
    sent: Vec<Outgoing>,
}

impl MemorySink {
    /// What was sent so far.
    pub fn sent(&self) -> &[Outgoing] {
        &self.sent
    }

    /// Takes out what was sent so far.
    pub fn take(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.sent)
    }
}

impl Sink for MemorySink {
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        self.sent.extend_from_slice(outputs);
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Takes everything and keeps nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Sink for Nowhere {
    fn send(&mut self, _outputs: &[Outgoing]) -> Result<(), Fault> {
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_chunks_and_in_order() {
        let mut source = MemorySource::new(["a", "b", "c"], 2);
        let mut batch = Batch::default();
        let mut seen = Vec::new();
        while source.fill(&mut batch).is_ok_and(|fetched| fetched == Fetched::Some) {
            seen.push((batch.records.len(), String::from_utf8_lossy(&batch.bytes).into_owned()));
            batch.clear();
        }
        assert_eq!(seen, [(2, "ab".to_owned()), (1, "c".to_owned())]);
    }

    #[test]
    fn what_is_sent_is_kept() {
        let mut sink = MemorySink::default();
        let alert = Outgoing::Alert { key: "c".to_owned(), value: b"{}".to_vec() };
        assert!(sink.send(&[alert.clone(), alert.clone()]).is_ok() && sink.settle().is_ok());
        assert_eq!(sink.sent().len(), 2);
        assert_eq!(sink.take(), [alert.clone(), alert]);
        assert!(sink.sent().is_empty());
    }
}
