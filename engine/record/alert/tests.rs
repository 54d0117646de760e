//! The bytes of an alert, and what makes its id.

use super::*;

fn identity() -> Identity<'static> {
    Identity {
        customer_id: "c-42",
        kind: AlertKind::Band,
        rule: "risk",
        at: EventTime::from_millis(1_795_255_200_000),
        from: Some("medium"),
        to: Some("high"),
        repetition: 0,
    }
}

fn alert() -> Alert {
    Alert {
        id: alert_id(&identity()),
        kind: AlertKind::Band,
        rule: "risk".to_owned(),
        score: Some("risk".to_owned()),
        direction: Direction::Worse,
        customer_id: "c-\"42\"".to_owned(),
        at: EventTime::from_millis(1_795_255_200_000),
        from: Some("medium".to_owned()),
        to: Some("high".to_owned()),
        value: Some(75.0),
        previous: Some(35.123_456_789),
        cause: Cause::Event { id: "e-1".to_owned() },
        reasons: vec![Part::Cap {
            cap: "behaviour".to_owned(),
            value: 45.0,
            threshold: 40.0,
            points: -5.0,
        }],
        model_id: "default".to_owned(),
        model_version: 1,
        open_since: None,
        owner: Some("csm-3".to_owned()),
    }
}

#[test]
fn d_6_every_key_is_there_in_the_order_of_the_sample() {
    let id = alert_id(&identity()).to_string();
    let wanted = format!(
        concat!(
            r#"{{"id":"{}","kind":"band","rule":"risk","score":"risk","direction":"worse","#,
            r#""customer_id":"c-\"42\"","at":"2026-11-21T10:00:00Z","from":"medium","#,
            r#""to":"high","value":75.0,"previous":35.123456789,"#,
            r#""cause":{{"type":"event","id":"e-1"}},"#,
            r#""reasons":[{{"cap":"behaviour","value":45.0,"threshold":40.0,"points":-5.0}}],"#,
            r#""playbook":null,"model":{{"id":"default","version":1}},"#,
            r#""open_since":null,"owner":"csm-3"}}"#
        ),
        id
    );
    assert_eq!(String::from_utf8_lossy(&alert().to_json()), wanted);
}

#[test]
fn d_5_a_cause_is_an_event_a_record_or_a_timer() {
    let json = |cause: &Cause| {
        let mut out = Vec::new();
        cause.write_json(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    assert_eq!(json(&Cause::Timer), r#"{"type":"timer"}"#);
    let (id, topic) = ("e".to_owned(), "t".to_owned());
    assert_eq!(
        json(&Cause::Record { id, topic, partition: 3, offset: 88_120 }),
        r#"{"type":"event","id":"e","topic":"t","partition":3,"offset":88120}"#
    );
}

#[test]
fn a_41_milliseconds_are_shown_only_where_there_are_some() {
    let at = EventTime::from_millis(7);
    let json = Alert { at, open_since: Some(at), ..alert() }.to_json();
    let json = String::from_utf8_lossy(&json);
    assert!(json.contains(r#""at":"1970-01-01T00:00:00.007Z""#), "{json}");
    assert!(json.contains(r#""open_since":"1970-01-01T00:00:00.007Z""#), "{json}");
}

#[test]
fn a_37_an_id_changes_with_each_part_and_with_nothing_else() {
    let one = identity();
    let others = [
        Identity { customer_id: "c-43", ..one },
        Identity { kind: AlertKind::Signal, ..one },
        Identity { rule: "risk_cs", ..one },
        Identity { at: EventTime::FIRST, ..one },
        Identity { from: Some("low"), ..one },
        Identity { to: None, ..one },
        Identity { repetition: 1, ..one },
    ];
    for other in others {
        assert_ne!(alert_id(&one), alert_id(&other), "{other:?}");
    }
    assert_eq!(alert_id(&one), alert_id(&identity()));
    assert_eq!(alert_id(&one).to_string(), "92462c78718d9eb615679452e25ffa27");
}

/// Every part there is, with texts that want escapes.
fn parts() -> Vec<Part> {
    let text = |text: &str| format!("{text} \"\\ü\n");
    let (value, threshold, points) = (1.0 / 3.0, 0.5, 20.0);
    let input = Input { input: text("i"), value, low: -1.0, high: 1e-7, score: 0.0 };
    vec![
        Part::Signal { signal: text("s"), name: text("n"), value, threshold, points },
        Part::Cap { cap: text("c"), value, threshold, points: -5.25 },
        Part::Floor { floor: text("f"), value, threshold, points },
        Part::Override { by: text("b"), reason: None, value, points },
        Part::Override { by: text("b"), reason: Some(text("r")), value, points },
        Part::Subscore {
            subscore: text("s"),
            value,
            weight: 0.4,
            points,
            inputs: vec![input.clone(), input],
        },
        Part::Subscore { subscore: text("s"), value, weight: 0.4, points, inputs: Vec::new() },
    ]
}

#[test]
fn a_part_is_written_as_serde_json_writes_it() {
    for part in parts() {
        let mut written = Vec::new();
        part.write_json(&mut written);
        let wanted = serde_json::to_string(&part).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&written), wanted);
    }
}

#[test]
fn what_is_written_reads_back() {
    let (id, topic) = ("e\u{1}".to_owned(), "t".to_owned());
    let whole = Alert {
        cause: Cause::Record { id, topic, partition: 3, offset: -1 },
        reasons: parts(),
        open_since: Some(EventTime::FIRST),
        ..alert()
    };
    let bare = Alert {
        kind: AlertKind::Drop,
        direction: Direction::Faded,
        score: None,
        value: None,
        owner: None,
        cause: Cause::Timer,
        ..alert()
    };
    for alert in [alert(), whole, bare] {
        assert_eq!(Alert::from_json(&alert.to_json()), Some(alert));
    }
    assert_eq!(Alert::from_json(b"{}"), None);
}
