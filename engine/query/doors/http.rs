//! HTTP: `POST /v1/sql` and what stands around it.
//!
//! Rules   what can be known before the first byte goes out is told by the status; an answer that
//!         breaks off later ends in the middle, without its last bytes, so that no reader takes it
//!         for whole. The contract is `schemas/openapi.json`.
//! Source  RFC 9110; RFC 6750 and RFC 7617 for who comes in.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{IncomingStream, Listener};
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::query::doors::House;
use crate::query::doors::gate::{Stream, incoming};
use crate::query::pool::Answer;
use crate::query::raw::{Asked, Dialect, HttpQuestion, Parameter, ParameterKind};
use crate::query::refused::{Cause, Refused};

/// The contract.
const CONTRACT: &str = include_str!("../../../schemas/openapi.json");
/// The page for people.
const PAGE: &str = include_str!("page.html");
/// What a body may hold beyond its statement: parameters, and the marks around them.
const BODY_BYTES: u64 = 1 << 20;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    Json,
    Arrow,
    Csv,
}

impl Media {
    const ALL: [(Media, &'static str, &'static str); 3] = [
        (Media::Json, "application/json", "json"),
        (Media::Arrow, "application/vnd.apache.arrow.stream", "arrow"),
        (Media::Csv, "text/csv", "csv"),
    ];

    /// The one that a header `Accept` wants first; JSON where it does not say.
    fn accepted(accept: Option<&str>) -> Option<Media> {
        let Some(accept) = accept else { return Some(Media::Json) };
        let wanted = accept.split(',').filter_map(|range| range.split(';').next());
        let mut wanted = wanted.map(|range| range.trim().to_ascii_lowercase());
        wanted.find_map(|range| match range.as_str() {
            "*/*" | "application/*" => Some(Media::Json),
            range => Media::ALL.iter().find(|(_, name, _)| *name == range).map(|(m, ..)| *m),
        })
    }

    fn names(self) -> (&'static str, &'static str) {
        let found = Media::ALL.iter().find(|(media, ..)| *media == self);
        found.map_or(("", ""), |(_, name, form)| (name, form))
    }
}

