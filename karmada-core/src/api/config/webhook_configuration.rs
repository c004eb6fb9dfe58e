//! Kind ResourceInterpreterWebhookConfiguration.

use k8s_openapi::ByteString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::bytes;

/// A web server that explains kinds to Karmada.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceInterpreterWebhook {
    /// Its name, a domain.
    pub name: String,
    /// How it is reached.
    pub client_config: WebhookClientConfig,
    /// What it is asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleWithOperations>,
    /// How long an answer may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    /// The versions of the question it understands.
    pub interpreter_context_versions: Vec<String>,
}

/// How a web server is reached: by `url` or by `service`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookClientConfig {
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceReference>,
    /// Who vouches for its certificate, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "bytes")]
    pub ca_bundle: Option<ByteString>,
}

/// A path on a port of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceReference {
    /// Namespace of the service.
    pub namespace: String,
    /// Name of the service.
    pub name: String,
    /// The path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The port; none means 443.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// Questions about kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleWithOperations {
    /// The questions.
    pub operations: Vec<InterpreterOperation>,
    /// Groups of the kinds; `*` means all.
    pub api_groups: Vec<String>,
    /// Versions of the kinds; `*` means all.
    pub api_versions: Vec<String>,
    /// The kinds; `*` means all.
    pub kinds: Vec<String>,
}

string_enum! {
    /// A question about a resource.
    InterpreterOperation as text {
        /// Every question.
        All = "*",
        /// How many replicas are wanted, and what one needs.
        InterpretReplica = "InterpretReplica",
        /// Which components there are, and what they need.
        InterpretComponent = "InterpretComponent",
        /// The same object with other replicas.
        ReviseReplica = "ReviseReplica",
        /// What of the member's object is kept on an update.
        Retain = "Retain",
        /// The status of the template, from those of the members.
        AggregateStatus = "AggregateStatus",
        /// Which objects the object needs.
        InterpretDependency = "InterpretDependency",
        /// The part of a member's status that is collected.
        InterpretStatus = "InterpretStatus",
        /// Whether a member's object is healthy.
        InterpretHealth = "InterpretHealth",
        /// What is left out; declared but without effect.
        Prune = "Prune",
    }
}

kind! {
    /// Lists web servers that explain kinds to Karmada.
    ResourceInterpreterWebhookConfiguration, ClusterResourceScope, "config.karmada.io", "v1alpha1",
    "resourceinterpreterwebhookconfigurations",
    list webhooks = ResourceInterpreterWebhook
}
