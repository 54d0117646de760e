//! Where questions are answered, in the process that is made for it.
//!
//! Rules   what DataFusion allocates it asks its pool for; what it allocates behind the pool's
//!         back, and how long it takes, the process around it is watched for. Nothing is written
//!         to disk: a query that does not fit into its memory is refused, not spilled.
//! Cost    a statement about the newest snapshots that was planned is not planned again while they
//!         are open, unless it is long or looks back: naming a hundred columns takes longer than
//!         finding them. What stands for `$1`, and whom it looks up by `customer_id`, is put in
//!         afterwards.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};

use crate::query::bind;
use crate::query::form::{Form, Unwritten, Writer};
use crate::query::guard::{Admitted, Bounds, admit};
use crate::query::lift::lift;
use crate::query::raw::{Asked, Dialect};
use crate::query::refused::Refused;
use crate::query::shelf::Shelf;
use crate::query::tables::LookBack;
use crate::query::view::View;

/// Stack of the thread that plans: plans of the most operators allowed take a tenth of it.
const STACK_BYTES: usize = 64 << 20;
/// Stack of a thread that works, and how many may wait for files: all of them count as memory.
const WORKER_STACK_BYTES: usize = 8 << 20;
const WAITERS_MAX: usize = 8;
/// How long a change of the folder may hide behind an earlier one: the clock of files is coarse.
const CLOCK_STEP: Duration = Duration::from_millis(50);

/// How many plans are kept; then all are made anew.
const PLANS_MAX: usize = 64;
/// The longest statement, in bytes, whose plan is kept.
const KEPT_MAX: usize = 4 << 10;

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

/// What an answer would look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The parameters, `$1` first.
    pub parameters: Schema,
    /// The columns.
    pub columns: SchemaRef,
}

/// Whatever `work` gives, on a thread with room for it: planning recurses.
///
/// One thread for all questions, where there are many: a new one would have to find its memory
/// anew.
///
/// # Errors
///
/// [`Refused`] where no such thread can be had, and what `work` says.
pub fn with_room<T: Send>(work: impl FnOnce() -> Result<T, Refused> + Send) -> Result<T, Refused> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let thread = thread.spawn_scoped(scope, work);
        let done = thread.map_err(|error| Refused(format!("cannot start: {error}")))?.join();
        done.unwrap_or_else(|_| Err(Refused("the query failed: a bug of the engine".to_owned())))
    })
}

/// Snapshots, opened, to be asked on a thread as [`with_room`] makes one.
pub struct Desk {
    runtime: Runtime,
    environment: Arc<RuntimeEnv>,
    root: PathBuf,
    /// The folder's own time when it was read, unless it may change again unseen.
    read_at: Option<SystemTime>,
    shelf: Shelf,
    view: View,
    /// The last question as of another instant, for the next one may be of the same.
    past: Option<(String, View)>,
    /// The plans of what was asked of the newest, by its text, ids lifted out of it.
    plans: HashMap<(Dialect, String), LogicalPlan>,
    allowance: Allowance,
}

impl Desk {
    /// Opens the snapshots below `root` as of `when`, or the newest.
    ///
    /// # Errors
    ///
    /// [`Refused`] where there is none, or `when` is not known.
    pub fn open(root: &Path, when: Option<&str>, allowance: Allowance) -> Result<Desk, Refused> {
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
        let (read_at, shelf) = (stamp(root), Shelf::read(root)?);
        let view = View::open(&environment, &shelf, shelf.lens(when)?);
        let view = runtime.block_on(view);
        let view = view.map_err(|error| Refused::of(&error, &[], allowance.memory_max))?;
        let (root, past, plans) = (root.to_owned(), None, HashMap::new());
        Ok(Desk { runtime, environment, root, read_at, shelf, view, past, plans, allowance })
    }

    /// How many plans are kept.
    pub fn n_plans(&self) -> usize {
        self.plans.len()
    }

