//! Callers that a trusted proxy in front of this server names.

use http::HeaderMap;
use rustls::pki_types::CertificateDer;

use super::request::certificate_user;
use super::user::{AUTHENTICATED, UserInfo};

/// Which proxy is trusted, and in which headers it names the caller.
///
/// The names of headers count in the given order: the first that has a value is the user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontProxy {
    /// Certificates of those who sign the proxy's, as PEM; none: the callers in this process alone may be proxies.
    pub ca_pem: String,
    /// Common names that the proxy's certificate may have; any when empty.
    pub allowed_names: Vec<String>,
    pub user_headers: Vec<String>,
    pub uid_headers: Vec<String>,
    pub group_headers: Vec<String>,
    pub extra_prefixes: Vec<String>,
}

impl Default for FrontProxy {
    fn default() -> Self {
        Self {
            ca_pem: String::new(),
            allowed_names: Vec::new(),
            user_headers: vec!["X-Remote-User".to_owned()],
            uid_headers: Vec::new(),
            group_headers: vec!["X-Remote-Group".to_owned()],
            extra_prefixes: vec!["X-Remote-Extra-".to_owned()],
        }
    }
}

/// Marks a request that the trusted proxy sent; set among its extensions.
#[derive(Clone, Copy, Debug)]
pub struct FromProxy;

impl FrontProxy {
    /// Returns the caller that the headers name, `None` when they name none.
    pub(crate) fn user(&self, headers: &HeaderMap) -> Option<UserInfo> {
        let first = |names: &[String]| {
            let values = names.iter().filter_map(|name| headers.get(name.as_str())?.to_str().ok());
            values.map(str::to_owned).find(|value| !value.is_empty())
        };
        let mut user = UserInfo { name: first(&self.user_headers)?, ..UserInfo::default() };
        user.uid = first(&self.uid_headers).unwrap_or_default();
        for name in &self.group_headers {
            let values = headers.get_all(name.as_str()).iter().filter_map(|value| value.to_str().ok());
            user.groups.extend(values.map(str::to_owned));
        }
        let prefixes: Vec<String> =
            self.extra_prefixes.iter().map(|prefix| prefix.to_ascii_lowercase()).collect();
        for (name, value) in headers {
            let key = prefixes.iter().find_map(|prefix| name.as_str().strip_prefix(prefix.as_str()));
            if let (Some(key), Ok(value)) = (key, value.to_str()) {
                let key = crate::http::query::percent_decode(key);
                user.extra.entry(key).or_default().push(value.to_owned());
            }
        }
        if !user.is_in(AUTHENTICATED) {
            user.groups.push(AUTHENTICATED.to_owned());
        }
        Some(user)
    }

    /// Says whether a certificate has a name that the proxy's may have.
    pub(super) fn allows(&self, certificate: &CertificateDer<'_>) -> bool {
        self.allowed_names.is_empty()
            || certificate_user(certificate).is_some_and(|user| self.allowed_names.contains(&user.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn headers_name_the_caller() {
        let headers = headers(&[
            ("x-remote-user", "jane"),
            ("x-remote-group", "a"),
            ("x-remote-group", "b"),
            ("x-remote-extra-scopes", "view"),
            ("x-remote-extra-acme.com%2fproject", "x"),
        ]);
        let user = FrontProxy::default().user(&headers).unwrap();
        assert_eq!(
            (user.name.as_str(), user.groups.join(",")),
            ("jane", "a,b,system:authenticated".to_owned())
        );
        assert_eq!(user.extra["acme.com/project"], ["x"]);
        assert_eq!(FrontProxy::default().user(&HeaderMap::new()), None);
    }
}
