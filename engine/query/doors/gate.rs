//! Connections: how many there may be, and how long one may stand in the doorway.
//!
//! Rules   one connection too many is closed at once, so that those inside are not touched. A
//!         client that says nothing at first, or does not take what it is given, is shut out after
//!         a while; so is one that says nothing for longer than any query may take.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::warn;

use crate::query::doors::House;

/// How long to wait where the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(50);

/// How many may come in, and how long they may take.
pub(super) struct Gate {
    places: Arc<Semaphore>,
    /// How long a client may take.
    pub(super) wait: Duration,
    quiet_max: Duration,
}

impl Gate {
    /// A gate for `connections_max` clients, each of which may take `wait` for its first word
    /// and may be quiet for as long as a query of `time_max` takes.
    pub(super) fn new(connections_max: usize, wait: Duration, time_max: Duration) -> Gate {
        let quiet_max = time_max.saturating_mul(2).saturating_add(wait);
        Gate { places: Arc::new(Semaphore::new(connections_max)), wait, quiet_max }
    }

    /// The next client, with the place that it takes until that is dropped.
    pub(super) async fn next(
        &self,
        listener: &TcpListener,
    ) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        loop {
            let (stream, who) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, or a client that left: others still come.
                    warn!(%error, "a client could not come in");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { continue };
            if stream.set_nodelay(true).is_ok() {
                return (stream, who, place);
            }
        }
    }

    /// The stream of a client who came in, over TLS if `tls` is there.
    async fn stream(
        &self,
        tcp: TcpStream,
        place: OwnedSemaphorePermit,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Stream> {
        let timed = Timed::new(tcp, self.wait, self.quiet_max);
        let over = match tls {
            None => Over::Plain(timed),
            Some(tls) => {
                let shaken = timeout(self.wait, tls.accept(timed)).await;
                Over::Tls(Box::new(shaken.map_err(|_| io::ErrorKind::TimedOut)??))
            }
        };
        Ok(Stream { over, _place: place })
    }
}

/// Those who come to `listener`, each as soon as its stream stands.
pub(super) fn incoming(
    listener: TcpListener,
    house: &House,
) -> mpsc::Receiver<(Stream, SocketAddr)> {
    let (come, came) = mpsc::channel(1);
    let (gate, tls) = (Arc::clone(&house.gate), house.tls.clone());
    tokio::spawn(async move {
        loop {
            let (tcp, who, place) = gate.next(&listener).await;
            let (gate, tls, come) = (Arc::clone(&gate), tls.clone(), come.clone());
            // One who does not get TLS done keeps nobody else waiting.
            tokio::spawn(async move {
                if let Ok(stream) = gate.stream(tcp, place, tls).await {
                    let _closed = come.send((stream, who)).await;
                }
            });
        }
    });
    came
}

/// A client's stream, plain or over TLS.
pub(super) struct Stream {
    over: Over,
    _place: OwnedSemaphorePermit,
}

enum Over {
    Plain(Timed),
    Tls(Box<TlsStream<Timed>>),
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().over {
            Over::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Over::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().over {
            Over::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Over::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().over {
            Over::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Over::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().over {
            Over::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Over::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

/// A stream whose first bytes must come, and whose written bytes must be taken, in time.
struct Timed {
    stream: TcpStream,
    wait: Duration,
    /// How long nothing may be said.
    quiet_max: Duration,
    /// Whether the client has said anything; what is written before that is no sign of one.
    has_spoken: bool,
    /// Until the next byte must come.
    silent: Pin<Box<Sleep>>,
    /// Since a byte could not be written.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    fn new(stream: TcpStream, wait: Duration, quiet_max: Duration) -> Timed {
        let silent = Box::pin(sleep(wait));
        Timed { stream, wait, quiet_max, has_spoken: false, silent, stuck: None }
    }

    /// Waits anew, as a byte came or was taken.
    fn again(&mut self) {
        if self.has_spoken {
            self.silent.as_mut().reset(Instant::now() + self.quiet_max);
        }
        self.stuck = None;
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            this.has_spoken = true;
            this.again();
            return Poll::Ready(read);
        }
        ready!(this.silent.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for Timed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Poll::Ready(written) = Pin::new(&mut this.stream).poll_write(cx, bytes) {
            this.again();
            return Poll::Ready(written);
        }
        let wait = this.wait;
        let stuck = this.stuck.get_or_insert_with(|| Box::pin(sleep(wait)));
        ready!(stuck.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
