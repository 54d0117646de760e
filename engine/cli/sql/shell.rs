//! The interactive shell of `ebb sql`.
//!
//! Rules   a statement ends with a semicolon; what begins with a backslash is for the shell. Every
//!         statement is answered by a process of its own, so that Ctrl-C ends the query and
//!         nothing else. An answer longer than the screen goes through the pager.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

use crate::cli::Failure;
use crate::cli::sql::Asker;
use crate::cli::sql::words::Words;
use crate::cli::table::Table;
use crate::query::Refused;
use crate::query::columns::TABLES;

/// What `\?` says.
const HELP: &str = "\
SELECT …;         ask; the statement ends with a semicolon
\\d                 all tables (also \\dt)
\\d TABLE           the columns of a table: type, unit, meaning
\\timing            say or do not say how long an answer took
\\as_of TIME        ask as of a time or a snapshot; alone: as of the newest
\\q                 leave (also Ctrl-D)
Ctrl-C ends a query. Tab completes tables, columns and functions.
";

/// Statements remembered.
const HISTORY: usize = 1_000;

/// One conversation.
pub struct Shell {
    asker: Asker,
    words: Option<Words>,
    is_timing: bool,
}

/// What an input led to.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Something to show.
    Text(String),
    /// Nothing more.
    Quit,
}

