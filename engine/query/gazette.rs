//! Publishes what a running engine tells.
//!
//! Shape   a snapshot holds everyone, or those who changed and a word of where the others stand. Of
//!         what happened (alerts, scores, events by day) it holds what is new. The rest it leans on:
//!         files of snapshots before it, which stay as long as one leans on them.
//! Rules   what was told of a partition is written once its edition is: it is committed then. After
//!         a restart what went out before is told again; what the newest snapshot holds of it,
//!         going by the pair of D-2, is dropped. Of a customer who asked to be forgotten no table
//!         holds a row from the next complete snapshot on; until then nobody is shown the row of
//!         `customers`. Of events by day all up to the day on which it was carried out goes.
//! Source  DESIGN §9; D-2, D-11; A-44.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::model::Model;
use crate::query::chain::{known_at, n_taken, take_customers, take_happened};
use crate::query::daily::DAYS_KEPT;
use crate::query::draft::{Draft, Named, Stand};
use crate::query::forgotten::Forgotten;
use crate::query::raw::{FileOf, Manifest};
use crate::query::retain::retain;
use crate::query::shelf::Shelf;
use crate::query::spot::Spot;
use crate::record::Kind;
use crate::run::settings::SnapshotRules;
use crate::run::{Count, News, Publisher, Reach, Standing};
use crate::state::edition::Slots;
use crate::state::{Copied, Row, Whom};
use crate::unit::{EventTime, Key, Span};
use crate::wire::{Fault, Outgoing};

/// The tables of what happened.
const HAPPENED: [&str; 3] = ["alerts", "scores_history", "events_daily"];

/// Publishes snapshots into a folder.
pub struct Gazette {
    rules: SnapshotRules,
    model: Model,
    partitions: BTreeMap<u32, Part>,
    sitting: Option<Sitting>,
}

/// What is known of one partition.
#[derive(Default)]
struct Part {
    /// The files that the last snapshot had of it, by table.
    files: HashMap<&'static str, Vec<FileOf>>,
    /// The places of those who were erased since all were written.
    erased: Vec<i64>,
    edition: i64,
    /// Who there is, by lane.
    living: BTreeMap<u32, Slots>,
    n_customers: u64,
    /// Whose rows of what happened are gone, and up to when.
    cleaned: HashMap<Key, EventTime>,
    since: Since,
    /// What the newest snapshot of an earlier run holds.
    before: Option<Before>,
}

/// What happened.
#[derive(Default)]
struct Since {
    outputs: Vec<Outgoing>,
    counts: Vec<Count>,
}

/// How far a snapshot is, and the ids of what happened at its very instant.
struct Before {
    next_offset: i64,
    now: EventTime,
    known: HashSet<String>,
}

/// An edition on its way.
struct Sitting {
    draft: Draft,
    parts: BTreeMap<u32, Page>,
}

/// One partition of it.
struct Page {
    standing: Standing,
    happened: Since,
    places: HashSet<i64>,
    erased: Vec<i64>,
}

impl Gazette {
    /// A gazette that publishes as `rules` say what is judged by `model`.
    pub fn new(rules: &SnapshotRules, model: &Model) -> Gazette {
        let (rules, model) = (rules.clone(), model.clone());
        Gazette { rules, model, partitions: BTreeMap::new(), sitting: None }
    }

    /// Goes on with `partition` where the newest snapshot left it.
    fn begin(&mut self, partition: u32, n_partitions: u32) -> Result<(), Fault> {
        self.give_up(partition);
        let part = self.partitions.entry(partition).or_default();
        // A folder that holds none yet, or is not there.
        let Ok(shelf) = Shelf::read(&self.rules.folder) else { return Ok(()) };
        let Some((manifest, place)) = shelf.newest_of(partition, n_partitions) else {
            return Ok(());
        };
        let (Some(next_offset), Some(now)) = (place.offset, place.now.as_deref()) else {
            return Ok(());
        };
        let now = EventTime::parse(now).unwrap_or(EventTime::ALWAYS);
        let is_same =
            manifest.model.id == self.model.id && manifest.model.version == self.model.version;
        let mut known = HashSet::new();
        for table in HAPPENED {
            // Their columns follow the model.
            if table == "scores_history" && !is_same {
                continue;
            }
            let is_it = |file: &&FileOf| (&*file.table, file.partition) == (table, partition);
            let files: Vec<FileOf> = manifest.files.iter().filter(is_it).cloned().collect();
            let reach = |file: &&FileOf| now.millis() <= file.until && table != "events_daily";
            for file in files.iter().filter(reach) {
                known.extend(known_at(&self.rules.folder.join(&file.path), now)?);
            }
            part.files.insert(table, files);
        }
        part.before = Some(Before { next_offset, now, known });
        Ok(())
    }

    fn give_up(&mut self, partition: u32) {
        self.partitions.remove(&partition);
        if let Some(sitting) = &mut self.sitting {
            sitting.parts.remove(&partition);
        }
    }

