//! Emails and their answers, invoices, webinars, plans.
//!
//! Source  readings and I-17 of the specification.

use serde_json::{Value, json};

use super::scenario::{HOUR, START, Story, day};

fn message(id: &str) -> Value {
    json!({"message_id": id})
}

#[test]
fn a_27_an_email_is_judged_from_its_second_day_to_its_fourteenth() {
    let story = Story::known()
        .on(day(20), "email_sent", message("a"))
        .on(day(20), "email_opened", message("a"))
        .on(day(25), "email_sent", message("b"));
    let check = |at: i64, wanted: &str| {
        assert_eq!(story.until(at).signal("R3-B1"), wanted, "at {at}");
    };
    check(day(27) - 1, "clear 1");
    check(day(27), "clear 0.5");
    check(day(34) - 1, "clear 0.5");
    // The first is out of the window, the second is in until day 39.
    check(day(34), "active 0");
    check(day(39) - 1, "active 0");
    check(day(39), "n/a");
}

#[test]
fn a_27_an_open_counts_whenever_it_came() {
    let check = |opened: i64, wanted: &str| {
        let story = Story::known().on(day(20), "email_sent", message("a")).on(
            opened,
            "email_opened",
            message("a"),
        );
        assert_eq!(story.until(day(33)).signal("R3-B1"), wanted, "opened at {opened}");
    };
    check(day(20), "clear 1");
    check(day(32), "clear 1");
    // Clocks differ: an open may even seem to come before its email.
    check(day(20) - HOUR, "clear 1");
    // It may arrive before its email does.
    let story = Story::known().on(day(21), "email_opened", message("a")).on(
        day(20),
        "email_sent",
        message("a"),
    );
    assert_eq!(story.until(day(33)).signal("R3-B1"), "clear 1");
}

#[test]
fn a_27_clicks_are_no_opens_and_opens_of_other_emails_count_for_nothing() {
    for (kind, id) in [("email_clicked", "a"), ("email_replied", "a"), ("email_opened", "b")] {
        let story =
            Story::known().on(day(20), "email_sent", message("a")).on(day(21), kind, message(id));
        assert_eq!(story.until(day(23)).signal("R3-B1"), "active 0", "{kind} of {id}");
    }
}

#[test]
fn a_28_replies_are_asked_for_from_three_emails_on_and_any_answer_will_do() {
    let sent = |n: usize| {
        let id = |n: usize| message(&format!("m-{n}"));
        Story::known().each(vec![day(40); n], "email_sent", id)
    };
    assert_eq!(sent(2).end().signal("R4-I2"), "n/a");
    assert_eq!(sent(3).end().signal("R4-I2"), "active 0");
    // Distinct messages: the same one sent again is no third.
    let again = sent(2).on(day(40), "email_sent", message("m-1"));
    assert_eq!(again.end().signal("R4-I2"), "n/a");
    // A click on a message that nobody knows.
    let clicked = sent(3).on(day(41), "email_clicked", message("another"));
    assert_eq!(clicked.end().signal("R4-I2"), "clear 0.3333333333333333");
    // It is forgotten after 30 days; so are the emails.
    let story = Story::known().on(day(40), "email_clicked", message("another")).each(
        [day(60); 3],
        "email_sent",
        |n| message(&format!("m-{n}")),
    );
    assert_eq!(story.until(day(70) - 1).signal("R4-I2"), "clear 0.3333333333333333");
    assert_eq!(story.until(day(70)).signal("R4-I2"), "active 0");
    assert_eq!(story.until(day(90) - 1).signal("R4-I2"), "active 0");
    assert_eq!(story.until(day(90)).signal("R4-I2"), "n/a");
}

#[test]
fn i_17_engagement_is_opened_email_and_not_presence_in_the_product() {
    let story = Story::known().each((1..23).map(day), "login", |_| json!({})).on(
        day(20),
        "email_sent",
        message("a"),
    );
    assert_eq!(story.until(day(23)).signal("R3-B1"), "active 0");
    let absent = Story::known().on(day(20), "email_sent", message("a")).on(
        day(21),
        "email_opened",
        message("a"),
    );
    assert_eq!(absent.until(day(23)).signal("R3-B1"), "clear 1");
}

fn invoice(id: &str, due: i64) -> Value {
    json!({"invoice_id": id, "amount": 100, "due_at": START + due})
}

/// How many days late, on day 40, an invoice due on day 10 is after `then`.
fn check_late(then: impl Fn(Story) -> Story, wanted: &str) {
    let story = then(Story::known().on(day(1), "invoice_issued", invoice("i", day(10))));
    assert_eq!(story.until(day(40)).cell("r3_b4_value"), wanted);
}

