//! The wire of PostgreSQL, protocol 3, for `psql`, drivers and the tools that stand on them.
//!
//! Rules   with a certificate nobody is asked anything in plain text; with a password SCRAM-SHA-256
//!         asks for it. What a client sends beyond a statement's size, or before it has said who
//!         it is, is not kept. A client that goes away takes its query with it, as does one that
//!         does not take its answer. A request to cancel ends the query it names by a secret.
//! Source  the manual of PostgreSQL 16, chapter 55.

mod pieces;
mod session;
mod startup;
mod trouble;
mod values;
mod words;

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures::{Sink, SinkExt, StreamExt};
use pgwire::api::cancel::CancelHandler;
use pgwire::api::{ClientInfo, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::SecretKey;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::{negotiate_tls, process_error, process_message};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::query::doors::House;

use pieces::{Messages, in_pieces};
use session::Session;
use startup::Startup;

/// What a message may hold beyond its statement: parameters.
const MESSAGE_BYTES: u64 = 1 << 20;
/// Longer than anyone waits.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
/// How often it is looked whether a client is still there that sends while it waits.
const LOOK: Duration = Duration::from_millis(200);

/// The queries that can be cancelled, by the number of their connection.
#[derive(Default)]
struct Cancels(Mutex<HashMap<i32, (SecretKey, Arc<Notify>)>>);

#[async_trait]
impl CancelHandler for Cancels {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((secret, cancel)) = known.get(&request.pid)
            && secret.eq_value(&request.secret_key)
        {
            cancel.notify_waiters();
        }
    }
}

/// Serves who comes to `listener` until the program ends.
pub(super) async fn serve(listener: TcpListener, house: House) {
    let (house, cancels) = (Arc::new(house), Arc::new(Cancels::default()));
    loop {
        let (tcp, who, place) = house.gate.next(&listener).await;
        let (house, cancels) = (Arc::clone(&house), Arc::clone(&cancels));
        tokio::spawn(async move {
            // What goes wrong with one client is told to that client.
            let _gone = Conversation { house, cancels, who }.hold(tcp, place).await;
        });
    }
}

/// One client.
struct Conversation {
    house: Arc<House>,
    cancels: Arc<Cancels>,
    who: SocketAddr,
}

/// Takes a connection out of the list of those that can be cancelled.
struct Listed<'c> {
    cancels: &'c Cancels,
    pid: i32,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.cancels.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.pid);
    }
}

impl Conversation {
    /// Speaks with the client until one of both leaves.
    async fn hold(&self, tcp: TcpStream, _place: OwnedSemaphorePermit) -> io::Result<()> {
        let wait = self.house.gate.wait;
        let ((tcp, twin), until) = (twin(tcp)?, Instant::now() + wait);
        let socket = timeout_at(until, negotiate_tls(tcp, self.house.tls.clone())).await;
        let Some(socket) = socket.map_err(|_| io::ErrorKind::TimedOut)?? else { return Ok(()) };
        if socket.is_secure() && !socket.read_buffer().is_empty() {
            // It came in plain text, before TLS: whoever sent it need not be who speaks now.
            return Ok(());
        }
        let mut socket = in_pieces(socket);
        let session = Arc::new(Session::new(&self.house));
        let startup = Arc::new(Startup::new(&self.house.access));
        let (cancel, mut listed) = (Arc::new(Notify::new()), None);
        loop {
            let is_outside = is_outside(socket.state());
            // The list of those inside begins with the first message of theirs.
            if !is_outside && listed.is_none() {
                listed = Some(self.list(&socket, &cancel));
            }
            // Whoever is in may be quiet for as long as he likes.
            let limit = if is_outside { until } else { Instant::now() + FOREVER };
            let message = match self.hear(&mut socket, limit).await? {
                Some(Ok(message)) => message,
                Some(Err(error)) => return self.send_off(error, &mut socket).await,
                None => return Ok(()),
            };
            if matches!(message, PgWireFrontendMessage::Terminate(_)) {
                return Ok(());
            }
            let is_extended = message.is_extended_query();
            let mut limits = Limits { session: &session, twin: &twin, cancel: &cancel, wait };
            let heard = self.hears(&socket, &message);
            let processed = async {
                heard?;
                let (startup, session) = (Arc::clone(&startup), Arc::clone(&session));
                let (again, cancels) = (Arc::clone(&session), Arc::clone(&self.cancels));
                let copies = Arc::new(NoopHandler);
                process_message(message, &mut socket, startup, session, again, copies, cancels)
                    .await
            };
            let done = limits.keep(processed, self.house.pool.rules().time_max).await;
            let error = match done {
                Some(Ok(())) => continue,
                Some(Err(error)) => error,
                None => return Ok(()),
            };
            if is_outside {
                return self.send_off(error, &mut socket).await;
            }
            let told = process_error(&mut socket, error, is_extended);
            timeout(wait, told).await.map_err(|_| io::ErrorKind::TimedOut)??;
        }
    }
}

