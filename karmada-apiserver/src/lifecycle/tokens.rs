//! Secrets that ask for a service account's token get one, and go with the account.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::controller::Controller;
use crate::auth::Claims;
use crate::http::DeleteOptions;
use crate::http::Failure;
use crate::http::call::Call;
use crate::registry::UpdateTarget;
use crate::server::Inner;
use crate::store::{Event, EventKind, Stored, object_key};

const SECRETS: &str = "/secrets";
const ACCOUNTS: &str = "/serviceaccounts";
const TYPE: &str = "kubernetes.io/service-account-token";
const NAME: &str = "kubernetes.io/service-account.name";
const UID: &str = "kubernetes.io/service-account.uid";
const MANAGER: &str = "kube-controller-manager";

/// Fills token Secrets.
pub(super) struct Tokens;

impl Controller for Tokens {
    /// Namespace and name of a Secret.
    type Key = (String, String);
    const NAME: &'static str = "tokens";

    fn all(&mut self, server: &Inner) -> Vec<Self::Key> {
        server
            .store
            .list(SECRETS, "")
            .objects
            .iter()
            .filter(|secret| is_token(secret))
            .map(|s| key(s))
            .collect()
    }

    fn keys(&mut self, server: &Inner, resource: &str, event: &Event) -> Vec<Self::Key> {
        match resource {
            SECRETS if event.kind != EventKind::Deleted && is_token(&event.object) => {
                vec![key(&event.object)]
            }
            ACCOUNTS => {
                let scope = format!("{}/", event.object.namespace());
                let secrets = server.store.list(SECRETS, &scope).objects;
                secrets.iter().filter(|secret| is_token(secret)).map(|secret| key(secret)).collect()
            }
            _ => Vec::new(),
        }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, key: &Self::Key) -> Result<Option<Duration>, Failure> {
        let (namespace, name) = key;
        let registry = server.registry();
        let resource = registry
            .resource("", "v1", "secrets")
            .ok_or_else(|| Failure::internal("secrets are not served"))?;
        let mut call = Call::internal(server, resource, namespace, name, MANAGER);
        let Some(stored) = call.stored().filter(|stored| is_token(stored) && !stored.is_deleting()) else {
            return Ok(None);
        };
        let secret = stored.value();
        let annotation =
            |key: &str| secret["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned();
        let (account_name, account_uid) = (annotation(NAME), annotation(UID));
        let account = server
            .store
            .get(ACCOUNTS, &object_key(namespace, &account_name))
            .filter(|account| account_uid.is_empty() || account.uid() == account_uid);
        let Some(account) = account else {
            let mut options = DeleteOptions::background();
            options.uid = Some(stored.uid().to_owned());
            return match call.delete(&options).await {
                Err(failure) if failure.code != http::StatusCode::NOT_FOUND => Err(failure),
                _ => Ok(None),
            };
        };
        let ca = STANDARD.encode(server.authority.pem());
        let filled = secret["data"]["token"].is_string()
            && secret["data"]["ca.crt"] == ca.as_str()
            && secret["data"]["namespace"].is_string()
            && account_uid == account.uid();
        if filled {
            return Ok(None);
        }
        let claims = Claims::legacy(namespace, name, &account_name, account.uid());
        let token = server
            .authority
            .signer()
            .sign(&claims)
            .map_err(|_| Failure::internal("no token could be signed"))?;
        call.update(UpdateTarget::Main, |_, old| {
            let mut new = old.clone();
            let data = &mut new["data"];
            if !data.is_object() {
                *data = serde_json::json!({});
            }
            data["ca.crt"] = ca.clone().into();
            data["namespace"] = STANDARD.encode(namespace).into();
            if !data["token"].is_string() {
                data["token"] = STANDARD.encode(&token).into();
            }
            new["metadata"]["annotations"][UID] = account.uid().into();
            Ok(new)
        })
        .await?;
        Ok(None)
    }
}

fn key(stored: &Stored) -> (String, String) {
    (stored.namespace().to_owned(), stored.name().to_owned())
}

fn is_token(stored: &Stored) -> bool {
    stored.value().get("type").and_then(Value::as_str) == Some(TYPE)
}
