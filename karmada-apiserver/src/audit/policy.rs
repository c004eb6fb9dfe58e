//! The rules that say how much of a request is written (`audit.k8s.io/v1` `Policy`).

use serde::{Deserialize, Serialize};

use crate::auth::{Access, UserInfo};

const API_VERSION: &str = "audit.k8s.io/v1";
const KIND: &str = "Policy";

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    #[default]
    None,
    /// Who did what.
    Metadata,
    /// The body of the request, too.
    Request,
    /// The bodies of request and answer, too.
    RequestResponse,
}

/// When an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Before the request is served.
    RequestReceived,
    /// When the answer began, of those that take long.
    ResponseStarted,
    ResponseComplete,
    Panic,
}

/// Why a text is no policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the file is not YAML of a policy")]
    Parse(#[source] serde_saphyr::Error),
    #[error("apiVersion and kind must be {API_VERSION} and {KIND}, not {api_version:?} and {kind:?}")]
    Kind { api_version: String, kind: String },
    #[error("there are no rules, so nothing would be written")]
    NoRules,
    #[error("rules[{index}]: {why}")]
    Rule { index: usize, why: String },
}

/// What is written of which requests: the first rule that matches says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policy {
    api_version: String,
    kind: String,
    rules: Vec<Rule>,
    omit_stages: Vec<Stage>,
    omit_managed_fields: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Rule {
    level: Option<Level>,
    users: Vec<String>,
    user_groups: Vec<String>,
    verbs: Vec<String>,
    resources: Vec<Resources>,
    namespaces: Vec<String>,
    #[serde(rename = "nonResourceURLs")]
    non_resource_urls: Vec<String>,
    omit_stages: Vec<Stage>,
    omit_managed_fields: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Resources {
    group: String,
    #[serde(rename = "resources")]
    names: Vec<String>,
    #[serde(rename = "resourceNames")]
    objects: Vec<String>,
}

/// What a policy says of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) level: Level,
    pub(super) omit_stages: Vec<Stage>,
    pub(super) omit_managed_fields: bool,
}

impl Policy {
    /// The same level for every request, once, when it was answered.
    pub fn of_level(level: Level) -> Self {
        Self {
            rules: vec![Rule { level: Some(level), ..Rule::default() }],
            omit_stages: vec![Stage::RequestReceived],
            omit_managed_fields: true,
            ..Self::default()
        }
    }

    /// Reads a policy from YAML or JSON.
    ///
    /// # Errors
    /// When it is none, or a rule contradicts itself.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_saphyr::from_str(text).map_err(PolicyError::Parse)?;
        if policy.api_version != API_VERSION || policy.kind != KIND {
            return Err(PolicyError::Kind { api_version: policy.api_version, kind: policy.kind });
        }
        if policy.rules.is_empty() {
            return Err(PolicyError::NoRules);
        }
        for (index, rule) in policy.rules.iter().enumerate() {
            rule.check().map_err(|why| PolicyError::Rule { index, why })?;
        }
        Ok(policy)
    }

    /// Decides about a request.
    pub(super) fn verdict(&self, user: &UserInfo, access: &Access) -> Verdict {
        let Some(rule) = self.rules.iter().find(|rule| rule.matches(user, access)) else {
            return Verdict::default();
        };
        Verdict {
            level: rule.level.unwrap_or_default(),
            omit_stages: [self.omit_stages.as_slice(), &rule.omit_stages].concat(),
            omit_managed_fields: rule.omit_managed_fields.unwrap_or(self.omit_managed_fields),
        }
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        if self.level.is_none() {
            return Err("level: required".to_owned());
        }
        let about_resources = !self.resources.is_empty() || !self.namespaces.is_empty();
        if about_resources && !self.non_resource_urls.is_empty() {
            return Err("a rule is about resources or about nonResourceURLs, not both".to_owned());
        }
        for url in &self.non_resource_urls {
            let stars = url.matches('*').count();
            if url != "*" && (!url.starts_with('/') || stars > 1 || (stars == 1 && !url.ends_with('*'))) {
                return Err(format!("nonResourceURLs: {url:?} is no path with a star at its end at most"));
            }
        }
        for resources in &self.resources {
            if resources.group.contains('/') {
                return Err(format!("resources: the group {:?} names a version", resources.group));
            }
            if resources.names.is_empty() && !resources.objects.is_empty() {
                return Err("resources: resourceNames need resources".to_owned());
            }
        }
        Ok(())
    }

    fn matches(&self, user: &UserInfo, access: &Access) -> bool {
        let lists = |list: &[String], item: &str| list.is_empty() || list.iter().any(|own| own == item);
        if !lists(&self.users, &user.name) || !lists(&self.verbs, &access.verb) {
            return false;
        }
        if !self.user_groups.is_empty() && !self.user_groups.iter().any(|group| user.is_in(group)) {
            return false;
        }
        if !self.namespaces.is_empty() || !self.resources.is_empty() {
            return !access.resource.is_empty()
                && lists(&self.namespaces, &access.namespace)
                && (self.resources.is_empty()
                    || self.resources.iter().any(|resources| resources.matches(access)));
        }
        if !self.non_resource_urls.is_empty() {
            return access.resource.is_empty()
                && self.non_resource_urls.iter().any(|url| {
                    url == "*"
                        || *url == access.path
                        || url.strip_suffix('*').is_some_and(|prefix| access.path.starts_with(prefix))
                });
        }
        true
    }
}

