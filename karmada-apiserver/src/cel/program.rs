//! A compiled expression.

use std::collections::BTreeMap;

use regex_lite::Regex;

use super::ast::{Expr, Kind};
use super::check::{Env, check};
use super::error::{CompileError, EvalError, Issue};
use super::eval::{Budget, Evaluator, Variables};
use super::parser::parse;
use super::types::Type;
use super::value::Value;

/// An expression that has been parsed and checked, and can be evaluated any number of times.
#[derive(Debug)]
pub(crate) struct Program {
    expr: Expr,
    types: Vec<Type>,
    /// Compiled patterns that are literals in the source, by the id of their call.
    patterns: BTreeMap<usize, Regex>,
}

impl Program {
    /// Compiles a source for the variables of an environment.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its place in the source.
    pub(crate) fn compile(source: &str, env: &Env) -> Result<Self, CompileError> {
        let (expr, nodes) = parse(source).map_err(|issues| CompileError::new(source, issues))?;
        let types = check(&expr, nodes, env).map_err(|issues| CompileError::new(source, issues))?;
        let (patterns, issues) = patterns(&expr);
        if !issues.is_empty() {
            return Err(CompileError::new(source, issues));
        }
        Ok(Self { expr, types, patterns })
    }

    /// Returns the type of the result.
    pub(crate) fn output(&self) -> &Type {
        &self.types[self.expr.id]
    }

    /// Whether the expression reads a variable.
    pub(crate) fn mentions(&self, variable: &str) -> bool {
        self.expr.mentions(variable)
    }

    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Returns the type of a node of the tree.
    pub(super) fn type_of(&self, expr: &Expr) -> &Type {
        &self.types[expr.id]
    }

    /// Evaluates the expression. The work is taken from the budget.
    pub(crate) fn eval(&self, variables: &Variables, budget: &mut Budget) -> Result<Value, EvalError> {
        Evaluator { variables, patterns: &self.patterns, scope: Vec::new(), budget }.node(&self.expr)
    }
}

