//! The process that owns the doors of SQL, as the one that needs it sees it.
//!
//! Rules   it is started, watched, and started again when it ends, with longer and longer waits; it
//!         ends with whoever started it. Nothing that happens to it touches scoring.
//! Source  DESIGN §9; D-9.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

/// The wait before it is started again; it doubles up to the longest.
const WAIT_FIRST: Duration = Duration::from_millis(250);
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Whoever lived this long begins with the first wait again.
const WELL: Duration = Duration::from_secs(60);
/// How often to look whether it ended.
const LOOK: Duration = Duration::from_millis(50);

/// Which doors to open; `None` for those that stay shut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// HTTP.
    pub http: Option<SocketAddr>,
    /// The wire of PostgreSQL.
    pub postgres: Option<SocketAddr>,
    /// Arrow Flight SQL.
    pub flight: Option<SocketAddr>,
}

/// A process that is watched; it ends when this is dropped.
pub struct Warden {
    child: Arc<Mutex<Watched>>,
}

/// What is watched.
struct Watched {
    child: Option<Child>,
    is_over: bool,
}

impl Places {
    /// Whether no door is to be opened.
    pub fn is_empty(&self) -> bool {
        *self == Places::default()
    }
}

impl Warden {
    /// Has the doors at `places` opened over the snapshots in `folder`; `more` are further words of
    /// the command. What it says of its doors is told line by line.
    pub fn open(
        folder: &Path,
        places: Places,
        more: Vec<OsString>,
        tell: impl Fn(String) + Clone + Send + 'static,
    ) -> Warden {
        let mut words: Vec<OsString> = vec!["serve".into(), "--snapshots".into(), folder.into()];
        let doors =
            [("--http", places.http), ("--postgres", places.postgres), ("--flight", places.flight)];
        for (flag, place) in doors {
            words.extend(
                place.into_iter().flat_map(|place| [flag.into(), place.to_string().into()]),
            );
        }
        words.extend(["--owner".into(), std::process::id().to_string().into()]);
        words.extend(more);
        let child = Arc::new(Mutex::new(Watched { child: None, is_over: false }));
        let watched = Arc::clone(&child);
        thread::spawn(move || watch(&words, &watched, &tell));
        Warden { child }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let mut watched = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        watched.is_over = true;
        if let Some(mut child) = watched.child.take() {
            // It may have ended by itself.
            let _gone = child.kill();
            let _reaped = child.wait();
        }
    }
}

/// Starts the process and starts it again until it is over.
fn watch(
    words: &[OsString],
    watched: &Mutex<Watched>,
    tell: &(impl Fn(String) + Clone + Send + 'static),
) {
    let mut wait = WAIT_FIRST;
    loop {
        let began = Instant::now();
        {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if watched.is_over {
                return;
            }
            match start(words, tell) {
                Ok(child) => watched.child = Some(child),
                Err(error) => warn!(%error, "the process of the doors of SQL cannot be started"),
            }
        }
        let Some(how) = end(watched) else { return };
        if WELL <= began.elapsed() {
            wait = WAIT_FIRST;
        }
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        warn!(
            how,
            millis, "the process of the doors of SQL ended; scoring goes on; starting it again"
        );
        thread::sleep(wait);
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// Waits for the end of the process; how it ended, or `None` where it was to.
fn end(watched: &Mutex<Watched>) -> Option<String> {
    loop {
        {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            if watched.is_over {
                return None;
            }
            match watched.child.as_mut().map(Child::try_wait) {
                None => return Some("it was not there".to_owned()),
                Some(Ok(None)) => {}
                Some(Ok(Some(status))) => return Some(status.to_string()),
                Some(Err(error)) => return Some(error.to_string()),
            }
        }
        thread::sleep(LOOK);
    }
}

/// Starts the process once, and passes on what it says.
fn start(
    words: &[OsString],
    tell: &(impl Fn(String) + Clone + Send + 'static),
) -> std::io::Result<Child> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // An interrupt from the keyboard is for whoever started it, who then ends it.
        .process_group(0)
        .spawn()?;
    if let Some(stdout) = child.stdout.take() {
        let tell = tell.clone();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(tell);
        });
    }
    Ok(child)
}
