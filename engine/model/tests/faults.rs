//! Names, measures and filters that do not load, and how it is said.

use super::loaded;
use super::sound::{SOUND, broken};

#[test]
fn the_sound_model_loads() {
    assert_eq!(loaded(SOUND).err(), None);
}

#[test]
fn unknown_names_are_said_with_a_near_one() {
    let rows: [(&str, &str, &str); 14] = [
        (
            "of = \"login\"",
            "of = \"logins\"",
            "measures.logins.of = \"logins\": wanted the name of an event type; did you mean \
             login?",
        ),
        (
            "of = \"feature_used\"",
            "of = \"featured_*\"",
            "measures.features.of = \"featured_*\": wanted the name of an event type",
        ),
        (
            "field = \"feature_id\"",
            "field = \"feature\"",
            "measures.features.field = \"feature\": wanted a text field of the event type; did you \
             mean feature_id?",
        ),
        (
            "field = \"feature_id\"",
            "field = \"message_id\"",
            "measures.features.field = \"message_id\": wanted a text field that feature_used \
             carries",
        ),
        (
            "kind = \"distinct\"",
            "kind = \"distnct\"",
            "measures.features.kind = \"distnct\": wanted one of count, sum, mean, min, max, \
             distinct, matched, most, latest, age, days_until, worst_latest, rate_vs_baseline, \
             overdue, on_time, ratio, greatest, tenure, state; did you mean distinct?",
        ),
        (
            "num = \"logins\"",
            "num = \"login\"",
            "measures.share.num = \"login\": wanted the name of a measure; did you mean logins?",
        ),
        (
            "measure = \"logins\"",
            "measure = \"Logins\"",
            "signals.A.measure = \"Logins\": wanted the name of a measure; did you mean logins?",
        ),
        (
            "score = \"risk\"\ngroup = \"use\"\npoints = 10",
            "score = \"risks\"\ngroup = \"use\"\npoints = 10",
            "signals.A.score = \"risks\": wanted the name of a score; did you mean risk?",
        ),
        (
            "group = \"use\"\npoints = 10",
            "group = \"us\"\npoints = 10",
            "signals.A.group = \"us\": wanted the name of a group of score risk; did you mean use?",
        ),
        (
            "level = \"high\"",
            "level = \"hihg\"",
            "signals.C.level = \"hihg\": wanted the name of a level of score worst; did you mean \
             high?",
        ),
        (
            "{ signal = \"A\" }",
            "{ signal = \"Z\" }",
            "red_flags.F.all[1].signal = \"Z\": wanted the id of a signal",
        ),
        (
            "{ measure = \"nps\", lt = 3 }",
            "{ measure = \"csat\", lt = 3 }",
            "red_flags.F.all[2].measure = \"csat\": wanted the name of a measure",
        ),
        (
            "measure = \"share\", lo",
            "measure = \"shares\", lo",
            "scores.kept.subscores.use.inputs.measure = \"shares\": wanted the name of a measure; \
             did you mean share?",
        ),
        (
            "on = \"cancellation_requested\"",
            "on = \"cancelation_requested\"",
            "intents.I.on = \"cancelation_requested\": wanted the name of an event type; did you \
             mean cancellation_requested?",
        ),
    ];
    for (from, to, wanted) in rows {
        match to.contains("hihg") {
            // The level has lost its only signal too.
            true => broken(
                from,
                to,
                &[
                    wanted,
                    "scores.worst.levels.high = no signal: wanted at \
                                               least one signal that stands in it",
                ],
            ),
            false => broken(from, to, &[wanted]),
        }
    }
}

const SPAN: &str =
    "a whole number above 0 with a unit (ms, s, m, h, d, w) in quotes, such as \"14d\"";

