//! The members that this control plane serves now.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::Member;

/// The members that this control plane serves now, by name.
#[derive(Debug, Default)]
pub struct Fleet {
    members: RwLock<BTreeMap<String, Arc<Member>>>,
}

impl Fleet {
    /// Makes a fleet without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns one member.
    pub fn find(&self, name: &str) -> Option<Arc<Member>> {
        self.members.read().get(name).cloned()
    }

    /// Returns all members, ordered by name.
    pub fn list(&self) -> Vec<Arc<Member>> {
        self.members.read().values().cloned().collect()
    }

    /// Puts a member in, returning the one of that name it replaces.
    pub fn insert(&self, member: Arc<Member>) -> Option<Arc<Member>> {
        self.members.write().insert(member.name.clone(), member)
    }

    /// Takes a member out.
    pub fn remove(&self, name: &str) -> Option<Arc<Member>> {
        self.members.write().remove(name)
    }
}
