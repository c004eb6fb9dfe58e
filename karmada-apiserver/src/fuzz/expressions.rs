//! Expressions: well-formed ones, nearly well-formed ones and nonsense.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::generate::cases;
use crate::cel::{Budget, Declaration, Env, EvalError, Level, Program, Variables};

const UNITS: u64 = 100_000;
/// Far more than the budget takes in a build without optimization on a busy machine.
const LATE: Duration = Duration::from_secs(20);
const TOKENS: [&str; 46] = [
    "self",
    "self.i",
    "self.s",
    "self.l",
    "self.m",
    "x",
    "y",
    "1",
    "-1",
    "9223372036854775807",
    "1u",
    "2.5",
    "1e308",
    "'a'",
    "b'a'",
    "\"é\"",
    "null",
    "true",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    ",",
    ".",
    ":",
    "?",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "in",
    ".all(x, ",
    ".map(x, ",
    ".matches('(a+)+$')",
    ".format([",
    "duration('1h')",
    "r'\\",
    "//",
];

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "self.i",
        "self.d",
        "self.s",
        "self.l",
        "self.m",
        "1",
        "0",
        "-9223372036854775808",
        "2.5",
        "'abc'",
        "b'a'",
        "[]",
        "[1, 2]",
        "{'a': 1}",
        "null",
        "true",
        "x",
        "duration('1h')",
        "timestamp('2024-02-29T10:00:00Z')",
        "quantity('1Gi')",
        "self.l[9]",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let pair = || (inner.clone(), inner.clone());
        prop_oneof![
            (
                pair(),
                prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", "in"])
            )
                .prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            (pair(), prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]))
                .prop_map(|((list, body), function)| format!("{list}.{function}(x, {body})")),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "size()",
                    "lowerAscii()",
                    "split('')",
                    "join(',')",
                    "sum()",
                    "min()",
                    "isSorted()",
                    "reverse()",
                    "getHours()",
                    "matches('a*')",
                    "find('[a-z]')",
                    "replace('', 'bb')",
                    "charAt(0)",
                    "substring(1)",
                    "format([1, 'x'])",
                    "sort()",
                    "distinct()",
                    "flatten()",
                    "trim()",
                ])
            )
                .prop_map(|(target, call)| format!("{target}.{call}")),
            (
                inner.clone(),
                prop::sample::select(vec![
                    "int", "uint", "double", "string", "bytes", "bool", "size", "type", "dyn", "!", "-"
                ])
            )
                .prop_map(|(argument, function)| format!("{function}({argument})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(test, yes, no)| format!("({test} ? {yes} : {no})")),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

/// Compiles and evaluates, within the budget.
fn run(source: &str) -> Result<(), TestCaseError> {
    let schema = json!({"type": "object", "properties": {
        "i": {"type": "integer"}, "d": {"type": "number"}, "s": {"type": "string"},
        "l": {"type": "array", "items": {"type": "integer"}},
        "m": {"type": "object", "additionalProperties": {"type": "string"}},
    }});
    let object = json!({"i": i64::MAX, "d": 2.5, "s": "aé".repeat(50), "l": (0..60).collect::<Vec<i64>>(), "m": {"k": "v"}});
    let declaration = Declaration::from_schema(&schema, Level::Nested).unwrap();
    let env = Env::default().with("self", declaration.value_type.clone());
    let started = Instant::now();
    if let Ok(program) = Program::compile(source, &env) {
        let variables = Variables::from([("self", declaration.value(&object))]);
        let mut budget = Budget::new(UNITS);
        if let Err(EvalError::CostExceeded) = program.eval(&variables, &mut budget) {
            prop_assert_eq!(budget.remaining(), 0);
        }
    }
    prop_assert!(started.elapsed() < LATE, "{} took {:?}", source, started.elapsed());
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn expressions_end_within_their_budget(source in expression()) {
        run(&source)?;
    }

    #[test]
    fn any_text_is_an_expression_or_an_error(source in prop_oneof![
        "\\PC{0,40}",
        prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..30).prop_map(|tokens| tokens.join(" ")),
        prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..30).prop_map(|tokens| tokens.concat()),
        (prop::sample::select(vec!["(", "[", "{1:", "!", "-", "1+", "x.", "true?1:", "[1].map(x,"]), 1..4000_usize)
            .prop_map(|(piece, times)| piece.repeat(times)),
    ]) {
        run(&source)?;
    }
}
