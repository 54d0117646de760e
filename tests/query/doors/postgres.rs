//! The wire of PostgreSQL: psql and psycopg.

use std::process::Command;

use super::{Server, has_tools, lossy, python, said};
use crate::query::world;

#[test]
fn psql_gets_what_ebb_sql_gets() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let n = world().cell("SELECT count(*) FROM customers");
    assert_eq!(server.cell("SELECT count(*) FROM customers"), n.to_string());
    let row = "SELECT customer_id, status, approximate, as_of, risk FROM customers ORDER BY \
               customer_id LIMIT 1";
    let wanted = &world().rows(row)[0];
    let found = server.cell(row);
    let found: Vec<&str> = found.split('|').collect();
    assert_eq!(found[0], wanted["customer_id"]);
    assert_eq!(found[1], wanted["status"]);
    assert_eq!(found[2], if wanted["approximate"] == true { "t" } else { "f" });
    let instant = wanted["as_of"].as_str().unwrap().replace('T', " ");
    let instant = instant.trim_end_matches('Z');
    assert!(found[3].starts_with(instant) && found[3].ends_with("+00"), "{}", found[3]);
    assert_eq!(found[4].parse::<f64>().ok(), wanted["risk"].as_f64());
    // Nulls, empty texts, and what needs quotes elsewhere.
    assert_eq!(server.cell("SELECT NULL, '', 'a\"b', true, 1.5, 7"), "||a\"b|t|1.5|7");
    assert_eq!(server.cell("SELECT day FROM events_daily ORDER BY day LIMIT 1").len(), 10);
}

#[test]
fn psql_lists_and_describes_what_there_is() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    for command in ["\\d", "\\dt", "\\dv", "\\d customers", "\\d alerts", "\\df", "\\l", "\\dn"] {
        let output = server.psql_with(&["-c", command]);
        assert!(output.status.success(), "{command}: {}", said(&output));
        let printed = lossy(&output.stdout);
        match command {
            "\\d" => {
                for table in ["customers", "alerts", "kpis", "snapshots", "events_daily"] {
                    assert!(printed.contains(&format!("public|{table}|")), "{command}: {printed}");
                }
                assert!(!printed.contains("customers_published"), "{printed}");
            }
            "\\d customers" => {
                assert!(printed.contains("customer_id|text|"), "{printed}");
                assert!(printed.contains("risk|double precision|"), "{printed}");
                assert!(printed.contains("as_of|timestamp with time zone|"), "{printed}");
            }
            "\\l" => assert!(printed.contains("ebb"), "{printed}"),
            _ => {}
        }
    }
}

#[test]
fn a_connection_has_settings_and_transactions_of_its_own() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    let script = [
        "BEGIN",
        "SET application_name = 'mine'",
        "SHOW application_name",
        "SELECT 1",
        "COMMIT",
        "SET extra_float_digits = 3",
        "SHOW transaction_read_only",
        "ROLLBACK",
        "RESET ALL",
        "SHOW application_name",
        "DISCARD ALL",
    ];
    let flags: Vec<&str> = script.iter().flat_map(|line| ["-c", line]).collect();
    let output = server.psql_with(&flags);
    assert!(output.status.success(), "{}", said(&output));
    let wanted = "BEGIN\nSET\nmine\n1\nCOMMIT\nSET\non\nROLLBACK\nRESET\npsql\nDISCARD ALL\n";
    assert_eq!(lossy(&output.stdout), wanted);
    // Another connection sees nothing of it.
    assert_eq!(server.cell("SHOW application_name"), "psql");
    // After an error in a transaction only its end is heard.
    let script = "BEGIN; \\set ON_ERROR_STOP 0 \\\\ SELECT rsk FROM customers; SELECT 1; ROLLBACK;";
    let output = Command::new("sh")
        .args(["-c", "printf '%s\\n' \"$0\" | psql -X -A -t \"$1\" 2>&1"])
        .args([&script.replace("; ", ";\n"), server.place("postgres")])
        .output()
        .unwrap();
    let printed = lossy(&output.stdout);
    assert!(printed.contains("did you mean risk?"), "{printed}");
    assert!(printed.contains("current transaction is aborted"), "{printed}");
}

