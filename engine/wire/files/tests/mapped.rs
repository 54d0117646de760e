//! Rows of a platform's own, mapped, looked up and sorted.

use super::*;

/// A map of three sources: sorted, with a lookup, and JSON.
pub(super) const MAP: &str = r#"
[map]
id = "m"
version = 1
[sources]
login = {}
[[source]]
file = "e.csv"
format = "csv"
sort = "time"
[[source.event]]
type = "login"
id = "{n}-{@line}"
customer_id = "{who}"
time = { column = "at", format = "ms" }
[[source.event]]
type = "login"
id = "{n}-again"
when = [{ column = "again", empty = false }]
customer_id = "{who}"
time = { column = "again", format = "ms" }
[[source]]
file = "own.csv*"
format = "csv"
unmatched = "skip"
[[source.lookup]]
name = "who"
file = "owners.csv"
key = "n"
value = "owner"
[[source.event]]
type = "login"
id = "{n}"
when = [{ column = "n", is_not = "skip" }]
customer_id = "{who}"
time = { column = "at", format = "ms" }
[[source]]
file = "e.json"
format = "json"
[[source.event]]
type = "login"
id = "{n}"
customer_id = "{who}"
time = { column = "at", format = "ms" }
"#;

fn mapped(line: u64, body: (&str, &str, i64), original: &str) -> Seen {
    let (who, id, time) = body;
    let head = format!("{{\"customer_id\":\"{who}\",\"id\":\"{id}\"");
    let text = format!("{head},\"type\":\"login\",\"time\":{time}}}");
    Seen { file: 0, line, text, refused: None, original: Some(original.to_owned()) }
}

#[test]
fn mapped_rows_keep_their_own_bytes_and_lines() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    write(&folder, "owners.csv", "owner,n\nc-1,1\nc-2,\"2\"\n")?;
    let text = "\u{feff}n,at,note\r\n1,5,\"two\r\n\r\nlines\"\r\nskip,,\r\n2,3,\r\n9,1,\r\n1,2\r\n\
                3,1,\"open";
    let path = write(&folder, "own.csv.gz", gzip(text.as_bytes())?)?;
    let mut source = open(&[path], Some(MAP)).map_err(io::Error::other)?;
    let seen = drain(&mut source).map_err(io::Error::other)?;
    let refused = |line, text: &str| Seen {
        file: 0,
        line,
        text: text.to_owned(),
        refused: Some(Reason::Unmapped),
        original: None,
    };
    let wanted = [
        mapped(2, ("c-1", "1", 5), "1,5,\"two\r\n\r\nlines\""),
        mapped(6, ("c-2", "2", 3), "2,3,"),
        refused(7, "9,1,"),
        refused(8, "1,2"),
        refused(9, "3,1,\"open"),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(source.skipped(), 1);
    let (read, total) = source.progress();
    assert!(0 < total && read == total, "{read} {total}");
    Ok(())
}

#[test]
fn a_map_must_fit_its_files() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let own = write(&folder, "own.csv", "n,at\n1,5\n")?;
    let said = open(std::slice::from_ref(&own), Some(MAP)).err().unwrap_or_default();
    assert!(said.contains("owners.csv: no such file") && said.contains("put it there"), "{said}");
    write(&folder, "owners.csv", "n,owned\n")?;
    let said = open(std::slice::from_ref(&own), Some(MAP)).err().unwrap_or_default();
    let wanted = "owners.csv: column owner: not in the header; wanted \"owned\" perhaps";
    assert!(said.contains(wanted), "{said}");
    let e = write(&folder, "e.csv", "n,who,at\n")?;
    let said = open(&[e], Some(MAP)).err().unwrap_or_default();
    assert!(said.contains("cannot map") && said.contains("column again"), "{said}");
    let e = write(&folder, "e.csv", "")?;
    assert_eq!(open(&[e], Some(MAP)).and_then(|mut source| drain(&mut source)), Ok(Vec::new()));
    let json = write(&folder, "e.json", "{\"n\":1,\"who\":\"c\",\"at\":7}\n\n{\"n\":1}\n")?;
    let seen = open(&[json], Some(MAP)).and_then(|mut source| drain(&mut source));
    let seen = seen.map_err(io::Error::other)?;
    assert_eq!(seen[0], mapped(1, ("c", "1", 7), "{\"n\":1,\"who\":\"c\",\"at\":7}"));
    assert_eq!((seen[1].line, seen[1].refused), (3, Some(Reason::Unmapped)));
    Ok(())
}

#[test]
fn d_4_a_source_that_asks_for_it_is_sorted_by_time() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let text = "n,who,at,again\n1,c,50,10\nbad\n2,c,20,\n3,c,50,20\n";
    let path = write(&folder, "e.csv", text)?;
    let seen = open(&[path], Some(MAP)).and_then(|mut source| drain(&mut source));
    let seen = seen.map_err(io::Error::other)?;
    let short: Vec<(u64, &str)> =
        seen.iter().map(|s| (s.line, s.text.split('"').nth(7).unwrap_or(&s.text))).collect();
    // The row without a time stays behind the last event of the row before it.
    let wanted = [(2, "1-again"), (3, "bad"), (4, "2-4"), (5, "3-again"), (2, "1-2"), (5, "3-5")];
    assert_eq!(short, wanted);
    Ok(())
}

#[test]
fn sorting_in_files_gives_what_sorting_in_memory_gives() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut text = "n,who,at,again\n".to_owned();
    let mut random: u64 = 42;
    for n in 0..3_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = random >> 54;
        text.push_str(&if n % 97 == 0 { "bad\n".to_owned() } else { format!("{n},c,{at},\n") });
    }
    let path = write(&folder, "e.csv", text)?;
    let map = Map::parse(MAP).map_err(|_| io::Error::other("map"))?;
    let table = map.table_for("e.csv").ok_or(io::Error::other("table"))?;
    let sorted = |bytes: usize| {
        let input = Input::open(&path)?;
        let rows = Foreign::open(input, &path, &table, Arc::default())?;
        let mut sorted = Sorted::new("e.csv", Box::new(rows)).in_runs_of(bytes);
        let (mut all, mut pending) = (Vec::new(), Pending::default());
        while sorted.next(&mut pending)? {
            let refused = pending.refused.as_ref().map(ToString::to_string);
            all.push((pending.time, pending.line, refused, pending.body.clone()));
        }
        Ok::<_, Fault>(all)
    };
    let whole = sorted(usize::MAX).map_err(io::Error::other)?;
    assert_eq!(whole.len(), 3_000);
    // Runs of a few records, so many that they are merged in between.
    let runs = sorted(1_000).map_err(io::Error::other)?;
    assert!(whole == runs);
    let times: Vec<EventTime> = whole.iter().filter_map(|(time, ..)| *time).collect();
    assert!(times.is_sorted());
    Ok(())
}