impl Conversation {
    /// The most bytes that a message may have.
    fn bytes_max(&self) -> usize {
        let bytes_max = self.house.pool.rules().statement_max.saturating_add(MESSAGE_BYTES);
        usize::try_from(bytes_max).unwrap_or(usize::MAX)
    }

    /// The next message of the client at `socket`, if it comes before `limit`; an error where it is
    /// longer than any may be.
    async fn hear<T: 'static>(
        &self,
        socket: &mut Messages<T>,
        limit: Instant,
    ) -> io::Result<Option<PgWireResult<PgWireFrontendMessage>>> {
        let bytes_max = self.bytes_max();
        let next = poll_fn(|cx| match socket.poll_next_unpin(cx) {
            Poll::Pending if bytes_max < socket.read_buffer().len() => {
                Poll::Ready(Some(Err(self.too_long())))
            }
            polled => polled,
        });
        timeout_at(limit, next).await.map_err(|_| io::ErrorKind::TimedOut.into())
    }

    /// Why a message with more bytes than any may have is not read to its end.
    fn too_long(&self) -> PgWireError {
        let (bytes_max, rules) = (self.bytes_max(), self.house.pool.rules());
        let words = format!(
            "a message of more than {bytes_max} bytes; wanted: a statement of at most {}, \
             sql.statement_max",
            rules.statement_max
        );
        trouble::fatal("54000", words)
    }

    /// Puts the connection of `client` into the list of those that can be cancelled.
    fn list(&self, client: &impl ClientInfo, cancel: &Arc<Notify>) -> Listed<'_> {
        let (pid, secret) = client.pid_and_secret_key();
        let mut known = self.cancels.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(pid, (secret, Arc::clone(cancel)));
        Listed { cancels: &self.cancels, pid }
    }

    /// Whether `message` may be heard as it came. A request to cancel may come in plain text, as
    /// libpq sends it.
    fn hears(&self, client: &impl ClientInfo, message: &PgWireFrontendMessage) -> PgWireResult<()> {
        let is_plain = self.house.tls.is_some() && !client.is_secure();
        if is_plain && !matches!(message, PgWireFrontendMessage::CancelRequest(_)) {
            let words = "a connection in plain text; wanted TLS: sslmode=require";
            return Err(trouble::fatal("28000", words));
        }
        Ok(())
    }

    /// Tells `client` why he is not let in; he has nothing more to say.
    async fn send_off<C>(&self, error: PgWireError, client: &mut C) -> io::Result<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin,
    {
        let user = client.metadata().get("user").cloned().unwrap_or_default();
        let error = match error {
            PgWireError::InvalidPassword(_) => {
                self.house.access.wrong("postgres", self.who).await;
                let words = format!("password authentication failed for user \"{user}\"");
                trouble::fatal("28P01", words)
            }
            other => other,
        };
        let words = PgWireBackendMessage::ErrorResponse(ErrorInfo::from(error).into());
        // Whether they arrive or not, that was all.
        let _told = timeout(self.house.gate.wait, client.send(words)).await;
        Ok(())
    }
}

/// Whether a client in this state has not said yet who it is.
fn is_outside(state: PgWireConnectionState) -> bool {
    matches!(
        state,
        PgWireConnectionState::AwaitingSslRequest
            | PgWireConnectionState::AwaitingStartup
            | PgWireConnectionState::AuthenticationInProgress
    )
}

/// What ends the work on one message before its time.
struct Limits<'c> {
    session: &'c Session,
    twin: &'c TcpStream,
    cancel: &'c Notify,
    wait: Duration,
}

impl Limits<'_> {
    /// What `work` gives, or why it was ended; `None` where the client is gone, or does not take
    /// its answer.
    async fn keep(
        &mut self,
        work: impl Future<Output = PgWireResult<()>>,
        time_max: Duration,
    ) -> Option<PgWireResult<()>> {
        let patience = time_max.saturating_mul(2).saturating_add(self.wait);
        let statement_max = self.session.statement_max();
        tokio::select! {
            done = work => Some(done),
            () = self.cancel.notified() => Some(Err(PgWireError::QueryCanceled)),
            () = gone(self.twin) => None,
            () = sleep(patience) => None,
            () = sleep(statement_max.unwrap_or(patience)), if statement_max.is_some() => {
                let words = "canceling statement due to statement timeout";
                Some(Err(trouble::error("57014", words)))
            }
        }
    }
}

/// `tcp`, and the same socket once more, to look whether its other end is there.
fn twin(tcp: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let tcp = tcp.into_std()?;
    let twin = tcp.try_clone()?;
    Ok((TcpStream::from_std(tcp)?, TcpStream::from_std(twin)?))
}

/// Waits until the other end of `twin` is closed.
///
/// A client that only closed its sending half counts as gone too, as with
/// `client_connection_check_interval` of PostgreSQL.
async fn gone(twin: &TcpStream) {
    loop {
        match twin.ready(Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => sleep(LOOK).await,
            Ok(_) | Err(_) => return,
        }
    }
}
