//! KPIs with their targets (KT-4 to KT-16, F-7), recomputed by hand from the same customers.

use serde_json::{Value, json};

use super::{done, ebb, rows, sql, world};

fn kpi(id: &str, segment: &str) -> Value {
    let mut found =
        world().rows(&format!("SELECT * FROM kpis WHERE kpi = '{id}' AND segment = '{segment}'"));
    assert_eq!(found.len(), 1, "{id} {segment}");
    found.remove(0)
}

/// The numbers in the column `name` of those who are customers now.
fn column(name: &str) -> Vec<f64> {
    let statement = format!("SELECT {name} AS x FROM customers WHERE status <> 'cancelled'");
    world().rows(&statement).iter().filter_map(|row| row["x"].as_f64()).collect()
}

#[test]
fn kt_4_to_kt_7_kt_9_and_kt_10_are_means_over_the_customers_present() {
    for (id, measure, low, high) in [
        ("KT-4", "sessions", Some(3.0), Some(5.0)),
        ("KT-5", "hours", Some(2.0), Some(4.0)),
        ("KT-6", "features_used", Some(5.0), Some(8.0)),
        ("KT-7", "documents", Some(10.0), Some(50.0)),
        ("KT-9", "csat", Some(4.5), None),
        ("KT-10", "ces", None, Some(2.0)),
    ] {
        let values = column(measure);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let row = kpi(id, "all");
        let found = row["value"].as_f64().unwrap();
        assert!((found - mean).abs() < 1e-9, "{id}: {found} {mean}");
        assert_eq!((row["low"].as_f64(), row["high"].as_f64()), (low, high), "{id}");
        let is_met = low.is_none_or(|low| low <= found)
            && high.is_none_or(|high| if id == "KT-10" { found < high } else { found <= high });
        assert_eq!(row["in_range"], json!(is_met), "{id}");
    }
}

#[test]
fn kt_8_is_the_nps_of_the_population_and_of_every_plan() {
    let values = column("nps");
    let share = |of: fn(&f64) -> bool| values.iter().filter(|x| of(x)).count() as f64;
    let wanted = (share(|x| 9.0 <= *x) - share(|x| *x < 7.0)) * 100.0 / values.len() as f64;
    let found = kpi("KT-8", "all")["value"].as_f64().unwrap();
    assert!((found - wanted).abs() < 1e-9, "{found} {wanted}");
    let plans = "SELECT count(DISTINCT coalesce(plan, 'none')) FROM customers WHERE status <> \
                 'cancelled'";
    let listed = "SELECT count(*) FROM kpis WHERE kpi = 'KT-8' AND segment <> 'all'";
    assert_eq!(world().cell(plans), world().cell(listed));
}

/// Ten customers of one plan come on the first of January; `leave` of them leave on the days given.
fn leavers(plan: &str, leave: &[&str], until: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for n in 0..10 {
        text += &format!(
            "{{\"id\":\"s{n}\",\"type\":\"subscription_started\",\"customer_id\":\"c{n}\",\
             \"plan\":\"{plan}\",\"time\":\"2026-01-01T00:00:00Z\"}}\n"
        );
    }
    for (n, day) in leave.iter().enumerate() {
        text += &format!(
            "{{\"id\":\"e{n}\",\"type\":\"subscription_cancelled\",\"customer_id\":\"c{n}\",\
             \"time\":\"{day}T12:00:00Z\"}}\n"
        );
    }
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("events.jsonl"), text).unwrap();
    let (snapshots, events) = (path("snapshots"), path("events.jsonl"));
    done(&ebb(&["replay", "--snapshots", &snapshots, "--until", until, &events]));
    folder
}

fn told(folder: &tempfile::TempDir, id: &str, segment: &str) -> (Value, Value, i64) {
    let statement = format!(
        "SELECT value, in_range, customers FROM kpis WHERE kpi = '{id}' AND segment = '{segment}'"
    );
    let found = rows(&sql(&folder.path().join("snapshots"), &["--format", "json"], &statement));
    let row = &found[0];
    (row["value"].clone(), row["in_range"].clone(), row["customers"].as_i64().unwrap())
}

#[test]
fn kt_11_counts_those_lost_in_30_days_of_those_there_before() {
    // One left long ago and counts no more; one of the nine others in the last 30 days.
    let folder = leavers("starter", &["2026-02-01", "2026-03-20"], "2026-04-01T00:00:00Z");
    let (value, in_range, n) = told(&folder, "KT-11", "all");
    assert!((value.as_f64().unwrap() - 100.0 / 9.0).abs() < 1e-9, "{value}");
    assert_eq!((in_range, n), (json!(false), 9));
    let (value, _, n) = told(&folder, "F-7", "all");
    assert!((value.as_f64().unwrap() - 800.0 / 9.0).abs() < 1e-9, "{value}");
    assert_eq!(n, 9);
}

#[test]
fn kt_11_measures_every_plan_by_its_own_target() {
    for (plan, below) in [("starter", 8.0), ("professional", 5.0), ("enterprise", 3.0), ("x", 5.0)]
    {
        let folder = leavers(plan, &[], "2026-02-10T00:00:00Z");
        let statement = "SELECT high, in_range FROM kpis WHERE kpi = 'KT-11' AND segment <> 'all'";
        let found = rows(&sql(&folder.path().join("snapshots"), &["--format", "json"], statement));
        assert_eq!(found, [json!({"high": below, "in_range": true})], "{plan}");
    }
}

