//! Bootstrap tokens in the control plane: Secrets of `kube-system`.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, ObjectMeta, PostParams};

use super::{BootstrapToken, TokenId};
use crate::api_error::ApiError;

/// The group that tokens act for unless others are given.
pub const DEFAULT_GROUP: &str = "system:bootstrappers:karmada:default-cluster-token";

const NAMESPACE: &str = "kube-system";
const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";
const NAME_PREFIX: &str = "bootstrap-token-";
const GROUP_PREFIX: &str = "system:bootstrappers:";
const LONGEST_GROUP: usize = 256;
const USAGE_PREFIX: &str = "usage-bootstrap-";

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Usage {
    /// To prove that the control plane is the right one
    Signing,
    /// To act in the control plane
    Authentication,
}

impl Usage {
    fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Authentication => "authentication",
        }
    }
}

/// What a token is to be.
#[derive(Clone, Debug)]
pub struct TokenOptions {
    /// It never ends without.
    pub lifetime: Option<SignedDuration>,
    pub usages: Vec<Usage>,
    pub groups: Vec<String>,
    pub description: String,
}

/// A token that cannot be made, listed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("cannot {operation}")]
    Api {
        operation: String,
        #[source]
        source: Box<ApiError>,
    },
    #[error("cannot make a token")]
    Random(#[source] super::bootstrap_token::NoRandomness),
}

/// A token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    pub token: String,
    pub expires: Option<Timestamp>,
    pub usages: Vec<String>,
    pub description: String,
    pub groups: Vec<String>,
}

/// Returns why a group cannot be one of a token.
///
/// # Errors
/// With the reason.
pub fn check_group(group: &str) -> Result<String, String> {
    let rest = group.strip_prefix(GROUP_PREFIX).unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = rest.len() <= LONGEST_GROUP
        && rest.bytes().all(|byte| plain(byte) || b":-".contains(&byte))
        && rest.bytes().last().is_some_and(plain);
    if fits {
        return Ok(group.to_owned());
    }
    Err(format!(
        r"bootstrap group {group:?} is invalid (must match \Asystem:bootstrappers:[a-z0-9:-]{{0,255}}[a-z0-9]\z)"
    ))
}

/// Makes a token and stores it.
///
/// # Errors
/// When the machine has no random numbers or the control plane refuses.
pub async fn create_token(
    control_plane: &kube::Client,
    options: &TokenOptions,
    now: Timestamp,
) -> Result<BootstrapToken, TokenError> {
    let token = BootstrapToken::generate().map_err(TokenError::Random)?;
    let secret = secret_of(&token, options, now);
    let created = secrets(control_plane).create(&PostParams::default(), &secret).await;
    created.map_err(failed(format!("store the token {}", token.id())))?;
    Ok(token)
}

