//! The customers file: one row a customer, sorted by id.

use std::path::Path;

use crate::cli::Failure;
use crate::cli::part::PartFile;
use crate::state::{Engine, Row};

/// Writes one row for every customer, by id.
///
/// # Errors
///
/// Exit 1 where `path` cannot be written.
pub fn write(path: &Path, engine: &Engine) -> Result<(), Failure> {
    let model = &engine.rules().model;
    let mut customers: Vec<_> = (0..engine.n_partitions())
        .flat_map(|number| engine.customers(number).map(move |customer| (number, customer)))
        .collect();
    customers.sort_unstable_by_key(|(_, customer)| customer.id());
    let mut file = PartFile::create(path)?;
    let mut lines = csv::Writer::from_writer(Vec::new());
    let mut put = |file: &mut PartFile, cells: Vec<String>| -> Result<(), Failure> {
        let broken = |error: &dyn std::fmt::Display| {
            Failure::failed(format!("cannot write: {}: {error}", path.display()))
        };
        lines.write_record(cells).map_err(|error| broken(&error))?;
        lines.flush().map_err(|error| broken(&error))?;
        let full = std::mem::replace(&mut lines, csv::Writer::from_writer(Vec::new()));
        let bytes = full.into_inner().map_err(|error| broken(&error))?;
        file.write_all(&bytes).map_err(|error| file.fault(&error))
    };
    put(&mut file, Row::columns(model))?;
    for (number, customer) in customers {
        put(&mut file, Row::of(customer, model, engine.now(number)).cells())?;
    }
    file.finish()
}

