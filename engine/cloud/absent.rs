//! Floor 9: what stands where the room of object stores is not built in.

use std::convert::Infallible;
use std::io::Read;

use crate::run::Settings;
use crate::run::settings::{Fault, Properties, Retry};
use crate::wire::Fault as Missing;
use crate::wire::store::{Name, Store, Stored, Unpublished};

/// A part of an object store; there is none in this program.
#[derive(Debug)]
pub struct Bucket(Infallible);

impl Bucket {
    /// Says that the program cannot reach `url`.
    ///
    /// # Errors
    ///
    /// [`Missing::Input`], always.
    pub fn open(url: &str, _: &Properties, _: Retry) -> Result<Bucket, Missing> {
        Err(Missing::Input(format!(
            "cannot use the store of checkpoints: {url}: object stores are not built in\n\
             try: a build that has them: cargo build --release"
        )))
    }
}

/// A place of checkpoints that needs what is not built in.
pub fn property_faults(settings: &Settings) -> Vec<Fault> {
    let folder = &settings.checkpoint.folder;
    if !folder.contains("://") || folder.starts_with("file://") {
        return Vec::new();
    }
    let key = "checkpoint.folder".to_owned();
    let wanted = "a path or file:///a/path; object stores need: cargo build --release".to_owned();
    vec![Fault { place: settings.place(&key), key, found: format!("{folder:?}"), wanted }]
}

impl Store for Bucket {
    fn list(&self) -> Result<Vec<Stored>, Missing> {
        match self.0 {}
    }

    fn list_of(&self, _: &str, _: u32) -> Result<Vec<Stored>, Missing> {
        match self.0 {}
    }

    fn read(&self, _: &Name) -> Result<Box<dyn Read + Send>, Missing> {
        match self.0 {}
    }

    fn create(&self, _: &Name) -> Result<Box<dyn Unpublished>, Missing> {
        match self.0 {}
    }

    fn delete(&self, _: &Name) -> Result<(), Missing> {
        match self.0 {}
    }

    fn place(&self) -> String {
        match self.0 {}
    }
}