fn secret_of(token: &BootstrapToken, options: &TokenOptions, now: Timestamp) -> Secret {
    let mut data = BTreeMap::from([
        ("token-id".to_owned(), token.id().to_owned()),
        ("token-secret".to_owned(), token.secret().to_owned()),
    ]);
    for usage in &options.usages {
        data.insert(format!("{USAGE_PREFIX}{}", usage.name()), "true".to_owned());
    }
    if !options.description.is_empty() {
        data.insert("description".to_owned(), options.description.clone());
    }
    if !options.groups.is_empty() {
        data.insert("auth-extra-groups".to_owned(), options.groups.join(","));
    }
    let end = options.lifetime.and_then(|lifetime| now.checked_add(lifetime).ok());
    if let Some(end) = end {
        data.insert("expiration".to_owned(), end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
    Secret {
        metadata: ObjectMeta {
            name: Some(format!("{NAME_PREFIX}{}", token.id())),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        type_: Some(SECRET_TYPE.to_owned()),
        data: Some(data.into_iter().map(|(key, text)| (key, ByteString(text.into_bytes()))).collect()),
        ..Secret::default()
    }
}

/// Returns the tokens that are stored, by id.
///
/// # Errors
/// When the control plane cannot be asked.
pub async fn list_tokens(control_plane: &kube::Client) -> Result<Vec<ListedToken>, TokenError> {
    let parameters = ListParams::default().fields(&format!("type={SECRET_TYPE}"));
    let found = secrets(control_plane).list(&parameters).await;
    let found = found.map_err(failed("list the tokens".to_owned()))?;
    let mut tokens: Vec<ListedToken> = found.items.iter().filter_map(read).collect();
    tokens.sort_by(|left, right| left.token.cmp(&right.token));
    Ok(tokens)
}

fn read(secret: &Secret) -> Option<ListedToken> {
    let data = secret.data.as_ref()?;
    let text = |key: &str| {
        let value = data.get(key)?;
        String::from_utf8(value.0.clone()).ok().filter(|text| !text.is_empty())
    };
    let mut usages: Vec<String> = data
        .iter()
        .filter(|(_, value)| value.0 == b"true")
        .filter_map(|(key, _)| key.strip_prefix(USAGE_PREFIX).map(str::to_owned))
        .collect();
    usages.sort_unstable();
    let mut groups: Vec<String> = text("auth-extra-groups")
        .map(|groups| groups.split(',').map(str::to_owned).collect())
        .unwrap_or_default();
    groups.sort_unstable();
    Some(ListedToken {
        token: format!("{}.{}", text("token-id")?, text("token-secret")?),
        expires: text("expiration").and_then(|text| text.parse().ok()),
        usages,
        description: text("description").unwrap_or_default(),
        groups,
    })
}

/// Deletes a token.
///
/// # Errors
/// When it is not there or the control plane refuses.
pub async fn delete_token(control_plane: &kube::Client, id: &TokenId) -> Result<(), TokenError> {
    let name = format!("{NAME_PREFIX}{id}");
    let deleted = secrets(control_plane).delete(&name, &DeleteParams::default()).await;
    deleted.map(drop).map_err(failed(format!("delete the token {id}")))
}

fn secrets(control_plane: &kube::Client) -> Api<Secret> {
    Api::namespaced(control_plane.clone(), NAMESPACE)
}

fn failed(operation: String) -> impl FnOnce(kube::Error) -> TokenError {
    move |source| TokenError::Api { operation, source: Box::new(ApiError(source)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_token_is_read_as_it_was_made() {
        let options = TokenOptions {
            lifetime: Some(SignedDuration::from_hours(24)),
            usages: vec![Usage::Signing, Usage::Authentication],
            groups: vec![DEFAULT_GROUP.into()],
            description: "for m1".into(),
        };
        let token: BootstrapToken = "abcdef.0123456789abcdef".parse().unwrap();
        let now: Timestamp = "2026-11-21T10:00:00.5Z".parse().unwrap();
        let secret = secret_of(&token, &options, now);
        assert_eq!(secret.metadata.name.as_deref(), Some("bootstrap-token-abcdef"));
        assert_eq!(
            read(&secret).unwrap(),
            ListedToken {
                token: token.text(),
                expires: "2026-11-22T10:00:00Z".parse().ok(),
                usages: vec!["authentication".into(), "signing".into()],
                description: "for m1".into(),
                groups: vec![DEFAULT_GROUP.into()],
            }
        );
        let forever = TokenOptions { lifetime: None, usages: Vec::new(), groups: Vec::new(), ..options };
        assert_eq!(read(&secret_of(&token, &forever, now)).unwrap().expires, None);
    }

    #[test]
    fn groups_are_below_the_group_of_all_tokens() {
        assert!(check_group(DEFAULT_GROUP).is_ok());
        for group in
            ["system:masters", "system:bootstrappers:", "system:bootstrappers:A", "system:bootstrappers:a-"]
        {
            assert!(check_group(group).is_err(), "{group}");
        }
    }
}
