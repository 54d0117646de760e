//! What comes back: bytes in the form that was asked for, or rows of Arrow out of them.

use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamDecoder;
use arrow::record_batch::RecordBatch;
use tokio::sync::mpsc;

use crate::query::desk::Outline;
use crate::query::frame::Kind;
use crate::query::pool::worker::Heard;
use crate::query::refused::Refused;

/// An answer as it comes; whoever drops it before its end ends the query.
pub struct Answer {
    first: Option<Heard>,
    told: mpsc::Receiver<Result<Heard, Refused>>,
}

impl Answer {
    /// The answer whose first part has come.
    pub(super) async fn begun(
        mut told: mpsc::Receiver<Result<Heard, Refused>>,
    ) -> Result<Answer, Refused> {
        let first = told.recv().await.transpose()?;
        Ok(Answer { first, told })
    }

    /// The next part; `None` at the end of an answer that is whole.
    pub async fn part(&mut self) -> Option<Result<Vec<u8>, Refused>> {
        Some(self.heard().await?.map(|heard| heard.bytes))
    }

    async fn heard(&mut self) -> Option<Result<Heard, Refused>> {
        match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => self.told.recv().await,
        }
    }

    /// The rows of an answer in the form of Arrow.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is none.
    pub async fn batches(self) -> Result<Batches, Refused> {
        let mut batches = Batches {
            answer: self,
            decoder: StreamDecoder::new(),
            rest: Buffer::from(&[]),
            schema: None,
        };
        // The columns stand before the rows.
        while batches.schema.is_none() {
            match batches.more().await {
                Some(more) => more?,
                None => return Err(Refused("the process that answers gave nothing".to_owned())),
            }
        }
        Ok(batches)
    }
}

/// Rows of Arrow as they come.
pub struct Batches {
    answer: Answer,
    decoder: StreamDecoder,
    rest: Buffer,
    /// The columns, and rows that came with them.
    schema: Option<(SchemaRef, Option<RecordBatch>)>,
}

impl Batches {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        let schema = self.schema.as_ref().map(|(schema, _)| SchemaRef::clone(schema));
        schema.unwrap_or_else(|| SchemaRef::new(Schema::empty()))
    }

    /// The next rows; `None` at the end of an answer that is whole.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, Refused>> {
        if let Some((_, first)) = &mut self.schema
            && let Some(first) = first.take()
        {
            return Some(Ok(first));
        }
        loop {
            match self.decoder.decode(&mut self.rest) {
                Ok(Some(batch)) => return Some(Ok(batch)),
                Ok(None) => {}
                Err(error) => return Some(Err(unreadable(&error))),
            }
            match self.answer.part().await? {
                Ok(bytes) => self.rest = Buffer::from_vec(bytes),
                Err(refused) => return Some(Err(refused)),
            }
        }
    }

    async fn more(&mut self) -> Option<Result<(), Refused>> {
        match self.answer.part().await? {
            Ok(bytes) => self.rest = Buffer::from_vec(bytes),
            Err(refused) => return Some(Err(refused)),
        }
        let batch = match self.decoder.decode(&mut self.rest) {
            Ok(batch) => batch,
            Err(error) => return Some(Err(unreadable(&error))),
        };
        self.schema = self.decoder.schema().map(|schema| (schema, batch));
        Some(Ok(()))
    }
}

/// What the answer to a statement would look like, out of the answer to that question.
///
/// # Errors
///
/// [`Refused`] where the statement cannot be planned.
pub async fn outline(mut answer: Answer) -> Result<Outline, Refused> {
    let (mut parameters, mut columns) = (Vec::new(), Vec::new());
    while let Some(heard) = answer.heard().await.transpose()? {
        match heard.kind {
            Kind::Parameters => parameters.extend(heard.bytes),
            _ => columns.extend(heard.bytes),
        }
    }
    let parameters = schema(parameters)?;
    Ok(Outline { parameters: Schema::clone(&parameters), columns: schema(columns)? })
}

fn schema(bytes: Vec<u8>) -> Result<SchemaRef, Refused> {
    let mut decoder = StreamDecoder::new();
    let decoded = decoder.decode(&mut Buffer::from_vec(bytes));
    decoded.map_err(|error| unreadable(&error))?;
    decoder.schema().ok_or_else(|| Refused("the process that answers gave no columns".to_owned()))
}

fn unreadable(error: &arrow::error::ArrowError) -> Refused {
    Refused(format!("what the process that answers gave cannot be read: {error}"))
}
