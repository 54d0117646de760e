//! `ebb run`: events in from a topic, alerts, scores and rejects out to topics.
//!
//! Source  DESIGN §3, §8, §10.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args as ClapArgs;
use tracing::{info, warn};

use crate::cli::Failure;
use crate::cli::setup::{Setup, Sources, store};
use crate::cli::warden::{Places, Warden};
use crate::kafka::{Journal, KafkaDoors, Others};
use crate::query::{FolderAsker, Gazette};
use crate::record::receipt::Remainder;
use crate::run::settings::{ClockMode, SqlRules};
use crate::run::{Asker, Live, Publisher, Pump, Service, Settings, Spread, Tools, Workers};
use crate::state::Engine;
use crate::unit::Span;
use crate::wire::clock::WallClock;
use crate::wire::{Doors, JournalDoor};

/// `ebb run`.
#[derive(ClapArgs, Debug)]
pub struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Ends once every partition is caught up, those of other instances too, as a test or a backfill
    /// wants it
    #[arg(long)]
    until_caught_up: bool,
    /// Where every customer's last state goes at the end, one row each
    #[arg(long, value_name = "OUT.csv")]
    customers: Option<PathBuf>,
}

/// How long leaving the group may take.
const LEAVE_MAX: Duration = Duration::from_secs(5);
/// How much longer than halt.deadline a stop may take.
const GRACE: Duration = Duration::from_secs(2);
/// How often to look whether a stop was asked for.
const LOOK: Duration = Duration::from_millis(100);

static WALL: WallClock = WallClock;

/// Runs `ebb run` until it is told to stop (SIGTERM, SIGINT).
///
/// # Errors
///
/// Exit 3 for faulty rules, 4 where the broker stays away, 6 where going on would lose data.
pub fn run(args: &Args) -> Result<(), Failure> {
    let setup = args.sources.read(None)?;
    let settings = &setup.settings;
    if setup.map.is_some() {
        return Err(Failure::settings(
            "cannot start: map is set; a topic must hold events in Ebb's own form: try `ebb \
             replay --map` for files",
        ));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let has_ended = Arc::new(AtomicBool::new(false));
    end_in_time(stop.clone(), has_ended.clone(), settings.halt_deadline);
    hear_signals(&stop)?;
    let live = live(settings);
    let rules = setup.rules(setup.publish(), Some(settings.input.topic.clone()));
    let store = store(settings)?;
    // A place that refuses us is told of now; later on it would be waited for.
    store.list_of(&settings.input.topic, 0)?;
    let doors = KafkaDoors::connect(settings)?;
    let journal: Option<Box<dyn JournalDoor>> = match live {
        Some(_) => Some(Box::new(Journal::open(settings, doors.n_partitions())?)),
        None => None,
    };
    let mut pump = Pump::new(Engine::new(rules, 0), Spread::AsTheyCome, live);
    pump.name_remains(remains(settings));
    let tools = Tools {
        clock: &WALL,
        store,
        journal,
        publisher: publisher(&setup),
        asker: asker(settings),
        workers: Workers::Apart,
    };
    let mut service = Service::new(doors, pump, settings, tools);
    let _doors = open_doors(&args.sources, settings);
    let (topic, group) = (&settings.input.topic, &settings.input.group);
    info!(topic, group, brokers = settings.kafka.brokers, "reading");
    go_on(&mut service, args, settings, &stop)?;
    stop.store(true, Ordering::Relaxed);
    let is_all_committed = service.finish(settings.halt_deadline)?;
    has_ended.store(true, Ordering::Relaxed);
    match is_all_committed {
        true => info!("stopped: everything done is committed"),
        false => warn!("stopped: not all that was done could be committed; the rest comes again"),
    }
    if let Some(path) = &args.customers {
        crate::cli::customers::write(path, service.engine())?;
    }
    eprint!("{}", service.counts());
    leave(service);
    Ok(())
}

/// Takes turns until it is to `stop` or, where that is wanted, nothing is left to do.
fn go_on(
    service: &mut Service<'_, KafkaDoors>,
    args: &Args,
    settings: &Settings,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut others = Others::new(settings);
    while !stop.load(Ordering::Relaxed) {
        service.turn()?;
        if args.until_caught_up
            && service.is_caught_up()
            && others.are_caught_up(&service.doors().not_ours())?
            && service.is_done()?
        {
            break;
        }
    }
    Ok(())
}

/// Has `stop` set by SIGTERM and SIGINT; a second signal ends the process at once.
fn hear_signals(stop: &Arc<AtomicBool>) -> Result<(), Failure> {
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, stop.clone())
            .and_then(|_| signal_hook::flag::register(signal, stop.clone()))
            .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))?;
    }
    Ok(())
}

