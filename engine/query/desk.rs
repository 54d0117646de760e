//! Where questions are answered, in the process that is made for it.
//!
//! Rules   what DataFusion allocates it asks its pool for; what it allocates behind the pool's
//!         back, and how long it takes, the process around it is watched for. Nothing is written
//!         to disk: a query that does not fit into its memory is refused, not spilled.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};

use crate::query::form::{Form, Unwritten, Writer};
use crate::query::functions;
use crate::query::guard::{Admitted, Bounds, admit};
use crate::query::raw::Described;
use crate::query::refused::Refused;
use crate::query::shelf::Shelf;
use crate::query::tables::{self, LookBack, Tables};

/// Stack of the thread that plans: plans of the most operators allowed take a tenth of it.
const STACK_BYTES: usize = 64 << 20;
/// Stack of a thread that works, and how many may wait for files: all of them count as memory.
const WORKER_STACK_BYTES: usize = 8 << 20;
const WAITERS_MAX: usize = 8;

/// How much a desk may use and give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most memory of a query, in bytes.
    pub memory_max: u64,
    /// The most rows of an answer.
    pub rows_max: u64,
    /// How large a statement may be.
    pub bounds: Bounds,
}

/// Snapshots, opened.
pub struct Desk {
    runtime: Runtime,
    environment: Arc<RuntimeEnv>,
    shelf: Shelf,
    model: Described,
    context: SessionContext,
    tables: Tables,
    allowance: Allowance,
}

impl Desk {
    /// Opens the snapshots below `root` as of `when`, or the newest.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is none, or `when` is not known.
    pub fn open(root: &Path, when: Option<&str>, allowance: Allowance) -> Result<Desk, Refused> {
        let shelf = Shelf::read(root)?;
        let lens = shelf.lens(when)?;
        let runtime = Builder::new_multi_thread()
            .thread_stack_size(WORKER_STACK_BYTES)
            .max_blocking_threads(WAITERS_MAX)
            .build();
        let runtime = runtime.map_err(|error| Refused(format!("cannot start: {error}")))?;
        let memory_max = usize::try_from(allowance.memory_max).unwrap_or(usize::MAX);
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(memory_max)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build_arc()
            .map_err(|error| Refused::of(&error, &[], allowance.memory_max))?;
        let context = context(&environment, &lens.model);
        let tables = runtime
            .block_on(tables::open(&context, &shelf, &lens))
            .map_err(|error| Refused::of(&error, &[], allowance.memory_max))?;
        let model = lens.model;
        Ok(Desk { runtime, environment, shelf, model, context, tables, allowance })
    }

    /// Answers `statement` in `form` into `out`; how many rows it has.
    ///
    /// # Errors
    ///
    /// [`Refused`]; what is out then is not whole.
    pub fn ask(
        &self,
        statement: &str,
        form: Form,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, Refused> {
        let admitted = admit(statement, self.allowance.bounds)?;
        self.look_back(&admitted)?;
        // Planning recurses: on a thread with room for it.
        std::thread::scope(|scope| {
            let work = || self.runtime.block_on(self.run(admitted, form, out));
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            let thread = thread.spawn_scoped(scope, work);
            let done = thread.map_err(|error| Refused(format!("cannot start: {error}")))?.join();
            done.unwrap_or_else(|_| {
                Err(Refused("the query failed: a bug of the engine".to_owned()))
            })
        })
    }

    async fn run(
        &self,
        admitted: Admitted,
        form: Form,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, Refused> {
        let refused = |error: DataFusionError| self.refused(&error);
        let plan = self.context.state().statement_to_plan(admitted.statement).await;
        let plan = plan.map_err(refused)?;
        let only_reads = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        only_reads.verify_plan(&plan).map_err(refused)?;
        let frame = self.context.execute_logical_plan(plan).await.map_err(refused)?;
        let mut batches = frame.execute_stream().await.map_err(refused)?;
        let unwritten = |error: Unwritten| Refused(format!("cannot write the answer: {error}"));
        let mut writer = Writer::begin(form, batches.schema(), out).map_err(unwritten)?;
        let (mut n_rows, rows_max) = (0_u64, self.allowance.rows_max);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(refused)?;
            n_rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            if rows_max < n_rows {
                let most = rows_max.to_string();
                return Err(Refused::limit("rows of an answer", "more", &most, "--rows-max"));
            }
            writer.rows(batch).map_err(unwritten)?;
        }
        writer.finish().map_err(unwritten)?;
        Ok(n_rows)
    }

    /// Opens what the statement sees as of other instants.
    fn look_back(&self, admitted: &Admitted) -> Result<(), Refused> {
        let mut seen: BTreeMap<String, BTreeMap<String, _>> =
            self.tables.keys().map(|table| (table.clone(), BTreeMap::new())).collect();
        let whens: std::collections::BTreeSet<&String> =
            admitted.looks_back.iter().map(|(_, when)| when).collect();
        for when in whens {
            let lens = self.shelf.lens(Some(when))?;
            let scratch = context(&self.environment, &lens.model);
            let tables = self
                .runtime
                .block_on(tables::open(&scratch, &self.shelf, &lens))
                .map_err(|error| self.refused(&error))?;
            for (name, table) in tables {
                seen.entry(name).or_default().insert(when.clone(), table);
            }
        }
        for (table, seen) in seen {
            let name = format!("{table}_at");
            self.context.register_udtf(&name, Arc::new(LookBack { table, seen }));
        }
        Ok(())
    }

    fn refused(&self, error: &DataFusionError) -> Refused {
        let names: Vec<&str> = self.tables.keys().map(String::as_str).collect();
        Refused::of(error, &names, self.allowance.memory_max)
    }

    /// The model whose results are seen.
    pub fn model(&self) -> &Described {
        &self.model
    }
}

/// A session without tables, with the functions over `model`.
fn context(environment: &Arc<RuntimeEnv>, model: &Described) -> SessionContext {
    let mut config = SessionConfig::new().with_default_catalog_and_schema("ebb", "public");
    let options = config.options_mut();
    // A look-up reads the columns it shows only where the customer is.
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Who has no score comes last, whichever end is asked for.
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    let context = SessionContext::new_with_config_rt(config, Arc::clone(environment));
    functions::scalars(model).into_iter().for_each(|function| context.register_udf(function));
    context.register_udaf(functions::nps());
    context
}
