//! What all parts of a running server share.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::ServerConfig;
use super::metrics::{Metrics, Stores};
use super::traffic::Traffic;
use crate::admission::policy::Policies;
use crate::admission::webhook::Webhooks;
use crate::auth::{Authority, Bound, Claims, Rules, UserInfo};
use crate::registry::Registry;
use crate::store::{Store, object_key};

/// The shared state of a server.
pub(crate) struct Inner {
    pub(crate) config: ServerConfig,
    pub(crate) store: Store,
    registry: RwLock<Arc<Registry>>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) authority: Authority,
    pub(crate) webhooks: Webhooks,
    pub(crate) policies: Policies,
    /// Told when the server shall end: requests under way are finished, watches end.
    pub(crate) shutdown: CancellationToken,
    /// Told when it does not wait for clients any longer.
    pub(crate) abort: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) traffic: Traffic,
    pub(crate) metrics: Arc<Metrics>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn new(config: ServerConfig, store: Store, authority: Authority) -> Self {
        Self {
            traffic: Traffic::new(&config.limits),
            metrics: Arc::default(),
            abort: CancellationToken::new(),
            config,
            rules: Arc::new(Rules::new(store.clone())),
            store,
            registry: RwLock::new(Arc::new(Registry::built_in())),
            authority,
            webhooks: Webhooks::default(),
            policies: Policies::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Returns the kinds of this moment.
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.read().clone()
    }

    /// Replaces the kinds by what `change` makes of them.
    pub(crate) fn change_registry<E>(
        &self,
        change: impl FnOnce(&Registry) -> Result<Registry, E>,
    ) -> Result<(), E> {
        let mut registry = self.registry.write();
        *registry = Arc::new(change(&registry)?);
        Ok(())
    }

    /// Returns all metrics as text.
    pub(crate) fn print_metrics(&self) -> String {
        let objects = self
            .store
            .resources()
            .iter()
            .map(|key| {
                // Keys of storage are `GROUP/PLURAL`.
                let (group, plural) = key.split_once('/').unwrap_or(("", key));
                (group.to_owned(), plural.to_owned(), self.store.count(key))
            })
            .collect();
        let file = self.config.data_dir.as_ref().map(|directory| directory.join(super::facade::DATA_FILE));
        self.metrics.print(&Stores {
            objects,
            file_bytes: file.and_then(|path| Some(std::fs::metadata(path).ok()?.len())),
            load: self.traffic.load(),
            client_watches: self.traffic.watch_count(),
        })
    }

    /// Returns the service account of a token that is in force.
    ///
    /// # Errors
    /// With the text that a token review shows.
    pub(crate) fn token_user(&self, token: &str, audiences: &[String]) -> Result<(UserInfo, Claims), String> {
        let now = Timestamp::now();
        let claims = self.authority.signer().verify(token, audiences, now).map_err(|error| match error {
            crate::auth::TokenError::Invalid | crate::auth::TokenError::Sign => error.to_string(),
            other => format!("[invalid bearer token, {other}]"),
        })?;
        let user = self.bound_user(&claims).map_err(|why| format!("[invalid bearer token, {why}]"))?;
        Ok((user, claims))
    }

    /// Checks that what a token is bound to still exists.
    fn bound_user(&self, claims: &Claims) -> Result<UserInfo, String> {
        let namespace = claims.namespace();
        let (name, uid) = claims.account();
        let not_found = |plural: &str, name: &str| format!("{plural} {name:?} not found");
        let account = self
            .store
            .get("/serviceaccounts", &object_key(namespace, name))
            .ok_or_else(|| not_found("serviceaccounts", name))?;
        if account.uid() != uid || account.is_deleting() {
            return Err("service account UID does not match claim".to_owned());
        }
        let mut user = UserInfo::service_account(namespace, name, uid);
        let mut extra = |key: &str, value: &str| {
            user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]);
        };
        if let Some(kubernetes) = &claims.kubernetes {
            extra("credential-id", &format!("JTI={}", claims.jti));
            let bound: [(&Option<Bound>, &str, &str); 3] = [
                (&kubernetes.pod, "pods", namespace),
                (&kubernetes.secret, "secrets", namespace),
                (&kubernetes.node, "nodes", ""),
            ];
            for (reference, plural, scope) in bound {
                let Some(reference) = reference else { continue };
                let stored = self
                    .store
                    .get(&format!("/{plural}"), &object_key(scope, &reference.name))
                    .filter(|stored| stored.uid() == reference.uid)
                    .ok_or_else(|| not_found(plural, &reference.name))?;
                if plural != "secrets" {
                    let singular = plural.trim_end_matches('s');
                    extra(&format!("{singular}-name"), stored.name());
                    extra(&format!("{singular}-uid"), stored.uid());
                }
            }
        } else {
            let secret = self
                .store
                .get("/secrets", &object_key(namespace, &claims.legacy_secret))
                .ok_or_else(|| not_found("secrets", &claims.legacy_secret))?;
            if secret.is_deleting() {
                return Err("token has been invalidated".to_owned());
            }
        }
        Ok(user)
    }
}
