//! The entries of all tracks of one customer, in one piece of memory.
//!
//! Shape   a head of four bytes a row, then the rows, one after the other. A row holds the entries
//!         of one track; its word in the head says where it begins and bears a tag. A
//!         row that has grown large stands in a piece of its own.
//! Rules   what a row holds and what its tag means is the business of its reader; here it is
//!         bytes.
//! Cost    a change moves what stands behind it: some hundred bytes, and at most
//!         [`NEAR_BYTES_MAX`] a row however busy the customer is. One piece instead of one a track
//!         saves its header and its slack, and is fetched as one.

use thin_vec::ThinVec;

/// The rows of one customer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    far: ThinVec<Far>,
}

/// A large row in a piece of its own.
#[derive(Clone, Debug)]
struct Far {
    row: usize,
    bytes: Vec<u8>,
}

/// A row with more bytes than these gets a piece of its own: a move of so many costs some 50 ns.
pub(crate) const NEAR_BYTES_MAX: usize = 2_048;

/// Bytes of a row's word in the head.
const WORD: usize = 4;
/// The bits of a word that say where the row begins.
const START_BITS: u32 = 24;
const START: u32 = (1 << START_BITS) - 1;
/// The bit of a word that says that the row stands in a piece of its own.
const FAR: u32 = 1 << 31;

// Wherever a near row begins, its word has room for it.
const _: () = assert!(crate::unit::limit::TRACKS_MAX * (WORD + NEAR_BYTES_MAX) <= START as usize);

impl Block {
    /// How many rows there are.
    #[inline]
    pub(crate) fn n_rows(&self) -> usize {
        self.start(0).unwrap_or(0) / WORD
    }

    /// The tag of row `row`: below 128, as it was when the row was opened or last set.
    pub(crate) fn tag(&self, row: usize) -> Option<u8> {
        self.get(row).map(|(tag, _)| tag)
    }

