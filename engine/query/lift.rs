//! Customers' ids out of a statement, so that one plan answers for all of them.
//!
//! Rules   only what a WHERE at the top compares with `customer_id` is lifted: there it changes
//!         neither names nor types of what comes out. A statement with parameters of its own is
//!         left as it is.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, SetExpr, Statement as Ast, Value, visit_expressions,
    visit_expressions_mut,
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
    let _through = visit_expressions_mut(&mut select.selection, |expression| {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expression
            && is_id(left)
            && let Expr::Value(found) = right.as_mut()
            && let Value::SingleQuotedString(id) = &mut found.value
        {
            let value = Some(std::mem::take(id));
            lifted.push(Parameter { kind: Some(ParameterKind::Text), value });
            found.value = Value::Placeholder(format!("${}", lifted.len()));
        }
        ControlFlow::<()>::Continue(())
    });
    lifted
}

fn has_parameters(ast: &Ast) -> bool {
    let is_one = |expression: &Expr| match expression {
        Expr::Value(found) => matches!(found.value, Value::Placeholder(_)),
        _ => false,
    };
    let search = |expression: &Expr| match is_one(expression) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
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
            "select risk from customers c where c.CUSTOMER_ID = 'a' and (risk = 1 or customer_id = 'b')",
            "SELECT risk FROM customers c WHERE c.CUSTOMER_ID = $1 AND (risk = 1 OR customer_id = $2)",
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
            "SELECT * FROM customers WHERE customer_id = 'a' AND risk > $1",
            "SELECT * FROM (SELECT * FROM customers WHERE customer_id = 'a')",
            "SELECT 1 UNION ALL SELECT 2",
        ] {
            assert_eq!(lifted(text), (text.to_owned(), Vec::new()));
        }
    }
}
