//! What stands in the tables is what the replay said, and what the list of columns says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{rows, world};

#[test]
fn customers_has_every_cell_of_the_customers_file() {
    let world = world();
    let mut file = csv::Reader::from_path(world.path("customers.csv")).unwrap();
    let names = file.headers().unwrap().clone();
    let found: BTreeMap<String, Value> = world
        .rows("SELECT * FROM customers")
        .into_iter()
        .map(|row| (row["customer_id"].as_str().unwrap().to_owned(), row))
        .collect();
    let mut n_cells = 0;
    for record in file.records() {
        let record = record.unwrap();
        let row = &found[&record[0]];
        for (name, cell) in names.iter().zip(&record) {
            // The value of a signal is the value of its measure: see below.
            if name.ends_with("_value") {
                continue;
            }
            assert_eq!(text(&row[name]), cell, "{} {name}", &record[0]);
            n_cells += 1;
        }
    }
    assert_eq!(found.len(), 120);
    assert!(4_000 < n_cells, "{n_cells}");
}

/// A cell as the customers file shows it.
fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::String(text) => text.clone(),
        // 70.0 stands as 70 in the file.
        Value::Number(number) => number.as_f64().unwrap().to_string(),
        other => other.to_string(),
    }
}

#[test]
fn signals_are_those_of_the_customers_file() {
    let world = world();
    let mut wanted = BTreeMap::new();
    let mut file = csv::Reader::from_path(world.path("customers.csv")).unwrap();
    let names = file.headers().unwrap().clone();
    for record in file.records() {
        let record = record.unwrap();
        for (name, cell) in names.iter().zip(&record) {
            if name.ends_with("_active") || name.ends_with("_value") {
                wanted.insert((record[0].to_owned(), name.to_owned()), cell.to_owned());
            }
        }
    }
    let rows = world.rows("SELECT * FROM signals");
    assert_eq!(rows.len() * 2, wanted.len());
    for row in rows {
        let customer = row["customer_id"].as_str().unwrap();
        let signal = row["signal"].as_str().unwrap().to_lowercase().replace('-', "_");
        for (what, cell) in [("active", &row["active"]), ("value", &row["value"])] {
            let key = (customer.to_owned(), format!("{signal}_{what}"));
            assert_eq!(text(cell), wanted[&key], "{key:?}");
        }
    }
}

#[test]
fn a_signal_is_active_where_its_comparison_holds() {
    // R4-I3 asks for another signal besides, all others for their comparison alone.
    let wrong = "SELECT count(*) FROM signals WHERE signal <> 'R4-I3' AND active <> CASE \
                 comparison WHEN '<' THEN value < threshold WHEN '<=' THEN value <= threshold \
                 WHEN '>' THEN value > threshold ELSE value >= threshold END";
    assert_eq!(world().cell(wrong), json!(0));
    let active = world().cell("SELECT count(*) FROM signals WHERE active").as_i64().unwrap();
    assert!(100 < active, "{active}");
}

#[test]
fn explanations_add_up_to_the_score() {
    let wrong = "SELECT e.customer_id, e.score FROM (SELECT customer_id, score, sum(points) AS \
                 points FROM explanations GROUP BY customer_id, score) e JOIN customers c ON \
                 e.customer_id = c.customer_id WHERE abs(e.points - CASE e.score WHEN 'risk' THEN \
                 c.risk WHEN 'risk_cs' THEN c.risk_cs ELSE c.retention END) > 1e-9";
    assert_eq!(world().rows(wrong), Vec::<Value>::new());
    let parts = world().rows("SELECT DISTINCT part FROM explanations");
    let parts: BTreeSet<&str> = parts.iter().map(|row| row["part"].as_str().unwrap()).collect();
    for part in ["signal", "cap", "floor", "subscore", "input"] {
        assert!(parts.contains(part), "{parts:?}");
    }
}

#[test]
fn alerts_are_those_that_went_out() {
    let world = world();
    let mut wanted = world.lines("alerts.jsonl");
    let mut found = world.rows("SELECT * FROM alerts");
    assert_eq!(found.len(), wanted.len());
    let by_id = |alert: &Value| alert["id"].as_str().unwrap().to_owned();
    wanted.sort_by_key(by_id);
    found.sort_by_key(by_id);
    for (found, wanted) in found.iter().zip(&wanted) {
        for name in [
            "id",
            "customer_id",
            "at",
            "kind",
            "rule",
            "score",
            "direction",
            "from",
            "to",
            "value",
            "previous",
            "open_since",
            "owner",
        ] {
            assert_eq!(found[name], wanted[name], "{name}: {wanted}");
        }
        assert_eq!(found["cause"], wanted["cause"]["type"]);
        assert_eq!(found["event_id"], wanted["cause"]["id"]);
        let reasons: Value = serde_json::from_str(found["reasons"].as_str().unwrap()).unwrap();
        assert_eq!(reasons, wanted["reasons"]);
        assert_eq!(found["model_id"], wanted["model"]["id"]);
    }
}

