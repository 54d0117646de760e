//! A checkpoint on its way into an object store.
//!
//! Rules   what fits into one part is put in one step; more goes part by part, and the store joins
//!         them in one step at the end. What a crash leaves of parts nobody ever reads; the
//!         store's own rules for unfinished uploads remove it.
//! Cost    one part of memory, and one more on its way.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{Error, MultipartUpload, ObjectStoreExt, PutPayload};

use super::bucket::Link;
use super::words::words;
use crate::wire::Fault;
use crate::wire::store::Unpublished;

/// How long a part is: 10 000 of them, as many as S3 takes, are 80 GB, and the least that it takes
/// is 5 MiB. All but the last have the same length, as R2 and Google want it.
///
/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const PART_BYTES: usize = 8 << 20;

/// A checkpoint that is not published.
#[derive(Debug)]
pub(super) struct Upload {
    link: Arc<Link>,
    path: Path,
    place: String,
    /// What is not sent yet, less than a part.
    rest: Vec<u8>,
    /// Where parts go, once there are any.
    parts: Option<Box<dyn MultipartUpload>>,
}

impl Upload {
    /// Begins the checkpoint at `path`, which people know as `place`.
    pub(super) fn begin(link: &Arc<Link>, path: Path, place: String) -> Upload {
        Upload { link: Arc::clone(link), path, place, rest: Vec::new(), parts: None }
    }

    fn send(&mut self, part: Vec<u8>) -> Result<(), Error> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let begun = self.link.wait(self.link.store.put_multipart(&self.path))?;
                self.parts.insert(begun)
            }
        };
        self.link.wait(parts.put_part(PutPayload::from(part)))
    }

    fn finish(&mut self) -> Result<(), Error> {
        let rest = std::mem::take(&mut self.rest);
        if self.parts.is_none() {
            let put = self.link.store.put(&self.path, PutPayload::from(rest));
            return self.link.wait(put).map(drop);
        }
        if !rest.is_empty() {
            self.send(rest)?;
        }
        if let Some(parts) = &mut self.parts {
            self.link.wait(parts.complete())?;
        }
        self.parts = None;
        Ok(())
    }
}

impl Unpublished for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.rest.extend_from_slice(bytes);
        while PART_BYTES <= self.rest.len() {
            let rest = self.rest.split_off(PART_BYTES);
            let part = std::mem::replace(&mut self.rest, rest);
            self.send(part).map_err(|error| cannot_write(&self.place, &error))?;
        }
        Ok(())
    }

    fn publish(mut self: Box<Self>) -> Result<(), Fault> {
        self.finish().map_err(|error| cannot_write(&self.place, &error))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            // If that fails, the store's own rules remove them.
            let _stay = self.link.wait(parts.abort());
        }
    }
}

/// The fault where nothing can be written at `place`.
pub(super) fn cannot_write(place: &str, error: &Error) -> Fault {
    let why = words(error);
    Fault::Output(format!("cannot write checkpoint: {place}: {why}; safe: older ones are whole"))
}
