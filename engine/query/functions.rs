//! Functions that SQL lacks: the formulas of the trade.
//!
//! Rules   every formula multiplies by 100 before it divides; null in, null out; what
//!         would divide by zero is null.
//! Source  §6 of the specification, F-1 to F-18.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Float64Builder, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TypeSignature, Volatility, create_udaf,
};

use crate::query::raw::{Described, ScoreOf};
use crate::query::refused::Refused;

/// One formula: name, what it takes, what it gives, how.
pub struct Formula {
    /// Its name in SQL.
    pub name: &'static str,
    /// What it takes; arguments in brackets may be left out.
    pub takes: &'static str,
    /// What it gives.
    pub means: &'static str,
    n_args: &'static [usize],
    compute: fn(&[f64]) -> f64,
}

/// The formulas.
pub const FORMULAS: [Formula; 10] = [
    Formula {
        name: "clv",
        takes: "arpu, margin, churn [, expansion]",
        means: "F-1, F-2: value of a customer; arpu and churn of the same period, ratios 0 to 1",
        n_args: &[3, 4],
        compute: |args| match args {
            [arpu, margin, churn, rest @ ..] if (0.0..=1.0).contains(churn) => {
                arpu * margin / churn * (1.0 + rest.first().unwrap_or(&0.0))
            }
            _ => f64::NAN,
        },
    },
    Formula {
        name: "churn_rate",
        takes: "lost, start",
        means: "F-3, F-8: percent of those at the start who were lost",
        n_args: &[2],
        compute: percent,
    },
    Formula {
        name: "churn_annual",
        takes: "monthly",
        means: "F-4: the ratio lost in a year at this ratio a month: 1 - (1 - monthly)^12",
        n_args: &[1],
        compute: |args| match args {
            [monthly] if (0.0..=1.0).contains(monthly) => 1.0 - (1.0 - monthly).powi(12),
            _ => f64::NAN,
        },
    },
    Formula {
        name: "expansion_rate",
        takes: "expansion, start",
        means: "F-5: percent of the revenue at the start that was added",
        n_args: &[2],
        compute: percent,
    },
    Formula {
        name: "nrr",
        takes: "start, expansion, contraction, churn",
        means: "F-6: net revenue retention in percent",
        n_args: &[4],
        compute: |args| match args {
            [start, expansion, contraction, churn] => {
                (start + expansion - contraction - churn) * 100.0 / start
            }
            _ => f64::NAN,
        },
    },
    Formula {
        name: "crr",
        takes: "start, new, end",
        means: "F-7: customer retention in percent: those at the end who are not new",
        n_args: &[3],
        compute: |args| match args {
            [start, new, end] => (end - new) * 100.0 / start,
            _ => f64::NAN,
        },
    },
    Formula {
        name: "ltv",
        takes: "purchase, frequency, lifetime [, margin]",
        means: "F-9, F-10: average purchase times purchases a year times years",
        n_args: &[3, 4],
        compute: |args| match args {
            [purchase, frequency, lifetime, rest @ ..] => {
                purchase * frequency * lifetime * rest.first().unwrap_or(&1.0)
            }
            _ => f64::NAN,
        },
    },
    Formula {
        name: "offer_cost",
        takes: "mrr, discount, months",
        means: "I-8: what a discount (ratio) costs with this customer",
        n_args: &[3],
        compute: |args| args.iter().product(),
    },
    Formula {
        name: "offer_roi",
        takes: "saved, cost",
        means: "F-13, F-14: what comes back for each unit spent",
        n_args: &[2],
        compute: |args| match args {
            [saved, cost] => saved / cost,
            _ => f64::NAN,
        },
    },
    Formula {
        name: "change_rate",
        takes: "before, after",
        means: "F-16 to F-18, F-21: change in percent",
        n_args: &[2],
        compute: |args| match args {
            [before, after] => (after - before) * 100.0 / before,
            _ => f64::NAN,
        },
    },
];

fn percent(args: &[f64]) -> f64 {
    match args {
        [part, whole] => part * 100.0 / whole,
        _ => f64::NAN,
    }
}

/// The scalar functions over the scores of `model`.
pub fn scalars(model: &Described) -> Vec<ScalarUDF> {
    let formulas = FORMULAS.iter().map(|formula| {
        let any = |n: &usize| TypeSignature::Exact(vec![DataType::Float64; *n]);
        let signatures = formula.n_args.iter().map(any).collect();
        let signature = Signature::one_of(signatures, Volatility::Immutable);
        ScalarUDF::from(Compute { formula, signature })
    });
    let signature =
        Signature::exact(vec![DataType::Utf8, DataType::Float64], Volatility::Immutable);
    let band = ScalarUDF::from(Band { scores: model.scores.clone(), signature });
    formulas.chain([band]).collect()
}