impl Resources {
    fn matches(&self, access: &Access) -> bool {
        if self.group != access.group {
            return false;
        }
        if self.names.is_empty() {
            return true;
        }
        let named = self.objects.is_empty() || self.objects.contains(&access.name);
        named
            && self.names.iter().any(|own| match own.split_once('/') {
                _ if own == "*" => true,
                None => *own == access.resource && access.subresource.is_empty(),
                Some((resource, subresource)) => {
                    !access.subresource.is_empty()
                        && (resource == "*" || resource == access.resource)
                        && (subresource == "*" || subresource == access.subresource)
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use indoc::indoc;
    use rstest::rstest;

    use super::*;

    const POLICY: &str = indoc! {"
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        - level: None
          users: [system:kube-proxy]
          verbs: [watch]
          resources: [{group: '', resources: [endpoints, services]}]
        - level: None
          userGroups: [system:authenticated]
          nonResourceURLs: ['/api*', /version]
        - level: Request
          resources: [{group: '', resources: [configmaps]}]
          namespaces: [kube-system]
        - level: Metadata
          resources: [{group: '', resources: [secrets, pods/*, '*/scale']}]
          omitStages: [ResponseStarted]
          omitManagedFields: true
        - level: RequestResponse
          resources: [{group: apps, resources: [deployments], resourceNames: [web]}, {group: batch}]
        - level: Metadata
          namespaces: ['']
    "};

    fn resource(verb: &str, group: &str, path: &str, namespace: &str, name: &str) -> Access {
        let (resource, subresource) = path.split_once('/').unwrap_or((path, ""));
        Access {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            path: String::new(),
        }
    }

    fn path(path: &str) -> Access {
        Access { verb: "get".to_owned(), path: path.to_owned(), ..Access::default() }
    }

    #[rstest]
    #[case("system:kube-proxy", resource("watch", "", "services", "", ""), Level::None)]
    #[case("alice", resource("watch", "", "services", "", ""), Level::Metadata)]
    #[case("alice", path("/version"), Level::None)]
    #[case("alice", path("/api/v1"), Level::None)]
    #[case("alice", path("/metrics"), Level::None)]
    #[case("alice", resource("get", "", "configmaps", "kube-system", "a"), Level::Request)]
    #[case("alice", resource("get", "", "configmaps", "default", "a"), Level::None)]
    #[case("alice", resource("get", "", "secrets", "default", "a"), Level::Metadata)]
    #[case("alice", resource("get", "", "pods", "default", "a"), Level::None)]
    #[case("alice", resource("get", "", "pods/log", "default", "a"), Level::Metadata)]
    #[case("alice", resource("get", "", "replicationcontrollers/scale", "default", "a"), Level::Metadata)]
    #[case("alice", resource("get", "apps", "deployments", "default", "web"), Level::RequestResponse)]
    #[case("alice", resource("get", "apps", "deployments", "default", "other"), Level::None)]
    #[case("alice", resource("get", "batch", "jobs/status", "default", "a"), Level::RequestResponse)]
    fn the_first_rule_that_matches_says(#[case] user: &str, #[case] access: Access, #[case] level: Level) {
        let policy = Policy::parse(POLICY).unwrap();
        assert_eq!(policy.verdict(&UserInfo::new(user, &[]), &access).level, level);
    }

    #[test]
    fn stages_of_the_policy_and_of_the_rule_are_left_out() {
        let policy = Policy::parse(POLICY).unwrap();
        let user = UserInfo::admin();
        let verdict = policy.verdict(&user, &resource("get", "", "secrets", "default", "a"));
        assert_eq!(verdict.omit_stages, [Stage::RequestReceived, Stage::ResponseStarted]);
        assert!(verdict.omit_managed_fields);
    }

    #[rstest]
    #[case("kind: Policy", "apiVersion and kind must be audit.k8s.io/v1 and Policy, not \"\" and \"Policy\"")]
    #[case("{apiVersion: audit.k8s.io/v1, kind: Policy}", "there are no rules, so nothing would be written")]
    #[case("{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{}]}", "rules[0]: level: required")]
    #[case(
        "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: None, nonResourceURLs: [/a*b]}]}",
        "rules[0]: nonResourceURLs: \"/a*b\" is no path with a star at its end at most"
    )]
    #[case(
        "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: All}]}",
        "the file is not YAML of a policy"
    )]
    fn what_is_no_policy_is_refused(#[case] text: &str, #[case] why: &str) {
        assert_eq!(Policy::parse(text).unwrap_err().to_string(), why);
    }
}
