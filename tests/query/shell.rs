//! The interactive shell, on a terminal that `script` (bsdutils) makes.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::broker::skipped;

use super::world;

/// What the shell asks with.
const PROMPT: &str = "ebb> ";

/// Types every line once the prompt is there and waits for what it must show; returns what was
/// kept of the lines, or `None` to skip the test.
fn typed(lines: &[(&str, &str)]) -> Option<String> {
    let folder = world().path("snapshots");
    let command =
        format!("{} sql --snapshots {}", env!("CARGO_BIN_EXE_ebb"), folder.to_str().unwrap());
    let home = tempfile::tempdir().unwrap();
    let child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .envs([("PAGER", "cat"), ("TERM", "xterm")])
        .env("XDG_STATE_HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return skipped("clients", &format!("script: {error}")),
    };
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let shown = Arc::new(Mutex::new(String::new()));
    let screen = Arc::clone(&shown);
    let reader = thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n) = stdout.read(&mut bytes) {
            if n == 0 {
                break;
            }
            screen.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
        }
    });
    let mut seen = 0;
    let mut wait = |words: &str| {
        let begun = Instant::now();
        loop {
            let text = shown.lock().unwrap().clone();
            if let Some(at) = text[seen..].find(words) {
                seen += at + words.len();
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "no {words} in:\n{text}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    for (line, shows) in lines {
        wait(PROMPT);
        stdin.write_all(format!("{line}\r").as_bytes()).unwrap();
        wait(shows);
    }
    wait(PROMPT);
    stdin.write_all(b"\\q\r").unwrap();
    assert!(child.wait().unwrap().success());
    drop(stdin);
    reader.join().unwrap();
    Some(std::fs::read_to_string(home.path().join("ebb/sql_history")).unwrap())
}

#[test]
fn a_statement_goes_on_until_its_semicolon_and_is_kept() {
    let table = "everyone\r\n--------\r\n     120\r\n(1 row)";
    let lines =
        [("\\timing", "timing is off"), ("SELECT count(*) AS everyone\rFROM customers;", table)];
    let Some(kept) = typed(&lines) else { return };
    assert!(kept.contains("FROM customers;"), "{kept}");
}

#[test]
fn tab_completes_and_faults_do_not_end_the_shell() {
    typed(&[
        ("SELECT 1 FROM custmers;", "did you mean customers?"),
        ("\\d expla\t", "the score that is explained"),
        ("\\d", "one row a KPI"),
    ]);
}
