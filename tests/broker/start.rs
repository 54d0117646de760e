//! Starting a broker, and its end.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::fetch::{jars, run};

/// The version whose jars `pom.xml` names.
pub(super) const VERSION: &str = "kafka-4.1.1";
/// What Maven fetches it by.
pub(super) const POM: &str = "tests/broker/pom.xml";
/// How long a start may take on a loaded machine; seven seconds on an idle one.
const START_MAX: Duration = Duration::from_secs(120);
/// Starts before giving up: another process may take a port between its choice and its use.
const STARTS_MAX: usize = 3;

/// Sends the broker the signals that come in, starts it again on `start`, and at the end of the
/// input ends it and clears its folder away. `$1` is the folder, the rest is the broker's command.
const KEEPER: &str = r#"
folder=$1; shift
start() {
    "$@" >>"$folder/log" 2>&1 &
    broker=$!
    echo "$broker" >"$folder/pid"
}
start "$@"
while read -r word; do
    case $word in
        start) wait "$broker" 2>/dev/null; start "$@" ;;
        *) kill "-$word" "$broker" ;;
    esac
done
kill -9 "$broker"
wait "$broker" 2>/dev/null
rm -rf "$folder"
"#;

/// A broker, ended when this is dropped.
pub(crate) struct Broker {
    brokers: String,
    keeper: Option<Child>,
    folder: PathBuf,
}

/// What a broker is started with besides what all have.
#[derive(Debug, Default)]
pub(super) struct More {
    /// Listeners beside the plain one, as `NAME://host:port`, with the protocol that NAME speaks.
    pub(super) listeners: Vec<(String, &'static str)>,
    /// Further lines of its settings.
    pub(super) lines: Vec<String>,
    /// Further arguments for the formatting of its folder.
    pub(super) format: Vec<String>,
}

impl Broker {
    /// A broker that somebody else runs at `brokers`.
    pub(crate) fn running(brokers: String) -> Broker {
        Broker { brokers, keeper: None, folder: PathBuf::new() }
    }

    /// Starts a broker of its own, or says why there can be none.
    pub(crate) fn start() -> Result<Broker, String> {
        let mut why = String::new();
        for _ in 0..STARTS_MAX {
            match Broker::start_with(&More::default()) {
                Ok(broker) => return Ok(broker),
                Err(fault) => why = fault,
            }
        }
        Err(why)
    }

    /// Starts a broker with `more`, or says why there can be none.
    pub(super) fn start_with(more: &More) -> Result<Broker, String> {
        start_at(&jars(VERSION, POM)?, (free_port(), free_port()), more)
    }

    /// Sends the broker `signal`, such as `STOP`, `CONT`, `TERM` or `KILL`.
    pub(crate) fn signal(&self, signal: &str) {
        self.tell(signal);
    }

    /// Starts the broker again, once it has ended, and returns when it answers.
    pub(crate) fn restart(&self) {
        self.tell("start");
        self.wait(&self.folder).unwrap();
    }

    /// Tells the keeper of a broker of our own.
    fn tell(&self, word: &str) {
        let mut input = self.keeper.as_ref().and_then(|keeper| keeper.stdin.as_ref()).unwrap();
        writeln!(input, "{word}").unwrap();
    }

    /// `host:port`.
    pub(crate) fn brokers(&self) -> &str {
        &self.brokers
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ended = keeper.wait();
        }
    }
}

pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Java with the jars in `lib`.
pub(crate) fn java(lib: &Path) -> Command {
    let mut java = Command::new("java");
    java.arg("-cp").arg(format!("{}/*", lib.display()));
    java
}

fn start_at(lib: &Path, ports: (u16, u16), more: &More) -> Result<Broker, String> {
    let folder = tempfile::Builder::new().prefix("ebb-broker-").tempdir().unwrap();
    let settings = folder.path().join("server.properties");
    fs::write(&settings, properties(ports, &folder.path().join("data"), more)).unwrap();
    let id = run(java(lib).args(["kafka.tools.StorageTool", "random-uuid"]))?;
    let format = ["kafka.tools.StorageTool", "format", "--standalone", "-t", id.trim(), "-c"];
    let format = java(lib).args(format).arg(&settings).args(&more.format).output();
    let format = format.map_err(|fault| format!("java cannot be run: {fault}"))?;
    if !format.status.success() {
        let said = String::from_utf8_lossy(&format.stderr).into_owned();
        return Err(format!("formatting the broker's folder: {said}"));
    }

    let mut keeper = Command::new("sh");
    keeper.args(["-c", KEEPER, "keeper"]).arg(folder.path());
    keeper.args(["java", "-Xmx1g", "-Xms256m", "-XX:+UseG1GC", "-cp"]);
    keeper.arg(format!("{}/*", lib.display())).arg("kafka.Kafka").arg(&settings);
    // A group of its own: an interrupt from the keyboard ends this process, and that ends it.
    keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let keeper = keeper.spawn().map_err(|fault| format!("sh cannot be run: {fault}"))?;
    let folder = folder.keep();
    let brokers = format!("127.0.0.1:{}", ports.0);
    let broker = Broker { brokers, keeper: Some(keeper), folder: folder.clone() };
    broker.wait(&folder)?;
    Ok(broker)
}

impl Broker {
    /// Returns when the broker answers.
    fn wait(&self, folder: &Path) -> Result<(), String> {
        let asker: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("reconnect.backoff.max.ms", "250")
            .create()
            .map_err(|fault| fault.to_string())?;
        let began = Instant::now();
        while began.elapsed() < START_MAX {
            if asker.fetch_metadata(None, Duration::from_millis(500)).is_ok() {
                return Ok(());
            }
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            if log.contains("Exiting Kafka") || log.contains("BindException") {
                return Err(format!("the broker did not start: {}", tail(&log)));
            }
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        Err(format!("the broker did not answer in {START_MAX:?}: {}", tail(&log)))
    }
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}

/// One broker that is its own controller, on loopback only.
fn properties((port, controller): (u16, u16), data: &Path, more: &More) -> String {
    let mut listeners = vec![format!("PLAINTEXT://127.0.0.1:{port}")];
    let mut protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT".to_owned();
    for (listener, protocol) in &more.listeners {
        let name = listener.split("://").next().unwrap_or_default();
        protocols += &format!(",{name}:{protocol}");
        listeners.push(listener.clone());
    }
    let own = format!("CONTROLLER://127.0.0.1:{controller}");
    let mut lines = vec![
        format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}"),
        format!("listeners={},{own}", listeners.join(",")),
        format!("advertised.listeners={},{own}", listeners.join(",")),
        format!("listener.security.protocol.map={protocols}"),
        format!("log.dirs={}", data.display()),
    ];
    lines.extend_from_slice(&more.lines);
    let fixed = [
        "process.roles=broker,controller",
        "node.id=1",
        "controller.listener.names=CONTROLLER",
        "inter.broker.listener.name=PLAINTEXT",
        "num.partitions=4",
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=4",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "transaction.state.log.num.partitions=4",
        "share.coordinator.state.topic.replication.factor=1",
        "share.coordinator.state.topic.min.isr=1",
        "group.initial.rebalance.delay.ms=0",
        // So that a test need not wait long for the end of a session.
        "group.min.session.timeout.ms=1000",
        // As Kafka has it by default, so that a test sees that nothing of ours uses it.
        "auto.create.topics.enable=true",
        "transaction.max.timeout.ms=900000",
    ];
    lines.extend(fixed.map(str::to_owned));
    lines.join("\n") + "\n"
}
