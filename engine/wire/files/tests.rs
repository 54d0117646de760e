//! Files as people have them: plain, packed, several, foreign, broken.

use std::io::{self, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::record::reject::Reason;
use crate::unit::limit;
use crate::wire::Body;

mod mapped;

use mapped::MAP;

/// What a record turned out to be: its line, and its bytes or the reason and shown bytes.
#[derive(Debug, PartialEq)]
struct Seen {
    file: u32,
    line: u64,
    text: String,
    refused: Option<Reason>,
    original: Option<String>,
}

/// Reads everything.
fn drain(source: &mut FileSource) -> Result<Vec<Seen>, String> {
    let mut seen = Vec::new();
    let mut batch = Batch::default();
    loop {
        let fetched = source.fill(&mut batch).map_err(|fault| fault.to_string())?;
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&batch.bytes[range]).into_owned()
        };
        for record in &batch.records {
            let Origin::File { file, line } = record.origin else { continue };
            let (range, refused) = match &record.body {
                Body::Event(range) => (range.clone(), None),
                Body::Refused(reject, range) => (range.clone(), Some(reject.reason)),
            };
            let original = record.original.clone().map(text);
            seen.push(Seen { file, line, text: text(range), refused, original });
        }
        if fetched == Fetched::End {
            return Ok(seen);
        }
        assert!(!batch.records.is_empty() && batch.records.len() <= BATCH_RECORDS);
        batch.clear();
    }
}

fn open(paths: &[PathBuf], map: Option<&str>) -> Result<FileSource, String> {
    let map = map.map(Map::parse).transpose().map_err(|faults| faults[0].to_string())?;
    FileSource::open(paths, map.as_ref()).map_err(|fault| fault.to_string())
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> io::Result<PathBuf> {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// Lines and texts of what a file of these bytes gives.
fn check(name: &str, bytes: impl AsRef<[u8]>, wanted: &[(u64, &str)]) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = write(&folder, name, bytes)?;
    let seen = open(&[path], None).and_then(|mut source| drain(&mut source));
    let seen = seen.map(|seen| seen.into_iter().map(|s| (s.line, s.text)).collect::<Vec<_>>());
    let wanted = wanted.iter().map(|(line, text)| (*line, (*text).to_owned())).collect();
    assert_eq!(seen, Ok(wanted), "{name}");
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}

#[test]
fn lines_end_as_they_do_on_every_system() -> io::Result<()> {
    check("a.jsonl", "a\nb\n", &[(1, "a"), (2, "b")])?;
    check("a.jsonl", "a\nb", &[(1, "a"), (2, "b")])?;
    check("a.jsonl", "a\r\n\r\n\nb\r\n", &[(1, "a"), (4, "b")])?;
    check("a.jsonl", "\u{feff}a\nb", &[(1, "a"), (2, "b")])?;
    check("a.jsonl", "\u{feff}", &[])?;
    check("a.jsonl", "", &[])?;
    check("a.jsonl.gz", "", &[])?;
    check("a.json", "\n\n\r\n", &[])?;
    check("a.ndjson", "a\rb\r", &[(1, "a\rb")])?;
    check("nul", b"a\0b\n\xff\n", &[(1, "a\0b"), (2, "\u{fffd}")])
}

#[test]
fn packed_files_are_unpacked_member_by_member() -> io::Result<()> {
    let two = [gzip(b"a\nb")?, gzip(b"c\nd\n")?].concat();
    check("a.jsonl.gz", &two, &[(1, "a"), (2, "bc"), (3, "d")])?;
    let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1);
    let two = [frame(b"a\nb")?, frame(b"c\nd\n")?].concat();
    check("a.jsonl.zst", &two, &[(1, "a"), (2, "bc"), (3, "d")])
}

