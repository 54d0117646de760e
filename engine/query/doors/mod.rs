//! The doors that clients know: HTTP, the wire of PostgreSQL, Arrow Flight SQL.
//!
//! Shape   every door speaks its protocol, lets in whoever may come, and hands statements to the
//!         pool; none of them plans or runs anything.
//! Rules   one user, one password, the same limits at every door. A door on an address that other
//!         machines reach does not open without a password; with a certificate every door speaks
//!         TLS and nothing else. Nobody can change anything: there is nothing to grant.
//! Source  DESIGN §9; §15, trap 14.

mod access;
mod flight;
mod gate;
mod http;
mod postgres;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;

use crate::query::pool::{Pool, PoolRules};

use access::Access;
use gate::Gate;

/// How often it is looked whether a stop was asked for.
const LOOK: Duration = Duration::from_millis(50);
/// How long what is on its way out may take at a stop.
const LEAVE_MAX: Duration = Duration::from_secs(1);
/// The threads that listen and speak: they wait more than they work.
const THREADS: usize = 2;

/// Which doors, for whom.
#[derive(Clone, PartialEq, Eq)]
pub struct DoorRules {
    /// Where HTTP listens, if it does.
    pub http: Option<SocketAddr>,
    /// Where the wire of PostgreSQL does.
    pub postgres: Option<SocketAddr>,
    /// Where Arrow Flight SQL does.
    pub flight: Option<SocketAddr>,
    /// Who may come in.
    pub user: String,
    /// With what password; `None` where only this machine is let in.
    pub password: Option<String>,
    /// Certificate chain and key, as PEM files; `None` without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How many clients may be connected at once.
    pub connections_max: usize,
    /// How long a client may take to say who it is, and to take the next byte.
    pub client_wait: Duration,
    /// What a query may take.
    pub pool: PoolRules,
}

/// Where the doors are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// HTTP.
    pub http: Option<SocketAddr>,
    /// The wire of PostgreSQL.
    pub postgres: Option<SocketAddr>,
    /// Arrow Flight SQL.
    pub flight: Option<SocketAddr>,
}

/// Why the doors do not open, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum Shut {
    /// The rules do not go together; nothing was opened.
    #[error("{0}")]
    Rules(String),
    /// The system does not let a door open.
    #[error("{0}")]
    System(String),
}

/// What every door has at hand.
#[derive(Clone)]
struct House {
    pool: Pool,
    access: Arc<Access>,
    gate: Arc<Gate>,
    tls: Option<TlsAcceptor>,
}

/// Opens the doors, tells where they are by `opened`, and serves until `stop`.
///
/// # Errors
///
/// [`Shut`] where they cannot be opened; nothing has been served then.
pub fn serve(
    rules: DoorRules,
    stop: &AtomicBool,
    opened: impl FnOnce(&Opened),
) -> Result<(), Shut> {
    shut_out(&rules)?;
    let tls = rules.tls.as_ref().map(|(chain, key)| tls::config(chain, key)).transpose()?;
    let access = Access::new(&rules.user, rules.password.as_deref())?;
    let system = |error: io::Error| Shut::System(format!("cannot start: {error}"));
    let runtime = Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(system)?;
    let served = runtime.block_on(async {
        let http = bind("http", rules.http).await?;
        let postgres = bind("postgres", rules.postgres).await?;
        let flight = bind("flight", rules.flight).await?;
        let time_max = rules.pool.time_max;
        let gate = Gate::new(rules.connections_max, rules.client_wait, time_max);
        let house = House {
            pool: Pool::start(rules.pool),
            access: Arc::new(access),
            gate: Arc::new(gate),
            tls: None,
        };
        let with = |protocol: Option<&[u8]>| {
            let tls = tls.as_ref().map(|config| tls::acceptor(config, protocol));
            House { tls, ..house.clone() }
        };
        let mut places = Opened::default();
        if let Some((listener, place)) = http {
            places.http = Some(place);
            tokio::spawn(http::serve(listener, with(Some(tls::HTTP))));
        }
        if let Some((listener, place)) = postgres {
            places.postgres = Some(place);
            tokio::spawn(postgres::serve(listener, with(Some(tls::POSTGRES))));
        }
        if let Some((listener, place)) = flight {
            places.flight = Some(place);
            tokio::spawn(flight::serve(listener, with(Some(tls::HTTP2))));
        }
        opened(&places);
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    });
    runtime.shutdown_timeout(LEAVE_MAX);
    served
}

/// Refuses doors that anyone could walk through.
fn shut_out(rules: &DoorRules) -> Result<(), Shut> {
    if rules.password.is_some() {
        return Ok(());
    }
    let doors = [("http", rules.http), ("postgres", rules.postgres), ("flight", rules.flight)];
    let open: Vec<String> = doors
        .iter()
        .filter_map(|(name, place)| {
            let place = place.filter(|place| !place.ip().is_loopback())?;
            Some(format!("--{name} {place}"))
        })
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(Shut::Rules(format!(
        "cannot start: {}: other machines reach it, and nobody is asked for a password; wanted an \
         address of this machine alone, such as 127.0.0.1, or sql.password in the settings",
        open.join(", ")
    )))
}

async fn bind(
    name: &str,
    place: Option<SocketAddr>,
) -> Result<Option<(TcpListener, SocketAddr)>, Shut> {
    let Some(place) = place else { return Ok(None) };
    let shut = |error: io::Error| {
        Shut::System(format!(
            "cannot open a door: --{name} {place}: {error}; wanted an address of this machine and \
             a port that nobody listens at"
        ))
    };
    let listener = TcpListener::bind(place).await.map_err(shut)?;
    let place = listener.local_addr().map_err(shut)?;
    Ok(Some((listener, place)))
}
