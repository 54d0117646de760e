//! `ebb model`: check, show and compare model files.
//!
//! Rules   a model is a path or the name of a shipped file; a name wins, so `./default` is a path.
//! Errors  exit 1 for a file that cannot be read or an output that cannot be written, 3 for a
//!         model or catalogue with faults.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Failure;
use super::table::Table;
use crate::model::facts::{self, Difference};
use crate::model::{self, Combine, Fault, Model, Score, Sources, shipped, words};

/// Check, show and compare models.
///
/// A model says what is measured about customers, which signals and scores that makes, and what
/// rings. FILE is a path or the name of a model that comes with the program: default, bench.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Examples:
  ebb model check mine.toml
  ebb model show bench
  ebb model diff default mine.toml")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with models.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Say everything that is wrong with a model, or that it is sound
    Check {
        /// The model
        #[arg(value_name = "FILE", default_value = "default")]
        file: String,
        /// The catalogue of features per plan
        #[arg(long, value_name = "FILE")]
        catalog: Option<String>,
    },
    /// Show what a model does, in words
    Show {
        /// The model
        #[arg(value_name = "FILE", default_value = "default")]
        file: String,
        /// The catalogue of features per plan
        #[arg(long, value_name = "FILE")]
        catalog: Option<String>,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Show what two models say differently, by meaning: comments and the order of keys do not
    /// count
    Diff {
        /// The first model
        #[arg(value_name = "A")]
        before: String,
        /// The second model
        #[arg(value_name = "B")]
        after: String,
        /// For people or for programs
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// People.
    Table,
    /// Programs.
    Json,
}

/// Does what `args` ask and writes it to `out`.
///
/// # Errors
///
/// Exit 1 where a file cannot be read or `out` cannot be written, 3 where a model has faults.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let text = match &args.command {
        Command::Check { file, catalog } => {
            let model = load(file, catalog.as_deref(), None)?;
            format!("sound: {}\n", counts(&model))
        }
        Command::Show { file, catalog, format } => {
            let model = load(file, catalog.as_deref(), None)?;
            match format {
                Format::Table => show(&model),
                Format::Json => pretty(&as_json(&model)),
            }
        }
        Command::Diff { before, after, format } => {
            let before = load(before, None, None)?;
            let after = load(after, None, None)?;
            let differences = facts::diff(&before, &after);
            match format {
                Format::Table => show_diff(&differences),
                Format::Json => pretty(&diff_as_json(&differences)),
            }
        }
    };
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Loads the model `file` with `catalog` (the shipped one, if there is none), for a platform that
/// sends `sources`.
///
/// # Errors
///
/// Exit 1 where a file cannot be read, 3 with every fault where one is faulty.
pub fn load(file: &str, catalog: Option<&str>, sources: Sources<'_>) -> Result<Model, Failure> {
    let text = match shipped::find(file) {
        Some(text) => text.to_owned(),
        None => read("model", file)?,
    };
    let catalog = match catalog {
        Some(path) => read("catalogue", path)?,
        None => shipped::CATALOG.to_owned(),
    };
    model::load(&text, &catalog, sources).map_err(|faults| faulty(file, &faults))
}

fn read(what: &str, path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(Path::new(path)).map_err(|error| {
        let names: Vec<&str> = shipped::MODELS.iter().map(|(name, _)| *name).collect();
        let wanted = match what {
            "model" => format!("wanted a file, or one of {}", names.join(", ")),
            _ => "wanted a file".to_owned(),
        };
        Failure::failed(format!("cannot read the {what}: {path}: {error}; {wanted}"))
    })
}

fn faulty(file: &str, faults: &[Fault]) -> Failure {
    let n = faults.len();
    let s = if n == 1 { "" } else { "s" };
    let mut message = format!("cannot load the model: {n} fault{s} in {file}");
    for fault in faults {
        message.push_str("\n  ");
        message.push_str(&fault.to_string());
    }
    message.push_str(&format!("\ntry: ebb model check {file}"));
    Failure::settings(message)
}

/// The size of a model in one line.
fn counts(model: &Model) -> String {
    let Model { id, version, measures, signals, flags, scores, tracks, .. } = model;
    let scores: Vec<&str> = scores.iter().map(|score| score.name.as_str()).collect();
    format!(
        "model {id}, version {version}: {} measures over {} tracks, {} signals, {} red flags, \
         scores {}",
        measures.len(),
        tracks.len(),
        signals.len(),
        flags.len(),
        scores.join(", ")
    )
}

