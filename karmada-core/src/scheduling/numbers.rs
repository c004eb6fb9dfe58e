//! Numbers for names, so that clusters compare numbers and share what is equal.

use std::{collections::HashMap, sync::Arc};

/// Numbers for names, in the order in which they came up.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    by_name: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Numbers {
    /// Returns the number of a name; none when it never came up.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// Returns the number of a name; a new one when it is new.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.find(name) {
            return number;
        }
        let (number, name) = (self.names.len() as u32, Arc::<str>::from(name));
        self.by_name.insert(Arc::clone(&name), number);
        self.names.push(name);
        number
    }

    /// Returns how many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns all names with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..).zip(self.names.iter().map(|name| &**name))
    }
}
