//! Which webhooks an API server asks, and where they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_core::api::reserved::DELETION_PROTECTION_LABEL;
use serde_json::{Value, json};

use crate::components::webhook::rules::{ANY, CONVERSION_PATH, Phase, RULES, Rule};

/// Name of the configuration of webhooks that complete objects.
pub const MUTATING: &str = "mutating-config";
/// Name of the configuration of webhooks that check objects.
pub const VALIDATING: &str = "validating-config";

/// Where the webhooks are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAddress {
    /// `https://` with host and port, without a path.
    Url(String),
    /// A Service that the API server can resolve.
    Service { namespace: String, name: String, port: u16 },
}

/// Webhooks that an API server can ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhooks {
    pub address: WebhookAddress,
    /// Who vouches for the webhooks' certificate, in PEM; the authorities that the API server trusts anyway when empty.
    pub ca_pem: String,
}

impl Webhooks {
    /// Returns the webhooks that Karmada's own installer registers: a Service of the host cluster by its DNS name.
    pub fn of_service(namespace: &str, name: &str, ca_pem: impl Into<String>) -> Self {
        let address = WebhookAddress::Url(format!("https://{name}.{namespace}.svc:443"));
        Self { address, ca_pem: ca_pem.into() }
    }

    /// Returns the MutatingWebhookConfiguration.
    pub fn mutating(&self) -> Value {
        self.configuration("MutatingWebhookConfiguration", MUTATING, Phase::Mutating)
    }

    /// Returns the ValidatingWebhookConfiguration.
    pub fn validating(&self) -> Value {
        self.configuration("ValidatingWebhookConfiguration", VALIDATING, Phase::Validating)
    }

    /// Returns a CustomResourceDefinition whose versions the webhook converts, if they are a binding's; others as they are.
    pub fn with_conversion(&self, mut crd: Value) -> Value {
        let plural = crd["spec"]["names"]["plural"].as_str().unwrap_or_default();
        if matches!(plural, "resourcebindings" | "clusterresourcebindings") {
            crd["spec"]["conversion"] = json!({
                "strategy": "Webhook",
                "webhook": {
                    "clientConfig": self.client_config(CONVERSION_PATH), "conversionReviewVersions": ["v1"],
                },
            });
        }
        crd
    }

    fn configuration(&self, kind: &str, name: &str, phase: Phase) -> Value {
        let rules = RULES.iter().filter(|rule| rule.phase == phase);
        let webhooks: Vec<Value> = rules.map(|rule| self.webhook(rule)).collect();
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "labels": {"app": "karmada-webhook"}},
            "webhooks": webhooks,
        })
    }

    fn webhook(&self, rule: &Rule) -> Value {
        let scope = if rule.group == ANY { ANY.to_owned() } else { scope(rule).to_owned() };
        let mut webhook = json!({
            "name": rule.name,
            "rules": [{
                "operations": rule.operations.names(),
                "apiGroups": [rule.group],
                "apiVersions": [rule.version],
                "resources": [rule.plural],
                "scope": scope,
            }],
            "clientConfig": self.client_config(rule.path),
            "failurePolicy": "Fail",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": rule.timeout_seconds(),
        });
        if rule.group == ANY {
            // Everything that is deleted would be asked about otherwise.
            webhook["objectSelector"] =
                json!({"matchExpressions": [{"key": DELETION_PROTECTION_LABEL, "operator": "Exists"}]});
        }
        webhook
    }

    fn client_config(&self, path: &str) -> Value {
        let mut config = match &self.address {
            WebhookAddress::Url(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
            WebhookAddress::Service { namespace, name, port } => {
                json!({"service": {"namespace": namespace, "name": name, "port": port, "path": path}})
            }
        };
        if !self.ca_pem.is_empty() {
            config["caBundle"] = STANDARD.encode(&self.ca_pem).into();
        }
        config
    }
}

/// Returns the scope of a rule's kind.
fn scope(rule: &Rule) -> &'static str {
    if rule.kind.starts_with("Cluster") || rule.kind.starts_with("ResourceInterpreter") {
        "Cluster"
    } else {
        "Namespaced"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhooks() -> Webhooks {
        Webhooks::of_service("karmada-system", "karmada-webhook", "PEM")
    }

    #[test]
    fn every_webhook_is_registered_once_at_its_path() {
        let (mutating, validating) = (webhooks().mutating(), webhooks().validating());
        let all = [&mutating, &validating]
            .map(|configuration| configuration["webhooks"].as_array().unwrap().clone())
            .concat();
        assert_eq!(all.len(), RULES.len());
        for (webhook, rule) in all.iter().zip(RULES) {
            let url = format!("https://karmada-webhook.karmada-system.svc:443{}", rule.path);
            assert_eq!(webhook["clientConfig"], json!({"url": url, "caBundle": "UEVN"}));
            assert_eq!(
                (&webhook["failurePolicy"], &webhook["sideEffects"]),
                (&json!("Fail"), &json!("None"))
            );
        }
        assert_eq!(
            mutating["metadata"],
            json!({"name": "mutating-config", "labels": {"app": "karmada-webhook"}})
        );
        let waits = |name: &str| {
            all.iter()
                .find(|webhook| webhook["name"] == name)
                .map(|webhook| webhook["timeoutSeconds"].clone())
        };
        assert_eq!(waits("resourceinterpretercustomization.karmada.io"), Some(json!(10)));
        assert_eq!(waits("work.karmada.io"), Some(json!(3)));
    }

    #[test]
    fn scopes_are_those_of_the_definitions() {
        let crds = karmada_core::api::crds();
        for rule in RULES.iter().filter(|rule| rule.group != ANY) {
            let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == rule.kind).unwrap();
            assert_eq!(crd["spec"]["scope"], scope(rule), "{}", rule.kind);
        }
    }

    #[test]
    fn protected_objects_alone_are_asked_about_when_they_are_deleted() {
        let validating = webhooks().validating();
        let last = validating["webhooks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["rules"][0]["operations"], json!(["DELETE"]));
        assert_eq!(last["objectSelector"]["matchExpressions"][0]["operator"], "Exists");
    }

    #[test]
    fn the_webhook_converts_bindings_only() {
        let service = Webhooks {
            address: WebhookAddress::Service { namespace: "a".into(), name: "b".into(), port: 8443 },
            ca_pem: String::new(),
        };
        let converted = |plural: &str| {
            let crd = json!({"spec": {"names": {"plural": plural}}});
            service.with_conversion(crd)["spec"]["conversion"].clone()
        };
        assert_eq!(
            converted("resourcebindings")["webhook"]["clientConfig"],
            json!({"service": {"namespace": "a", "name": "b", "port": 8443, "path": "/convert"}})
        );
        assert!(converted("works").is_null());
    }
}
