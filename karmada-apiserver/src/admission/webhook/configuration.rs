//! The webhooks of a server: its stored configurations, compiled when they change.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;

use super::client::Client;
use super::conditions::Conditions;
use super::endpoint::Endpoint;
use super::matching::{MatchPolicy, Rule};
use super::review::ReviewVersion;
use crate::cel::{AdmissionScope, admission_environment};
use crate::store::Store;

const MUTATING: &str = "admissionregistration.k8s.io/mutatingwebhookconfigurations";
const VALIDATING: &str = "admissionregistration.k8s.io/validatingwebhookconfigurations";
const DEFAULT_TIMEOUT: u64 = 10;

/// What a server needs to ask webhooks: its connections and the configurations as they were last seen.
#[derive(Debug, Default)]
pub(crate) struct Webhooks {
    pub(crate) client: Client,
    mutating: Snapshot,
    validating: Snapshot,
}

/// The webhooks of all configurations of one kind, in the order in which they are asked.
type List = Arc<[Webhook]>;

#[derive(Debug, Default)]
struct Snapshot {
    last: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Uid and revision of each configuration.
    revisions: Vec<(String, u64)>,
    webhooks: List,
}

/// Whether webhooks change or check objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Mutating,
    Validating,
}

/// What happens when a webhook cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailurePolicy {
    Fail,
    Ignore,
}

/// Whether a webhook is asked again after others have changed the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reinvocation {
    Never,
    IfNeeded,
}

/// One webhook of a configuration.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) configuration: String,
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    pub(super) rules: Vec<Rule>,
    pub(super) match_policy: MatchPolicy,
    pub(super) failure_policy: FailurePolicy,
    pub(super) namespace_selector: Value,
    pub(super) object_selector: Value,
    pub(super) conditions: Conditions,
    pub(super) timeout: Duration,
    pub(super) reinvocation: Reinvocation,
    pub(super) version: ReviewVersion,
}

/// Whether there are webhooks that may change objects.
pub(crate) fn may_change(store: &Store) -> bool {
    store.count(MUTATING) > 0
}

/// Whether there are webhooks that may refuse objects.
pub(crate) fn may_refuse(store: &Store) -> bool {
    store.count(VALIDATING) > 0
}

impl Webhooks {
    /// Returns the webhooks of this moment.
    pub(super) fn list(&self, purpose: Purpose, store: &Store) -> List {
        match purpose {
            Purpose::Mutating => self.mutating.list(MUTATING, store),
            Purpose::Validating => self.validating.list(VALIDATING, store),
        }
    }
}

impl Snapshot {
    fn list(&self, resource: &str, store: &Store) -> List {
        if store.count(resource) == 0 {
            return List::default();
        }
        let stored = store.list(resource, "").objects;
        let revisions: Vec<(String, u64)> =
            stored.iter().map(|stored| (stored.uid().to_owned(), stored.revision())).collect();
        let mut last = self.last.lock();
        if last.revisions != revisions {
            let webhooks = stored.iter().flat_map(|stored| Webhook::all(&stored.value())).collect();
            *last = Seen { revisions, webhooks };
        }
        last.webhooks.clone()
    }
}

impl FailurePolicy {
    pub(crate) fn parse(policy: &Value) -> Self {
        if policy == "Ignore" { Self::Ignore } else { Self::Fail }
    }
}

impl MatchPolicy {
    pub(crate) fn parse(policy: &Value) -> Self {
        if policy == "Exact" { Self::Exact } else { Self::Equivalent }
    }
}

impl Webhook {
    fn all(configuration: &Value) -> Vec<Self> {
        let name = configuration["metadata"]["name"].as_str().unwrap_or_default();
        let webhooks = configuration["webhooks"].as_array().into_iter().flatten();
        webhooks.map(|webhook| Self::parse(name, webhook)).collect()
    }

    fn parse(configuration: &str, webhook: &Value) -> Self {
        let rules = webhook["rules"].as_array().into_iter().flatten();
        let seconds = webhook["timeoutSeconds"].as_u64().unwrap_or(DEFAULT_TIMEOUT);
        Self {
            configuration: configuration.to_owned(),
            name: webhook["name"].as_str().unwrap_or_default().to_owned(),
            endpoint: Endpoint::parse(&webhook["clientConfig"]),
            rules: rules.map(Rule::parse).collect(),
            match_policy: MatchPolicy::parse(&webhook["matchPolicy"]),
            failure_policy: FailurePolicy::parse(&webhook["failurePolicy"]),
            namespace_selector: webhook["namespaceSelector"].clone(),
            object_selector: webhook["objectSelector"].clone(),
            conditions: Conditions::compile(
                &webhook["matchConditions"],
                &admission_environment(&AdmissionScope::default()),
            ),
            timeout: Duration::from_secs(seconds.clamp(1, 30)),
            reinvocation: if webhook["reinvocationPolicy"] == "IfNeeded" {
                Reinvocation::IfNeeded
            } else {
                Reinvocation::Never
            },
            version: ReviewVersion::choose(&webhook["admissionReviewVersions"]),
        }
    }
}
