//! The snapshot at the end of a replay.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::Failure;
use crate::model::Model;
use crate::query::daily::DAYS_KEPT;
use crate::query::draft::Named;
use crate::query::forgotten::Forgotten;
use crate::query::spot::Spot;
use crate::query::{Daily, Draft, Stand};
use crate::run::Pump;
use crate::run::Witness;
use crate::state::customer::Customer;
use crate::state::edition::Place;
use crate::state::lanes::side_by_side;
use crate::state::{Arrival, Engine, Fate, Row};
use crate::unit::EventTime;
use crate::wire::{Fault, FileSink, Outgoing, Sink};

/// How many customers are turned into rows at a time.
const CHUNK: usize = 8 << 10;

/// Counts events by day while a replay goes on.
#[derive(Clone, Default)]
pub struct Days(Arc<Mutex<Daily>>);

impl Days {
    /// What the pump shows everything to.
    pub fn witness(&self) -> Box<dyn Witness> {
        Box::new(self.clone())
    }
}

impl Witness for Days {
    fn applied(&mut self, arrivals: &[Arrival<'_>], fates: &[Fate]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).count(arrivals, fates);
    }

    fn went_out(&mut self, _: u32, _: &Outgoing) {
        // The sink sees it.
    }
}

/// Files, and the snapshot beside them.
pub struct KeepingSink {
    files: FileSink,
    draft: Option<Draft>,
}

impl KeepingSink {
    /// A sink into `files` and, where `root` is given, into a snapshot below it.
    ///
    /// # Errors
    ///
    /// Exit 1 where no snapshot can be begun there.
    pub fn new(
        files: FileSink,
        root: Option<&Path>,
        model: &Model,
        n_partitions: NonZeroU32,
    ) -> Result<KeepingSink, Failure> {
        let draft = root.map(|root| Draft::begin(root, model, n_partitions)).transpose()?;
        Ok(KeepingSink { files, draft })
    }

    /// Puts all files and the snapshot of what `pump` holds under their names; the snapshot's id.
    ///
    /// # Errors
    ///
    /// Exit 1 where one of them cannot be finished.
    pub fn finish(self, pump: &Pump<'_>, days: &Days) -> Result<Option<String>, Failure> {
        let id = self.draft.map(|draft| publish(draft, pump, days)).transpose()?;
        self.files.finish()?;
        Ok(id)
    }
}

impl Sink for KeepingSink {
    fn send(&mut self, outputs: &[Outgoing]) -> Result<(), Fault> {
        self.files.send(outputs)?;
        self.draft.as_mut().map_or(Ok(()), |draft| draft.outputs(outputs))
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.files.settle()
    }
}

/// Writes what the engine knows now and reveals the snapshot.
fn publish(mut draft: Draft, pump: &Pump<'_>, days: &Days) -> Result<String, Failure> {
    let engine = pump.engine();
    let positions = pump.positions();
    let daily = days.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut stands = Vec::new();
    for partition in 0..engine.n_partitions() {
        let position = positions.iter().find(|position| position.partition == partition);
        let offset = position.map(|position| position.next_offset);
        let n_customers = customers(&mut draft, engine, partition)?;
        let stand = Stand { partition, now: engine.now(partition), offset, n_customers };
        let forgotten = Forgotten::new(engine.erased(partition));
        let today = i32::try_from(stand.now.day_index()).unwrap_or(i32::MIN);
        for (id, day, kind, n) in daily.of(partition, today.saturating_sub(DAYS_KEPT - 1)) {
            if forgotten.may_tell(id, EventTime::of_day(i64::from(day))) {
                draft.day((id, partition), (day, kind), n)?;
            }
        }
        forgotten.sift(&mut draft, partition)?;
        stands.push(stand);
    }
    Ok(draft.publish(&stands, &Named::Instant)?.id)
}

/// Hands the customers of `partition` over, by id; how many there are.
fn customers(draft: &mut Draft, engine: &Engine, partition: u32) -> Result<u64, Fault> {
    let (model, now) = (&engine.rules().model, engine.now(partition));
    let mut customers: Vec<&Customer> = engine.customers(partition).collect();
    customers.sort_unstable_by_key(|customer| customer.id());
    let mut slots = 0..;
    for chunk in customers.chunks(CHUNK) {
        let rows = side_by_side(chunk, |customer| Row::lent(customer, model, now));
        for (row, slot) in rows.iter().zip(slots.by_ref()) {
            draft.customer(row, Spot { partition, place: Place { lane: 0, slot } })?;
        }
    }
    Ok(customers.len() as u64)
}
