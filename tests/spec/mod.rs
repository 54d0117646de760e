//! Every row of the specification that the engine serves, each in a test named after its id.
//!
//! Shape   [`scenario`] tells a customer's story, [`recipes`] makes chosen signals active; the
//!         other files hold the rows by subject.
//! Rules   numbers stand in the tests as they follow from the specification, never as the engine
//!         happens to give them.

mod alerts;
mod answers;
mod inconsistencies;
mod intake;
mod lifecycle;
mod mail_and_money;
mod moves;
mod numbers;
mod recipes;
mod red_flags;
mod retention;
mod risk;
mod risk_cs;
mod risk_voice;
mod scenario;
mod time;
mod vectors;
