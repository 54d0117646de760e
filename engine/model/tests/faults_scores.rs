//! Scores, bands, signals and flags that do not load.

use super::loaded;
use super::sound::{SOUND, broken};

#[test]
fn bands_go_up_from_0_without_gap_or_overlap() {
    let medium = "{ name = \"medium\", from = 40, to = 70, asks = \"action\" }";
    let high = "from = 70, to = 100";
    let rows: [(&str, &str, &str); 9] = [
        (
            "from = 0, to = 40",
            "from = 1, to = 40",
            "scores.risk.bands[1].from = 1: wanted 0: the first band begins at 0",
        ),
        (
            "from = 0, to = 40",
            "from = 0, to = 39",
            "scores.risk.bands[1].to = 39: wanted 40, where the next band begins: this leaves a \
             gap",
        ),
        (
            "from = 0, to = 40",
            "from = 0, to = 41",
            "scores.risk.bands[1].to = 41: wanted 40, where the next band begins: this leaves an \
             overlap",
        ),
        (
            high,
            "from = 70, to = 99",
            "scores.risk.bands[3].to = 99: wanted 100: the last band ends at 100",
        ),
        (
            medium,
            "{ name = \"medium\", from = 80 }",
            "scores.risk.bands[3].from = 70: wanted more than 80, where band medium begins",
        ),
        (
            "name = \"medium\"",
            "name = \"low\"",
            "scores.risk.bands[2].name = \"low\": wanted a name that no other band of the score \
             has",
        ),
        (
            high,
            "from = 700, to = 100",
            "scores.risk.bands[3].from = 700: wanted points from 0 to 100",
        ),
        (
            "asks = \"action\", due",
            "asks = \"act\", due",
            "scores.risk.bands[3].asks = \"act\": wanted one of action, nothing",
        ),
        (
            "exit_margin = 5",
            "exit_margin = 30",
            "scores.risk.exit_margin = 30: wanted less than 30, the width of band medium",
        ),
    ];
    for (from, to, wanted) in rows {
        match to.contains("from = 80") {
            true => broken(
                from,
                to,
                &[
                    "scores.risk.bands[1].to = 40: wanted 80, where the next band begins: this \
                     leaves a gap",
                    wanted,
                ],
            ),
            false => broken(from, to, &[wanted]),
        }
    }
}

#[test]
fn scores_that_cannot_be_are_refused() {
    let rows: [(&str, &str, &str); 15] = [
        (
            "groups = { use = 40 }",
            "groups = { use = 40, mood = 30 }",
            "scores.risk.groups.mood = no signal: wanted at least one signal that stands in it",
        ),
        (
            "groups = { use = 40 }",
            "groups = { use = 140 }",
            "scores.risk.groups.use = 140: wanted points above 0, at most 100",
        ),
        (
            "count_floor = [0, 40]",
            "count_floor = [40, 0]",
            "scores.risk.count_floor = [40, 0]: wanted the floors for 0, 1, 2, … active signals, \
             none below the last",
        ),
        (
            "count_floor = [0, 40]",
            "count_floor = [0, 40]\ncount_groups = [\"used\"]",
            "scores.risk.count_groups = \"used\": wanted the name of a group of this score; did \
             you mean use?",
        ),
        (
            "weight = 0.4",
            "weight = 0.5",
            "scores.kept.subscores = a table: wanted weights that add up to 1, not 1.1",
        ),
        (
            "weight = 0.4",
            "weight = 0",
            "scores.kept.subscores.mood.weight = 0: wanted a weight above 0, at most 1",
        ),
        (
            "measure = \"nps\", lo = 0, hi = 10",
            "measure = \"nps\", lo = 10, hi = 10",
            "scores.kept.subscores.mood.inputs.hi = 10: wanted another number than lo: the score \
             rises from lo to hi",
        ),
        (
            "inputs = [{ measure = \"nps\", lo = 0, hi = 10 }]",
            "inputs = []",
            "scores.kept.subscores.mood.inputs = []: wanted at least one input: { measure, lo, hi \
             }",
        ),
        (
            "ring_at = -20",
            "ring_at = 20",
            "scores.kept.drop.ring_at = 20: wanted points below 0, such as -20",
        ),
        (
            "arm_above = -15",
            "arm_above = -25",
            "scores.kept.drop.arm_above = -25: wanted at least ring_at (-20)",
        ),
        ("days = 7", "days = 31", "scores.kept.drop.days = 31: wanted at most 30 days"),
        (
            "worse = \"lower\"",
            "worse = \"higher\"",
            "scores.kept.drop = a table: wanted no drop here: where a higher score is worse, its \
             fall is good news",
        ),
        (
            "base = 80, span = 20",
            "base = 80, span = 30",
            "scores.worst.levels.high.span = 30: wanted at most 20, so that a score ends at 100",
        ),
        (
            "[scores.worst]",
            "[scores.Worst]",
            "scores.Worst = \"Worst\": wanted a name of lower-case letters, digits and _, as it \
             names a column",
        ),
        (
            "combine = \"weighted\"",
            "combine = \"weighed\"",
            "scores.kept.combine = \"weighed\": wanted one of capped_sum, normalised, \
             severity_max, noisy_or, sum_capped, weighted; did you mean weighted?",
        ),
    ];
    for (from, to, wanted) in rows {
        match to.contains("Worst") {
            true => broken(
                from,
                to,
                &[
                    "signals.C.score = \"worst\": wanted the name of a score; did you mean Worst?",
                    wanted,
                    "scores.Worst.levels.high = no signal: wanted at least one signal that stands \
                     in it",
                ],
            ),
            false => broken(from, to, &[wanted]),
        }
    }
}

