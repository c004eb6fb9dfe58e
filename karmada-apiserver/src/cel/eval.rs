//! Evaluation of expressions, with a bound on the work.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex_lite::Regex;

use super::ast::{Expr, Fold, Kind, Operation, SelectMode};
use super::check::named_type;
use super::error::EvalError;
use super::functions;
use super::value::{Key, Value};

/// Values of variables.
pub(crate) type Variables = BTreeMap<&'static str, Value>;

/// Work that evaluation may do, in units of about one look-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    remaining: u64,
}

impl Budget {
    pub(crate) fn new(units: u64) -> Self {
        Self { remaining: units }
    }

    pub(crate) fn remaining(self) -> u64 {
        self.remaining
    }

    /// Pays for work before it is done.
    pub(crate) fn charge(&mut self, units: u64) -> Result<(), EvalError> {
        if units > self.remaining {
            self.remaining = 0;
            return Err(EvalError::CostExceeded);
        }
        self.remaining -= units;
        Ok(())
    }

    /// Pays for looking at all of a value.
    pub(super) fn charge_deep(&mut self, value: &Value) -> Result<(), EvalError> {
        let limit = self.remaining.saturating_add(1);
        self.charge(value.deep_size(limit))
    }
}

/// The state of one evaluation.
pub(super) struct Evaluator<'a> {
    pub(super) variables: &'a Variables,
    pub(super) patterns: &'a BTreeMap<usize, Regex>,
    pub(super) scope: Vec<(&'a str, Value)>,
    pub(super) budget: &'a mut Budget,
}

type Outcome = Result<Value, EvalError>;

impl<'a> Evaluator<'a> {
    pub(super) fn node(&mut self, expr: &'a Expr) -> Outcome {
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Ident(name) => {
                self.budget.charge(1)?;
                self.ident(name)
            }
            Kind::Select { operand, field, mode } => {
                let operand = self.node(operand)?;
                self.budget.charge(u64::from(*mode != SelectMode::Test))?;
                select(&operand, field, *mode)
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(entries) => {
                self.budget.charge(10)?;
                let mut items = Vec::with_capacity(entries.len());
                for entry in entries {
                    let item = self.node(&entry.item)?;
                    items.extend(present(item, entry.optional)?);
                }
                Ok(Value::list(items))
            }
            Kind::Map(entries) => {
                self.budget.charge(30)?;
                let mut map = BTreeMap::new();
                for entry in entries {
                    let key = self.node(&entry.item.0)?;
                    let value = self.node(&entry.item.1)?;
                    if let Some(value) = present(value, entry.optional)? {
                        insert(&mut map, &key, value)?;
                    }
                }
                Ok(Value::map(map))
            }
            Kind::Fold(fold) => self.fold(fold),
            Kind::OptionalMap { target, variable, body, flat } => {
                let inner = match self.node(target)? {
                    Value::Optional(Some(inner)) => Value::clone(&inner),
                    Value::Optional(None) => return Ok(Value::Optional(None)),
                    _ => return Err(EvalError::NoSuchOverload),
                };
                self.budget.charge(1)?;
                let result = self.scoped(variable, inner, body)?;
                Ok(if *flat { result } else { Value::some(result) })
            }
        }
    }

    fn scoped(&mut self, variable: &'a str, value: Value, body: &'a Expr) -> Outcome {
        self.scope.push((variable, value));
        let result = self.node(body);
        self.scope.pop();
        result
    }

