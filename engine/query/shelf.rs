//! The folder of snapshots as its readers see it.
//!
//! Rules   as of an instant, every partition shows its newest snapshot whose time is not after
//!         it; without an instant, its newest. Only snapshots that spread customers over as many
//!         partitions as the newest of them are looked at, for others divide customers in
//!         another way.
//! Source  decision D-11.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::query::draft::MANIFEST;
use crate::query::raw::{Described, FORMAT, FORMAT_FIRST, FileOf, Manifest, Place};
use crate::query::refused::Refused;
use crate::query::spot::Spot;
use crate::unit::EventTime;

/// All snapshots of a folder, from the oldest to the newest.
#[derive(Clone, Debug)]
pub struct Shelf {
    root: PathBuf,
    manifests: Vec<(EventTime, Manifest)>,
}

/// By what the snapshots of one partition are told apart: time, then offset.
type Ordered = (EventTime, Option<i64>);

/// What is seen as of one instant.
#[derive(Clone, Debug)]
pub struct Lens {
    /// The model that judged the newest of it.
    pub model: Described,
    /// Where every partition stands.
    pub nows: BTreeMap<u32, EventTime>,
    /// The places of customers who were erased.
    pub erased: Vec<i64>,
    files: Vec<(FileOf, PathBuf)>,
}

impl Shelf {
    /// Reads what there is below `root`.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is no snapshot, or one that this program cannot read.
    pub fn read(root: &Path) -> Result<Shelf, Refused> {
        let none = |found: String| {
            Refused(format!(
                "cannot read snapshots: {}: {found}; wanted a folder that ebb replay \
                 --snapshots wrote",
                root.display()
            ))
        };
        let entries = fs::read_dir(root).map_err(|error| none(error.to_string()))?;
        let mut manifests = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path().join(MANIFEST);
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            if !is_hidden && path.is_file() {
                manifests.push(read_manifest(&path)?);
            }
        }
        if manifests.is_empty() {
            return Err(none("no snapshot in it".to_owned()));
        }
        manifests.sort_by(|(at, one), (other_at, other)| (at, &one.id).cmp(&(other_at, &other.id)));
        Ok(Shelf { root: root.to_owned(), manifests })
    }

    /// The manifests, from the oldest to the newest.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> + Clone {
        self.manifests.iter().map(|(_, manifest)| manifest)
    }

    /// The snapshot in which `partition` of `n_partitions` stands furthest, and where it stands.
    pub fn newest_of(&self, partition: u32, n_partitions: u32) -> Option<(&Manifest, &Place)> {
        let places = self
            .manifests()
            .filter(|manifest| manifest.partitions == n_partitions)
            .flat_map(|manifest| manifest.positions.iter().map(move |place| (manifest, place)));
        let ours = places.filter(|(_, place)| place.partition == partition);
        ours.max_by_key(|(_, place)| position_of(place))
    }

    /// What is seen as of `when`, a time or the id of a snapshot; the newest of everything where
    /// it is not said.
    ///
    /// # Errors
    ///
    /// [`Refused`] where `when` is neither, or lies before everything there is.
    pub fn lens(&self, when: Option<&str>) -> Result<Lens, Refused> {
        match when {
            None => self.as_of(EventTime::NEVER).ok_or_else(|| self.nothing_before("ever")),
            Some(when) => match EventTime::parse(when) {
                Ok(time) => self.as_of(time).ok_or_else(|| self.nothing_before(when)),
                Err(_) => self.exactly(when),
            },
        }
    }

    fn nothing_before(&self, when: &str) -> Refused {
        let first = self.manifests.first().map_or("", |(_, manifest)| &manifest.at);
        Refused(format!("no snapshot is as of {when} or before; the first is as of {first}"))
    }

    fn exactly(&self, id: &str) -> Result<Lens, Refused> {
        match self.manifests().find(|manifest| manifest.id == id) {
            Some(manifest) => Ok(self.through(manifest, |_| Some(manifest))),
            None => {
                let known = self.manifests().map(|manifest| manifest.id.as_str());
                let refused = Refused::unknown("snapshot", id, known);
                Err(Refused(format!("{refused}; or a time such as 2026-11-21T10:00:00Z")))
            }
        }
    }

    /// What is seen as of `time`, if there is anything.
    fn as_of(&self, time: EventTime) -> Option<Lens> {
        let mut newest: BTreeMap<u32, (Ordered, &Manifest)> = BTreeMap::new();
        let mut last: Option<(EventTime, &Manifest)> = None;
        for (_, manifest) in &self.manifests {
            for place in &manifest.positions {
                let Some(now) = time_of(place).filter(|now| *now <= time) else { continue };
                if last.is_none_or(|(known, _)| known <= now) {
                    last = Some((now, manifest));
                }
            }
        }
        let (_, last) = last?;
        for (_, manifest) in &self.manifests {
            let places =
                manifest.positions.iter().filter(|_| manifest.partitions == last.partitions);
            for place in places {
                let Some(now) = time_of(place).filter(|now| *now <= time) else { continue };
                let order = (now, place.offset);
                if newest.get(&place.partition).is_none_or(|(known, _)| *known <= order) {
                    newest.insert(place.partition, (order, manifest));
                }
            }
        }
        Some(self.through(last, |partition| newest.get(&partition).map(|(_, found)| *found)))
    }

    /// The files of every partition in the snapshot that `chosen` names for it.
    fn through<'m>(
        &'m self,
        last: &'m Manifest,
        chosen: impl Fn(u32) -> Option<&'m Manifest>,
    ) -> Lens {
        let (mut nows, mut erased, mut files) = (BTreeMap::new(), Vec::new(), Vec::new());
        for partition in 0..last.partitions {
            let Some(manifest) = chosen(partition) else { continue };
            let place = manifest.positions.iter().find(|place| place.partition == partition);
            nows.extend(place.and_then(time_of).map(|now| (partition, now)));
            let is_here = |place: &&i64| Spot::of(**place).partition == partition;
            erased.extend(manifest.erased.iter().filter(is_here));
            let of_partition = manifest.files.iter().filter(|file| file.partition == partition);
            files.extend(of_partition.map(|file| (file.clone(), self.root.join(&file.path))));
        }
        Lens { model: last.model.clone(), nows, erased, files }
    }
}

