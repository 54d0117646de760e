//! Customers' ids out of a statement, so that one plan answers for all of them.
//!
//! Rules   lifted is what the WHERE of a SELECT from one table, itself and no query inside it,
//!         compares with `customer_id`: it changes neither names nor types of anything there. A
//!         statement with parameters of its own is left as it is.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, SetExpr, Statement as Ast, Value, visit_expressions,
};

use crate::query::raw::{Parameter, ParameterKind};

/// The column that is looked up by.
const ID: &str = "customer_id";

/// Puts `$1`, `$2`, … in the places of the ids that `statement` looks up by; those ids, in order.
pub(crate) fn lift(statement: &mut Statement) -> Vec<Parameter> {
    let mut lifted = Vec::new();
    let Statement::Statement(ast) = statement else { return lifted };
    if has_parameters(ast) {
        return lifted;
    }
    let Ast::Query(query) = ast.as_mut() else { return lifted };
    let SetExpr::Select(select) = query.body.as_mut() else { return lifted };
    if let ([table], Some(selection)) = (select.from.as_slice(), &mut select.selection)
        && table.joins.is_empty()
    {
        lift_from(selection, &mut lifted);
    }
    lifted
}

fn lift_from(expression: &mut Expr, lifted: &mut Vec<Parameter>) {
    match expression {
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            lift_from(left, lifted);
            lift_from(right, lifted);
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } if is_id(left) => {
            if let Expr::Value(found) = right.as_mut()
                && let Value::SingleQuotedString(id) = &mut found.value
            {
                let value = Some(std::mem::take(id));
                lifted.push(Parameter { kind: Some(ParameterKind::Text), value });
                found.value = Value::Placeholder(format!("${}", lifted.len()));
            }
        }
        Expr::Nested(inner) => lift_from(inner, lifted),
        _ => {}
    }
}

fn has_parameters(ast: &Ast) -> bool {
    let search = |expression: &Expr| match expression {
        Expr::Value(found) if matches!(found.value, Value::Placeholder(_)) => {
            ControlFlow::Break(())
        }
        _ => ControlFlow::Continue(()),
    };
    visit_expressions(ast, search).is_break()
}

fn is_id(expression: &Expr) -> bool {
    let is_it = |name: &Ident| name.value.eq_ignore_ascii_case(ID);
    match expression {
        Expr::Identifier(name) => is_it(name),
        Expr::CompoundIdentifier(names) => names.last().is_some_and(is_it),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use datafusion::sql::parser::DFParser;

    use super::*;

    /// What is left of `text`, and the ids that were lifted.
    fn lifted(text: &str) -> (String, Vec<String>) {
        let mut statement = DFParser::parse_sql(text).unwrap().pop_front().unwrap();
        let ids = lift(&mut statement).into_iter().filter_map(|id| id.value).collect();
        (statement.to_string(), ids)
    }

    #[test]
    fn ids_that_are_looked_up_by_are_lifted_in_their_order() {
        let check = |text: &str, left: &str, ids: &[&str]| {
            assert_eq!(
                lifted(text),
                (left.to_owned(), ids.iter().map(|id| (*id).into()).collect())
            );
        };
        check(
            "SELECT * FROM customers WHERE customer_id = 'it''s'",
            "SELECT * FROM customers WHERE customer_id = $1",
            &["it's"],
        );
        check(
            "select risk from signals s where s.CUSTOMER_ID = 'a' and (x = 1 or customer_id = 'b')",
            "SELECT risk FROM signals s WHERE s.CUSTOMER_ID = $1 AND (x = 1 OR customer_id = $2)",
            &["a", "b"],
        );
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "SELECT customer_id = 'a' FROM customers",
            "SELECT * FROM customers WHERE plan = 'a'",
            "SELECT * FROM customers WHERE customer_id <> 'a'",
            "SELECT * FROM customers WHERE customer_id = 7",
            "SELECT * FROM customers WHERE 'a' = customer_id",
            "SELECT * FROM customers WHERE customer_id = 'a' AND risk > $1",
            "SELECT * FROM customers WHERE customer_id = 'a' LIMIT $1",
            "SELECT * FROM (SELECT * FROM customers WHERE customer_id = 'a')",
            "SELECT * FROM customers WHERE EXISTS (SELECT customer_id = 'a' FROM signals)",
            "SELECT * FROM customers JOIN signals USING(customer_id) WHERE customer_id = 'a'",
            "SELECT * FROM customers JOIN signals ON customer_id = 'a'",
            "SELECT * FROM customers, signals WHERE signals.customer_id = 'a'",
            "SELECT count(*) FROM signals GROUP BY customer_id HAVING customer_id = 'a'",
            "SELECT 1 FROM signals WHERE customer_id = 'a' UNION ALL SELECT 2",
        ] {
            assert_eq!(lifted(text), (text.to_owned(), Vec::new()));
        }
    }
}
