//! Clients made to hurt, at every door.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Server, has_tools, said, wait_for};

/// The first message of a client of PostgreSQL: protocol 3.0, user `ebb`.
fn hello() -> Vec<u8> {
    let mut body = 196_608_i32.to_be_bytes().to_vec();
    body.extend(b"user\0ebb\0\0");
    let length = i32::try_from(body.len() + 4).unwrap();
    [length.to_be_bytes().to_vec(), body].concat()
}

/// A message of kind `kind`.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = i32::try_from(body.len() + 4).unwrap();
    [vec![kind], length.to_be_bytes().to_vec(), body.to_vec()].concat()
}

/// A connection to the door of PostgreSQL that is ready to be asked.
fn connected(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port("postgres"))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(&hello()).unwrap();
    read_until_ready(&mut stream);
    stream
}

/// Reads messages until the server is ready for the next; their kinds.
fn read_until_ready(stream: &mut TcpStream) -> String {
    let mut kinds = String::new();
    loop {
        let mut head = [0_u8; 5];
        stream.read_exact(&mut head).unwrap();
        let length = i32::from_be_bytes(head[1..].try_into().unwrap());
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        stream.read_exact(&mut body).unwrap();
        kinds.push(char::from(head[0]));
        if head[0] == b'Z' {
            return kinds;
        }
    }
}

/// Whether the other side closes `stream` within `seconds`.
fn is_closed(mut stream: TcpStream, seconds: u64) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(seconds))).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// It still answers, quickly.
fn is_well(server: &Server) {
    let begun = Instant::now();
    assert_eq!(server.cell("SELECT count(*) > 0 FROM customers"), "t");
    assert_eq!(server.ask(r#"{"sql": "SELECT 1"}"#).0, 200);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn statements_made_to_hurt_are_refused_at_every_door() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.time_max=3s", "--set", "sql.memory_max=128MiB"]);
    let terms = vec!["risk = 1"; 10_000].join(" OR ");
    let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    for (statement, says) in [
        (format!("SELECT count(*) FROM customers WHERE {terms}"), "sql.statement_max"),
        (format!("SELECT {}", vec!["1"; 2_000].join("+")), "sql.operators_max"),
        (nested, "depth of brackets"),
        ("SELECT length(repeat('x', 2000000000))".to_owned(), "sql.memory_max"),
        ("SELECT sum(value) FROM generate_series(1, 1000000000000)".to_owned(), "sql.time_max"),
        (
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) \
             FROM t"
                .to_owned(),
            "sql.time_max",
        ),
        ("SELECT 1; DROP TABLE customers".to_owned(), "2 statements"),
        ("SELECT * FROM '/etc/passwd'".to_owned(), "passwd"),
        ("SELECT * FROM read_csv('/etc/passwd')".to_owned(), "read_csv"),
        ("SELECT pg_read_file('/etc/passwd')".to_owned(), "pg_read_file"),
        ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'".to_owned(), ""),
        ("COPY customers TO '/tmp/ebb-never.csv'".to_owned(), "only read"),
    ] {
        let shown: String = statement.chars().take(60).collect();
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), &statement).unwrap();
        let said = match statement.contains("; ") {
            // psql would send the two one after the other.
            true => said(&server.psql(&statement)),
            false => said(&server.psql_with(&["-f", path.path().to_str().unwrap()])),
        };
        assert!(said.contains("ERROR:") && said.contains(says), "{shown}: {said}");
        std::fs::write(path.path(), json!({ "sql": statement }).to_string()).unwrap();
        let body = format!("@{}", path.path().display());
        let (status, answer) = server.ask(&body);
        assert!((400..600).contains(&status), "{shown}: {status} {answer}");
        assert!(answer["error"].as_str().is_some_and(|words| words.contains(says)), "{answer}");
    }
    is_well(&server);
}

#[test]
fn a_statement_of_five_megabytes_is_not_kept() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let long = format!("SELECT '{}'", "x".repeat(5 << 20));
    let mut stream = connected(&server);
    // It may be closed before all of it is out.
    let _cut = stream.write_all(&message(b'Q', format!("{long}\0").as_bytes()));
    assert!(is_closed(stream, 20));
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), json!({ "sql": long }).to_string()).unwrap();
    let body = format!("@{}", path.path().display());
    assert_eq!(server.curl("v1/sql", &["--data-binary", &body]).0, 413);
    is_well(&server);
}

