//! `ebb serve`, driven by clients that nobody here wrote: psql, psycopg, curl, the ADBC driver
//! and flightsql-dbapi.

mod beside;
mod flight;
mod hostile;
mod http;
mod jdbc;
mod locked;
mod pool;
mod postgres;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::{said, world};

/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that serves, ended when dropped.
pub struct Server {
    child: Child,
    places: BTreeMap<String, String>,
    log: Option<ChildStderr>,
}

impl Server {
    /// Serves the world's snapshots at all three doors, with more `flags`.
    pub fn start(flags: &[&str]) -> Server {
        Server::over(&world().path("snapshots"), flags)
    }

    /// Serves `snapshots` at all three doors, with more `flags`.
    pub fn over(snapshots: &Path, flags: &[&str]) -> Server {
        let free = "127.0.0.1:0";
        let mut child = Command::new(env!("CARGO_BIN_EXE_ebb"))
            .args(["serve", "--snapshots", snapshots.to_str().unwrap()])
            .args(["--http", free, "--postgres", free, "--flight", free])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(3);
        let places: BTreeMap<String, String> = lines
            .map(|line| {
                let line = line.unwrap();
                let (door, place) = line.split_once(' ').unwrap();
                (door.to_owned(), place.trim().to_owned())
            })
            .collect();
        let log = child.stderr.take();
        if places.len() < 3 {
            child.wait().unwrap();
            let text = std::io::read_to_string(log.unwrap()).unwrap();
            panic!("ebb serve opened {places:?}: {text}");
        }
        Server { child, places, log }
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address of `door`, as it was printed.
    pub fn place(&self, door: &str) -> &str {
        &self.places[door]
    }

    /// The port of `door`.
    pub fn port(&self, door: &str) -> u16 {
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let (_, rest) = self.place(door).rsplit_once(':').unwrap();
        digits(rest).parse().unwrap()
    }

    /// The processes that answer.
    pub fn workers(&self) -> Vec<u32> {
        children(self.id())
    }

    /// Ends it as a service is ended; what it said on standard error.
    pub fn stop(mut self) -> String {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let text = std::io::read_to_string(self.log.take().unwrap()).unwrap();
        assert!(status.success(), "{status}: {text}");
        text
    }

    /// What psql says to `statement`.
    pub fn psql(&self, statement: &str) -> Output {
        self.psql_with(&["-c", statement])
    }

    /// What psql does with `flags`.
    pub fn psql_with(&self, flags: &[&str]) -> Output {
        Command::new("psql")
            .args(["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-d", &format!("{}?connect_timeout=20", self.place("postgres"))])
            .args(flags)
            .output()
            .unwrap()
    }

    /// What psql prints for `statement`, which must go well.
    pub fn cell(&self, statement: &str) -> String {
        let output = self.psql(statement);
        assert!(output.status.success(), "{statement}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// What curl gets at `path` with more `flags`: the status and the body.
    pub fn curl(&self, path: &str, flags: &[&str]) -> (u16, Vec<u8>) {
        let url = format!("{}{path}", self.place("http"));
        let output = Command::new("curl")
            .args(["-sS", "-o", "-", "-w", "\n%{http_code}", "--max-time", "60"])
            .args(flags)
            .arg(url)
            .output()
            .unwrap();
        let at = output.stdout.iter().rposition(|byte| *byte == b'\n').unwrap();
        let status = String::from_utf8_lossy(&output.stdout[at + 1..]).into_owned();
        (status.parse().unwrap(), output.stdout[..at].to_vec())
    }

    /// What the HTTP door says to `body`: the status and the answer.
    pub fn ask(&self, body: &str) -> (u16, serde_json::Value) {
        let flags = ["-H", "Content-Type: application/json", "--data-binary", body];
        let (status, body) = self.curl("v1/sql", &flags);
        let body = serde_json::from_slice(&body);
        (status, body.unwrap_or(serde_json::Value::Null))
    }

    /// What `program` prints when Python runs it with the address of `door`.
    pub fn python(&self, python: &Path, door: &str, program: &str) -> String {
        let output = Command::new(python).args(["-c", program, self.place(door)]).output().unwrap();
        assert!(output.status.success(), "{}{}", said(&output), lossy(&output.stdout));
        lossy(&output.stdout)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _buried = self.child.wait();
    }
}

/// The processes that process `id` has started; none where one of the two is gone.
pub fn children(id: u32) -> Vec<u32> {
    let mut found = Vec::new();
    // It, or a thread of it, may end while it is looked at.
    for task in fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().map(|id| id.parse::<u32>().unwrap()));
    }
    found
}

/// A Python with the clients of the doors; `None` where the test is to be skipped.
pub fn python() -> Option<PathBuf> {
    const PACKAGES: [&str; 5] = [
        "psycopg[binary]==3.3.9",
        "adbc-driver-flightsql==1.13.0",
        "flightsql-dbapi==0.2.2",
        "pandas==3.1.1",
        "pyarrow==26.0.1",
    ];
    let import = "import psycopg, adbc_driver_flightsql.dbapi, flightsql, pyarrow";
    super::clients::python("doors", &PACKAGES, import)
}

/// Whether psql and curl are there; the test is to be skipped where not.
pub fn has_tools() -> bool {
    for tool in ["psql", "curl"] {
        if Command::new(tool).arg("--version").output().is_err() {
            let none: Option<()> = crate::broker::skipped("clients", &format!("no {tool}"));
            return none.is_some();
        }
    }
    true
}

pub fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `find` finds, sooner or later.
pub fn wait_for<T>(what: &str, mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}
