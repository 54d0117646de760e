//! What happens to customers: each episode puts a few events into the agenda.

use super::{HOUR, Maker};
use crate::played::DAY;

/// The kinds of survey, each with a scale or the default one.
const SCALES: &[&str] = &[
    "",
    "",
    r#","scale_min":0,"scale_max":100"#,
    r#","scale_min":1,"scale_max":7"#,
    r#","scale_max":20,"scale_min":-5"#,
];

impl Maker {
    /// Adds one episode of some customer.
    pub(super) fn episode(&mut self) {
        let (customer, at) = (self.customer(), self.moment());
        match self.random.below(100) {
            0..10 => self.works(customer, at),
            10..15 => self.routine(customer, at),
            15..24 => self.mails(customer, at),
            24..31 => self.tickets(customer, at),
            31..40 => self.surveys(customer, at),
            40..47 => self.feelings(customer, at),
            47..56 => self.looks_around(customer, at),
            56..63 => self.invoice(customer, at),
            63..69 => self.takes_part(customer, at),
            69..75 => self.results(customer, at),
            75..82 => self.comes_and_goes(customer, at),
            82..93 => self.hand_of_people(customer, at),
            93..95 => self.flaps(customer, at),
            95..98 => self.consent(customer, at),
            98 => self.is_forgotten(customer, at),
            _ => self.plan(at, customer, "tick", String::new()),
        }
    }

    /// Asks to be forgotten, maybe twice, and maybe begins anew at that very moment or after it.
    fn is_forgotten(&mut self, customer: usize, at: i64) {
        self.plan(at, customer, "erasure_requested", String::new());
        let wait = self.random.pick(&[0, 1, HOUR, 3 * DAY]).unwrap_or(1);
        if self.random.chance(70) {
            let kind = self.random.word(&["customer_created", "subscription_started", "login"]);
            self.plan(at + wait, customer, kind, String::new());
            self.works(customer, at + wait);
        }
        if self.random.chance(20) {
            self.plan(at + 2 * wait, customer, "erasure_requested", String::new());
        }
    }

    /// Whether the customer is in a bad mood: it turns every 40 days.
    fn is_sour(&mut self, customer: usize, at: i64) -> bool {
        let turn = (at / (40 * DAY)).unsigned_abs() + customer as u64;
        turn.is_multiple_of(2) != self.random.chance(20)
    }

