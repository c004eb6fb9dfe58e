//! Which requests a webhook or policy is asked about: rules, scope and selectors.

use std::sync::Arc;

use serde_json::Value;

use super::attributes::Attributes;
use crate::admission::Operation;
use crate::http::selects;
use crate::registry::Resource;

const NAMESPACES: &str = "/namespaces";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// One rule: operations on resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: Scope,
    /// Names of objects; empty for all.
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scope {
    #[default]
    Any,
    Cluster,
    Namespaced,
}

/// How rules treat other versions of what they name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchPolicy {
    Exact,
    /// Also a request for the same objects by another group or version.
    Equivalent,
}

/// What a request's namespace says about a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NamespaceSelection {
    Selected,
    NotSelected,
    /// The namespace is not there.
    Missing(String),
}

impl Rule {
    pub(crate) fn parse(rule: &Value) -> Self {
        let list = |key: &str| {
            let items = rule[key].as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            operations: list("operations"),
            groups: list("apiGroups"),
            versions: list("apiVersions"),
            resources: list("resources"),
            names: list("resourceNames"),
            scope: match rule["scope"].as_str() {
                Some("Cluster") => Scope::Cluster,
                Some("Namespaced") => Scope::Namespaced,
                _ => Scope::Any,
            },
        }
    }

    /// The rule about everything.
    fn any() -> Self {
        let all = || vec!["*".to_owned()];
        Self {
            operations: all(),
            groups: all(),
            versions: all(),
            resources: vec!["*/*".to_owned()],
            ..Self::default()
        }
    }

    /// Whether the rule is about a request, as if it were for this version of its resource.
    fn matches(&self, attributes: &Attributes<'_>, resource: &Resource) -> bool {
        let is_listed = |list: &[String], item: &str| list.iter().any(|entry| entry == "*" || entry == item);
        let in_scope = match self.scope {
            Scope::Any => true,
            Scope::Cluster => attributes.namespace.is_empty() || attributes.is_namespace(),
            Scope::Namespaced => !attributes.namespace.is_empty() && !attributes.is_namespace(),
        };
        in_scope
            && is_listed(&self.operations, attributes.operation.word())
            && is_listed(&self.groups, &resource.group)
            && is_listed(&self.versions, &resource.version)
            && self
                .resources
                .iter()
                .any(|entry| names_resource(entry, &resource.plural, attributes.subresource))
            && (self.names.is_empty() || self.names.iter().any(|name| name == attributes.name))
    }
}

fn names_resource(entry: &str, plural: &str, subresource: &str) -> bool {
    let (resource, part) = entry.split_once('/').unwrap_or((entry, ""));
    (resource == "*" || resource == plural) && (part == "*" || part == subresource)
}

/// Which requests a policy or binding is about.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    rules: Vec<Rule>,
    excluded: Vec<Rule>,
    policy: MatchPolicy,
    namespace_selector: Value,
    object_selector: Value,
}

/// Whether a request is matched.
#[derive(Clone, Debug)]
pub(crate) enum Matched {
    No,
    /// By the rules for this version of its resource.
    Yes(Arc<Resource>),
    /// Its namespace is not there.
    NoNamespace(String),
}

impl Matcher {
    /// Reads `matchConstraints` or `matchResources`.
    pub(crate) fn parse(constraints: &Value) -> Self {
        let rules = |key: &str| {
            constraints[key].as_array().into_iter().flatten().map(Rule::parse).collect::<Vec<_>>()
        };
        Self {
            rules: rules("resourceRules"),
            excluded: rules("excludeResourceRules"),
            policy: MatchPolicy::parse(&constraints["matchPolicy"]),
            namespace_selector: constraints["namespaceSelector"].clone(),
            object_selector: constraints["objectSelector"].clone(),
        }
    }

    /// Says whether a request is matched.
    pub(crate) fn check(
        &self,
        attributes: &Attributes<'_>,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Matched {
        let namespace = selects_namespace(&self.namespace_selector, attributes, object);
        if namespace == NamespaceSelection::NotSelected
            || !selects_object(&self.object_selector, object, old)
            || matched_resource(&self.excluded, self.policy, attributes).is_some()
        {
            return Matched::No;
        }
        match (matched_resource(&self.rules, self.policy, attributes), namespace) {
            (None, _) => Matched::No,
            (Some(_), NamespaceSelection::Missing(name)) => Matched::NoNamespace(name),
            (Some(resource), _) => Matched::Yes(resource),
        }
    }

    /// Says as [`Matcher::check`], where no rules are all rules.
    pub(crate) fn check_optional(
        &self,
        attributes: &Attributes<'_>,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Matched {
        if !self.rules.is_empty() {
            return self.check(attributes, object, old);
        }
        Self { rules: vec![Rule::any()], ..self.clone() }.check(attributes, object, old)
    }
}

