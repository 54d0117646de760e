//! Object stores on this machine, none of them written here: moto (S3) and Azurite (Azure).
//!
//! Shape   there is none for Google Cloud Storage: of those that can be fetched, fake-gcs-server
//!         refuses the XML interface's way to put an object, which is what object_store uses,
//!         and gcp-storage-emulator cannot list by it.
//! Rules   they are fetched with pip and npm into a cache outside the checkout; where that cannot
//!         be done the test is skipped, unless `EBB_TEST_DEMAND` contains `clients` (D-10). A
//!         server ends with the process that started it: a shell between the two waits for the end
//!         of its input and then kills the server by its own process id.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ebb::cloud::Bucket;
use ebb::run::settings::Retry;
use ebb::unit::Span;

use crate::broker::skipped;

const MOTO: &str = "moto[server]==5.2.1";
const AZURITE: &str = "azurite@3.37.0";

/// How long a start may take on a loaded machine; a few seconds on an idle one.
const START_MAX: Duration = Duration::from_secs(120);

/// Starts the server that the arguments are, and ends it at the end of the input.
const KEEPER: &str = r#"
"$@" >/dev/null 2>&1 &
server=$!
cat >/dev/null
kill -9 "$server"
wait "$server" 2>/dev/null
"#;

/// Which store a server plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Amazon,
    Azure,
}

/// All of them.
pub(super) const KINDS: [Kind; 2] = [Kind::Amazon, Kind::Azure];

/// One running server.
pub(super) struct Server {
    kind: Kind,
    port: u16,
    keeper: Child,
}

/// A bucket of its own on a server, reached straight or through something that stands between.
#[derive(Clone, Debug)]
pub(super) struct Place {
    kind: Kind,
    pub(super) url: String,
    at: String,
}

impl Server {
    /// The server of `kind` that all tests of this process share, or `None` where the test is to
    /// be skipped.
    pub(super) fn shared(kind: Kind) -> Option<&'static Server> {
        static SHARED: [OnceLock<Result<Server, String>>; 2] = [const { OnceLock::new() }; 2];
        let server = SHARED[kind as usize].get_or_init(|| Server::start(kind));
        server.as_ref().map_or_else(|why| skipped("clients", why), Some)
    }

    fn start(kind: Kind) -> Result<Server, String> {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.map_err(|error| error.to_string())?.port();
        let number = port.to_string();
        let (program, arguments) = match kind {
            Kind::Amazon => {
                let moto = python("moto", MOTO, "import moto.server")?.join("bin/moto_server");
                (moto, vec!["-H", "127.0.0.1", "-p", &number])
            }
            Kind::Azure => {
                let held = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck"];
                let own = ["--disableTelemetry", "--blobPort", &number];
                (azurite()?, [&held[..], &own].concat())
            }
        };
        Server::run((kind, port), &program, &arguments)
    }

    fn run(
        (kind, port): (Kind, u16),
        program: &Path,
        arguments: &[&str],
    ) -> Result<Server, String> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(program).args(arguments);
        // Some leave a file where they stand.
        keeper.current_dir(env::temp_dir());
        // A group of its own: an interrupt from the keyboard ends this process, and that ends it.
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let keeper = keeper.spawn().map_err(|error| format!("sh: {error}"))?;
        let server = Server { kind, port, keeper };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if START_MAX < began.elapsed() {
                return Err(format!("{} did not answer in {START_MAX:?}", program.display()));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// A new bucket.
    pub(super) fn place(&self) -> Place {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("bucket-{}", N_MADE.fetch_add(1, Ordering::Relaxed));
        let (scheme, at) = (self.kind.scheme(), format!("127.0.0.1:{}", self.port));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/make.py");
        let began = Instant::now();
        // A port that is open need not be a server that is ready.
        while let Err(why) = run(Command::new("python3").arg(&script).args([scheme, &at, &bucket]))
        {
            assert!(began.elapsed() < START_MAX, "{why}");
            thread::sleep(Duration::from_millis(100));
        }
        Place { kind: self.kind, url: format!("{scheme}://{bucket}/some/prefix"), at }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ended = self.keeper.wait();
    }
}

impl Kind {
    fn scheme(self) -> &'static str {
        match self {
            Kind::Amazon => "s3",
            Kind::Azure => "az",
        }
    }
}

impl Place {
    /// The same bucket where `at` is how to reach it.
    pub(super) fn through(&self, at: String) -> Place {
        Place { at, ..self.clone() }
    }

    /// The folder of `group` in it.
    pub(super) fn of(&self, group: &str) -> Place {
        Place { url: format!("{}/{group}", self.url), ..self.clone() }
    }

    /// `host:port` of the server.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// What has to be set to reach it.
    pub(super) fn properties(&self) -> Vec<(&'static str, String)> {
        let (url, truth) = (format!("http://{}", self.at), "true".to_owned());
        match self.kind {
            Kind::Amazon => vec![
                ("aws_endpoint", url),
                ("aws_allow_http", truth),
                ("aws_access_key_id", "somebody".to_owned()),
                ("aws_secret_access_key", "hush".to_owned()),
            ],
            Kind::Azure => vec![
                ("azure_endpoint", format!("{url}/devstoreaccount1")),
                ("azure_allow_http", truth),
                ("azure_storage_account_name", "devstoreaccount1".to_owned()),
                (
                    "azure_storage_account_key",
                    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq\
                     /K1SZFPTOtr/KBHBeksoGMGw=="
                        .to_owned(),
                ),
            ],
        }
    }

    /// The bucket as the program has it, asked `tries_max` times where it does not answer.
    pub(super) fn open(&self, tries_max: u32) -> Bucket {
        let properties = self.properties().into_iter();
        let properties = properties.map(|(name, value)| (name.to_owned(), value)).collect();
        let retry = Retry { tries_max, wait_first: Span::millis(10), wait_max: Span::millis(20) };
        Bucket::open(&self.url, &properties, retry).unwrap()
    }
}

/// A folder in the cache, made by `fill` if it is not there yet.
fn cached(name: &str, fill: impl Fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).ok_or("no folder to keep servers in")?;
    let folder = cache.join("ebb").join(name);
    let whole = folder.join("whole");
    if !whole.exists() {
        let _half = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        fill(&folder)?;
        fs::write(&whole, "").map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// A Python that has `package`, and runs `check`.
fn python(name: &str, package: &str, check: &str) -> Result<PathBuf, String> {
    cached(&format!("server-{name}-{package}"), |folder| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let python = folder.join("bin/python");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package];
        run(Command::new(&python).args(install))?;
        run(Command::new(&python).args(["-c", check]))
    })
}

fn azurite() -> Result<PathBuf, String> {
    let folder = cached(&format!("server-{AZURITE}"), |folder| {
        let install = ["install", "--silent", "--no-fund", "--no-audit", AZURITE, "--prefix"];
        run(Command::new("npm").args(install).arg(folder))
    })?;
    Ok(folder.join("node_modules/.bin/azurite-blob"))
}

/// Runs `command` to its end, or says why it failed.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name}: {error}"))?;
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{name}: {}", said())) }
}
