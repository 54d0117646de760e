//! What one connection asks.
//!
//! Rules   a statement of a question goes to the pool as it stands; one about the connection is
//!         answered here. Rows go out as they come: neither all of an answer nor as many rows as
//!         a client says are ever gathered.

use std::fmt::Debug;
use std::ops::DerefMut;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use arrow_pg::datatypes::{arrow_schema_to_pg_fields, field_into_pg_type};
use arrow_pg::row_encoder::RowEncoder;
use async_trait::async_trait;
use futures::{Sink, stream};
use pgwire::api::portal::{Format, Portal, PortalExecutionState};
use pgwire::api::query::{
    ExtendedQueryHandler, SimpleQueryHandler, send_execution_response, send_partial_query_response,
};
use pgwire::api::results::{DataRowEncoder, FieldFormat, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::{Entry, PortalStore};
use pgwire::api::{ClientInfo, ClientPortalStore, DEFAULT_NAME, Type};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::extendedquery::Execute;
use pgwire::messages::response::{EmptyQueryResponse, TransactionStatus};

use crate::query::desk::Outline;
use crate::query::doors::House;
use crate::query::doors::postgres::words::{self, Set, Word};
use crate::query::doors::postgres::{trouble, values};
use crate::query::pool::{Batches, Pool, outline};
use crate::query::raw::{Asked, Dialect, Parameter};

/// A statement that was prepared.
#[derive(Clone)]
pub(super) enum Prepared {
    /// About the connection.
    Word(Word),
    /// A question.
    Question(Arc<Question>),
}

/// A question that was prepared.
pub(super) struct Question {
    text: String,
    outline: Outline,
    /// The types of its parameters.
    types: Vec<Type>,
}

/// What one connection has.
pub(super) struct Session {
    pool: Pool,
    set: Mutex<Set>,
}

impl Session {
    /// A fresh one.
    pub(super) fn new(house: &House) -> Session {
        Session { pool: house.pool.clone(), set: Mutex::default() }
    }

    /// How long the client lets a statement take, if it said so.
    pub(super) fn statement_max(&self) -> Option<Duration> {
        let text = self.set().shown("statement_timeout")?;
        words::millis(&text).filter(|millis| 0 < *millis).map(Duration::from_millis)
    }

    fn set(&self) -> std::sync::MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(statement: &str, parameters: Vec<Parameter>) -> Asked {
        Asked {
            statement: statement.to_owned(),
            dialect: Dialect::Postgres,
            parameters,
            as_of: None,
            format: "arrow".to_owned(),
        }
    }

    /// The rows of `asked`, in `format`.
    async fn ask(&self, asked: Asked, format: &Format) -> PgWireResult<Response> {
        let answer = self.pool.ask(asked).await.map_err(|refused| trouble::of(&refused))?;
        let batches = answer.batches().await.map_err(|refused| trouble::of(&refused))?;
        let schema = batches.schema();
        values::fits(format, schema.fields().len())?;
        let fields = Arc::new(arrow_schema_to_pg_fields(&schema, format, None)?);
        let rows = Rows { batches, fields: Arc::clone(&fields), encoder: None };
        let rows = stream::unfold(rows, |mut rows| async move {
            let row = rows.next().await?;
            Some((row, rows))
        });
        Ok(Response::Query(QueryResponse::new(fields, rows)))
    }

    /// Does what `word` says.
    fn obey<C>(&self, client: &C, word: &Word) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore,
        C::PortalStore: PortalStore,
    {
        let tag = match word {
            Word::Begin(tag) => return Ok(Response::TransactionStart(Tag::new(tag))),
            Word::End(tag) => return Ok(Response::TransactionEnd(Tag::new(tag))),
            Word::Part(tag) | Word::Release(tag) => tag,
            Word::Set(name, value) => {
                self.set().set(name, value);
                "SET"
            }
            Word::Reset(name) => {
                self.set().reset(name.as_deref());
                "RESET"
            }
            Word::Discard => {
                self.set().reset(None);
                client.portal_store().clear_portals();
                "DISCARD ALL"
            }
            Word::Deallocate(name) => {
                // Of all of them, those under names go when they are replaced or closed.
                if let Some(name) = name {
                    client.portal_store().rm_statement(name);
                }
                "DEALLOCATE"
            }
            Word::Show(name) => {
                let called = client.metadata().get("application_name");
                return self.show(name, called.map(String::as_str));
            }
        };
        Ok(Response::Execution(Tag::new(tag)))
    }

    /// One setting, or all of them; the client was `called` so when it came.
    fn show(&self, name: &str, called: Option<&str>) -> PgWireResult<Response> {
        let fields = Arc::new(columns_of(name));
        let rows: Vec<Vec<String>> = if name == "all" {
            let of = |(name, value): (String, String)| vec![name, value, String::new()];
            self.set().all().into_iter().map(of).collect()
        } else {
            let value = match (self.set().shown(name), called) {
                (Some(set), Some(called)) if set.is_empty() && name == "application_name" => {
                    Some(called.to_owned())
                }
                (value, _) => value,
            };
            let unknown = || trouble::error("42704", format!("no setting is called {name}"));
            vec![vec![value.ok_or_else(unknown)?]]
        };
        let mut encoder = DataRowEncoder::new(Arc::clone(&fields));
        let rows = rows.into_iter().map(|row| {
            row.iter().try_for_each(|cell| encoder.encode_field(cell))?;
            Ok(encoder.take_row())
        });
        let rows: Vec<PgWireResult<_>> = rows.collect();
        let mut response = QueryResponse::new(fields, stream::iter(rows));
        response.set_command_tag("SHOW");
        Ok(Response::Query(response))
    }
}

/// The columns of what SHOW shows.
fn columns_of(name: &str) -> Vec<FieldInfo> {
    let column =
        |name: &str| FieldInfo::new(name.to_owned(), None, None, Type::TEXT, FieldFormat::Text);
    match name {
        "all" => ["name", "setting", "description"].map(column).to_vec(),
        name => vec![column(name)],
    }
}

/// Rows on their way out.
struct Rows {
    batches: Batches,
    fields: Arc<Vec<FieldInfo>>,
    encoder: Option<RowEncoder>,
}

impl Rows {
    async fn next(&mut self) -> Option<PgWireResult<pgwire::messages::data::DataRow>> {
        loop {
            if let Some(row) = self.encoder.as_mut().and_then(RowEncoder::next_row) {
                return Some(row);
            }
            let batch: RecordBatch = match self.batches.next().await? {
                Ok(batch) => batch,
                Err(refused) => return Some(Err(trouble::of(&refused))),
            };
            self.encoder = Some(RowEncoder::new(batch, Arc::clone(&self.fields)));
        }
    }
}

/// In a transaction that failed only its end is heard.
fn goes_on<C: ClientInfo>(client: &C, word: Option<&Word>) -> PgWireResult<()> {
    let is_end = matches!(word, Some(Word::End(_) | Word::Part("ROLLBACK")));
    if client.transaction_status() == TransactionStatus::Error && !is_end {
        let words =
            "current transaction is aborted, commands ignored until end of transaction block";
        return Err(trouble::error("25P02", words));
    }
    Ok(())
}

/// What `text` says about the connection, if it does.
fn word(text: &str) -> PgWireResult<Option<Word>> {
    words::read(text).transpose().map_err(|(state, words)| trouble::error(state, words))
}

#[async_trait]
impl SimpleQueryHandler for Session {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let word = word(query)?;
        goes_on(client, word.as_ref())?;
        let response = match word {
            Some(word) => self.obey(client, &word)?,
            None => self.ask(Session::asked(query, Vec::new()), &Format::UnifiedText).await?,
        };
        Ok(vec![response])
    }
}