#[test]
fn measures_that_cannot_be_are_refused() {
    let window = |found: &str| format!("measures.logins.window{found}: wanted {SPAN}");
    broken("of = \"login\"\nwindow = \"30d\"", "of = \"login\"", &[&window("")]);
    broken("window = \"30d\"", "window = \"30\"", &[&window(" = \"30\"")]);
    broken("window = \"30d\"", "window = 30", &[&window(" = 30")]);
    broken("window = \"30d\"", "window = \"0\"", &[&window(" = \"0\"")]);
    broken("window = \"30d\"", "window = \"99999w\"", &[&window(" = \"99999w\"")]);
    let rows: [(&str, &str, &str); 16] = [
        (
            "window = \"30d\"",
            "window = \"30d\"\nexclude_last = \"30d\"",
            "measures.logins.exclude_last = \"30d\": wanted less than the window (30d)",
        ),
        ("min_den = 1", "", "measures.share.min_den: wanted a whole number, at least 1"),
        (
            "min_den = 1",
            "min_den = 0",
            "measures.share.min_den = 0: wanted a whole number, at least 1",
        ),
        (
            "hi = 10\n",
            "hi = 0.0\n",
            "measures.nps.hi = 0.0: wanted another number than lo: the worst and the best answer \
             differ",
        ),
        (
            "window = \"14d\"",
            "window = \"36h\"",
            "measures.rate.window = \"36h\": wanted whole days, such as \"14d\"",
        ),
        (
            "min_history = \"30d\"",
            "min_history = \"91d\"",
            "measures.rate.min_history = \"91d\": wanted at most the baseline (90d)",
        ),
        (
            "num = \"logins\"",
            "num = \"idle\"",
            "measures.share.num = \"idle\": wanted a measure that stands still between events: \
             ages, tenure, days late and days until may stand in comparisons only",
        ),
        (
            "measure = \"share\", lo",
            "measure = \"idle\", lo",
            "scores.kept.subscores.use.inputs.measure = \"idle\": wanted a measure that stands \
             still between events: ages, tenure, days late and days until may stand in \
             comparisons only",
        ),
        (
            "of = \"login\"\nwindow = \"30d\"",
            "of = \"login\"\nwindow = \"31d\"",
            "measures.share.den = \"features\" over 30d: wanted the period of logins, 31d",
        ),
        (
            "parts = [\"logins\", \"features\"]",
            "parts = [\"logins\"]",
            "measures.best.parts = [\"logins\"]: wanted the names of two measures or more",
        ),
        (
            "parts = [\"logins\", \"features\"]",
            "parts = [\"logins\", \"best\"]",
            "measures.best = best -> best: wanted measures that do not read themselves",
        ),
        (
            "of = \"survey_response\"\nwhere = { kind = \"nps\" }\nby = \"user_id\"",
            "of = \"login\"\nby = \"user_id\"",
            "measures.nps.of = \"login\": wanted \"survey_response\", the only type whose answers \
             have a scale",
        ),
        (
            "window = \"30d\"",
            "window = \"30d\"\ngrace = \"soon\"",
            "measures.logins.grace = \"soon\": wanted a whole number with a unit (ms, s, m, h, d, \
             w) in quotes, such as \"14d\", or \"0\"",
        ),
        (
            "window = \"30d\"",
            "window = \"30d\"\nconsent = \"marketing\"",
            "measures.logins.consent = \"marketing\": wanted a purpose that must be granted; \
             marketing is allowed until it is refused",
        ),
        (
            "window = \"30d\"",
            "windows = \"30d\"\nwindow = \"30d\"",
            "measures.logins.windows: wanted a known key; did you mean window?",
        ),
        (
            "[measures.logins]",
            "[measures.\"my logins\"]\nkind = \"tenure\"\n[measures.logins]",
            "measures.my logins = \"my logins\": wanted a name of letters, digits, - and _, at \
             most 64 of them",
        ),
    ];
    for (from, to, wanted) in rows {
        // The greatest of both reads other periods as well.
        match to.contains("31d") {
            true => broken(
                from,
                to,
                &[
                    wanted,
                    "measures.best.parts = \"features\" over 30d: wanted the period of logins, 31d",
                ],
            ),
            false => broken(from, to, &[wanted]),
        }
    }
}

#[test]
fn a_cycle_is_told_step_by_step() {
    broken("num = \"logins\"", "num = \"best\"", &[]);
    let cycle = SOUND
        .replace("num = \"logins\"", "num = \"best\"")
        .replace("parts = [\"logins\", \"features\"]", "parts = [\"logins\", \"share\"]");
    let said = loaded(&cycle).err().unwrap_or_default();
    let wanted = "measures.share = share -> best -> share: wanted measures that do not read \
                  themselves";
    assert!(said.len() == 1 && said.iter().all(|line| line.ends_with(wanted)), "{said:?}");
}

#[test]
fn filters_are_checked_against_the_vocabulary() {
    let at = "measures.nps.where.kind";
    let test = |to: &str, wanted: &str| broken("{ kind = \"nps\" }", to, &[wanted]);
    test(
        "{ kind = \"npss\" }",
        &format!(
            "{at} = \"npss\": wanted one of nps, csat, ces, satisfaction, exit; did you mean nps?"
        ),
    );
    test(
        "{ knd = \"nps\" }",
        "measures.nps.where.knd = \"knd\": wanted a text field of the event type; did you mean \
         kind?",
    );
    test(
        "{ kind = true }",
        &format!(
            "{at} = \"kind\": wanted a true-or-false field; in survey_response this one holds a \
             text"
        ),
    );
    test(
        "{ kind = { below = 3 } }",
        &format!(
            "{at} = \"kind\": wanted a number field; in survey_response this one holds a text"
        ),
    );
    test(
        "{ kind = { is = \"nps\", not = \"csat\" } }",
        &format!(
            "{at} = 2 tests: wanted exactly one of is, not, holds_any, absent, below, at_least"
        ),
    );
    test(
        "{ kind = 3 }",
        &format!(
            "{at} = 3: wanted a text, a list of texts, true or false, or a table with one test"
        ),
    );
    test("{}", "measures.nps.where = no test: wanted at least one field with its test");
    test(
        "[{ kind = \"nps\" }, {}]",
        "measures.nps.where[2] = no test: wanted at least one field with its test",
    );
    test("3", "measures.nps.where = 3: wanted a table");
}
