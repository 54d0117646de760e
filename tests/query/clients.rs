//! Snapshots opened by readers that nobody here wrote: DuckDB and pyarrow.
//!
//! Rules   both are fetched with pip into a cache outside the checkout; where that cannot be done
//!         the test is skipped, unless `EBB_TEST_DEMAND` contains `clients` (D-10).

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::broker::skipped;

use super::{said, world};

/// What reads snapshots.
const READERS: [&str; 2] = ["duckdb==2.0.1", "pyarrow==26.0.1"];

/// A Python that has `packages`, known by `import`, in a folder called after `name`; `None` where
/// the test is to be skipped.
pub fn python(name: &str, packages: &[&str], import: &str) -> Option<PathBuf> {
    // Two tests that need the same must not fetch it into one folder at once.
    static FETCHING: Mutex<()> = Mutex::new(());
    let _one_by_one = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
    fetched(name, packages, import).map_or_else(|why| skipped("clients", &why), Some)
}

fn fetched(name: &str, packages: &[&str], import: &str) -> Result<PathBuf, String> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).ok_or("no folder to keep clients in")?;
    let folder = cache.join("ebb").join(format!("{name}-{}", packages.join("-")));
    let python = folder.join("bin/python");
    let run = |program: &std::path::Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    };
    if run(&python, &["-c", import]).is_err() {
        let folder = folder.to_str().ok_or("a cache whose name is no text")?;
        run(&PathBuf::from("python3"), &["-m", "venv", "--clear", folder])?;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        run(&python, &[&install[..], packages].concat())?;
    }
    Ok(python)
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
