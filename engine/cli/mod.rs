//! Roof.
