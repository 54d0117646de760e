//! KPIs with their targets, as far as events can give them.
//!
//! Rules   one SELECT a KPI and segment, all over `customers`; a KPI whose measures the model
//!         does not have is left out. Months are 30 days. A target's lower end is inclusive; its
//!         upper end too, but where the specification says "below".
//! Source  §6 and §13 of the specification.

use crate::query::raw::Described;
use crate::query::views::{number, text};

/// A target.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    /// At least the first, at most the second.
    Between(f64, f64),
    /// At least so much.
    AtLeast(f64),
    /// Below so much.
    Below(f64),
    /// None is given.
    None,
}

/// One KPI over one segment.
struct Kpi {
    id: &'static str,
    says: &'static str,
    unit: &'static str,
    target: Target,
    /// The measures it reads.
    reads: &'static [&'static str],
    /// Its value: an aggregate over `customers`.
    value: &'static str,
    /// Whose row counts.
    of: &'static str,
    /// Over how many of those it is taken.
    over: &'static str,
}

/// Everyone who is a customer now.
const PRESENT: &str = "status <> 'cancelled'";
/// Those who were customers 30 days ago.
const AT_START: &str = "status_30d_before <> 'cancelled'";
/// The percentage of the rows that are lost.
const LOST: &str = "100.0 * avg(CASE WHEN status = 'cancelled' THEN 1.0 ELSE 0.0 END)";
/// The percentage of the rows that are not.
const KEPT: &str = "100.0 * avg(CASE WHEN status = 'cancelled' THEN 0.0 ELSE 1.0 END)";
/// Those who came in the month that ended one month ago.
const MONTH_1: &str = "known_since <= as_of - INTERVAL '30 days' AND \
     as_of - INTERVAL '60 days' < known_since";
const MONTH_3: &str = "known_since <= as_of - INTERVAL '90 days' AND \
     as_of - INTERVAL '120 days' < known_since";
const MONTH_6: &str = "known_since <= as_of - INTERVAL '180 days' AND \
     as_of - INTERVAL '210 days' < known_since";
const MONTH_12: &str = "known_since <= as_of - INTERVAL '360 days' AND \
     as_of - INTERVAL '390 days' < known_since";
const PERCENT: &str = "percent";

/// A mean of one measure over everyone present of whom it is known.
const fn mean(
    id: &'static str,
    says: &'static str,
    unit: &'static str,
    target: Target,
    (reads, value, over): (&'static [&'static str], &'static str, &'static str),
) -> Kpi {
    Kpi { id, says, unit, target, reads, value, of: PRESENT, over }
}

/// A share of customers, in percent.
const fn share(
    id: &'static str,
    says: &'static str,
    target: Target,
    (value, of): (&'static str, &'static str),
) -> Kpi {
    Kpi { id, says, unit: PERCENT, target, reads: &[], value, of, over: "count(*)" }
}

const KPIS: [Kpi; 16] = [
    share(
        "F-7",
        "customer retention over 30 days: those of 30 days ago who are still customers",
        Target::None,
        (KEPT, AT_START),
    ),
    mean(
        "KT-4",
        "sessions a week and customer",
        "sessions",
        Target::Between(3.0, 5.0),
        (&["sessions"], "avg(sessions)", "count(sessions)"),
    ),
    mean(
        "KT-5",
        "hours on the platform a week and customer",
        "hours",
        Target::Between(2.0, 4.0),
        (&["hours"], "avg(hours)", "count(hours)"),
    ),
    mean(
        "KT-6",
        "features used a month and customer",
        "features",
        Target::Between(5.0, 8.0),
        (&["features_used"], "avg(features_used)", "count(features_used)"),
    ),
    mean(
        "KT-7",
        "documents a month and customer",
        "documents",
        Target::Between(10.0, 50.0),
        (&["documents"], "avg(documents)", "count(documents)"),
    ),
    mean(
        "KT-8",
        "NPS over the worst latest answer of every customer",
        "-100 to 100",
        Target::Between(70.0, 80.0),
        (&["nps"], "nps(nps)", "count(nps)"),
    ),
    mean(
        "KT-9",
        "CSAT over the worst latest answer of every customer",
        "1 to 5",
        Target::AtLeast(4.5),
        (&["csat"], "avg(csat)", "count(csat)"),
    ),
    mean(
        "KT-10",
        "CES over the worst latest answer of every customer",
        "1 to 5, low is good",
        Target::Below(2.0),
        (&["ces"], "avg(ces)", "count(ces)"),
    ),
    share(
        "KT-11",
        "monthly churn: of the customers of 30 days ago, those lost since",
        Target::Below(5.0),
        (LOST, AT_START),
    ),
    share(
        "KT-11 first month",
        "of those who came 30 to 60 days ago, those lost since",
        Target::Below(10.0),
        (LOST, MONTH_1),
    ),
    share(
        "KT-12 M1",
        "of those who came 30 to 60 days ago, those who are still customers",
        Target::Between(90.0, 95.0),
        (KEPT, MONTH_1),
    ),
    share(
        "KT-12 M3",
        "of those who came 90 to 120 days ago, those who are still customers",
        Target::Between(80.0, 85.0),
        (KEPT, MONTH_3),
    ),
    share(
        "KT-12 M6",
        "of those who came 180 to 210 days ago, those who are still customers",
        Target::Between(70.0, 75.0),
        (KEPT, MONTH_6),
    ),
    share(
        "KT-12 M12",
        "of those who came 360 to 390 days ago, those who are still customers",
        Target::Between(60.0, 65.0),
        (KEPT, MONTH_12),
    ),
    Kpi {
        id: "KT-16",
        says: "referrals that converted in 30 days, of the customers who came in them",
        unit: PERCENT,
        target: Target::Between(10.0, 20.0),
        reads: &[],
        value: "100.0 * sum(referrals_in_30d) / nullif(count(came_in_30d), 0)",
        of: "TRUE",
        over: "count(came_in_30d)",
    },
    mean(
        "CX-11",
        "customers with several tickets about one topic in 30 days",
        PERCENT,
        Target::None,
        (
            &["tickets_of_one_topic"],
            "100.0 * avg(CASE WHEN 2 <= tickets_of_one_topic THEN 1.0 ELSE 0.0 END)",
            "count(*)",
        ),
    ),
];

