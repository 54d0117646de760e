//! The wire of PostgreSQL through JDBC: its own driver, and a shell that knows nothing but JDBC.

use std::path::{Path, PathBuf};

use super::{Server, lossy, said};
use crate::broker::{fetch, java, skipped};
use crate::query::world;

/// The jars; `None` where the test is to be skipped.
fn jars() -> Option<PathBuf> {
    let jars = fetch::jars("jdbc-42.7.8", "tests/query/doors/pom.xml");
    jars.map_or_else(|why| skipped("clients", &why), Some)
}

/// What the shell prints for `statements`, one after the other, as comma-separated values, and what
/// it says of those that fail.
fn printed(jars: &Path, server: &Server, statements: &[&str]) -> (String, String) {
    let url = format!("jdbc:postgresql://127.0.0.1:{}/ebb", server.port("postgres"));
    let mut shell = java(jars);
    shell.args(["sqlline.SqlLine", "-u", &url, "-n", "ebb", "-p", ""]);
    shell.args(["--silent=true", "--outputformat=csv", "--force=true"]);
    let output = shell.args(statements.iter().flat_map(|words| ["-e", words])).output().unwrap();
    (lossy(&output.stdout), said(&output))
}

#[test]
fn jdbc_asks_and_describes_what_there_is() {
    let Some(jars) = jars() else { return };
    let server = Server::start(&[]);
    let first = "SELECT customer_id, risk FROM customers ORDER BY 1 LIMIT 1";
    let statements = [
        "SELECT count(*) AS n FROM customers;",
        &format!("{first};"),
        "SELECT rsk FROM customers;",
        "!tables",
        "!columns customers",
    ];
    let (printed, said) = printed(&jars, &server, &statements);
    let n = world().cell("SELECT count(*) FROM customers");
    let row = &world().rows(first)[0];
    let (customer, risk) = (row["customer_id"].as_str().unwrap(), row["risk"].as_f64().unwrap());
    for line in [
        format!("'n'\n'{n}'\n"),
        format!("'customer_id','risk'\n'{customer}','{risk:?}'\n"),
        // What a tool that knows no PostgreSQL finds by JDBC's own words.
        "'ebb','public','alerts','TABLE',".to_owned(),
        "'ebb','public','customers','VIEW',".to_owned(),
        "'ebb','public','customers','customer_id','12','text',".to_owned(),
        "'ebb','public','customers','risk','8','float8',".to_owned(),
        "'ebb','public','customers','as_of','93','timestamptz',".to_owned(),
        "'ebb','public','customers','r3_b1_active','-7','bool',".to_owned(),
    ] {
        assert!(printed.contains(&line), "{line} is not in {printed}{said}");
    }
    let refused = "no column is called rsk; did you mean risk? (state=42703,code=0)";
    assert!(said.contains(refused), "{said}");
}
