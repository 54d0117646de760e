//! What the customer is and has allowed: plan, revenue, owner, consents.
//!
//! Rules   of every fact the latest by event time holds, ties to the later arrival.

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::record::{Event, Field, Kind};
use crate::unit::{EventTime, Micros};

/// A fact and the event time that set it.
type Fact<T> = Option<(EventTime, T)>;

/// Everything of that kind; most customers of a plain stream have none of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Standing {
    plan: Fact<Box<str>>,
    mrr: Fact<Micros>,
    seats: Fact<Micros>,
    owner: Fact<Box<str>>,
    consents: ThinVec<(u32, EventTime, Consent)>,
}

/// What the customer said of one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consent {
    /// Yes.
    Granted,
    /// No.
    Withdrawn,
}

impl Standing {
    /// Whether an event of `kind` says something that stands.
    pub fn concerns(kind: Kind) -> bool {
        matches!(
            kind,
            Kind::CustomerCreated
                | Kind::SubscriptionStarted
                | Kind::SubscriptionChanged
                | Kind::OwnerChanged
                | Kind::ConsentChanged
        )
    }

    /// Takes in what `event` says; `purposes` are those that the model asks for.
    pub fn apply(&mut self, event: &Event<'_>, purposes: &[String]) {
        let time = event.time;
        let (plan, mrr) = match event.kind {
            Kind::SubscriptionChanged => (Field::NewPlan, Field::NewMrr),
            _ => (Field::Plan, Field::Mrr),
        };
        set(&mut self.plan, time, event.text(plan).map(Box::from));
        set(&mut self.mrr, time, event.number(mrr));
        set(&mut self.seats, time, event.number(Field::Seats));
        set(&mut self.owner, time, event.text(Field::Owner).map(Box::from));
        if let (Some(purpose), Some(granted)) =
            (event.text(Field::Purpose), event.flag(Field::Granted))
            && let Some(index) = purposes.iter().position(|known| known == purpose)
        {
            let said = if granted { Consent::Granted } else { Consent::Withdrawn };
            self.consent(u32::try_from(index).unwrap_or(u32::MAX), time, said);
        }
    }

    fn consent(&mut self, purpose: u32, time: EventTime, said: Consent) {
        match self.consents.iter_mut().find(|(known, _, _)| *known == purpose) {
            Some(known) if known.1 <= time => *known = (purpose, time, said),
            Some(_) => {}
            None => self.consents.push((purpose, time, said)),
        }
    }

    /// The current plan.
    pub fn plan(&self) -> Option<&str> {
        self.plan.as_ref().map(|(_, plan)| &**plan)
    }

    /// Monthly recurring revenue.
    pub fn mrr(&self) -> Option<Micros> {
        self.mrr.map(|(_, mrr)| mrr)
    }

    /// Seats.
    pub fn seats(&self) -> Option<Micros> {
        self.seats.map(|(_, seats)| seats)
    }

    /// Who looks after the customer.
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_ref().map(|(_, owner)| &**owner)
    }

    /// Whether `purpose`, an index into the model's purposes, is allowed: never by silence.
    pub fn has_granted(&self, purpose: usize) -> bool {
        self.consents
            .iter()
            .any(|(known, _, said)| *known as usize == purpose && *said == Consent::Granted)
    }
}

/// Sets `fact` to `value`, said at `time`, unless a later word stands.
fn set<T>(fact: &mut Fact<T>, time: EventTime, value: Option<T>) {
    if let Some(value) = value
        && fact.as_ref().is_none_or(|(known, _)| *known <= time)
    {
        *fact = Some((time, value));
    }
}
