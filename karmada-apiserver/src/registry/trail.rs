//! The way to a value, printed only when somebody asks.

use std::fmt;

/// The way from the root to a value: each step lives on the stack of the walk that made it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trail<'a> {
    Root,
    /// A member of an object.
    Member(&'a Self, &'a str),
    /// An item of a list.
    Item(&'a Self, usize),
}

/// Prints `spec.ports[0].name`.
impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_members_after_dots_and_items_in_brackets() {
        let spec = Trail::Member(&Trail::Root, "spec");
        let ports = Trail::Member(&spec, "ports");
        let port = Trail::Item(&ports, 0);
        assert_eq!(Trail::Member(&port, "name").to_string(), "spec.ports[0].name");
        assert_eq!(Trail::Root.to_string(), "");
    }
}
