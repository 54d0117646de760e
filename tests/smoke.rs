//! The whole path once.

use crate::engine::play;
use crate::played::{DAY, default_options};

#[test]
fn a_customer_who_falls_silent_crosses_at_the_exact_millisecond() {
    let login = r#"{"id":"1","type":"login","customer_id":"c","time":"2026-01-01T00:00:00Z"}"#;
    let mut options = default_options();
    options.until = Some(1_767_225_600_000 + 10 * DAY);
    let played = play(&[login.to_owned()], &options);
    for alert in &played.alerts {
        println!("{alert}");
    }
    for (column, cell) in &played.customers["c"] {
        println!("{column:<20} {cell}");
    }
    let at: Vec<&str> = played.alerts.iter().filter_map(|alert| alert["at"].as_str()).collect();
    assert_eq!(at.first(), Some(&"2026-01-08T00:00:00Z"));
}
