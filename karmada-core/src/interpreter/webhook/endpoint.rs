//! Where a webhook is reached.

use serde_json::Value;

use crate::api::config::{ServiceReference, WebhookClientConfig};

/// The port of a service when the configuration does not say.
const DEFAULT_PORT: i64 = 443;
/// The address of a service that has none.
const HEADLESS: &str = "None";

/// Where a webhook is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address that is called.
    pub url: String,
    /// The name that the server's certificate must have; none means that of the address.
    pub server_name: Option<String>,
}

/// A webhook cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The configuration has neither an address nor a service.
    #[error("clientConfig has neither url nor service")]
    Nowhere,
    /// The service has no address of its own.
    #[error("the service {namespace}/{name} is headless, which webhooks do not support")]
    Headless {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The service does not have the port.
    #[error("the service {namespace}/{name} has no port {port}")]
    NoPort {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The port.
        port: i64,
    },
    /// The service is of a type that has no address.
    #[error("the service {namespace}/{name} has the type {service_type:?}, which webhooks do not support")]
    Type {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its type.
        service_type: String,
    },
}

/// Returns where a webhook is reached, given its service if the control plane has it.
///
/// A service that the control plane does not have is reached by its name within a cluster.
///
/// # Errors
///
/// When the service is there but has no address or not the port.
pub fn endpoint(config: &WebhookClientConfig, service: Option<&Value>) -> Result<Endpoint, EndpointError> {
    if let Some(url) = &config.url {
        return Ok(Endpoint { url: url.clone(), server_name: None });
    }
    let reference = config.service.as_ref().ok_or(EndpointError::Nowhere)?;
    let ServiceReference { namespace, name, path, port } = reference;
    let port = port.map_or(DEFAULT_PORT, i64::from);
    let server_name = format!("{name}.{namespace}.svc");
    let host = match service {
        Some(service) => host_of(service, reference, port)?,
        None => server_name.clone(),
    };
    let path = path.as_deref().unwrap_or_default().trim_start_matches('/');
    Ok(Endpoint { url: format!("https://{host}:{port}/{path}"), server_name: Some(server_name) })
}

fn host_of(service: &Value, reference: &ServiceReference, port: i64) -> Result<String, EndpointError> {
    let (namespace, name) = (reference.namespace.clone(), reference.name.clone());
    let spec = &service["spec"];
    let text = |field: &str| spec[field].as_str().unwrap_or_default();
    match text("type") {
        "ExternalName" => return Ok(text("externalName").to_owned()),
        "" | "ClusterIP" | "NodePort" | "LoadBalancer" => {}
        other => return Err(EndpointError::Type { namespace, name, service_type: other.to_owned() }),
    }
    let address = text("clusterIP");
    if address == HEADLESS {
        return Err(EndpointError::Headless { namespace, name });
    }
    let ports = spec["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !ports.iter().any(|known| known["port"] == port) {
        return Err(EndpointError::NoPort { namespace, name, port });
    }
    // An address with colons would run into the port.
    Ok(if address.contains(':') { format!("[{address}]") } else { address.to_owned() })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn by_service(port: Option<i32>, path: Option<&str>) -> WebhookClientConfig {
        let service = ServiceReference {
            namespace: "ns".to_owned(),
            name: "hook".to_owned(),
            path: path.map(str::to_owned),
            port,
        };
        WebhookClientConfig { service: Some(service), ..Default::default() }
    }

    #[rstest]
    #[case::cluster_ip(json!({"clusterIP": "10.0.0.1", "ports": [{"port": 443}]}), Ok("https://10.0.0.1:443/ask"))]
    #[case::node_port(
        json!({"type": "NodePort", "clusterIP": "fd00::1", "ports": [{"port": 443}]}), Ok("https://[fd00::1]:443/ask")
    )]
    #[case::external_name(json!({"type": "ExternalName", "externalName": "h.io"}), Ok("https://h.io:443/ask"))]
    #[case::headless(json!({"clusterIP": "None", "ports": [{"port": 443}]}), Err("the service ns/hook is headless, which webhooks do not support"))]
    #[case::no_port(json!({"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}), Err("the service ns/hook has no port 443"))]
    #[case::other_type(json!({"type": "Magic"}), Err("the service ns/hook has the type \"Magic\", which webhooks do not support"))]
    fn a_service_is_reached_by_its_address(#[case] spec: Value, #[case] expected: Result<&str, &str>) {
        let found = endpoint(&by_service(None, Some("/ask")), Some(&json!({"spec": spec})));
        let found = found.map(|endpoint| endpoint.url).map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn a_service_that_is_not_there_is_reached_by_name() {
        let found = endpoint(&by_service(Some(8443), None), None).unwrap();
        assert_eq!(found.url, "https://hook.ns.svc:8443/");
        assert_eq!(found.server_name.as_deref(), Some("hook.ns.svc"));
    }

    #[test]
    fn an_address_is_taken_as_it_is() {
        let config = WebhookClientConfig { url: Some("https://h.io/x?y".to_owned()), ..Default::default() };
        let expected = Endpoint { url: "https://h.io/x?y".to_owned(), server_name: None };
        assert_eq!(endpoint(&config, None), Ok(expected));
        assert_eq!(endpoint(&WebhookClientConfig::default(), None), Err(EndpointError::Nowhere));
    }
}
