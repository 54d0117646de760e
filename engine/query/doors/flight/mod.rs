//! Arrow Flight SQL, for drivers that take columns as they are.
//!
//! Shape   a ticket is its own question: whoever holds one, of a statement or of a prepared one
//!         with its parameters, may hand it in at any instance. Nothing is kept between two calls.
//! Rules   user and password at the handshake give a token for what follows; or they come with
//!         every call. Nothing that writes is known here.
//! Source  the Arrow Flight SQL specification, `FlightSql.proto`.

mod catalog;
mod parameters;
mod service;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use futures::stream;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::query::doors::House;
use crate::query::doors::gate::{Stream, incoming};

use service::FlightDoor;

/// What a message may hold beyond its statement: parameters.
const MESSAGE_BYTES: u64 = 1 << 20;
/// How often it is looked whether a quiet client is there.
const LOOK: Duration = Duration::from_secs(30);
/// How many calls one client may make at once.
const CALLS_MAX: usize = 64;

/// Serves who comes to `listener` until the program ends.
pub(super) async fn serve(listener: TcpListener, house: House) {
    let came = incoming(listener, &house);
    let came = stream::unfold(came, |mut came| async move {
        let (stream, who) = came.recv().await?;
        Some((Ok::<Caller, io::Error>(Caller { stream, who }), came))
    });
    let statement_max = house.pool.rules().statement_max;
    let message_max = statement_max.saturating_mul(2).saturating_add(MESSAGE_BYTES);
    let message_max = usize::try_from(message_max).unwrap_or(usize::MAX);
    let wait = house.gate.wait;
    let service =
        FlightServiceServer::new(FlightDoor::new(house)).max_decoding_message_size(message_max);
    let served = Server::builder()
        .http2_keepalive_interval(Some(LOOK))
        .http2_keepalive_timeout(Some(wait))
        .concurrency_limit_per_connection(CALLS_MAX)
        .serve_with_incoming(service, came);
    // It only ends with the program.
    let _ended = served.await;
}

/// The stream of one who calls.
struct Caller {
    stream: Stream,
    who: SocketAddr,
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
struct Who(SocketAddr);

impl Connected for Caller {
    type ConnectInfo = Who;

    fn connect_info(&self) -> Who {
        Who(self.who)
    }
}

impl tokio::io::AsyncRead for Caller {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl tokio::io::AsyncWrite for Caller {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
