//! The customers file: one row a customer, sorted by id.

use std::path::Path;

use crate::cli::Failure;
use crate::state::{Engine, Row};
use crate::wire::OutFile;

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
    let mut file = OutFile::create(path)?;
    file.line(&line(path, Row::columns(model))?)?;
    for (number, customer) in customers {
        let cells = Row::of(customer, model, engine.now(number)).cells();
        file.line(&line(path, cells)?)?;
    }
    Ok(file.finish()?)
}

/// `cells` as a line of CSV without its end.
fn line(path: &Path, cells: Vec<String>) -> Result<Vec<u8>, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(cells).map_err(|error| error.to_string());
    let bytes = written.and_then(|()| writer.into_inner().map_err(|error| error.to_string()));
    let mut bytes = bytes
        .map_err(|error| Failure::failed(format!("cannot write: {}: {error}", path.display())))?;
    bytes.pop();
    Ok(bytes)
}