#[test]
fn a_31_the_first_payment_pays_whatever_its_amount_and_nothing_else_does() {
    let of = |id: &str| json!({"invoice_id": id, "amount": 1});
    check_late(|story| story, "30");
    check_late(|story| story.on(day(20), "payment_succeeded", of("i")), "0");
    check_late(|story| story.on(day(20), "payment_succeeded", of("another")), "30");
    check_late(|story| story.on(day(20), "payment_succeeded", json!({"amount": 100})), "30");
    check_late(|story| story.on(day(20), "payment_failed", of("i")), "30");
    check_late(|story| story.on(day(20), "refund", of("i")), "30");
    let refunded = |story: Story| {
        story.on(day(20), "payment_succeeded", of("i")).on(day(21), "refund", of("i"))
    };
    check_late(refunded, "0");
    let early = Story::known().on(day(1), "payment_succeeded", of("i")).on(
        day(2),
        "invoice_issued",
        invoice("i", day(10)),
    );
    assert_eq!(early.until(day(40)).signal("R3-B4"), "clear 0");
}

#[test]
fn a_31_the_due_date_is_the_last_one_by_event_time() {
    let new = |due: i64| json!({"invoice_id": "i", "new_due_at": START + due});
    check_late(|story| story.on(day(5), "payment_deferred", new(day(25))), "15");
    check_late(|story| story.on(day(5), "invoice_issued", invoice("i", day(25))), "15");
    // What arrives later but happened before changes nothing.
    let late = |story: Story| {
        story.on(day(5), "payment_deferred", new(day(25))).on(
            day(4),
            "payment_deferred",
            new(day(39)),
        )
    };
    check_late(late, "15");
    check_late(|story| story.on(day(5), "payment_deferred", new(day(50))), "0");
    // A deferral alone makes an invoice.
    let story = Story::known().on(day(5), "payment_deferred", new(day(25)));
    assert_eq!(story.until(day(40)).signal("R3-B4"), "active 15");
}

#[test]
fn a_31_the_oldest_unpaid_invoice_counts_and_without_any_the_value_is_zero() {
    let story = Story::known()
        .on(day(1), "invoice_issued", invoice("a", day(30)))
        .on(day(2), "invoice_issued", invoice("b", day(20)))
        .on(day(3), "invoice_issued", invoice("c", day(90)));
    assert_eq!(story.until(day(40)).signal("R3-B4"), "active 20");
    let paid = story.on(day(25), "payment_succeeded", json!({"invoice_id": "b"}));
    assert_eq!(paid.until(day(40)).signal("R3-B4"), "active 10");
    assert_eq!(Story::known().end().signal("R3-B4"), "clear 0");
}

#[test]
fn a_32_webinars_count_by_name_and_never_above_one() {
    let webinar = |id: &str| json!({"webinar_id": id});
    let check = |invited: &[&str], attended: &[&str], wanted: &str| {
        let story = Story::known()
            .each(vec![day(85); invited.len()], "webinar_invited", |n| webinar(invited[n]))
            .each(vec![day(86); attended.len()], "webinar_attended", |n| webinar(attended[n]));
        assert_eq!(story.until(day(95)).signal("R4-B1"), wanted, "{invited:?} {attended:?}");
    };
    check(&[], &[], "n/a");
    check(&[], &["a"], "n/a");
    check(&["a"], &[], "active 0");
    check(&["a", "b"], &["a"], "clear 0.5");
    check(&["a", "a", "b"], &["a", "a"], "clear 0.5");
    check(&["a"], &["a", "b"], "clear 1");
}

#[test]
fn a_18_the_feature_ratio_goes_by_the_plan_of_the_moment_and_never_above_one() {
    let catalog = "[features]\nsmall = 4\n\"*\" = 10\n";
    let used = |n: usize| {
        let id = |n: usize| json!({"feature_id": format!("f-{n}")});
        Story::new().catalog(catalog).each(vec![day(1); n], "feature_used", id)
    };
    let at = |story: Story| story.until(day(31) - 1).cell("r3_b2_value").to_owned();
    let on = |story: Story, plan: &str| story.on(0, "customer_created", json!({"plan": plan}));
    assert_eq!(at(on(used(3), "small")), "0.75");
    assert_eq!(at(on(used(5), "small")), "1");
    assert_eq!(at(on(used(3), "large")), "0.3");
    assert_eq!(at(on(used(3), "Small")), "0.3");
    assert_eq!(at(used(3).on(0, "customer_created", json!({}))), "0.3");
    assert_eq!(at(on(used(12), "large")), "1");
    // A change of plan counts at once.
    let changed = on(used(3), "small").on(
        day(20),
        "subscription_changed",
        json!({"new_plan": "large", "old_plan": "small"}),
    );
    assert_eq!(at(changed), "0.3");
}

#[test]
fn a_18_the_shipped_catalogue_holds_ten_features_for_every_plan() {
    let rows = ebb::model::load(ebb::model::shipped::DEFAULT, ebb::model::shipped::CATALOG, None)
        .expect("the shipped files load")
        .catalog;
    let rows: Vec<(&str, u32)> =
        rows.iter().map(|row| (row.plan.as_str(), row.n_features)).collect();
    assert_eq!(rows, [("*", 10)]);
}
