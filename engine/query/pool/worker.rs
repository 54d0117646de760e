//! One process that answers, as the one that listens sees it.

use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::query::frame::{self, HEAD_BYTES, Kind};
use crate::query::process::{self, HIDDEN, MANY, RESERVE};
use crate::query::raw::{Done, Duty, Task};
use crate::query::refused::Refused;

/// How much of what a process says last is kept.
const WORDS_BYTES: usize = 8 << 10;
/// How long a process that broke off may take to end.
const END_MAX: Duration = Duration::from_secs(2);

/// A frame that a process sent.
pub(crate) struct Heard {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Heard {
    /// What the last frame of a task says.
    pub(crate) fn done(&self) -> Result<Done, Error> {
        serde_json::from_slice(&self.bytes)
    }
}

/// One process; it is killed when dropped.
pub(crate) struct Worker {
    /// How many changes of the folder of snapshots it has looked at.
    pub(crate) knows: u64,
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    words: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
}

impl Worker {
    /// Starts a process for `duty`.
    ///
    /// # Errors
    ///
    /// [`Refused`] where the system does not let one start.
    pub(crate) async fn start(duty: &Duty) -> Result<Worker, Refused> {
        let broken = |error: io::Error| process::broken(&error);
        let mut child = std::env::current_exe()
            .and_then(|program| {
                Command::new(program)
                    .args([HIDDEN, MANY])
                    .env(RESERVE.0, RESERVE.1)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
            })
            .map_err(broken)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(broken(io::Error::other("it has no pipes")));
        };
        let words = Arc::default();
        let listening = tokio::spawn(listen(stderr, Arc::clone(&words)));
        let mut worker = Worker { knows: 0, child, stdin, stdout, words, listening };
        let duty = serde_json::to_vec(duty).map_err(|error| broken(io::Error::other(error)))?;
        worker.write(&duty).await.map_err(broken)?;
        Ok(worker)
    }

    /// Whether the process has not ended.
    pub(crate) fn lives(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Gives it `task`.
    pub(crate) async fn tell(&mut self, task: &Task) -> io::Result<()> {
        let task = serde_json::to_vec(task).map_err(io::Error::other)?;
        self.write(&task).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdin.write_all(&frame::frame(Kind::Task, bytes)?).await?;
        self.stdin.flush().await
    }

    /// The next frame it sends.
    pub(crate) async fn hear(&mut self) -> io::Result<Heard> {
        let mut head = [0_u8; HEAD_BYTES];
        self.stdout.read_exact(&mut head).await?;
        let (kind, length) = frame::head(head)?;
        let mut bytes = vec![0; length];
        self.stdout.read_exact(&mut bytes).await?;
        Ok(Heard { kind, bytes })
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn end(mut self) {
        // An error means that it is gone already.
        let _gone = self.child.kill().await;
    }

    /// Why it broke off.
    pub(crate) async fn why(mut self, memory_max: u64, operators_max: u64) -> Refused {
        let status = match timeout(END_MAX, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                // It closed its pipe and goes on: nothing that it should do.
                let _gone = self.child.start_kill();
                self.child.wait().await
            }
        };
        // What it said last is read when its pipe ends; a child of its own could hold that open.
        let _said = timeout(END_MAX, self.listening).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let said = String::from_utf8_lossy(&words).trim().to_owned();
        match status.map(|status| process::judge(status, &said, memory_max, operators_max)) {
            Ok(Err(refused)) => refused,
            Ok(Ok(())) => Refused("the process that answers ended in the middle".to_owned()),
            Err(error) => Refused(format!("the process that answers is lost: {error}")),
        }
    }
}

/// Keeps the last of what comes from `stderr`.
async fn listen(mut stderr: ChildStderr, words: Arc<Mutex<Vec<u8>>>) {
    let mut bytes = [0_u8; 1024];
    while let Ok(n_read @ 1..) = stderr.read(&mut bytes).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.extend_from_slice(&bytes[..n_read]);
        let n_over = words.len().saturating_sub(WORDS_BYTES);
        words.drain(..n_over);
    }
}