    fn ident(&self, name: &str) -> Outcome {
        if let Some((_, value)) = self.scope.iter().rev().find(|(variable, _)| *variable == name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        named_type(name).map(Value::Type).ok_or_else(|| EvalError::NoSuchAttribute(name.to_owned()))
    }

    fn call(
        &mut self,
        expr: &'a Expr,
        function: &str,
        target: Option<&'a Expr>,
        args: &'a [Expr],
    ) -> Outcome {
        match (function, args) {
            ("_&&_", [left, right]) => return self.logical(left, right, false),
            ("_||_", [left, right]) => return self.logical(left, right, true),
            ("_?_:_", [condition, yes, no]) => {
                return match self.node(condition)? {
                    Value::Bool(true) => self.node(yes),
                    Value::Bool(false) => self.node(no),
                    _ => Err(EvalError::NoSuchOverload),
                };
            }
            ("orValue", [default]) => {
                let target = target.map(|target| self.node(target)).transpose()?;
                return match target {
                    Some(Value::Optional(Some(inner))) => Ok(Value::clone(&inner)),
                    Some(Value::Optional(None)) => self.node(default),
                    _ => Err(EvalError::NoSuchOverload),
                };
            }
            ("or", [default]) => {
                let target = target.map(|target| self.node(target)).transpose()?;
                return match target {
                    Some(some @ Value::Optional(Some(_))) => Ok(some),
                    Some(Value::Optional(None)) => self.node(default),
                    _ => Err(EvalError::NoSuchOverload),
                };
            }
            _ => {}
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for part in target.into_iter().chain(args) {
            values.push(self.node(part)?);
        }
        self.budget.charge(1)?;
        let pattern = self.patterns.get(&expr.id);
        functions::call(function, &values, pattern, self.budget)
    }

    /// `&&` and `||`: one side can decide, whatever happens to the other.
    fn logical(&mut self, left: &'a Expr, right: &'a Expr, decisive: bool) -> Outcome {
        let left = self.node(left);
        if matches!(left, Ok(Value::Bool(value)) if value == decisive) || left == Err(EvalError::CostExceeded)
        {
            return left;
        }
        let right = self.node(right);
        match (left, right) {
            (_, Ok(Value::Bool(value))) if value == decisive => Ok(Value::Bool(decisive)),
            (_, Err(EvalError::CostExceeded)) => Err(EvalError::CostExceeded),
            (Err(error), _) | (Ok(Value::Bool(_)), Err(error)) => Err(error),
            (Ok(Value::Bool(_)), Ok(Value::Bool(_))) => Ok(Value::Bool(!decisive)),
            _ => Err(EvalError::NoSuchOverload),
        }
    }

    fn fold(&mut self, fold: &'a Fold) -> Outcome {
        let range = self.node(&fold.range)?;
        let two = fold.second.is_some();
        let steps: Vec<(Value, Value)> = match &range {
            Value::List(list) => {
                let items = list.items.iter().cloned().enumerate();
                items
                    .map(|(index, item)| {
                        let index = Value::Int(index as i64);
                        if two { (index, item) } else { (item, Value::Null) }
                    })
                    .collect()
            }
            Value::Map(entries) => {
                entries.iter().map(|(key, value)| (key.to_value(), value.clone())).collect()
            }
            _ => return Err(EvalError::NoSuchOverload),
        };
        let mut state = FoldState::new(fold.operation);
        for (first, second) in steps {
            self.budget.charge(2)?;
            let depth = self.scope.len();
            self.scope.push((&fold.variable, first.clone()));
            if let Some(variable) = &fold.second {
                self.scope.push((variable, second));
            }
            let outcome = self.step(fold);
            self.scope.truncate(depth);
            if let Some(result) = state.add(outcome, first)? {
                return Ok(result);
            }
        }
        state.finish()
    }

    /// Evaluates filter and body for one item; none when the filter leaves it out.
    fn step(&mut self, fold: &'a Fold) -> Result<Option<Value>, EvalError> {
        if let Some(filter) = &fold.filter {
            match self.node(filter)? {
                Value::Bool(true) => {}
                Value::Bool(false) => return Ok(None),
                _ => return Err(EvalError::NoSuchOverload),
            }
        }
        self.node(&fold.body).map(Some)
    }
}

/// What a fold has seen.
struct FoldState {
    operation: Operation,
    error: Option<EvalError>,
    matches: usize,
    items: Vec<Value>,
    /// Items with what they are sorted by.
    sorted: Vec<(Value, Value)>,
    entries: BTreeMap<Key, Value>,
}

impl FoldState {
    fn new(operation: Operation) -> Self {
        Self {
            operation,
            error: None,
            matches: 0,
            items: Vec::new(),
            sorted: Vec::new(),
            entries: BTreeMap::new(),
        }
    }

    /// Takes in the outcome for one item. Returns the result when it is decided.
    fn add(
        &mut self,
        outcome: Result<Option<Value>, EvalError>,
        item: Value,
    ) -> Result<Option<Value>, EvalError> {
        let decisive = match self.operation {
            Operation::All => Some(false),
            Operation::Exists => Some(true),
            _ => None,
        };
        if let Some(decisive) = decisive {
            match outcome {
                Ok(Some(Value::Bool(value))) if value == decisive => return Ok(Some(Value::Bool(decisive))),
                Ok(Some(Value::Bool(_)) | None) => {}
                Ok(Some(_)) => self.error = self.error.take().or(Some(EvalError::NoSuchOverload)),
                Err(EvalError::CostExceeded) => return Err(EvalError::CostExceeded),
                Err(error) => self.error = self.error.take().or(Some(error)),
            }
            return Ok(None);
        }
        let Some(value) = outcome? else { return Ok(None) };
        match (self.operation, value) {
            (Operation::Map, value) => self.items.push(value),
            (Operation::SortBy, value) => self.sorted.push((value, item)),
            (Operation::TransformMap, value) => insert(&mut self.entries, &item, value)?,
            (Operation::TransformMapEntry, Value::Map(entry)) => {
                for (key, value) in entry.iter() {
                    insert(&mut self.entries, &key.to_value(), value.clone())?;
                }
            }
            (Operation::Filter, Value::Bool(true)) => self.items.push(item),
            (_, Value::Bool(true)) => self.matches += 1,
            (_, Value::Bool(false)) => {}
            _ => return Err(EvalError::NoSuchOverload),
        }
        Ok(None)
    }

    fn finish(self) -> Outcome {
        if let Some(error) = self.error {
            return Err(error);
        }
        Ok(match self.operation {
            Operation::All => Value::Bool(true),
            Operation::Exists => Value::Bool(false),
            Operation::ExistsOne => Value::Bool(self.matches == 1),
            Operation::Filter | Operation::Map => Value::list(self.items),
            Operation::TransformMap | Operation::TransformMapEntry => Value::map(self.entries),
            Operation::SortBy => return sort_by(self.sorted),
        })
    }
}

fn sort_by(mut sorted: Vec<(Value, Value)>) -> Outcome {
    let mut mixed = false;
    sorted.sort_by(|(a, _), (b, _)| {
        a.compare(b).unwrap_or_else(|| {
            mixed = true;
            std::cmp::Ordering::Equal
        })
    });
    if mixed {
        return Err(EvalError::failed("list elements must have the same type"));
    }
    Ok(Value::list(sorted.into_iter().map(|(_, item)| item).collect()))
}

fn present(value: Value, optional: bool) -> Result<Option<Value>, EvalError> {
    match value {
        value if !optional => Ok(Some(value)),
        Value::Optional(inner) => Ok(inner.map(|inner| Value::clone(&inner))),
        _ => Err(EvalError::NoSuchOverload),
    }
}

fn insert(map: &mut BTreeMap<Key, Value>, key: &Value, value: Value) -> Result<(), EvalError> {
    let key = key.as_key().ok_or_else(|| EvalError::failed("unsupported key type"))?;
    if map.contains_key(&key) {
        return Err(EvalError::failed("Failed with repeated key"));
    }
    map.insert(key, value);
    Ok(())
}

fn select(operand: &Value, field: &str, mode: SelectMode) -> Outcome {
    let (operand, wrapped) = match operand {
        Value::Optional(Some(inner)) => (&**inner, true),
        Value::Optional(None) if mode == SelectMode::Test => return Ok(Value::Bool(false)),
        Value::Optional(None) => return Ok(Value::Optional(None)),
        other => (other, false),
    };
    if let Value::Authorization(question) = operand
        && field == "requestResource"
        && let Some(own) = question.request_resource()
    {
        return Ok(Value::Authorization(Arc::new(own)));
    }
    let entries = match operand {
        Value::Map(entries) => entries,
        // Objects that a request does not have have no fields.
        Value::Null if mode == SelectMode::Plain => return Err(EvalError::NoSuchKey(field.to_owned())),
        _ => return Err(EvalError::NoSuchOverload),
    };
    // Keys are owned strings: a borrowed look-up needs one to compare with.
    let found = entries.get(&Key::String(field.into()));
    match (mode, found) {
        (SelectMode::Test, found) => Ok(Value::Bool(found.is_some())),
        (_, Some(Value::Failed(why))) => Err(EvalError::failed(why.to_string())),
        (SelectMode::Plain, Some(found)) if !wrapped => Ok(found.clone()),
        (SelectMode::Plain, None) if !wrapped => Err(EvalError::NoSuchKey(field.to_owned())),
        (_, found) => Ok(Value::Optional(found.cloned().map(Arc::new))),
    }
}