#[test]
fn a_broken_archive_is_a_fault_and_never_an_end() -> io::Result<()> {
    let lines = "{\"id\":\"0123456789\"}\n".repeat(100_000);
    let (gz, zst) = (gzip(lines.as_bytes())?, zstd::encode_all(lines.as_bytes(), 1)?);
    let folder = tempfile::tempdir()?;
    for (name, whole) in [("a.jsonl.gz", gz), ("a.jsonl.zst", zst)] {
        for cut in [1, whole.len() / 2, whole.len() - 1] {
            let path = write(&folder, name, &whole[..cut])?;
            let opened = open(&[path], None);
            let said = opened.and_then(|mut source| {
                let first = drain(&mut source);
                // Whoever asks again hears the same.
                assert_eq!(first.as_ref().err(), drain(&mut source).err().as_ref());
                first
            });
            let said = said.err().unwrap_or_default();
            let place = format!("{name}: at byte {cut}: ");
            assert!(said.contains(&place), "{cut} of {}: {said}", whole.len());
        }
        let mut torn = whole.clone();
        torn[whole.len() / 2] ^= 0xff;
        let path = write(&folder, name, &torn)?;
        assert!(open(&[path], None).and_then(|mut source| drain(&mut source)).is_err());
    }
    let path = write(&folder, "plain.jsonl.gz", "{}\n")?;
    assert!(open(&[path], None).and_then(|mut source| drain(&mut source)).is_err());
    Ok(())
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_one_read() -> io::Result<()> {
    const MOST: usize = limit::RECORD_BYTES_MAX;
    let folder = tempfile::tempdir()?;
    let line = |length: usize| "x".repeat(length);
    for (length, end) in [(MOST, "\r\n"), (MOST + 1, "\n"), (MOST + 1, "\r\n"), (5 * MOST, "\n")] {
        let text = format!("a\n{}{end}b\n{}", line(length), line(length));
        let path = write(&folder, "a.jsonl", text)?;
        let seen = open(&[path], None).and_then(|mut source| drain(&mut source));
        let Ok(seen) = seen else { return Err(io::Error::other(seen.err().unwrap_or_default())) };
        let lines: Vec<u64> = seen.iter().map(|seen| seen.line).collect();
        assert_eq!(lines, [1, 2, 3, 4], "{length}");
        assert_eq!((seen[0].text.as_str(), seen[2].text.as_str()), ("a", "b"));
        let (refused, kept) = if MOST < length {
            (Some(Reason::TooLarge), limit::TOO_LARGE_BYTES_KEPT)
        } else {
            (None, length)
        };
        for at in [1, 3] {
            assert_eq!((seen[at].refused, seen[at].text.len()), (refused, kept), "{length} {at}");
        }
    }
    Ok(())
}

#[test]
fn a_line_of_a_hundred_megabytes_takes_no_memory() -> io::Result<()> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..100 {
        packer.write_all(&vec![b' '; 1_000_000])?;
    }
    packer.write_all(b"\r\nb\n")?;
    let folder = tempfile::tempdir()?;
    let path = write(&folder, "a.jsonl.gz", packer.finish()?)?;
    let input = Input::open(&path).map_err(io::Error::other)?;
    let mut lines = lines::Lines::new(input);
    let first = lines.next().map_err(io::Error::other)?;
    assert_eq!(first.as_ref().and_then(|line| line.too_long), Some(100_000_000));
    let second = lines.next().map_err(io::Error::other)?;
    assert_eq!(second.as_ref().map(|line| line.number), Some(2));
    assert_eq!(second.map(|line| lines.bytes(&line.text).to_vec()), Some(b"b".to_vec()));
    assert!(lines.room() <= 4 * limit::RECORD_BYTES_MAX);
    Ok(())
}

#[test]
fn lines_are_cut_the_same_wherever_the_reads_end() -> io::Result<()> {
    // Lines of many lengths around the size of a read.
    let lengths = [0, 1, 65_535, 65_536, 262_143, 262_144, 262_145, 3, 524_288, 7];
    let mut text = String::new();
    let mut wanted = Vec::new();
    for (at, length) in lengths.iter().enumerate() {
        let line = "y".repeat(*length);
        text.push_str(&line);
        text.push_str(if at % 2 == 0 { "\n" } else { "\r\n" });
        if *length != 0 {
            wanted.push((at as u64 + 1, line));
        }
    }
    let wanted: Vec<(u64, &str)> = wanted.iter().map(|(at, line)| (*at, line.as_str())).collect();
    check("a.jsonl", &text, &wanted)?;
    check("a.jsonl.gz", gzip(text.as_bytes())?, &wanted)
}

