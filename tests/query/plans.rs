//! Plans that are kept: an answer is the same whether its statement was planned for it or not.

use std::path::Path;

use ebb::query::desk::{Allowance, with_room};
use ebb::query::guard::Bounds;
use ebb::query::raw::{Asked, Dialect};
use ebb::query::{Desk, Form};

use super::past::{a_login, replay};
use super::world;

const ALLOWANCE: Allowance = Allowance {
    memory_max: 1 << 30,
    rows_max: 10_000,
    bounds: Bounds { statement_max: 64 << 10, operators_max: 1_000 },
};

/// Does `work` at a desk over the snapshots at `root`.
fn at_desk(root: &Path, work: impl FnOnce(&mut Desk) + Send) {
    let done = with_room(|| {
        work(&mut Desk::open(root, None, ALLOWANCE)?);
        Ok(())
    });
    done.unwrap();
}

/// What `desk` says to `statement`: rows, or why not.
fn said(desk: &mut Desk, statement: &str, dialect: Dialect) -> String {
    let (statement, format) = (statement.to_owned(), "csv".to_owned());
    let asked = Asked { statement, dialect, parameters: Vec::new(), as_of: None, format };
    let mut out = Vec::new();
    match desk.ask(&asked, Form::Csv, &mut out) {
        Ok(_) => String::from_utf8(out).unwrap(),
        Err(refused) => refused.to_string(),
    }
}

#[test]
fn who_is_looked_up_by_id_is_who_was_asked_for() {
    at_desk(&world().path("snapshots"), |desk| {
        for dialect in [Dialect::Plain, Dialect::Postgres] {
            let mut same = |by_id: &str, otherwise: &str| {
                let found = said(desk, by_id, dialect);
                assert_eq!(found, said(desk, otherwise, dialect), "{by_id}");
                found
            };
            for customer in ["c-3", "c-71", "c-3", "nobody", "it''s", ""] {
                for columns in ["*", "customer_id, risk, customer_id = 'c-3'"] {
                    let found = same(
                        &format!(
                            "SELECT {columns} FROM customers WHERE customer_id = '{customer}'"
                        ),
                        &format!(
                            "SELECT {columns} FROM customers WHERE customer_id IN ('{customer}')"
                        ),
                    );
                    let n_rows = usize::from(customer.starts_with("c-"));
                    assert_eq!(found.lines().count(), 1 + n_rows, "{found}");
                }
                let both = format!("customer_id = '{customer}' OR customer_id = 'c-9'");
                let parts = |who: &str| {
                    format!(
                        "SELECT customer_id, score, part FROM explanations WHERE {who} \
                         ORDER BY customer_id, score, position"
                    )
                };
                same(&parts(&both), &parts(&format!("customer_id IN ('{customer}', 'c-9')")));
            }
        }
    });
}

#[test]
fn one_plan_looks_up_everybody() {
    at_desk(&world().path("snapshots"), |desk| {
        let mut n_plans = |statement: &str| {
            for customer in ["c-3", "c-71", "c-3"] {
                let statement = statement.replace("WHO", customer);
                let found = said(desk, &statement, Dialect::Plain);
                assert!(found.contains(&format!("\n{customer},")), "{statement}: {found}");
            }
            desk.n_plans()
        };
        assert_eq!(n_plans("SELECT * FROM customers WHERE customer_id = 'WHO'"), 1);
        assert_eq!(n_plans("SELECT customer_id, risk FROM customers WHERE customer_id='WHO'"), 2);
        // Only what is asked of one table has ids lifted out of it.
        let two = "SELECT c.customer_id, risk, signal FROM customers c JOIN signals s \
                   ON c.customer_id = s.customer_id WHERE c.customer_id = 'WHO'";
        assert_eq!(n_plans(two), 4);
    });
}

#[test]
fn what_was_planned_before_a_snapshot_sees_it_afterwards() {
    let folder = a_login();
    replay(&folder, "2026-01-02T00:00:00Z");
    at_desk(&folder.path().join("snapshots"), |desk| {
        let statement = "SELECT as_of FROM customers WHERE customer_id = 'c'";
        let before = said(desk, statement, Dialect::Plain);
        assert_eq!(before, "as_of\n2026-01-02T00:00:00Z\n");
        replay(&folder, "2026-01-10T00:00:00Z");
        desk.refresh().unwrap();
        let after = said(desk, statement, Dialect::Plain);
        assert_eq!(after, "as_of\n2026-01-10T00:00:00Z\n");
    });
}

#[test]
fn a_refusal_speaks_of_the_statement_as_it_was_asked() {
    at_desk(&world().path("snapshots"), |desk| {
        let mut said = |statement: &str| said(desk, statement, Dialect::Plain);
        let unknown = said("SELECT ris FROM customers WHERE customer_id = 'c-3'");
        assert!(unknown.contains("did you mean"), "{unknown}");
        let number =
            said("SELECT * FROM (SELECT 7 AS customer_id) WHERE customer_id = 'seven' AND 1 = 1");
        assert!(number.contains("seven") && !number.contains("$1"), "{number}");
    });
}
