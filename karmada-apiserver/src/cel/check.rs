//! The types of an expression.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Entry, Expr, Fold, Kind, Operation, SelectMode};
use super::error::Issue;
use super::signatures::{Overload, overloads};
use super::types::Type;
use super::value::Value;

/// The variables that an expression may read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    variables: BTreeMap<String, Type>,
}

impl Env {
    /// Adds a variable.
    pub(crate) fn with(mut self, name: &str, variable: Type) -> Self {
        self.variables.insert(name.to_owned(), variable);
        self
    }
}

/// Returns the type of each node, by its id.
pub(super) fn check(expr: &Expr, nodes: usize, env: &Env) -> Result<Vec<Type>, Vec<Issue>> {
    let mut checker = Checker {
        env,
        scope: Vec::new(),
        bindings: Vec::new(),
        trail: Vec::new(),
        types: vec![Type::Dyn; nodes],
        issues: Vec::new(),
    };
    checker.node(expr);
    if checker.issues.is_empty() {
        let types = std::mem::take(&mut checker.types);
        Ok(types.iter().map(|found| checker.resolve(found)).collect())
    } else {
        Err(checker.issues)
    }
}

/// Returns the type that a name stands for, such as `int`.
pub(super) fn named_type(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "google.protobuf.Timestamp" => Type::Timestamp,
        "google.protobuf.Duration" => Type::Duration,
        "null_type" => Type::Null,
        "type" => Type::Kind(Arc::new(Type::Dyn)),
        "optional_type" => Type::optional(Type::Dyn),
        _ => return None,
    })
}

struct Checker<'a> {
    env: &'a Env,
    scope: Vec<(&'a str, Type)>,
    /// What type variables stand for.
    bindings: Vec<Option<Type>>,
    /// Variables in the order in which they were bound, to undo what did not fit.
    trail: Vec<usize>,
    types: Vec<Type>,
    issues: Vec<Issue>,
}

impl<'a> Checker<'a> {
    fn node(&mut self, expr: &'a Expr) -> Type {
        let found = match &expr.kind {
            Kind::Literal(value) => literal(value),
            Kind::Ident(name) => self.ident(name, expr.offset),
            Kind::Select { operand, field, mode } => {
                let operand = self.node(operand);
                self.select(&operand, field, *mode, expr.offset)
            }
            Kind::Call { function, target, args } => {
                let target = target.as_ref().map(|target| self.node(target));
                // What is printed may be of different types.
                let mixed = function == "format" && target.is_some();
                let args: Vec<Type> = args
                    .iter()
                    .map(|arg| match &arg.kind {
                        Kind::List(entries) if mixed => self.mixed_list(entries, arg),
                        _ => self.node(arg),
                    })
                    .collect();
                self.call(function, target.as_ref(), &args, expr.offset)
            }
            Kind::List(entries) => {
                let mut item = None;
                for entry in entries {
                    let found = self.node(&entry.item);
                    let found = self.entry_type(found, entry.optional, entry.item.offset);
                    self.join(&mut item, found, entry.item.offset);
                }
                Type::list(item.unwrap_or_else(|| self.fresh()))
            }
            Kind::Map(entries) => {
                let (mut key, mut value) = (None, None);
                for entry in entries {
                    let found = self.node(&entry.item.0);
                    let found = key_type(self.resolve(&found));
                    self.join(&mut key, found, entry.item.0.offset);
                    let found = self.node(&entry.item.1);
                    let found = self.entry_type(found, entry.optional, entry.item.1.offset);
                    self.join(&mut value, found, entry.item.1.offset);
                }
                let key = key.unwrap_or_else(|| self.fresh());
                Type::map(key, value.unwrap_or_else(|| self.fresh()))
            }
            Kind::Fold(fold) => self.fold(fold, expr.offset),
            Kind::OptionalMap { target, variable, body, flat } => {
                let found = self.node(target);
                let found = self.resolve(&found);
                let inner = match found {
                    Type::Optional(inner) => Type::clone(&inner),
                    found if found.is_dyn() => Type::Dyn,
                    found => {
                        let name = if *flat { "optFlatMap" } else { "optMap" };
                        self.no_overload(name, Some(&found), &[], expr.offset)
                    }
                };
                self.scope.push((variable, inner));
                let result = self.node(body);
                self.scope.pop();
                if *flat { result } else { Type::optional(result) }
            }
        };
        self.types[expr.id] = found.clone();
        found
    }

    fn mixed_list(&mut self, entries: &'a [Entry<Expr>], list: &Expr) -> Type {
        for entry in entries {
            self.node(&entry.item);
        }
        self.types[list.id] = Type::list(Type::Dyn);
        Type::list(Type::Dyn)
    }

    fn fresh(&mut self) -> Type {
        self.bindings.push(None);
        Type::Param(self.bindings.len() - 1)
    }

    fn issue(&mut self, offset: usize, message: String) -> Type {
        self.issues.push(Issue { offset, message });
        Type::Error
    }

