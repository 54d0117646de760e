//! HTTP, by curl.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Server, has_tools, lossy};
use crate::query::world;

fn contract() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/openapi.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Makes sure that `value` is what the contract calls `name`.
fn holds(name: &str, value: &Value) {
    let mut schema = contract();
    schema["$ref"] = json!(format!("#/components/schemas/{name}"));
    let schema = jsonschema::validator_for(&schema).unwrap();
    assert!(schema.is_valid(value), "{name}: {value}");
}

#[test]
fn an_answer_is_what_ebb_sql_says() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let sql = "SELECT customer_id, risk, as_of, plan FROM customers ORDER BY customer_id LIMIT 5";
    let (status, answer) = server.ask(&json!({ "sql": sql }).to_string());
    assert_eq!(status, 200, "{answer}");
    holds("Answer", &answer);
    assert_eq!(answer["rows"], Value::Array(world().rows(sql)));
    assert_eq!(answer["count"], 5);
    let none = json!({ "sql": "SELECT 1 AS one WHERE false" }).to_string();
    assert_eq!(server.ask(&none), (200, json!({ "rows": [], "count": 0 })));
    let all = json!({ "sql": "SELECT * FROM customers" }).to_string();
    let (status, answer) = server.ask(&all);
    assert_eq!(
        (status, answer["count"].clone()),
        (200, world().cell("SELECT count(*) FROM customers"))
    );
    holds("Answer", &answer);
}

#[test]
fn parameters_stand_in_their_places() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let body = json!({
        "sql": "SELECT $1 AS a, $2 AS b, $3 AS c, $4 AS d, $5 AS e",
        "parameters": ["a'b", 5, 0.5, true, null],
    });
    let row = json!({ "a": "a'b", "b": 5, "c": 0.5, "d": true, "e": null });
    assert_eq!(server.ask(&body.to_string()), (200, json!({ "rows": [row], "count": 1 })));
    let customer = world().cell("SELECT min(customer_id) FROM customers");
    let sql = "SELECT count(*) AS n FROM customers WHERE customer_id = $1 AND known_since < $2";
    let body = json!({ "sql": sql, "parameters": [customer, "2100-01-01T00:00:00Z"] });
    assert_eq!(server.ask(&body.to_string()).1["rows"], json!([{ "n": 1 }]));
    for (parameters, says) in [
        (json!([]), "parameters of the statement: 0; wanted 1"),
        (json!([1, 2]), "parameters of the statement: 2; wanted 1"),
        (json!(["many"]), "parameter $1: many; wanted a Float64"),
        (json!([[1]]), "parameter $1: a list or an object"),
    ] {
        let body =
            json!({ "sql": "SELECT 1 FROM customers WHERE risk = $1", "parameters": parameters });
        let (status, answer) = server.ask(&body.to_string());
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
}

#[test]
fn the_past_is_asked_by_as_of() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let id = world().cell("SELECT max(snapshot) FROM snapshots");
    let sql = "SELECT count(*) AS n FROM customers";
    let (status, answer) = server.ask(&json!({ "sql": sql, "as_of": id }).to_string());
    assert_eq!((status, answer["rows"].clone()), (200, json!(world().rows(sql))));
    let (status, answer) = server.ask(&json!({ "sql": sql, "as_of": "1999" }).to_string());
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("no snapshot is called 1999"), "{answer}");
    // What was asked of the past does not stay.
    assert_eq!(server.ask(&json!({ "sql": sql }).to_string()).0, 200);
}

#[test]
fn csv_and_arrow_are_given_to_those_who_accept_them() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let body = json!({ "sql": "SELECT 1 AS one, 'a,b' AS two" }).to_string();
    let accept = |media: &str| {
        let accept = format!("Accept: {media}");
        server.curl("v1/sql", &["-H", &accept, "--data-binary", &body])
    };
    assert_eq!(accept("text/csv"), (200, b"one,two\n1,\"a,b\"\n".to_vec()));
    let (status, bytes) = accept("application/vnd.apache.arrow.stream");
    assert_eq!(status, 200);
    assert!(bytes.starts_with(&[0xff, 0xff, 0xff, 0xff]), "{bytes:?}");
    assert_eq!(accept("image/png").0, 406);
}

#[test]
fn what_is_refused_has_a_status_and_a_cause() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&["--set", "sql.rows_max=10", "--set", "sql.time_max=1s"]);
    for (sql, status, cause, says) in [
        ("SELECT 1 FROM custmers", 400, "no_table", "did you mean customers?"),
        ("SELECT rsk FROM customers", 400, "no_column", "did you mean risk?"),
        ("SELEC 1", 400, "unreadable", "cannot read the statement"),
        ("SELECT 1; SELECT 2", 400, "unreadable", "2 statements; wanted one SELECT"),
        ("DROP TABLE customers", 403, "writes", "data is only read"),
        ("SELECT customer_id FROM customers", 413, "size", "raise it by sql.rows_max"),
        (
            "SELECT sum(value) FROM generate_series(1, 1000000000000)",
            504,
            "time",
            "raise it by sql.time_max",
        ),
    ] {
        let (found, answer) = server.ask(&json!({ "sql": sql }).to_string());
        assert_eq!(found, status, "{sql}: {answer}");
        holds("Refused", &answer);
        assert_eq!(answer["cause"], cause, "{sql}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(says), "{sql}: {answer}");
    }
    for body in ["", "{", "[]", "{\"sql\":1}", "{\"sql\":\"SELECT 1\",\"limit\":1}"] {
        let (status, answer) = server.ask(body);
        assert_eq!(status, 400, "{body}");
        assert!(answer["error"].as_str().unwrap().contains("wanted {\"sql\""), "{answer}");
    }
}

#[test]
fn the_contract_names_every_path_and_each_answers() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let (status, body) = server.curl("openapi.json", &[]);
    assert_eq!(status, 200);
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), contract());
    super::wait_for("a snapshot", || (server.curl("readyz", &[]).0 == 200).then_some(()));
    for (path, methods) in contract()["paths"].as_object().unwrap() {
        let get = server.curl(path.trim_start_matches('/'), &[]).0;
        assert_eq!(get, if methods.get("get").is_some() { 200 } else { 405 }, "{path}");
    }
    let (_, page) = server.curl("", &[]);
    assert!(lossy(&page).contains("/v1/sql"));
    let (_, version) = server.curl("version", &[]);
    holds("Version", &serde_json::from_slice(&version).unwrap());
    assert_eq!(server.curl("nothing", &[]).0, 404);
    // The questions that the contract shows are answered.
    for example in contract()["components"]["schemas"]["Question"]["properties"]["sql"]["examples"]
        .as_array()
        .unwrap()
    {
        let body = json!({ "sql": example, "parameters": ["pro"] });
        assert_eq!(server.ask(&body.to_string()).0, 200);
    }
}

#[test]
fn without_a_snapshot_it_lives_but_is_not_ready_until_there_is_one() {
    if !has_tools() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::over(folder.path(), &[]);
    assert_eq!(server.curl("livez", &[]).0, 200);
    assert_eq!(server.curl("readyz", &[]).0, 503);
    let sql = json!({ "sql": "SELECT count(*) AS n FROM customers" }).to_string();
    let (status, answer) = server.ask(&sql);
    assert_eq!((status, answer["cause"].clone()), (503, json!("broken")), "{answer}");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(world().path("snapshots").join("."))
        .arg(folder.path())
        .status();
    assert!(copied.unwrap().success());
    super::wait_for("a snapshot", || (server.curl("readyz", &[]).0 == 200).then_some(()));
    assert_eq!(server.ask(&sql).0, 200);
}
