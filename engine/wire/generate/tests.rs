//! What every stream promises.

#![expect(clippy::panic, reason = "a test may stop at its first surprise")]

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::*;
use crate::record::kind::{Field, Form, Kind};
use crate::record::{Decoded, decode};
use crate::unit::Key;

type Object = Map<String, Value>;

fn plan(customers: u32, events: u64, days: u32) -> Plan {
    let (seed, flavour) = (1, Flavour::Default);
    Plan { customers, events, days, seed, shares: Shares::default(), flavour, end: END }
}

fn bench(customers: u32, events: u64, days: u32) -> Plan {
    Plan { flavour: Flavour::Bench, ..plan(customers, events, days) }
}

fn disorder(late: u32, duplicates: u32, garbage: u32) -> Shares {
    let share = |per_mille: u32| Share::millionths(per_mille * 1_000);
    Shares { late: share(late), duplicates: share(duplicates), garbage: share(garbage) }
}

/// Every line with what is known of it.
fn lines(plan: &Plan) -> Vec<(Line, Vec<u8>)> {
    let Ok(mut generator) = Generator::new(plan) else { return Vec::new() };
    let mut lines = Vec::new();
    let mut out = Vec::new();
    while let Some(line) = generator.next_into(&mut out) {
        lines.push((line, std::mem::take(&mut out)));
    }
    lines
}

fn object(line: &[u8]) -> Object {
    match serde_json::from_slice(line) {
        Ok(Value::Object(object)) => object,
        other => panic!("{other:?}: {}", String::from_utf8_lossy(line)),
    }
}

fn text<'a>(object: &'a Object, name: &str) -> &'a str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn kind_of(object: &Object) -> Kind {
    Kind::named(text(object, "type")).unwrap_or_else(|| panic!("{object:?}"))
}

fn has_form(form: Form, value: &Value) -> bool {
    match form {
        Form::Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Form::Number => value.is_number(),
        Form::Amount => value.as_f64().is_some_and(|number| 0.0 <= number),
        Form::Count => value.is_u64(),
        Form::Flag => value.is_boolean(),
        Form::Time => value.as_str().is_some_and(|text| EventTime::parse(text).is_ok()),
        Form::Day => value.as_str().is_some_and(|text| text.len() == 10),
        Form::Label => value.is_string() || value.is_u64(),
        Form::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
    }
}

/// The event is one of the vocabulary, every field of the form its type asks for.
fn check_event(line: &Line, object: &Object) {
    let kind = kind_of(object);
    for (name, value) in object {
        if matches!(name.as_str(), "id" | "type" | "customer_id" | "time") {
            continue;
        }
        let form = Field::named(name).and_then(|field| kind.form(field));
        assert!(form.is_some_and(|form| has_form(form, value)), "{name} in {object:?}");
    }
    assert_eq!(EventTime::parse(text(object, "time")), Ok(line.time), "{object:?}");
    let mut key = Vec::new();
    line.key_into(&mut key);
    assert_eq!(text(object, "customer_id").as_bytes(), key);
}

