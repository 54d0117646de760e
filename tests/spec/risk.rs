//! The behaviour signals of `risk` and its tiers by count.
//!
//! Source  R3-B1 to R3-B5 and R3-T1 to R3-T3, Estrategias de Retención y Upsell; edges of the
//!         specification's §21.

use serde_json::json;

use super::recipes::{THEN, only};
use super::scenario::{HOUR, START, Story, day};

/// Alone, `id` brings `points` and leaves the score in the low band, whatever else is clear.
pub(super) fn check_alone(id: &str, points: &str) {
    let seen = only(&[id]).until(THEN);
    assert!(seen.signal(id).starts_with("active "), "{id}: {}", seen.signal(id));
    assert_eq!(seen.score("risk"), format!("{points} low"), "{id} alone");
}

#[test]
fn r3_b1_low_engagement_fires_below_half_of_the_emails_opened_in_14_days() {
    let check = |n_sent: usize, n_opened: usize, wanted: &str| {
        let id = |n: usize| json!({"message_id": format!("m-{n}")});
        let story = Story::known().each(vec![day(20); n_sent], "email_sent", id).each(
            vec![day(20) + HOUR; n_opened],
            "email_opened",
            id,
        );
        assert_eq!(story.until(day(23)).signal("R3-B1"), wanted, "{n_opened} of {n_sent}");
    };
    check(2, 1, "clear 0.5");
    check(1000, 500, "clear 0.5");
    check(1000, 499, "active 0.499");
    check(1, 0, "active 0");
    check(1, 1, "clear 1");
    check(0, 0, "n/a");
    check(0, 1, "n/a");
    check_alone("R3-B1", "15");
}

#[test]
fn r3_b1_counts_message_ids_and_not_mails() {
    let id = |id: &str| json!({"message_id": id});
    let story = Story::known()
        .on(day(20), "email_sent", id("a"))
        .on(day(20), "email_sent", id("a"))
        .on(day(20), "email_sent", id("b"))
        .on(day(21), "email_opened", id("b"))
        .on(day(21), "email_opened", id("b"));
    assert_eq!(story.until(day(23)).signal("R3-B1"), "clear 0.5");
}

#[test]
fn r3_b1_rings_when_an_email_has_lain_unopened_and_ends_when_it_leaves_the_window() {
    let story = Story::known().on(day(20), "email_sent", json!({"message_id": "m"}));
    assert_eq!(story.until(day(22) - 1).signal("R3-B1"), "n/a");
    let seen = story.until(day(34) - 1);
    assert_eq!(seen.rings("R3-B1"), ["22d clear>active worse 0"]);
    assert_eq!(seen.signal("R3-B1"), "active 0");
    assert_eq!(story.until(day(34)).signal("R3-B1"), "n/a");
}

#[test]
fn r3_b2_reduced_use_fires_below_30_percent_of_the_features_in_30_days() {
    let check = |used: &[&str], wanted: &str| {
        let story = Story::known().each(
            vec![day(35); used.len()],
            "feature_used",
            |n| json!({"feature_id": used[n]}),
        );
        assert_eq!(story.until(day(40)).signal("R3-B2"), wanted, "{used:?} of 10");
    };
    check(&["a", "b", "c"], "clear 0.3");
    check(&["a", "b"], "active 0.2");
    check(&["a", "b", "b", "a"], "active 0.2");
    check(&["a", "b", "c", "d"], "clear 0.4");
    check(&[], "active 0");
    check_alone("R3-B2", "20");
}

#[test]
fn r3_b2_rings_when_the_third_feature_has_not_been_used_for_30_days() {
    let story = Story::known().each(
        [day(10), day(20), day(21)],
        "feature_used",
        |n| json!({"feature_id": n.to_string()}),
    );
    assert_eq!(story.until(day(40) - 1).signal("R3-B2"), "clear 0.3");
    assert_eq!(story.until(day(40)).rings("R3-B2"), ["40d clear>active worse 0.2"]);
    // A customer who never used anything: once known for 30 days.
    assert_eq!(Story::known().until(day(30) - 1).signal("R3-B2"), "n/a");
    assert_eq!(Story::known().until(day(30)).rings("R3-B2"), ["30d clear>active worse 0"]);
}

#[test]
fn r3_b3_increased_support_fires_at_four_tickets_in_30_days_and_not_at_three() {
    let check = |tickets: &[&str], wanted: &str| {
        let story = Story::known().each(
            vec![day(5); tickets.len()],
            "ticket_opened",
            |n| json!({"ticket_id": tickets[n]}),
        );
        assert_eq!(story.end().signal("R3-B3"), wanted, "{tickets:?}");
    };
    check(&["a", "b", "c"], "clear 3");
    check(&["a", "b", "c", "d"], "active 4");
    check(&["a", "b", "c", "c"], "clear 3");
    check_alone("R3-B3", "10");
}

