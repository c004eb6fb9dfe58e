//! The syntax tree of an expression.

use super::value::Value;

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Index of the node in tables about the tree, such as its types.
    pub(crate) id: usize,
    /// Where messages about the node point at: characters from the start of the source.
    pub(crate) offset: usize,
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Literal(Value),
    Ident(String),
    Select {
        operand: Box<Expr>,
        field: String,
        mode: SelectMode,
    },
    /// A call of a function, method or operator (`_+_`, `_?_:_`, `_[_]`).
    Call {
        function: String,
        target: Option<Box<Expr>>,
        args: Vec<Expr>,
    },
    List(Vec<Entry<Expr>>),
    Map(Vec<Entry<(Expr, Expr)>>),
    Fold(Box<Fold>),
    /// `target.optMap(variable, body)` and `optFlatMap`.
    OptionalMap {
        target: Box<Expr>,
        variable: String,
        body: Box<Expr>,
        flat: bool,
    },
    /// `cel.bind(variable, init, body)`.
    Bind {
        variable: String,
        init: Box<Expr>,
        body: Box<Expr>,
    },
}

/// An entry of a list or map literal.
#[derive(Clone, Debug)]
pub(crate) struct Entry<T> {
    pub(crate) item: T,
    /// `?item`: left out when the optional value is none.
    pub(crate) optional: bool,
}

/// How a field is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SelectMode {
    /// `a.b`
    Plain,
    /// `has(a.b)`
    Test,
    /// `a.?b`
    Optional,
}

/// A macro over the items of a list or the keys of a map.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) operation: Operation,
    pub(crate) range: Expr,
    /// The item of a list or the key of a map; with a second variable the index or key.
    pub(crate) variable: String,
    /// The value, in macros of two variables.
    pub(crate) second: Option<String>,
    pub(crate) filter: Option<Expr>,
    pub(crate) body: Expr,
}

/// What a [`Fold`] computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    All,
    Exists,
    ExistsOne,
    Filter,
    /// `map` and `transformList`.
    Map,
    TransformMap,
    TransformMapEntry,
}

impl Expr {
    /// Calls `visit` on the node and all below it.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match &self.kind {
            Kind::Literal(_) | Kind::Ident(_) => {}
            Kind::Select { operand, .. } => operand.walk(visit),
            Kind::Call { target, args, .. } => {
                target.iter().for_each(|target| target.walk(visit));
                args.iter().for_each(|arg| arg.walk(visit));
            }
            Kind::List(entries) => entries.iter().for_each(|entry| entry.item.walk(visit)),
            Kind::Map(entries) => entries.iter().for_each(|entry| {
                entry.item.0.walk(visit);
                entry.item.1.walk(visit);
            }),
            Kind::Fold(fold) => {
                fold.range.walk(visit);
                fold.filter.iter().for_each(|filter| filter.walk(visit));
                fold.body.walk(visit);
            }
            Kind::OptionalMap { target, body, .. } => {
                target.walk(visit);
                body.walk(visit);
            }
            Kind::Bind { init, body, .. } => {
                init.walk(visit);
                body.walk(visit);
            }
        }
    }

    /// Whether the expression reads a variable of this name (or shadows it).
    pub(crate) fn mentions(&self, variable: &str) -> bool {
        let mut found = false;
        self.walk(&mut |node| found |= matches!(&node.kind, Kind::Ident(name) if name == variable));
        found
    }
}