#[test]
fn a_score_may_not_be_called_as_another_column_of_customers() {
    for name in ["plan", "place", "status_30d_before", "x_trend_7d", "measure_x"] {
        let text = SOUND.replace("[scores.worst]", &format!("[scores.{name}]"));
        let said = loaded(&text).err().unwrap_or_default();
        let wanted = format!(
            "scores.{name} = {name:?}: wanted a name that no other column of the customers table has"
        );
        assert!(said.iter().any(|line| line.ends_with(&wanted)), "{said:?}");
    }
}

#[test]
fn signals_and_flags_that_cannot_be_are_refused() {
    let one = "exactly one of lt (less than), le (at most), gt (more than), ge (at least)";
    broken("lt = 2\n", "", &[&format!("signals.A = 0 comparisons: wanted {one}")]);
    broken("lt = 2\n", "lt = 2\nge = 1\n", &[&format!("signals.A = 2 comparisons: wanted {one}")]);
    let rows: [(&str, &str, &str); 12] = [
        ("lt = 2\n", "lt = nan\n", "signals.A.lt = nan: wanted a number"),
        ("lt = 2\n", "lt = \"2\"\n", "signals.A.lt = \"2\": wanted a number"),
        ("points = 10", "points = 0", "signals.A.points = 0: wanted points above 0, at most 100"),
        (
            "rings = true",
            "cooldown = \"1d\"",
            "signals.A.cooldown = \"1d\": wanted no cooldown here, or `rings = true`: what never \
             rings has none",
        ),
        (
            "rings = true",
            "with_any = \"B\"",
            "signals.A.with_any = \"B\": wanted a signal that stands before this one",
        ),
        (
            "with_any = [\"A\"]",
            "with_any = [\"B\"]",
            "signals.B.with_any = \"B\": wanted a signal that stands before this one",
        ),
        (
            "with_any = [\"A\"]",
            "level = \"high\"",
            "signals.B.level: wanted one of the keys action, cooldown, ge, group, gt, le, lt, \
             measure, name, points, rings, score, with_any",
        ),
        (
            "[signals.B]",
            "[signals.a]",
            "signals.a = \"a\": wanted an id that no other signal, red flag, intent or score has, \
             whatever its letter case and dashes",
        ),
        (
            "score = \"worst\"\nlevel = \"high\"",
            "score = \"kept\"\nlevel = \"high\"",
            "signals.C.score = \"kept\": wanted a score that is made of signals; a weighted one is \
             made of measures",
        ),
        (
            "score = \"risk\"\nall",
            "score = \"kept\"\nall",
            "red_flags.F.score = \"kept\": wanted a score of the way capped_sum or normalised: \
             others have no floor",
        ),
        (
            "{ signal = \"A\" }, ",
            "{ signal = \"A\", measure = \"nps\" }, ",
            "red_flags.F.all[1] = both: wanted either a signal, or a measure with a comparison",
        ),
        ("floor = 80", "floor = 0", "red_flags.F.floor = 0: wanted points above 0, at most 100"),
    ];
    for (from, to, wanted) in rows {
        match to.contains("kept\"\nlevel") {
            true => broken(
                from,
                to,
                &[
                    wanted,
                    "scores.worst.levels.high = no signal: wanted at least one signal that stands \
                     in it",
                ],
            ),
            false => broken(from, to, &[wanted]),
        }
    }
}

#[test]
fn ages_are_checked_against_the_windows() {
    let rows: [(&str, &str, &str); 4] = [
        (
            "login = \"104d\"",
            "login = \"103d\"",
            "too_old.login = 103d: wanted at least 104d, which measure rate looks back",
        ),
        (
            "login = \"104d\"",
            "logn = \"104d\"",
            "too_old.logn = \"logn\": wanted the name of an event type; did you mean login?",
        ),
        (
            "login = \"104d\"",
            "consent_changed = \"104d\"",
            "too_old.consent_changed = 104d: wanted no span: this type sets what a customer is and \
             is never too old",
        ),
        (
            "login = \"104d\"",
            "login = 104",
            "too_old.login = 104: wanted a whole number above 0 with a unit (ms, s, m, h, d, w) in \
             quotes, such as \"14d\"",
        ),
    ];
    for (from, to, wanted) in rows {
        broken(from, to, &[wanted]);
    }
}

#[test]
fn a_table_of_later_days_is_unknown_today() {
    let keys = "one of the keys intents, measures, model, red_flags, scores, signals, too_old";
    let wanted = format!("playbooks: wanted {keys}");
    broken("[intents.I]", "[playbooks.retain]\n[intents.I]", &[&wanted]);
    broken(
        "[model]\n",
        "",
        &[
            "model: wanted a table [model] with id and version",
            "id: wanted one of the keys intents, measures, model, red_flags, \
                               scores, signals, too_old",
            "version: wanted one of the keys intents, measures, model, red_flags, scores, signals, \
         too_old",
        ],
    );
}