    /// Begins an edition.
    fn edition(&mut self, standings: Vec<Standing>) -> Result<(), Fault> {
        let n_partitions = standings.first().map_or(1, |standing| standing.n_partitions);
        let n_partitions = NonZeroU32::new(n_partitions).unwrap_or(NonZeroU32::MIN);
        let mut draft = Draft::begin(&self.rules.folder, &self.model, n_partitions)?;
        let mut parts = BTreeMap::new();
        for standing in standings {
            let number = standing.position.partition;
            let Some(part) = self.partitions.get_mut(&number) else { continue };
            draft.in_edition(number, part.edition + 1);
            let happened = std::mem::take(&mut part.since);
            let (places, erased) = (HashSet::new(), Vec::new());
            if standing.whom == Whom::All {
                (part.living, part.n_customers) = (BTreeMap::new(), 0);
            }
            parts.insert(number, Page { standing, happened, places, erased });
        }
        self.sitting = Some(Sitting { draft, parts });
        Ok(())
    }

    /// Writes customers of `partition`.
    fn customers(&mut self, partition: u32, copied: Vec<Copied>) -> Result<(), Fault> {
        let Some(sitting) = &mut self.sitting else { return Ok(()) };
        let (Some(page), Some(part)) =
            (sitting.parts.get_mut(&partition), self.partitions.get_mut(&partition))
        else {
            return Ok(());
        };
        let now = page.standing.position.now;
        for Copied { place, customer } in copied {
            let spot = Spot { partition, place };
            let living = part.living.entry(place.lane).or_default();
            match customer {
                Some(customer) => {
                    part.n_customers += u64::from(living.insert(place.slot));
                    page.places.insert(spot.number());
                    sitting.draft.customer(&Row::lent(&customer, &self.model, now), spot)?;
                }
                None => {
                    part.n_customers -= u64::from(living.remove(place.slot));
                    page.erased.push(spot.number());
                }
            }
        }
        Ok(())
    }

    /// Publishes the edition; the snapshot's id.
    fn publish(&mut self) -> Result<Option<String>, Fault> {
        let Some(mut sitting) = self.sitting.take() else { return Ok(None) };
        let written = self.write(&mut sitting);
        let published = written.and_then(|named| {
            let n_customers = |number| self.partitions.get(number).map_or(0, |p| p.n_customers);
            let parts = sitting.parts.iter();
            let stands: Vec<Stand> =
                parts.map(|(number, page)| page.stand(n_customers(number))).collect();
            sitting.draft.publish(&stands, &named)
        });
        match published {
            Ok(manifest) => {
                self.note(&sitting.parts, &manifest);
                retain(&self.rules, manifest.partitions)?;
                Ok(Some(manifest.id))
            }
            Err(fault) => {
                // What happened is told in the next one.
                for (number, page) in sitting.parts {
                    if let Some(part) = self.partitions.get_mut(&number) {
                        part.since.put_before(page.happened);
                    }
                }
                Err(fault)
            }
        }
    }

    /// Writes all but the customers that changed, which are written already.
    fn write(&self, sitting: &mut Sitting) -> Result<Named, Fault> {
        let (mut complete, mut erased) = (true, Vec::new());
        for (number, page) in &mut sitting.parts {
            let Some(part) = self.partitions.get(number) else { continue };
            if page.standing.whom == Whom::Changed {
                complete = false;
                page.erased.extend(&part.erased);
                self.older_customers(&mut sitting.draft, part, page)?;
            } else {
                page.erased.clear();
            }
            erased.extend(&page.erased);
            self.what_happened(&mut sitting.draft, part, page)?;
        }
        Ok(Named::Anew { complete, erased })
    }

    /// Keeps the files of customers of `part`, or takes them in.
    fn older_customers(
        &self,
        draft: &mut Draft,
        part: &Part,
        page: &mut Page,
    ) -> Result<(), Fault> {
        let partition = page.standing.position.partition;
        let files = part.files.get("customers").map(Vec::as_slice).unwrap_or_default();
        let n_taken = if page.places.is_empty() {
            0
        } else {
            n_taken(files, 1, draft.table("customers", partition)?.rows())
        };
        let (kept, taken) = files.split_at(files.len() - n_taken);
        kept.iter().for_each(|file| draft.keep(file.clone()));
        let mut places = std::mem::take(&mut page.places);
        places.extend(&page.erased);
        for file in taken.iter().rev() {
            let path = self.rules.folder.join(&file.path);
            take_customers(draft, (partition, &path), part.edition + 1, &mut places)?;
        }
        Ok(())
    }

