//! What all parts of a running server share.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::ServerConfig;
use super::metrics::{Metrics, Stores};
use super::traffic::Traffic;
use crate::admission::policy::Policies;
use crate::admission::webhook::Webhooks;
use crate::audit::Audit;
use crate::auth::{Authority, Claims, ISSUER, KubernetesClaims, Rules, UserInfo, bootstrap_token};
use crate::clock::Clock;
use crate::registry::Registry;
use crate::store::{Store, Stored, object_key};

/// The shared state of a server.
pub(crate) struct Inner {
    pub(crate) config: ServerConfig,
    pub(crate) store: Store,
    registry: RwLock<Arc<Registry>>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) authority: Authority,
    pub(crate) clock: Clock,
    pub(crate) audit: Option<Audit>,
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
    pub(super) fn new(
        config: ServerConfig,
        store: Store,
        authority: Authority,
        audit: Option<Audit>,
    ) -> Self {
        let connected = config.connects.iter().map(|connect| connect.target().clone()).collect();
        Self {
            clock: config.clock.clone(),
            audit,
            traffic: Traffic::new(&config.limits),
            metrics: Arc::default(),
            abort: CancellationToken::new(),
            config,
            rules: Arc::new(Rules::new(store.clone())),
            store,
            registry: RwLock::new(Arc::new(Registry::built_in().with_connected(connected))),
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

    /// Returns the user of a token that is in force, and the audiences that it is for.
    ///
    /// # Errors
    /// With the text that a token review shows.
    pub(crate) fn token_user(
        &self,
        token: &str,
        audiences: &[String],
    ) -> Result<(UserInfo, Vec<String>), String> {
        let now = self.clock.now();
        if audiences.iter().any(|audience| audience == ISSUER)
            && let Some(user) = bootstrap_token::authenticate(&self.store, token, now)
        {
            return Ok((user, vec![ISSUER.to_owned()]));
        }
        let claims = self.authority.signer().verify(token, audiences, now).map_err(|error| match error {
            crate::auth::TokenError::Invalid | crate::auth::TokenError::Sign => error.to_string(),
            other => format!("[invalid bearer token, {other}]"),
        })?;
        let user =
            self.account_user(token, &claims).map_err(|why| format!("[invalid bearer token, {why}]"))?;
        Ok((user, claims.aud))
    }

    /// Checks that what a token is bound to still exists.
    fn account_user(&self, token: &str, claims: &Claims) -> Result<UserInfo, String> {
        let namespace = claims.namespace();
        let (name, uid) = claims.account();
        let account = self
            .store
            .get("/serviceaccounts", &object_key(namespace, name))
            .ok_or_else(|| format!("serviceaccounts {name:?} not found"))?;
        if account.is_deleting() {
            return Err("service account has been deleted".to_owned());
        }
        if account.uid() != uid {
            return Err(format!("service account UID ({}) does not match claim ({uid})", account.uid()));
        }
        let mut user = UserInfo::service_account(namespace, name, uid);
        match &claims.kubernetes {
            Some(kubernetes) => self.check_bound(namespace, &claims.jti, kubernetes, &mut user)?,
            None => self.check_secret(namespace, token, claims)?,
        }
        Ok(user)
    }

    /// Checks the objects that a token is bound to, and tells the user about them.
    fn check_bound(
        &self,
        namespace: &str,
        token_id: &str,
        claims: &KubernetesClaims,
        user: &mut UserInfo,
    ) -> Result<(), String> {
        let mut extra = |key: &str, value: &str| {
            user.extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value.to_owned()]);
        };
        extra("credential-id", &format!("JTI={token_id}"));
        for (reference, kind, scope) in [
            (&claims.pod, "pod", namespace),
            (&claims.secret, "secret", namespace),
            (&claims.node, "node", ""),
        ] {
            let Some(reference) = reference else { continue };
            let stored = self.store.get(&format!("/{kind}s"), &object_key(scope, &reference.name));
            let Some(stored) = stored.filter(|stored| !is_long_gone(stored, self.clock.now())) else {
                return Err("service account token has been invalidated".to_owned());
            };
            if stored.uid() != reference.uid {
                return Err(format!(
                    "{kind} UID ({}) does not match service account {kind} ref claim ({})",
                    stored.uid(),
                    reference.uid
                ));
            }
            if kind != "secret" {
                extra(&format!("{kind}-name"), stored.name());
                extra(&format!("{kind}-uid"), stored.uid());
            }
        }
        Ok(())
    }

    /// Checks that the Secret of an old token still holds it.
    fn check_secret(&self, namespace: &str, token: &str, claims: &Claims) -> Result<(), String> {
        use base64::Engine as _;
        let secret = self.store.get("/secrets", &object_key(namespace, &claims.legacy_secret));
        let Some(secret) = secret.filter(|secret| !secret.is_deleting()) else {
            return Err("Token has been invalidated".to_owned());
        };
        let held = secret.value().pointer("/data/token").and_then(|held| {
            base64::engine::general_purpose::STANDARD.decode(held.as_str().unwrap_or_default()).ok()
        });
        if held.is_some_and(|held| bootstrap_token::same(&held, token.as_bytes())) {
            Ok(())
        } else {
            Err("Token does not match server's copy".to_owned())
        }
    }
}

/// Says whether an object should have been gone for a minute: one that is being deleted may still need its token.
fn is_long_gone(stored: &Stored, now: Timestamp) -> bool {
    const PATIENCE: SignedDuration = SignedDuration::from_secs(60);
    if !stored.is_deleting() {
        return false;
    }
    let object = stored.value();
    let deleted = object.pointer("/metadata/deletionTimestamp").and_then(serde_json::Value::as_str);
    let deleted = deleted.and_then(|text| text.parse::<Timestamp>().ok());
    deleted.is_none_or(|end| end.saturating_add(PATIENCE).is_ok_and(|end| end < now))
}
