//! What is looked at before a statement is parsed or planned.
//!
//! Rules   one statement, a SELECT; bounded in bytes, in depth of brackets and in operators,
//!         because parser and planner recurse and one of 5 000 terms plans for half a minute.
//!         Tokens are counted in one pass, without recursion.
//! Source  DESIGN §15, trap 13.

use std::collections::VecDeque;
use std::sync::OnceLock;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as Ast};
use datafusion::sql::sqlparser::dialect::{Dialect as Grammar, GenericDialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use crate::query::raw::Dialect;
use crate::query::refused::Refused;

/// Deepest brackets, the parser's own bound on recursion.
const DEPTH_MAX: usize = 50;

/// How large a statement may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In bytes.
    pub statement_max: u64,
    /// In operators and commas: what parser and planner walk through.
    pub operators_max: u64,
}

/// A statement that may be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// The statement.
    pub statement: Statement,
    /// The table functions that look back, as they are spelt, with their literal:
    /// `customers_at('…')`.
    pub looks_back: Vec<(String, String)>,
}

/// Lets `text` of `dialect` in if it is one SELECT within `bounds`.
///
/// # Errors
///
/// [`Refused`] with the bound it breaks, or with what was found instead of a SELECT.
pub fn admit(text: &str, dialect: Dialect, bounds: Bounds) -> Result<Admitted, Refused> {
    let n_bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if bounds.statement_max < n_bytes {
        let (found, most) = (format!("{n_bytes} bytes"), format!("{}", bounds.statement_max));
        return Err(Refused::limit("size of a statement", &found, &most, "statement_max"));
    }
    let grammar: &dyn Grammar = match dialect {
        Dialect::Plain => &GenericDialect {},
        Dialect::Postgres => &PostgreSqlDialect {},
    };
    let tokens = Tokenizer::new(grammar, text).tokenize();
    let tokens = tokens.map_err(|error| Refused(format!("cannot read the statement: {error}")))?;
    let text = numbered(text, &tokens);
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    measure(&tokens, bounds)?;
    let mut statements = parse(&text, dialect)?;
    let statement = statements
        .pop_front()
        .ok_or_else(|| Refused("an empty statement; wanted a SELECT".to_owned()))?;
    if !statements.is_empty() {
        let n = statements.len() + 1;
        return Err(Refused(format!("{n} statements; wanted one SELECT")));
    }
    only_select(&statement)?;
    Ok(Admitted { statement, looks_back: looks_back(&tokens) })
}

fn parse(text: &str, dialect: Dialect) -> Result<VecDeque<Statement>, Refused> {
    static POSTGRES: OnceLock<PostgresCompatibilityParser> = OnceLock::new();
    let unread = |words: &str| Refused(format!("cannot read the statement: {words}"));
    match dialect {
        Dialect::Plain => DFParser::parse_sql(text).map_err(|error| unread(&plain(&error))),
        Dialect::Postgres => {
            let statements = POSTGRES.get_or_init(PostgresCompatibilityParser::new).parse(text);
            let statements = statements.map_err(|error| {
                unread(error.to_string().trim_start_matches("sql parser error: "))
            })?;
            let wrapped = statements.into_iter().map(|ast| Statement::Statement(Box::new(ast)));
            Ok(wrapped.collect())
        }
    }
}

/// `text` with its `?` numbered, as some clients leave that to the other side.
fn numbered(text: &str, tokens: &[Token]) -> String {
    let is_mark = |token: &Token| matches!(token, Token::Placeholder(name) if name == "?");
    if !tokens.iter().any(is_mark) {
        return text.to_owned();
    }
    let mut n_marks = 0;
    let number = |token: &Token| {
        if !is_mark(token) {
            return token.to_string();
        }
        n_marks += 1;
        format!("${n_marks}")
    };
    tokens.iter().map(number).collect()
}

/// The parser's own words, without its name.
fn plain(error: &datafusion::common::DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.trim_start_matches("SQL error: ");
    let inner = text.strip_prefix("ParserError(\"").and_then(|rest| rest.strip_suffix("\")"));
    inner.unwrap_or(text).replace("\\\"", "\"")
}

/// Counts depth and operators.
fn measure(tokens: &[Token], bounds: Bounds) -> Result<(), Refused> {
    let (mut depth, mut deepest, mut n_operators) = (0_usize, 0_usize, 0_u64);
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            Token::Word(word) if word.quote_style.is_some() => {}
            Token::Word(word) => n_operators += u64::from(is_operator(&word.value)),
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Period => {}
            Token::SemiColon | Token::EOF => {}
            _ => n_operators += 1,
        }
    }
    if DEPTH_MAX < deepest {
        return Err(Refused(format!(
            "depth of brackets: {deepest}; wanted at most {DEPTH_MAX}; name inner parts in a WITH"
        )));
    }
    if bounds.operators_max < n_operators {
        let (found, most) = (n_operators.to_string(), bounds.operators_max.to_string());
        return Err(Refused::limit("operators in a statement", &found, &most, "operators_max"));
    }
    Ok(())
}

