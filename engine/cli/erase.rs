//! `ebb erase`: one customer is forgotten, by one command.
//!
//! Source  DESIGN §10, D-11; PV-3 and reading A-44 of the specification.

use clap::Args as ClapArgs;
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::setup::Sources;
use crate::cli::table::{Format, Table};
use crate::kafka;
use crate::run::counts::thousands;
use crate::unit::Span;
use crate::unit::limit::CUSTOMER_ID_BYTES_MAX;
use crate::wire::Clock;
use crate::wire::clock::WallClock;

/// `ebb erase`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// The customer's id
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    #[command(flatten)]
    sources: Sources,
    /// How long to wait for the receipt
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = parse_span)]
    wait: Span,
    /// How to show the receipt; json: as it stands on the topic
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

fn parse_span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "wanted a span such as \"60s\"".to_owned())
}

/// Runs `ebb erase`.
///
/// # Errors
///
/// Exit 1 where no receipt came in time, 2 for an impossible id, 3 for faulty settings, 4 where
/// the broker stays away.
pub fn run(args: &Args) -> Result<(), Failure> {
    let settings = args.sources.read(None)?.settings;
    if !(1..=CUSTOMER_ID_BYTES_MAX).contains(&args.customer.len()) {
        return Err(Failure::usage(format!(
            "cannot erase: an id of {} bytes; wanted 1 to {CUSTOMER_ID_BYTES_MAX}",
            args.customer.len()
        )));
    }
    let receipt = kafka::erase(&settings, &args.customer, WallClock.now(), args.wait)?;
    let Some(receipt) = receipt else {
        return Err(Failure::failed(format!(
            "no receipt for {} within {}\n\
             safe: the request stands on {} and is carried out as soon as an engine reads it\n\
             try: see that ebb run is running for group {}, then look at {}",
            args.customer,
            args.wait,
            settings.input.topic,
            settings.input.group,
            settings.output.receipts
        )));
    };
    match args.format {
        Format::Json => println!("{receipt}"),
        Format::Table => print!("{}", text(&receipt)),
    }
    Ok(())
}

/// A receipt for people.
fn text(receipt: &str) -> String {
    let receipt: Value = serde_json::from_str(receipt).unwrap_or_default();
    let word = |key: &str| receipt[key].as_str().unwrap_or_default().to_owned();
    let number = |key: &str| thousands(receipt["removed"][key].as_u64().unwrap_or_default());
    let mut text = format!(
        "{} is forgotten as of {}\nremoved: {} remembered events, {} that waited for their time, \
         all scores, timers and open alerts\n",
        word("customer_id"),
        word("erased_at"),
        number("events"),
        number("waiting"),
    );
    let mut table = Table::new(&["what remains", "until"]);
    for remainder in receipt["remains"].as_array().into_iter().flatten() {
        let cell = |key: &str| remainder[key].as_str().unwrap_or_default().to_owned();
        table.row([cell("what"), cell("until")]);
    }
    text += &format!("\n{table}");
    text
}
