//! Maps from text to events, and their faults.

use std::sync::Arc;

use super::{Format, LookupReader, Map, Mapped, Mapper, Order, Taken};
use crate::record::Kind;

const HEAD: &str = "
[map]
id = \"m\"
version = 1
[sources]
login = {}
feature_used = { since = \"2026-01-01T00:00:00Z\" }
invoice_issued = {}
subscription_cancelled = {}
profile_dates = {}
";

/// The mapper of the only source of a map: what stands under `[[source]]`, and a header.
fn mapper(source: &str, header: &str) -> Result<Mapper, Vec<String>> {
    let said = |faults: Vec<super::MapFault>| faults.iter().map(ToString::to_string).collect();
    let map = Map::parse(&format!("{HEAD}[[source]]\nfile = \"x.csv\"\n{source}"));
    let table = map.map_err(said)?.table_for("x.csv").ok_or_else(Vec::new)?;
    let header = (table.format() != Format::Json).then_some(header.as_bytes());
    Mapper::new(table, header, Vec::new()).map_err(said)
}

/// The events of a row, or why there are none.
fn row(mapper: &mut Mapper, bytes: &[u8]) -> Result<Vec<String>, String> {
    let mut out = Mapped::default();
    mapper.map(bytes, 7, &mut out).map_err(|reject| reject.to_string())?;
    let text = |range: &std::ops::Range<usize>| {
        String::from_utf8_lossy(&out.bytes[range.clone()]).into_owned()
    };
    Ok(out.events.iter().map(|(range, _)| text(range)).collect())
}

fn check(source: &str, header: &str, bytes: &str, wanted: Result<&[&str], &str>) {
    let found = match mapper(source, header) {
        Ok(mut mapper) => row(&mut mapper, bytes.as_bytes()),
        Err(faults) => Err(faults.join(" | ")),
    };
    let wanted = match wanted {
        Ok(events) => Ok(events.iter().map(|text| (*text).to_owned()).collect()),
        Err(text) => Err(text.to_owned()),
    };
    assert_eq!(found, wanted, "{bytes}");
}

const LOGIN: &str = r#"
format = "csv"
[[source.event]]
type = "login"
id = "{n}"
customer_id = "{who}"
time = { column = "at", format = "date" }
"#;

#[test]
fn a_row_becomes_an_event() {
    check(
        LOGIN,
        "n,who,at",
        "1,c-1,2026-01-02",
        Ok(&[r#"{"customer_id":"c-1","id":"1","type":"login","time":1767312000000}"#]),
    );
    let quoted = r#"{"customer_id":"a\",b","id":"1","type":"login","time":1767312000000}"#;
    check(LOGIN, "at,who,n", "2026-01-02,\"a\"\",b\",1", Ok(&[quoted]));
}

#[test]
fn a_row_that_fits_no_rule_names_its_column() {
    let refused = |bytes, wanted| check(LOGIN, "n,who,at", bytes, Err(wanted));
    refused("1,c-1", "unmapped: 2 cells; wanted 3 as in the header");
    refused("1,,2026-01-02", "unmapped: column who: nothing; wanted a text for customer_id");
    refused(",c,2026-01-02", "unmapped: column n: nothing; wanted a text for id");
    refused("1,c,", "unmapped: column at: nothing; wanted a time for time");
    refused(
        "1,c,2026-13-02",
        "unmapped: column at: \"2026-13-02\"; wanted a day such as 2026-11-21 for time",
    );
    let mut bound = mapper(LOGIN, "n,who,at");
    let mut first = |bytes: &[u8]| bound.as_mut().ok().map(|mapper| row(mapper, bytes));
    let no_text = "unmapped: no UTF-8 from byte 3 on; wanted UTF-8".to_owned();
    assert_eq!(first(b"1,\xff,2026-01-02"), Some(Err(no_text)));
    let nul = first(b"1,c\0,2026-01-02");
    assert!(nul.is_some_and(|row| row.is_ok_and(|events| events[0].contains(r#""c\u0000""#))));
}

const INVOICE: &str = r#"
format = "csv"
customer_id = "{c}"
time = { column = "t", format = "ms" }
[[source.event]]
type = "invoice_issued"
id = "i-{@line}"
[source.event.fields]
"#;

#[test]
fn fields_are_converted() {
    let event = |field: &str, cell: &str, wanted: Result<&str, &str>| {
        let wanted = wanted.map(|field| {
            let head = r#"{"customer_id":"a","id":"i-7","type":"invoice_issued","time":5"#;
            format!("{head}{field}}}")
        });
        let row = format!("a,5,{cell}");
        match wanted {
            Ok(event) => check(&format!("{INVOICE}{field}"), "c,t,x", &row, Ok(&[&event])),
            Err(text) => check(&format!("{INVOICE}{field}"), "c,t,x", &row, Err(text)),
        }
    };
    event("amount = \"{x}\"", "10.50", Ok(",\"amount\":10.5"));
    event("amount = \"{x}\"", "", Ok(""));
    event("amount = 3", "", Ok(",\"amount\":3"));
    event("amount = { column = \"x\", scale = 0.01 }", "1999", Ok(",\"amount\":19.99"));
    event("amount = { column = \"x\", scale = -1, offset = 5 }", "3", Ok(",\"amount\":2"));
    event("amount = { column = \"x\", map = { one = 1 } }", "one", Ok(",\"amount\":1"));
    let other = "amount = { column = \"x\", map = { one = 1 }, otherwise = 0 }";
    event(other, "two", Ok(",\"amount\":0"));
    event(
        "due_at = { column = \"x\", format = \"date\" }",
        "1970-01-02",
        Ok(",\"due_at\":86400000"),
    );
    event("currency = \"EUR\"", "", Ok(",\"currency\":\"EUR\""));
    event("currency = \"{x}/{c}\"", "E", Ok(",\"currency\":\"E/a\""));
    event("currency = \"{x}/{c}\"", "", Ok(""));
    let not_negative = "unmapped: \"-1\"; wanted a number that is not negative for amount";
    event("amount = \"{x}\"", "-1", Err(not_negative));
    let number = "unmapped: \"1e999\"; wanted a number up to 1e12 either way for amount";
    event("amount = \"{x}\"", "1e999", Err(number));
    let listed = "unmapped: column x: \"two\"; wanted one of one for amount";
    event("amount = { column = \"x\", map = { one = 1 } }", "two", Err(listed));
    let time = "unmapped: column x: \"soon\"; wanted a day such as 2026-11-21 for due_at";
    event("due_at = { column = \"x\", format = \"date\" }", "soon", Err(time));
}

#[test]
fn flags_and_days_are_converted() {
    let source = r#"
        format = "csv"
        customer_id = "{c}"
        time = { column = "t", format = "s" }
        [[source.event]]
        type = "subscription_cancelled"
        id = "a{c}"
        fields = { voluntary = "{f}" }
        [[source.event]]
        type = "profile_dates"
        id = "b{c}"
        fields = { birthday = { column = "d", format = "date" } }
    "#;
    check(
        source,
        "c,t,f,d",
        "1,2,TRUE,1938-01-23",
        Ok(&[
            concat!(
                r#"{"customer_id":"1","id":"a1","type":"subscription_cancelled","time":2000,"#,
                r#""voluntary":true}"#
            ),
            concat!(
                r#"{"customer_id":"1","id":"b1","type":"profile_dates","time":2000,"#,
                r#""birthday":"1938-01-23"}"#
            ),
        ]),
    );
    let wanted = "unmapped: \"yes\"; wanted true or false (a map turns other words into them) for \
                  voluntary";
    check(source, "c,t,f,d", "1,2,yes,", Err(wanted));
}

#[test]
fn conditions_choose_rows() {
    let holds = |when: &str, cells: &str| {
        let source = format!("unmatched = \"skip\"\n{LOGIN}when = [{when}]\n");
        let row_of =
            |mut mapper: Mapper| row(&mut mapper, format!("1,c,2026-01-02,{cells}").as_bytes());
        mapper(&source, "n,who,at,x,y").map(row_of).map(|events| events.map(|list| list.len()))
    };
    let check = |when: &str, cells: &str, wanted: usize| {
        assert_eq!(holds(when, cells), Ok(Ok(wanted)), "{when} {cells}");
    };
    check("{ column = \"x\", is = \"a\" }", "a,", 1);
    check("{ column = \"x\", is = \"a\" }", "A,", 0);
    check("{ column = \"x\", is_not = \"a\" }", ",", 1);
    check("{ column = \"x\", in = [\"a\", \"b\"] }", "b,", 1);
    check("{ column = \"x\", not_in = [\"a\", \"b\"] }", "b,", 0);
    check("{ column = \"x\", empty = true }", ",", 1);
    check("{ column = \"x\", empty = false }", ",", 0);
    check("{ column = \"x\", above = 0 }", "0,", 0);
    check("{ column = \"x\", at_least = 0 }", "0,", 1);
    check("{ column = \"x\", below = 1.5 }", "1,", 1);
    check("{ column = \"x\", at_most = 1.5 }", ",", 0);
    check("{ column = \"x\", same_as = \"y\" }", "a,a", 1);
    check("{ column = \"x\", same_as = \"y\" }", ",", 0);
    check("{ column = \"x\", differs_from = \"y\" }", "a,", 1);
    check("{ column = \"x\", is = \"a\" }, { column = \"y\", is = \"b\" }", "a,c", 0);
    let refused = "unmapped: column x: \"many\"; wanted a number to compare".to_owned();
    assert_eq!(holds("{ column = \"x\", above = 0 }", "many,"), Ok(Err(refused)));
}

#[test]
fn a_row_is_taken_whole_or_refused_whole() {
    let twice = format!(
        "{LOGIN}once_per = \"day\"\n[[source.event]]\ntype = \"login\"\nid = \"b{{n}}\"\n\
         customer_id = \"{{who}}\"\ntime = {{ column = \"x\", format = \"date\" }}\n"
    );
    let Ok(mut bound) = mapper(&twice, "n,who,at,x") else {
        assert_eq!(mapper(&twice, "n,who,at,x").err(), None);
        return;
    };
    assert!(row(&mut bound, b"1,c,2026-01-02,never").is_err());
    // The day of the refused row was not remembered.
    assert_eq!(row(&mut bound, b"1,c,2026-01-02,2026-01-02").map(|events| events.len()), Ok(2));
    assert_eq!(row(&mut bound, b"2,c,2026-01-02,2026-01-02").map(|events| events.len()), Ok(1));
    assert_eq!(row(&mut bound, b"3,d,2026-01-02,2026-01-02").map(|events| events.len()), Ok(2));
    assert_eq!(row(&mut bound, b"4,c,2026-01-03,2026-01-02").map(|events| events.len()), Ok(2));
    let same = format!("{LOGIN}{}", LOGIN.replace("format = \"csv\"\n", ""));
    let wanted = "unmapped: two events with the id \"1\"; wanted ids that differ";
    check(&same, "n,who,at", "1,c,2026-01-02", Err(wanted));
}

#[test]
fn a_row_for_which_nothing_holds_is_refused_or_skipped() {
    let source = format!("{LOGIN}when = [{{ column = \"n\", is = \"9\" }}]");
    let found = mapper(&source, "n,who,at").map(|mut m| row(&mut m, b"1,c,2026-01-02").is_err());
    assert_eq!(found, Ok(true));
    let source = format!("unmatched = \"skip\"\n{source}");
    let taken = mapper(&source, "n,who,at")
        .map(|mut mapper| mapper.map(b"1,c,2026-01-02", 2, &mut Mapped::default()));
    assert_eq!(taken, Ok(Ok(Taken::Skipped)));
}

#[test]
fn json_rows_are_mapped_too() {
    let source = LOGIN.replace("csv", "json").replace("{who}", "{user.id}");
    check(
        &source,
        "",
        r#"{"n":1,"user":{"id":"c-1"},"at":"2026-01-02"}"#,
        Ok(&[r#"{"customer_id":"c-1","id":"1","type":"login","time":1767312000000}"#]),
    );
    check(&source, "", "[]", Err("bad_json: no object; wanted one JSON object a line"));
}

#[test]
fn values_are_looked_up_in_another_file() {
    let source = "format = \"csv\"\nlookup = [{ name = \"who\", file = \"o.csv\", key = \"k\", \
                  value = \"v\", by = \"n\" }]\n";
    let map = Map::parse(&format!(
        "{HEAD}[[source]]\nfile = \"x.csv\"\n{source}{}",
        LOGIN.replace("format = \"csv\"\n", "")
    ));
    let table = map.ok().and_then(|map| map.table_for("x.csv"));
    let Some(table) = table else {
        assert!(table.is_some());
        return;
    };
    let rule = &table.lookups()[0];
    assert_eq!(rule.file, "o.csv");
    let mut reader = LookupReader::new(rule, Format::Csv { delimiter: b',' });
    for (line, bytes) in ["v,k", "c-1,1", "c-1,1", "c-2,2"].iter().enumerate() {
        assert_eq!(reader.take(bytes.as_bytes(), line as u64), Ok(()));
    }
    let again = reader.take(b"c-3,2", 5).map_err(|fault| fault.to_string());
    let wanted = "line 5: \"2\" again, now with \"c-3\"; wanted \"c-2\" as before, for a key has \
                  one value";
    assert_eq!(again, Err(wanted.to_owned()));
    let bound = Mapper::new(Arc::clone(&table), Some(b"n,at"), vec![reader.finish()]);
    let found = bound.map(|mut mapper| {
        let found = row(&mut mapper, b"1,2026-01-02").map(|events| events[0].contains("\"c-1\""));
        (found, row(&mut mapper, b"9,2026-01-02"))
    });
    let absent = "unmapped: column who: \"9\" is not in o.csv; wanted a text for customer_id";
    assert_eq!(found.map_err(|_| ()), Ok((Ok(true), Err(absent.to_owned()))));
}

#[test]
fn a_header_without_a_column_is_a_fault() {
    let faults = |header| mapper(LOGIN, header).err().unwrap_or_default();
    assert_eq!(faults("n,whom,at"), ["column who: not in the header; wanted \"whom\" perhaps"]);
    assert_eq!(faults("n,who,at,n"), ["column n: more than once in the header; wanted one"]);
    assert_eq!(faults("").len(), 3);
}

#[test]
fn every_fault_of_a_map_is_told_at_once() {
    let text = r#"
        colour = 1
        [map]
        id = "m"
        version = 0
        timezone = "Mars"
        [sources]
        logn = {}
        feature_used = { since = "yesterday" }
        [[source]]
        file = "a.csv"
        format = "xml"
        delimiter = ";;"
        sort = "id"
        [[source.event]]
        type = "login"
        id = "always"
        customer_id = "{c"
        time = { column = "t", format = "noon" }
        fields = { user = "{u}" }
        when = [{ column = "x" }, { column = "x", is = "a", above = 1 }, { above = "b" }]
        [[source.event]]
        type = "logout"
        [[source.event]]
        type = "session_ended"
        id = "{c}"
        fields = { duration_s = "long", started_at = "{x}", user_id = { column = "u", scale = 2 } }
    "#;
    let faults = Map::parse(text).err().unwrap_or_default();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let all = said.join("\n");
    for part in [
        "map, version: ",
        "map, timezone: \"Mars\"",
        "sources, logn: an unknown type of event; wanted \"login\" perhaps",
        "sources, feature_used, since: \"yesterday\"; wanted RFC 3339",
        "source 1 (a.csv), format: \"xml\"; wanted \"csv\" or \"json\"",
        "source 1 (a.csv), delimiter: \";;\"",
        "source 1 (a.csv), sort: another word",
        "source 1 (a.csv), event 1 (login), id: \"always\"",
        "source 1 (a.csv), event 1 (login), customer_id: \"{c\"",
        "event 1 (login), time, format: \"noon\"",
        "(login), fields.user: a field this type does not carry; wanted \"user_id\" perhaps",
        "event 1 (login), when 1: 0 tests",
        "event 1 (login), when 2: 2 tests",
        "event 1 (login), when 3, column: nothing",
        "event 2 (logout), type: \"logout\"",
        "event 3 (session_ended), fields.duration_s: \"long\"; wanted a number",
        "event 3 (session_ended), fields.started_at: a text; wanted { column",
        "event 3 (session_ended), fields.user_id: scale or offset",
        "colour: a key that nothing reads",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
}

#[test]
fn what_a_source_gives_must_be_listed() {
    let text = format!("{HEAD}[[source]]\nfile = \"x\"\n{LOGIN}").replace("login = {}", "");
    let faults = Map::parse(&text).err().unwrap_or_default();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let wanted = "sources, login: nothing, yet x gives it; wanted login = {}, for a model may not \
                  count on it";
    assert_eq!(said, [wanted]);
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let faults = Map::parse("[map]\nid = \n").err().unwrap_or_default();
    assert_eq!(faults.first().map(|fault| fault.place.as_str()), Some("line 2"));
    assert!(Map::parse("").is_err_and(|faults| 3 <= faults.len()));
}

#[test]
fn the_shipped_maps_hold() {
    for name in ["socialnet7", "ravenstack"] {
        let map = super::shipped(name).map(Map::parse);
        let faults: Vec<String> = match &map {
            Some(Err(faults)) => faults.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        assert_eq!(faults, [""; 0], "{name}");
        let id = map.and_then(Result::ok).map(|map| map.id);
        assert_eq!(id.as_deref(), Some(name));
    }
    assert!(super::shipped("none").is_none());
}

#[test]
fn a_03_a_map_brings_its_sources() {
    let map = Map::parse(&format!("{HEAD}[[source]]\nfile = \"x*\"\nsort = \"time\"\n{LOGIN}"));
    let Ok(map) = map else {
        assert!(map.is_ok());
        return;
    };
    let since = |kind| map.sources.iter().find(|(known, _)| *known == kind).map(|(_, s)| *s);
    assert_eq!(since(Kind::Login), Some(None));
    let first = since(Kind::FeatureUsed).flatten().map(|time| time.to_string());
    assert_eq!(first.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(since(Kind::Tick), None);
    assert_eq!(map.table_for("xyz").map(|table| table.order()), Some(Order::Time));
    assert!(map.table_for("y").is_none());
    assert_eq!(map.patterns().collect::<Vec<_>>(), ["x*"]);
}
