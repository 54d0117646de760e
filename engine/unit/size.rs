//! Sizes of memory and texts.

use std::fmt;

/// Units from the largest down, each with the power of two that it is.
const UNITS: [(&str, u32); 4] = [("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// `bytes` of them.
    pub const fn bytes(bytes: u64) -> Size {
        Size(bytes)
    }

    /// How many bytes.
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// Reads a whole number with a unit: `64KiB`, `512MiB`, `1GiB`, `100B`; without one it is
    /// bytes.
    ///
    /// Returns `None` for any other text, for nothing at all, and for 2^34 units or more.
    pub fn parse(text: &str) -> Option<Size> {
        let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(at);
        let shift = match unit {
            "" => 0,
            unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        let number: u64 = digits.parse().ok()?;
        (1..1 << 34).contains(&number).then(|| Size(number << shift))
    }
}

/// In the largest unit that leaves nothing over.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, shift): &&(&str, u32)| self.0.trailing_zeros() >= *shift;
        let (name, shift) = UNITS.iter().find(whole).unwrap_or(&("B", 0));
        write!(f, "{}{name}", self.0 >> shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let read = |text: &str| Size::parse(text).map(Size::as_bytes);
        assert_eq!(read("64KiB"), Some(64 << 10));
        assert_eq!(read("2GiB"), Some(2 << 30));
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("7B"), Some(7));
        for wrong in ["", "KiB", "0", "1GB", "1 GiB", "-1", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_size_is_shown_in_the_unit_that_fits() {
        for text in ["64KiB", "1GiB", "1536MiB", "7B", "1025B"] {
            assert_eq!(Size::parse(text).map(|size| size.to_string()).as_deref(), Some(text));
        }
    }
}
