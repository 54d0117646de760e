//! An object store as a place for checkpoints.

use std::future::Future;
use std::io::Read;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, ListResult, ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

use super::address::Address;
use super::download::Download;
use super::upload::Upload;
use super::words::words;
use crate::run::settings::{Properties, Retry};
use crate::unit::EventTime;
use crate::wire::Fault;
use crate::wire::store::{Name, Store, Stored, Unpublished, list_folders, newest_first};

/// A part of an object store: what stands below one prefix of one bucket.
#[derive(Debug)]
pub struct Bucket {
    link: Arc<Link>,
    url: String,
    prefix: String,
}

/// The way to a store, and the thread that walks it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) runtime: Runtime,
}

impl Link {
    /// Waits for `asked`. The stores' own time limits and tries bound it.
    pub(super) fn wait<T>(
        &self,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.runtime.block_on(asked)
    }
}

impl Bucket {
    /// The checkpoints at `url`; the store itself is asked only once something is wanted of it.
    ///
    /// Credentials and endpoint come from the environment and, above it, from `properties`.
    ///
    /// # Errors
    ///
    /// [`Fault::Input`] where `url` names no store, or too little or too much is set for it.
    pub fn open(url: &str, properties: &Properties, retry: Retry) -> Result<Bucket, Fault> {
        let cannot =
            |why: &str| Fault::Input(format!("cannot use the store of checkpoints: {url}: {why}"));
        let address = Address::parse(url).ok_or_else(|| {
            cannot("wanted s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")
        })?;
        let store = address.connect(properties, retry);
        let store = store.map_err(|error| cannot(&words(&error)))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ebb-cloud")
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| cannot(&format!("no thread for it: {error}")))?;
        let link = Arc::new(Link { store, runtime });
        let url = url.trim_end_matches('/').to_owned();
        Ok(Bucket { link, url, prefix: address.prefix })
    }

    /// The path of `name` below the prefix.
    fn path(&self, name: &str) -> Result<Path, Error> {
        let slash = if self.prefix.is_empty() || name.is_empty() { "" } else { "/" };
        Ok(Path::parse(format!("{}{slash}{name}", self.prefix))?)
    }

    fn path_of(&self, name: &Name) -> Result<Path, Error> {
        self.path(&name.to_string())
    }

    /// What stands in the folder `name`, and the folders in it.
    fn look(&self, name: &str) -> Result<ListResult, Fault> {
        let listed = self.path(name).and_then(|path| {
            let path = Some(path).filter(|path| !path.as_ref().is_empty());
            self.link.wait(self.link.store.list_with_delimiter(path.as_ref()))
        });
        listed.map_err(|error| {
            Fault::Input(format!(
                "cannot list checkpoints: {}: {}; safe: nothing there was changed",
                self.url,
                words(&error)
            ))
        })
    }

    /// The names of the folders in the folder `name`.
    fn folders(&self, name: &str) -> Result<Vec<String>, Fault> {
        let found = self.look(name)?.common_prefixes;
        Ok(found.iter().filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    /// Appends the checkpoints in the folder of one partition.
    fn list_into(&self, folder: &str, stored: &mut Vec<Stored>) -> Result<(), Fault> {
        for found in self.look(folder)?.objects {
            let file = found.location.filename().unwrap_or_default();
            if let Some(name) = Name::parse(&format!("{folder}/{file}")) {
                let saved_at = EventTime::from_millis(found.last_modified.timestamp_millis());
                stored.push(Stored { name, n_bytes: found.size, saved_at: Some(saved_at) });
            }
        }
        Ok(())
    }

    fn place_of(&self, name: &Name) -> String {
        format!("{}/{name}", self.url)
    }
}

impl Store for Bucket {
    fn list(&self) -> Result<Vec<Stored>, Fault> {
        list_folders(|name| self.folders(name), |folder, stored| self.list_into(folder, stored))
    }

    fn list_of(&self, topic: &str, partition: u32) -> Result<Vec<Stored>, Fault> {
        let mut stored = Vec::new();
        self.list_into(&Name::folder(topic, partition), &mut stored)?;
        newest_first(&mut stored);
        Ok(stored)
    }

    fn read(&self, name: &Name) -> Result<Box<dyn Read + Send>, Fault> {
        let opened = self.path_of(name).and_then(|path| Download::open(&self.link, path));
        match opened {
            Ok(download) => Ok(Box::new(download)),
            Err(error) => {
                let (place, why) = (self.place_of(name), words(&error));
                Err(Fault::Input(format!("cannot read checkpoint: {place}: {why}")))
            }
        }
    }

    fn create(&self, name: &Name) -> Result<Box<dyn Unpublished>, Fault> {
        let place = self.place_of(name);
        match self.path_of(name) {
            Ok(path) => Ok(Box::new(Upload::begin(&self.link, path, place))),
            Err(error) => Err(super::upload::cannot_write(&place, &error)),
        }
    }

    fn delete(&self, name: &Name) -> Result<(), Fault> {
        let path = self.path_of(name);
        match path.and_then(|path| self.link.wait(self.link.store.delete(&path))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Fault::Output(format!(
                "cannot delete checkpoint: {}: {}; safe: it is older than those that are kept",
                self.place_of(name),
                words(&error)
            ))),
        }
    }

    fn place(&self) -> String {
        self.url.clone()
    }
}