/// Talks until whoever is at the terminal leaves.
///
/// # Errors
///
/// Exit 1 where there is no snapshot to ask, or the terminal fails.
pub fn run(asker: Asker) -> Result<(), Failure> {
    let args = &asker.args;
    let failed = |error: ReadlineError| Failure::failed(format!("the terminal failed: {error}"));
    let words = Words::of(&args.snapshots, args.as_of.as_deref()).map_err(told)?;
    let config = Config::builder().max_history_size(HISTORY).map_err(failed)?;
    let config = config.history_ignore_space(true).build();
    let mut editor: Editor<Words, FileHistory> = Editor::with_config(config).map_err(failed)?;
    editor.set_helper(Some(words));
    let history = history();
    if let Some(history) = &history {
        // The first time there is none.
        let _none = editor.load_history(history);
    }
    // Ctrl-C during a query is for the query: it reaches its process too.
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted)
        .map_err(|error| Failure::failed(format!("cannot listen for Ctrl-C: {error}")))?;
    let words = Words::of(&args.snapshots, args.as_of.as_deref()).map_err(told)?;
    println!("ebb sql over {}; \\? for help", args.snapshots.display());
    let mut shell = Shell { asker, words: Some(words), is_timing: true };
    loop {
        match editor.readline("ebb> ") {
            Ok(input) => {
                if !input.trim().is_empty() {
                    editor.add_history_entry(input.as_str()).map_err(failed)?;
                }
                match shell.obey(&input) {
                    Answer::Text(text) => show(&text),
                    Answer::Quit => break,
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    if let Some(history) = &history {
        // A history that cannot be kept is no reason to fail.
        let _unkept = editor.save_history(history);
    }
    Ok(())
}

fn told(refused: Refused) -> Failure {
    Failure::failed(refused.to_string())
}

/// The file that keeps the statements, where the system says where such files are kept.
fn history() -> Option<PathBuf> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let folder = state.or_else(home)?.join("ebb");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}

impl Shell {
    /// Does what `input` asks for.
    fn obey(&mut self, input: &str) -> Answer {
        let input = input.trim();
        let mut parts = input.split_whitespace();
        let (command, argument) = (parts.next().unwrap_or_default(), parts.next());
        Answer::Text(match command {
            "" => String::new(),
            "\\q" | "exit" | "quit" => return Answer::Quit,
            "\\?" | "help" => HELP.to_owned(),
            "\\d" | "\\dt" => match argument {
                None => tables(),
                Some(table) => self.columns(table.trim_end_matches(';')),
            },
            "\\timing" => {
                self.is_timing = !self.is_timing;
                format!("timing is {}\n", if self.is_timing { "on" } else { "off" })
            }
            "\\as_of" => self.look_at(argument),
            _ if command.starts_with('\\') => format!("no command is called {command}; see \\?\n"),
            _ => self.ask(input),
        })
    }

    /// Asks as of another instant from here on.
    fn look_at(&mut self, when: Option<&str>) -> String {
        match Words::of(&self.asker.args.snapshots, when) {
            Ok(words) => {
                self.words = Some(words);
                self.asker.args.as_of = when.map(str::to_owned);
                format!("as of {}\n", when.unwrap_or("the newest"))
            }
            Err(refused) => format!("error: {refused}\n"),
        }
    }

    fn columns(&self, table: &str) -> String {
        let columns = self.words.as_ref().map(|words| words.columns(table)).unwrap_or_default();
        if columns.is_empty() {
            let known = TABLES.iter().map(|(name, _)| *name);
            return format!("error: {}\n", Refused::unknown("table", table, known));
        }
        let mut shown = Table::new(&["column", "type", "unit", "means"]);
        for column in columns {
            let null = match column.null.as_str() {
                "" => String::new(),
                null => format!("; null: {null}"),
            };
            let means = format!("{}{null}", column.means);
            shown.row([column.name, column.kind.name().to_owned(), column.unit, means]);
        }
        shown.to_string()
    }

    fn ask(&self, statement: &str) -> String {
        let begun = Instant::now();
        let mut answer = Vec::new();
        let done = self.asker.ask(statement, &mut answer);
        let mut text = match done {
            Ok(()) => String::from_utf8_lossy(&answer).into_owned(),
            Err(refused) => format!("error: {refused}\n"),
        };
        if self.is_timing {
            text.push_str(&format!("{} ms\n", begun.elapsed().as_millis()));
        }
        text
    }
}

/// All tables.
fn tables() -> String {
    let mut shown = Table::new(&["table", "holds"]);
    for (table, says) in TABLES {
        shown.row([table.to_owned(), says.to_owned()]);
    }
    shown.to_string()
}

/// Prints `text`, through the pager where it is longer or wider than the screen.
fn show(text: &str) {
    let (height, width) = console::Term::stdout().size();
    let is_long = usize::from(height) < text.lines().count() + 1;
    let is_wide = text.lines().any(|line| usize::from(width) < line.chars().count());
    if (is_long || is_wide) && paged(text).is_some() {
        return;
    }
    print!("{text}");
    // Where the terminal is gone the next prompt says so.
    let _gone = std::io::stdout().flush();
}

/// Shows `text` in the pager that `PAGER` names, or `less`; nothing if there is none.
fn paged(text: &str) -> Option<()> {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less -FRSX".to_owned());
    let mut words = pager.split_whitespace();
    let mut child = Command::new(words.next()?).args(words).stdin(Stdio::piped()).spawn().ok()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A reader who leaves early has seen enough.
        let _enough = stdin.write_all(text.as_bytes());
    }
    child.wait().ok().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sql::Args;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn shell() -> Shell {
        let args = Line::parse_from(["sql", "--snapshots", "/nowhere"]).args;
        match Asker::new(&args) {
            Ok(asker) => Shell { asker, words: None, is_timing: true },
            Err(failure) => unreachable!("{failure}"),
        }
    }

    #[test]
    fn commands_are_obeyed() {
        let mut shell = shell();
        let mut check = |input: &str, says: &str| match shell.obey(input) {
            Answer::Text(text) => assert!(text.contains(says), "{input}: {text}"),
            Answer::Quit => assert_eq!(says, "quit", "{input}"),
        };
        check("\\?", "Tab completes");
        check("\\dt", "kpis");
        check("\\d custmers", "no table is called custmers; did you mean customers?");
        check("\\timing", "timing is off");
        check("\\timing", "timing is on");
        check("\\as_of 2026-01-01T00:00:00Z", "error: cannot read snapshots: /nowhere");
        check("\\nothing", "no command is called \\nothing; see \\?");
        check("  ", "");
        check("\\q", "quit");
        check("exit", "quit");
    }
}
