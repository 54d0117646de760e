//! Bytes that were hurt are refused, whatever hurt them.

use ebb::state::checkpoint::walk;
use ebb::state::{Header, Refusal, Restored, Rules, restore};
use ebb::unit::{Key, Span};

use crate::checkpoint::checkpoint;
use crate::checkpoint::script::Script;
use crate::oracle::streams::{Random, Size};

/// A small checkpoint of partition 0, the rules it rests on, and what made it.
fn small() -> (Vec<u8>, Rules, Script) {
    let script = Script::new(11, Size { customers: 4, events: 60 });
    let mut engine = script.engine(2);
    for index in 0..script.steps.len() - 2 {
        script.play(index, &mut engine);
    }
    let file = checkpoint(&mut engine, 0, 2);
    (file, script.rules(2), script)
}

fn read(bytes: &[u8], rules: &Rules) -> Result<Restored, Refusal> {
    restore(&mut &*bytes, 0, rules)
}

#[test]
fn every_byte_and_every_end_counts() {
    let (file, rules, _) = small();
    assert!(read(&file, &rules).is_ok(), "{:?}", read(&file, &rules).err());
    for length in 0..file.len() {
        let refusal = read(&file[..length], &rules).err();
        assert!(refusal.is_some(), "cut at {length}");
        assert!(walk(&mut &file[..length], &mut |_| {}).is_err(), "cut at {length}");
    }
    let mut bytes = file.clone();
    for at in 0..file.len() {
        for mask in [1, 0x80, 0xff] {
            bytes[at] ^= mask;
            assert!(read(&bytes, &rules).is_err(), "byte {at} ^ {mask}");
            bytes[at] ^= mask;
        }
    }
    bytes.push(0);
    assert!(matches!(read(&bytes, &rules), Err(Refusal::Unsound { of: "the end", .. })));
}

#[test]
fn every_refusal_says_why() {
    let (file, rules, _) = small();
    let check = |bytes: &[u8], rules: &Rules, wanted: &str| {
        let found = read(bytes, rules).err().map(|refusal| refusal.to_string());
        assert!(found.as_ref().is_some_and(|found| found.contains(wanted)), "{found:?}: {wanted}");
    };
    check(b"", &rules, "torn: it ends at byte 0, within the magic");
    check(b"PK\x03\x04 something else", &rules, "no checkpoint: it begins with 504b030420736f6d");
    check(&file[..4], &rules, "torn: it ends at byte 4, within the magic");
    check(&file[..100], &rules, "torn: it ends at byte 100");
    for (format, whose) in [(1, "an older"), (200, "a newer")] {
        let mut other = file.clone();
        other[8] = format;
        let wanted = format!("format {format}; wanted 3; {whose} version of ebb wrote it");
        check(&other, &rules, &wanted);
    }
    let mut damaged = file.clone();
    damaged[20] ^= 1;
    check(&damaged, &rules, "damaged: the checksum of the header at byte 0 does not hold");
    damaged[20] ^= 1;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    check(&damaged, &rules, "damaged: the checksum of a section at byte");
    let mut other = rules.clone();
    other.dedup_horizon = Span::days(2);
    check(&file, &other, "it rests on other rules: dedup.horizon = 1d; wanted 2d");
    let mut other = rules.clone();
    other.exact_events_max = 5_000;
    check(&file, &other, "window.exact_events_max = 4096; wanted 5000");
    let mut other = rules.clone();
    other.model.version = 2;
    check(&file, &other, "model = default version 1; wanted default version 2");
    let mut other = rules.clone();
    other.model.scores[0].exit_margin += 1.0;
    check(&file, &other, "model = another text of default version 1; wanted the one in force");
    let mut other = rules.clone();
    other.topic = Some("orders".to_owned());
    check(&file, &other, "it is of customer-events-0; wanted orders-0");
    let refusal = restore(&mut &*file, 3, &rules).err().map(|refusal| refusal.to_string());
    assert_eq!(refusal.as_deref(), Some("it is of customer-events-0; wanted customer-events-3"));
}

#[test]
fn what_lies_with_good_checksums_harms_nobody() {
    let (file, rules, script) = small();
    let parts = Parts::of(&file);
    let (mut random, mut n_taken) = (Random(0xbad), 0);
    for _ in 0..5_000 {
        let mut parts = parts.clone();
        for _ in 0..=random.below(3) {
            parts.hurt(&mut random);
        }
        let Ok(restored) = read(&parts.sealed(), &rules) else { continue };
        n_taken += 1;
        // Nonsense goes in, nonsense may come out; but it goes on.
        let mut engine = script.engine(2);
        engine.install(0, restored);
        for index in script.steps.len() - 12..script.steps.len() {
            script.play(index, &mut engine);
        }
    }
    assert!(200 < n_taken, "only {n_taken} were not refused: nothing was tried");
}

/// A file in parts without their checksums.
#[derive(Clone)]
struct Parts(Vec<Vec<u8>>);

impl Parts {
    fn of(file: &[u8]) -> Parts {
        let word = |at: usize, length: usize| {
            let bytes = file[at..at + length].iter().rev();
            bytes.fold(0, |word, byte| word << 8 | usize::from(*byte))
        };
        let mut end = 16 + word(12, 4);
        let mut parts = vec![file[..end].to_vec()];
        while end + 8 < file.len() {
            let start = end + 8;
            end = start + 13 + word(start + 5, 8);
            parts.push(file[start..end].to_vec());
        }
        Parts(parts)
    }

    /// With checksums that hold.
    fn sealed(&self) -> Vec<u8> {
        let (mut file, mut key) = (Vec::new(), None);
        for part in &self.0 {
            let checksum = key.map_or_else(|| Key::of(part), |key| Key::within(key, part));
            file.extend_from_slice(part);
            file.extend_from_slice(&checksum.bits().to_le_bytes());
            key = Some(checksum);
        }
        file
    }

    /// Changes, takes out or puts in a few bytes somewhere.
    fn hurt(&mut self, random: &mut Random) {
        let which = usize::try_from(random.below(self.0.len() as u64)).unwrap_or(0);
        let part = &mut self.0[which];
        let at = usize::try_from(random.below(part.len() as u64)).unwrap_or(0);
        match random.below(5) {
            0 => part[at] ^= 1 << random.below(8),
            1 => part[at] = 0xff,
            2 => part[at] = u8::try_from(random.below(256)).unwrap_or(0),
            3 => drop(part.remove(at)),
            _ => part.insert(at, u8::try_from(random.below(256)).unwrap_or(0)),
        }
        // Half of them with a length that fits again, so that the body is looked at.
        if 0 < which && 13 < part.len() && random.chance(80) {
            let length = (part.len() as u64 - 13).to_le_bytes();
            part[5..13].copy_from_slice(&length);
        }
    }
}

#[test]
fn the_parts_of_a_file_make_the_file() {
    let (file, ..) = small();
    assert_eq!(Parts::of(&file).sealed(), file);
    let header: Header = walk(&mut &*file, &mut |_| {}).expect("it is whole").header;
    assert_eq!((header.partition, header.mark.next_offset), (0, 0));
}
