//! A line between a client and a server that breaks where it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

/// A line that carries so many bytes to the server; then it breaks and stays broken.
pub(crate) struct Line {
    at: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    n_left: AtomicI64,
    is_over: AtomicBool,
}

impl Line {
    /// A line to the server at `to` that breaks after `n_bytes`.
    pub(crate) fn to(to: &str, n_bytes: i64) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let n_left = AtomicI64::new(n_bytes);
        let state = Arc::new(State { n_left, is_over: AtomicBool::new(false) });
        let (to, shared) = (to.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is_over.load(Ordering::Acquire) {
                    return;
                }
                if shared.n_left.load(Ordering::Acquire) <= 0 {
                    continue;
                }
                let server = TcpStream::connect(&to).unwrap();
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || carry(ends.1, ends.0, &|_| true));
                let state = Arc::clone(&shared);
                let may_pass =
                    move |n: i64| 0 < state.n_left.fetch_sub(n, Ordering::AcqRel).saturating_sub(n);
                thread::spawn(move || carry(client, server, &may_pass));
            }
        });
        Line { at, state }
    }

    /// Where the client reaches it.
    pub(crate) fn at(&self) -> String {
        self.at.clone()
    }

    /// Breaks it now.
    pub(crate) fn cut(&self) {
        self.state.n_left.store(0, Ordering::Release);
    }

    /// Lets it carry whatever comes, from now on.
    pub(crate) fn mend(&self) {
        self.state.n_left.store(i64::MAX, Ordering::Release);
    }

    /// Whether it broke.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.n_left.load(Ordering::Acquire) <= 0
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Release);
        let _wakes = TcpStream::connect(&self.at);
    }
}

/// Carries bytes until an end is closed or they may not pass; then both ends are closed.
fn carry(mut from: TcpStream, mut to: TcpStream, may_pass: &dyn Fn(i64) -> bool) {
    let mut buffer = vec![0; 16 << 10];
    from.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        if !may_pass(i64::try_from(n).unwrap()) || to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _closed = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
