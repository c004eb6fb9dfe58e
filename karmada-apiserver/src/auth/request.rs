//! From a request to the caller.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::user::{self, UserInfo};
use crate::http::failure::Failure;

/// The caller that a client certificate names; the listener puts it into a request's extensions.
#[derive(Clone, Debug)]
pub struct PeerUser(pub UserInfo);

/// What a request says about its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    Bearer(String),
    Nothing,
}

/// Returns the bearer token of a request.
pub fn authenticate(headers: &HeaderMap) -> Credentials {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (scheme, token) = value.trim().split_once(' ').unwrap_or_default();
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Credentials::Bearer(token.to_owned())
    } else {
        Credentials::Nothing
    }
}

/// Returns the user of a client certificate: its common name, with its organizations as groups.
pub(crate) fn certificate_user(der: &[u8]) -> Option<UserInfo> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let mut groups: Vec<String> =
        subject.iter_organization().filter_map(|group| Some(group.as_str().ok()?.to_owned())).collect();
    groups.push(user::AUTHENTICATED.to_owned());
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let hex = crate::http::hex(digest.as_ref());
    let extra = BTreeMap::from([(
        "authentication.kubernetes.io/credential-id".to_owned(),
        vec![format!("X509SHA256={hex}")],
    )]);
    Some(UserInfo { name, uid: String::new(), groups, extra })
}

/// Returns whom a request wants to act as, `None` when it does not ask.
///
/// # Errors
/// When it asks for a part of an identity without a name.
pub fn impersonate(headers: &HeaderMap) -> Result<Option<UserInfo>, Failure> {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut user =
        UserInfo { name: text("impersonate-user"), uid: text("impersonate-uid"), ..UserInfo::default() };
    user.groups = headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect();
    for (name, value) in headers {
        if let (Some(key), Ok(value)) = (name.as_str().strip_prefix("impersonate-extra-"), value.to_str()) {
            let key = crate::http::query::percent_decode(key);
            user.extra.entry(key).or_default().push(value.to_owned());
        }
    }
    if user.name.is_empty() {
        if user.uid.is_empty() && user.groups.is_empty() && user.extra.is_empty() {
            return Ok(None);
        }
        return Err(Failure::bad_request(format!(
            "requested {} without impersonating a user name",
            go_text(&user)
        )));
    }
    Ok(Some(user))
}

/// Completes an impersonated identity with the groups that its kind of user always has.
pub(crate) fn complete(mut user: UserInfo) -> UserInfo {
    if user.groups.is_empty()
        && let Some((namespace, _)) =
            user.name.strip_prefix(user::SERVICE_ACCOUNT_PREFIX).and_then(|rest| rest.split_once(':'))
    {
        user.groups = user::service_account_groups(namespace);
    }
    let known = user.is_in(user::AUTHENTICATED) || user.is_in(user::UNAUTHENTICATED);
    if user.name == user::ANONYMOUS {
        if !user.is_in(user::UNAUTHENTICATED) {
            user.groups.push(user::UNAUTHENTICATED.to_owned());
        }
    } else if !known {
        user.groups.push(user::AUTHENTICATED.to_owned());
    }
    user
}

/// Prints a user as Go's `%#v`, which the real server puts into its message.
fn go_text(user: &UserInfo) -> String {
    let list = |items: &[String]| {
        if items.is_empty() {
            "[]string(nil)".to_owned()
        } else {
            let quoted: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
            format!("[]string{{{}}}", quoted.join(", "))
        }
    };
    let extra = if user.extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let entries: Vec<_> = user.extra.iter().map(|(k, v)| format!("{k:?}:{}", list(v))).collect();
        format!("map[string][]string{{{}}}", entries.join(", "))
    };
    format!(
        "&user.DefaultInfo{{Name:{:?}, UID:{:?}, Groups:{}, Extra:{extra}}}",
        user.name,
        user.uid,
        list(&user.groups)
    )
}