    /// Logins, sessions, features and documents, on one day or a week apart to the millisecond.
    fn works(&mut self, customer: usize, at: i64) {
        let step = self.random.pick(&[HOUR, DAY, 7 * DAY - 1, 7 * DAY]).unwrap_or(HOUR);
        for turn in 0..1 + self.random.up_to(5) {
            let time = at + turn * step;
            match self.random.below(6) {
                0 | 1 => self.plan(time, customer, "login", String::new()),
                2 => {
                    let length = self.random.word(&["1800", "3600", "3599.999999", "5400.5"]);
                    let fields = format!(r#","duration_s":{length}"#);
                    self.plan(time, customer, "session_ended", fields);
                }
                3 | 4 => {
                    let feature = self.random.below(9);
                    let fields = format!(r#","feature_id":"f{feature}","core":true"#);
                    self.plan(time, customer, "feature_used", fields);
                }
                _ => {
                    let kind = self.random.word(&["document", "document", "campaign"]);
                    self.plan(time, customer, "content_created", format!(r#","kind":"{kind}""#));
                }
            }
        }
    }

    /// Three weeks of steady use, so that silence and sessions say nothing bad for a while.
    fn routine(&mut self, customer: usize, at: i64) {
        for turn in 0..7 {
            let time = at + turn * 3 * DAY;
            let (feature, length) = (turn % 4, 3600 + turn);
            self.plan(time, customer, "login", String::new());
            self.plan(time, customer, "session_ended", format!(r#","duration_s":{length}"#));
            if self.random.chance(60) {
                let fields = format!(r#","feature_id":"f{feature}""#);
                self.plan(time, customer, "feature_used", fields);
            }
        }
        self.plan(at, customer, "community_activity", String::new());
        self.plan(at, customer, "resource_downloaded", String::new());
    }

    /// A few messages, opened early, late, on an edge or never, sometimes answered.
    fn mails(&mut self, customer: usize, at: i64) {
        for _ in 0..1 + self.random.below(4) {
            let message = self.fresh("m");
            let kind =
                self.random.word(&["", r#","kind":"marketing""#, r#","kind":"transactional""#]);
            let fields = format!(r#","message_id":"{message}""#);
            let without = if self.random.chance(5) { String::new() } else { fields.clone() };
            self.plan(at, customer, "email_sent", format!("{without}{kind}"));
            if self.random.chance(10) {
                let again = at + self.random.up_to(6 * DAY);
                self.plan(again, customer, "email_sent", fields.clone());
            }
            let beside = self.random.beside();
            let opened = match self.random.below(7) {
                0 => at + self.random.up_to(DAY),
                1 => at + 2 * DAY + beside,
                2 => at + 14 * DAY + beside,
                3 => at - self.random.up_to(10 * DAY),
                4 => at,
                _ => continue,
            };
            self.plan(opened, customer, "email_opened", fields.clone());
            if self.random.chance(30) {
                let kind = self.random.word(&["email_clicked", "email_replied"]);
                self.plan(opened + HOUR, customer, kind, fields);
            }
        }
    }

    /// A burst of tickets, some of them the same one, and what becomes of them.
    fn tickets(&mut self, customer: usize, at: i64) {
        let mut ticket = self.fresh("t");
        for turn in 0..1 + self.random.up_to(5) {
            if self.random.chance(80) {
                ticket = self.fresh("t");
            }
            let fields = format!(r#","ticket_id":"{ticket}","topic_id":"slow""#);
            self.plan(at + turn * HOUR, customer, "ticket_opened", fields.clone());
            if self.random.chance(20) {
                let kind =
                    self.random.word(&["ticket_message", "ticket_resolved", "ticket_reopened"]);
                let later = at + self.random.span() + self.random.beside();
                self.plan(later, customer, kind, fields);
            }
        }
    }

    /// Answers of one or two users, on several scales, good or bad by mood.
    fn surveys(&mut self, customer: usize, at: i64) {
        for _ in 0..1 + self.random.below(3) {
            let kind = self.random.word(&["nps", "nps", "csat", "ces", "satisfaction"]);
            let scale = self.random.word(SCALES);
            let (low, high) = match (scale, kind) {
                ("", "nps" | "satisfaction") => (0, 10),
                ("", _) => (1, 5),
                (scale, _) if scale.contains("100") => (0, 100),
                (scale, _) if scale.contains('7') => (1, 7),
                _ => (-5, 20),
            };
            let tenth = if self.is_sour(customer, at) {
                self.random.up_to(7)
            } else {
                6 + self.random.up_to(5)
            };
            let is_turned = self.random.chance(15);
            let is_effort = (kind == "ces") != is_turned;
            let good = if is_effort { 10 - tenth } else { tenth };
            let tens = if self.random.chance(30) {
                // A whole number, which may be no round share of the scale.
                (low + ((high - low) * good + 5) / 10) * 10
            } else {
                low * 10 + (high - low) * good
            };
            let sign = if tens < 0 { "-" } else { "" };
            let value = format!("{sign}{}.{}", tens.abs() / 10, tens.abs() % 10);
            let user = self.random.word(&["", "", r#","user_id":"u1""#, r#","user_id":"u2""#]);
            let turned = match (is_turned, kind) {
                (false, _) => "",
                (true, "ces") => r#","higher_is_better":true"#,
                (true, _) => r#","higher_is_better":false"#,
            };
            let fields = format!(r#","kind":"{kind}","value":{value}{scale}{user}{turned}"#);
            let fields = if self.random.chance(4) { r#","kind":"nps""#.to_owned() } else { fields };
            self.plan(at, customer, "survey_response", fields);
        }
    }

    /// Sentiments of every channel and mentions in public.
    fn feelings(&mut self, customer: usize, at: i64) {
        for turn in 0..1 + self.random.up_to(3) {
            let score = if self.is_sour(customer, at) {
                self.random.word(&["0.1", "0.2999999", "0.29999951", "0.3", "0"])
            } else {
                self.random.word(&["0.3", "0.5", "0.9", "1", "0.3333333"])
            };
            let scale = self.random.word(&["", "", r#","scale_min":-1"#, r#","scale_max":3"#]);
            let time = at + turn * 15 * DAY;
            if self.random.chance(25) {
                let polarity = self.random.word(&["negative", "neutral", "positive"]);
                let fields = match self.random.below(3) {
                    0 => format!(r#","score":{score}"#),
                    1 => format!(r#","polarity":"{polarity}","score":{score}"#),
                    _ => format!(r#","polarity":"{polarity}""#),
                };
                self.plan(time, customer, "social_mention", fields);
            } else {
                let channel =
                    self.random.word(&["comment", "ticket", "ticket", "review", "social", "call"]);
                let fields = format!(r#","channel":"{channel}","score":{score}{scale}"#);
                self.plan(time, customer, "sentiment_scored", fields);
            }
        }
    }

    /// Visits to competitors exactly a week apart, searches, research, trials, the contract.
    fn looks_around(&mut self, customer: usize, at: i64) {
        if self.random.chance(40) {
            for part in [0, 3, 7] {
                let time = at + part * DAY - i64::from(self.random.chance(50));
                self.plan(time, customer, "competitor_visit", String::new());
            }
            return;
        }
        for _ in 0..1 + self.random.below(3) {
            let kind = self.random.word(&[
                "competitor_search",
                "competitor_search",
                "competitor_research",
                "competitor_trial",
                "contract_reviewed",
            ]);
            let time = at + self.random.up_to(2) * self.random.span();
            self.plan(time, customer, kind, String::new());
        }
    }

    /// An invoice paid early, in time to the millisecond, late, never, or before its issue.
    fn invoice(&mut self, customer: usize, at: i64) {
        let invoice = self.fresh("i");
        let due = at + self.random.up_to(12 * DAY) - self.random.up_to(10) * DAY;
        let named = format!(r#","invoice_id":"{invoice}","amount":99.5"#);
        if !self.random.chance(5) {
            let fields = format!(r#"{named},"due_at":{due}"#);
            self.plan(at, customer, "invoice_issued", fields);
        }
        let beside = self.random.beside();
        let paid = match self.random.below(8) {
            0 => Some(at + self.random.up_to(6 * DAY)),
            1 => Some(due + beside),
            2 => Some(due + 7 * DAY + 1 + beside),
            3 => Some(due + self.random.up_to(40 * DAY)),
            4 => Some(at - self.random.up_to(DAY)),
            _ => None,
        };
        if self.random.chance(30) {
            let later = due + self.random.up_to(20 * DAY);
            let time = at + self.random.up_to(9 * DAY);
            let fields = format!(r#"{named},"new_due_at":{later}"#);
            self.plan(time, customer, "payment_deferred", fields);
        }
        if self.random.chance(20) {
            self.plan(due, customer, "payment_failed", named.clone());
        }
        if let Some(paid) = paid {
            self.plan(paid, customer, "payment_succeeded", named.clone());
            if self.random.chance(20) {
                self.plan(paid + DAY, customer, "payment_succeeded", named.clone());
                self.plan(paid + DAY, customer, "refund", named);
            }
        }
    }

    /// Webinars, resources and the community.
    fn takes_part(&mut self, customer: usize, at: i64) {
        let webinar = self.fresh("w");
        let named = format!(r#","webinar_id":"{webinar}""#);
        if self.random.chance(60) {
            self.plan(at, customer, "webinar_invited", named.clone());
        }
        if self.random.chance(40) {
            let time = at + self.random.up_to(2) * DAY;
            self.plan(time, customer, "webinar_attended", named);
        }
        if self.random.chance(40) {
            self.plan(at, customer, "resource_downloaded", r#","resource_id":"r""#.to_owned());
        }
        if self.random.chance(40) {
            self.plan(at, customer, "community_activity", r#","kind":"post""#.to_owned());
        }
    }

    /// Returns on investment and KPIs, with and without a way to go.
    fn results(&mut self, customer: usize, at: i64) {
        if self.random.chance(50) {
            let roi = self.random.word(&["-20", "0", "66.666667", "150.25", "200", "350"]);
            self.plan(at, customer, "roi_reported", format!(r#","roi_pct":{roi}"#));
        }
        if self.random.chance(60) {
            let role = self.random.word(&["primary", "primary", "secondary"]);
            let baseline = self.random.word(&["", "", r#","baseline":10"#, r#","baseline":30"#]);
            let value = self.random.word(&["5", "10", "17.3", "30", "null"]);
            let target = self.random.word(&["30", "10", "31.7", "0"]);
            let fields =
                format!(r#","kpi_role":"{role}","value":{value},"target":{target}{baseline}"#);
            self.plan(at, customer, "kpi_reported", fields);
        }
    }
}
