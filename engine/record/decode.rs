//! Bytes to an event.