/// Returns the version of the requested resource that rules are about, if they are about any.
pub(crate) fn matched_resource(
    rules: &[Rule],
    policy: MatchPolicy,
    attributes: &Attributes<'_>,
) -> Option<Arc<Resource>> {
    let matches = |resource: &Resource| rules.iter().any(|rule| rule.matches(attributes, resource));
    if matches(attributes.resource) {
        return Some(attributes.resource.clone());
    }
    if policy == MatchPolicy::Exact {
        return None;
    }
    let storage = attributes.registry.storage_key(attributes.resource);
    let is_other = |other: &Resource| {
        (&other.group, &other.version) != (&attributes.resource.group, &attributes.resource.version)
    };
    attributes
        .registry
        .resources()
        .find(|other| {
            other.plural == attributes.resource.plural
                && is_other(other)
                && attributes.registry.storage_key(other) == storage
                && matches(other)
        })
        .cloned()
}

/// Whether a request is about the configuration of admission itself, which nobody may block.
pub(crate) fn is_exempt(resource: &Resource) -> bool {
    const PLURALS: [&str; 6] = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    ];
    resource.group == ADMISSION && PLURALS.contains(&resource.plural.as_str())
}

/// Says whether the namespace of a request is selected.
pub(crate) fn selects_namespace(
    selector: &Value,
    attributes: &Attributes<'_>,
    object: Option<&Value>,
) -> NamespaceSelection {
    if is_empty(selector) || (attributes.namespace.is_empty() && !attributes.is_namespace()) {
        return NamespaceSelection::Selected;
    }
    // A namespace that is being written is judged by what it will be.
    let is_write = matches!(attributes.operation, Operation::Create | Operation::Update);
    let labels = if attributes.is_namespace() && attributes.subresource.is_empty() && is_write {
        object.map(labels_of)
    } else {
        let stored = attributes.server.store.get(NAMESPACES, attributes.namespace);
        stored.map(|namespace| labels_of(&namespace.value()))
    };
    match labels {
        None => NamespaceSelection::Missing(attributes.namespace.to_owned()),
        Some(labels) if selects(selector, &labels) => NamespaceSelection::Selected,
        Some(_) => NamespaceSelection::NotSelected,
    }
}

/// Says whether the labels of an object are selected, before or after the request.
pub(crate) fn selects_object(selector: &Value, object: Option<&Value>, old: Option<&Value>) -> bool {
    is_empty(selector)
        || [object, old].into_iter().flatten().any(|object| {
            // What has no metadata has no labels that could be selected.
            object.get("metadata").is_some_and(Value::is_object) && selects_labels(selector, object)
        })
}

/// Says whether a selector selects the labels of an object.
pub(crate) fn selects_labels(selector: &Value, object: &Value) -> bool {
    selects(selector, &labels_of(object))
}

fn labels_of(object: &Value) -> Value {
    object.pointer("/metadata/labels").cloned().unwrap_or(Value::Null)
}

fn is_empty(selector: &Value) -> bool {
    let has_none = |key: &str| {
        selector.get(key).is_none_or(|part| {
            part.is_null()
                || part.as_object().is_some_and(serde_json::Map::is_empty)
                || part.as_array().is_some_and(Vec::is_empty)
        })
    };
    has_none("matchLabels") && has_none("matchExpressions")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_name_resources_and_their_parts() {
        let rows = [
            ("pods", "pods", "", true),
            ("pods", "pods", "status", false),
            ("*", "pods", "", true),
            ("*", "pods", "status", false),
            ("*/*", "pods", "", true),
            ("*/*", "pods", "exec", true),
            ("pods/*", "pods", "log", true),
            ("pods/*", "pods", "", true),
            ("*/scale", "deployments", "scale", true),
            ("*/scale", "deployments", "", false),
            ("pods/status", "pods", "status", true),
            ("pods/status", "services", "status", false),
        ];
        for (entry, plural, subresource, expected) in rows {
            assert_eq!(
                names_resource(entry, plural, subresource),
                expected,
                "{entry} {plural}/{subresource}"
            );
        }
    }

    #[test]
    fn objects_are_selected_by_what_they_were_or_will_be() {
        let selector = json!({"matchLabels": {"a": "1"}});
        let labelled = json!({"metadata": {"labels": {"a": "1"}}});
        let other = json!({"metadata": {"labels": {"a": "2"}}});
        assert!(selects_object(&selector, Some(&labelled), Some(&other)));
        assert!(selects_object(&selector, Some(&other), Some(&labelled)));
        assert!(!selects_object(&selector, Some(&other), None));
        assert!(!selects_object(&selector, None, None));
        assert!(selects_object(&json!({}), None, None));
        assert!(selects_object(&json!({"matchExpressions": []}), Some(&other), None));
        // Options of a connection have no labels, so even a selector of absence does not find them.
        let absent = json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]});
        assert!(!selects_object(&absent, Some(&json!({"kind": "PodExecOptions"})), None));
    }
}