impl Lens {
    /// The files of `table`.
    pub fn files(&self, table: &str) -> impl Iterator<Item = (&FileOf, &Path)> {
        let files = self.files.iter().filter(move |(file, _)| file.table == table);
        files.map(|(file, path)| (file, path.as_path()))
    }
}

/// The pair of D-2 by which snapshots of one partition follow each other.
pub fn position_of(place: &Place) -> (Option<i64>, Option<EventTime>) {
    (place.offset, time_of(place))
}

fn time_of(place: &Place) -> Option<EventTime> {
    place.now.as_deref().and_then(|now| EventTime::parse(now).ok())
}

fn read_manifest(path: &Path) -> Result<(EventTime, Manifest), Refused> {
    let broken = |found: String| {
        Refused(format!(
            "cannot read a snapshot: {}: {found}; wanted a manifest of form {FORMAT_FIRST} to {FORMAT}; remove its \
             folder, or read it with the program that wrote it",
            path.display()
        ))
    };
    let text = fs::read(path).map_err(|error| broken(error.to_string()))?;
    let form: serde_json::Value =
        serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    match form.get("format").and_then(serde_json::Value::as_u64) {
        Some(form) if (u64::from(FORMAT_FIRST)..=u64::from(FORMAT)).contains(&form) => {}
        Some(form) => return Err(broken(format!("form {form}"))),
        None => return Err(broken("no form".to_owned())),
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    let leaves = |file: &&FileOf| {
        Path::new(&file.path).components().any(|part| !matches!(part, Component::Normal(_)))
    };
    if let Some(file) = manifest.files.iter().find(leaves) {
        return Err(broken(format!("a file outside the folder, {}", file.path)));
    }
    let at = EventTime::parse(&manifest.at).map_err(|fault| broken(fault.to_string()))?;
    Ok((at, manifest))
}