fn show(model: &Model) -> String {
    let mut text = format!("{}\n", counts(model));
    for (at, score) in model.scores.iter().enumerate() {
        text.push_str(&format!("\nSCORE {}: {}\n", score.name, made(score)));
        text.push_str(&parts(model, score).to_string());
        text.push('\n');
        text.push_str(&bands(score).to_string());
        if !score.signals.is_empty() {
            text.push('\n');
            text.push_str(&signals(model, at).to_string());
        }
        if model.flags.iter().any(|flag| flag.score == at) {
            text.push('\n');
            text.push_str(&flags(model, at).to_string());
        }
    }
    for intent in &model.intents {
        let id = &intent.id;
        text.push_str(&format!("\nINTENT {id}: rings at every {}", intent.on.name()));
        text.push_str(&format!(", cooldown {}\n", intent.cooldown));
    }
    text.push_str("\nMEASURES\n");
    let mut measures = Table::new(&["name", "needs", "is"]);
    for (at, measure) in model.measures.iter().enumerate() {
        let needs = words::conditions(model, measure);
        measures.row([measure.name.clone(), needs, words::measure(model, at)]);
    }
    text.push_str(&measures.to_string());
    text
}

/// How a score is made and how it rings, in one line.
fn made(score: &Score) -> String {
    let mut says = match &score.combine {
        Combine::CappedSum { .. } => "points of the active signals, up to each group's cap".into(),
        Combine::Normalised { .. } => "each group's cap by the share of its active points".into(),
        Combine::Severity { .. } => {
            format!("by the levels of the active signals ({})", facts::way(&score.combine))
        }
        Combine::Weighted { .. } => String::from("weighted mean of the sub-scores that are known"),
    };
    if let Combine::CappedSum { count_floor, .. } | Combine::Normalised { count_floor, .. } =
        &score.combine
    {
        let floors: Vec<String> = count_floor.iter().map(f64::to_string).collect();
        says.push_str(&format!("; at least {} for 0, 1, 2 … active", floors.join(", ")));
    }
    says.push_str(&format!("; exit margin {}, cooldown {}", score.exit_margin, score.cooldown));
    if let Some(drop) = &score.drop {
        says.push_str(&format!("; rings at {} points in {} days", drop.ring_at, drop.days));
    }
    says
}

/// Groups with caps, levels with bases, or sub-scores with weights.
fn parts(model: &Model, score: &Score) -> Table {
    match &score.combine {
        Combine::CappedSum { groups, .. } | Combine::Normalised { groups, .. } => {
            let mut table = Table::new(&["group", "cap"]);
            for group in groups {
                table.row([group.name.clone(), group.cap.to_string()]);
            }
            table
        }
        Combine::Severity { levels, .. } => {
            let mut table = Table::new(&["level", "base", "span", "points"]);
            for level in levels {
                let numbers = [level.base, level.span, level.points].map(|n| n.to_string());
                let [base, span, points] = numbers;
                table.row([level.name.clone(), base, span, points]);
            }
            table
        }
        Combine::Weighted { subscores } => {
            let mut table = Table::new(&["sub-score", "weight", "inputs (0 to 100 points)"]);
            for subscore in subscores {
                let inputs: Vec<String> = subscore
                    .inputs
                    .iter()
                    .map(|input| {
                        let name = words::name(model, input.measure);
                        format!("{name} {} to {}", input.low, input.high)
                    })
                    .collect();
                let weight = subscore.weight.to_string();
                table.row([subscore.name.clone(), weight, inputs.join(", ")]);
            }
            table
        }
    }
}

fn bands(score: &Score) -> Table {
    let mut table = Table::new(&["band", "scores", "asks for", "due", "channels", "what to do"]);
    for (at, band) in score.bands.iter().enumerate().rev() {
        let to = score.bands.get(at + 1).map(|next| next.from);
        table.row([
            band.name.clone(),
            facts::range(band, to),
            facts::asks(band.asks).to_owned(),
            band.due.map(facts::due).unwrap_or_default(),
            band.channels.join(", "),
            band.action.clone(),
        ]);
    }
    table
}

fn signals(model: &Model, score: usize) -> Table {
    let mut table =
        Table::new(&["signal", "name", "group", "points", "rings", "active when", "what to do"]);
    for signal in model.signals.iter().filter(|signal| signal.score == score) {
        let of = model.scores.get(score);
        table.row([
            signal.id.clone(),
            signal.name.clone(),
            of.map(|of| facts::member(of, signal)).unwrap_or_default(),
            signal.points.to_string(),
            facts::rings(signal.rings),
            facts::test(model, signal),
            signal.action.clone(),
        ]);
    }
    table
}

