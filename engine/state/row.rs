//! One customer as a row: scores, forecast and every signal, as of an instant.
//!
//! Source  issue's customers file; readings of the specification.

use crate::model::Model;
use crate::record::ScoreRecord;
use crate::record::alert::Part;
use crate::record::scores::Status;
use crate::score::reasons::Grounds;
use crate::score::{Evidence, Outlook, Verdict};
use crate::state::customer::Customer;
use crate::state::step::{prospect, record};
use crate::unit::{EventTime, Micros, Points, Span};
use crate::window::measure::Which;
use crate::window::{History, Memo, Precision, Reading, Scope, Standing};

/// One signal of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignalCell {
    /// Whether it is active; `None` where its measure is not available.
    pub active: Option<bool>,
    /// What its measure reads; `None` where it is not available.
    pub value: Option<f64>,
}

/// What the customer is, apart from how it is judged. Its texts are of type `S`, as those of the row.
#[derive(Clone, Debug, PartialEq)]
pub struct About<S = String> {
    /// The time of its earliest event.
    pub known_since: EventTime,
    /// Its plan, if one was told.
    pub plan: Option<S>,
    /// Its monthly recurring revenue, if it was told.
    pub mrr: Option<Micros>,
    /// Its seats, if they were told.
    pub seats: Option<Micros>,
    /// Who looks after it, if somebody was named.
    pub owner: Option<S>,
    /// Whether its measures equal their definitions.
    pub precision: Precision,
}

/// How far a row looks back at the status: churn is counted in months of 30 days.
const LOOK_BACK: Span = Span::days(30);

/// One customer. Its texts are of type `S`: borrowed where they are written at once, owned where the
/// row is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<S = String> {
    /// What it is.
    pub about: About<S>,
    /// Scores, bands, coverage, forecast.
    pub scores: ScoreRecord<S>,
    /// The signals in model order.
    pub signals: Vec<SignalCell>,
    /// Every measure in model order, `None` where it is not available.
    pub measures: Vec<Option<f64>>,
    /// The explanation of every score in model order.
    pub reasons: Vec<Vec<Part<S>>>,
    /// Every score less its sample of 7 and of 30 days ago.
    pub trends: Vec<(Option<f64>, Option<f64>)>,
    /// Its status 30 days before; `None` if it was not known then.
    pub status_before: Option<Status>,
}

impl<'a> About<&'a str> {
    fn of(history: &'a History) -> About<&'a str> {
        let standing = history.standing();
        About {
            known_since: history.known_since(),
            plan: standing.and_then(Standing::plan),
            mrr: standing.and_then(Standing::mrr),
            seats: standing.and_then(Standing::seats),
            owner: standing.and_then(Standing::owner),
            precision: history.precision(),
        }
    }

    fn into_owned(self) -> About {
        About {
            known_since: self.known_since,
            plan: self.plan.map(str::to_owned),
            mrr: self.mrr,
            seats: self.seats,
            owner: self.owner.map(str::to_owned),
            precision: self.precision,
        }
    }
}

impl Row {
    /// The names of a row's cells: the columns of the customers file.
    pub fn columns(model: &Model) -> Vec<String> {
        let mut columns = vec!["customer_id".to_owned(), "as_of".to_owned()];
        for score in &model.scores {
            let name = &score.name;
            columns.extend([name.clone(), format!("{name}_band"), format!("{name}_held")]);
        }
        columns.extend(model.scores.iter().map(|score| format!("coverage_{}", score.name)));
        columns.extend(["next_band_score", "next_band", "next_band_at"].map(str::to_owned));
        for signal in &model.signals {
            let name = signal.id.to_lowercase().replace('-', "_");
            columns.extend([format!("{name}_active"), format!("{name}_value")]);
        }
        columns
    }