fn patterns(expr: &Expr) -> (BTreeMap<usize, Regex>, Vec<Issue>) {
    let (mut compiled, mut issues) = (BTreeMap::new(), Vec::new());
    expr.walk(&mut |node| {
        let Kind::Call { function, target, args } = &node.kind else { return };
        let (("matches", None, [_, pattern]) | ("matches" | "find" | "findAll", Some(_), [pattern, ..])) =
            (function.as_str(), target, args.as_slice())
        else {
            return;
        };
        let Kind::Literal(Value::String(text)) = &pattern.kind else { return };
        match Regex::new(text) {
            Ok(regex) => {
                compiled.insert(node.id, regex);
            }
            Err(_) => {
                issues
                    .push(Issue { offset: pattern.offset, message: format!("invalid {function} argument") });
            }
        }
    });
    (compiled, issues)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::convert::{Declaration, Level};
    use super::*;

    fn run(source: &str) -> Result<Value, String> {
        let schema = json!({"type": "object", "properties": {
            "i": {"type": "integer"}, "d": {"type": "number"}, "s": {"type": "string"},
            "l": {"type": "array", "items": {"type": "integer"}},
            "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
            "m": {"type": "object", "additionalProperties": {"type": "string"}},
            "a-b": {"type": "string"}, "namespace": {"type": "string"},
            "t": {"type": "string", "format": "date-time"},
        }});
        let object = json!({"i": 3, "d": 2, "s": "abc", "l": [1, 2, 3], "set": ["x", "y"], "m": {"k": "v"}, "a-b": "x",
            "namespace": "n", "t": "2024-02-29T10:00:00Z"});
        let declaration = Declaration::from_schema(&schema, Level::Nested).unwrap();
        let env = Env::default().with("self", declaration.value_type.clone());
        let program = Program::compile(source, &env).map_err(|error| error.to_string())?;
        let variables = Variables::from([("self", declaration.value(&object))]);
        program.eval(&variables, &mut Budget::new(1_000_000)).map_err(|error| error.to_string())
    }

    #[test]
    fn evaluates_the_language_and_its_libraries() {
        let rows = [
            "self.i == 3 && self.d == 2.0 && self.i > 2.5 && -self.i == -3",
            "self.l.all(x, x > 0) && self.l.exists(x, x == 2) && self.l.exists_one(x, x > 2)",
            "self.l.map(x, x * 2) == [2, 4, 6] && self.l.filter(x, x % 2 == 1).size() == 2",
            "self.l.map(x, x > 1, x + 1) == [3, 4] && self.l.all(i, x, x == i + 1)",
            "self.set == ['y', 'x'] && (self.set + ['x', 'z']).size() == 3",
            "self.m.all(k, self.m[k] == 'v') && 'k' in self.m && !('q' in self.m) && has(self.m.k)",
            "self.a__dash__b == 'x' && self.__namespace__ == 'n'",
            "self.t.getFullYear() == 2024 && self.t.getMonth() == 1 && self.t.getDayOfMonth() == 28 && self.t.getDate() == 29",
            "type(self.t) == google.protobuf.Timestamp && type(self.l) == list && type(1) == int",
            "duration('1h30m').getMinutes() == 90 && string(duration('90s')) == '90s'",
            "self.t + duration('1h') > timestamp('2024-02-29T10:30:00Z')",
            "'%s is %d, %.2f %x %e'.format(['a', 5, 1.5, 255, 1234.5]) == 'a is 5, 1.50 ff 1.234500e+03'",
            "'hello'.charAt(1) == 'e' && 'hello'.indexOf('l') == 2 && 'hello'.lastIndexOf('l') == 3",
            "'a,b,c'.split(',') == ['a', 'b', 'c'] && ['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1, 2) == 'b'",
            "'aXbX'.replace('X', '-') == 'a-b-' && 'aXbX'.replace('X', '-', 1) == 'a-bX' && ' a '.trim() == 'a'",
            "'abc123'.find('[0-9]+') == '123' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && self.s.matches('^[a-z]+$')",
            "[3, 1, 2].sort() == [1, 2, 3] && [1, 2].isSorted() && [1, 2, 3].sum() == 6 && [3, 1].max() == 3",
            "sets.contains([1, 2], [1]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])",
            "quantity('1.5Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('500m')) == quantity('1')",
            "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !isIP('300.1.1.1')",
            "cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16')) && cidr('fe80::/10').ip().isLinkLocalUnicast()",
            "url('https://u@h.example:80/p/a?q=1').getHost() == 'h.example:80' && !isURL('a b')",
            "url('https://h.example:80/p?q=1&q=2').getQuery() == {'q': ['1', '2']}",
            "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-a').isLessThan(semver('1.0.0'))",
            "!format.dns1123Label().validate('my-name').hasValue() && format.named('uuid').hasValue()",
            "optional.none().orValue(5) == 5 && self.?s.orValue('') == 'abc' && self.m[?'q'].orValue('z') == 'z'",
            "optional.of(1).optMap(x, x + 1).value() == 2 && [1, ?optional.none()] == [1]",
            "(1 / 0 == 1 || true) && (false ? 1 / 0 == 1 : true) && ![1, 0].all(x, 1 / x > 3)",
            "int('42') == 42 && double('1.5') == 1.5 && string(1.0) == '1' && uint(3) == 3u && bool('true')",
            "dyn(1) == 1.0 && 1 in [1, 2] && {'a': 1}.a == 1 && b'ab'.size() == 2",
            "['bb', 'a'].sortBy(x, x.size()) == ['a', 'bb'] && {'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        ];
        for source in rows {
            assert_eq!(run(source), Ok(Value::Bool(true)), "{source}");
        }
    }

    #[test]
    fn tells_what_went_wrong_at_run_time() {
        let rows = [
            ("1 / 0 == 1", "division by zero"),
            ("self.m.q == 'a'", "no such key: q"),
            ("self.l[7] == 1", "index out of bounds: 7"),
            ("9223372036854775807 + 1 == 0", "integer overflow"),
            ("int('x') == 1", "type conversion error from 'string' to 'int'"),
            ("lists.range(100000000).size() > 0", "operation cancelled: actual cost limit exceeded"),
            (
                "lists.range(5000).all(x, lists.range(5000).all(y, x + y >= 0))",
                "operation cancelled: actual cost limit exceeded",
            ),
        ];
        for (source, expected) in rows {
            assert_eq!(run(source), Err(expected.to_owned()), "{source}");
        }
    }

    #[test]
    fn points_at_every_mistake() {
        let rows = [
            ("self.nope", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope\n | ....^"),
            (
                "self foo",
                "ERROR: <input>:1:6: Syntax error: extraneous input 'foo' expecting <EOF>\n | self foo\n | .....^",
            ),
            (
                "self.l.exists_one(x, x)",
                "ERROR: <input>:1:18: found no matching overload for '_?_:_' applied to '(int, int, int)'\n \
                 | self.l.exists_one(x, x)\n | .................^",
            ),
            (
                "cel.bind(a, 1, true)",
                "ERROR: <input>:1:1: undeclared reference to 'cel' (in container '')\n | cel.bind(a, 1, true)\n | ^\n\
                 ERROR: <input>:1:9: undeclared reference to 'bind' (in container '')\n | cel.bind(a, 1, true)\n | ........^\n\
                 ERROR: <input>:1:10: undeclared reference to 'a' (in container '')\n | cel.bind(a, 1, true)\n | .........^",
            ),
        ];
        for (source, expected) in rows {
            assert_eq!(run(source), Err(expected.to_owned()), "{source}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for source in
            ["(".repeat(50_000), "[".repeat(50_000), "-!".repeat(50_000), format!("1{}", "+1".repeat(40_000))]
        {
            assert!(run(&source).is_err());
        }
        let wide = vec!["true"; 5_000].join(" && ");
        assert_eq!(run(&wide), Ok(Value::Bool(true)));
    }

    fn piece() -> impl Strategy<Value = String> {
        let words = [
            "self",
            ".i",
            ".s",
            ".l",
            ".m",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "1",
            "2u",
            "1.5",
            "'a'",
            "b'x'",
            "true",
            "null",
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
            "?",
            ":",
            ",",
            "in",
            ".all(x, x)",
            ".map(x, x + x)",
            ".size()",
            ".?s",
            "[?0]",
            "x",
            "has(self.s)",
            ".replace('', 'ab')",
            ".split('')",
            ".format([self])",
            ".optMap(y, y)",
            "quantity('1')",
            "lists.range(9)",
            ".flatten()",
            ".sort()",
            ".matches('a')",
            "type(",
            "dyn(",
            "string(",
        ];
        prop::sample::select(words.to_vec()).prop_map(str::to_owned)
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(source in "\\PC{0,40}") {
            let _ = run(&source);
        }

        #[test]
        fn no_sequence_of_words_makes_it_panic(words in prop::collection::vec(piece(), 0..14)) {
            let _ = run(&words.concat());
        }
    }
}