/// Prepares statements by asking the pool.
pub(super) struct Preparer {
    pool: Pool,
}

#[async_trait]
impl QueryParser for Preparer {
    type Statement = Prepared;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        types: &[Option<Type>],
    ) -> PgWireResult<Option<Prepared>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let word = word(sql)?;
        goes_on(client, word.as_ref())?;
        if let Some(word) = word {
            return Ok(Some(Prepared::Word(word)));
        }
        let said = types
            .iter()
            .map(|said| Parameter { kind: said.as_ref().and_then(values::kind), value: None });
        let asked = Session::asked(sql, said.collect());
        let answer = self.pool.describe(asked).await.map_err(|refused| trouble::of(&refused))?;
        let outline = outline(answer).await.map_err(|refused| trouble::of(&refused))?;
        let types: PgWireResult<Vec<Type>> =
            outline.parameters.fields().iter().map(field_into_pg_type).collect();
        let (text, types) = (sql.to_owned(), types?);
        Ok(Some(Prepared::Question(Arc::new(Question { text, outline, types }))))
    }

    fn get_parameter_types(&self, statement: &Prepared) -> PgWireResult<Vec<Type>> {
        Ok(match statement {
            Prepared::Word(_) => Vec::new(),
            Prepared::Question(question) => question.types.clone(),
        })
    }

    fn get_result_schema(
        &self,
        statement: &Prepared,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        match statement {
            Prepared::Word(Word::Show(name)) => Ok(columns_of(name)),
            Prepared::Word(_) => Ok(Vec::new()),
            Prepared::Question(question) => {
                let columns = &question.outline.columns;
                let format = format.unwrap_or(&Format::UnifiedText);
                values::fits(format, columns.fields().len())?;
                arrow_schema_to_pg_fields(columns, format, None)
            }
        }
    }
}

