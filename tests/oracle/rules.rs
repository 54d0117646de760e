//! The default model as tables: 27 signals, three red flags, three scores, ten inputs and more.
//!
//! Source  SPEC §1 to §4; readings; "none at all" is at most 0.

use crate::oracle::answers;
use crate::oracle::measures::{self, Reading, View};

/// What a measure is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// Less than.
    Below(f64),
    /// At most.
    AtMost(f64),
    /// More than.
    Above(f64),
    /// At least.
    AtLeast(f64),
}

impl Test {
    /// Whether `value` passes.
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Test::Below(threshold) => value < threshold,
            Test::AtMost(threshold) => value <= threshold,
            Test::Above(threshold) => threshold < value,
            Test::AtLeast(threshold) => threshold <= value,
        }
    }

    /// What the value is compared with.
    pub(crate) fn threshold(self) -> f64 {
        match self {
            Test::Below(threshold)
            | Test::AtMost(threshold)
            | Test::Above(threshold)
            | Test::AtLeast(threshold) => threshold,
        }
    }
}

/// Where a signal belongs: a group of risk or a level of risk_cs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Risk, cap 40.
    Behaviour,
    /// Risk, cap 30.
    Sentiment,
    /// Risk, cap 30.
    Competition,
    /// Risk_cs, base 80, span 20.
    High,
    /// Risk_cs, base 50, span 30.
    Medium,
    /// Risk_cs, base 20, span 30.
    Low,
}

