//! Whole files that do not load: all faults at once, no TOML, too much, nonsense.

use super::loaded;
use super::sound::SOUND;
use crate::model::{load, shipped};
use crate::unit::limit::{MODEL_BYTES_MAX, SIGNALS_MAX};

#[test]
fn all_faults_of_a_file_come_at_once_in_the_order_of_its_lines() {
    let text = SOUND
        .replace("version = 1", "version = 0")
        .replace("of = \"feature_used\"", "of = \"feature\"")
        .replace("min_den = 1", "")
        .replace("lt = 5", "lt = 5\nle = 5")
        .replace("exit_margin = 5", "exit_margin = 55")
        .replace("weight = 0.4", "weight = 0.3")
        .replace("login = \"104d\"", "login = \"1d\"");
    let faults = load(&text, "[features]\nbasic = 0\n", None).err().unwrap_or_default();
    let places: Vec<&str> = faults.iter().map(|fault| fault.place.as_str()).collect();
    let wanted = [
        "model.version",
        "measures.features.of",
        "measures.share.min_den",
        "signals.C",
        "scores.risk.exit_margin",
        "scores.risk.exit_margin",
        "scores.kept.subscores",
        "too_old.login",
        "catalog.features",
        "catalog.features.basic",
    ];
    let mut sorted = places.clone();
    sorted.sort_unstable();
    let mut wanted_sorted = wanted.to_vec();
    wanted_sorted.sort_unstable();
    assert_eq!(sorted, wanted_sorted);
    let lines: Vec<Option<usize>> =
        faults.iter().filter(|f| !f.place.starts_with("catalog")).map(|f| f.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    let of = |text: &str| 1 + SOUND.lines().position(|line| line == text).unwrap_or(0);
    assert_eq!(lines.first().copied().flatten(), Some(of("version = 1")));
}

#[test]
fn what_is_no_toml_is_said_with_its_line() {
    let said = loaded("[model]\nid = \n").err().unwrap_or_default();
    assert!(said.len() == 1 && said.iter().all(|line| line.starts_with("line 2: ")), "{said:?}");
    let twice = loaded("[signals.A]\nlt = 1\n[signals.A]\nlt = 2\n").err().unwrap_or_default();
    assert!(twice.iter().any(|line| line.starts_with("line 3: ")), "{twice:?}");
}

#[test]
fn a_catalogue_without_the_star_row_is_refused() {
    for (catalog, wanted) in [
        ("", "catalog.features"),
        ("[features]\nbasic = 3\n", "catalog.features"),
        ("[features]\n\"*\" = 0\n", "catalog.features.*"),
        ("[features]\n\"*\" = 2.5\n", "catalog.features.*"),
        ("[features]\n\"*\" = 2\n[limits]\n", "catalog.limits"),
    ] {
        let faults = load(shipped::DEFAULT, catalog, None).err().unwrap_or_default();
        let places: Vec<&str> = faults.iter().map(|fault| fault.place.as_str()).collect();
        assert_eq!(places, [wanted], "{catalog}");
    }
}

#[test]
fn too_much_is_refused() {
    let huge = format!("# {}\n", "x".repeat(MODEL_BYTES_MAX));
    let said = loaded(&huge).err().unwrap_or_default();
    assert!(said.iter().any(|line| line.contains("wanted at most 262144 bytes")), "{said:?}");
    let mut many = SOUND.to_owned();
    for at in 0..SIGNALS_MAX {
        many.push_str(&format!(
            "[signals.X{at}]\nname = \"x\"\nscore = \"risk\"\ngroup = \"use\"\npoints = 1\n\
             measure = \"logins\"\nlt = {at}\n"
        ));
    }
    let said = loaded(&many).err().unwrap_or_default();
    assert!(said.iter().any(|line| line.ends_with("131 signals: wanted at most 128")), "{said:?}");
    let mut many = SOUND.to_owned();
    for at in 0..130 {
        many.push_str(&format!(
            "[measures.X{at}]\nkind = \"count\"\nof = \"competitor_search\"\nwindow = \"1d\"\n\
             where = {{ keyword = \"{at}\" }}\n"
        ));
    }
    let said = loaded(&many).err().unwrap_or_default();
    assert!(said.iter().any(|line| line.contains("different tracks: wanted")), "{said:?}");
}

/// Texts made of the default model by cutting and doubling pieces: none may panic.
#[test]
fn broken_pieces_of_a_model_never_panic() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).unwrap_or(1)).unwrap_or(0)
    };
    let lines: Vec<&str> = shipped::DEFAULT.lines().collect();
    for _ in 0..50 {
        let mut kept: Vec<&str> = Vec::new();
        for line in &lines {
            match next(60) {
                0 => {}
                1 => kept.extend([*line, *line]),
                2 => kept.push(lines.get(next(lines.len())).copied().unwrap_or("")),
                3 => kept.push(line.get(..next(line.len() + 1)).unwrap_or("")),
                _ => kept.push(line),
            }
        }
        // Only that it comes back: whether with a model or with faults is chance.
        let _outcome = loaded(&kept.join("\n"));
    }
    let deep = format!("[a{}]\nx = 1\n", ".a".repeat(20_000));
    assert!(loaded(&deep).is_err());
    let nested = format!("a = {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    assert!(loaded(&nested).is_err());
}