#[async_trait]
impl ExtendedQueryHandler for Session {
    type Statement = Prepared;
    type QueryParser = Preparer;

    fn query_parser(&self) -> Arc<Preparer> {
        Arc::new(Preparer { pool: self.pool.clone() })
    }

    async fn on_execute<C>(&self, client: &mut C, message: Execute) -> PgWireResult<()>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        let name = message.name.as_deref().unwrap_or(DEFAULT_NAME);
        let rows_max = usize::try_from(message.max_rows).unwrap_or(0);
        let portal = match client.portal_store().get_portal(name) {
            Some(Entry::Value(portal)) => portal,
            Some(Entry::Empty) => {
                let empty = PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new());
                futures::SinkExt::feed(client, empty).await?;
                return Ok(());
            }
            None => return Err(PgWireError::PortalNotFound(name.to_owned())),
        };
        let state = portal.state();
        let mut state = state.lock().await;
        if let PortalExecutionState::Initial = &*state {
            // If the work on it is ended in the middle, it has ended.
            *state = PortalExecutionState::Finished;
            let status = client.transaction_status();
            match ExtendedQueryHandler::do_query(self, client, portal.as_ref(), rows_max).await? {
                Response::Query(response) => *state = PortalExecutionState::Suspended(response),
                Response::TransactionStart(tag) => {
                    send_execution_response(client, tag).await?;
                    client.set_transaction_status(status.to_in_transaction_state());
                    return Ok(());
                }
                Response::TransactionEnd(tag) => {
                    send_execution_response(client, tag).await?;
                    client.set_transaction_status(status.to_idle_state());
                    return Ok(());
                }
                Response::Execution(tag) => return send_execution_response(client, tag).await,
                _ => return Err(trouble::error("XX000", "an answer of no known kind")),
            }
        }
        match state.deref_mut() {
            PortalExecutionState::Suspended(response) => {
                if !send_partial_query_response(client, response, rows_max).await? {
                    *state = PortalExecutionState::Finished;
                }
                Ok(())
            }
            _ => send_execution_response(client, Tag::new("SELECT").with_rows(0)).await,
        }
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Prepared>,
        _rows_max: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Prepared>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        match &portal.statement.statement {
            Prepared::Word(word) => {
                goes_on(client, Some(word))?;
                self.obey(client, word)
            }
            Prepared::Question(question) => {
                goes_on(client, None)?;
                let parameters = values::parameters(portal, &question.types)?;
                let asked = Session::asked(&question.text, parameters);
                self.ask(asked, &portal.result_column_format).await
            }
        }
    }
}