#[test]
fn what_is_refused_says_why_and_with_which_state() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    for (statement, state, words) in [
        ("SELECT 1 FROM custmers", "42P01", "did you mean customers?"),
        ("SELECT rsk FROM customers", "42703", "did you mean risk?"),
        ("SELECT chrun_annual(0.1)", "42883", "churn_annual"),
        ("SELECT 1 FROM customers WHERE", "42601", "cannot read the statement"),
        ("DELETE FROM customers", "25006", "data is only read"),
        ("CREATE TABLE t (a int)", "25006", "data is only read"),
        ("COPY customers TO '/tmp/ebb-never.csv'", "25006", "data is only read"),
        ("COPY customers TO STDOUT", "25006", "data is only read"),
        ("SET datafusion.execution.batch_size = 1", "42704", "no setting is called"),
        ("SET default_transaction_read_only = off", "25006", "wanted"),
        ("SELECT band('risc', 5)", "22000", "did you mean risk?"),
    ] {
        let flags = ["-v", "VERBOSITY=verbose", "-c", statement];
        let output = server.psql_with(&flags);
        assert!(!output.status.success(), "{statement}");
        let said = said(&output);
        assert!(said.contains(&format!("ERROR:  {state}: ")), "{statement}: {said}");
        assert!(said.contains(words), "{statement}: {said}");
    }
    assert!(!std::path::Path::new("/tmp/ebb-never.csv").exists());
}

#[test]
fn psycopg_prepares_binds_and_streams() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let program = r#"
import datetime, sys, psycopg
with psycopg.connect(sys.argv[1], dbname="ebb") as c:
    print(c.info.server_version, c.info.encoding)
    n = c.execute("SELECT count(*) FROM customers").fetchone()[0]
    ids = c.execute("SELECT customer_id FROM customers ORDER BY 1").fetchall()
    print(n == len(ids))
    one = c.execute("SELECT customer_id, risk, as_of, approximate FROM customers WHERE customer_id = %s", [ids[3][0]]).fetchone()
    print(one[0] == ids[3][0], type(one[1]).__name__, one[2].tzinfo is not None, one[3])
    print(c.execute("SELECT count(*) FROM customers WHERE risk > %s AND as_of < %s AND approximate = %s",
        [5, datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc), False]).fetchone()[0] > 0)
    print(c.execute("SELECT %s, %s, %s, %s", ["a'b", 5, 0.5, None]).fetchone())
    print(c.execute("SELECT customer_id FROM customers ORDER BY risk DESC LIMIT %s", [2]).rowcount)
    for n in range(3):  # The same statement again and again becomes a prepared one.
        c.execute("SELECT risk FROM customers WHERE customer_id = %s", [ids[n][0]], prepare=True).fetchone()
    cur = c.cursor(binary=True)
    row = cur.execute("SELECT customer_id, risk, as_of, approximate, 7::bigint FROM customers WHERE customer_id = %b", [ids[0][0]]).fetchone()
    print([type(v).__name__ for v in row])
    print(sum(1 for _ in c.cursor().stream("SELECT customer_id FROM customers")) == len(ids))
    day = c.execute("SELECT min(day) FROM events_daily").fetchone()[0]
    print(type(day).__name__)
    print(c.execute("SELECT count(*) FROM events_daily WHERE day = %s", [day]).fetchone()[0] > 0)
    try:
        c.execute("SELECT rsk FROM customers")
    except psycopg.errors.UndefinedColumn as e:
        print(e.diag.message_primary)
    c.rollback()
    try:
        c.execute("DELETE FROM customers")
    except psycopg.errors.ReadOnlySqlTransaction as e:
        print("read only")
    c.rollback()
    try:
        c.execute("SELECT risk FROM customers WHERE risk > %s", ["many"])
    except psycopg.errors.InvalidTextRepresentation as e:
        print("not a number")
    c.rollback()
    with c.pipeline():
        a = c.execute("SELECT 1"); b = c.execute("SELECT 2")
    print(a.fetchone(), b.fetchone())
