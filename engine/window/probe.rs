//! Which events of a type a feed lets in, and the numbers it takes from them.

use crate::model::{FieldTest, Filter, Number, Test};
use crate::record::{Event, Field};
use crate::unit::Micros;

/// Whether `filter` lets `event` in.
pub fn admits(filter: &Filter, event: &Event<'_>) -> bool {
    filter.any.is_empty() || filter.any.iter().any(|row| row.iter().all(|test| holds(test, event)))
}

fn holds(test: &FieldTest, event: &Event<'_>) -> bool {
    let field = test.field;
    match &test.test {
        Test::OneOf(words) => {
            event.text(field).is_some_and(|text| words.iter().any(|word| word == text))
        }
        Test::NoneOf(words) => {
            !event.text(field).is_some_and(|text| words.iter().any(|word| word == text))
        }
        Test::HoldsAny(words) => {
            words.is_empty()
                || event.text(field).is_some_and(|text| {
                    let text = text.to_lowercase();
                    words.iter().any(|word| text.contains(&word.to_lowercase()))
                })
        }
        Test::Flag(wanted) => event.flag(field) == Some(*wanted),
        Test::Absent => event.get(field).is_none(),
        Test::Present => event.get(field).is_some(),
        Test::Below(edge) => scaled(field, event).is_some_and(|number| number < *edge),
        Test::AtLeast(edge) => scaled(field, event).is_some_and(|number| *edge <= number),
    }
}

/// The number of `field`; a `score` on the scale from 0 to 1.
fn scaled(field: Field, event: &Event<'_>) -> Option<Micros> {
    if field == Field::Score { event.scaled() } else { event.number(field) }
}

/// The quotient that `number` takes from `event`, or `None` where a field is missing.
pub fn quotient(number: Number, event: &Event<'_>) -> Option<(i64, i64)> {
    let one = Micros::ONE.get();
    match number {
        Number::Field(field) => match event.moment(field) {
            Some(moment) => Some((moment.millis(), 1)),
            None => event.number(field).map(|number| (number.get(), one)),
        },
        Number::Scaled => event.scaled().map(|number| (number.get(), one)),
        Number::Goodness => event.goodness().map(|number| (number.get(), one)),
        Number::Attainment => {
            let value = event.number(Field::Value)?.get();
            let target = event.number(Field::Target)?.get();
            let baseline = event.number(Field::Baseline).map_or(0, Micros::get);
            Some((value.checked_sub(baseline)?, target.checked_sub(baseline)?))
        }
    }
}
