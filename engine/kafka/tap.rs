//! One partition's queue of fetched records, emptied many at a time.
//!
//! Shape   librdkafka forwards every partition's queue to the consumer's; a tap cuts that, rings
//!         a bell when its queue is no longer empty, and takes up to a chunk per call.
//! Rules   only such a cut queue is ever read by the batch call, never the consumer's own: there
//!         it would swallow rebalance events. A tap is opened before its partition is assigned,
//!         so that no record takes the other way. Offsets come from the records.
//! Cost    the safe way, `poll`, makes one event object and one reference count a record; the
//!         batch call is why this one file may use `unsafe`. Measured on one topic of a million
//!         records of 150 bytes: see `benches/RUNS.md`.
#![allow(unsafe_code, reason = "measured: see Cost")]

use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use rdkafka::bindings;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::{RDKafkaMessage, RDKafkaRespErr};

use super::group::{Bell, Group};

/// Most records that one call takes.
const CHUNK: usize = 1_024;

/// What a tap gives: a record, the end for now, or a trouble of this partition.
pub(super) enum Poured<'a> {
    /// A record.
    Record { offset: i64, key: Option<&'a [u8]>, value: Option<&'a [u8]> },
    /// Everything that the partition holds has been given.
    End,
    /// The partition cannot be read on, and why.
    Trouble(RDKafkaErrorCode, String),
}

/// One partition's queue.
pub(super) struct Tap {
    /// The handle for the batch call: a reference of our own on the queue.
    queue: NonNull<bindings::rd_kafka_queue_t>,
    /// Keeps the bell hung, and the consumer alive longer than `queue`.
    _cut: PartitionQueue<Group>,
    chunk: Vec<*mut RDKafkaMessage>,
}

// SAFETY: librdkafka's queues may be used from any thread, as its header says of all its
// functions; `chunk` holds pointers only inside `take`.
unsafe impl Send for Tap {}

impl Tap {
    /// Cuts the queue of `partition` off from the consumer's and hangs `bell` on it.
    ///
    /// Returns `None` if librdkafka knows no such partition.
    pub(super) fn open(
        consumer: &Arc<BaseConsumer<Group>>,
        topic: &str,
        partition: i32,
        bell: &Arc<Bell>,
    ) -> Option<Tap> {
        let mut cut = consumer.split_partition_queue(topic, partition)?;
        let bell = Arc::clone(bell);
        cut.set_nonempty_callback(move || bell.ring());
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client behind `consumer` lives, as we hold it, and `topic` ends with a NUL
        // and outlives the call. What comes back is null or a reference that is ours to destroy.
        let queue = unsafe {
            bindings::rd_kafka_queue_get_partition(
                consumer.client().native_ptr(),
                topic.as_ptr(),
                partition,
            )
        };
        Some(Tap { queue: NonNull::new(queue)?, _cut: cut, chunk: vec![ptr::null_mut(); CHUNK] })
    }

    /// Hands what is there to `each`, without waiting, up to `max`; gives their number.
    pub(super) fn take(&mut self, max: usize, mut each: impl FnMut(Poured<'_>)) -> usize {
        let mut n_taken = 0;
        while n_taken < max {
            let wanted = CHUNK.min(max - n_taken);
            // SAFETY: `queue` is a live reference (destroyed only in `drop`), and `chunk` has
            // room for `CHUNK` pointers, of which at most `wanted` are written.
            let n = unsafe {
                bindings::rd_kafka_consume_batch_queue(
                    self.queue.as_ptr(),
                    0,
                    self.chunk.as_mut_ptr(),
                    wanted,
                )
            };
            let n = usize::try_from(n).unwrap_or(0);
            for &message in self.chunk.iter().take(n) {
                let Some(message) = NonNull::new(message) else { continue };
                // SAFETY: librdkafka wrote this pointer just now and gave the message to us; it
                // is whole until it is destroyed, which is done once, after its last use: `read`
                // ties what it lends to the borrow that ends before.
                unsafe {
                    each(read(message.as_ref()));
                    bindings::rd_kafka_message_destroy(message.as_ptr());
                }
            }
            n_taken += n;
            if n < wanted {
                break;
            }
        }
        n_taken
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and is given back once, here; the client lives on, as
        // `_cut` holds it and is dropped after this.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) }
    }
}

/// What `message` is.
///
/// # Safety
///
/// `message` must come from librdkafka and must not have been destroyed.
unsafe fn read(message: &RDKafkaMessage) -> Poured<'_> {
    // SAFETY: in a message of librdkafka, payload and key are null or point to `len` and
    // `key_len` bytes that live as long as the message.
    let (key, value) =
        unsafe { (bytes(message.key, message.key_len), bytes(message.payload, message.len)) };
    match message.err {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {
            Poured::Record { offset: message.offset, key, value }
        }
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => Poured::End,
        // The payload of an error is its sentence.
        error => {
            let sentence = String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
            Poured::Trouble(error.into(), sentence)
        }
    }
}

/// The `len` bytes at `at`, or `None` where there are none, not even zero of them.
///
/// # Safety
///
/// `at` must be null or point to `len` bytes that live for `'a` and do not change meanwhile.
unsafe fn bytes<'a>(at: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as this function demands.
    (!at.is_null()).then(|| unsafe { slice::from_raw_parts(at.cast::<u8>(), len) })
}
