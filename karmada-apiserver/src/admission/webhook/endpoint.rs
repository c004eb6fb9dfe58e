//! Where a webhook is: a URL or a Service, and whom to trust there.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::store::{Store, object_key};

const HTTPS_PORT: u16 = 443;
const SERVICES: &str = "/services";

/// A `clientConfig`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    address: Address,
    /// Certificates to trust, as PEM; those of the system when there are none.
    pub(super) bundle: Option<Arc<[u8]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Url(String),
    Service { namespace: String, name: String, port: u16, path: String },
}

/// What a connection needs to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    /// Name or address to connect to.
    pub(super) dial: String,
    pub(super) port: u16,
    /// The name that the certificate has to have.
    pub(super) server_name: String,
}

/// The parts of a URL that a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as the URL has them.
    pub(super) authority: String,
    pub(super) path: String,
}

impl Endpoint {
    /// Reads a `clientConfig`.
    pub(crate) fn parse(config: &Value) -> Self {
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let bundle = config["caBundle"].as_str().and_then(|bundle| STANDARD.decode(bundle).ok());
        let address = match config.get("service").filter(|service| service.is_object()) {
            Some(service) => Address::Service {
                namespace: text(service, "namespace"),
                name: text(service, "name"),
                port: service["port"]
                    .as_u64()
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or(HTTPS_PORT),
                path: text(service, "path"),
            },
            None => Address::Url(text(config, "url")),
        };
        Self { address, bundle: bundle.filter(|bundle| !bundle.is_empty()).map(Into::into) }
    }

    /// Returns the URL, without a query.
    pub(super) fn url(&self) -> String {
        match &self.address {
            Address::Url(url) => url.clone(),
            Address::Service { namespace, name, port, path } => {
                let path = path.trim_start_matches('/');
                format!("https://{name}.{namespace}.svc:{port}/{path}")
            }
        }
    }

    /// Returns where to connect to.
    ///
    /// # Errors
    /// When the Service is not there or has no such port.
    pub(super) fn host(&self, url: &Url, store: &Store) -> Result<Host, String> {
        let server_name = url.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let Address::Service { namespace, name, port, .. } = &self.address else {
            return Ok(Host { dial: server_name.clone(), port: url.port, server_name });
        };
        let server_name = format!("{name}.{namespace}.svc");
        let stored = store.get(SERVICES, &object_key(namespace, name));
        let service = stored.ok_or_else(|| format!("service {name:?} not found"))?.value();
        let spec = &service["spec"];
        let kind = spec["type"].as_str().unwrap_or("ClusterIP");
        let dial = match kind {
            "ExternalName" => {
                let host = spec["externalName"].as_str().unwrap_or_default().to_owned();
                return Ok(Host { dial: host, port: *port, server_name });
            }
            _ => spec["clusterIP"].as_str().unwrap_or_default(),
        };
        let mut ports = spec["ports"].as_array().into_iter().flatten();
        if !ports.any(|entry| entry["port"].as_u64() == Some(u64::from(*port))) {
            return Err(format!("no service port {port} found for service {name:?}"));
        }
        if matches!(dial, "" | "None") {
            return Err(format!("no endpoints available for service {name:?}"));
        }
        Ok(Host { dial: dial.to_owned(), port: *port, server_name })
    }
}

impl Url {
    /// Takes an `https` URL apart.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, HTTPS_PORT),
        };
        if host.is_empty() {
            return None;
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Some(Self { host: host.to_owned(), port, authority: authority.to_owned(), path })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{Change, Draft, Expect, StoreOptions, Write};

    #[test]
    fn urls_are_taken_apart() {
        let url = Url::parse("https://[::1]:8443/a/b").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("[::1]", 8443, "/a/b"));
        let url = Url::parse("https://hooks.example.com").unwrap();
        assert_eq!((url.host.as_str(), url.port, url.path.as_str()), ("hooks.example.com", 443, "/"));
        for bad in ["http://a/", "https:///x", "https://a:port/", "https://a:70000/", ""] {
            assert_eq!(Url::parse(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn services_are_found_in_the_store() {
        let store = Store::in_memory(&StoreOptions::default());
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "n"},
            "spec": {"clusterIP": "10.0.0.7", "ports": [{"port": 443}]}});
        let write = Write {
            resource: SERVICES.into(),
            expect: Expect::Absent,
            change: Change::Put(Draft::new(&service)),
        };
        store.write(write).await.unwrap();
        let find = |name: &str, port: u16| {
            let endpoint =
                Endpoint::parse(&json!({"service": {"namespace": "n", "name": name, "port": port}}));
            let url = Url::parse(&endpoint.url()).unwrap();
            endpoint.host(&url, &store)
        };
        let host = find("s", 443).unwrap();
        assert_eq!((host.dial.as_str(), host.server_name.as_str()), ("10.0.0.7", "s.n.svc"));
        assert_eq!(find("s", 80).unwrap_err(), "no service port 80 found for service \"s\"");
        assert_eq!(find("t", 443).unwrap_err(), "service \"t\" not found");
    }
}