#[test]
fn r3_b3_rings_at_the_fourth_ticket_and_clears_when_the_first_leaves() {
    let story = Story::known().each(
        [1, 2, 3, 4].map(day),
        "ticket_opened",
        |n| json!({"ticket_id": n.to_string()}),
    );
    let seen = story.until(day(31) - 1);
    assert_eq!(seen.rings("R3-B3"), ["4d clear>active worse 4"]);
    assert_eq!(seen.signal("R3-B3"), "active 4");
    assert_eq!(story.until(day(31)).signal("R3-B3"), "clear 3");
    // Only opening counts.
    let other = Story::known()
        .each([1, 2, 3].map(day), "ticket_opened", |n| json!({"ticket_id": n.to_string()}))
        .on(day(4), "ticket_reopened", json!({"ticket_id": "3"}))
        .on(day(4), "ticket_message", json!({"ticket_id": "4"}));
    assert_eq!(other.end().signal("R3-B3"), "clear 3");
}

#[test]
fn r3_b4_late_payment_fires_one_millisecond_after_seven_days_late() {
    let due = START + day(10);
    let issued = json!({"invoice_id": "i", "due_at": due});
    let story = Story::known().on(day(1), "invoice_issued", issued);
    assert_eq!(story.until(day(10)).signal("R3-B4"), "clear 0");
    assert_eq!(story.until(day(17)).signal("R3-B4"), "clear 7");
    // 604 800 001 ms of 86 400 000.
    let late = "7.000000011574074";
    assert_eq!(story.until(day(17) + 1).signal("R3-B4"), format!("active {late}"));
    let wanted = format!("17d+1 clear>active worse {late}");
    assert_eq!(story.until(day(20)).rings("R3-B4"), [wanted]);
    assert_eq!(story.until(day(20)).signal("R3-B4"), "active 10");
    check_alone("R3-B4", "15");
}

#[test]
fn r3_b4_ends_when_the_invoice_is_paid_or_deferred() {
    let due = START + day(10);
    let story =
        Story::known().on(day(1), "invoice_issued", json!({"invoice_id": "i", "due_at": due}));
    let paid = story.clone().on(day(20), "payment_succeeded", json!({"invoice_id": "i"}));
    assert_eq!(paid.end().signal("R3-B4"), "clear 0");
    let until = json!({"invoice_id": "i", "new_due_at": START + day(15)});
    let deferred = story.on(day(20), "payment_deferred", until);
    assert_eq!(deferred.until(day(22)).signal("R3-B4"), "clear 7");
    assert_eq!(deferred.until(day(23)).signal("R3-B4"), "active 8");
}

#[test]
fn r3_b5_login_frequency_fires_below_half_of_the_customers_own_rate() {
    let check = |n_lately: i64, wanted: &str| {
        // One login on each of 90 days, then so many in 14.
        let story = Story::known()
            .each((0..90).map(|n| day(n) + HOUR), "login", |_| json!({}))
            .each((0..n_lately).map(|n| day(91 + n)), "login", |_| json!({}));
        assert_eq!(story.until(day(104)).signal("R3-B5"), wanted, "{n_lately} in 14 days");
    };
    check(7, "clear 0.5");
    // (6 / 14) / (90 / 90)
    check(6, "active 0.42857142857142855");
    check(14, "clear 1");
    check(0, "active 0");
    check_alone("R3-B5", "10");
}

#[test]
fn r3_b5_needs_30_days_of_history_and_a_login_in_it() {
    let story = Story::known().on(HOUR, "login", json!({}));
    assert_eq!(story.until(day(44) - 1).signal("R3-B5"), "n/a");
    assert_eq!(story.until(day(44)).rings("R3-B5"), ["44d clear>active worse 0"]);
    assert_eq!(Story::known().until(day(60)).signal("R3-B5"), "n/a");
}

/// `active` signals bring `n` of them and a score that reads `wanted`.
fn check_tier(active: &[&str], wanted: &str) {
    let seen = only(active).until(THEN);
    assert_eq!(seen.score("risk"), wanted, "{active:?}");
}

#[test]
fn r3_t1_three_signals_are_at_least_70_and_high() {
    check_tier(&["R3-S3", "R3-C3", "R3-C5"], "70 high");
    check_tier(&["R3-S3", "R3-S4", "R3-C3", "R3-C5"], "70 high");
    check_tier(&["R3-B1", "R3-B2", "R3-S1", "R3-S4", "R3-C1", "R3-C3"], "75 high");
}

#[test]
fn r3_t2_two_signals_are_at_least_40_and_medium() {
    check_tier(&["R3-S3", "R3-C3"], "40 medium");
    check_tier(&["R3-B2", "R3-S1"], "40 medium");
}

#[test]
fn r3_t3_one_signal_or_none_has_no_floor_and_is_low() {
    check_tier(&[], "0 low");
    check_tier(&["R3-C3"], "5 low");
    check_tier(&["R3-B2"], "20 low");
}