    /// Writes what happened, and keeps or takes in the files of what happened before.
    fn what_happened(&self, draft: &mut Draft, part: &Part, page: &Page) -> Result<(), Fault> {
        let (partition, now) = (page.standing.position.partition, page.standing.position.now);
        let erased = &page.standing.erased;
        let cleans = page.standing.whom == Whom::All
            && erased.iter().any(|(key, at)| part.cleaned.get(key) != Some(at));
        let forgotten = Forgotten::new(erased.iter().copied());
        let is_told = |id: &str, at: EventTime| forgotten.may_tell(id, at);
        for output in &page.happened.outputs {
            draft.output(partition, output, is_told)?;
        }
        let today = i32::try_from(now.day_index()).unwrap_or(i32::MIN);
        for ((id, day, kind), n) in page.happened.days(today) {
            if is_told(id, EventTime::of_day(i64::from(day))) {
                draft.day((id, partition), (day, kind), n)?;
            }
        }
        for table in HAPPENED {
            let files = part.files.get(table).map(Vec::as_slice).unwrap_or_default();
            let kept_for = if table == "events_daily" {
                Span::days(i64::from(DAYS_KEPT))
            } else {
                self.rules.history
            };
            let first = now.minus(kept_for);
            let n_new = draft.n_rows(table, partition);
            let n_taken = match (cleans, n_new) {
                (true, _) => files.len(),
                (false, 0) => 0,
                (false, n_new) => n_taken(files, 0, n_new),
            };
            let (kept, taken) = files.split_at(files.len() - n_taken);
            let is_recent = |file: &&FileOf| first.millis() < file.until;
            kept.iter().filter(is_recent).for_each(|file| draft.keep(file.clone()));
            for file in taken.iter().filter(is_recent) {
                let path = self.rules.folder.join(&file.path);
                let is_kept = |id: &str, at: EventTime| first < at && is_told(id, at);
                take_happened(draft, (table, file, &path), is_kept)?;
            }
        }
        Ok(())
    }

    /// Remembers what was published.
    fn note(&mut self, pages: &BTreeMap<u32, Page>, manifest: &Manifest) {
        for (number, page) in pages {
            let Some(part) = self.partitions.get_mut(number) else { continue };
            part.edition += 1;
            part.erased.clone_from(&page.erased);
            for table in HAPPENED.into_iter().chain(["customers"]) {
                let is_it = |file: &&FileOf| (&*file.table, file.partition) == (table, *number);
                let files = manifest.files.iter().filter(is_it).cloned().collect();
                part.files.insert(table, files);
            }
            if page.standing.whom == Whom::All {
                part.cleaned = page.standing.erased.iter().copied().collect();
            }
        }
    }
}

impl Page {
    fn stand(&self, n_customers: u64) -> Stand {
        let position = self.standing.position;
        let offset = Some(position.next_offset);
        Stand { partition: position.partition, now: position.now, offset, n_customers }
    }
}

impl Since {
    /// The events by customer, day and type, of the days that are kept on day `today`.
    fn days(&self, today: i32) -> BTreeMap<(&str, i32, Kind), i64> {
        let mut days = BTreeMap::new();
        for count in self.counts.iter().filter(|count| today - DAYS_KEPT < count.day) {
            *days.entry((&*count.customer_id, count.day, count.kind)).or_insert(0) += 1;
        }
        days
    }

    /// Puts what happened `earlier` before it.
    fn put_before(&mut self, mut earlier: Since) {
        earlier.outputs.append(&mut self.outputs);
        earlier.counts.append(&mut self.counts);
        *self = earlier;
    }
}

impl Before {
    /// Whether the snapshot holds what went out.
    fn holds(&self, output: &Outgoing) -> bool {
        let (key, value) = match output {
            Outgoing::Alert { value, .. } => ("id", Some(value)),
            Outgoing::Scores { value, .. } => ("customer_id", value.as_ref()),
            Outgoing::Receipt { .. } | Outgoing::Journal { .. } | Outgoing::Reject { .. } => {
                return false;
            }
        };
        let Some(value) = value else { return false };
        let line = serde_json::from_slice::<serde_json::Value>(value).unwrap_or_default();
        let text = |name: &str| line.get(name).and_then(serde_json::Value::as_str).unwrap_or("");
        let at = EventTime::parse(text("at")).unwrap_or(EventTime::NEVER);
        at < self.now || (at == self.now && self.known.contains(text(key)))
    }
}

impl Publisher for Gazette {
    fn reach(&self) -> Option<Reach> {
        let folder = self.rules.folder.clone();
        Some(Arc::new(move |partition, n_partitions| {
            let shelf = Shelf::read(&folder).ok()?;
            let (_, place) = shelf.newest_of(partition, n_partitions)?;
            Some((place.offset?, EventTime::parse(place.now.as_deref()?).ok()?))
        }))
    }

    fn hear(&mut self, news: News) -> Result<Option<String>, Fault> {
        match news {
            News::Begun(partition, n_partitions) => self.begin(partition, n_partitions)?,
            News::GivenUp(partition) => self.give_up(partition),
            News::Counted(counts) => {
                for count in counts {
                    let Some(part) = self.partitions.get_mut(&count.partition) else { continue };
                    let before = part.before.as_ref();
                    if before.is_none_or(|before| Some(before.next_offset) <= count.offset) {
                        part.since.counts.push(count);
                    }
                }
            }
            News::WentOut(partition, output) => {
                if let Some(part) = self.partitions.get_mut(&partition)
                    && !part.before.as_ref().is_some_and(|before| before.holds(&output))
                {
                    part.since.outputs.push(output);
                }
            }
            News::Edition(standings) => self.edition(standings)?,
            News::Customers(partition, copied) => self.customers(partition, copied)?,
            News::Publish => return self.publish(),
        }
        Ok(None)
    }
}
