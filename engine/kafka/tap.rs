//! One partition's queue of fetched records, emptied many at a time.
//!
//! Shape   librdkafka forwards every partition's queue to the consumer's; a tap cuts that, rings
//!         a bell when its queue is no longer empty, and takes up to a chunk per call.
//! Rules   only such a cut queue is ever read this way, never the consumer's own: there it would
//!         swallow rebalance events. A tap is opened before its partition is assigned, so that
//!         no record takes the other way. Offsets come from the records. The call with a
//!         callback, not the one that fills an array: that one counts the end of a partition as
//!         a record, so that a rebalance skips the next one (librdkafka 4844, mended after
//!         2.12.1; a test of ours found it too).
//! Cost    0.15 us of this thread a record of 150 bytes, copy and bookkeeping included, against
//!         0.38 us by `poll`, which makes an event object and a reference count for each: a
//!         fifth of the budget of a record's whole path, and why this one file may use `unsafe`.
#![allow(unsafe_code, reason = "measured: see Cost")]

use std::ffi::{CString, c_void};
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use rdkafka::bindings;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::types::{RDKafka, RDKafkaMessage, RDKafkaRespErr};

use super::group::{Bell, Group};

/// What a tap gives: a record, the end so far, or a trouble of this partition.
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
    /// Keeps the bell hung.
    _cut: PartitionQueue<Group>,
    /// Keeps the client alive longer than `queue`.
    consumer: Arc<BaseConsumer<Group>>,
}

// SAFETY: librdkafka's queues may be used from any thread, as its header says of all its
// functions.
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
        Some(Tap { queue: NonNull::new(queue)?, _cut: cut, consumer: Arc::clone(consumer) })
    }

    /// Hands what is there to `each`, without waiting, up to `max`; gives their number.
    ///
    /// `each` must not panic: a panic inside a callback of C ends the process.
    pub(super) fn take<F: FnMut(Poured<'_>)>(&mut self, max: usize, each: F) -> usize {
        if max == 0 {
            return 0;
        }
        let client = self.consumer.client().native_ptr();
        let mut visit = Visit { each, n_left: max, client };
        // SAFETY: `queue` is a live reference (destroyed only in `drop`). `visit` outlives the
        // call, nothing else touches it meanwhile, and `visited::<F>` takes it for what it is.
        unsafe {
            bindings::rd_kafka_consume_callback_queue(
                self.queue.as_ptr(),
                0,
                Some(visited::<F>),
                (&raw mut visit).cast(),
            );
        }
        max - visit.n_left
    }
}

/// What one call of `take` carries through C.
struct Visit<F> {
    each: F,
    n_left: usize,
    client: *mut RDKafka,
}

/// Called by librdkafka with each message; it destroys the message afterwards.
///
/// # Safety
///
/// `message` must be whole during the call, and `visit` a `Visit<F>` that nobody else touches.
unsafe extern "C" fn visited<F: FnMut(Poured<'_>)>(
    message: *mut RDKafkaMessage,
    visit: *mut c_void,
) {
    // SAFETY: as this function demands; `take` hands exactly that through.
    let (visit, message) = unsafe { (&mut *visit.cast::<Visit<F>>(), &*message) };
    // SAFETY: the message is librdkafka's and is destroyed only after this call.
    (visit.each)(unsafe { read(message) });
    visit.n_left = visit.n_left.saturating_sub(1);
    if visit.n_left == 0 {
        // SAFETY: the client lives, as the tap holds its consumer. This asks `take`'s call to
        // put the rest back and to return.
        unsafe { bindings::rd_kafka_yield(visit.client) }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and is given back once, here; the client lives on, as
        // `consumer` is dropped after this.
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
unsafe fn bytes<'a>(at: *const c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as this function demands.
    (!at.is_null()).then(|| unsafe { slice::from_raw_parts(at.cast::<u8>(), len) })
}
