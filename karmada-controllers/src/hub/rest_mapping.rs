//! Which kinds an API server serves, and under which names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use kube::Client;
use kube::core::ApiResource;
use kube::discovery::{Discovery, Scope, verbs};
use parking_lot::RwLock;

/// One served kind.
#[derive(Clone, Debug)]
pub struct Served {
    pub resource: ApiResource,
    pub namespaced: bool,
    /// Whether it can be listed, watched and deleted, which propagation needs.
    pub propagable: bool,
    /// Whether it is the version of its kind that the server prefers.
    pub preferred: bool,
}

/// The kinds an API server serves, refreshed on demand.
pub struct RestMapping {
    client: Client,
    kinds: RwLock<BTreeMap<(String, String, String), Served>>,
    /// Held while the documents are read: many who miss the same kind ask once.
    reading: tokio::sync::Mutex<()>,
    /// How often the documents were read.
    rounds: AtomicU64,
}

impl fmt::Debug for RestMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RestMapping").field("kinds", &self.kinds.read().len()).finish_non_exhaustive()
    }
}

impl RestMapping {
    /// Makes an empty mapping; [`RestMapping::refresh`] fills it.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            kinds: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            rounds: AtomicU64::new(0),
        }
    }

    /// Reads the server's discovery documents.
    ///
    /// # Errors
    /// When discovery cannot be read; the mapping then keeps what it knew.
    pub async fn refresh(&self) -> Result<(), kube::Error> {
        let _reading = self.reading.lock().await;
        self.read().await
    }

    async fn read(&self) -> Result<(), kube::Error> {
        let discovery = match Discovery::new(self.client.clone()).run_aggregated().await {
            Ok(discovery) => discovery,
            // Servers before Kubernetes 1.26 know only the per-group documents.
            Err(_) => Discovery::new(self.client.clone()).run().await?,
        };
        let mut kinds = BTreeMap::new();
        for group in discovery.groups() {
            let preferred = group.preferred_version_or_latest().to_string();
            let mut seen = BTreeMap::new();
            for (resource, _) in group.resources_by_stability() {
                seen.entry(resource.kind.clone()).or_insert(resource.version);
            }
            for version in group.versions() {
                for (resource, capabilities) in group.versioned_resources(version) {
                    let propagable = [verbs::LIST, verbs::WATCH, verbs::DELETE]
                        .iter()
                        .all(|verb| capabilities.supports_operation(verb));
                    let in_preferred = group
                        .versioned_resources(&preferred)
                        .iter()
                        .any(|(other, _)| other.kind == resource.kind);
                    let is_preferred = if in_preferred {
                        resource.version == preferred
                    } else {
                        seen.get(&resource.kind).is_some_and(|best| *best == resource.version)
                    };
                    let key = (resource.group.clone(), resource.version.clone(), resource.kind.clone());
                    let namespaced = capabilities.scope == Scope::Namespaced;
                    kinds.insert(key, Served { resource, namespaced, propagable, preferred: is_preferred });
                }
            }
        }
        *self.kinds.write() = kinds;
        self.rounds.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Finds how `kind` of `api_version` is served, reading discovery again when it is not known.
    ///
    /// # Errors
    /// When discovery cannot be read.
    pub async fn find(&self, api_version: &str, kind: &str) -> Result<Option<Served>, kube::Error> {
        if let Some(served) = self.find_known(api_version, kind) {
            return Ok(Some(served));
        }
        let seen = self.rounds.load(Ordering::SeqCst);
        let _reading = self.reading.lock().await;
        // One round that ended while this one waited its turn may have begun before the kind was there: two did not.
        if self.rounds.load(Ordering::SeqCst) < seen + 2 {
            self.read().await?;
        }
        Ok(self.find_known(api_version, kind))
    }

    /// Finds how a kind is served without asking the server.
    pub fn find_known(&self, api_version: &str, kind: &str) -> Option<Served> {
        let (group, version) = split_api_version(api_version);
        self.kinds.read().get(&(group.to_string(), version.to_string(), kind.to_string())).cloned()
    }

    /// Returns all served kinds.
    pub fn served(&self) -> Vec<Served> {
        self.kinds.read().values().cloned().collect()
    }
}

/// Splits `group/version` or `version`.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}
