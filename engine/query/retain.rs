//! Which snapshots of a running engine stay.
//!
//! Rules   the newest of every partition stays, and every complete one for as long as asked, and any
//!         for a minute, for a query may read it. What none of those leans on is removed: first what
//!         says that it is a snapshot, then its files. Several instances may do so at once.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::query::draft::MANIFEST;
use crate::query::raw::Manifest;
use crate::query::shelf::{Shelf, position_of};
use crate::run::settings::SnapshotRules;
use crate::wire::Fault;

/// For how long every snapshot stays.
const FRESH: Duration = Duration::from_secs(60);

/// Removes what is no longer to be kept by `rules`, now that there are `n_partitions`.
///
/// # Errors
///
/// A fault where something cannot be removed.
pub(crate) fn retain(rules: &SnapshotRules, n_partitions: u32) -> Result<(), Fault> {
    let root = &rules.folder;
    let cannot = |error: std::io::Error| {
        Fault::Output(format!("cannot remove old snapshots: {}: {error}", root.display()))
    };
    // There is one at least, the one just published; who cannot read it says so when asked.
    let Ok(shelf) = Shelf::read(root) else { return Ok(()) };
    let keep = Duration::from_millis(rules.keep.as_millis().unsigned_abs());
    let mut newest = BTreeMap::new();
    for manifest in shelf.manifests().filter(|manifest| manifest.partitions == n_partitions) {
        for place in &manifest.positions {
            let known = newest.entry(place.partition).or_insert((position_of(place), manifest));
            if known.0 <= position_of(place) {
                *known = (position_of(place), manifest);
            }
        }
    }
    let newest: HashSet<&str> = newest.values().map(|(_, manifest)| manifest.id.as_str()).collect();
    let stays = |manifest: &&Manifest| {
        let age = age(&root.join(&manifest.id).join(MANIFEST));
        let limit = if manifest.complete { keep.max(FRESH) } else { FRESH };
        newest.contains(manifest.id.as_str()) || age.is_none_or(|age| age < limit)
    };
    let kept: HashSet<&str> =
        shelf.manifests().filter(stays).map(|manifest| manifest.id.as_str()).collect();
    let leant_on: HashSet<&str> = shelf
        .manifests()
        .filter(|manifest| kept.contains(manifest.id.as_str()))
        .flat_map(|manifest| manifest.files.iter().map(|file| file.path.as_str()))
        .collect();
    for entry in fs::read_dir(root).map_err(cannot)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || kept.contains(name.as_str()) {
            continue;
        }
        thin(&entry.path(), &name, &leant_on).map_err(cannot)?;
    }
    Ok(())
}

/// Removes of the folder at `path` what is not leant on.
fn thin(path: &Path, name: &str, leant_on: &HashSet<&str>) -> std::io::Result<()> {
    let manifest = path.join(MANIFEST);
    // What came after the folder was read is not to be judged by it.
    if manifest.is_file() && age(&manifest).is_none_or(|age| age < FRESH) {
        return Ok(());
    }
    gone(fs::remove_file(manifest))?;
    let mut is_empty = true;
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        // A file beside the snapshots is not ours.
        Err(error) if matches!(error.kind(), ErrorKind::NotADirectory | ErrorKind::NotFound) => {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if leant_on.contains(format!("{name}/{file}").as_str()) || !file.ends_with(".parquet") {
            is_empty = false;
        } else {
            gone(fs::remove_file(entry.path()))?;
        }
    }
    if is_empty { gone(fs::remove_dir(path)) } else { Ok(()) }
}

/// What another instance removed before us is gone all the same.
fn gone(result: std::io::Result<()>) -> std::io::Result<()> {
    let is_gone = |kind| matches!(kind, ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty);
    result.or_else(|error| {
        if is_gone(error.kind()) || error.kind() == ErrorKind::NotADirectory {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// How long ago the file at `path` was written.
fn age(path: &Path) -> Option<Duration> {
    let written = fs::metadata(path).and_then(|found| found.modified()).ok()?;
    SystemTime::now().duration_since(written).ok()
}