/// Words that make a statement's tree deeper or wider.
fn is_operator(word: &str) -> bool {
    const WORDS: [&str; 11] = [
        "AND",
        "OR",
        "NOT",
        "UNION",
        "EXCEPT",
        "INTERSECT",
        "JOIN",
        "SELECT",
        "CASE",
        "WHEN",
        "IS",
    ];
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Refuses everything that is not a SELECT through and through.
fn only_select(statement: &Statement) -> Result<(), Refused> {
    let other = |what: String| {
        let words: Vec<&str> = what.split_whitespace().take(2).collect();
        Err(Refused(format!("a statement {}; wanted a SELECT: data is only read", words.join(" "))))
    };
    match statement {
        Statement::Statement(ast) => match ast.as_ref() {
            Ast::Query(query) if reads_only(query) => Ok(()),
            Ast::Query(_) => other("that writes".to_owned()),
            ast => other(ast.to_string()),
        },
        wrapped => other(wrapped.to_string()),
    }
}

fn reads_only(query: &Query) -> bool {
    let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
    ctes.into_iter().all(|cte| reads_only(&cte.query)) && body_reads_only(&query.body)
}

fn body_reads_only(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => select.into.is_none(),
        SetExpr::Query(query) => reads_only(query),
        SetExpr::SetOperation { left, right, .. } => {
            body_reads_only(left) && body_reads_only(right)
        }
        SetExpr::Values(_) => true,
        _ => false,
    }
}

/// The uses of functions whose name ends in `_at` with a text as their argument.
fn looks_back(tokens: &[Token]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for window in tokens.windows(3) {
        if let [Token::Word(word), Token::LParen, Token::SingleQuotedString(when)] = window
            && word.value.to_lowercase().ends_with("_at")
        {
            found.push((word.value.clone(), when.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { statement_max: 65_536, operators_max: 1_000 };

    fn refused(text: &str) -> String {
        admit(text, Dialect::Plain, BOUNDS)
            .map_or_else(|refused| refused.to_string(), |_| "admitted".to_owned())
    }

    #[test]
    fn one_select_is_let_in() {
        for text in [
            "SELECT 1",
            "select * from customers where risk > 70;",
            "WITH a AS (SELECT 1 AS x) SELECT x FROM a UNION ALL SELECT 2",
            "VALUES (1), (2)",
            "-- why\nSELECT ';'",
        ] {
            assert_eq!(refused(text), "admitted", "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_by_what_it_is() {
        let check = |text: &str, says: &str| {
            let refused = refused(text);
            assert!(refused.contains(says), "{text}: {refused}");
        };
        let read_only = "wanted a SELECT: data is only read";
        for text in [
            "COPY customers TO '/tmp/x'",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "SET datafusion.execution.target_partitions = 1",
            "INSERT INTO customers VALUES (1)",
            "DELETE FROM customers",
            "UPDATE customers SET risk = 0",
            "DROP TABLE customers",
            "EXPLAIN ANALYZE SELECT 1",
            "SHOW TABLES",
            "BEGIN",
            "SELECT 1 INTO x",
            "WITH a AS (DELETE FROM customers) SELECT 1",
        ] {
            check(text, read_only);
        }
        check("SELECT 1; SELECT 2", "2 statements; wanted one SELECT");
        check("", "an empty statement");
        check("SELEC 1", "cannot read the statement");
        check("SELECT 'a", "cannot read the statement");
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_parsed() {
        let check = |text: &str, says: &str| {
            let refused = refused(text);
            assert!(refused.contains(says), "{refused}");
        };
        check(&format!("SELECT '{}'", "x".repeat(5 << 20)), "size of a statement: 5242889 bytes");
        let terms = vec!["risk = 1"; 3_000].join(" OR ");
        check(&format!("SELECT 1 WHERE {terms}"), "operators in a statement: 6000");
        let sum = vec!["1"; 10_000].join("+");
        check(&format!("SELECT {sum}"), "operators in a statement: 10000; wanted at most 1000");
        let list = vec!["1"; 5_000].join(",");
        check(&format!("SELECT 1 IN ({list})"), "raise it by sql.operators_max");
        let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        check(&nested, "depth of brackets: 10000; wanted at most 50");
    }

    #[test]
    fn looks_back_are_found_by_their_literals() {
        let text = "SELECT * FROM customers_at('2026-01-01T00:00:00Z') a, Signals_AT ( 's' ) b \
                    WHERE x = 'customers_at(''no'')'";
        let found = admit(text, Dialect::Plain, BOUNDS).map(|admitted| admitted.looks_back);
        let pair = |function: &str, when: &str| (function.to_owned(), when.to_owned());
        let wanted = vec![pair("customers_at", "2026-01-01T00:00:00Z"), pair("Signals_AT", "s")];
        assert_eq!(found, Ok(wanted));
    }
}
