//! Role-based access control over the stored roles and bindings.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

use super::user::{MASTERS, SERVICE_ACCOUNT_PREFIX, UserInfo};
use crate::store::{Store, Stored};

pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";
const ROLES: &str = "rbac.authorization.k8s.io/roles";
const CLUSTER_ROLES: &str = "rbac.authorization.k8s.io/clusterroles";
const BINDINGS: &str = "rbac.authorization.k8s.io/rolebindings";
const CLUSTER_BINDINGS: &str = "rbac.authorization.k8s.io/clusterrolebindings";

/// One thing that someone wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub verb: String,
    pub group: String,
    /// Plural; empty for a path.
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// Path of a request that is about no resource.
    pub path: String,
}

/// The answer, with the binding that allowed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    pub reason: String,
}

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    #[serde(deserialize_with = "nullable")]
    pub verbs: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub api_groups: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub resources: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    pub resource_names: Vec<String>,
    #[serde(rename = "nonResourceURLs", deserialize_with = "nullable")]
    pub non_resource_urls: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Role {
    #[serde(deserialize_with = "nullable")]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Binding {
    #[serde(deserialize_with = "nullable")]
    subjects: Vec<Subject>,
    role_ref: RoleRef,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleRef {
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// Reads roles and bindings from the store; parsed ones are kept until they change.
#[derive(Debug)]
pub struct Rules {
    store: Store,
    roles: Mutex<HashMap<String, Cached<Role>>>,
    bindings: Mutex<HashMap<String, Cached<Binding>>>,
}

#[derive(Clone, Debug)]
struct Cached<T> {
    revision: u64,
    value: Arc<T>,
}

impl Rules {
    pub fn new(store: Store) -> Self {
        Self { store, roles: Mutex::default(), bindings: Mutex::default() }
    }

    /// Says whether a user may do something.
    pub fn decide(&self, user: &UserInfo, access: &Access) -> Decision {
        if user.is_in(MASTERS) {
            return Decision { allowed: true, reason: String::new() };
        }
        let mut decision = Decision::default();
        self.visit(user, &access.namespace, |rule, reason| {
            if rule.allows(access) {
                decision = Decision { allowed: true, reason: format!("RBAC: allowed by {}", reason()) };
            }
            !decision.allowed
        });
        decision
    }

    /// Returns the rules that a user has in a namespace and over the cluster.
    pub fn rules(&self, user: &UserInfo, namespace: &str) -> Vec<Rule> {
        let mut rules = Vec::new();
        self.visit(user, namespace, |rule, _| {
            rules.push(rule.clone());
            true
        });
        rules
    }

    /// Returns the rules of a role, `None` when there is no such role.
    pub(crate) fn role(&self, reference: &RoleRef, namespace: &str) -> Option<Vec<Rule>> {
        let stored = if reference.kind == "ClusterRole" {
            self.store.get(CLUSTER_ROLES, &reference.name)
        } else {
            self.store.get(ROLES, &format!("{namespace}/{}", reference.name))
        }?;
        Some(parsed(&self.roles, &stored).rules.clone())
    }

    /// Visits the user's rules until the visitor says stop.
    fn visit(
        &self,
        user: &UserInfo,
        namespace: &str,
        mut visit: impl FnMut(&Rule, &dyn Fn() -> String) -> bool,
    ) {
        let prefix = format!("{namespace}/");
        let cluster = [(CLUSTER_BINDINGS, "", "ClusterRoleBinding")];
        let namespaced = [(BINDINGS, prefix.as_str(), "RoleBinding")];
        let scopes = cluster.into_iter().chain(namespaced.into_iter().filter(|_| !namespace.is_empty()));
        for (resource, prefix, kind) in scopes {
            for stored in self.store.list(resource, prefix).objects {
                let binding = parsed(&self.bindings, &stored);
                let Some(subject) = binding.subjects.iter().find(|s| s.is(user, stored.namespace())) else {
                    continue;
                };
                let Some(rules) = self.role(&binding.role_ref, stored.namespace()) else {
                    continue;
                };
                let reason = || {
                    let binding_name = if stored.namespace().is_empty() {
                        stored.name().to_owned()
                    } else {
                        format!("{}/{}", stored.name(), stored.namespace())
                    };
                    let subject_name = if subject.kind == "ServiceAccount" {
                        let namespace = if subject.namespace.is_empty() {
                            stored.namespace()
                        } else {
                            &subject.namespace
                        };
                        format!("{}/{namespace}", subject.name)
                    } else {
                        subject.name.clone()
                    };
                    format!(
                        "{kind} {binding_name:?} of {} {:?} to {} {subject_name:?}",
                        binding.role_ref.kind, binding.role_ref.name, subject.kind
                    )
                };
                for rule in &rules {
                    if !visit(rule, &reason) {
                        return;
                    }
                }
            }
        }
    }
}

/// Parses an object once per revision.
fn parsed<T>(cache: &Mutex<HashMap<String, Cached<T>>>, stored: &Stored) -> Arc<T>
where
    T: serde::de::DeserializeOwned + Default,
{
    let key = format!("{}/{}", stored.kind(), stored.key());
    if let Some(cached) = cache.lock().get(&key)
        && cached.revision == stored.revision()
    {
        return cached.value.clone();
    }
    // A malformed role grants nothing.
    let value: Arc<T> = Arc::new(serde_json::from_value(stored.value()).unwrap_or_default());
    cache.lock().insert(key, Cached { revision: stored.revision(), value: value.clone() });
    value
}

impl Subject {
    fn is(&self, user: &UserInfo, binding_namespace: &str) -> bool {
        match self.kind.as_str() {
            "User" => self.name == user.name,
            "Group" => user.is_in(&self.name),
            "ServiceAccount" => {
                let namespace = if self.namespace.is_empty() { binding_namespace } else { &self.namespace };
                !namespace.is_empty()
                    && user.name == format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{}", self.name)
            }
            _ => false,
        }
    }
}

impl Rule {
    /// Says whether the rule allows an access.
    pub fn allows(&self, access: &Access) -> bool {
        let has = |list: &[String], item: &str| list.iter().any(|i| i == "*" || i == item);
        if !has(&self.verbs, &access.verb) {
            return false;
        }
        if access.resource.is_empty() {
            return self.non_resource_urls.iter().any(|url| {
                url == "*"
                    || *url == access.path
                    || url.strip_suffix('*').is_some_and(|p| access.path.starts_with(p))
            });
        }
        has(&self.api_groups, &access.group)
            && self.resources.iter().any(|resource| covers(resource, &access.resource, &access.subresource))
            && (self.resource_names.is_empty() || self.resource_names.contains(&access.name))
    }

    /// Takes the rule apart into rules that grant one thing each.
    fn atoms(&self) -> Vec<Self> {
        let mut atoms = Vec::new();
        let names: Vec<Vec<String>> = if self.resource_names.is_empty() {
            vec![Vec::new()]
        } else {
            self.resource_names.iter().map(|name| vec![name.clone()]).collect()
        };
        for group in &self.api_groups {
            for resource in &self.resources {
                for name in &names {
                    for verb in &self.verbs {
                        atoms.push(Self {
                            verbs: vec![verb.clone()],
                            api_groups: vec![group.clone()],
                            resources: vec![resource.clone()],
                            resource_names: name.clone(),
                            non_resource_urls: Vec::new(),
                        });
                    }
                }
            }
        }
        for url in &self.non_resource_urls {
            for verb in &self.verbs {
                atoms.push(Self {
                    verbs: vec![verb.clone()],
                    non_resource_urls: vec![url.clone()],
                    ..Self::default()
                });
            }
        }
        atoms
    }

    /// Says whether this rule grants all that an atom grants.
    fn covers(&self, atom: &Self) -> bool {
        let all = |own: &[String], asked: &[String]| {
            own.iter().any(|item| item == "*") || asked.iter().all(|item| own.contains(item))
        };
        let resources = atom.resources.iter().all(|asked| {
            let (resource, subresource) = asked.split_once('/').unwrap_or((asked, ""));
            self.resources.iter().any(|own| own == asked || covers(own, resource, subresource))
        });
        let names = self.resource_names.is_empty()
            || (!atom.resource_names.is_empty() && all(&self.resource_names, &atom.resource_names));
        let urls = atom.non_resource_urls.iter().all(|asked| {
            self.non_resource_urls.iter().any(|own| {
                own == asked || own.strip_suffix('*').is_some_and(|prefix| asked.starts_with(prefix))
            })
        });
        all(&self.verbs, &atom.verbs) && all(&self.api_groups, &atom.api_groups) && resources && names && urls
    }

    /// Prints the rule as the real server does in refusals.
    fn go_text(&self) -> String {
        let list = |items: &[String]| {
            let quoted: Vec<_> = items.iter().map(|item| format!("{item:?}")).collect();
            format!("[{}]", quoted.join(" "))
        };
        let mut parts = Vec::new();
        for (name, items) in [
            ("NonResourceURLs", &self.non_resource_urls),
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ] {
            if !items.is_empty() {
                parts.push(format!("{name}:{}", list(items)));
            }
        }
        format!("{{{}}}", parts.join(", "))
    }
}

/// Returns what `wanted` grants beyond `owned`, one line a rule, empty when nothing.
pub(crate) fn escalation(owned: &[Rule], wanted: &[Rule]) -> Vec<String> {
    let mut missing: Vec<Rule> = Vec::new();
    for atom in wanted.iter().flat_map(Rule::atoms) {
        if owned.iter().any(|rule| rule.covers(&atom)) {
            continue;
        }
        // Verbs of the same thing are shown together.
        let same = missing.iter_mut().find(|rule| {
            rule.api_groups == atom.api_groups
                && rule.resources == atom.resources
                && rule.resource_names == atom.resource_names
                && rule.non_resource_urls == atom.non_resource_urls
        });
        match same {
            Some(rule) => rule.verbs.extend(atom.verbs),
            None => missing.push(atom),
        }
    }
    let mut lines: Vec<String> = missing.iter().map(Rule::go_text).collect();
    lines.sort();
    lines
}

/// Returns the rules of an administrator of everything.
pub(crate) fn everything() -> [Rule; 2] {
    let all = || vec!["*".to_owned()];
    [
        Rule { verbs: all(), api_groups: all(), resources: all(), ..Rule::default() },
        Rule { verbs: all(), non_resource_urls: all(), ..Rule::default() },
    ]
}

/// Says whether `own` of a rule names a resource.
fn covers(own: &str, resource: &str, subresource: &str) -> bool {
    if own == "*" {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    own.split_once('/').is_some_and(|(r, s)| (r == "*" || r == resource) && s == subresource)
}

fn nullable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads the rules of a role object.
pub(crate) fn rules_of(role: &Value) -> Vec<Rule> {
    role.get("rules").and_then(|rules| serde_json::from_value(rules.clone()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn rule(value: Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    fn access(verb: &str, group: &str, resource: &str, subresource: &str, name: &str) -> Access {
        Access {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            name: name.to_owned(),
            ..Access::default()
        }
    }

    #[rstest]
    #[case(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}), access("get", "", "pods", "", "x"), true)]
    #[case(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}), access("get", "", "pods", "log", "x"), false)]
    #[case(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}), access("get", "a", "pods", "log", "x"), true)]
    #[case(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/scale"]}), access("get", "a", "b", "scale", ""), true)]
    #[case(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["y"]}), access("get", "", "pods", "", "x"), false)]
    #[case(json!({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["pods"]}), access("get", "", "pods", "", "x"), false)]
    fn rules_allow_what_they_name(#[case] value: Value, #[case] asked: Access, #[case] allowed: bool) {
        assert_eq!(rule(value).allows(&asked), allowed);
    }

    #[test]
    fn paths_match_with_a_star_at_their_end() {
        let rule = rule(json!({"verbs": ["get"], "nonResourceURLs": ["/custom/*", "/version"]}));
        let at = |path: &str| Access { verb: "get".to_owned(), path: path.to_owned(), ..Access::default() };
        assert!(rule.allows(&at("/custom/x")) && rule.allows(&at("/version")));
        assert!(!rule.allows(&at("/version/x")));
    }

    #[test]
    fn escalation_names_what_is_missing() {
        let owned = [rule(json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}))];
        let wanted = [
            rule(json!({"verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"]})),
            rule(json!({"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]})),
        ];
        assert_eq!(
            escalation(&owned, &wanted),
            [
                "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}",
                "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"*\"]}"
            ]
        );
        assert!(escalation(&owned, &owned).is_empty());
    }
}
