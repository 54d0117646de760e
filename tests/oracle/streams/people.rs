//! What people decide: leaving and returning, overrides, snoozes, consent.

use super::Maker;
use crate::played::DAY;

impl Maker {
    /// A score set up and down by hand, faster than anything cools down.
    pub(super) fn flaps(&mut self, customer: usize, at: i64) {
        let score = self.random.word(&["risk", "risk_cs", "retention"]);
        let values: [&str; 2] = if score == "retention" { ["30", "90"] } else { ["75", "10"] };
        for turn in 0..2 + self.random.up_to(4) {
            let value = values[usize::try_from(turn % 2).unwrap_or(0)];
            let time = at + turn * self.random.up_to(5 * DAY);
            let fields = format!(r#","score":"{score}","value":{value},"ttl_ms":{}"#, 3 * DAY);
            self.plan(time, customer, "score_override", fields);
        }
    }

    /// Pauses, cancellations and returns, planned, revoked or at once.
    pub(super) fn comes_and_goes(&mut self, customer: usize, at: i64) {
        let later = at + self.random.up_to(2) * self.random.span() + self.random.up_to(20 * DAY);
        match self.random.below(10) {
            0..4 => {
                self.plan(at, customer, "subscription_paused", String::new());
                let back = self.random.word(&["subscription_resumed", "subscription_reactivated"]);
                if self.random.chance(85) {
                    self.plan(later, customer, back, String::new());
                }
            }
            4..7 => {
                let effect = at + self.random.up_to(30 * DAY) - self.random.up_to(2) * DAY;
                let fields = match self.random.below(3) {
                    0 => String::new(),
                    _ => format!(r#","effective_at":{effect}"#),
                };
                self.plan(at, customer, "subscription_cancelled", fields);
                let time = match self.random.below(4) {
                    0 => later.max(at + 1),
                    1 => effect.max(at + 1) + self.random.beside().max(0),
                    _ => (effect + self.random.up_to(25 * DAY)).max(at + 1),
                };
                let back = self.random.word(&[
                    "subscription_reactivated",
                    "subscription_started",
                    "customer_created",
                ]);
                if self.random.chance(85) {
                    self.plan(time, customer, back, String::new());
                }
            }
            _ => self.plan(at, customer, "cancellation_requested", String::new()),
        }
    }

    /// Overrides, snoozes, acknowledgements, owners.
    pub(super) fn hand_of_people(&mut self, customer: usize, at: i64) {
        let edge = at + self.random.up_to(25 * DAY);
        let end = match self.random.below(4) {
            0 => String::new(),
            1 => format!(r#","ttl_ms":{}"#, 1 + self.random.up_to(9 * DAY)),
            _ => format!(r#","until":{edge}"#),
        };
        match self.random.below(10) {
            0..5 => {
                let value = self.random.word(&[
                    "0",
                    "34.9999995",
                    "35",
                    "39.9",
                    "40",
                    "64.999999",
                    "69.999999",
                    "70",
                    "85",
                    "100",
                    "null",
                ]);
                let score = self.random.word(&[
                    "",
                    r#","score":"risk""#,
                    r#","score":"risk_cs""#,
                    r#","score":"retention""#,
                    r#","score":"retention","by":"ana","reason":"a call""#,
                    r#","score":"luck""#,
                ]);
                let fields = format!(r#","value":{value}{score}{end}"#);
                self.plan(at, customer, "score_override", fields);
            }
            5..8 => {
                let rule = self.random.word(&[
                    "",
                    r#","rule":"risk""#,
                    r#","rule":"retention""#,
                    r#","rule":"R3-B2""#,
                    r#","rule":"RF-2""#,
                    r#","rule":"CX-1""#,
                ]);
                let end = if end.is_empty() && rule.is_empty() {
                    format!(r#","until":{edge}"#)
                } else {
                    end
                };
                self.plan(at, customer, "alert_snoozed", format!("{rule}{end}"));
            }
            8 => self.plan(at, customer, "alert_acked", r#","rule":"risk""#.to_owned()),
            _ => {
                let owner = self.random.word(&["", r#","owner_id":"csm-2""#]);
                self.plan(at, customer, "owner_changed", owner.to_owned());
            }
        }
    }

    /// Consent granted, withdrawn, or without saying which.
    pub(super) fn consent(&mut self, customer: usize, at: i64) {
        let purpose = self.random.word(&["competitive_tracking", "social_listening", "marketing"]);
        let granted = self.random.word(&[
            r#","granted":true"#,
            r#","granted":true"#,
            r#","granted":false"#,
            "",
        ]);
        let fields = format!(r#","purpose":"{purpose}"{granted}"#);
        self.plan(at, customer, "consent_changed", fields);
    }
}
