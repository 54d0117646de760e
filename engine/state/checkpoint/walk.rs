//! A look at a checkpoint without any rules: whole or not, and what stands in it.

use std::io::Read;

use crate::state::checkpoint::frame::{Kind, Reader};
use crate::state::checkpoint::header::Header;
use crate::state::checkpoint::refusal::Refusal;
use crate::state::checkpoint::restore::{check_end, customers, erased, remembered};
use crate::state::customer::Customer;
use crate::state::erased::Request;
use crate::unit::{EventTime, Key};

/// What a checkpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Whose state it is, and as of when.
    pub header: Header,
    /// How many ids are remembered against duplicates.
    pub n_remembered: u64,
    /// How many bytes it has.
    pub n_bytes: u64,
}

/// What comes by on a walk.
#[derive(Debug)]
pub enum Sight {
    /// A customer.
    Customer(Box<Customer>),
    /// An id that is remembered, and when it was applied.
    Remembered(Key, EventTime),
    /// The key of a customer who asked to be forgotten, and what is known of it.
    Erased(Key, Request),
}

/// Reads the head of `source` alone; what follows may be anything.
///
/// # Errors
///
/// A [`Refusal`] of the head.
pub fn head(source: &mut (dyn Read + Send)) -> Result<Header, Refusal> {
    Reader::open(source).map(|(header, _)| header)
}

/// Reads every byte of `source` and shows what stands in it to `each`, in the order of the file.
///
/// # Errors
///
/// A [`Refusal`]; what was shown before it may be anything.
pub fn walk(
    source: &mut (dyn Read + Send),
    each: &mut dyn FnMut(Sight),
) -> Result<Summary, Refusal> {
    let (header, mut reader) = Reader::open(source)?;
    let (mut n_customers, mut n_remembered) = (0, 0);
    loop {
        let section = reader.next()?;
        match section.kind {
            Kind::Customers => {
                customers(&section, &mut |customer| each(Sight::Customer(Box::new(customer))))?;
                n_customers += u64::from(section.n);
            }
            Kind::Remembered => {
                for (key, applied) in remembered(&section)?.entries() {
                    each(Sight::Remembered(*key, *applied));
                }
                n_remembered += u64::from(section.n);
            }
            Kind::Erased => {
                for (key, request) in erased(&section)? {
                    each(Sight::Erased(key, request));
                }
            }
            Kind::End => {
                check_end(&section, (n_customers, n_remembered), &header)?;
                reader.end()?;
                return Ok(Summary { header, n_remembered, n_bytes: reader.at() });
            }
        }
    }
}