"#;
    assert_eq!(
        server.python(&python, "postgres", program),
        "160006 utf-8\nTrue\nTrue float True False\nTrue\n(\"a'b\", 5, 0.5, None)\n2\n\
         ['str', 'float', 'datetime', 'bool', 'int']\nTrue\ndate\nTrue\n\
         no column is called rsk; did you mean risk?\nread only\nnot a number\n(1,) (2,)\n"
    );
}

#[test]
fn a_request_to_cancel_ends_the_query_and_nothing_else() {
    let Some(python) = python() else { return };
    let server = Server::start(&[]);
    let program = r#"
import sys, threading, time, psycopg
c = psycopg.connect(sys.argv[1], dbname="ebb", autocommit=True)
threading.Timer(0.5, c.cancel).start()
begun = time.time()
try:
    c.execute("SELECT sum(value) FROM generate_series(1, 1000000000000)")
except psycopg.errors.QueryCanceled as e:
    print("canceled", time.time() - begun < 10)
print(c.execute("SELECT 1").fetchone())
c.execute("SET statement_timeout = '200ms'")
try:
    c.execute("SELECT sum(value) FROM generate_series(1, 1000000000000)")
except psycopg.errors.QueryCanceled as e:
    print(e.diag.message_primary)
print(c.execute("SELECT 2").fetchone())
"#;
    assert_eq!(
        server.python(&python, "postgres", program),
        "canceled True\n(1,)\ncanceling statement due to statement timeout\n(2,)\n"
    );
}

#[test]
fn what_tools_ask_first_is_answered() {
    if !has_tools() {
        return;
    }
    let server = Server::start(&[]);
    for statement in FIRST_QUESTIONS {
        let output = server.psql(statement);
        assert!(output.status.success(), "{statement}: {}", said(&output));
    }
    assert_eq!(server.cell("SELECT current_setting('server_version_num')::int / 10000"), "16");
    assert!(server.cell("SELECT version()").starts_with("PostgreSQL 16"));
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
    assert!(server.cell(tables).lines().any(|line| line == "customers"));
}

/// What Grafana, Metabase and drivers ask when they connect and list what there is.
const FIRST_QUESTIONS: [&str; 14] = [
    // Grafana: the version, tables, columns.
    "SELECT current_setting('server_version_num')::int/100 as version",
    "SELECT quote_ident(table_name) AS \"table\" FROM information_schema.tables WHERE \
     quote_ident(table_schema) NOT IN ('information_schema', 'pg_catalog', \
     '_timescaledb_cache', '_timescaledb_catalog') AND table_type = 'BASE TABLE'",
    "SELECT quote_ident(column_name) AS \"column\", data_type AS \"type\" FROM \
     information_schema.columns WHERE quote_ident(table_name) = 'customers'",
    "SELECT 1",
    // Metabase, by way of JDBC: what can be read, tables, columns, keys.
    "SELECT NULL AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS TABLE_NAME FROM \
     pg_catalog.pg_namespace n, pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND \
     n.nspname = 'public' ORDER BY TABLE_SCHEM, TABLE_NAME",
    "SELECT nspname AS TABLE_SCHEM, NULL AS TABLE_CATALOG FROM pg_catalog.pg_namespace WHERE \
     nspname <> 'pg_toast' ORDER BY TABLE_SCHEM",
    "SELECT n.nspname, c.relname, a.attname, a.atttypid, a.attnotnull, a.attnum FROM \
     pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) JOIN \
     pg_catalog.pg_attribute a ON (a.attrelid = c.oid) WHERE a.attnum > 0 AND c.relname LIKE \
     'customers'",
    "select nspname from pg_catalog.pg_namespace",
    "SELECT t.typname, t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON \
     (t.typnamespace = n.oid) WHERE n.nspname != 'pg_toast'",
    "SELECT current_schema(), current_database(), current_user",
    "SELECT has_table_privilege('customers', 'SELECT')",
    "SHOW TRANSACTION ISOLATION LEVEL",
    "select string_agg(word, ',') from pg_catalog.pg_get_keywords() where word <> ALL \
     ('{a,abs}'::text[])",
    "SELECT pg_is_in_recovery(), pg_backend_pid() IS NOT NULL",
];
