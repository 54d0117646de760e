//! The folder in which the blocks run, with the tools that they call.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ebb::record::{Decoded, decode};
use serde_json::Value;
use tempfile::TempDir;

use super::blocks::{Block, matches};
use super::top;
use crate::query::doors;

/// The demo lasts as long as a test may.
const EBB: &str = r#"
case "$1" in demo) set -- "$@" --seconds 3 ;; esac
exec "$BUILT" "$@"
"#;

/// Neither builds nor installs: what it would build is there.
const CARGO: &str = r#"
case "$1 $2 $3" in
"run --release --") shift 3; exec ebb "$@" ;;
"install --path .") ;;
*) echo "unknown: cargo $*"; exit 1 ;;
esac
"#;

/// Kafka's tools by the names of their scripts; the first two are spared, for a broker runs.
const TOOLS: [(&str, &str); 5] = [
    ("kafka-storage.sh", ""),
    ("kafka-server-start.sh", ""),
    ("kafka-topics.sh", "org.apache.kafka.tools.TopicCommand"),
    ("kafka-console-producer.sh", "org.apache.kafka.tools.ConsoleProducer"),
    ("kafka-console-consumer.sh", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
];

/// The topics that the README names; each run has its own.
const TOPICS: [(&str, &str); 5] = [
    ("EBB_INPUT_TOPIC", "customer-events"),
    ("EBB_OUTPUT_ALERTS", "ebb-alerts"),
    ("EBB_OUTPUT_SCORES", "ebb-scores"),
    ("EBB_OUTPUT_REJECTS", "ebb-rejects"),
    ("EBB_OUTPUT_RECEIPTS", "ebb-receipts"),
];

/// A folder, its tools, and the engine that runs in it.
pub struct Bench {
    folder: TempDir,
    /// What stands in the README and what it is here.
    words: Vec<(String, String)>,
    engine: Option<Child>,
    /// The program that serves, until the end.
    server: Option<Child>,
}

/// The ports that the README names.
const PORTS: [&str; 3] = ["127.0.0.1:8080", "127.0.0.1:5432", "127.0.0.1:32010"];

impl Bench {
    /// A fresh folder; with the address of a broker and the jars of Kafka's tools, if there are.
    pub fn new(kafka: Option<(&str, &Path)>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("bin")).unwrap();
        symlink(top().join("config"), path.join("config")).unwrap();
        script(&path.join("bin/ebb"), EBB);
        script(&path.join("bin/cargo"), CARGO);
        script(&path.join("bin/sudo"), "exit 0");
        let mut words = Vec::new();
        if let Some((brokers, jars)) = kafka {
            for (name, class) in TOOLS {
                let line = match class {
                    "" => "exit 0".to_owned(),
                    class => format!("exec java -cp \"{}/*\" {class} \"$@\"", jars.display()),
                };
                script(&path.join("bin").join(name), &line);
            }
            words.push(("localhost:9092".to_owned(), brokers.to_owned()));
            for (_, topic) in TOPICS {
                words.push((topic.to_owned(), format!("{topic}-{}", std::process::id())));
            }
            let group = format!("customer-events-{}", std::process::id());
            for (there, here) in [
                ("input.group ebb:", format!("input.group {group}:")),
                ("ebb-checkpoints/ebb:", format!("ebb-checkpoints/{group}:")),
                ("ebb-journal", format!("{group}-journal")),
            ] {
                words.push((there.to_owned(), here));
            }
        }
        for port in PORTS {
            // Whoever takes it in the meantime makes the server say so.
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            words.push((port.to_owned(), free.to_string()));
        }
        Bench { folder, words, engine: None, server: None }
    }

    /// Runs one block to its end; an engine goes on until [`Bench::stop`].
    pub fn run(&mut self, block: &Block) {
        println!("README.md:{}: {}", block.line, block.language);
        match block.language.as_str() {
            "sh" if block.is_the_test_command() => {}
            "sh" if block.text.starts_with("ebb run ") => self.start(block.text.trim()),
            "sh" if block.text.starts_with("ebb serve ") => self.serve(block.text.trim()),
            "console" if block.text.contains("psql") && !doors::has_tools() => {}
            "python" => self.python(&block.text),
            "sh" => {
                let (printed, worked) = self.shell(&format!("set -eo pipefail\n{}", block.text));
                assert!(worked, "README.md:{}:\n{printed}", block.line);
            }
            "console" => {
                for (command, shown) in block.commands() {
                    let (printed, _) = self.shell(&command);
                    let shown = self.here(&shown);
                    let found = format!("shown:\n{shown}\nprinted:\n{printed}");
                    assert!(matches(&shown, &printed), "README.md:{}:\n{found}", block.line);
                }
            }
            "toml" | "csv" => {
                let (name, text) = block.file();
                fs::write(self.folder.path().join(name), self.here(text)).unwrap();
            }
            "json" => self.record(block),
            other => panic!("README.md:{}: nobody runs {other:?}", block.line),
        }
    }

    /// Ends the engine as Ctrl-C does; it must say that it ended well.
    pub fn stop(&mut self) {
        let mut engine = self.engine.take().expect("the README runs an engine");
        let id = engine.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        let status = engine.wait().unwrap();
        let log = fs::read_to_string(self.folder.path().join("run.log")).unwrap();
        assert!(status.success(), "ebb run ended with {status}:\n{log}");
        assert!(log.contains("everything done is committed"), "{log}");
    }

    /// Serves from here on; it is there when it has printed its three doors.
    fn serve(&mut self, line: &str) {
        let line = self.here(line);
        let mut command = self.command(env!("CARGO_BIN_EXE_ebb"));
        command.args(line.split_whitespace().skip(1)).stdout(Stdio::piped());
        let mut server = command.stderr(Stdio::null()).spawn().unwrap();
        let printed = BufReader::new(server.stdout.take().unwrap());
        self.server = Some(server);
        assert_eq!(printed.lines().take(3).count(), 3, "{line}");
    }

    fn python(&self, text: &str) {
        let Some(python) = doors::python() else { return };
        let output = self.command(python.to_str().unwrap()).args(["-c", &self.here(text)]).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !output.stdout.is_empty(), "{text}{said}");
    }

    fn start(&mut self, line: &str) {
        let log = fs::File::create(self.folder.path().join("run.log")).unwrap();
        let mut command = self.command(env!("CARGO_BIN_EXE_ebb"));
        command.args(line.split_whitespace().skip(1)).stdout(Stdio::null()).stderr(log);
        self.engine = Some(command.spawn().unwrap());
    }

    /// What `text` prints, on both of its outputs, and whether it succeeded.
    fn shell(&self, text: &str) -> (String, bool) {
        let text = format!("exec 2>&1\n{}", self.here(text));
        let output = self.command("bash").args(["-c", &text]).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = env::var("PATH").unwrap_or_default();
        let bin = self.folder.path().join("bin");
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("PATH", format!("{}:{path}", bin.display()));
        command.env("BUILT", env!("CARGO_BIN_EXE_ebb"));
        if PORTS.len() < self.words.len() {
            let names = TOPICS.map(|(variable, topic)| (variable, self.here(topic)));
            command.envs(names).env("EBB_INPUT_GROUP", self.here("customer-events"));
        }
        command
    }

    /// `text` with this run's broker and topics.
    fn here(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }

    /// An event decodes; an alert holds to its schema and was rung before.
    fn record(&self, block: &Block) {
        let record: Value = serde_json::from_str(&block.text).unwrap();
        if record.get("kind").is_none() {
            let decoded = decode(block.text.as_bytes());
            return assert!(matches!(decoded, Ok(Decoded::Event(_))), "{decoded:?}");
        }
        let schema = fs::read(top().join("schemas/alert.schema.json")).unwrap();
        let schema = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        assert!(schema.is_valid(&record), "README.md:{}", block.line);
        let rung = self.files("jsonl").into_iter().flat_map(|text| {
            let same = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|l| l == record);
            text.lines().map(same).collect::<Vec<_>>()
        });
        assert!(rung.into_iter().any(|same| same), "README.md:{}: never rung", block.line);
    }

    /// The texts of this folder's files whose names end so.
    fn files(&self, ending: &str) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let wanted = paths.filter(|path| path.extension().is_some_and(|found| found == ending));
        wanted.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for mut child in [self.engine.take(), self.server.take()].into_iter().flatten() {
            let _may_have_ended = child.kill();
            let _ended = child.wait();
        }
    }
}

/// An executable file of shell lines.
fn script(path: &Path, lines: &str) {
    fs::write(path, format!("#!/bin/sh\n{}\n", lines.trim())).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
