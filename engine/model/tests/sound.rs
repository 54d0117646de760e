//! A small sound model, to be broken in one place at a time.

use super::loaded;

/// A sound model that every row below breaks in one place.
pub(super) const SOUND: &str = r#"
[model]
id = "t"
version = 1

[measures.logins]
kind = "count"
of = "login"
window = "30d"

[measures.features]
kind = "distinct"
of = "feature_used"
field = "feature_id"
window = "30d"

[measures.share]
kind = "ratio"
num = "logins"
den = "features"
min_den = 1

[measures.idle]
kind = "age"
of = "login"

[measures.nps]
kind = "worst_latest"
of = "survey_response"
where = { kind = "nps" }
by = "user_id"
max_age = "120d"
lo = 0
hi = 10

[measures.rate]
kind = "rate_vs_baseline"
of = "login"
window = "14d"
baseline = "90d"
days = "active"
min_history = "30d"

[measures.best]
kind = "greatest"
parts = ["logins", "features"]

[signals.A]
name = "few_logins"
score = "risk"
group = "use"
points = 10
measure = "logins"
lt = 2
rings = true

[signals.B]
name = "few_features"
score = "risk"
group = "use"
points = 20
measure = "features"
lt = 3
with_any = ["A"]

[signals.C]
name = "angry"
score = "worst"
level = "high"
measure = "nps"
lt = 5

[red_flags.F]
name = "both"
score = "risk"
all = [{ signal = "A" }, { measure = "nps", lt = 3 }]
floor = 80

[scores.risk]
combine = "capped_sum"
worse = "higher"
groups = { use = 40 }
count_floor = [0, 40]
exit_margin = 5
bands = [
    { name = "low", from = 0, to = 40 },
    { name = "medium", from = 40, to = 70, asks = "action" },
    { name = "high", from = 70, to = 100, asks = "action", due = "24h" },
]

[scores.worst]
combine = "severity_max"
worse = "higher"
levels = { high = { base = 80, span = 20, points = 3 } }
bands = [{ name = "all", from = 0 }]

[scores.kept]
combine = "weighted"
worse = "lower"
drop = { days = 7, ring_at = -20, arm_above = -15 }
subscores.use = { weight = 0.6, inputs = [{ measure = "share", lo = 0, hi = 1 }] }
subscores.mood = { weight = 0.4, inputs = [{ measure = "nps", lo = 0, hi = 10 }] }
bands = [{ name = "poor", from = 0 }, { name = "good", from = 50 }]

[intents.I]
on = "cancellation_requested"
score = "risk"

[too_old]
login = "104d"
"#;

/// Replaces `from` by `to` in the sound model and checks that exactly `wanted` is said, without
/// the lines.
pub(super) fn broken(from: &str, to: &str, wanted: &[&str]) {
    assert!(SOUND.contains(from), "{from}");
    let faults = loaded(&SOUND.replacen(from, to, 1)).err().unwrap_or_default();
    let said: Vec<&str> = faults
        .iter()
        .map(|line| line.split_once(": ").map_or(line.as_str(), |(_, rest)| rest))
        .collect();
    assert_eq!(said, wanted, "{from} -> {to}");
}
