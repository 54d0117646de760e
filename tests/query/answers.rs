//! The forms of an answer, and where it goes.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use super::{ebb, rows, said, sql, world};

const STATEMENT: &str = "SELECT customer_id, risk, plan, as_of, r3_b2_active FROM \
                         (VALUES ('a', 70.0, NULL, arrow_cast('2026-11-21T10:00:00', \
                         'Timestamp(Millisecond, Some(\"UTC\"))'), true), \
                         ('b', 0.5, 'pro', arrow_cast('2026-11-21T10:00:00.250', \
                         'Timestamp(Millisecond, Some(\"UTC\"))'), false)) \
                         AS t (customer_id, risk, plan, as_of, r3_b2_active)";

fn printed(flags: &[&str]) -> String {
    let output = world().sql(flags, STATEMENT);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_table_is_for_people() {
    assert_eq!(
        printed(&[]),
        "customer_id | risk | plan | as_of                    | r3_b2_active\n\
         ------------+------+------+--------------------------+-------------\n\
         a           | 70.0 |      | 2026-11-21T10:00:00Z     | true\n\
         b           |  0.5 | pro  | 2026-11-21T10:00:00.250Z | false\n\
         (2 rows)\n"
    );
}

#[test]
fn json_is_one_object_a_line_with_every_key() {
    assert_eq!(
        printed(&["--format", "json"]),
        "{\"customer_id\":\"a\",\"risk\":70.0,\"plan\":null,\"as_of\":\"2026-11-21T10:00:00Z\",\
         \"r3_b2_active\":true}\n\
         {\"customer_id\":\"b\",\"risk\":0.5,\"plan\":\"pro\",\
         \"as_of\":\"2026-11-21T10:00:00.250Z\",\"r3_b2_active\":false}\n"
    );
}

#[test]
fn csv_has_a_line_of_names_even_without_rows() {
    assert_eq!(
        printed(&["--format", "csv"]),
        "customer_id,risk,plan,as_of,r3_b2_active\n\
         a,70.0,,2026-11-21T10:00:00Z,true\n\
         b,0.5,pro,2026-11-21T10:00:00.250Z,false\n"
    );
    let output = world().sql(&["--format", "csv"], "SELECT customer_id FROM customers LIMIT 0");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "customer_id\n");
}

#[test]
fn a_41_text_shows_an_instant_in_utc_whatever_zone_was_asked_for() {
    let statement = "SELECT max(as_of) AS a, max(as_of) AT TIME ZONE 'Europe/Berlin' AS b \
                     FROM customers";
    for format in ["csv", "json", "table"] {
        let output = world().sql(&["--format", format], statement);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let at: Vec<&str> = text.split(['"', ',', '\n', ' ']).filter(|t| t.contains("Z")).collect();
        assert!(matches!(at[..], [a, b] if a == b), "{text}");
    }
}

#[test]
fn parquet_and_arrow_begin_as_such_files_do() {
    let folder = tempfile::tempdir().unwrap();
    for (form, begins) in [("parquet", &b"PAR1"[..]), ("arrow", &[0xff, 0xff, 0xff, 0xff])] {
        let path = folder.path().join(form);
        let flags = ["--format", form, "--out", path.to_str().unwrap()];
        let output = world().sql(&flags, STATEMENT);
        assert!(output.status.success(), "{}", said(&output));
        assert!(output.stdout.is_empty());
        assert!(fs::read(&path).unwrap().starts_with(begins), "{form}");
    }
}

#[test]
fn an_answer_that_is_not_whole_never_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.csv");
    let flags = ["--format", "csv", "--rows-max", "5", "--out", path.to_str().unwrap()];
    let output = world().sql(&flags, "SELECT customer_id FROM customers");
    assert_eq!(output.status.code(), Some(1));
    assert!(!path.exists());
}

#[test]
fn a_statement_may_come_from_standard_input() {
    let folder = world().path("snapshots");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ebb"))
        .args(["sql", "--format", "csv", "--snapshots", folder.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 1 AS one;\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\n1\n");
}

#[test]
fn a_folder_without_snapshots_is_told_from_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    let says = |path: &std::path::Path| {
        let output = sql(path, &[], "SELECT 1");
        assert_eq!(output.status.code(), Some(1));
        said(&output)
    };
    let none = says(folder.path());
    assert!(none.contains("no snapshot in it; wanted a folder that ebb replay"), "{none}");
    let missing = says(&folder.path().join("nowhere"));
    assert!(missing.contains("nowhere: No such file"), "{missing}");
    fs::create_dir(folder.path().join("s")).unwrap();
    for (text, found) in [
        ("{", "EOF while parsing"),
        ("{\"format\":3}", "form 3"),
        ("{}", "no form"),
        ("{\"format\":1}", "missing field"),
        ("{\"format\":2}", "missing field"),
    ] {
        fs::write(folder.path().join("s/manifest.json"), text).unwrap();
        let broken = says(folder.path());
        assert!(broken.contains("cannot read a snapshot") && broken.contains(found), "{broken}");
    }
}

#[test]
fn a_manifest_that_names_a_file_outside_the_folder_is_refused() {
    let snapshots = world().path("snapshots");
    let id = world().rows("SELECT snapshot FROM snapshots")[0]["snapshot"].clone();
    let manifest = snapshots.join(id.as_str().unwrap()).join("manifest.json");
    let text = fs::read_to_string(manifest).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("s")).unwrap();
    let path = format!("{}/alerts-0.parquet", id.as_str().unwrap());
    for outside in ["../alerts-0.parquet", "/etc/passwd"] {
        let text = text.replace(&path, outside);
        fs::write(folder.path().join("s/manifest.json"), text).unwrap();
        let output = sql(folder.path(), &[], "SELECT 1");
        let wanted = format!("a file outside the folder, {outside}");
        assert!(said(&output).contains(&wanted), "{}", said(&output));
    }
}

#[test]
fn wrong_arguments_are_told() {
    let folder = world().path("snapshots");
    let folder = folder.to_str().unwrap();
    let says = |arguments: &[&str]| {
        let output = ebb(&[&["sql", "--snapshots", folder], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        said(&output)
    };
    assert!(says(&["--format", "xml", "SELECT 1"]).contains("[possible values: table, json"));
    assert!(says(&["--memory-max", "1GB", "SELECT 1"]).contains("wanted a size such as"));
    assert!(says(&["--time-max", "5", "SELECT 1"]).contains("wanted a span up to 24h"));
    let output = ebb(&["answer"]);
    assert!(said(&output).contains("this command is ebb's own"), "{}", said(&output));
}

#[test]
fn look_ups_and_counts_agree_with_each_other() {
    let world = world();
    let all = rows(&world.sql(&["--format", "json"], "SELECT customer_id, risk FROM customers"));
    for row in all.iter().take(5) {
        let customer = row["customer_id"].as_str().unwrap();
        let found =
            world.cell(&format!("SELECT risk FROM customers WHERE customer_id = '{customer}'"));
        assert_eq!(found, row["risk"]);
    }
    let high = all.iter().filter(|row| 70.0 <= row["risk"].as_f64().unwrap_or(0.0)).count();
    assert_eq!(world.cell("SELECT count(*) FROM customers WHERE risk_band = 'high'"), high);
}
