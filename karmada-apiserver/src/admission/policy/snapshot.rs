//! The policies of a server, compiled when they change.

use std::sync::Arc;

use parking_lot::Mutex;

use super::compiled::{Binding, Policy};
use crate::store::{Store, Stored};

const POLICIES: &str = "admissionregistration.k8s.io/validatingadmissionpolicies";
const BINDINGS: &str = "admissionregistration.k8s.io/validatingadmissionpolicybindings";

/// The compiled policies as they were last seen.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    last: Mutex<Seen>,
}

/// Policies with their bindings, both in the order of their names.
pub(super) type Bound = Arc<[(Policy, Vec<Binding>)]>;

#[derive(Debug, Default)]
struct Seen {
    /// Uid and revision of each policy and binding.
    revisions: Vec<(String, u64)>,
    policies: Bound,
}

/// Whether there are policies that may refuse objects.
pub(crate) fn may_refuse(store: &Store) -> bool {
    store.count(BINDINGS) > 0 && store.count(POLICIES) > 0
}

impl Policies {
    /// Returns the policies that have bindings, as they are now.
    pub(super) fn list(&self, store: &Store) -> Bound {
        if !may_refuse(store) {
            return Bound::default();
        }
        let (policies, bindings) = (store.list(POLICIES, "").objects, store.list(BINDINGS, "").objects);
        let revisions: Vec<(String, u64)> = policies
            .iter()
            .chain(&bindings)
            .map(|stored| (stored.uid().to_owned(), stored.revision()))
            .collect();
        let mut last = self.last.lock();
        if last.revisions != revisions {
            *last = Seen { revisions, policies: bind(&policies, &bindings) };
        }
        last.policies.clone()
    }
}

fn bind(policies: &[Arc<Stored>], bindings: &[Arc<Stored>]) -> Bound {
    let bindings: Vec<_> = bindings.iter().map(|stored| stored.value()).collect();
    policies
        .iter()
        .map(|stored| {
            let of_policy =
                bindings.iter().map(Binding::parse).filter(|binding| binding.policy == stored.name());
            (stored, of_policy.collect::<Vec<_>>())
        })
        .filter(|(_, bindings)| !bindings.is_empty())
        .map(|(stored, bindings)| (Policy::compile(&stored.value()), bindings))
        .collect()
}
