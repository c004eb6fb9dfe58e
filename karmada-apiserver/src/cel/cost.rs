//! An upper bound of the work of an expression, from the sizes that a schema allows.

use std::sync::Arc;

use super::ast::{Expr, Fold, Kind, Operation, SelectMode};
use super::convert::Declaration;
use super::program::Program;
use super::types::Type;
use super::value::Value;

/// Entries of a list or characters of a string about which nothing is known.
const UNKNOWN_SIZE: u64 = 3 * 1024 * 1024;

/// What is known about the value of a node.
#[derive(Clone)]
struct Bound {
    /// Entries or characters at most.
    size: u64,
    declaration: Option<Arc<Declaration>>,
    /// Bound of the items, for lists that the expression makes.
    item: Option<Arc<Self>>,
}

/// Returns the most work that one evaluation can be, given the declaration of `self` and `oldSelf`.
pub(crate) fn estimate(program: &Program, declaration: &Arc<Declaration>) -> u64 {
    let mut estimator = Estimator { program, root: declaration, scope: Vec::new() };
    estimator.node(program.expr()).0
}

struct Estimator<'a> {
    program: &'a Program,
    root: &'a Arc<Declaration>,
    scope: Vec<(&'a str, Bound)>,
}

impl Bound {
    fn of(declaration: &Arc<Declaration>) -> Self {
        Self { size: declaration.max_size, declaration: Some(Arc::clone(declaration)), item: None }
    }

    fn sized(size: u64) -> Self {
        Self { size, declaration: None, item: None }
    }

    fn element(&self) -> Self {
        if let Some(item) = &self.item {
            return Self::clone(item);
        }
        self.declaration
            .as_ref()
            .and_then(|declaration| declaration.element())
            .map_or(Self::sized(UNKNOWN_SIZE), Self::of)
    }
}

/// A tenth, rounded up: the work of passing over text.
fn text_work(size: u64) -> u64 {
    size.div_ceil(10)
}

impl<'a> Estimator<'a> {
    fn node(&mut self, expr: &'a Expr) -> (u64, Bound) {
        match &expr.kind {
            Kind::Literal(value) => (0, Bound::sized(literal_size(value))),
            Kind::Ident(name) => {
                let local = self.scope.iter().rev().find(|(variable, _)| variable == name);
                let bound = match local {
                    Some((_, bound)) => bound.clone(),
                    None if matches!(name.as_str(), "self" | "oldSelf") => Bound::of(self.root),
                    None => self.unknown(expr),
                };
                (1, bound)
            }
            Kind::Select { operand, field, mode } => {
                let (cost, bound) = self.node(operand);
                if *mode == SelectMode::Test {
                    return (cost, Bound::sized(1));
                }
                let declared = bound.declaration.as_ref();
                let found = declared
                    .and_then(|declaration| {
                        declaration.escaped_field(field).or_else(|| declaration.element())
                    })
                    .map(Bound::of);
                (cost.saturating_add(1), found.unwrap_or_else(|| self.unknown(expr)))
            }
            Kind::Call { function, target, args } => {
                let parts: Vec<(u64, Bound)> =
                    target.iter().map(AsRef::as_ref).chain(args).map(|part| self.node(part)).collect();
                self.call(expr, function, &parts)
            }
            Kind::List(entries) => {
                let parts: Vec<(u64, Bound)> = entries.iter().map(|entry| self.node(&entry.item)).collect();
                let cost = parts.iter().fold(10_u64, |sum, part| sum.saturating_add(part.0));
                let largest = parts.into_iter().map(|part| part.1).max_by_key(|bound| bound.size);
                (cost, Bound { size: entries.len() as u64, declaration: None, item: largest.map(Arc::new) })
            }
            Kind::Map(entries) => {
                let mut cost = 30_u64;
                for entry in entries {
                    cost = cost.saturating_add(self.node(&entry.item.0).0);
                    cost = cost.saturating_add(self.node(&entry.item.1).0);
                }
                (cost, Bound::sized(entries.len() as u64))
            }
            Kind::Fold(fold) => self.fold(fold),
            Kind::OptionalMap { target, variable, body, .. } => {
                let (cost, bound) = self.node(target);
                self.scope.push((variable, bound));
                let (body, bound) = self.node(body);
                self.scope.pop();
                (cost.saturating_add(body).saturating_add(1), bound)
            }
        }
    }

    fn unknown(&self, expr: &Expr) -> Bound {
        let size = match self.program.type_of(expr) {
            Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::Null
            | Type::Timestamp
            | Type::Duration => 1,
            _ => UNKNOWN_SIZE,
        };
        Bound::sized(size)
    }

