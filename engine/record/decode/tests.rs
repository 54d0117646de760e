//! What the decoder takes, and what it refuses and why.

use proptest::prelude::*;

use super::*;
use crate::record::{Field, Value};
use crate::unit::{EventTime, Micros};

/// A valid record with `rest` behind the envelope, such as `,"user_id":"u"`.
fn login(rest: &str) -> String {
    format!(r#"{{"id":"e-1","type":"login","customer_id":"c-42","time":1000{rest}}}"#)
}

fn check(record: impl AsRef<[u8]>, wanted: Result<(), Reason>) {
    let record = record.as_ref();
    let found = decode(record).map(|_| ()).map_err(|reject| reject.reason);
    assert_eq!(found, wanted, "{}", String::from_utf8_lossy(record));
}

fn event(record: &str) -> Event<'_> {
    match decode(record.as_bytes()) {
        Ok(Decoded::Event(event)) => event,
        other => unreachable!("{record}: {other:?}"),
    }
}

fn detail(record: &str) -> String {
    decode(record.as_bytes()).err().map(|reject| reject.to_string()).unwrap_or_default()
}

#[test]
fn the_sample_of_the_design_is_an_event() {
    let event = event(concat!(
        r#"{"id":"01JD","type":"feature_used","customer_id":"c-42","#,
        r#""time":"2026-11-21T10:00:00Z","user_id":"u-7","feature_id":"export"}"#
    ));
    assert_eq!((&*event.id, event.kind, &*event.customer_id), ("01JD", Kind::FeatureUsed, "c-42"));
    assert_eq!(event.time, EventTime::from_millis(1_795_255_200_000));
    assert_eq!(event.text(Field::User), Some("u-7"));
    assert_eq!(event.text(Field::Feature), Some("export"));
    assert!(matches!(event.id, Cow::Borrowed(_)));
}

#[test]
fn names_may_come_in_any_order_and_spaces_anywhere() {
    let event = event(
        " { \"mrr\" : 12.5 ,\t\"time\":1 , \"customer_id\" : \"c\" ,\n \"plan\":\"pro\",\
          \"type\":\"customer_created\", \"id\" :\"e\" }\r\n",
    );
    assert_eq!(event.kind, Kind::CustomerCreated);
    assert_eq!(event.number(Field::Mrr), Some(Micros::new(12_500_000)));
    assert_eq!(event.text(Field::Plan), Some("pro"));
}

#[test]
fn escapes_in_names_and_texts_are_read() {
    let event = event(concat!(
        r#"{"\u0069d":"a\"b","type":"log\u0069n","customer_id":"\u00fc\n","time":1,"#,
        r#""user\u005fid":"\ud83d\ude00"}"#
    ));
    assert_eq!((&*event.id, &*event.customer_id), ("a\"b", "ü\n"));
    assert_eq!(event.text(Field::User), Some("😀"));
}

