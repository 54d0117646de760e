//! Those who ask over HTTP without a pause.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is asked, one after the other.
const QUESTIONS: [&str; 3] = [
    r#"{"sql": "SELECT risk_held, count(*), sum(mrr) FROM customers GROUP BY risk_held"}"#,
    r#"{"sql": "SELECT customer_id, risk FROM customers ORDER BY risk DESC LIMIT 100"}"#,
    r#"{"sql": "SELECT * FROM customers WHERE customer_id = 'c-7'"}"#,
];
/// How long to wait where a door is not open yet, or there is no snapshot yet.
const CLOSED: Duration = Duration::from_millis(20);

/// How long to wait for the first answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who asks without a pause.
pub(crate) struct Asking {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<u64>,
}

impl Asking {
    /// Asks at the HTTP door at `door`.
    pub(crate) fn begin(door: SocketAddr) -> Asking {
        let is_over = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let (mut n_answers, began) = (0, Instant::now());
            for question in QUESTIONS.iter().cycle() {
                let is_enough = 0 < n_answers || PATIENCE < began.elapsed();
                if heard.load(Ordering::Relaxed) && is_enough {
                    break;
                }
                if ask(door, question).is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200")) {
                    n_answers += 1;
                } else {
                    thread::sleep(CLOSED);
                }
            }
            n_answers
        });
        Asking { is_over, thread }
    }

    /// Has it end once there was an answer; how many came.
    pub(crate) fn end(self) -> io::Result<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        match self.thread.join() {
            Ok(n_answers @ 1..) => Ok(n_answers),
            _ => Err(io::Error::other("nobody answers")),
        }
    }
}

/// What `door` says to `question`.
fn ask(door: SocketAddr, question: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(door)?;
    write!(
        stream,
        "POST /v1/sql HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{question}",
        question.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
