//! Everything that is seen as of one instant, ready to be asked.
//!
//! Shape   the tables once, and over them a session for each dialect: PostgreSQL's clients look
//!         into a catalogue of their own before they ask anything, and nobody else should see it.

use std::sync::{Arc, OnceLock};

use datafusion::common::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::query::catalog;
use crate::query::functions;
use crate::query::raw::{Described, Dialect};
use crate::query::shelf::{Lens, Shelf};
use crate::query::tables::{self, Tables};

/// What is seen.
pub(crate) struct View {
    /// The model that judged.
    pub(crate) model: Described,
    /// The tables by name.
    pub(crate) tables: Tables,
    plain: SessionContext,
    postgres: OnceLock<SessionContext>,
    environment: Arc<RuntimeEnv>,
}

impl View {
    /// Opens what `lens` shows of `shelf`.
    ///
    /// # Errors
    ///
    /// What DataFusion says; nothing that whoever asks can mend.
    pub(crate) async fn open(
        environment: &Arc<RuntimeEnv>,
        shelf: &Shelf,
        lens: Lens,
    ) -> Result<View, DataFusionError> {
        let plain = session(environment, &lens.model, Dialect::Plain);
        let tables = tables::open(&plain, shelf, &lens).await?;
        let environment = Arc::clone(environment);
        Ok(View { model: lens.model, tables, plain, postgres: OnceLock::new(), environment })
    }

    /// The session in which statements of `dialect` are planned.
    ///
    /// # Errors
    ///
    /// What DataFusion says; nothing that whoever asks can mend.
    pub(crate) fn session(&self, dialect: Dialect) -> Result<&SessionContext, DataFusionError> {
        if dialect == Dialect::Plain {
            return Ok(&self.plain);
        }
        if let Some(session) = self.postgres.get() {
            return Ok(session);
        }
        let session = session(&self.environment, &self.model, dialect);
        for (name, table) in &self.tables {
            session.register_table(name.as_str(), Arc::clone(table))?;
        }
        catalog::set_up(&session)?;
        Ok(self.postgres.get_or_init(|| session))
    }

    /// The names of the tables.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.tables.keys().map(String::as_str).collect()
    }
}

/// A session without tables, with the functions over `model`.
fn session(environment: &Arc<RuntimeEnv>, model: &Described, dialect: Dialect) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(catalog::DATABASE, catalog::SCHEMA)
        .with_information_schema(dialect == Dialect::Postgres);
    let options = config.options_mut();
    // A look-up reads the columns it shows only where the customer is.
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Who has no score comes last, whichever end is asked for.
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    let session = SessionContext::new_with_config_rt(config, Arc::clone(environment));
    functions::scalars(model).into_iter().for_each(|function| session.register_udf(function));
    session.register_udaf(functions::nps());
    session
}