/// A formula as a function of DataFusion.
struct Compute {
    formula: &'static Formula,
    signature: Signature,
}

impl std::fmt::Debug for Compute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.formula.name)
    }
}

impl PartialEq for Compute {
    fn eq(&self, other: &Compute) -> bool {
        self.formula.name == other.formula.name
    }
}

impl Eq for Compute {}

impl Hash for Compute {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.formula.name.hash(state);
    }
}

impl ScalarUDFImpl for Compute {
    fn name(&self) -> &str {
        self.formula.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let columns: Vec<&Float64Array> =
            arrays.iter().map(|array| array.as_primitive::<Float64Type>()).collect();
        let n_rows = columns.first().map_or(0, |column| column.len());
        let mut found = Float64Builder::with_capacity(n_rows);
        let mut row = Vec::with_capacity(columns.len());
        for at in 0..n_rows {
            row.clear();
            row.extend(columns.iter().filter(|c| c.is_valid(at)).map(|c| c.value(at)));
            let is_whole = row.len() == columns.len();
            let value = is_whole.then(|| (self.formula.compute)(&row));
            found.append_option(value.filter(|value| value.is_finite()));
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish())))
    }
}

/// `band(score, value)`: the band of a number.
#[derive(Debug)]
struct Band {
    scores: Vec<ScoreOf>,
    signature: Signature,
}

impl PartialEq for Band {
    fn eq(&self, other: &Band) -> bool {
        self.scores == other.scores
    }
}

impl Eq for Band {}

impl Hash for Band {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.scores.iter().for_each(|score| score.name.hash(state));
    }
}

impl Band {
    /// The band of `value` of the score called `name`.
    fn of(&self, name: &str, value: f64) -> Result<Option<&str>> {
        let Some(score) = self.scores.iter().find(|score| score.name == name) else {
            let known = self.scores.iter().map(|score| score.name.as_str());
            let refused = Refused::unknown("score", name, known);
            return Err(DataFusionError::External(Box::new(refused)));
        };
        let band = score.bands.iter().rev().find(|band| band.from <= value);
        Ok(band.map(|band| band.name.as_str()))
    }
}

impl ScalarUDFImpl for Band {
    fn name(&self) -> &str {
        "band"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _args: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [names, values] = arrays.as_slice() else {
            return Err(DataFusionError::Plan("band takes a score and a value".to_owned()));
        };
        let names = names.as_string::<i32>().iter();
        let values = values.as_primitive::<Float64Type>().iter();
        let bands = names.zip(values).map(|pair| match pair {
            (Some(name), Some(value)) => self.of(name, value),
            _ => Ok(None),
        });
        let bands: Result<StringArray> = bands.collect();
        Ok(ColumnarValue::Array(Arc::new(bands?)))
    }
}

/// `nps(answer)`: percent of promoters less percent of detractors (F-12).
pub fn nps() -> AggregateUDF {
    create_udaf(
        "nps",
        vec![DataType::Float64],
        Arc::new(DataType::Float64),
        Volatility::Immutable,
        Arc::new(|_| Ok(Box::new(Nps::default()))),
        Arc::new(vec![DataType::Int64; 3]),
    )
}

/// Answers on the scale 0 to 10: promoters from 9, detractors below 7.
#[derive(Debug, Default)]
struct Nps {
    promoters: i64,
    detractors: i64,
    answers: i64,
}

impl Accumulator for Nps {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for answer in values.iter().flat_map(|array| array.as_primitive::<Float64Type>().iter()) {
            let Some(answer) = answer else { continue };
            self.answers += 1;
            self.promoters += i64::from(9.0 <= answer);
            self.detractors += i64::from(answer < 7.0);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let value = (self.promoters - self.detractors) as f64 * 100.0 / self.answers as f64;
        Ok(ScalarValue::Float64(Some(value).filter(|value| value.is_finite())))
    }

    fn size(&self) -> usize {
        size_of::<Nps>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let counts = [self.promoters, self.detractors, self.answers];
        Ok(counts.map(|count| ScalarValue::Int64(Some(count))).to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let sum = |at: usize| -> i64 {
            let counts = states.get(at).map(|array| array.as_primitive::<Int64Type>());
            counts.into_iter().flat_map(|counts| counts.iter().flatten()).sum()
        };
        self.promoters += sum(0);
        self.detractors += sum(1);
        self.answers += sum(2);
        Ok(())
    }
}
