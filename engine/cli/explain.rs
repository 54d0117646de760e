//! `ebb explain`: why one customer's scores are what they are, and what comes next.

use clap::Args as ClapArgs;

use crate::cli::Failure;
use crate::cli::inputs::{Inputs, Scores};
use crate::cli::story::Story;
use crate::cli::table::Format;
use crate::state::Row;
use crate::state::row::without;
use crate::wire::memory::Nowhere;

/// `ebb explain`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// The customer's id
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    #[command(flatten)]
    inputs: Inputs,
    /// How to show it
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Runs `ebb explain`.
///
/// # Errors
///
/// Exit 1 where the inputs break or hold no event of the customer, 3 for faulty rules.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (played, _) = args.inputs.play(Scores::Unwanted, None, |_, _| Ok(Nowhere))?;
    eprint!("{}", played.doubt());
    let engine = played.pump.engine();
    let Some((partition, customer)) = engine.find(&args.customer) else {
        return Err(Failure::failed(format!(
            "cannot explain: {}: none of the {} events applied is of this customer; wanted an id \
             as it stands in customer_id",
            args.customer,
            played.pump.counts().applied
        )));
    };
    let model = &engine.rules().model;
    let row = Row::of(customer, model, engine.now(partition));
    let without = without(customer, model, engine.now(partition));
    let story =
        Story { row: &row, without: &without, model, standing: customer.history.standing() };
    match args.format {
        Format::Table => print!("{}", story.text()),
        Format::Json => println!("{:#}", story.json()),
    }
    Ok(())
}
