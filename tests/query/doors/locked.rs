//! Doors with a password and a certificate.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::{Server, has_tools, lossy, python, said};
use crate::query::{ebb, world};

/// Settings with a password, and a certificate where wanted.
struct Keys {
    folder: TempDir,
}

impl Keys {
    fn new() -> Keys {
        let keys = Keys { folder: tempfile::tempdir().unwrap() };
        fs::write(keys.path("password"), "hush hush\n").unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=localhost"])
            .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(keys.path("key.pem"))
            .arg("-out")
            .arg(keys.path("chain.pem"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", said(&made));
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A settings file with the password, and with TLS if `is_tls`.
    fn settings(&self, is_tls: bool) -> String {
        let path = self.path(if is_tls { "tls.toml" } else { "plain.toml" });
        let mut text = format!("[sql]\npassword = {{ file = {:?} }}\n", self.path("password"));
        if is_tls {
            let (chain, key) = (self.path("chain.pem"), self.path("key.pem"));
            text.push_str(&format!("tls_certificate = {chain:?}\ntls_key = {key:?}\n"));
        }
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn psql(place: &str, password: &str) -> (bool, String) {
    let output = Command::new("psql")
        .args(["-X", "-A", "-t", "-w", "-d", place, "-c", "SELECT 1"])
        .env("PGPASSWORD", password)
        .output()
        .unwrap();
    (output.status.success(), format!("{}{}", lossy(&output.stdout), said(&output)))
}

#[test]
fn a_door_that_others_reach_does_not_open_without_a_password() {
    let snapshots = world().path("snapshots");
    let serve = ["serve", "--snapshots", snapshots.to_str().unwrap()];
    for door in ["--http", "--postgres", "--flight"] {
        for address in ["0.0.0.0:0", "[::]:0"] {
            let output = ebb(&[&serve[..], &[door, address]].concat());
            assert_eq!(output.status.code(), Some(3), "{door}: {}", said(&output));
            let said = said(&output);
            let found = format!("{door} {address}: other machines reach it");
            assert!(said.contains(&found) && said.contains("sql.password"), "{said}");
        }
    }
    let output = ebb(&serve);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let nothing = ["--http", "127.0.0.1:0", "--set", "sql.tls_certificate=/nowhere", "--set"];
    let output = ebb(&[&serve[..], &nothing, &["sql.tls_key=/nowhere"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("sql.tls_certificate = \"/nowhere\""), "{}", said(&output));
}

#[test]
fn only_the_right_password_lets_in() {
    if !has_tools() {
        return;
    }
    let keys = Keys::new();
    let server = Server::start(&["--settings", &keys.settings(false)]);
    let place = server.place("postgres").to_owned();
    assert!(place.starts_with("postgresql://ebb@"), "{place}");
    assert_eq!(psql(&place, "hush hush"), (true, "1\n".to_owned()));
    for password in ["hush", "", "hush hush "] {
        let (worked, words) = psql(&place, password);
        assert!(!worked, "{password:?}");
        let is_told =
            words.contains("assword authentication failed") || words.contains("no password");
        assert!(is_told, "{words}");
    }
    // One who is not known is told the same as one who is.
    let (worked, words) = psql(&place.replace("ebb@", "root@"), "hush hush");
    assert!(!worked && words.contains("assword authentication failed"), "{words}");

    let body = r#"{"sql": "SELECT 1 AS one"}"#;
    let ask =
        |flags: &[&str]| server.curl("v1/sql", &[&["--data-binary", body][..], flags].concat()).0;
    assert_eq!(ask(&["-u", "ebb:hush hush"]), 200);
    assert_eq!(ask(&["-H", "Authorization: Bearer hush hush"]), 200);
    for flags in [
        &[][..],
        &["-u", "ebb:hush"],
        &["-u", "root:hush hush"],
        &["-H", "Authorization: Bearer x"],
    ] {
        assert_eq!(ask(flags), 401, "{flags:?}");
    }
    // Whoever looks after it needs no password.
    assert_eq!(server.curl("livez", &[]).0, 200);
    let log = server.stop();
    assert!(!log.contains("hush"), "{log}");
}

#[test]
fn flight_gives_a_token_for_the_password() {
    let Some(python) = python() else { return };
    let keys = Keys::new();
    let server = Server::start(&["--settings", &keys.settings(false)]);
    let program = r#"
import sys, adbc_driver_flightsql.dbapi as f
uri = sys.argv[1].replace("grpc+tcp", "grpc")
def ask(**kwargs):
    try:
        with f.connect(uri, db_kwargs=kwargs, autocommit=True) as c, c.cursor() as cur:
            cur.execute("SELECT 1")
            return cur.fetchone()
    except Exception as e:
        return "UNAUTHENTICATED" in str(e).upper()
print(ask(username="ebb", password="hush hush"))
print(ask(username="ebb", password="hush"), ask(username="root", password="hush hush"), ask())
from flightsql import FlightSQLClient
host, port = sys.argv[1].split("//")[1].split(":")
client = FlightSQLClient(host=host, port=int(port), insecure=True, user="ebb", password="hush hush")
info = client.execute("SELECT 2 AS two")
print(client.do_get(info.endpoints[0].ticket).read_all().to_pylist())
"#;
    let wanted = "(1,)\nTrue True True\n[{'two': 2}]\n";
    assert_eq!(server.python(&python, "flight", program), wanted);
}

#[test]
fn a_thousand_wrong_passwords_neither_help_nor_hurt() {
    if !has_tools() {
        return;
    }
    let keys = Keys::new();
    let server = Server::start(&["--settings", &keys.settings(false)]);
    let url = format!("{}v1/sql", server.place("http"));
    let body = r#"{"sql": "SELECT 1"}"#;
    // 1 000 of them, 100 at a time.
    let mut wrong = Command::new("curl")
        .args(["-sS", "--parallel", "--parallel-max", "100", "-o", "/dev/null", "-u", "ebb:no"])
        .args(["-w", "%{http_code}\n", "--data-binary", body])
        .arg(format!("{url}?[1-1000]"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut slowest = 0;
    let mut n_right = 0;
    while wrong.try_wait().unwrap().is_none() {
        let begun = Instant::now();
        assert_eq!(psql(server.place("postgres"), "hush hush"), (true, "1\n".to_owned()));
        slowest = slowest.max(begun.elapsed().as_millis());
        n_right += 1;
    }
    let codes = lossy(&wrong.wait_with_output().unwrap().stdout);
    assert_eq!(codes.lines().filter(|code| *code == "401").count(), 1_000, "{codes}");
    assert!(0 < n_right && slowest < 5_000, "{n_right} right ones, the slowest in {slowest} ms");
    // They are counted, not told one by one.
    let log = server.stop();
    let n_told = log.lines().filter(|line| line.contains("wrong passwords")).count();
    assert!((1..10).contains(&n_told), "{log}");
}

#[test]
fn with_a_certificate_nobody_speaks_in_plain_text() {
    if !has_tools() {
        return;
    }
    let keys = Keys::new();
    let server = Server::start(&["--settings", &keys.settings(true)]);
    let port = server.port("postgres");
    let chain = keys.path("chain.pem");
    let chain = chain.to_str().unwrap();
    let place = |mode: &str| {
        format!("postgresql://ebb@localhost:{port}/ebb?sslmode={mode}&sslrootcert={chain}")
    };
    assert_eq!(psql(&place("verify-full"), "hush hush"), (true, "1\n".to_owned()));
    let (worked, words) = psql(&place("disable"), "hush hush");
    assert!(!worked && words.contains("wanted TLS"), "{words}");
    let (worked, words) = psql(&place("require"), "no");
    assert!(!worked && words.contains("assword authentication failed"), "{words}");

    let url = format!("https://localhost:{}/v1/sql", server.port("http"));
    let curl = |flags: &[&str], url: &str| {
        let body = r#"{"sql": "SELECT 1 AS one"}"#;
        let output = Command::new("curl")
            .args(["-sS", "-u", "ebb:hush hush", "--data-binary", body])
            .args(flags)
            .arg(url)
            .output()
            .unwrap();
        (output.status.success(), lossy(&output.stdout))
    };
    let answer = "{\"rows\":[{\"one\":1}],\"count\":1}\n".to_owned();
    assert_eq!(curl(&["--cacert", chain], &url), (true, answer));
    assert!(!curl(&[], &url).0, "a certificate that nobody knows");
    assert!(!curl(&[], &url.replace("https", "http")).0, "plain text");
    let Some(python) = python() else { return };
    let program = format!(
        r#"
import sys, adbc_driver_flightsql.dbapi as f
from adbc_driver_flightsql import DatabaseOptions as o
def ask(uri, **kwargs):
    with f.connect(uri, db_kwargs={{"username": "ebb", "password": "hush hush", **kwargs}}, autocommit=True) as c, c.cursor() as cur:
        cur.execute("SELECT 1")
        return cur.fetchone()
print(ask("grpc+tls://localhost:{port}", **{{o.TLS_ROOT_CERTS.value: open({chain:?}).read()}}))
try:
    print(ask("grpc://localhost:{port}", **{{o.TIMEOUT_QUERY.value: "5"}}))
except Exception as e:
    print("not in plain text")
"#,
        port = server.port("flight"),
    );
    assert_eq!(server.python(&python, "flight", &program), "(1,)\nnot in plain text\n");
}