    fn no_overload(&mut self, function: &str, target: Option<&Type>, args: &[Type], offset: usize) -> Type {
        let args: Vec<String> = args.iter().map(|arg| self.resolve(arg).to_string()).collect();
        let target = target.map(|target| format!("{}.", self.resolve(target))).unwrap_or_default();
        let message =
            format!("found no matching overload for '{function}' applied to '{target}({})'", args.join(", "));
        self.issue(offset, message)
    }

    fn ident(&mut self, name: &str, offset: usize) -> Type {
        if let Some((_, found)) = self.scope.iter().rev().find(|(variable, _)| *variable == name) {
            return found.clone();
        }
        if let Some(found) = self.env.variables.get(name) {
            return found.clone();
        }
        if let Some(found) = named_type(name) {
            return Type::Kind(Arc::new(found));
        }
        self.issue(offset, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn select(&mut self, operand: &Type, field: &str, mode: SelectMode, offset: usize) -> Type {
        let operand = self.resolve(operand);
        let (operand, wrapped) = match operand {
            Type::Optional(inner) => (self.resolve(&inner), true),
            other => (other, false),
        };
        let found = match &operand {
            Type::Map(_, value) => Type::clone(value),
            Type::Object(object) => match object.fields.get(field) {
                Some(found) => found.clone(),
                None => self.issue(offset, format!("undefined field '{field}'")),
            },
            found if found.is_dyn() => Type::Dyn,
            Type::Opaque("kubernetes.authorization.Authorizer") if field == "requestResource" => {
                Type::Opaque("kubernetes.authorization.ResourceCheck")
            }
            found => {
                let message = format!("type '{found}' does not support field selection");
                self.issue(offset, message)
            }
        };
        match mode {
            SelectMode::Test => Type::Bool,
            SelectMode::Optional => Type::optional(found),
            SelectMode::Plain if wrapped => Type::optional(found),
            SelectMode::Plain => found,
        }
    }

    fn entry_type(&mut self, found: Type, optional: bool, offset: usize) -> Type {
        if !optional {
            return found;
        }
        match self.resolve(&found) {
            Type::Optional(inner) => Type::clone(&inner),
            found if found.is_dyn() => Type::Dyn,
            found => self.issue(offset, format!("expected type 'optional_type(dyn)' but found '{found}'")),
        }
    }

    /// Entries of a literal have one type.
    fn join(&mut self, known: &mut Option<Type>, found: Type, offset: usize) {
        let Some(expected) = known.clone() else {
            *known = Some(found);
            return;
        };
        if self.assign(&found, &expected) {
            return;
        }
        if self.assign(&expected, &found) {
            *known = Some(found);
            return;
        }
        let (expected, found) = (self.resolve(&expected), self.resolve(&found));
        self.issue(offset, format!("expected type '{expected}' but found '{found}'"));
    }

    fn call(&mut self, function: &str, target: Option<&Type>, args: &[Type], offset: usize) -> Type {
        let candidates = overloads(function);
        if candidates.is_empty() {
            return self.issue(offset, format!("undeclared reference to '{function}' (in container '')"));
        }
        let mut result: Option<Type> = None;
        for overload in candidates {
            let (bound, known) = (self.trail.len(), self.bindings.len());
            let Some(found) = self.match_overload(overload, target, args) else {
                for index in self.trail.drain(bound..) {
                    self.bindings[index] = None;
                }
                self.bindings.truncate(known);
                continue;
            };
            result = Some(match result {
                None => found,
                Some(earlier) if self.resolve(&earlier) == self.resolve(&found) => earlier,
                Some(_) => Type::Dyn,
            });
        }
        result.unwrap_or_else(|| self.no_overload(function, target, args, offset))
    }

    fn match_overload(&mut self, overload: &Overload, target: Option<&Type>, args: &[Type]) -> Option<Type> {
        if overload.target.is_some() != target.is_some() || overload.args.len() != args.len() {
            return None;
        }
        let params = [self.fresh(), self.fresh()];
        let expected = overload.target.iter().chain(&overload.args);
        for (found, expected) in target.into_iter().chain(args).zip(expected) {
            let expected = substitute(expected, &params);
            if !self.assign(found, &expected) {
                return None;
            }
        }
        Some(substitute(&overload.result, &params))
    }

    fn fold(&mut self, fold: &'a Fold, offset: usize) -> Type {
        let range = self.node(&fold.range);
        let range = self.resolve(&range);
        let (first, second) = match &range {
            Type::List(item) => {
                let item = Type::clone(item);
                if fold.second.is_some() { (Type::Int, item) } else { (item, Type::Dyn) }
            }
            Type::Map(key, value) => (Type::clone(key), Type::clone(value)),
            found if found.is_dyn() => (Type::Dyn, Type::Dyn),
            found => {
                let message = format!(
                    "expression of type '{found}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.issue(fold.range.offset, message);
                (Type::Error, Type::Error)
            }
        };
        let depth = self.scope.len();
        self.scope.push((&fold.variable, first.clone()));
        if let Some(variable) = &fold.second {
            self.scope.push((variable, second));
        }
        if let Some(filter) = &fold.filter {
            let found = self.node(filter);
            self.expect_condition(&found, &Type::list(Type::Dyn), offset);
        }
        let body = self.node(&fold.body);
        self.scope.truncate(depth);
        match fold.operation {
            Operation::All | Operation::Exists => {
                let operator = if fold.operation == Operation::All { "_&&_" } else { "_||_" };
                self.expect_bool(&body, operator, offset);
                Type::Bool
            }
            Operation::ExistsOne => {
                self.expect_condition(&body, &Type::Int, offset);
                Type::Bool
            }
            Operation::Filter => {
                let list = Type::list(first);
                self.expect_condition(&body, &list, offset);
                list
            }
            Operation::SortBy => Type::list(first),
            Operation::Map => Type::list(body),
            Operation::TransformMap => {
                let key = if matches!(range, Type::List(_)) { Type::Int } else { first };
                Type::map(key, body)
            }
            Operation::TransformMapEntry => match self.resolve(&body) {
                found @ Type::Map(..) => found,
                _ => Type::map(Type::Dyn, Type::Dyn),
            },
        }
    }

    fn expect_condition(&mut self, found: &Type, branches: &Type, offset: usize) {
        if !self.assign(found, &Type::Bool) {
            let found = self.resolve(found);
            self.no_overload("_?_:_", None, &[found, branches.clone(), branches.clone()], offset);
        }
    }

    fn expect_bool(&mut self, found: &Type, operator: &str, offset: usize) {
        if !self.assign(found, &Type::Bool) {
            let found = self.resolve(found);
            self.no_overload(operator, None, &[Type::Bool, found], offset);
        }
    }

    /// Whether a value of one type may stand where the other is expected; binds type variables.
    fn assign(&mut self, found: &Type, expected: &Type) -> bool {
        let (found, expected) = (self.shallow(found), self.shallow(expected));
        match (&found, &expected) {
            (Type::Param(a), Type::Param(b)) if a == b => true,
            (Type::Dyn | Type::Error, _) | (_, Type::Dyn | Type::Error) => true,
            (other, Type::Param(index)) | (Type::Param(index), other) => {
                if self.occurs(*index, other) {
                    return false;
                }
                self.bindings[*index] = Some(other.clone());
                self.trail.push(*index);
                true
            }
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.assign(a, b),
            (Type::Kind(_), Type::Kind(_)) => true,
            (Type::Map(ka, va), Type::Map(kb, vb)) => self.assign(ka, kb) && self.assign(va, vb),
            (Type::Object(a), Type::Object(b)) => Arc::ptr_eq(a, b) || a == b,
            (
                Type::Null,
                Type::Object(_) | Type::Timestamp | Type::Duration | Type::Optional(_) | Type::Opaque(_),
            )
            | (
                Type::Object(_) | Type::Timestamp | Type::Duration | Type::Optional(_) | Type::Opaque(_),
                Type::Null,
            ) => true,
            (a, b) => a == b,
        }
    }

    fn shallow(&self, found: &Type) -> Type {
        let mut found = found;
        while let Type::Param(index) = found {
            match self.bindings.get(*index).and_then(Option::as_ref) {
                Some(bound) => found = bound,
                None => break,
            }
        }
        found.clone()
    }

    fn occurs(&self, index: usize, found: &Type) -> bool {
        match self.shallow(found) {
            Type::Param(other) => other == index,
            Type::List(inner) | Type::Optional(inner) | Type::Kind(inner) => self.occurs(index, &inner),
            Type::Map(key, value) => self.occurs(index, &key) || self.occurs(index, &value),
            _ => false,
        }
    }

    fn resolve(&self, found: &Type) -> Type {
        match self.shallow(found) {
            Type::List(inner) => Type::list(self.resolve(&inner)),
            Type::Optional(inner) => Type::optional(self.resolve(&inner)),
            Type::Kind(inner) => Type::Kind(Arc::new(self.resolve(&inner))),
            Type::Map(key, value) => Type::map(self.resolve(&key), self.resolve(&value)),
            other => other,
        }
    }
}

/// Keys are scalars. Types with two branches would make the work on them exponential.
fn key_type(found: Type) -> Type {
    match found {
        Type::List(_) | Type::Map(..) | Type::Optional(_) | Type::Kind(_) => Type::Dyn,
        scalar => scalar,
    }
}

fn literal(value: &Value) -> Type {
    value.type_of()
}

fn substitute(found: &Type, params: &[Type; 2]) -> Type {
    match found {
        Type::Param(index) => params[*index].clone(),
        Type::List(inner) => Type::list(substitute(inner, params)),
        Type::Optional(inner) => Type::optional(substitute(inner, params)),
        Type::Kind(inner) => Type::Kind(Arc::new(substitute(inner, params))),
        Type::Map(key, value) => Type::map(substitute(key, params), substitute(value, params)),
        other => other.clone(),
    }
}