fn flags(model: &Model, score: usize) -> Table {
    let mut table = Table::new(&["red flag", "name", "floor", "rings", "when"]);
    for flag in model.flags.iter().filter(|flag| flag.score == score) {
        let all: Vec<String> = flag.all.iter().map(|part| facts::condition(model, part)).collect();
        table.row([
            flag.id.clone(),
            flag.name.clone(),
            flag.floor.to_string(),
            facts::rings(flag.rings),
            all.join(" and "),
        ]);
    }
    table
}

fn show_diff(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "no difference\n".to_owned();
    }
    let says = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".to_owned());
    let mut table = Table::new(&["place", "first", "second"]);
    for difference in differences {
        let Difference { place, before, after } = difference;
        table.row([place.clone(), says(before), says(after)]);
    }
    table.to_string()
}

/// What programs read as numbers.
const NUMBERS: &[&str] =
    &["version", "points", "floor", "cap", "weight", "exit_margin", "min_coverage", "features"];

/// The model's facts as one object, nested by their places.
fn as_json(model: &Model) -> Value {
    let mut all = Map::new();
    for fact in facts::facts(model) {
        let mut at = &mut all;
        for key in fact.about.split('.') {
            let below = at.entry(key).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = below else { return Value::Null };
            at = inner;
        }
        let number = || serde_json::from_str(&fact.says).ok().filter(Value::is_number);
        let says = if NUMBERS.contains(&fact.what) { number() } else { None };
        at.insert(fact.what.to_owned(), says.unwrap_or(Value::String(fact.says)));
    }
    Value::Object(all)
}

fn diff_as_json(differences: &[Difference]) -> Value {
    let row = |difference: &Difference| {
        let Difference { place, before, after } = difference;
        json!({ "place": place, "before": before, "after": after })
    };
    Value::Array(differences.iter().map(row).collect())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(command: Command) -> Result<String, Failure> {
        let mut out = Vec::new();
        run(&Args { command }, &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn show(file: &str, format: Format) -> Result<String, Failure> {
        said(Command::Show { file: file.to_owned(), catalog: None, format })
    }

    #[test]
    fn the_shipped_models_are_sound_and_can_be_shown() -> Result<(), Failure> {
        for (name, _) in shipped::MODELS {
            let sound = said(Command::Check { file: (*name).to_owned(), catalog: None })?;
            assert!(sound.starts_with(&format!("sound: model {name}, version 1")), "{sound}");
            let table = show(name, Format::Table)?;
            assert!(table.lines().all(|line| line.chars().count() <= 160), "{table}");
            assert!(table.contains("feature_ratio < 0.3"), "{table}");
        }
        Ok(())
    }

    #[test]
    fn programs_read_a_model_as_json() -> Result<(), Failure> {
        let text = show("default", Format::Json)?;
        let model: Value = serde_json::from_str(&text).unwrap_or_default();
        let at = |path: &str| model.pointer(path).cloned().unwrap_or_default();
        assert_eq!(at("/signals/R3-B1/points"), json!(15));
        assert_eq!(at("/signals/R3-B1/test"), json!("open_rate < 0.5"));
        assert_eq!(at("/scores/risk/bands/high/range"), json!("[70, 100]"));
        Ok(())
    }

    #[test]
    fn a_model_does_not_differ_from_itself() -> Result<(), Failure> {
        let diff = |before: &str, after: &str| {
            let (before, after) = (before.to_owned(), after.to_owned());
            said(Command::Diff { before, after, format: Format::Table })
        };
        assert_eq!(diff("default", "default")?, "no difference\n");
        assert!(diff("default", "bench")?.contains("signals.R3-B1.test"));
        Ok(())
    }

    #[test]
    fn a_missing_file_is_named_with_what_there_is() {
        let failure = show("no/such/file.toml", Format::Table).err();
        assert!(failure.as_ref().is_some_and(|failure| failure.exit == 1));
        let message = failure.map(|failure| failure.message).unwrap_or_default();
        assert!(message.contains("no/such/file.toml"), "{message}");
        assert!(message.contains("default, bench"), "{message}");
    }

    #[test]
    fn faults_end_with_3_and_are_listed() {
        let model = model::load("[model]\nid = 3\n", shipped::CATALOG, None);
        let failure = faulty("mine.toml", &model.err().unwrap_or_default());
        assert_eq!(failure.exit, 3);
        let lines: Vec<&str> = failure.message.lines().collect();
        assert!(lines.len() == 5, "{}", failure.message);
        assert!(lines.contains(&"  line 2: model.id = 3: wanted a text"), "{}", failure.message);
    }
}