    /// The cells in the order of [`Row::columns`]; numbers in full, what is null is empty.
    pub fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.scores.customer_id.clone(), self.scores.at.to_string()];
        for line in &self.scores.scores {
            cells.push(line.value.map(|value| value.get().to_string()).unwrap_or_default());
            cells.push(line.band.clone().unwrap_or_default());
            cells.push(line.held.clone().unwrap_or_default());
        }
        cells.extend(self.scores.scores.iter().map(|line| line.coverage.to_string()));
        let next = self.scores.next.as_ref();
        cells.push(next.map(|next| next.score.clone()).unwrap_or_default());
        cells.push(next.map(|next| next.band.clone()).unwrap_or_default());
        cells.push(next.map(|next| next.at.to_string()).unwrap_or_default());
        for signal in &self.signals {
            let active = signal.active.map(|active| if active { "1" } else { "0" });
            cells.push(active.unwrap_or_default().to_owned());
            cells.push(signal.value.map(|value| value.to_string()).unwrap_or_default());
        }
        cells
    }

    /// `customer` as of `now`.
    pub fn of(customer: &Customer, model: &Model, now: EventTime) -> Row {
        Row::lent(customer, model, now).into_owned()
    }
}

impl<'a> Row<&'a str> {
    /// `customer` as of `now`; the texts stay where they are.
    pub fn lent(customer: &'a Customer, model: &'a Model, now: EventTime) -> Row<&'a str> {
        let mut readings = Vec::with_capacity(model.measures.len());
        let scope = Scope::new(model, &customer.history, now);
        scope.read(Which::All, &mut readings);
        let orders = customer.orders.as_deref();
        let memo = Memo::of(model, &readings);
        let known = memo.readings(model, now);
        let outlook = Outlook::at(prospect(customer, model), now);
        let verdict = outlook.verdict();
        let grounds = Grounds { model, verdict, readings: known, orders, now };
        let cell = |(index, signal): (usize, &crate::model::Signal)| {
            let value = known.value(signal.measure);
            SignalCell { active: value.map(|_| verdict.is_active(index)), value }
        };
        let machine = &customer.machine;
        Row {
            about: About::of(&customer.history),
            status_before: status_before(&customer.history, now),
            signals: model.signals.iter().enumerate().map(cell).collect(),
            measures: readings.iter().map(Reading::value).collect(),
            reasons: (0..model.scores.len()).map(|index| grounds.parts(index)).collect(),
            trends: (0..model.scores.len())
                .map(|index| (machine.trend(index, now, 7), machine.trend(index, now, 30)))
                .collect(),
            scores: record(customer, (verdict, &known, outlook.next()), (model, now)),
        }
    }

    /// The same row with texts of its own.
    pub fn into_owned(self) -> Row {
        let owned = |parts: Vec<Part<&str>>| parts.into_iter().map(Part::into_owned).collect();
        Row {
            about: self.about.into_owned(),
            scores: self.scores.into_owned(),
            signals: self.signals,
            measures: self.measures,
            reasons: self.reasons.into_iter().map(owned).collect(),
            trends: self.trends,
            status_before: self.status_before,
        }
    }
}

/// The status [`LOOK_BACK`] before `now`, as it is known at `now`.
fn status_before(history: &History, now: EventTime) -> Option<Status> {
    let before = now.minus(LOOK_BACK);
    (history.known_since() <= before).then(|| history.life().at(before).status)
}

/// For every active signal of `customer` as of `now`, by its index in `model`, what every score would
/// be without it.
pub fn without(
    customer: &Customer,
    model: &Model,
    now: EventTime,
) -> Vec<(usize, Vec<Option<Points>>)> {
    let scope = Scope::new(model, &customer.history, now);
    let orders = customer.orders.as_deref();
    let memo = Memo::fresh(&scope);
    let evidence =
        Evidence { readings: memo.readings(model, now), changes: EventTime::NEVER, orders };
    let verdict = Verdict::of(&scope, &evidence);
    let active = (0..model.signals.len()).filter(|index| verdict.is_active(*index));
    let without = active.map(|index| {
        let other = verdict.without(index, &scope, &evidence);
        (index, other.scores.iter().map(|judged| judged.value).collect())
    });
    without.collect()
}
