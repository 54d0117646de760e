//! Snapshots opened by readers that nobody here wrote: DuckDB and pyarrow.
//!
//! Rules   both are fetched with pip into a cache outside the checkout; where that cannot be done
//!         the test is skipped, unless `EBB_TEST_DEMAND` contains `clients` (D-10).

use std::path::PathBuf;
use std::process::Command;

use crate::broker::{fetch, skipped};

use super::{said, world};

/// What reads snapshots.
const READERS: [&str; 2] = ["duckdb==2.0.1", "pyarrow==26.0.1"];

/// A Python that has `packages`, in a folder called after `name`, in which `check` runs; `None` where
/// the test is to be skipped.
pub fn python(name: &str, packages: &[&str], check: &str) -> Option<PathBuf> {
    let folder = fetch::python(name, packages, check);
    folder.map_or_else(|why| skipped("clients", &why), |folder| Some(folder.join("bin/python")))
}

/// What `program` prints when Python runs it over the snapshots.
fn printed(python: &PathBuf, program: &str) -> String {
    let folder = world().path("snapshots");
    let output = Command::new(python).args(["-c", program]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn duckdb_and_pyarrow_read_what_ebb_reads() {
    let found = python("clients", &READERS, "import duckdb, pyarrow.parquet");
    let Some(python) = found else { return };
    let duckdb = "
import duckdb, sys
def one(sql):
    return duckdb.sql(sql).fetchall()[0][0]
for t in ['customers', 'alerts', 'scores_history', 'events_daily']:
    print(t, one(f\"SELECT count(*) FROM '{sys.argv[1]}/*/{t}-*.parquet'\"))
print(round(one(f\"SELECT sum(p.points) FROM (SELECT unnest(explanation) AS p \
FROM '{sys.argv[1]}/*/customers-*.parquet')\"), 6))
";
    let pyarrow = "
import glob, sys
import pyarrow.compute, pyarrow.dataset
def table(t):
    return pyarrow.dataset.dataset(glob.glob(f'{sys.argv[1]}/*/{t}-*.parquet')).to_table()
for t in ['customers', 'alerts', 'scores_history', 'events_daily']:
    print(t, table(t).num_rows)
parts = table('customers')['explanation'].combine_chunks().flatten()
print(round(pyarrow.compute.sum(parts.field('points')).as_py(), 6))
";
    let counts: Vec<String> = ["customers", "alerts", "scores_history", "events_daily"]
        .iter()
        .map(|table| format!("{table} {}", world().cell(&format!("SELECT count(*) FROM {table}"))))
        .collect();
    let points = world().cell("SELECT round(sum(points), 6) FROM explanations");
    let wanted = format!("{}\n{points}\n", counts.join("\n"));
    assert_eq!(printed(&python, duckdb), wanted);
    assert_eq!(printed(&python, pyarrow), wanted);
}