/// One signal.
pub(crate) struct Rule {
    /// Its id.
    pub(crate) id: &'static str,
    /// Its group or level.
    pub(crate) place: Place,
    /// Its points.
    pub(crate) points: i64,
    /// What it reads.
    pub(crate) measure: fn(&View<'_>) -> Reading,
    /// When it is active.
    pub(crate) test: Test,
}

/// The groups of risk with their caps, in model order.
pub(crate) const GROUPS: [(Place, &str, i64); 3] = [
    (Place::Behaviour, "behaviour", 40),
    (Place::Sentiment, "sentiment", 30),
    (Place::Competition, "competition", 30),
];

/// The levels of risk_cs from the worst down: base, span.
pub(crate) const LEVELS: [(Place, i64, i64); 3] =
    [(Place::High, 80, 20), (Place::Medium, 50, 30), (Place::Low, 20, 30)];

/// The signals in model order: fifteen of risk, then twelve of risk_cs.
pub(crate) static RULES: [Rule; 27] = {
    use Place::{Behaviour, Competition, High, Low, Medium, Sentiment};
    use Test::{Above, AtLeast, AtMost, Below};
    [
        rule("R3-B1", Behaviour, 15, measures::open_rate, Below(0.5)),
        rule("R3-B2", Behaviour, 20, measures::feature_ratio, Below(0.3)),
        rule("R3-B3", Behaviour, 10, measures::tickets, Above(3.0)),
        rule("R3-B4", Behaviour, 15, measures::days_late, Above(7.0)),
        rule("R3-B5", Behaviour, 10, measures::login_ratio, Below(0.5)),
        rule("R3-S1", Sentiment, 15, answers::nps, Below(7.0)),
        rule("R3-S2", Sentiment, 10, answers::comment_sentiment, Below(0.3)),
        rule("R3-S3", Sentiment, 5, answers::negative_mentions, AtLeast(1.0)),
        rule("R3-S4", Sentiment, 10, answers::satisfaction, Below(7.0)),
        rule("R3-S5", Sentiment, 10, answers::ticket_sentiment, Below(0.3)),
        rule("R3-C1", Competition, 10, measures::competitor_visits, AtLeast(3.0)),
        rule("R3-C2", Competition, 10, measures::competitor_searches, AtLeast(1.0)),
        rule("R3-C3", Competition, 5, measures::competitor_research, AtLeast(1.0)),
        rule("R3-C4", Competition, 15, measures::competitor_trials, AtLeast(1.0)),
        rule("R3-C5", Competition, 10, measures::contract_reviews, AtLeast(1.0)),
        rule("R4-U1", High, 3, measures::sessions, Below(2.0)),
        rule("R4-U2", Medium, 2, measures::hours, Below(1.0)),
        rule("R4-U3", High, 3, measures::features, Below(3.0)),
        rule("R4-I1", High, 3, measures::days_since_login, AtLeast(7.0)),
        rule("R4-I2", Medium, 2, measures::reply_ratio, AtMost(0.0)),
        rule("R4-I3", High, 3, measures::support_events, AtMost(0.0)),
        rule("R4-S1", High, 3, answers::nps, Below(7.0)),
        rule("R4-S2", High, 3, answers::csat, Below(3.0)),
        rule("R4-S3", Medium, 2, answers::ces, Above(3.0)),
        rule("R4-B1", Medium, 2, measures::webinar_ratio, AtMost(0.0)),
        rule("R4-B2", Medium, 2, measures::downloads, AtMost(0.0)),
        rule("R4-B3", Low, 1, measures::community, AtMost(0.0)),
    ]
};

/// How many of the signals belong to risk; the others belong to risk_cs.
pub(crate) const OF_RISK: usize = 15;

const fn rule(
    id: &'static str,
    place: Place,
    points: i64,
    measure: fn(&View<'_>) -> Reading,
    test: Test,
) -> Rule {
    Rule { id, place, points, measure, test }
}

/// The place of the signal `id` in [`RULES`].
pub(crate) fn signal(id: &str) -> usize {
    RULES.iter().position(|rule| rule.id == id).unwrap_or(RULES.len())
}

/// The red flags in model order with their floors; RF-3 also wants an NPS answer below 5.
pub(crate) const FLAGS: [(&str, &[&str], i64); 3] = [
    ("RF-1", &["R3-C4", "R3-C2"], 90),
    ("RF-2", &["R3-C5", "R3-C2"], 80),
    ("RF-3", &["R3-B2"], 75),
];

/// The most that an NPS answer may be, itself excluded, for RF-3.
pub(crate) const RF_3_NPS_BELOW: f64 = 5.0;

/// One sub-score of retention: name, weight in hundredths, inputs.
pub(crate) type Subscore = (&'static str, i64, &'static [Input]);

/// One input of a sub-score: measure, where it gives 0, where it gives 100.
pub(crate) type Input = (fn(&View<'_>) -> Reading, f64, f64);

/// The sub-scores of retention in model order.
pub(crate) const SUBSCORES: [Subscore; 4] = [
    (
        "engagement",
        40,
        &[
            (measures::open_rate, 0.0, 0.5),
            (measures::sessions, 0.0, 3.0),
            (measures::login_ratio, 0.0, 1.0),
            (measures::webinar_ratio, 0.0, 1.0),
        ],
    ),
    (
        "usage",
        30,
        &[
            (measures::feature_ratio, 0.0, 0.8),
            (measures::hours, 0.0, 2.0),
            (measures::documents, 0.0, 10.0),
        ],
    ),
    (
        "satisfaction",
        20,
        &[
            (answers::nps, 0.0, 10.0),
            (answers::csat, 1.0, 5.0),
            (answers::ces, 5.0, 1.0),
            (answers::sentiment, 0.0, 1.0),
        ],
    ),
    (
        "value",
        10,
        &[
            (measures::roi, 0.0, 200.0),
            (measures::kpi_attainment, 0.0, 1.0),
            (measures::paid_on_time, 0.0, 1.0),
        ],
    ),
];

/// Which end of a score is the bad one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worse {
    /// The upper.
    Higher,
    /// The lower.
    Lower,
}

/// A score's name, bad end and bands from the lowest up: name, edge, whether it asks for action.
pub(crate) struct Scale {
    /// The score's name.
    pub(crate) name: &'static str,
    /// Which end is bad.
    pub(crate) worse: Worse,
    /// Name, edge in points, whether it asks somebody to act.
    pub(crate) bands: &'static [(&'static str, i64, Asks)],
}

/// Whether a band asks somebody to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// It does.
    Action,
    /// It does not.
    Nothing,
}

/// The scores in model order.
pub(crate) const SCALES: [Scale; 3] = {
    use Asks::{Action, Nothing};
    [
        Scale {
            name: "risk",
            worse: Worse::Higher,
            bands: &[("low", 0, Nothing), ("medium", 40, Action), ("high", 70, Action)],
        },
        Scale {
            name: "risk_cs",
            worse: Worse::Higher,
            bands: &[
                ("none", 0, Nothing),
                ("low", 20, Action),
                ("medium", 50, Action),
                ("high", 80, Action),
            ],
        },
        Scale {
            name: "retention",
            worse: Worse::Lower,
            bands: &[
                ("at_risk", 0, Action),
                ("low", 40, Action),
                ("medium", 60, Nothing),
                ("high", 80, Nothing),
            ],
        },
    ]
};

/// The place of `risk` among the scores.
pub(crate) const RISK: usize = 0;
/// The place of `risk_cs` among the scores.
pub(crate) const RISK_CS: usize = 1;
/// The place of `retention` among the scores.
pub(crate) const RETENTION: usize = 2;
