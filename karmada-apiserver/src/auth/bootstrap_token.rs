//! Tokens that join machines to a cluster: Secrets of `kube-system` that say what their token may do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use super::user::{AUTHENTICATED, UserInfo};
use crate::store::{Store, object_key};

pub(crate) const NAMESPACE: &str = "kube-system";
pub(crate) const TYPE: &str = "bootstrap.kubernetes.io/token";
const SECRETS: &str = "/secrets";
const NAME_PREFIX: &str = "bootstrap-token-";
const USER_PREFIX: &str = "system:bootstrap:";
const GROUP: &str = "system:bootstrappers";
const ID_LENGTH: usize = 6;
const SECRET_LENGTH: usize = 16;
/// What a group may have behind `system:bootstrappers:`.
const LONGEST_GROUP: usize = 256;

/// What a Secret says about a token.
pub(crate) struct BootstrapToken {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) signs: bool,
    authenticates: bool,
    /// Texts that are no time count as expired.
    expires: Option<Timestamp>,
    groups: Option<Vec<String>>,
}

impl std::fmt::Debug for BootstrapToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No secrets in logs.
        f.debug_struct("BootstrapToken").field("id", &self.id).finish_non_exhaustive()
    }
}

impl BootstrapToken {
    /// Reads a Secret; `None` when it is none of a token, or not under the name of its token.
    pub(crate) fn read(secret: &Value) -> Option<Self> {
        if secret.get("type").and_then(Value::as_str) != Some(TYPE) {
            return None;
        }
        let data = |key: &str| {
            let encoded = secret.get("data")?.get(key)?.as_str()?;
            String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
        };
        let (id, token_secret) = (data("token-id")?, data("token-secret")?);
        let name = secret.pointer("/metadata/name").and_then(Value::as_str)?;
        if name.strip_prefix(NAME_PREFIX) != Some(&id) || token_secret.is_empty() {
            return None;
        }
        let usage = |key: &str| data(key).as_deref() == Some("true");
        let expires = data("expiration")
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().unwrap_or(Timestamp::MIN));
        Some(Self {
            signs: usage("usage-bootstrap-signing"),
            authenticates: usage("usage-bootstrap-authentication"),
            groups: groups(&data("auth-extra-groups").unwrap_or_default()),
            id,
            secret: token_secret,
            expires,
        })
    }

    /// Says whether the token is no longer good.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Returns when the token stops to be good.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.expires
    }
}

/// Takes a token apart into its id and secret, if it looks like one of a Secret.
fn parse(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let fits = id.len() == ID_LENGTH && secret.len() == SECRET_LENGTH && plain(id) && plain(secret);
    fits.then_some((id, secret))
}

/// Returns the user of a token that is in force.
pub(crate) fn authenticate(store: &Store, token: &str, now: Timestamp) -> Option<UserInfo> {
    let (id, secret) = parse(token)?;
    let stored = store.get(SECRETS, &object_key(NAMESPACE, &format!("{NAME_PREFIX}{id}")))?;
    if stored.is_deleting() {
        return None;
    }
    let known = BootstrapToken::read(&stored.value())?;
    if !same(known.secret.as_bytes(), secret.as_bytes()) || known.is_expired(now) || !known.authenticates {
        return None;
    }
    let mut all = vec![GROUP.to_owned()];
    all.extend(known.groups?);
    all.push(AUTHENTICATED.to_owned());
    Some(UserInfo { name: format!("{USER_PREFIX}{id}"), groups: all, ..UserInfo::default() })
}

/// Compares secrets in a time that does not tell where they differ.
pub(crate) fn same(own: &[u8], other: &[u8]) -> bool {
    let digest = |bytes: &[u8]| ring::digest::digest(&ring::digest::SHA256, bytes);
    let (own, other) = (digest(own), digest(other));
    let difference = own.as_ref().iter().zip(other.as_ref()).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(difference) == 0
}

/// Returns the groups of a list, `None` when one of them is not below the group of all such tokens.
fn groups(list: &str) -> Option<Vec<String>> {
    let mut groups = Vec::new();
    for group in list.split(',').map(str::trim).filter(|_| !list.is_empty()) {
        let rest = group.strip_prefix(GROUP)?.strip_prefix(':')?;
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b":-".contains(&byte);
        let ends_well =
            rest.bytes().last().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if rest.len() > LONGEST_GROUP || !rest.bytes().all(allowed) || !ends_well {
            return None;
        }
        groups.push(group.to_owned());
    }
    groups.sort();
    groups.dedup();
    Some(groups)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{Change, Draft, Expect, StoreOptions, Write};

    const TOKEN: &str = "aaaaaa.0123456789abcdef";

    /// Asks with a token of a Secret with these data beside its id and secret.
    async fn user(kind: &str, data: Value, token: &str) -> Option<UserInfo> {
        let mut all = json!({"token-id": "aaaaaa", "token-secret": "0123456789abcdef"});
        for (key, value) in data.as_object().unwrap() {
            all[key] = value.clone();
        }
        for value in all.as_object_mut().unwrap().values_mut() {
            *value = STANDARD.encode(value.as_str().unwrap()).into();
        }
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "data": all,
            "metadata": {"name": "bootstrap-token-aaaaaa", "namespace": NAMESPACE}});
        let store = Store::in_memory(&StoreOptions::default());
        let change = Change::Put(Draft::new(&secret));
        store.write(Write { resource: SECRETS.into(), expect: Expect::Absent, change }).await.unwrap();
        authenticate(&store, token, "2026-11-21T09:45:03Z".parse().unwrap())
    }

    #[tokio::test]
    async fn a_token_names_its_id_and_groups() {
        let data = json!({"usage-bootstrap-authentication": "true", "expiration": "2036-01-01T00:00:00Z",
            "auth-extra-groups": "system:bootstrappers:workers,system:bootstrappers:b"});
        let user = user(TYPE, data, TOKEN).await.unwrap();
        assert_eq!(user.name, "system:bootstrap:aaaaaa");
        assert_eq!(
            user.groups,
            [
                "system:bootstrappers",
                "system:bootstrappers:b",
                "system:bootstrappers:workers",
                "system:authenticated"
            ]
        );
    }

    #[tokio::test]
    async fn what_is_not_in_order_authenticates_nobody() {
        let on = "usage-bootstrap-authentication";
        for (kind, data, token) in [
            (TYPE, json!({}), TOKEN),
            (TYPE, json!({on: "yes"}), TOKEN),
            ("Opaque", json!({on: "true"}), TOKEN),
            (TYPE, json!({on: "true", "token-id": "bbbbbb"}), TOKEN),
            (TYPE, json!({on: "true", "token-secret": "short"}), TOKEN),
            (TYPE, json!({on: "true", "expiration": "tomorrow"}), TOKEN),
            (TYPE, json!({on: "true", "expiration": "2026-11-21T05:00:00+00:00"}), TOKEN),
            (TYPE, json!({on: "true", "auth-extra-groups": "system:masters"}), TOKEN),
            (TYPE, json!({on: "true", "auth-extra-groups": "system:bootstrappers:UP"}), TOKEN),
            (TYPE, json!({on: "true"}), "aaaaaa.0123456789abcdex"),
            (TYPE, json!({on: "true"}), "AAAAAA.0123456789abcdef"),
            (TYPE, json!({on: "true"}), "aaaaaa.0123456789abcde"),
            (TYPE, json!({on: "true"}), "aaaaaa"),
        ] {
            assert_eq!(user(kind, data.clone(), token).await, None, "{kind} {data} {token}");
        }
    }
}
