//! The calls of Flight SQL that this door knows.

use std::pin::Pin;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow::record_batch::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, Any, CommandGetCatalogs, CommandGetDbSchemas,
    CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandPreparedStatementQuery,
    CommandStatementQuery, DoPutPreparedStatementResult, ProstMessageExt, SqlInfo,
    TicketStatementQuery,
};
use arrow_flight::{
    FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage,
    SchemaAsIpc, Ticket,
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

use crate::query::desk::Outline;
use crate::query::doors::House;
use crate::query::doors::flight::{Who, catalog, parameters};
use crate::query::pool::{Batches, outline};
use crate::query::raw::{Asked, Dialect, FlightQuestion};
use crate::query::refused::{Cause, Refused};

/// A stream of answers.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
/// What a call for data gives.
type Data = Result<Response<<FlightDoor as FlightService>::DoGetStream>, Status>;

/// The door.
pub(super) struct FlightDoor {
    house: House,
}

impl FlightDoor {
    /// The door of `house`.
    pub(super) fn new(house: House) -> FlightDoor {
        FlightDoor { house }
    }

    /// Lets the caller of `request` in, or not.
    async fn enter<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let header = request.metadata().get("authorization");
        if self.house.access.admits_header(header.and_then(|header| header.to_str().ok())) {
            return Ok(());
        }
        if let Some(Who(who)) = request.extensions().get::<Who>() {
            self.house.access.wrong("flight", *who).await;
        }
        Err(Status::unauthenticated(
            "no token, or a wrong one; wanted user and password at the handshake, or a header \
             authorization: Basic or Bearer",
        ))
    }

    /// What the answer to `question` would look like.
    async fn outline(&self, question: &FlightQuestion) -> Result<Outline, Status> {
        let answer = self.house.pool.describe(asked(question)).await;
        let answer = answer.map_err(|refused| status(&refused))?;
        outline(answer).await.map_err(|refused| status(&refused))
    }

    /// The answer to `question`.
    async fn answer(&self, question: &FlightQuestion) -> Data {
        let answer = self.house.pool.ask(asked(question)).await;
        let batches = answer.map_err(|refused| status(&refused))?.batches().await;
        let batches = batches.map_err(|refused| status(&refused))?;
        let schema = batches.schema();
        let rows = stream::unfold(batches, |mut batches: Batches| async move {
            let batch = batches.next().await?;
            let batch = batch.map_err(|refused| FlightError::Tonic(Box::new(status(&refused))));
            Some((batch, batches))
        });
        Ok(sent(schema, rows))
    }
}

fn asked(question: &FlightQuestion) -> Asked {
    Asked {
        statement: question.statement.clone(),
        dialect: Dialect::Plain,
        parameters: question.parameters.clone(),
        as_of: None,
        format: "arrow".to_owned(),
    }
}

/// Rows as they go out.
fn sent(
    schema: SchemaRef,
    rows: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static,
) -> Response<<FlightDoor as FlightService>::DoGetStream> {
    let encoder = FlightDataEncoderBuilder::new().with_schema(schema).build(rows);
    Response::new(Box::pin(encoder.map_err(Status::from)))
}

/// One batch as it goes out.
fn one(batch: RecordBatch) -> Response<<FlightDoor as FlightService>::DoGetStream> {
    sent(batch.schema(), stream::iter([Ok(batch)]))
}

/// Where an answer of `columns` is to be had: here, for `ticket`.
fn info(
    columns: &Schema,
    ticket: Ticket,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let info = FlightInfo::new().try_with_schema(columns);
    let info = info.map_err(|error| Status::internal(error.to_string()))?;
    let endpoint = FlightEndpoint::new().with_ticket(ticket);
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(descriptor)))
}

/// The same for what is asked again as it was.
fn same(
    columns: &Schema,
    request: Request<FlightDescriptor>,
) -> Result<Response<FlightInfo>, Status> {
    let descriptor = request.into_inner();
    info(columns, Ticket::new(descriptor.cmd.clone()), descriptor)
}

/// The bytes of `any`: two fields with their lengths before them.
///
/// Source: the encoding of Protocol Buffers; `google/protobuf/any.proto`.
fn encoded(any: &Any) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(any.type_url.len() + any.value.len() + 12);
    for (tag, field) in [(0x0A_u8, any.type_url.as_bytes()), (0x12, any.value.as_ref())] {
        bytes.push(tag);
        let mut length = field.len();
        while 0x80 <= length {
            bytes.push(u8::try_from(length & 0x7F).unwrap_or(0) | 0x80);
            length >>= 7;
        }
        bytes.push(u8::try_from(length).unwrap_or(0));
        bytes.extend_from_slice(field);
    }
    bytes
}

/// What stands in a ticket or a handle.
fn question(handle: &[u8]) -> Result<FlightQuestion, Status> {
    serde_json::from_slice(handle)
        .map_err(|_| Status::invalid_argument("no ticket of this server; wanted one that it gave"))
}