    /// Opens the newest snapshots if there may be others than those that are open, and makes
    /// ready for every dialect.
    ///
    /// # Errors
    ///
    /// [`Refused`] where they cannot be opened; those that were open stay.
    pub fn refresh(&mut self) -> Result<(), Refused> {
        let now = stamp(&self.root);
        if now.is_none() || now != self.read_at {
            let shelf = Shelf::read(&self.root)?;
            self.view = self.view_at(&shelf, None)?;
            (self.read_at, self.shelf, self.past) = (now, shelf, None);
            self.plans.clear();
        }
        let session = self.view.session(Dialect::Postgres).map(|_| ());
        session.map_err(|error| self.refused(&error))
    }

    /// Answers `asked` in `form` into `out`; how many rows the answer has.
    ///
    /// # Errors
    ///
    /// [`Refused`]; what is out then is not whole.
    pub fn ask(
        &mut self,
        asked: &Asked,
        form: Form,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, Refused> {
        let plan = bind::bind(self.plan(asked)?, &asked.parameters)?;
        self.runtime.block_on(self.run(plan, asked, form, out))
    }

    /// What the answer to `asked` would look like.
    ///
    /// # Errors
    ///
    /// [`Refused`] where it cannot be planned.
    pub fn describe(&mut self, asked: &Asked) -> Result<Outline, Refused> {
        let plan = self.plan(asked)?;
        let parameters = bind::parameters(&plan, &asked.parameters)?;
        let plan = bind::hollow(plan, &parameters)?;
        // Its columns are sure only when types are: that is the analyzer's work.
        let plan = self.session(asked)?.state().optimize(&plan);
        let plan = plan.map_err(|error| self.refused(&error))?;
        let columns = Arc::new(common(plan.schema().as_arrow()));
        Ok(Outline { parameters, columns })
    }

    /// Lets the statement in, and opens what it sees as of other instants.
    fn admitted(&mut self, asked: &Asked) -> Result<Admitted, Refused> {
        let admitted = admit(&asked.statement, asked.dialect, self.allowance.bounds)?;
        if let Some(when) = &asked.as_of
            && self.past.as_ref().is_none_or(|(open, _)| open != when)
        {
            self.past = Some((when.clone(), self.view_at(&self.shelf, Some(when))?));
        }
        self.look_back(asked, &admitted)?;
        Ok(admitted)
    }

    /// The plan of what is `asked`.
    fn plan(&mut self, asked: &Asked) -> Result<LogicalPlan, Refused> {
        let as_asked = (asked.dialect, asked.statement.clone());
        if let Some(plan) = self.plans.get(&as_asked).filter(|_| asked.as_of.is_none()) {
            return Ok(plan.clone());
        }
        let admitted = self.admitted(asked)?;
        // What looks back is opened anew for every question.
        let is_kept = asked.as_of.is_none()
            && admitted.looks_back.is_empty()
            && asked.statement.len() <= KEPT_MAX;
        if !is_kept {
            return self.planned(admitted.statement, asked);
        }
        let mut statement = admitted.statement.clone();
        let ids = lift(&mut statement);
        if ids.is_empty() {
            return self.kept(as_asked, statement, asked);
        }
        let key = (asked.dialect, statement.to_string());
        let plan = self.kept(key, statement, asked).and_then(|plan| bind::bind(plan, &ids));
        // Where that fails, it is told of the statement as it was asked.
        plan.or_else(|_| self.kept(as_asked, admitted.statement, asked))
    }

    /// The plan of `statement`, which is kept as that of `key`.
    fn kept(
        &mut self,
        key: (Dialect, String),
        statement: Statement,
        asked: &Asked,
    ) -> Result<LogicalPlan, Refused> {
        if let Some(plan) = self.plans.get(&key) {
            return Ok(plan.clone());
        }
        let plan = self.planned(statement, asked)?;
        if PLANS_MAX <= self.plans.len() {
            self.plans.clear();
        }
        self.plans.insert(key, plan.clone());
        Ok(plan)
    }

    /// A new plan of `statement`.
    fn planned(&self, statement: Statement, asked: &Asked) -> Result<LogicalPlan, Refused> {
        let state = self.session(asked)?.state();
        let plan = self.runtime.block_on(state.statement_to_plan(statement));
        let plan = plan.map_err(|error| self.refused(&error))?;
        let only_reads = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        only_reads.verify_plan(&plan).map_err(|error| self.refused(&error))?;
        Ok(plan)
    }

    async fn run(
        &self,
        plan: LogicalPlan,
        asked: &Asked,
        form: Form,
        out: &mut (dyn Write + Send),
    ) -> Result<u64, Refused> {
        let refused = |error: DataFusionError| self.refused(&error);
        let frame = self.session(asked)?.execute_logical_plan(plan).await.map_err(refused)?;
        let mut batches = frame.execute_stream().await.map_err(refused)?;
        let unwritten = |error: Unwritten| Refused(format!("cannot write the answer: {error}"));
        let schema = Arc::new(common(&batches.schema()));
        let mut writer = Writer::begin(form, Arc::clone(&schema), out).map_err(unwritten)?;
        let (mut n_rows, rows_max) = (0_u64, self.allowance.rows_max);
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(refused)?;
            n_rows += u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            if rows_max < n_rows {
                let most = rows_max.to_string();
                return Err(Refused::limit("rows of an answer", "more", &most, "rows_max"));
            }
            let batch = in_common(&batch, &schema).map_err(|error| unwritten(error.into()))?;
            writer.rows(batch).map_err(unwritten)?;
        }
        writer.finish().map_err(unwritten)?;
        Ok(n_rows)
    }

