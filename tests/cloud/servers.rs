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
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ebb::cloud::Bucket;
use ebb::run::settings::Retry;
use ebb::unit::Span;

use crate::broker::{fetch, skipped};

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
pub(crate) enum Kind {
    Amazon,
    Azure,
}

/// All of them.
pub(crate) const KINDS: [Kind; 2] = [Kind::Amazon, Kind::Azure];

/// One running server.
pub(crate) struct Server {
    kind: Kind,
    port: u16,
    keeper: Child,
}

/// A bucket of its own on a server, reached straight or through something that stands between.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    kind: Kind,
    pub(crate) url: String,
    at: String,
}

impl Server {
    /// The server of `kind` that all tests of this process share, or `None` where the test is to
    /// be skipped.
    pub(crate) fn shared(kind: Kind) -> Option<&'static Server> {
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
                let folder = fetch::python("moto", &[MOTO], "import moto.server")?;
                let moto = folder.join("bin/moto_server");
                (moto, vec!["-H", "127.0.0.1", "-p", &number])
            }
            Kind::Azure => {
                let held = ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck"];
                let own = ["--disableTelemetry", "--blobPort", &number];
                (
                    fetch::npm(AZURITE)?.join("node_modules/.bin/azurite-blob"),
                    [&held[..], &own].concat(),
                )
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
    pub(crate) fn place(&self) -> Place {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("bucket-{}", N_MADE.fetch_add(1, Ordering::Relaxed));
        let (scheme, at) = (self.kind.scheme(), format!("127.0.0.1:{}", self.port));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/make.py");
        let began = Instant::now();
        // A port that is open need not be a server that is ready.
        while let Err(why) =
            fetch::run(Command::new("python3").arg(&script).args([scheme, &at, &bucket]))
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
    pub(crate) fn through(&self, at: String) -> Place {
        Place { at, ..self.clone() }
    }

    /// The folder of `group` in it.
    pub(crate) fn of(&self, group: &str) -> Place {
        Place { url: format!("{}/{group}", self.url), ..self.clone() }
    }

    /// `host:port` of the server.
    pub(crate) fn at(&self) -> &str {
        &self.at
    }

    /// What has to be set to reach it.
    pub(crate) fn properties(&self) -> Vec<(&'static str, String)> {
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
    pub(crate) fn open(&self, tries_max: u32) -> Bucket {
        let properties = self.properties().into_iter();
        let properties = properties.map(|(name, value)| (name.to_owned(), value)).collect();
        let retry = Retry { tries_max, wait_first: Span::millis(10), wait_max: Span::millis(20) };
        Bucket::open(&self.url, &properties, retry).unwrap()
    }
}
