//! Everything that is seen as of one instant, ready to be asked.
//!
//! Shape   the tables once, and over them a session for each dialect: PostgreSQL's clients look
//!         into a catalogue of their own before they ask anything, and nobody else should see it.
//! Cost    a statement that was planned once is not planned again: naming a hundred columns takes
//!         longer than finding them. What stands for `$1` is put in afterwards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::common::DataFusionError;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::query::catalog;
use crate::query::functions;
use crate::query::raw::{Asked, Described, Dialect};
use crate::query::shelf::{Lens, Shelf};
use crate::query::tables::{self, Tables};

/// How many plans are kept; then all are made anew.
const PLANS_MAX: usize = 64;
/// The longest statement, in bytes, whose plan is kept.
const KEPT_MAX: usize = 4 << 10;

/// What is seen.
pub(crate) struct View {
    /// The model that judged.
    pub(crate) model: Described,
    /// The tables by name.
    pub(crate) tables: Tables,
    plain: SessionContext,
    postgres: OnceLock<SessionContext>,
    environment: Arc<RuntimeEnv>,
    plans: Mutex<HashMap<(Dialect, String), LogicalPlan>>,
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
        let (postgres, plans) = (OnceLock::new(), Mutex::default());
        Ok(View { model: lens.model, tables, plain, postgres, environment, plans })
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

    /// The plan of what is `asked`, if it was planned before.
    pub(crate) fn known(&self, asked: &Asked) -> Option<LogicalPlan> {
        let plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        plans.get(&(asked.dialect, asked.statement.clone())).cloned()
    }

    /// Keeps `plan` for whoever asks the same again.
    pub(crate) fn keep(&self, asked: &Asked, plan: &LogicalPlan) {
        if KEPT_MAX < asked.statement.len() {
            return;
        }
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if PLANS_MAX <= plans.len() {
            plans.clear();
        }
        plans.insert((asked.dialect, asked.statement.clone()), plan.clone());
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
