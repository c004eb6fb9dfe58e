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
        let (expr, nodes) = parse(source).map_err(|issue| CompileError::new(source, vec![issue]))?;
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
        let pattern = match (function.as_str(), target, args.as_slice()) {
            ("matches", None, [_, pattern]) | ("matches" | "find" | "findAll", Some(_), [pattern, ..]) => pattern,
            _ => return,
        };
        let Kind::Literal(Value::String(text)) = &pattern.kind else { return };
        match Regex::new(text) {
            Ok(regex) => {
                compiled.insert(node.id, regex);
            }
            Err(error) => issues.push(Issue {
                offset: pattern.offset,
                message: format!("invalid {function} argument: error parsing regexp: {error}"),
            }),
        }
    });
    (compiled, issues)
}
