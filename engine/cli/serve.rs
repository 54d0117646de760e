//! `ebb serve`: the doors of SQL over a folder of snapshots.
//!
//! Source  DESIGN §9.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use clap::Args as ClapArgs;
use tracing::{info, warn};

use crate::cli::Failure;
use crate::cli::setup::settings;
use crate::cli::sql::duration;
use crate::query::doors::{self, DoorRules, Opened, Shut};
use crate::query::pool::PoolRules;
use crate::query::process;
use crate::run::settings::SqlRules;

/// `ebb serve`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    /// Folder of snapshots, as `ebb replay --snapshots` writes it
    #[arg(long, value_name = "DIR")]
    snapshots: PathBuf,
    /// Where HTTP listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// Where the wire of PostgreSQL listens
    #[arg(long, value_name = "ADDRESS")]
    postgres: Option<SocketAddr>,
    /// Where Arrow Flight SQL listens
    #[arg(long, value_name = "ADDRESS")]
    flight: Option<SocketAddr>,
    /// The process that this one ends with
    #[arg(long, value_name = "PID", hide = true)]
    owner: Option<u32>,
    /// Settings file; its table sql says who may ask and what queries may take
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// One setting that wins over the file and the environment
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Runs `ebb serve` until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
///
/// Exit 2 where no door is wanted, 3 for faulty settings and for doors that anyone could walk
/// through, 1 where the system does not let one open.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.owner.is_some_and(|owner| !process::belongs_to(owner)) {
        return Ok(());
    }
    if args.http.is_none() && args.postgres.is_none() && args.flight.is_none() {
        return Err(Failure::usage(
            "cannot start: no door; wanted --http, --postgres or --flight with an address, such \
             as --http 127.0.0.1:8080",
        ));
    }
    let sql = settings(args.settings.as_deref(), args.set.clone())?.sql;
    let rules = rules(args, sql);
    tell_of_plain_passwords(&rules);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        // A second signal ends the process at once.
        let hooked = signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()));
        hooked.map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    }
    let is_tls = rules.tls.is_some();
    let user = rules.password.is_some().then(|| rules.user.clone());
    let served = doors::serve(rules, &stop, |opened| tell(opened, user.as_deref(), is_tls));
    served.map_err(|shut| match shut {
        Shut::Rules(words) => Failure::settings(words),
        Shut::System(words) => Failure::failed(words),
    })?;
    info!("stopped");
    Ok(())
}

fn rules(args: &Args, sql: SqlRules) -> DoorRules {
    let n_cores = thread::available_parallelism();
    let queries_max = sql.queries_max.or(n_cores.ok()).map_or(1, std::num::NonZero::get);
    DoorRules {
        http: args.http,
        postgres: args.postgres,
        flight: args.flight,
        user: sql.user,
        password: sql.password,
        tls: sql.tls,
        connections_max: sql.connections_max,
        client_wait: duration(sql.client_wait),
        pool: PoolRules {
            snapshots: args.snapshots.clone(),
            queries_max,
            time_max: duration(sql.time_max),
            memory_max: sql.memory_max.as_bytes(),
            rows_max: sql.rows_max,
            statement_max: sql.statement_max.as_bytes(),
            operators_max: sql.operators_max,
        },
    }
}

/// A password in plain text can be read on its way; PostgreSQL's is never sent.
fn tell_of_plain_passwords(rules: &DoorRules) {
    let doors = [("http", rules.http), ("flight", rules.flight)];
    for (door, place) in doors {
        if let Some(place) = place.filter(|place| !place.ip().is_loopback())
            && rules.tls.is_none()
            && rules.password.is_some()
        {
            warn!(door, %place, "passwords come in plain text; wanted sql.tls_certificate");
        }
    }
}

/// Where the doors are, as lines to copy.
fn tell(opened: &Opened, user: Option<&str>, is_tls: bool) {
    let (s, tls, mode) = if is_tls { ("s", "+tls", "?sslmode=require") } else { ("", "+tcp", "") };
    let at = user.map_or_else(String::new, |user| format!("{user}@"));
    if let Some(place) = opened.http {
        println!("http      http{s}://{place}/");
    }
    if let Some(place) = opened.postgres {
        println!("postgres  postgresql://{at}{place}/ebb{mode}");
    }
    if let Some(place) = opened.flight {
        println!("flight    grpc{tls}://{place}");
    }
}
