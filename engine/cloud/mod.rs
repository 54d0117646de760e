//! Floor 9: the room of object stores, as places for checkpoints: S3, Google Cloud Storage, Azure.
//!
//! Shape   `address` reads a URL and what is set for it; `bucket` is the place; `upload` is a
//!         checkpoint on its way there, `download` one on its way back; `words` says what went
//!         wrong.
//! Rules   what is put there is whole or not there: a large checkpoint goes in parts, which the
//!         store joins in one step. Credentials and endpoints are the standard ones of each store,
//!         `AWS_…`, `GOOGLE_…` and `AZURE_…` in the environment; `checkpoint.properties` stands
//!         above them.
//! Errors  a store that is away is asked again, bounded in number and time, then it is a
//!         [`Fault`](crate::wire::Fault) of input or output.
//! Source  object_store 0.13.2; DESIGN §8, D-9.

mod address;
mod bucket;
mod download;
mod upload;
mod words;

pub use address::property_faults;
pub use bucket::Bucket;