fn check_count(plan: &Plan) {
    let written = lines(plan);
    assert_eq!(written.len() as u64, plan.events, "{plan:?}");
    let (start, end) = plan.span();
    let mut last = EventTime::from_millis(start);
    for (line, bytes) in &written {
        assert!(!bytes.is_empty() && !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')));
        assert!(line.customer < plan.customers);
        assert!(start <= line.time.millis() && line.time.millis() < end, "{line:?}");
        if line.sort == Sort::Fresh {
            assert!(last <= line.time, "{line:?} after {last}");
            last = line.time;
        }
    }
}

#[test]
fn a_stream_has_exactly_as_many_lines_as_asked_for() {
    for plan in [plan, bench] {
        for (customers, events, days) in [
            (1, 0, 1),
            (1, 1, 1),
            (1, 5_000, 400),
            (2, 3_000, 1),
            (1_000, 10, 120),
            (50, 5_000, 3_650),
            (300, 20_000, 7),
        ] {
            let plan = plan(customers, events, days);
            check_count(&plan);
            check_count(&Plan { shares: disorder(200, 100, 50), ..plan });
            check_count(&Plan { shares: disorder(1_000, 500, 0), ..plan });
            check_count(&Plan { shares: disorder(0, 0, 1_000), ..plan });
        }
    }
}

#[test]
fn a_plan_out_of_range_is_refused() {
    let fine = plan(10, 1_000, 30);
    let refused = |plan: Plan| Generator::new(&plan).err();
    assert_eq!(refused(Plan { customers: 0, ..fine }), Some(PlanFault::Customers(0)));
    assert_eq!(refused(Plan { days: 0, ..fine }), Some(PlanFault::Days(0)));
    let early = Plan { end: EventTime::from_millis(1_000), ..fine };
    assert_eq!(refused(early), Some(PlanFault::End(EventTime::from_millis(1_000), 30)));
    let shares = disorder(0, 501, 0);
    let fault = PlanFault::Shares(shares.duplicates, shares.garbage);
    assert_eq!(refused(Plan { shares, ..fine }), Some(fault));
    assert!(refused(Plan { shares: disorder(0, 400, 250), ..fine }).is_some());
}

/// The first 10 000 lines, each with its line end, as one number.
fn digest(plan: &Plan) -> u64 {
    let mut all = Vec::new();
    for (_, line) in lines(plan) {
        all.extend_from_slice(&line);
        all.push(b'\n');
    }
    Key::of(&all).bits()
}

/// Change these only with the stream's definition, and say so: benches and tests elsewhere rely
/// on the bytes.
#[test]
fn the_same_seed_gives_the_same_bytes_for_ever() {
    let plan = Plan { shares: disorder(20, 10, 10), ..plan(200, 10_000, 120) };
    let bench = bench(500, 10_000, 120);
    assert_eq!(digest(&plan), digest(&plan));
    assert_ne!(digest(&plan), digest(&Plan { seed: 2, ..plan }));
    assert_eq!(format!("{:016x}", digest(&plan)), "2b6c08c33f9d2a86");
    assert_eq!(format!("{:016x}", digest(&bench)), "901b95ae07cc0c0f");
}

#[test]
fn every_event_is_valid_and_every_type_appears() {
    let mut seen = HashSet::new();
    let mut ids = HashSet::new();
    for (line, bytes) in lines(&plan(1_200, 200_000, 240)) {
        assert!(matches!(decode(&bytes), Ok(Decoded::Event(_))), "{:?}", decode(&bytes));
        let object = object(&bytes);
        check_event(&line, &object);
        assert!(ids.insert(text(&object, "id").to_owned()));
        seen.insert(kind_of(&object));
    }
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !seen.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn nothing_refers_to_what_did_not_happen() {
    /// What makes a name known, what refers to it, and where the name stands.
    const REFERENCES: [(&[Kind], &[Kind], &str); 4] = [
        (
            &[Kind::EmailSent],
            &[Kind::EmailOpened, Kind::EmailClicked, Kind::EmailReplied, Kind::Unsubscribed],
            "message_id",
        ),
        (
            &[Kind::InvoiceIssued],
            &[Kind::PaymentSucceeded, Kind::PaymentFailed, Kind::PaymentDeferred, Kind::Refund],
            "invoice_id",
        ),
        (
            &[Kind::TicketOpened],
            &[Kind::TicketMessage, Kind::TicketResolved, Kind::TicketReopened],
            "ticket_id",
        ),
        (&[Kind::WebinarInvited], &[Kind::WebinarAttended], "webinar_id"),
    ];
    let mut known = HashSet::new();
    let mut customers: HashMap<u32, Kind> = HashMap::new();
    for (line, bytes) in lines(&plan(400, 60_000, 120)) {
        let object = object(&bytes);
        let kind = kind_of(&object);
        for (makers, users, name) in REFERENCES {
            let key = (line.customer, name, text(&object, name).to_owned());
            if makers.contains(&kind) {
                known.insert(key);
            } else if users.contains(&kind) {
                assert!(known.contains(&key), "{object:?}");
            }
        }
        let last = customers.insert(line.customer, kind);
        let begins = matches!(kind, Kind::CustomerCreated | Kind::SubscriptionStarted);
        assert!(last.is_some() || begins, "{object:?}");
        assert_ne!(last, Some(Kind::ErasureRequested), "{object:?}");
    }
}

#[test]
fn disorder_is_as_much_as_asked_for() {
    for plan in [plan(200, 40_000, 60), bench(200, 40_000, 60)] {
        let plan = Plan { shares: disorder(50, 30, 20), ..plan };
        let (mut late, mut duplicates, mut garbage) = (0, 0, 0);
        let (mut fresh, mut ids, mut now) = (0, HashMap::new(), EventTime::ALWAYS);
        for (line, bytes) in lines(&plan) {
            let id = || text(&object(&bytes), "id").to_owned();
            match line.sort {
                Sort::Fresh => fresh += u32::from(ids.insert(id(), bytes.clone()).is_none()),
                Sort::Late => {
                    late += u32::from(line.time < now);
                    ids.insert(id(), bytes.clone());
                }
                Sort::Duplicate => {
                    assert_eq!(ids.get(&id()), Some(&bytes));
                    duplicates += 1;
                }
                Sort::Garbage => garbage += 1,
            }
            now = now.max(line.time);
        }
        assert_eq!((duplicates, garbage), (1_200, 800));
        assert_eq!(fresh, 40_000 - 1_200 - 800 - 1_900);
        // A few are so near the end of a quiet hour that nothing came between.
        assert!((1_850..=1_900).contains(&late), "{late}");
    }
}

#[test]
fn garbage_is_refused_or_unknown() {
    let mut reasons = HashSet::new();
    let mut unknown = 0;
    for (_, bytes) in lines(&Plan { shares: disorder(0, 0, 1_000), ..plan(5, 3_000, 5) }) {
        match decode(&bytes) {
            Err(reject) => _ = reasons.insert(reject.reason),
            Ok(Decoded::Unknown(_)) => unknown += 1,
            Ok(Decoded::Event(event)) => panic!("{event:?}"),
        }
    }
    assert!(100 < unknown && unknown < 300, "{unknown}");
    assert!(7 <= reasons.len(), "{reasons:?}");
}

#[test]
fn the_bench_mix_is_that_of_the_job() {
    let plan = bench(1_000, 200_000, 120);
    let mut by_kind: HashMap<Kind, u32> = HashMap::new();
    let (mut n_bytes, mut busiest) = (0, HashMap::<u32, u32>::new());
    let (mut issued, mut paid) = (HashSet::new(), HashSet::new());
    for (line, bytes) in lines(&plan) {
        let object = object(&bytes);
        check_event(&line, &object);
        let kind = kind_of(&object);
        *by_kind.entry(kind).or_default() += 1;
        *busiest.entry(line.customer).or_default() += 1;
        n_bytes += bytes.len();
        match kind {
            Kind::InvoiceIssued => issued.insert(text(&object, "invoice_id").to_owned()),
            Kind::PaymentSucceeded => paid.insert(text(&object, "invoice_id").to_owned()),
            _ => true,
        };
    }
    for (share, kind) in bench::MIX {
        let found = by_kind.get(&kind).copied().unwrap_or_default();
        assert!(found.abs_diff(share * 2_000) < 40 * (10 + share), "{kind:?} {found}");
    }
    assert!((135..165).contains(&(n_bytes / 200_000)), "{}", n_bytes / 200_000);
    let mut busiest: Vec<u32> = busiest.into_values().collect();
    busiest.sort_unstable_by(|a, b| b.cmp(a));
    let top: u32 = busiest.iter().take(10).sum();
    assert!((16_000..24_000).contains(&top), "{top}");
    assert!(paid.is_subset(&issued));
    let unpaid = issued.len() - paid.len();
    assert!(issued.len() / 20 < unpaid && unpaid < issued.len() / 3, "{unpaid}");
}

#[test]
fn shares_are_read_exactly() {
    for (text, wanted) in [
        ("0", Some(0)),
        ("0.05", Some(50_000)),
        (".5", Some(500_000)),
        ("1", Some(1_000_000)),
        ("1.0", Some(1_000_000)),
        ("0.0000019", Some(1)),
        ("1.1", None),
        ("-0.1", None),
        ("5%", None),
        ("", None),
        (".", None),
    ] {
        assert_eq!(Share::parse(text), wanted.map(Share), "{text}");
    }
    assert_eq!(Share(50_000).to_string(), "0.05");
    assert_eq!(Share(1_000_000).to_string(), "1");
    assert_eq!(Share(0).to_string(), "0");
}