    /// Opens what the statement sees as of other instants.
    fn look_back(&self, asked: &Asked, admitted: &Admitted) -> Result<(), Refused> {
        let mut seen: BTreeMap<String, BTreeMap<String, _>> =
            self.view.tables.keys().map(|table| (table.clone(), BTreeMap::new())).collect();
        let whens: BTreeSet<&String> = admitted.looks_back.iter().map(|(_, when)| when).collect();
        for when in whens {
            for (name, table) in self.view_at(&self.shelf, Some(when))?.tables {
                seen.entry(name).or_default().insert(when.clone(), table);
            }
        }
        let session = self.session(asked)?;
        for (table, seen) in seen {
            let name = format!("{table}_at");
            let look_back = Arc::new(LookBack { table, seen });
            // DataFusion goes by the case of a table function's letters, as SQL never does.
            let spelt = admitted.looks_back.iter().map(|(function, _)| function);
            for spelt in spelt.filter(|spelt| spelt.eq_ignore_ascii_case(&name)) {
                session.register_udtf(spelt, Arc::clone(&look_back) as Arc<_>);
            }
            session.register_udtf(&name, look_back);
        }
        Ok(())
    }

    /// What `shelf` shows as of `when`.
    fn view_at(&self, shelf: &Shelf, when: Option<&str>) -> Result<View, Refused> {
        let view = View::open(&self.environment, shelf, shelf.lens(when)?);
        self.runtime.block_on(view).map_err(|error| self.refused(&error))
    }

    fn session(&self, asked: &Asked) -> Result<&datafusion::prelude::SessionContext, Refused> {
        let view = match (&asked.as_of, &self.past) {
            (Some(_), Some((_, past))) => past,
            _ => &self.view,
        };
        view.session(asked.dialect).map_err(|error| self.refused(&error))
    }

    fn refused(&self, error: &DataFusionError) -> Refused {
        Refused::of(error, &self.view.names(), self.allowance.memory_max)
    }
}

/// When the folder at `root` last got or lost an entry; `None` where that is so short ago that
/// another change may leave no trace.
fn stamp(root: &Path) -> Option<SystemTime> {
    let changed = std::fs::metadata(root).and_then(|folder| folder.modified()).ok()?;
    let ago = SystemTime::now().duration_since(changed).ok()?;
    (CLOCK_STEP < ago).then_some(changed)
}

/// `schema` in types that every reader of Arrow knows: texts as they have always been.
fn common(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        Arc::new(Field::clone(field).with_data_type(in_common_type(field.data_type())))
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

fn in_common_type(kind: &DataType) -> DataType {
    let inner =
        |field: &Field| Arc::new(field.clone().with_data_type(in_common_type(field.data_type())));
    match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(field) => DataType::List(inner(field)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|f| inner(f)).collect()),
        other => other.clone(),
    }
}

fn in_common(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().zip(schema.fields());
    let columns: Result<Vec<_>, ArrowError> =
        columns.map(|(column, field)| cast(column, field.data_type())).collect();
    let options = arrow::record_batch::RecordBatchOptions::new();
    let options = options.with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns?, &options)
}
