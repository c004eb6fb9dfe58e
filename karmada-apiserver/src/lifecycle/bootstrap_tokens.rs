//! Tokens that join machines: those that expired go, the others sign what machines learn about the cluster.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use super::controller::Controller;
use crate::auth::bootstrap_token::{BootstrapToken, NAMESPACE, TYPE};
use crate::http::call::Call;
use crate::http::{DeleteOptions, Failure};
use crate::registry::UpdateTarget;
use crate::server::Inner;
use crate::store::{Event, EventKind, Stored, object_key};

const SECRETS: &str = "/secrets";
const CONFIG_MAPS: &str = "/configmaps";
const PUBLIC: &str = "kube-public";
const CLUSTER_INFO: &str = "cluster-info";
const KUBECONFIG: &str = "kubeconfig";
const SIGNATURE_PREFIX: &str = "jws-kubeconfig-";
const MANAGER: &str = "kube-controller-manager";

/// Keeps tokens and their signatures.
pub(super) struct BootstrapTokens;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// A Secret, by name.
    Token(String),
    Signatures,
}

impl Controller for BootstrapTokens {
    type Key = Key;
    const NAME: &'static str = "bootstrap-tokens";

    fn all(&mut self, server: &Inner) -> Vec<Key> {
        let tokens = tokens(server);
        let names = tokens.iter().map(|secret| Key::Token(secret.name().to_owned()));
        names.chain([Key::Signatures]).collect()
    }

    fn keys(&mut self, _: &Inner, resource: &str, event: &Event) -> Vec<Key> {
        let object = &event.object;
        match resource {
            CONFIG_MAPS if object.namespace() == PUBLIC && object.name() == CLUSTER_INFO => {
                vec![Key::Signatures]
            }
            SECRETS if object.namespace() == NAMESPACE && is_token(object) => {
                let mut keys = vec![Key::Signatures];
                if event.kind != EventKind::Deleted {
                    keys.push(Key::Token(object.name().to_owned()));
                }
                keys
            }
            _ => Vec::new(),
        }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, key: &Key) -> Result<Option<Duration>, Failure> {
        match key {
            Key::Token(name) => remove_expired(server, name).await,
            Key::Signatures => sign(server).await.map(|()| None),
        }
    }
}

fn is_token(stored: &Stored) -> bool {
    stored.value().get("type").and_then(Value::as_str) == Some(TYPE)
}

fn tokens(server: &Inner) -> Vec<Arc<Stored>> {
    let mut secrets = server.store.list(SECRETS, &format!("{NAMESPACE}/")).objects;
    secrets.retain(|secret| is_token(secret));
    secrets
}

async fn remove_expired(server: &Arc<Inner>, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(stored) = server.store.get(SECRETS, &object_key(NAMESPACE, name)) else { return Ok(None) };
    let Some(token) = BootstrapToken::read(&stored.value()) else { return Ok(None) };
    let now = server.clock.now();
    if !token.is_expired(now) {
        let left = token.expires().map(|end| end.duration_since(now));
        return Ok(left.and_then(|left| Duration::try_from(left).ok()));
    }
    let resource = server
        .registry()
        .resource("", "v1", "secrets")
        .ok_or_else(|| Failure::internal("secrets are not served"))?;
    let mut call = Call::internal(server, resource, NAMESPACE, name, MANAGER);
    let options = DeleteOptions { uid: Some(stored.uid().to_owned()), ..DeleteOptions::background() };
    match call.delete(&options).await {
        Err(failure) if failure.code != http::StatusCode::NOT_FOUND => Err(failure),
        _ => Ok(None),
    }
}

/// Signs the cluster's public description with every token that may.
async fn sign(server: &Arc<Inner>) -> Result<(), Failure> {
    let Some(stored) = server.store.get(CONFIG_MAPS, &object_key(PUBLIC, CLUSTER_INFO)) else {
        return Ok(());
    };
    let now = server.clock.now();
    let signing: Vec<BootstrapToken> = tokens(server)
        .iter()
        .filter(|secret| !secret.is_deleting())
        .filter_map(|secret| BootstrapToken::read(&secret.value()))
        .filter(|token| token.signs && !token.is_expired(now))
        .collect();
    if stored.is_deleting() || signed(&stored.value(), &signing) == stored.value() {
        return Ok(());
    }
    let resource = server
        .registry()
        .resource("", "v1", "configmaps")
        .ok_or_else(|| Failure::internal("config maps are not served"))?;
    let mut call = Call::internal(server, resource, PUBLIC, CLUSTER_INFO, MANAGER);
    call.update(UpdateTarget::Main, |_, old| Ok(signed(old, &signing))).await.map(drop)
}

/// Returns the description with the signatures of these tokens and no others.
fn signed(description: &Value, tokens: &[BootstrapToken]) -> Value {
    let mut new = description.clone();
    let Some(text) = description.pointer("/data/kubeconfig").and_then(Value::as_str) else { return new };
    let Some(data) = new.get_mut("data").and_then(Value::as_object_mut) else { return new };
    data.retain(|key, _| key == KUBECONFIG || !key.starts_with(SIGNATURE_PREFIX));
    for token in tokens {
        data.insert(format!("{SIGNATURE_PREFIX}{}", token.id), detached_signature(text, token).into());
    }
    new
}

/// Returns a JSON Web Signature without its payload.
fn detached_signature(text: &str, token: &BootstrapToken) -> String {
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": token.id}).to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.secret.as_bytes());
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(text));
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, message.as_bytes())))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn signatures_are_those_of_the_real_signer() {
        let encode = |text: &str| STANDARD.encode(text);
        let token =
            BootstrapToken::read(&json!({"type": TYPE, "metadata": {"name": "bootstrap-token-aaaaaa"},
            "data": {"token-id": encode("aaaaaa"), "token-secret": encode("0123456789abcdef")}}))
            .unwrap();
        let description =
            json!({"data": {"kubeconfig": "apiVersion: v1\nkind: Config\n", "jws-kubeconfig-old": "x"}});
        assert_eq!(
            signed(&description, &[token])["data"],
            json!({"kubeconfig": "apiVersion: v1\nkind: Config\n", "jws-kubeconfig-aaaaaa":
                "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFhYWFhYSJ9..izXnHpTVwI5ymXSs_HpQOFsjrXZPgkTlyxLFftVNqd4"})
        );
    }
}
