//! Crossings of floors.
