//! `schemas/tables.md`, the page of all tables, is what the program says of them.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use ebb::model::{load, shipped};
use ebb::query::columns::{self, Column, TABLES};
use ebb::query::functions::FORMULAS;
use ebb::query::raw::Described;

/// What stands above the tables.
const HEAD: &str = "# What SQL can ask

Tables of `ebb sql` over the snapshots that `ebb replay --snapshots DIR` writes, under the default
model; other models have other scores, measures and signals. `SELECT * FROM columns` says the same.
Every table can be asked as of another instant: `customers_at('2026-11-21T10:00:00Z')`, or with the
id of a snapshot; for a whole statement by `--as-of`. Moments are UTC, to the millisecond;
in an order, null comes last.

A snapshot is a folder: `manifest.json` and one Parquet file a table and partition for `customers`
(with the explanation of every score as a list), `alerts`, `scores_history` and `events_daily`.
DuckDB, pyarrow, Spark and Trino read these as they are. The other tables are made when asked.
";

fn page() -> String {
    let model = load(shipped::DEFAULT, shipped::CATALOG, None).unwrap();
    let model = Described::of(&model);
    let mut page = HEAD.to_owned();
    for (table, says) in TABLES {
        write!(page, "\n## {table}\n\n{says}\n\n| column | type | unit | means | null means |\n")
            .unwrap();
        page += "|---|---|---|---|---|\n";
        for Column { name, kind, unit, means, null } in columns::of(table, &model) {
            // A bar within a cell would end it.
            let means = means.replace('|', "\\|");
            let cells = format!("| `{name}` | {} | {unit} | {means} | {null} |", kind.name());
            writeln!(page, "{}", cells.replace("|  |", "| |").replace("|  |", "| |")).unwrap();
        }
    }
    page += "\n## Functions\n\n| function | gives |\n|---|---|\n";
    for formula in FORMULAS {
        writeln!(page, "| `{}({})` | {} |", formula.name, formula.takes, formula.means).unwrap();
    }
    page += "| `band(score, value)` | the band of a number of that score |\n";
    page += "| `nps(answer)` | F-12, an aggregate: percent of promoters (9, 10) less percent of \
             detractors (0 to 6) |\n";
    page
}

#[test]
fn the_page_of_tables_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/tables.md");
    let wanted = page();
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "schemas/tables.md is out of date; BLESS=1 writes it anew");
}

/// The model knows what the tables call their columns: a score by such a name would stand twice.
#[test]
fn no_score_can_have_the_name_of_another_column() {
    let model = Described::of(&load(shipped::DEFAULT, shipped::CATALOG, None).unwrap());
    let tables =
        [columns::customers(&model), columns::published(&model), columns::scores_history(&model)];
    let is_named_by_model = |name: &str| {
        let is_score = model.scores.iter().any(|score| score.name == name);
        is_score || model.measures.iter().any(|measure| measure.name == name)
    };
    let others = tables.iter().flatten().filter(|column| !is_named_by_model(&column.name));
    let mut n_others = 0;
    for Column { name, .. } in others {
        let text = shipped::DEFAULT.replace("[scores.retention", &format!("[scores.{name}"));
        let faults = load(&text, shipped::CATALOG, None).err().unwrap_or_default();
        let is_refused = faults.iter().any(|fault| fault.to_string().contains("no other column"));
        assert!(is_refused, "{name}: {faults:?}");
        n_others += 1;
    }
    assert!(50 < n_others, "{n_others}");
}
