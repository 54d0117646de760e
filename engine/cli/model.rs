//! `ebb model`: check, show and compare model files.
//!
//! Shape   here the arguments and the loading, in `show` the rendering.
//! Rules   a model is a path or the name of a shipped file; a name wins, so `./default` is a path.
//! Errors  exit 1 for a file that cannot be read or an output that cannot be written, 3 for a
//!         model or catalogue with faults.

use std::io::{self, Write};
use std::path::Path;

use super::Failure;
use super::table::Format;
use crate::model::{self, Fault, Model, Sources, facts, shipped};

mod show;

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

/// Does what `args` ask and writes it to `out`.
///
/// # Errors
///
/// Exit 1 where a file cannot be read or `out` cannot be written, 3 where a model has faults.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<(), Failure> {
    let text = match &args.command {
        Command::Check { file, catalog } => {
            let model = checked(file, catalog.as_deref(), None)?;
            format!("sound: {}\n", show::counts(&model))
        }
        Command::Show { file, catalog, format } => {
            let model = load(file, catalog.as_deref(), None)?;
            match format {
                Format::Table => show::table(&model),
                Format::Json => show::json(&model),
            }
        }
        Command::Diff { before, after, format } => {
            let before = load(before, None, None)?;
            let after = load(after, None, None)?;
            let differences = facts::diff(&before, &after);
            match format {
                Format::Table => show::diff(&differences),
                Format::Json => show::diff_json(&differences),
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
    checked(file, catalog, sources).map_err(|mut failure| {
        if failure.exit == Failure::settings("").exit {
            failure.message.push_str(&format!("\ntry: ebb model check {file}"));
        }
        failure
    })
}

/// The same, without saying how to see the faults.
fn checked(file: &str, catalog: Option<&str>, sources: Sources<'_>) -> Result<Model, Failure> {
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
    Failure::settings(message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

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
        assert!(diff("default", "bench")?.contains("- signals.R3-B1: "));
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
        assert!(lines.len() == 4, "{}", failure.message);
        assert!(lines.contains(&"  line 2: model.id = 3: wanted a text"), "{}", failure.message);
    }
}
