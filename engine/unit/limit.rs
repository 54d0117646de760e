//! Everything that can grow has a bound here.

/// Longest event id, in bytes (DESIGN: 1 to 128).
pub const EVENT_ID_BYTES_MAX: usize = 128;

/// Longest customer id, in bytes (DESIGN: 1 to 256).
pub const CUSTOMER_ID_BYTES_MAX: usize = 256;

/// Longest record, in bytes: Kafka's own default for a message is 1 MiB; one record longer than
/// this is refused and the next one is read.
pub const RECORD_BYTES_MAX: usize = 1 << 20;

/// How much of a record that is too long is kept to show in its reject.
pub const TOO_LARGE_BYTES_KEPT: usize = 1 << 10;

/// Deepest nesting of a field's value: far more than any platform writes.
pub const RECORD_DEPTH_MAX: usize = 128;

/// Largest number a field may carry, either way: in millionths it fits 64 bits nine times over,
/// and sums of them are kept in 128.
pub const AMOUNT_MAX: f64 = 1e12;
/// [`AMOUNT_MAX`] as a whole number.
pub const AMOUNT_MAX_WHOLE: i64 = 1_000_000_000_000;

/// Most rows of a file that a map looks things up in: it is held in memory, a few hundred bytes a
/// row at most.
pub const LOOKUP_ROWS_MAX: usize = 20_000_000;

/// Most events one row may give, and most sources a map may have.
pub const MAP_RULES_MAX: usize = 256;

/// Most tracks a model may ask for: one bit each in a customer's presence set.
pub const TRACKS_MAX: usize = 128;

/// Most measures a model may name; also how deep they can be nested.
pub const MEASURES_MAX: usize = 512;

/// Longest model or catalogue, in bytes: ten times what the default model needs.
pub const MODEL_BYTES_MAX: usize = 256 << 10;

/// Most signals a model may name: one bit each in a customer's active set.
pub const SIGNALS_MAX: usize = 128;

/// Most scores a model may name.
pub const SCORES_MAX: usize = 16;

/// Most bands of one score.
pub const BANDS_MAX: usize = 16;

/// Most partitions a replay may spread customers over.
pub const PARTITIONS_MAX: u32 = 4_096;

const _: () = assert!(TOO_LARGE_BYTES_KEPT < RECORD_BYTES_MAX);
const _: () = assert!(EVENT_ID_BYTES_MAX < RECORD_BYTES_MAX);
const _: () = assert!(CUSTOMER_ID_BYTES_MAX < RECORD_BYTES_MAX);
// One bit each.
const _: () = assert!(SCORES_MAX <= u32::BITS as usize);
const _: () = assert!(TRACKS_MAX <= u128::BITS as usize && SIGNALS_MAX <= u128::BITS as usize);