/// Serves who comes to `listener` until the program ends.
pub(super) async fn serve(listener: TcpListener, house: House) {
    let Ok(place) = listener.local_addr() else { return };
    let doorway = Doorway { came: incoming(listener, &house), place };
    let body_max = house.pool.rules().statement_max.saturating_mul(2).saturating_add(BODY_BYTES);
    let router = Router::new()
        .route("/v1/sql", post(ask))
        .route(
            "/openapi.json",
            get(|| async { ([(header::CONTENT_TYPE, "application/json")], CONTRACT) }),
        )
        .route("/", get(|| async { Html(PAGE) }))
        .route("/docs", get(|| async { Html(PAGE) }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/version", get(version))
        .layer(DefaultBodyLimit::max(usize::try_from(body_max).unwrap_or(usize::MAX)))
        .with_state(Arc::new(house));
    let service = router.into_make_service_with_connect_info::<Who>();
    // It only ends with the program.
    let _ended = axum::serve(doorway, service).await;
}

/// Those who come, as the library wants them.
struct Doorway {
    came: mpsc::Receiver<(Stream, SocketAddr)>,
    place: SocketAddr,
}

impl Listener for Doorway {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        match self.came.recv().await {
            Some(came) => came,
            // Nobody comes any more: the program ends.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.place)
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
struct Who(SocketAddr);

impl Connected<IncomingStream<'_, Doorway>> for Who {
    fn connect_info(stream: IncomingStream<'_, Doorway>) -> Who {
        Who(*stream.remote_addr())
    }
}

/// `GET /readyz`: whether there is a snapshot to answer from.
async fn ready(State(house): State<Arc<House>>) -> Response {
    if house.pool.is_ready() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, "no snapshot to answer from yet\n").into_response()
}

/// `GET /version`.
async fn version() -> Response {
    let version = json!({ "name": "ebb", "version": env!("CARGO_PKG_VERSION") });
    ([(header::CONTENT_TYPE, "application/json")], format!("{version}\n")).into_response()
}

/// `POST /v1/sql`.
async fn ask(
    State(house): State<Arc<House>>,
    ConnectInfo(Who(who)): ConnectInfo<Who>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if !house.access.admits_header(text(header::AUTHORIZATION)) {
        house.access.wrong("http", who).await;
        let ways = [(header::WWW_AUTHENTICATE, "Basic realm=\"ebb\", Bearer realm=\"ebb\"")];
        let words = "no user and password, or wrong ones; wanted Authorization: Basic or Bearer";
        return (ways, told(StatusCode::UNAUTHORIZED, "password", words)).into_response();
    }
    let Some(media) = Media::accepted(text(header::ACCEPT)) else {
        let words = "Accept: nothing that there is; wanted application/json, text/csv or \
                     application/vnd.apache.arrow.stream";
        return told(StatusCode::NOT_ACCEPTABLE, "accept", words);
    };
    let (name, form) = media.names();
    let answer = match asked(&body, form) {
        Ok(asked) => house.pool.ask(asked).await,
        Err(refused) => return told(StatusCode::BAD_REQUEST, "unreadable", &refused.0),
    };
    match answer {
        Ok(answer) => {
            let body = match media {
                Media::Json => {
                    Body::from_stream(stream::unfold(Listing::new(answer), part_of_list))
                }
                _ => Body::from_stream(stream::unfold(answer, part)),
            };
            ([(header::CONTENT_TYPE, name), (header::CACHE_CONTROL, "no-store")], body)
                .into_response()
        }
        Err(refused) => {
            let cause = refused.cause();
            told(status(cause), cause.name(), &refused.0)
        }
    }
}

/// The question in `body`.
fn asked(body: &[u8], form: &str) -> Result<Asked, Refused> {
    let question: HttpQuestion = serde_json::from_slice(body).map_err(|error| {
        let wanted = "{\"sql\": \"SELECT …\"}, with \"parameters\" and \"as_of\" if need be";
        Refused(format!("cannot read the question: {error}; wanted {wanted}"))
    })?;
    let parameters: Result<Vec<Parameter>, Refused> =
        (1..).zip(&question.parameters).map(|(n, value)| parameter(n, value)).collect();
    Ok(Asked {
        statement: question.sql,
        dialect: Dialect::Plain,
        parameters: parameters?,
        as_of: question.as_of,
        format: form.to_owned(),
    })
}

/// Parameter `$n`.
fn parameter(n: usize, value: &Value) -> Result<Parameter, Refused> {
    let (kind, value) = match value {
        Value::Null => (None, None),
        Value::Bool(truth) => (Some(ParameterKind::Flag), Some(truth.to_string())),
        Value::Number(number) if number.is_f64() => {
            (Some(ParameterKind::Number), Some(number.to_string()))
        }
        Value::Number(number) => (Some(ParameterKind::Whole), Some(number.to_string())),
        Value::String(text) => (None, Some(text.clone())),
        Value::Array(_) | Value::Object(_) => {
            let wanted = "null, true, false, a number or a text";
            return Err(Refused(format!("parameter ${n}: a list or an object; wanted {wanted}")));
        }
    };
    Ok(Parameter { kind, value })
}

/// The next part of an answer that goes out as it is.
async fn part(mut answer: Answer) -> Option<(Result<Vec<u8>, Refused>, Answer)> {
    Some((answer.part().await?, answer))
}

/// Rows of JSON, one a line, on their way into one object.
struct Listing {
    answer: Answer,
    n_rows: u64,
    /// Whether the end of a row waits for another row.
    is_between: bool,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Rows,
    End,
}

impl Listing {
    fn new(answer: Answer) -> Listing {
        Listing { answer, n_rows: 0, is_between: false, stage: Stage::Begin }
    }
}

/// The next part of `{"rows":[…],"count":n}`.
async fn part_of_list(mut list: Listing) -> Option<(Result<Vec<u8>, Refused>, Listing)> {
    match list.stage {
        Stage::Begin => {
            list.stage = Stage::Rows;
            Some((Ok(b"{\"rows\":[".to_vec()), list))
        }
        Stage::End => None,
        Stage::Rows => match list.answer.part().await {
            None => {
                list.stage = Stage::End;
                let end = format!("],\"count\":{}}}\n", list.n_rows);
                Some((Ok(end.into_bytes()), list))
            }
            Some(Err(refused)) => {
                list.stage = Stage::End;
                Some((Err(refused), list))
            }
            Some(Ok(lines)) => {
                // Within a row a line never ends: there it is written as \n.
                let mut part = Vec::with_capacity(lines.len() + 1);
                for byte in lines {
                    if list.is_between {
                        part.push(b',');
                    }
                    list.is_between = byte == b'\n';
                    if list.is_between { list.n_rows += 1 } else { part.push(byte) }
                }
                Some((Ok(part), list))
            }
        },
    }
}

/// The status that says what stands in the way.
fn status(cause: Cause) -> StatusCode {
    match cause {
        Cause::Writes => StatusCode::FORBIDDEN,
        Cause::Size => StatusCode::PAYLOAD_TOO_LARGE,
        Cause::Memory => StatusCode::UNPROCESSABLE_ENTITY,
        Cause::Time => StatusCode::GATEWAY_TIMEOUT,
        Cause::Busy | Cause::Broken => StatusCode::SERVICE_UNAVAILABLE,
        Cause::Unreadable
        | Cause::NoTable
        | Cause::NoColumn
        | Cause::NoFunction
        | Cause::Parameter
        | Cause::Other => StatusCode::BAD_REQUEST,
    }
}

/// `{"error": …, "cause": …}`.
fn told(status: StatusCode, cause: &str, words: &str) -> Response {
    let body = json!({ "error": words, "cause": cause });
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use super::*;

    #[test]
    fn the_form_is_the_first_that_is_wanted_and_there() {
        let check = |accept: Option<&str>, wanted: Option<Media>| {
            assert_eq!(Media::accepted(accept), wanted, "{accept:?}");
        };
        check(None, Some(Media::Json));
        check(Some("*/*"), Some(Media::Json));
        check(Some("text/html, text/csv;q=0.5"), Some(Media::Csv));
        check(Some("Application/Vnd.Apache.Arrow.Stream"), Some(Media::Arrow));
        check(Some("text/html"), None);
    }

    #[test]
    fn a_question_is_read_with_its_parameters() {
        let body = br#"{"sql": "SELECT $1", "parameters": [null, true, 5, 0.5, "a"]}"#;
        let asked = asked(body, "json").unwrap();
        let kinds: Vec<_> = asked.parameters.iter().map(|parameter| parameter.kind).collect();
        let (flag, whole) = (Some(ParameterKind::Flag), Some(ParameterKind::Whole));
        assert_eq!(kinds, [None, flag, whole, Some(ParameterKind::Number), None]);
        for wrong in [&b"{}"[..], b"[1]", br#"{"sql": 1}"#, br#"{"sql": "", "parameter": []}"#] {
            assert!(super::asked(wrong, "json").is_err());
        }
        assert!(super::asked(br#"{"sql": "", "parameters": [[1]]}"#, "json").is_err());
    }
}
