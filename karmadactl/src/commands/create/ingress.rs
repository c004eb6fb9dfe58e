//! Ingresses.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Map, Value, json};

use super::run::Described;
use crate::error::CliError;

/// Create an Ingress
#[derive(Args, Debug)]
pub struct IngressArgs {
    /// Name of the Ingress
    #[arg(value_name = "NAME")]
    pub name: String,

    /// HOST/PATH=SERVICE:PORT[,tls[=SECRET]]; a path that ends with * stands for all below it (can be repeated)
    #[arg(long, value_name = "RULE")]
    pub rule: Vec<String>,

    /// Class of the Ingress
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,

    /// Where everything else goes, as SERVICE:PORT
    #[arg(long, value_name = "SERVICE:PORT")]
    pub default_backend: Option<String>,

    /// KEY=VALUE (can be repeated)
    #[arg(long, value_name = "KEY=VALUE")]
    pub annotation: Vec<String>,
}

/// Flags that describe no Ingress.
#[derive(Debug, thiserror::Error)]
enum IngressError {
    #[error(
        "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)"
    )]
    Nothing,
    #[error("rule {0} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")]
    Rule(String),
    #[error("default-backend should be in format servicename:serviceport")]
    DefaultBackend,
    #[error("annotation {0} is invalid and should be in format key=[value]")]
    Annotation(String),
}

impl Described for IngressArgs {
    fn object(&self) -> Result<Value, CliError> {
        if self.rule.is_empty() && self.default_backend.is_none() {
            return Err(CliError::failed(IngressError::Nothing));
        }
        let mut metadata = json!({ "name": self.name });
        if !self.annotation.is_empty() {
            metadata["annotations"] = Value::Object(self.annotations().map_err(CliError::failed)?);
        }
        let mut spec = self.rules().map_err(CliError::failed)?;
        if let Some(class) = &self.class {
            spec["ingressClassName"] = json!(class);
        }
        if let Some(text) = &self.default_backend {
            let backend = backend(text).ok_or_else(|| CliError::failed(IngressError::DefaultBackend))?;
            spec["defaultBackend"] = backend;
        }
        Ok(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec,
            "status": { "loadBalancer": {} },
        }))
    }
}

impl IngressArgs {
    fn annotations(&self) -> Result<Map<String, Value>, IngressError> {
        let pair = |text: &String| {
            let (key, value) = text.split_once('=').ok_or_else(|| IngressError::Annotation(text.clone()))?;
            Ok((key.to_owned(), json!(value)))
        };
        self.annotation.iter().map(pair).collect()
    }

    /// Returns rules and certificates, hosts in the order in which they are first named.
    fn rules(&self) -> Result<Value, IngressError> {
        let mut hosts: Vec<String> = Vec::new();
        let mut paths: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut certificates: Vec<(String, Vec<String>)> = Vec::new();
        for text in &self.rule {
            let invalid = || IngressError::Rule(text.clone());
            let (rule, tls) = match text.split_once(',') {
                Some((rule, tls)) => (rule, Some(tls)),
                None => (text.as_str(), None),
            };
            let (place, target) = rule.split_once('=').ok_or_else(invalid)?;
            let slash = place.find('/').ok_or_else(invalid)?;
            let (host, path) = (place[..slash].to_owned(), &place[slash..]);
            let (path, path_type) = match path.strip_suffix('*') {
                Some(prefix) => (prefix, "Prefix"),
                None => (path, "Exact"),
            };
            let backend = backend(target).ok_or_else(invalid)?;
            if !hosts.contains(&host) {
                hosts.push(host.clone());
            }
            let entry = json!({ "path": path, "pathType": path_type, "backend": backend });
            paths.entry(host.clone()).or_default().push(entry);
            if let Some(tls) = tls {
                let secret = match tls.split_once('=') {
                    None if tls == "tls" => "",
                    Some(("tls", secret)) => secret,
                    _ => return Err(invalid()),
                };
                match certificates.iter_mut().find(|(known, _)| known == secret) {
                    Some((_, hosts)) if hosts.contains(&host) => {}
                    Some((_, hosts)) => hosts.push(host),
                    None => certificates.push((secret.to_owned(), vec![host])),
                }
            }
        }
        let mut spec = json!({});
        let rules: Vec<Value> = hosts
            .iter()
            .map(|host| {
                let mut rule = json!({ "http": { "paths": paths[host] } });
                if !host.is_empty() {
                    rule["host"] = json!(host);
                }
                rule
            })
            .collect();
        if !rules.is_empty() {
            spec["rules"] = json!(rules);
        }
        let tls: Vec<Value> = certificates
            .into_iter()
            .map(|(secret, hosts)| {
                let mut entry = json!({});
                let hosts: Vec<String> = hosts.into_iter().filter(|host| !host.is_empty()).collect();
                if !hosts.is_empty() {
                    entry["hosts"] = json!(hosts);
                }
                if !secret.is_empty() {
                    entry["secretName"] = json!(secret);
                }
                entry
            })
            .collect();
        if !tls.is_empty() {
            spec["tls"] = json!(tls);
        }
        Ok(spec)
    }
}

fn backend(text: &str) -> Option<Value> {
    let (name, port) = text.split_once(':').filter(|(name, port)| !name.is_empty() && !port.is_empty())?;
    let port = match port.parse::<u16>() {
        Ok(number) => json!({ "number": number }),
        Err(_) => json!({ "name": port }),
    };
    Some(json!({ "service": { "name": name, "port": port } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(rules: &[&str]) -> Result<Value, String> {
        let args = IngressArgs {
            name: "i".into(),
            rule: rules.iter().map(|&rule| rule.to_owned()).collect(),
            class: None,
            default_backend: None,
            annotation: Vec::new(),
        };
        args.object().map(|object| object["spec"].clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_of_a_host_are_put_together() {
        assert_eq!(
            spec(&["a.b/x*=web:80,tls=cert", "a.b/y=web:http"]).unwrap(),
            json!({
                "rules": [{"host": "a.b", "http": {"paths": [
                    {"path": "/x", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}},
                    {"path": "/y", "pathType": "Exact", "backend": {"service": {"name": "web", "port": {"name": "http"}}}},
                ]}}],
                "tls": [{"hosts": ["a.b"], "secretName": "cert"}],
            })
        );
        assert!(spec(&[]).unwrap_err().starts_with("not enough information"));
        for bad in ["a.b", "a.b=web:80", "a.b/=web", "a.b/=web:80,x"] {
            assert!(spec(&[bad]).unwrap_err().contains("should be in format"), "{bad}");
        }
    }
}