#[test]
fn half_open_connections_are_closed() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.client_wait=1s"]);
    let mut half: Vec<TcpStream> = Vec::new();
    for door in ["postgres", "http", "flight"] {
        for begins in [&b""[..], b"P", b"GET / HT"] {
            if door != "postgres" && !begins.is_empty() {
                continue;
            }
            let mut stream = TcpStream::connect(("127.0.0.1", server.port(door))).unwrap();
            stream.write_all(begins).unwrap();
            half.push(stream);
        }
    }
    is_well(&server);
    for stream in half {
        assert!(is_closed(stream, 10));
    }
    // One that has said who it is may wait.
    let mut quiet = connected(&server);
    std::thread::sleep(Duration::from_millis(2_500));
    quiet.write_all(&message(b'Q', b"SELECT 1\0")).unwrap();
    assert_eq!(read_until_ready(&mut quiet), "TDCZ");
}

#[test]
fn noise_is_told_from_words() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.client_wait=2s"]);
    let noise: Vec<u8> = (0..4_096_u32).map(|n| u8::try_from((n * 7_919) % 251).unwrap()).collect();
    for door in ["postgres", "http", "flight"] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port(door))).unwrap();
        let _cut = stream.write_all(&noise);
        assert!(is_closed(stream, 10), "{door}");
    }
    // Words that no client says: a length of nothing, of everything, formats for no column.
    for words in [
        message(b'?', b""),
        vec![b'Q', 0, 0, 0, 0],
        vec![b'Q', 0x7f, 0xff, 0xff, 0xff, b'x'],
        [
            message(b'P', b"\0SELECT 1\0\0\0"),
            message(b'B', b"\0\0\0\x02\0\0\0\x01\0\x01\0\0\0\x03\0\0\0\0\0\0"),
            message(b'E', b"\0\x7f\xff\xff\xff"),
            message(b'S', b""),
        ]
        .concat(),
    ] {
        let mut stream = connected(&server);
        stream.write_all(&words).unwrap();
        // It is answered with an error, or closed; it hangs no one else.
        is_well(&server);
    }
    // As many rows as can be said are not prepared for.
    let mut stream = connected(&server);
    let asks = [
        message(b'P', b"\0SELECT customer_id FROM customers LIMIT 3\0\0\0"),
        message(b'B', b"\0\0\0\0\0\0\0\0"),
        message(b'E', b"\0\x7f\xff\xff\xff"),
        message(b'S', b""),
    ];
    stream.write_all(&asks.concat()).unwrap();
    assert_eq!(read_until_ready(&mut stream), "12DDDCZ");
}

#[test]
fn a_reader_who_does_not_read_holds_no_process() {
    if !has_tools() {
        return;
    }
    let flags = ["--set", "sql.time_max=2s", "--set", "sql.client_wait=1s", "--set"];
    let server = Server::start(&[&flags[..], &["sql.queries_max=1"]].concat());
    let mut slow = connected(&server);
    let all = b"SELECT repeat('x', 1000) FROM generate_series(1, 900000)\0";
    slow.write_all(&message(b'Q', all)).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    is_well(&server);
    // And it is shut out in the end: what it gets is not whole.
    wait_for("an end", || is_shut(&mut slow).then_some(()));
}

/// Whether the answer on `stream` ends without being whole.
fn is_shut(stream: &mut TcpStream) -> bool {
    std::thread::sleep(Duration::from_secs(5));
    let mut rest = Vec::new();
    // Closed, or an error in place of the end.
    let _reset = stream.read_to_end(&mut rest);
    !rest.ends_with(b"SELECT 900000\0Z\0\0\0\x05I")
}

#[test]
fn one_connection_too_many_is_closed_and_those_inside_stay() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.connections_max=20"]);
    let mut inside: Vec<TcpStream> = (0..20).map(|_| connected(&server)).collect();
    let outside = TcpStream::connect(("127.0.0.1", server.port("postgres"))).unwrap();
    assert!(is_closed(outside, 10));
    for stream in &mut inside {
        stream.write_all(&message(b'Q', b"SELECT 1\0")).unwrap();
        assert_eq!(read_until_ready(stream), "TDCZ");
    }
    inside.truncate(10);
    wait_for("a place", || server.psql("SELECT 1").status.success().then_some(()));
}

#[test]
fn a_thousand_clients_are_served() {
    if !has_tools() {
        return;
    }
    // With its own end of every connection this process needs as many files.
    let server = Server::start(&[]);
    let n = 900;
    let mut clients: Vec<TcpStream> = Vec::new();
    for _ in 0..n {
        clients.push(connected(&server));
    }
    for stream in &mut clients {
        stream.write_all(&message(b'Q', b"SELECT 1\0")).unwrap();
    }
    for stream in &mut clients {
        assert_eq!(read_until_ready(stream), "TDCZ");
    }
    is_well(&server);
}
