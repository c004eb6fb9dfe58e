//! Which headers go on to the member and back, and who the member is told asks.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};

/// Groups that the member itself adds.
const IMPLIED_GROUPS: [&str; 2] = ["system:authenticated", "system:unauthenticated"];
const IMPERSONATE: &str = "impersonate-";

/// In whose name a request is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    pub groups: Vec<String>,
}

/// A caller whose name cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("the name of a user or group cannot be part of a request")]
pub struct UnusableName;

/// Returns the headers of a request to a member.
///
/// # Errors
/// When the caller's name cannot be part of a header.
pub(super) fn request_headers(
    received: &HeaderMap,
    caller: &Caller,
    token: &str,
) -> Result<HeaderMap, UnusableName> {
    let mut headers = end_to_end(received);
    for name in [AUTHORIZATION, HOST, CONTENT_LENGTH] {
        headers.remove(name);
    }
    let impersonating: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(IMPERSONATE)).cloned().collect();
    for name in impersonating {
        headers.remove(name);
    }
    let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).map_err(|_| UnusableName);
    let mut bearer = value(&format!("Bearer {token}"))?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(HeaderName::from_static("impersonate-user"), value(&caller.user)?);
    for group in caller.groups.iter().filter(|group| !IMPLIED_GROUPS.contains(&group.as_str())) {
        headers.append(HeaderName::from_static("impersonate-group"), value(group)?);
    }
    Ok(headers)
}

/// Returns the headers that are for the other end, not for the next one on the way.
pub(super) fn end_to_end(received: &HeaderMap) -> HeaderMap {
    let mut headers = received.clone();
    let named: Vec<HeaderName> = received
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let fixed = [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    let texts = ["keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate"];
    let fixed = fixed.into_iter().chain(texts.map(HeaderName::from_static));
    for name in named.into_iter().chain(fixed) {
        headers.remove(name);
    }
    headers
}

/// Returns the protocol that a request wants to change to, or an answer changes to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let wants = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    headers.get(UPGRADE).filter(|_| wants).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_member_is_told_who_asks_and_nothing_that_the_caller_claims() {
        let received = map(&[
            ("authorization", "Bearer of-the-control-plane"),
            ("impersonate-user", "root"),
            ("impersonate-extra-x", "y"),
            ("accept", "application/json"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("host", "control-plane"),
        ]);
        let caller = Caller { user: "ann".into(), groups: vec!["dev".into(), "system:authenticated".into()] };
        let expected = map(&[
            ("accept", "application/json"),
            ("authorization", "Bearer t"),
            ("impersonate-user", "ann"),
            ("impersonate-group", "dev"),
        ]);
        assert_eq!(request_headers(&received, &caller, "t").unwrap(), expected);
        let liar = Caller { user: "a\r\nImpersonate-Group: system:masters".into(), groups: Vec::new() };
        assert!(request_headers(&received, &liar, "t").is_err());
    }

    #[test]
    fn only_a_connection_that_says_so_is_upgraded() {
        assert_eq!(upgrade(&map(&[("upgrade", "SPDY/3.1")])), None);
        let headers = map(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(upgrade(&headers).unwrap(), "websocket");
    }
}