#[test]
fn a_38_only_the_envelope_is_required() {
    check(login(""), Ok(()));
    check(r#"{"id":"e","type":"login","customer_id":"c"}"#, Err(Reason::MissingField));
    check(login("").replace("1000", "null"), Err(Reason::MissingField));
    check("{}", Err(Reason::MissingField));
    let wanted = "missing_field: id, time: absent or null; wanted a value";
    assert_eq!(detail(r#"{"id":null,"type":"login","customer_id":"c"}"#), wanted);
}

#[test]
fn a_38_a_null_field_is_absent() {
    let record = login(r#","user_id":null,"device":"phone""#);
    let event = event(&record);
    assert_eq!(event.get(Field::User), None);
    assert_eq!(event.fields.len(), 1);
}

#[test]
fn a_38_a_wrong_json_kind_is_refused_and_named() {
    check(login(r#","user_id":7"#), Err(Reason::WrongForm));
    check(login("").replace("\"e-1\"", "1"), Err(Reason::WrongForm));
    check(login("").replace("\"c-42\"", "[\"c\"]"), Err(Reason::WrongForm));
    check(login("").replace("\"login\"", "true"), Err(Reason::WrongForm));
    check(login("").replace("1000", "true"), Err(Reason::WrongForm));
    let wanted = "wrong_form: user_id: found an array; wanted a string";
    assert_eq!(detail(&login(r#","user_id":["u"]"#)), wanted);
}

#[test]
fn a_38_a_repeated_name_is_refused_whether_known_or_not() {
    let twice = Err(Reason::RepeatedKey);
    check(login(r#","id":"e-1""#), twice);
    check(login(r#","time":null"#), twice);
    check(login(r#","user_id":"a","user_id":"a""#), twice);
    check(login(r#","user_id":null,"user_id":"a""#), twice);
    check(login(r#","zzz":1,"yyy":2,"zzz":{}"#), twice);
    check(login(r#","zzz":1,"\u007azz":2"#), twice);
    check(login(r#","":1,"":2"#), twice);
    check(login(r#","zzz":{"a":1,"a":2}"#), Ok(()));
    assert_eq!(
        detail(&login(r#","z":1,"z":1"#)),
        "repeated_key: z: found twice; wanted every name once"
    );
    // A detail stays short however long the name is.
    let long = "n".repeat(10_000);
    assert!(detail(&login(&format!(r#","{long}":1,"{long}":1"#))).len() < 100);
    assert!(detail(&format!("\"{long}\"")).len() < 300);
    // More names than are compared pair by pair.
    let many: String = (0..40).map(|n| format!(r#","k{n}":{n}"#)).collect();
    check(login(&many), Ok(()));
    check(login(&format!(r#"{many},"k7":0"#)), twice);
}

#[test]
fn a_38_the_key_of_a_record_is_its_customer() {
    let record = login("");
    let event = event(&record);
    assert_eq!(check_key(&event, Some(b"c-42")), Ok(()));
    for key in [None, Some(&b"c-4"[..]), Some(b"")] {
        let reason = check_key(&event, key).err().map(|reject| reject.reason);
        assert_eq!(reason, Some(Reason::WrongKey));
    }
}

#[test]
fn unknown_names_and_names_of_other_types_are_skipped_whatever_they_hold() {
    let rest = r#","zzz":{"a":[1e999,{"b":null}]},"amount":"x","scale_min":[],"n":1e999"#;
    let record = login(&format!(r#"{rest},"device":"tv""#));
    let event = event(&record);
    assert_eq!(event.fields.to_vec(), [(Field::Device, Value::Text("tv".into()))]);
    // The name that serde_json keeps for itself is a name like any other.
    check(login(r#","$serde_json::private::RawValue":"x""#), Ok(()));
    // Before its type is known too.
    check(r#"{"amount":[],"n":1e999,"id":"e","type":"login","customer_id":"c","time":0}"#, Ok(()));
}

#[test]
fn an_unknown_type_in_a_whole_envelope_is_no_reject() {
    let record = login("").replace("login", "weather_changed");
    assert_eq!(decode(record.as_bytes()), Ok(Decoded::Unknown("weather_changed".into())));
    check(login("").replace("login", "").as_bytes(), Ok(()));
    check(record.replace("1000", "\"yesterday\""), Err(Reason::BadTime));
    check(record.replace("c-42", ""), Err(Reason::BadId));
}

#[test]
fn ids_have_one_to_so_many_bytes() {
    let with = |id: &str, customer: &str| {
        format!(r#"{{"id":"{id}","type":"login","customer_id":"{customer}","time":0}}"#)
    };
    check(with("a", "c"), Ok(()));
    check(with("", "c"), Err(Reason::BadId));
    check(with("a", ""), Err(Reason::BadId));
    check(with(&"a".repeat(128), "c"), Ok(()));
    check(with(&"a".repeat(129), "c"), Err(Reason::BadId));
    check(with("a", &"c".repeat(256)), Ok(()));
    check(with("a", &"c".repeat(257)), Err(Reason::BadId));
    // Bytes are counted, not characters, and as they are read, not as they are escaped.
    check(with(&"ü".repeat(64), "c"), Ok(()));
    check(with(&"ü".repeat(65), "c"), Err(Reason::BadId));
    check(with(&"\\u0061".repeat(128), "c"), Ok(()));
}

#[test]
fn a_40_times_outside_1970_to_9999_are_refused() {
    let with = |time: &str| login("").replace("1000", time);
    for good in ["0", "253402300799999", "\"9999-12-31T23:59:59.999Z\"", "\"1970-01-01T00:00:00z\""]
    {
        check(with(good), Ok(()));
    }
    for bad in [
        "-1",
        "253402300800000",
        "1.0",
        "1e3",
        "1e999",
        "\"1000\"",
        "\"0000-01-01T00:00:00Z\"",
        "\"10000-01-01T00:00:00Z\"",
        "\"1969-12-31T23:59:59.999Z\"",
        "\"2026-11-21T10:00:00\"",
        "\"2016-12-31T23:59:60Z\"",
        "\"\"",
    ] {
        check(with(bad), Err(Reason::BadTime));
    }
    let wanted = "bad_time: time: found 1e3; wanted whole milliseconds from 0 to 253402300799999";
    assert_eq!(detail(&with("1e3")), wanted);
}

#[test]
fn what_is_no_json_object_is_refused() {
    let bad = Err(Reason::BadJson);
    for record in ["", " ", "\n", "null", "7", "\"x\"", "[]", "[{}]", "{", "{]", "nul", "{}{}"] {
        check(record, bad);
    }
    check(login("") + "x", bad);
    check(login("") + "\0", bad);
    check(login("") + "  \r\n", Ok(()));
    check("\u{feff}".to_owned() + &login(""), bad);
    check(login(",").as_bytes(), bad);
    check(login(r#","x":01"#), bad);
    check(login(r#","x":NaN"#), bad);
    check(login(r#","x":.5"#), bad);
    check(login(r#","x":'a'"#), bad);
    check(login(r#","user_id":"\ud83d""#), bad);
    check(login(r#","user_id":"\x""#), bad);
    check(login(",\"x\":\"\0\""), bad);
    check(login(",\"x\":\"a\tb\""), bad);
    check(&login(r#","x":"y""#).as_bytes()[..60], bad);
    check("\0".repeat(100), bad);
    let mut invalid = login(r#","x":"y""#).into_bytes();
    let at = invalid.len() - 3;
    invalid[at] = 0xff;
    check(&invalid, bad);
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    let nested =
        |depth: usize| login(&format!(r#","x":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    check(nested(limit::RECORD_DEPTH_MAX), Ok(()));
    check(nested(limit::RECORD_DEPTH_MAX + 1), Err(Reason::BadJson));
    check(nested(50_000), Err(Reason::BadJson));
    check("[".repeat(100_000), Err(Reason::BadJson));
    check(login(&format!(r#","x":{}"#, r#"{"a":"#.repeat(20_000))), Err(Reason::BadJson));
    check(r#"{"a":"#.repeat(20_000), Err(Reason::BadJson));
    // Brackets inside texts nest nothing, and many short lists beside each other do not add up.
    check(login(&format!(r#","x":["{}\""]"#, "[".repeat(1_000))), Ok(()));
    check(login(&format!(r#","x":[{}0]"#, "[[]],".repeat(1_000))), Ok(()));
}

#[test]
fn a_record_has_a_bound() {
    let padding = |len: usize| login(&format!(r#","x":"{}""#, "a".repeat(len)));
    let room = limit::RECORD_BYTES_MAX - padding(0).len();
    check(padding(room), Ok(()));
    check(padding(room + 1), Err(Reason::TooLarge));
}

#[test]
fn a_number_too_large_for_anything_is_refused_where_it_means_something() {
    let purchase = |amount: &str| {
        login(&format!(r#","amount":{amount}"#)).replace("\"login\"", "\"purchase\"")
    };
    check(purchase("1e12"), Ok(()));
    check(purchase("1e999"), Err(Reason::OutOfRange));
    check(purchase("-1e999"), Err(Reason::OutOfRange));
    check(purchase("1e-999"), Ok(()));
    check(purchase(&"9".repeat(500)), Err(Reason::OutOfRange));
}

#[test]
fn an_event_carries_its_fields_in_the_order_of_the_record() {
    let record =
        r#"{"amount":3.5,"id":"e","items":2,"type":"purchase","customer_id":"c","time":0}"#;
    let fields = event(record).fields;
    let names: Vec<_> = fields.iter().map(|(field, _)| *field).collect();
    assert_eq!(names, [Field::Amount, Field::Items]);
}

/// Drives both roads over `record`; returns whether the quick one took it.
fn both_roads(record: &str) -> bool {
    let Some(event) = quick::event(record) else { return false };
    assert_eq!(read(record), Ok(Decoded::Event(event)), "{record}");
    true
}

#[test]
fn ordinary_records_take_the_quick_road_and_others_the_whole_one() {
    let survey = r#","kind":"nps","value":6.5,"scale_max":10,"user_id":null,"colour":"red""#;
    for ordinary in [
        login(""),
        login(r#","user_id":"ü","device":null,"a":1,"b":"x","c":true"#),
        login("").replace("1000", r#""2026-11-21T10:00:00.25+01:00""#),
        login(survey).replace("login", "survey_response"),
        login(r#","granted":true,"purpose":"p""#).replace("login", "consent_changed"),
        login(r#","step":3"#).replace("login", "intervention_step_done"),
        login(r#","birthday":"1969-12-31""#).replace("login", "profile_dates"),
    ] {
        assert!(both_roads(&ordinary), "{ordinary}");
    }
    for other in [
        login(r#","user_id":"a","user_id":"a""#),
        login(r#","user_id":null,"user_id":"a""#),
        login(r#","colour":1,"colour":1"#),
        login(r#","time":1000"#),
        login(r#","user_id":"\u0061""#),
        login(r#","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1"#),
        login("").replace("login", "logout"),
        login("").replace("e-1", ""),
        login("").replace("e-1", &"e".repeat(limit::EVENT_ID_BYTES_MAX + 1)),
        login("").replace("1000", "-1"),
        login(r#","value":11,"kind":"nps""#).replace("login", "survey_response"),
        r#"{"user_id":"u","type":"login","id":"e","customer_id":"c","time":1}"#.to_owned(),
    ] {
        assert!(!both_roads(&other), "{other}");
    }
}

proptest! {
    #[test]
    fn what_the_quick_road_takes_the_whole_road_takes_alike(
        kind in prop::sample::select(Kind::ALL),
        parts in prop::collection::vec((0..Field::ALL.len() + 2, prop::sample::select(vec![
            "null", "true", "1", "-1", "0.5", "3", "1e2", "\"x\"", "\"nps\"", "\"a\\nb\"", "[]",
            "\"2026-11-21\"", "\"2026-11-21T10:00:00Z\"", "\"high\"", "1795255200000", "\"\"",
        ])), 0..6),
    ) {
        let mut record = login("").replace("login", kind.name());
        record.pop();
        for (field, value) in parts {
            let name = Field::ALL.get(field).map_or("unlisted", |field| field.name());
            record += &format!(",\"{name}\":{value}");
        }
        both_roads(&(record + "}"));
    }
}
