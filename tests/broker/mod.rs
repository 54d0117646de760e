//! A real Kafka broker for tests, without containers.
//!
//! Shape   one broker a test process, started by the first test that asks; every test makes
//!         topics of its own. `EBB_TEST_BROKER=host:port` names a running one instead.
//! Rules   where neither Java and Maven nor such a broker is there, a test prints `skipped: why`
//!         and passes, unless `EBB_TEST_DEMAND` contains `broker` (D-10). The broker ends with
//!         the process that started it, however that ends: a shell between the two waits for
//!         the end of its input and then kills the broker by its own process id.
//! Cost    the jars (54 MB) are fetched once into a cache outside the checkout; a start takes
//!         about seven seconds and 400 MB.

pub(crate) mod fetch;
mod secure;
mod start;
mod topics;

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

pub(crate) use secure::{PASSWORD, Secure, USER, token};
pub(crate) use start::{Broker, java};
pub(crate) use topics::Record;

/// The broker that all tests of this process share, or `None` where the test is to be skipped.
pub(crate) fn shared() -> Option<&'static Broker> {
    static SHARED: OnceLock<Result<Broker, String>> = OnceLock::new();
    let broker = SHARED.get_or_init(|| match env::var("EBB_TEST_BROKER") {
        Ok(brokers) => Ok(Broker::running(brokers)),
        Err(_) => Broker::start(),
    });
    match broker {
        Ok(broker) => Some(broker),
        Err(why) => skipped("broker", why),
    }
}

/// The folder of jars that Kafka's own tools stand in, or `None` where the test is to be skipped.
pub(crate) fn tools() -> Option<PathBuf> {
    fetch::jars(start::VERSION, start::POM).map_or_else(|why| skipped("clients", &why), Some)
}

/// Passes over a test that wants `what`, unless that is demanded.
pub(crate) fn skipped<T>(what: &str, why: &str) -> Option<T> {
    let demand = env::var("EBB_TEST_DEMAND").unwrap_or_default();
    assert!(!demand.contains(what), "{what} demanded: {why}");
    println!("skipped: {why}");
    None
}