#[test]
fn kt_12_follows_the_month_in_which_customers_came() {
    let leave = ["2026-01-15", "2026-02-20"];
    let one_lost = leavers("pro", &leave[..1], "2026-02-05T00:00:00Z");
    assert_eq!(told(&one_lost, "KT-12 M1", "all"), (json!(90.0), json!(true), 10));
    assert_eq!(told(&one_lost, "KT-12 M3", "all"), (Value::Null, Value::Null, 0));
    let later = leavers("pro", &leave, "2026-04-10T00:00:00Z");
    assert_eq!(told(&later, "KT-12 M3", "all"), (json!(80.0), json!(true), 10));
    assert_eq!(told(&later, "KT-12 M1", "all"), (Value::Null, Value::Null, 0));
    let half_a_year = leavers("pro", &leave, "2026-07-05T00:00:00Z");
    assert_eq!(told(&half_a_year, "KT-12 M6", "all"), (json!(80.0), json!(false), 10));
}

/// What the KPI tells of all customers as of `until`, after `events` of customer, type, time and more.
fn after(events: &[(&str, &str, &str, &str)], until: &str, id: &str) -> (Value, Value, i64) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let line = |(n, (customer, kind, time, more)): (usize, &(&str, &str, &str, &str))| {
        format!(
            r#"{{"id":"{n}","type":"{kind}","customer_id":"{customer}","time":"{time}"{more}}}"#
        )
    };
    let lines: Vec<String> = events.iter().enumerate().map(line).collect();
    std::fs::write(path("events.jsonl"), lines.join("\n")).unwrap();
    let (snapshots, events) = (path("snapshots"), path("events.jsonl"));
    done(&ebb(&["replay", "--snapshots", &snapshots, "--until", until, &events]));
    told(&folder, id, "all")
}

#[test]
fn kt_11_f_7_count_who_was_a_customer_then_and_is_none_now() {
    let (came, left) = ("customer_created", "subscription_cancelled");
    let check = |events: &[(&str, &str, &str, &str)], until: &str, lost: f64, n: i64| {
        let (value, _, customers) = after(events, until, "KT-11");
        assert_eq!((value, customers), (json!(lost), n), "{events:?}");
        assert_eq!(after(events, until, "F-7").0, json!(100.0 - lost), "{events:?}");
    };
    let two = [("a", came, "2025-01-01T00:00:00Z", ""), ("b", came, "2025-01-01T00:00:00Z", "")];
    let and = |more: &[(&'static str, &'static str, &'static str, &'static str)]| {
        [&two[..], more].concat()
    };
    // Lost is who is cancelled, whenever that was announced (A-05).
    let notice = r#","effective_at":"2026-02-20T00:00:00Z""#;
    let announced = and(&[("b", left, "2026-01-20T00:00:00Z", notice)]);
    check(&announced, "2026-03-01T00:00:00Z", 50.0, 2);
    // To the millisecond, not to the day.
    let on_the_day = and(&[("b", left, "2026-01-30T18:00:00Z", "")]);
    check(&on_the_day, "2026-03-01T12:00:00Z", 50.0, 2);
    check(&on_the_day, "2026-03-01T18:00:00Z", 0.0, 1);
    // Who came back since was none then; who was cancelled twice was lost once.
    let back = and(&[
        ("b", left, "2025-06-01T00:00:00Z", ""),
        ("b", "subscription_reactivated", "2026-02-20T00:00:00Z", ""),
    ]);
    check(&back, "2026-03-01T00:00:00Z", 0.0, 1);
    let twice =
        and(&[("b", left, "2025-06-01T00:00:00Z", ""), ("b", left, "2026-02-20T00:00:00Z", "")]);
    check(&twice, "2026-03-01T00:00:00Z", 0.0, 1);
}

#[test]
fn kt_16_counts_whoever_referred_of_those_who_came() {
    let (came, referred) = ("customer_created", r#","referred_customer_id":"n1""#);
    let events = [
        ("old", came, "2026-01-01T00:00:00Z", ""),
        ("n1", came, "2026-02-20T00:00:00Z", ""),
        ("n2", came, "2026-02-20T00:00:00Z", ""),
        ("old", "referral_converted", "2026-02-20T00:00:00Z", referred),
    ];
    let wanted = (json!(50.0), json!(false), 2);
    assert_eq!(after(&events, "2026-03-01T00:00:00Z", "KT-16"), wanted);
}

#[test]
fn kt_8_is_taken_over_those_who_answered() {
    let answer = r#","kind":"nps","value":9"#;
    let events = [
        ("a", "customer_created", "2026-01-01T00:00:00Z", ""),
        ("b", "customer_created", "2026-01-01T00:00:00Z", ""),
        ("b", "survey_response", "2026-01-02T00:00:00Z", answer),
    ];
    let wanted = (json!(100.0), json!(false), 1);
    assert_eq!(after(&events, "2026-01-03T00:00:00Z", "KT-8"), wanted);
}
