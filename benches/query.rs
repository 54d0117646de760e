//! Cost of a question, on snapshots that are open already.
//!
//! Budget  a look-up by id 10 ms, group-by over all and the top 100 by risk 100 ms each, at 1 M
//!         customers on two cores: somebody waits for the answer.
//! Load    the default model over `EBB_CUSTOMERS` (2 000) customers with three events each, from a
//!         replay; or the snapshots in `EBB_SNAPSHOTS`, as a run by hand takes 1 000 000.

mod snapshots;

use std::hint::black_box;

use criterion::Criterion;
use ebb::query::desk::{Allowance, with_room};
use ebb::query::guard::Bounds;
use ebb::query::raw::{Asked, Dialect, Parameter, ParameterKind};
use ebb::query::{Desk, Form, Refused};

// The program's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ALLOWANCE: Allowance = Allowance {
    memory_max: 1 << 30,
    rows_max: 1_000_000,
    bounds: Bounds { statement_max: 64 << 10, operators_max: 1_000 },
};

/// What is asked, and how it is called.
const QUESTIONS: [(&str, &str); 7] = [
    ("look_up_all_columns", "SELECT * FROM customers WHERE customer_id = $1"),
    ("look_up_another_each_time", "SELECT * FROM customers WHERE customer_id = 'CUSTOMER'"),
    (
        "look_up_by_a_new_statement",
        "SELECT * FROM customers AS \"CUSTOMER\" WHERE customer_id = 'CUSTOMER'",
    ),
    ("look_up_risk", "SELECT risk, risk_band FROM customers WHERE customer_id = $1"),
    ("group_by", "SELECT risk_held, count(*), sum(mrr) FROM customers GROUP BY risk_held"),
    ("top_100", "SELECT customer_id, risk FROM customers ORDER BY risk DESC LIMIT 100"),
    ("nothing", "SELECT 1"),
];

fn ask(desk: &mut Desk, statement: &str, customer: &str) -> Option<String> {
    let asked = Asked {
        statement: statement.to_owned(),
        dialect: Dialect::Plain,
        parameters: match statement.contains('$') {
            true => vec![Parameter {
                kind: Some(ParameterKind::Text),
                value: Some(customer.to_owned()),
            }],
            false => Vec::new(),
        },
        as_of: None,
        format: "csv".to_owned(),
    };
    let mut out = Vec::new();
    desk.ask(&asked, Form::Csv, &mut out).ok()?;
    String::from_utf8(out).ok()
}

fn questions(c: &mut Criterion) -> Result<(), Refused> {
    let folder = tempfile::tempdir().map_err(|error| Refused(error.to_string()))?;
    let root = snapshots::given_or_made(folder.path());
    let root = root.map_err(|error| Refused(error.to_string()))?;
    let mut desk = Desk::open(&root, None, ALLOWANCE)?;
    // Some in the middle: neither in the first page of a file nor in the last.
    let middle = "SELECT customer_id FROM customers LIMIT 1000 OFFSET 1000";
    let customers = ask(&mut desk, middle, "").unwrap_or_default();
    let mut customers = customers.lines().skip(1).cycle();
    let mut group = c.benchmark_group("query");
    group.sample_size(20);
    for (name, statement) in QUESTIONS {
        group.bench_function(name, |b| {
            b.iter(|| {
                let customer = customers.next().unwrap_or_default();
                let statement = statement.replace("CUSTOMER", customer);
                black_box(ask(&mut desk, &statement, customer))
            });
        });
    }
    group.finish();
    Ok(())
}

fn main() {
    let asked = with_room(|| {
        let mut criterion = Criterion::default().configure_from_args();
        questions(&mut criterion)?;
        criterion.final_summary();
        Ok(())
    });
    if let Err(refused) = asked {
        println!("{refused}");
    }
}