/// The KPIs that are also told plan by plan.
const BY_PLAN: [&str; 2] = ["KT-8", "KT-11"];
/// Monthly churn of these plans has its own target: below so many percent (KT-11).
const CHURN_BELOW: [(&str, f64); 3] =
    [("starter", 8.0), ("professional", 5.0), ("enterprise", 3.0)];

/// Customers with what happened in the last 30 days: their referrals, those of today among them, and
/// whether they came (else null).
const BASE: &str = "SELECT c.*, coalesce(e.referrals, 0) AS referrals_in_30d, \
       CASE WHEN c.as_of - INTERVAL '30 days' < c.known_since THEN TRUE END AS came_in_30d \
     FROM customers c LEFT JOIN (\
       SELECT d.customer_id, sum(d.count) AS referrals \
       FROM events_daily d JOIN customers k ON d.customer_id = k.customer_id \
       WHERE d.type = 'referral_converted' \
         AND CAST(k.as_of - INTERVAL '30 days' AS DATE) < d.day \
       GROUP BY d.customer_id) e ON c.customer_id = e.customer_id";

/// `kpis`: one row a KPI and segment.
pub(crate) fn kpis(model: &Described) -> String {
    let known = |measure: &&str| model.measures.iter().any(|known| known.name == *measure);
    let told = KPIS.iter().filter(|kpi| kpi.reads.iter().all(known));
    let rows = told.flat_map(|kpi| {
        let by_plan = BY_PLAN.contains(&kpi.id);
        let plans = by_plan.then(|| kpi.row("coalesce(plan, 'none')", "GROUP BY plan"));
        [Some(kpi.row("'all'", "")), plans]
    });
    let rows: Vec<String> = rows.flatten().collect();
    format!("WITH base AS ({BASE}) {}", rows.join(" UNION ALL "))
}

impl Kpi {
    /// The SELECT over one segment, or over several that `group` makes.
    fn row(&self, segment: &str, group: &str) -> String {
        let (low, high) = match self.target {
            Target::Between(low, high) => (number(low), number(high)),
            Target::AtLeast(low) => (number(low), NULL.to_owned()),
            Target::Below(high) if group.is_empty() => (NULL.to_owned(), number(high)),
            Target::Below(high) => (NULL.to_owned(), self.of_plan(high)),
            Target::None => (NULL.to_owned(), NULL.to_owned()),
        };
        let met = match self.target {
            Target::Between(..) => "low <= value AND value <= high",
            Target::AtLeast(_) => "low <= value",
            Target::Below(_) => "value < high",
            Target::None => "CAST(NULL AS BOOLEAN)",
        };
        // Without a group there is one row, even over nobody. That it is no more than one must be
        // said: the optimiser pushes a condition on a constant, such as the KPI's id, below an
        // aggregate without groups, where it empties the input instead of the answer.
        let group = if group.is_empty() { "LIMIT 1" } else { group };
        format!(
            "SELECT {} AS kpi, {} AS name, segment, value, {} AS unit, low, high, {met} AS \
             in_range, customers FROM (SELECT {segment} AS segment, CAST({} AS DOUBLE) AS value, \
             {low} AS low, {high} AS high, {} AS customers FROM base WHERE {} {group})",
            text(self.id),
            text(self.says),
            text(self.unit),
            self.value,
            self.over,
            self.of,
        )
    }

    /// The upper end for the plan of a group: its own, or `high`.
    fn of_plan(&self, high: f64) -> String {
        if self.id != "KT-11" {
            return number(high);
        }
        let cases: Vec<String> = CHURN_BELOW
            .iter()
            .map(|(plan, below)| format!("WHEN {} THEN {}", text(plan), number(*below)))
            .collect();
        format!("CASE lower(plan) {} ELSE {} END", cases.join(" "), number(high))
    }
}

/// No end.
const NULL: &str = "CAST(NULL AS DOUBLE)";