    /// The tag and the bytes of row `row`, if there is such a row.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<(u8, &[u8])> {
        let (word, next) = (self.word(row)?, self.word(row + 1));
        let (start, n_rows) = (begin(word), begin(self.word(0)?) / WORD);
        if n_rows <= row {
            return None;
        }
        let tag = u8::try_from((word & !FAR) >> START_BITS).ok()?;
        if word & FAR != 0 {
            return Some((tag, self.row(row)));
        }
        // Behind the word of the last row the rows themselves begin.
        let end = next.filter(|_| row + 1 < n_rows).map_or(self.bytes.len(), begin);
        self.bytes.get(start..end).map(|bytes| (tag, bytes))
    }

    /// The bytes of row `row`; none where there is no such row.
    #[inline]
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        if self.word(row).is_some_and(|word| word & FAR != 0) {
            let far = self.far.iter().find(|far| far.row == row);
            return far.map_or(&[], |far| &far.bytes);
        }
        self.bytes.get(self.bounds(row)).unwrap_or_default()
    }

    /// The bytes of row `row`, to be changed in their places.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        if self.word(row).is_some_and(|word| word & FAR != 0) {
            let far = self.far.iter_mut().find(|far| far.row == row);
            return far.map_or(&mut [], |far| &mut far.bytes);
        }
        let bounds = self.bounds(row);
        self.bytes.get_mut(bounds).unwrap_or_default()
    }

    /// Opens an empty row with `tag` before row `row`, or behind the last.
    pub(crate) fn open(&mut self, row: usize, tag: u8) {
        let n_rows = self.n_rows();
        let row = row.min(n_rows);
        let start = if row < n_rows { self.start(row) } else { Some(self.bytes.len()) };
        let at = row * WORD;
        make_room(&mut self.bytes, at..at, WORD);
        self.set_word(row, tagged(start.unwrap_or(0), tag));
        for other in 0..=n_rows {
            self.move_start(other, WORD, 0);
        }
        for far in self.far.iter_mut().filter(|far| row <= far.row) {
            far.row += 1;
        }
    }

    /// Gives row `row` another `tag`.
    pub(crate) fn set_tag(&mut self, row: usize, tag: u8) {
        if let Some(word) = self.word(row) {
            self.set_word(row, (word & (FAR | START)) | tagged(0, tag));
        }
    }

    /// Puts `added` bytes of any value into the place of the bytes `from` to `to` of row `row`.
    pub(crate) fn splice(&mut self, row: usize, from: usize, to: usize, added: usize) {
        let len = self.row(row).len();
        let Some(word) = self.word(row).filter(|_| from <= to && to <= len) else { return };
        if NEAR_BYTES_MAX < len - (to - from) + added && word & FAR == 0 {
            self.send_far(row);
        }
        if let Some(far) = self.far.iter_mut().find(|far| far.row == row) {
            return make_room(&mut far.bytes, from..to, added);
        }
        let start = self.bounds(row).start;
        make_room(&mut self.bytes, start + from..start + to, added);
        for later in row + 1..self.n_rows() {
            self.move_start(later, added, to - from);
        }
    }

    /// Gives row `row` a piece of its own.
    fn send_far(&mut self, row: usize) {
        let bytes = self.row(row).to_vec();
        self.splice(row, 0, bytes.len(), 0);
        if let Some(word) = self.word(row) {
            self.set_word(row, word | FAR);
        }
        self.far.push(Far { row, bytes });
    }

    /// Looks at every line of memory; the sum means nothing.
    pub(crate) fn warm(&self) -> usize {
        self.bytes.iter().step_by(64).fold(0, |sum, byte| sum.wrapping_add(usize::from(*byte)))
    }

    /// Where row `row` stands among the bytes, unless it stands in a piece of its own.
    #[inline]
    fn bounds(&self, row: usize) -> std::ops::Range<usize> {
        let Some(start) = self.start(row) else { return 0..0 };
        let is_last = self.n_rows() <= row + 1;
        let end = if is_last { Some(self.bytes.len()) } else { self.start(row + 1) };
        start..end.unwrap_or(start)
    }

    #[inline]
    fn start(&self, row: usize) -> Option<usize> {
        self.word(row).map(begin)
    }

    fn move_start(&mut self, row: usize, added: usize, removed: usize) {
        if let Some(word) = self.word(row) {
            let start = begin(word) + added - removed;
            self.set_word(row, (word & !START) | tagged(start, 0));
        }
    }

    #[inline]
    fn word(&self, row: usize) -> Option<u32> {
        let bytes = self.bytes.get(row * WORD..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    fn set_word(&mut self, row: usize, word: u32) {
        if let Some(bytes) = self.bytes.get_mut(row * WORD..).and_then(|b| b.first_chunk_mut()) {
            *bytes = word.to_le_bytes();
        }
    }
}

/// Where the row with `word` begins.
fn begin(word: u32) -> usize {
    (word & START) as usize
}

/// A word of the head.
fn tagged(start: usize, tag: u8) -> u32 {
    // Rows that are near begin below: see the assertion above.
    u32::try_from(start).unwrap_or(START) | u32::from(tag) << START_BITS
}

/// Makes the bytes at `place` as many as `added`, whatever their values.
fn make_room(bytes: &mut Vec<u8>, place: std::ops::Range<usize>, added: usize) {
    let (len, removed) = (bytes.len(), place.len());
    let wanted = len - removed + added;
    if bytes.capacity() < wanted {
        bytes.reserve_exact(roomy(wanted) - len);
    }
    if len < wanted {
        bytes.resize(wanted, 0);
    }
    bytes.copy_within(place.end..len, place.start + added);
    bytes.truncate(wanted);
    if roomy(wanted + wanted / 2) < bytes.capacity() {
        bytes.shrink_to(roomy(wanted));
    }
}

/// The capacity for `len` bytes: the allocator hands out so many anyway.
///
/// Four sizes between a power of two and the next, fewer of the small ones, for whoever begins
/// goes on; a tenth of the memory, in the mean, waits for what comes.
fn roomy(len: usize) -> usize {
    let step = (len.next_power_of_two() / 8).max(32);
    len.div_ceil(step) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, by the definition: a list of rows.
    #[derive(Default)]
    struct Plain(Vec<(u8, Vec<u8>)>);

    fn check(block: &Block, plain: &Plain) {
        assert_eq!(block.n_rows(), plain.0.len());
        for (row, (kind, bytes)) in plain.0.iter().enumerate() {
            assert_eq!(block.tag(row), Some(*kind));
            assert_eq!(block.row(row), bytes, "row {row}");
        }
        assert_eq!(block.tag(plain.0.len()), None);
    }

    #[test]
    fn rows_hold_what_was_put_into_them_whatever_happens_to_the_others() {
        let (mut block, mut plain) = (Block::default(), Plain::default());
        check(&block, &plain);
        let mut dice = 7_usize;
        for round in 0..4_000_usize {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            let pick = |n: usize| (dice >> 33) % n;
            let n_rows = plain.0.len();
            if n_rows < 9 && pick(40) == 0 || n_rows == 0 {
                let kind = u8::try_from(round % 16).unwrap_or(0);
                block.open(pick(n_rows + 1), kind);
                plain.0.insert(pick(n_rows + 1), (kind, Vec::new()));
            }
            let row = pick(plain.0.len());
            let len = plain.0[row].1.len();
            let (from, added) = (pick(len + 1), if pick(3) == 0 { 0 } else { pick(60) });
            let to = from + pick((len - from).min(40) + 1);
            let fresh: Vec<u8> = (0..added).map(|at| (at + round).to_le_bytes()[0]).collect();
            block.splice(row, from, to, added);
            block.row_mut(row)[from..from + added].copy_from_slice(&fresh);
            plain.0[row].1.splice(from..to, fresh);
            block.set_tag(row, 3);
            plain.0[row].0 = 3;
            check(&block, &plain);
        }
        assert!(!block.far.is_empty(), "some row grew large");
    }

    #[test]
    fn sizes_are_those_that_the_allocator_has() {
        let sizes = [1, 33, 64, 65, 120, 129, 600, 641, 1025].map(roomy);
        assert_eq!(sizes, [32, 64, 64, 96, 128, 160, 640, 768, 1280]);
    }
}