fn handle(question: &FlightQuestion) -> Result<Vec<u8>, Status> {
    serde_json::to_vec(question).map_err(|error| Status::internal(error.to_string()))
}

fn schema_bytes(schema: &Schema) -> Result<Vec<u8>, Status> {
    let message: Result<IpcMessage, _> =
        SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into();
    let message = message.map_err(|error| Status::internal(error.to_string()))?;
    Ok(message.0.to_vec())
}

/// Why a question gets no answer, as a status.
pub(super) fn status(refused: &Refused) -> Status {
    let words = refused.to_string();
    match refused.cause() {
        Cause::Writes => Status::permission_denied(words),
        Cause::NoTable | Cause::NoColumn | Cause::NoFunction => Status::not_found(words),
        Cause::Time => Status::deadline_exceeded(words),
        Cause::Memory | Cause::Busy | Cause::Size => Status::resource_exhausted(words),
        Cause::Broken => Status::unavailable(words),
        Cause::Unreadable | Cause::Parameter | Cause::Other => Status::invalid_argument(words),
    }
}

#[tonic::async_trait]
impl FlightSqlService for FlightDoor {
    type FlightService = FlightDoor;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Answers<HandshakeResponse>>, Status> {
        self.enter(&request).await?;
        let token = self.house.access.token().to_owned();
        let header = MetadataValue::try_from(format!("Bearer {token}"));
        let header = header.map_err(|error| Status::internal(error.to_string()))?;
        let payload = token.into_bytes().into();
        let answer = HandshakeResponse { protocol_version: 0, payload };
        let answers: Answers<HandshakeResponse> = Box::pin(stream::iter([Ok(answer)]));
        let mut response = Response::new(answers);
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        let question = FlightQuestion { statement: query.query, parameters: Vec::new() };
        let outline = self.outline(&question).await?;
        let ticket = TicketStatementQuery { statement_handle: handle(&question)?.into() };
        let ticket = Ticket::new(encoded(&ticket.as_any()));
        info(&outline.columns, ticket, request.into_inner())
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        let question = question(&query.prepared_statement_handle)?;
        same(&self.outline(&question).await?.columns, request)
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        same(&query.into_builder().schema(), request)
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        same(&query.into_builder().schema(), request)
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        same(&query.into_builder().schema(), request)
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        same(&query.into_builder().schema(), request)
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.enter(&request).await?;
        same(&catalog::info(query)?.schema(), request)
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Data {
        self.enter(&request).await?;
        self.answer(&question(&ticket.statement_handle)?).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Data {
        self.enter(&request).await?;
        self.answer(&question(&query.prepared_statement_handle)?).await
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, request: Request<Ticket>) -> Data {
        self.enter(&request).await?;
        catalog::catalogs(query).map(one)
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, request: Request<Ticket>) -> Data {
        self.enter(&request).await?;
        catalog::schemas(query).map(one)
    }

    async fn do_get_tables(&self, query: CommandGetTables, request: Request<Ticket>) -> Data {
        self.enter(&request).await?;
        catalog::tables(query, &self.house.pool).await.map(one)
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Data {
        self.enter(&request).await?;
        catalog::table_types(query).map(one)
    }

    async fn do_get_sql_info(&self, query: CommandGetSqlInfo, request: Request<Ticket>) -> Data {
        self.enter(&request).await?;
        catalog::info(query).map(one)
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        self.enter(&request).await?;
        let mut question = question(&query.prepared_statement_handle)?;
        let data = request.into_inner().map(|data| data.map_err(FlightError::from));
        let batches = FlightRecordBatchStream::new_from_flight_data(data);
        let batches: Vec<RecordBatch> = batches.try_collect().await.map_err(Status::from)?;
        question.parameters = parameters::of(&batches).map_err(|refused| status(&refused))?;
        let bound = handle(&question)?;
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(bound.into()) })
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<arrow_flight::Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        self.enter(&request).await?;
        let question = FlightQuestion { statement: query.query, parameters: Vec::new() };
        let outline = self.outline(&question).await?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle(&question)?.into(),
            dataset_schema: schema_bytes(&outline.columns)?.into(),
            parameter_schema: schema_bytes(&outline.parameters)?.into(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        request: Request<arrow_flight::Action>,
    ) -> Result<(), Status> {
        // Nothing is kept of it.
        self.enter(&request).await
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_encoded_as_its_fields_with_their_lengths() {
        let any = |value: &[u8]| Any { type_url: "t".to_owned(), value: value.to_vec().into() };
        assert_eq!(encoded(&any(b"ab")), b"\x0A\x01t\x12\x02ab");
        let long = vec![7; 300];
        let bytes = encoded(&any(&long));
        assert_eq!(bytes[..6], [0x0A, 1, b't', 0x12, 0xAC, 0x02]);
        assert_eq!(bytes[6..], long);
    }
}