#[test]
fn what_cannot_be_opened_says_what_to_do() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let csv = write(&folder, "a.csv", "x\n1\n")?;
    let parquet = write(&folder, "a.parquet", "PAR1")?;
    let check = |path: PathBuf, map: Option<&str>, wanted: &str| {
        let said = open(&[path], map).err().unwrap_or_default();
        assert!(said.contains(wanted), "{said}");
    };
    check(folder.path().to_owned(), None, "a directory; wanted files");
    check(folder.path().join("none.jsonl"), None, "no such file");
    check(csv.clone(), None, "wanted --map");
    check(csv.clone(), Some(MAP), "no [[source]] of the map m fits its name; wanted one of e.csv");
    check(parquet.clone(), None, "a format that Ebb does not read");
    let said = open(&[csv, parquet], None).err().unwrap_or_default();
    assert_eq!(said.lines().count(), 2);
    Ok(())
}

fn event(id: &str, time: i64) -> String {
    format!("{{\"id\":\"{id}\",\"type\":\"login\",\"customer_id\":\"c\",\"time\":{time}}}")
}

#[test]
fn d_4_files_are_merged_by_the_time_of_their_next_record() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let lines = |events: &[(&str, i64)]| {
        let lines: Vec<String> = events.iter().map(|(id, time)| event(id, *time)).collect();
        lines.join("\n")
    };
    let a = write(&folder, "a.jsonl", lines(&[("a1", 10), ("a2", 30), ("a3", 20), ("a4", 40)]))?;
    let b = format!("junk\n{}\nmore\n\n{}\n", event("b1", 10), event("b2", 35));
    let b = write(&folder, "b.jsonl.gz", gzip(b.as_bytes())?)?;
    let order = |paths: &[PathBuf]| {
        let seen = open(paths, None).and_then(|mut source| drain(&mut source));
        let id = |text: String| text.split('"').nth(3).map_or(text.clone(), str::to_owned);
        seen.map(|seen| seen.into_iter().map(|s| (s.file, id(s.text))).collect::<Vec<_>>())
    };
    let wanted = |order: &[(u32, &str)]| {
        Ok(order.iter().map(|(file, id)| (*file, (*id).to_owned())).collect::<Vec<_>>())
    };
    let first = [
        (1, "junk"),
        (0, "a1"),
        (1, "b1"),
        (1, "more"),
        (0, "a2"),
        (0, "a3"),
        (1, "b2"),
        (0, "a4"),
    ];
    assert_eq!(order(&[a.clone(), b.clone()]), wanted(&first));
    let second = [
        (0, "junk"),
        (0, "b1"),
        (0, "more"),
        (1, "a1"),
        (1, "a2"),
        (1, "a3"),
        (0, "b2"),
        (1, "a4"),
    ];
    assert_eq!(order(&[b, a.clone()]), wanted(&second));
    let alone = [(0, "a1"), (0, "a2"), (0, "a3"), (0, "a4")];
    assert_eq!(order(&[a]), wanted(&alone));
    Ok(())
}

#[test]
fn inputs_have_names_and_an_end() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = write(&folder, "a.jsonl", "a\n")?;
    let source = open(&[path.clone(), PathBuf::from("-")], None).map_err(io::Error::other)?;
    assert_eq!(source.names(), [path.display().to_string(), "standard input".to_owned()]);
    assert_eq!(source.name(Origin::File { file: 1, line: 3 }), "standard input");
    assert_eq!(source.name(Origin::File { file: 9, line: 3 }), "");
    let mut none = open(&[], None).map_err(io::Error::other)?;
    assert_eq!(drain(&mut none), Ok(Vec::new()));
    Ok(())
}
