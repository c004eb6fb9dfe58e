//! The syntax tree of an expression.

use super::value::Value;

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    /// Index of the node in tables about the tree, such as its types.
    pub(crate) id: usize,
    /// Where messages about the node point at: characters from the start of the source.
    pub(crate) offset: usize,
    /// Levels of nodes below, this one included.
    pub(crate) height: usize,
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
    SortBy,
}

impl Expr {
    /// Calls `visit` on the node and all below it.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        self.kind.each_child(&mut |child| child.walk(visit));
    }

    /// Whether the expression reads a variable of this name (or shadows it).
    pub(crate) fn mentions(&self, variable: &str) -> bool {
        let mut found = false;
        self.walk(&mut |node| found |= matches!(&node.kind, Kind::Ident(name) if name == variable));
        found
    }
}

impl Kind {
    /// Calls `visit` on the nodes directly below.
    pub(crate) fn each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Self::Literal(_) | Self::Ident(_) => {}
            Self::Select { operand, .. } => visit(operand),
            Self::Call { target, args, .. } => {
                if let Some(target) = target {
                    visit(target);
                }
                args.iter().for_each(visit);
            }
            Self::List(entries) => entries.iter().for_each(|entry| visit(&entry.item)),
            Self::Map(entries) => entries.iter().for_each(|entry| {
                visit(&entry.item.0);
                visit(&entry.item.1);
            }),
            Self::Fold(fold) => {
                visit(&fold.range);
                fold.filter.iter().for_each(&mut *visit);
                visit(&fold.body);
            }
            Self::OptionalMap { target, body, .. } => {
                visit(target);
                visit(body);
            }
        }
    }
}