/// The say that the wall clock has, if it has one.
fn live(settings: &Settings) -> Option<Live<'static>> {
    match settings.clock.mode {
        ClockMode::Replay => None,
        ClockMode::Live => Some(Live {
            clock: &WALL,
            delay: settings.clock.delay,
            ahead_max: settings.clock.ahead_max,
            skew: settings.clock.skew,
        }),
    }
}

/// Who publishes snapshots, if anybody is to.
fn publisher(setup: &Setup) -> Option<Box<dyn Publisher>> {
    let rules = setup.settings.snapshots.as_ref()?;
    Some(Box::new(Gazette::new(rules, &setup.model)))
}

/// Who asks snapshots what is watched.
fn asker(settings: &Settings) -> Option<Box<dyn Asker>> {
    let rules = settings.snapshots.as_ref()?;
    Some(Box::new(FolderAsker::new(rules.folder.clone())))
}

/// Has the doors of SQL opened that are to be, for as long as what is returned is held.
fn open_doors(sources: &Sources, settings: &Settings) -> Option<Warden> {
    let rules = settings.snapshots.as_ref()?;
    let SqlRules { http, postgres, flight, .. } = settings.sql;
    let places = Places { http, postgres, flight };
    let file = sources.settings.iter().flat_map(|file| ["--settings".into(), file.into()]);
    let sets = sources.set.iter().flat_map(|set| ["--set".into(), set.into()]);
    let tell = |line: String| info!("sql: {line}");
    let more = file.chain(sets).collect();
    (!places.is_empty()).then(|| Warden::open(&rules.folder, places, more, tell))
}

/// Leaves the group, for [`LEAVE_MAX`] at most: everything is safe by now, and whoever is not heard
/// of is replaced anyway. A member that is told to stop while it joins can hang there for ever.
fn leave<D: Doors>(service: Service<'_, D>) {
    std::thread::spawn(|| {
        std::thread::sleep(LEAVE_MAX);
        std::process::exit(0);
    });
    drop(service);
}

/// What outlives the erasure of a customer for a while, and until when.
fn remains(settings: &Settings) -> Vec<Remainder> {
    let line = |what: String, until: String| Remainder { what, until };
    let (checkpoint, topic) = (&settings.checkpoint, |name: &str| format!("records on {name}"));
    let retention = |name: &str| format!("the retention.ms of {name} has passed");
    let output = &settings.output;
    let mut remains = vec![
        line(
            format!("checkpoints begun before, in {}", checkpoint.folder),
            format!("{} newer ones are saved, one every {}", checkpoint.keep, checkpoint.interval),
        ),
        line(topic(&settings.input.topic), retention(&settings.input.topic)),
        line(topic(&output.alerts), retention(&output.alerts)),
        line(topic(&output.rejects), retention(&output.rejects)),
        line(format!("earlier scores on {}", output.scores), "the topic is compacted".to_owned()),
    ];
    if let Some(snapshots) = &settings.snapshots {
        remains.push(line(
            format!("snapshots published before, in {}", snapshots.folder.display()),
            format!("{} and {} have passed", snapshots.complete, snapshots.keep),
        ));
    }
    if settings.clock.mode == ClockMode::Live {
        remains.push(line(topic(&settings.journal), retention(&settings.journal)));
    }
    remains.push(line(
        format!("this receipt, on {}", output.receipts),
        "never: it says what became of the request".to_owned(),
    ));
    remains.push(line(
        "hashes of the ids of events, against duplicates".to_owned(),
        format!("{} of event time has passed", settings.dedup_horizon),
    ));
    remains.push(line(
        "a hash of the customer's id and the time of the request".to_owned(),
        "never: it keeps what happened before from coming back".to_owned(),
    ));
    remains
}

/// Ends this process when a stop takes much longer than `deadline` from when `stop` was set, as it
/// can while the broker is away, and `has_ended` is not set by then: what is not committed comes
/// again.
fn end_in_time(stop: Arc<AtomicBool>, has_ended: Arc<AtomicBool>, deadline: Span) {
    let limit = Duration::from_millis(deadline.as_millis().unsigned_abs()) + GRACE;
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
        }
        std::thread::sleep(limit);
        if has_ended.load(Ordering::Relaxed) {
            return;
        }
        eprintln!(
            "error: cannot stop in time: the broker did not answer for {} s\n\
             safe: nothing is committed that was not done; start again to go on from there",
            limit.as_secs()
        );
        std::process::exit(4);
    });
}