    fn call(&mut self, expr: &Expr, function: &str, parts: &[(u64, Bound)]) -> (u64, Bound) {
        let cost = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.0));
        let size = |index: usize| parts.get(index).map_or(0, |part| part.1.size);
        let smaller = size(0).min(size(1));
        let first = || parts.first().map_or_else(|| Bound::sized(1), |part| part.1.clone());
        let (own, bound) = match function {
            // The larger branch is taken.
            "_?_:_" => {
                let branches =
                    parts.get(1).map_or(0, |part| part.0).max(parts.get(2).map_or(0, |part| part.0));
                let cost = parts.first().map_or(0, |part| part.0).saturating_add(branches);
                let larger = if size(1) >= size(2) { 1 } else { 2 };
                return (cost, parts.get(larger).map_or_else(|| Bound::sized(1), |part| part.1.clone()));
            }
            "_&&_" | "_||_" => return (cost, Bound::sized(1)),
            "_==_" | "_!=_" | "_<_" | "_<=_" | "_>_" | "_>=_" => (text_work(smaller), Bound::sized(1)),
            "@in" => (size(1), Bound::sized(1)),
            "_+_" => {
                let sum = size(0).saturating_add(size(1));
                let work = if matches!(self.program.type_of(expr), Type::String | Type::Bytes) {
                    text_work(sum)
                } else {
                    1
                };
                (work, Bound { size: sum, ..first() })
            }
            "_[_]" | "_[?_]" => (1, parts.first().map_or_else(|| Bound::sized(1), |part| part.1.element())),
            "startsWith" | "endsWith" => (text_work(size(1)), Bound::sized(1)),
            "contains" => (text_work(size(0)).saturating_mul(text_work(size(1)).max(1)), Bound::sized(1)),
            "matches" => (pattern_work(size(0), size(1)), Bound::sized(1)),
            "find" => (pattern_work(size(0), size(1)), Bound::sized(size(0))),
            "findAll" => {
                let item = Some(Arc::new(Bound::sized(size(0))));
                (pattern_work(size(0), size(1)), Bound { size: size(0), declaration: None, item })
            }
            "split" => {
                let item = Some(Arc::new(Bound::sized(size(0))));
                (text_work(size(0)), Bound { size: size(0), declaration: None, item })
            }
            "lowerAscii" | "upperAscii" | "trim" | "substring" | "charAt" | "string" | "bytes"
            | "strings.quote" => (text_work(size(0)), Bound::sized(size(0))),
            "replace" => {
                let grown = size(0).saturating_mul(size(2).max(1));
                (text_work(grown), Bound::sized(grown))
            }
            "join" => {
                let item = parts.first().map_or(0, |part| part.1.element().size);
                let total = size(0).saturating_mul(item.saturating_add(size(1)));
                (text_work(total), Bound::sized(total))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                (size(0), parts.first().map_or_else(|| Bound::sized(1), |part| part.1.element()))
            }
            "distinct" | "sort" => (size(0).saturating_mul(size(0)), first()),
            "sets.contains" | "sets.intersects" => (size(0).saturating_mul(size(1)), Bound::sized(1)),
            "sets.equivalent" => (size(0).saturating_mul(size(1)).saturating_mul(2), Bound::sized(1)),
            "format" => (text_work(size(0)).max(1), self.unknown(expr)),
            "url" | "isURL" | "ip" | "cidr" | "isIP" | "isCIDR" | "ip.isCanonical" | "quantity"
            | "isQuantity" | "semver" | "isSemver" | "validate" => {
                (text_work(size(0)).max(1), Bound::sized(1))
            }
            "value"
            | "orValue"
            | "or"
            | "optional.of"
            | "optional.ofNonZeroValue"
            | "dyn"
            | "slice"
            | "reverse"
            | "flatten" => (1, first()),
            _ => (1, self.unknown(expr)),
        };
        (cost.saturating_add(own), bound)
    }

    fn fold(&mut self, fold: &'a Fold) -> (u64, Bound) {
        let (cost, range) = self.node(&fold.range);
        let item = if matches!(self.program.type_of(&fold.range), Type::Map(..)) && fold.second.is_none() {
            // Keys: their length is not declared.
            Bound::sized(UNKNOWN_SIZE / (range.size.max(1)))
        } else {
            range.element()
        };
        let depth = self.scope.len();
        match &fold.second {
            Some(second) => {
                self.scope.push((&fold.variable, Bound::sized(1)));
                self.scope.push((second, item.clone()));
            }
            None => self.scope.push((&fold.variable, item.clone())),
        }
        let filter = fold.filter.as_ref().map_or(0, |filter| self.node(filter).0);
        let (body, body_bound) = self.node(&fold.body);
        self.scope.truncate(depth);
        // What the macros of the real server expand to, for each item.
        let overhead = match fold.operation {
            Operation::ExistsOne => 2,
            Operation::All => 3,
            Operation::Exists => 4,
            Operation::Map | Operation::SortBy => 12,
            Operation::Filter => 13,
            Operation::TransformMap | Operation::TransformMapEntry => 32,
        };
        let step = filter.saturating_add(body).saturating_add(overhead);
        let cost = cost.saturating_add(range.size.saturating_mul(step)).saturating_add(1);
        let bound = match fold.operation {
            Operation::Map => Bound { size: range.size, declaration: None, item: Some(Arc::new(body_bound)) },
            Operation::Filter | Operation::SortBy => {
                Bound { size: range.size, declaration: None, item: Some(Arc::new(item)) }
            }
            Operation::TransformMap | Operation::TransformMapEntry => Bound::sized(range.size),
            Operation::All | Operation::Exists | Operation::ExistsOne => Bound::sized(1),
        };
        (cost, bound)
    }
}

fn pattern_work(text: u64, pattern: u64) -> u64 {
    text_work(text.saturating_add(1)).saturating_mul(pattern.div_ceil(4).max(1))
}

fn literal_size(value: &Value) -> u64 {
    value.size()
}
