//! The contracts of `schemas/`: they hold for their examples, for what the engine reads and for
//! what it writes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first fault")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use ebb::record::alert::{AlertKind, Cause, Direction, Identity, KpiAlert, Part, alert_id};
use ebb::record::reject::Reason;
use ebb::record::scores::{Forecast, ScoreLine, Status};
use ebb::record::{Alert, Decoded, Form, Kind, Reject, ScoreRecord, decode, reject_line};
use ebb::unit::{EventTime, Points};
use jsonschema::Validator;
use serde_json::{Value, json};

fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn schema(name: &str) -> Value {
    let text = fs::read(schemas().join(format!("{name}.schema.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn validator(name: &str) -> Validator {
    let schema = schema(name);
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// The examples of `folder` by the names of their files without `.json`, in order.
fn examples(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut examples = Vec::new();
    for entry in fs::read_dir(schemas().join("examples").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        examples.push((name, fs::read(&path).unwrap()));
    }
    examples.sort();
    assert!(3 < examples.len(), "{folder}");
    examples
}

fn check(validator: &Validator, name: &str, bytes: &[u8]) -> Value {
    let value = serde_json::from_slice(bytes).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}");
    value
}

#[test]
fn every_event_example_holds_and_decodes_to_the_type_in_its_name() {
    let validator = validator("event");
    let mut seen = BTreeSet::new();
    for (name, bytes) in examples("event") {
        check(&validator, &name, &bytes);
        let kind_name = name.split('.').next().unwrap();
        match decode(&bytes) {
            Ok(Decoded::Event(event)) => {
                assert_eq!(event.kind.name(), kind_name);
                // The example named by its type alone carries every field there is.
                if name == kind_name {
                    assert_eq!(event.fields.len(), event.kind.fields().len(), "{name}");
                    seen.insert(event.kind);
                }
                let again = event.to_json();
                check(&validator, &name, &again);
                let same = decode(&again) == decode(&bytes);
                assert!(same, "{name}");
            }
            Ok(Decoded::Unknown(_)) => assert_eq!(name, "unregistered_type"),
            Err(reject) => unreachable!("{name}: {reject}"),
        }
    }
    assert_eq!(seen.len(), Kind::ALL.len());
}

#[test]
fn every_rejected_example_is_refused_for_the_reason_in_its_name() {
    let mut seen = BTreeSet::new();
    for (name, bytes) in examples("event-rejected") {
        let reason = decode(&bytes).expect_err(&name).reason;
        assert_eq!(Some(reason.name()), name.split('.').next(), "{name}");
        seen.insert(reason);
    }
    // These are not the decoder's: a record's length, its moment, its key and its row.
    let others = [Reason::TooLarge, Reason::FromTheFuture, Reason::WrongKey, Reason::Unmapped];
    for reason in Reason::ALL {
        assert!(seen.contains(reason) != others.contains(reason), "{reason:?}");
    }
}

#[test]
fn the_event_schema_refuses_what_the_engine_refuses_where_json_schema_can_say_it() {
    // JSON Schema reads 1.0 as an integer, knows no calendar, and compares no two fields.
    let unsaid = ["bad_time.float", "bad_time.year_0", "out_of_range.scale_without_room"];
    let validator = validator("event");
    for (name, bytes) in examples("event-rejected") {
        if ["bad_json", "repeated_key"].iter().any(|reason| name.starts_with(reason)) {
            continue;
        }
        // A number too large for the reader is refused before any schema sees it.
        let Ok(value) = serde_json::from_slice(&bytes) else { continue };
        assert_eq!(validator.is_valid(&value), unsaid.contains(&name.as_str()), "{name}");
    }
}

/// What the schema of a field says beside its description, whatever its bounds.
fn shape_of(form: Form) -> Value {
    let moment = json!({"$ref": "#/$defs/moment"});
    match form {
        Form::Text => json!({"type": ["string", "null"]}),
        Form::Label => json!({"type": ["string", "integer", "null"]}),
        Form::Number | Form::Amount => json!({"type": ["number", "null"]}),
        Form::Count => json!({"type": ["integer", "null"]}),
        Form::Flag => json!({"type": ["boolean", "null"]}),
        Form::Time => json!({"anyOf": [moment, {"type": "null"}]}),
        Form::Day => json!({"anyOf": [{"$ref": "#/$defs/day"}, moment, {"type": "null"}]}),
        Form::OneOf(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({"enum": words.chain([Value::Null]).collect::<Vec<_>>()})
        }
    }
}

#[test]
fn the_event_schema_and_the_vocabulary_list_the_same_types_fields_and_forms() {
    let schema = schema("event");
    let defs = schema["$defs"].as_object().unwrap();
    let wanted: BTreeSet<&str> =
        Kind::ALL.iter().map(|kind| kind.name()).chain(["moment", "day"]).collect();
    assert_eq!(defs.keys().map(String::as_str).collect::<BTreeSet<_>>(), wanted);
    let rows = schema["allOf"].as_array().unwrap();
    assert_eq!(rows.len(), Kind::ALL.len());
    for (kind, row) in Kind::ALL.iter().zip(rows) {
        let name = kind.name();
        assert_eq!(row["if"]["properties"]["type"]["const"], json!(name));
        assert_eq!(row["then"]["$ref"], json!(format!("#/$defs/{name}")));
        let description = defs[name]["description"].as_str().unwrap();
        assert!(description.starts_with(kind.code()), "{name}: {description}");
        let properties = defs[name]["properties"].as_object().unwrap();
        assert_eq!(properties.len(), kind.fields().len(), "{name}");
        for (field, form) in kind.fields() {
            let mut found = properties[field.name()].as_object().unwrap().clone();
            found.remove("description");
            let bounds = (found.remove("minimum"), found.remove("maximum"));
            assert_eq!(Value::Object(found), shape_of(*form), "{name} {}", field.name());
            if matches!(form, Form::Amount | Form::Count) {
                assert_eq!(bounds.0, Some(json!(0)), "{name} {}", field.name());
            }
        }
    }
}

/// Every property of `schema`, at any depth, has words that say what it is.
fn check_described(place: &str, schema: &Value) {
    let Some(object) = schema.as_object() else {
        for (at, item) in schema.as_array().into_iter().flatten().enumerate() {
            check_described(&format!("{place}/{at}"), item);
        }
        return;
    };
    for (key, value) in object {
        let place = format!("{place}/{key}");
        // A condition repeats a property only to bound it.
        if key == "if" || key == "then" {
            continue;
        }
        if key == "properties" {
            for (name, property) in value.as_object().unwrap() {
                let words = property["description"].as_str().unwrap_or_default();
                assert!(8 <= words.len() && words.ends_with('.'), "{place}/{name}: {words:?}");
            }
        }
        check_described(&place, value);
    }
}

#[test]
fn every_property_of_every_schema_is_described() {
    for name in ["event", "alert", "scores", "reject"] {
        check_described(name, &schema(name));
    }
}

#[test]
fn every_alert_example_holds_and_its_id_is_what_the_alert_is() {
    let validator = validator("alert");
    let mut seen = BTreeSet::new();
    for (name, bytes) in examples("alert") {
        let alert = check(&validator, &name, &bytes);
        let text = |key: &str| alert[key].as_str();
        if text("kind") == Some("kpi") {
            assert_eq!(alert, serde_json::from_slice::<Value>(&kpi().to_json()).unwrap(), "{name}");
            continue;
        }
        let kind = AlertKind::ALL.iter().find(|kind| Some(kind.name()) == text("kind")).unwrap();
        seen.insert(*kind);
        let id = alert_id(&Identity {
            customer_id: text("customer_id").unwrap(),
            kind: *kind,
            rule: text("rule").unwrap(),
            at: EventTime::parse(text("at").unwrap()).unwrap(),
            from: text("from"),
            to: text("to"),
            repetition: 0,
        });
        assert_eq!(text("id"), Some(id.to_string().as_str()), "{name}");
        if *kind == AlertKind::Band {
            let points = alert["reasons"].as_array().unwrap().iter();
            let sum: f64 = points.map(|part| part["points"].as_f64().unwrap()).sum();
            let off = (sum - alert["value"].as_f64().unwrap()).abs();
            assert!(off < 1e-9, "{name}: {sum}");
        }
    }
    assert_eq!(seen.len(), AlertKind::ALL.len());
}

#[test]
fn every_scores_and_reject_example_holds() {
    for (name, bytes) in examples("scores") {
        check(&validator("scores"), &name, &bytes);
    }
    for (name, bytes) in examples("reject") {
        let line = check(&validator("reject"), &name, &bytes);
        let encoded = line["bytes_base64"].as_str().unwrap();
        let record = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
        let reject = decode(&record).expect_err(&name);
        assert_eq!(line["reason"], json!(reject.reason.name()), "{name}");
        assert_eq!(line["detail"], json!(reject.detail), "{name}");
    }
}

/// The example `kpi` as the engine would write it.
fn kpi() -> KpiAlert<'static> {
    KpiAlert {
        rule: "high risk share",
        direction: Direction::Better,
        at: EventTime::parse("2026-11-21T10:00:02Z").unwrap(),
        value: 17.5,
        previous: Some(18.25),
        snapshot: "20261121T100002Z",
        model: ("default", 1),
        open_since: Some(EventTime::parse("2026-11-20T08:00:00Z").unwrap()),
    }
}

/// The example `band.worse` as the engine would hold it.
fn alert() -> Alert {
    let signal = |id: &str, name: &str, value, threshold, points| Part::Signal {
        signal: id.to_owned(),
        name: name.to_owned(),
        value,
        threshold,
        points,
    };
    let at = EventTime::parse("2026-11-21T10:00:00Z").unwrap();
    Alert {
        id: alert_id(&Identity {
            customer_id: "c-42",
            kind: AlertKind::Band,
            rule: "risk",
            at,
            from: Some("low"),
            to: Some("high"),
            repetition: 0,
        }),
        kind: AlertKind::Band,
        rule: "risk".to_owned(),
        score: Some("risk".to_owned()),
        direction: Direction::Worse,
        customer_id: "c-42".to_owned(),
        at,
        from: Some("low".to_owned()),
        to: Some("high".to_owned()),
        value: Some(75.0),
        previous: Some(20.0),
        cause: Cause::Record {
            id: "01JD0041".to_owned(),
            topic: "customer-events".to_owned(),
            partition: 3,
            offset: 88_120,
        },
        reasons: vec![
            signal("R3-B2", "reduced_use", 0.2, 0.3, 20.0),
            signal("R3-S1", "negative_feedback", 4.0, 7.0, 15.0),
            Part::Floor { floor: "RF-3".to_owned(), value: 75.0, threshold: 75.0, points: 40.0 },
        ],
        model_id: "default".to_owned(),
        model_version: 1,
        open_since: None,
        owner: Some("csm-3".to_owned()),
    }
}

fn example(folder: &str, name: &str) -> Value {
    let (_, bytes) = examples(folder).into_iter().find(|(found, _)| found == name).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn an_encoded_alert_is_the_example_whatever_its_direction_and_cause() {
    let validator = validator("alert");
    let written = check(&validator, "alert", &alert().to_json());
    assert_eq!(written, example("alert", "band.worse"));
    for direction in [Direction::Worse, Direction::Better, Direction::Faded] {
        for &kind in AlertKind::ALL {
            let open_since = Some(EventTime::from_millis(1_795_255_200_001));
            let (cause, score) = (Cause::Timer, None);
            let (value, previous, reasons) = (Some(1.0 / 3.0), None, Vec::new());
            let odd = Alert {
                kind,
                direction,
                open_since,
                cause,
                score,
                value,
                previous,
                reasons,
                ..alert()
            };
            let written = check(&validator, kind.name(), &odd.to_json());
            assert_eq!(written["value"], json!(1.0 / 3.0));
            assert_eq!(written["open_since"], json!("2026-11-21T10:00:00.001Z"));
        }
    }
}

#[test]
fn encoded_scores_are_the_example() {
    let line = |name: &str, value, band: &str, coverage| ScoreLine {
        name: name.to_owned(),
        value: Some(Points::new(value)),
        band: Some(band.to_owned()),
        held: Some(band.to_owned()),
        coverage,
    };
    let record = ScoreRecord {
        customer_id: "c-42".to_owned(),
        at: EventTime::parse("2026-11-21T10:00:00Z").unwrap(),
        status: Status::Active,
        scores: vec![
            line("risk", 75.0, "high", 1.0),
            line("risk_cs", 81.538_461_538_461_54, "high", 1.0),
            line("retention", 72.5, "medium", 0.8),
        ],
        next: Some(Forecast {
            score: "risk".to_owned(),
            band: "medium".to_owned(),
            at: EventTime::parse("2027-03-21T10:00:00Z").unwrap(),
        }),
        model_id: "default".to_owned(),
        model_version: 1,
    };
    let written = check(&validator("scores"), "scores", &record.to_json());
    assert_eq!(written, example("scores", "active"));
    let bare = ScoreRecord { next: None, status: Status::Cancelled, ..record };
    check(&validator("scores"), "bare", &bare.to_json());
}

#[test]
fn a_reject_of_every_reason_is_a_line_that_gives_the_bytes_back() {
    let validator = validator("reject");
    for &reason in Reason::ALL {
        let bytes: Vec<u8> = (0..=255).collect();
        let line = reject_line(&Reject::new(reason, "found \"\u{1}\""), "a b.jsonl", 7, &bytes);
        let line = check(&validator, reason.name(), &line);
        let encoded = line["bytes_base64"].as_str().unwrap();
        let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
        assert_eq!((decoded, line["line"].as_u64()), (bytes, Some(7)));
    }
}