#[test]
fn scores_history_is_what_went_out() {
    let world = world();
    let wanted = world.lines("scores.jsonl");
    let found = world.rows("SELECT * FROM scores_history");
    assert_eq!(found.len(), wanted.len());
    let key = |line: &Value| format!("{} {} {}", line["customer_id"], line["at"], line["risk"]);
    let (mut found, mut wanted): (Vec<&Value>, Vec<&Value>) =
        (found.iter().collect(), wanted.iter().collect());
    found.sort_by_key(|line| key(line));
    wanted.sort_by_key(|line| key(line));
    for (found, wanted) in found.iter().zip(&wanted) {
        for (name, cell) in wanted.as_object().unwrap().iter().filter(|(name, _)| *name != "model")
        {
            assert_eq!(&found[name], cell, "{name}: {wanted}");
        }
        assert_eq!(found["model_version"], wanted["model"]["version"]);
    }
}

#[test]
fn events_daily_counts_every_applied_event_of_120_days() {
    let world = world();
    let now: BTreeMap<i64, String> = world
        .rows("SELECT partition, as_of FROM snapshots")
        .into_iter()
        .map(|row| (row["partition"].as_i64().unwrap(), row["as_of"].as_str().unwrap().to_owned()))
        .collect();
    let home: BTreeMap<String, i64> = world
        .rows("SELECT customer_id, partition FROM customers")
        .into_iter()
        .map(|row| {
            let customer = row["customer_id"].as_str().unwrap().to_owned();
            (customer, row["partition"].as_i64().unwrap())
        })
        .collect();
    let mut wanted: BTreeMap<(String, String, String), i64> = BTreeMap::new();
    for event in world.lines("events.jsonl") {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let day = text("time")[..10].to_owned();
        let customer = text("customer_id");
        let last: jiff::civil::Date = now[&home[&customer]][..10].parse().unwrap();
        let days = (last - day.parse::<jiff::civil::Date>().unwrap()).get_days();
        if days < 120 {
            *wanted.entry((customer, day, text("type"))).or_default() += 1;
        }
    }
    let found = world.rows("SELECT * FROM events_daily");
    let found: BTreeMap<(String, String, String), i64> = found
        .into_iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            ((text("customer_id"), text("day"), text("type")), row["count"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_list_of_columns_is_that_of_the_tables() {
    let world = world();
    let listed = world.rows("SELECT * FROM columns");
    let tables: BTreeSet<&str> =
        listed.iter().map(|row| row["table_name"].as_str().unwrap()).collect();
    assert_eq!(tables.len(), 9);
    for table in tables {
        let wanted: Vec<(&str, &str)> = listed
            .iter()
            .filter(|row| row["table_name"] == table)
            .map(|row| (row["column_name"].as_str().unwrap(), row["type"].as_str().unwrap()))
            .collect();
        // The head of CSV is there without rows, JSON has none; types are told by arrow_typeof.
        let output = world.sql(&["--format", "csv"], &format!("SELECT * FROM {table} LIMIT 0"));
        let head = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        assert_eq!(head.trim_end(), names.join(","), "{table}");
        let types: Vec<String> =
            names.iter().map(|name| format!("arrow_typeof(\"{name}\") AS \"{name}\"")).collect();
        let typed = format!("SELECT {} FROM {table} LIMIT 1", types.join(", "));
        let typed = rows(&world.sql(&["--format", "json", "--operators-max", "5000"], &typed));
        for (name, kind) in wanted {
            let found = typed[0][name].as_str().unwrap();
            let is_right = match kind {
                "text" => found.starts_with("Utf8"),
                "double" => found == "Float64",
                "bigint" => found == "Int64",
                "boolean" => found == "Boolean",
                "timestamp" => found.starts_with("Timestamp("),
                "date" => found == "Date32",
                other => panic!("{other}"),
            };
            assert!(is_right, "{table}.{name}: {kind}, {found}");
        }
    }
}

#[test]
fn null_stands_only_where_the_list_says_what_it_means() {
    let world = world();
    for row in world.rows("SELECT * FROM columns WHERE null_means IS NULL") {
        let (table, column) = (row["table_name"].as_str().unwrap(), row["column_name"].as_str());
        let column = column.unwrap();
        let nulls = format!("SELECT count(*) FROM {table} WHERE \"{column}\" IS NULL");
        assert_eq!(world.cell(&nulls), json!(0), "{table}.{column}");
    }
}
