//! Statements made to hurt: each is refused, or stopped inside its limits, with a message that
//! names the limit; the process that asked goes on.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{said, world};

/// A query that would not end before the universe does.
const ENDLESS: &str = "SELECT count(*) FROM events_daily a, events_daily b, events_daily c WHERE \
                       a.count + b.count + c.count < 0";

/// Asks `statement` with `flags`; it must fail within `seconds` and say `says`.
fn check(flags: &[&str], statement: &str, seconds: u64, says: &[&str]) {
    let begun = Instant::now();
    let output = world().sql(flags, statement);
    let took = begun.elapsed();
    let shown: String = statement.chars().take(80).collect();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}: {said}");
    assert!(took < Duration::from_secs(seconds), "{shown}: {took:?}");
    for words in says {
        assert!(said.contains(words), "{shown}: {said}; wanted {words}");
    }
}

#[test]
fn a_chain_of_ten_thousand_terms_is_refused_before_it_is_parsed() {
    let says = ["operators in a statement", "--operators-max"];
    for (term, word) in [("risk = 1", " OR "), ("1", "+"), ("'a'", "||")] {
        // Longer than the shell's longest argument is not tried: it never reaches the program.
        let chain = vec![term; 10_000].join(word);
        let statement = format!("SELECT count(*) FROM customers WHERE {chain} IS NOT NULL");
        check(&["--statement-max", "1MiB"], &statement, 10, &says);
    }
}

#[test]
fn a_chain_that_the_limits_allow_is_planned_in_time() {
    let chain = vec!["risk = 1"; 450].join(" OR ");
    let begun = Instant::now();
    world().cell(&format!("SELECT count(*) FROM customers WHERE {chain}"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_chain_beyond_the_raised_limit_is_stopped_by_time_or_stack_and_said_so() {
    let chain = vec!["risk = 1"; 6_000].join(" OR ");
    let statement = format!("SELECT count(*) FROM customers WHERE {chain}");
    let flags = ["--statement-max", "1MiB", "--operators-max", "20000", "--time-max", "2s"];
    check(&flags, &statement, 20, &["wanted at most", "raise it by"]);
}

#[test]
fn nesting_and_size_are_refused() {
    let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    check(&[], &nested, 10, &["depth of brackets: 10000"]);
    let calls = format!("SELECT {}1{}", "abs(".repeat(200), ")".repeat(200));
    check(&[], &calls, 10, &["depth of brackets: 200"]);
    let long = format!("SELECT '{}'", "x".repeat(100_000));
    check(&[], &long, 10, &["size of a statement: 100009 bytes", "--statement-max"]);
}

#[test]
fn memory_taken_behind_the_pools_back_is_stopped() {
    let says = ["memory of a query", "--memory-max"];
    let flags = ["--memory-max", "256MiB"];
    check(&flags, "SELECT length(repeat('x', 2000000000))", 30, &says);
    let repeated = "SELECT max(repeat(customer_id, 100000000)) FROM customers";
    check(&flags, repeated, 30, &says);
}

#[test]
fn memory_taken_from_the_pool_is_stopped() {
    let statement = "SELECT count(*) FROM (SELECT a.value AS x, row_number() OVER (ORDER BY \
                     a.value DESC) AS n FROM generate_series(1, 100000000) a) t WHERE n > 5";
    let says = ["memory of a query", "--memory-max"];
    check(&["--memory-max", "64MiB"], statement, 60, &says);
}

#[test]
fn what_never_ends_is_killed_in_time() {
    let says = ["time of a query: not done", "wanted at most 1 s", "--time-max"];
    for statement in [
        ENDLESS,
        "SELECT sum(value) FROM generate_series(1, 1000000000000)",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    ] {
        check(&["--time-max", "1s"], statement, 15, &says);
    }
}

#[test]
fn rows_beyond_the_limit_are_not_given() {
    let says = ["rows of an answer", "wanted at most 10", "--rows-max"];
    check(&["--rows-max", "10"], "SELECT customer_id FROM customers", 10, &says);
    let output = world().sql(&["--rows-max", "10"], "SELECT customer_id FROM customers LIMIT 10");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn nothing_but_a_select_is_done() {
    let read_only = ["wanted a SELECT: data is only read"];
    for statement in [
        "COPY customers TO '/tmp/ebb-never.csv'",
        "COPY (SELECT 1) TO '/tmp/ebb-never.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        "INSERT INTO customers SELECT * FROM customers",
        "EXPLAIN SELECT 1",
        "SHOW ALL",
        "DROP TABLE customers",
    ] {
        check(&[], statement, 10, &read_only);
    }
    check(&[], "SELECT 1; DROP TABLE customers", 10, &["2 statements; wanted one SELECT"]);
    assert!(!std::path::Path::new("/tmp/ebb-never.csv").exists());
}

#[test]
fn no_file_can_be_read() {
    for statement in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM 'events.parquet'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x')",
        "SELECT * FROM parquet_metadata('x')",
    ] {
        check(&[], statement, 10, &["error: "]);
    }
}

#[test]
fn a_wrong_name_is_answered_with_the_nearest() {
    check(
        &[],
        "SELECT 1 FROM custmers",
        10,
        &["no table is called custmers; did you mean customers?"],
    );
    check(&[], "SELECT rsk FROM customers", 10, &["no column is called rsk; did you mean risk?"]);
    check(&[], "SELECT chrun_annual(0.1)", 10, &["churn_annual"]);
    check(&[], "SELECT band('risc', 5)", 10, &["no score is called risc; did you mean risk?"]);
    check(&[], "SELECT 1 FROM customers WHERE", 10, &["cannot read the statement"]);
}

/// What `find` finds, sooner or later.
fn wait_for<T>(mut find: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_process_that_answers_ends_with_the_one_that_asked() {
    let folder = world().path("snapshots");
    let mut asker = Command::new(env!("CARGO_BIN_EXE_ebb"))
        .args(["sql", "--snapshots", folder.to_str().unwrap(), ENDLESS])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let children = format!("/proc/{0}/task/{0}/children", asker.id());
    let answering: u32 = wait_for(|| {
        let text = fs::read_to_string(&children).unwrap();
        text.split_whitespace().next().map(|id| id.parse().unwrap())
    });
    let stat = format!("/proc/{answering}/stat");
    assert!(fs::read_to_string(&stat).is_ok());
    asker.kill().unwrap();
    asker.wait().unwrap();
    // Gone, or waiting to be buried by whoever buries orphans here.
    wait_for(|| match fs::read_to_string(&stat) {
        Ok(text) => text.contains(") Z ").then_some(()),
        Err(_) => Some(()),
    });
}
