//! Which templates and APIs the detector leaves alone.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::Value;

use crate::{
    api::{apps, autoscaling, cluster, config, networking, policy, remedy, reserved::CLAIMED_BY_LABEL, work},
    object::{self, GroupVersionKind, is_reserved_namespace},
};

/// Groups whose resources are never propagated.
const SKIPPED_GROUPS: &[&str] = &[
    apps::constants::GROUP,
    autoscaling::constants::GROUP,
    cluster::constants::GROUP,
    config::constants::GROUP,
    "events.k8s.io",
    networking::constants::GROUP,
    policy::constants::GROUP,
    remedy::constants::GROUP,
    work::constants::GROUP,
];

/// The namespaces that are skipped when nothing else is said.
const DEFAULT_PATTERN: &str = "kube-.*";

/// Leaves out templates by their namespace.
#[derive(Clone, Debug)]
pub struct NamespaceFilter {
    skipped: Vec<Regex>,
}

/// A pattern is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("invalid pattern {pattern:?} of skipped namespaces")]
pub struct NamespacePatternError {
    /// The pattern.
    pub pattern: String,
    /// Why.
    #[source]
    source: regex_lite::Error,
}

impl NamespaceFilter {
    /// Returns a filter for regular expressions that must match a namespace as a whole.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, NamespacePatternError> {
        let compile = |pattern: &S| {
            let pattern = pattern.as_ref();
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|source| NamespacePatternError { pattern: pattern.to_owned(), source })
        };
        Ok(Self { skipped: patterns.iter().map(compile).collect::<Result<_, _>>()? })
    }

    /// Returns true when the detector looks at a template.
    pub fn handles(&self, template: &Value) -> bool {
        let (namespace, name) = (object::namespace(template), object::name(template));
        let is_server_config = namespace == "kube-system"
            && name == "extension-apiserver-authentication"
            && object::kind(template) == "ConfigMap"
            && object::api_version(template) == "v1";
        self.includes_namespace(namespace) && !is_server_config
    }

    /// Returns true when a namespace, and all that is in it, is for members.
    pub fn includes_namespace(&self, name: &str) -> bool {
        !is_reserved_namespace(name) && !self.skipped.iter().any(|pattern| pattern.is_match(name))
    }

    /// Returns true when a controller, not a policy, propagates a template.
    pub fn is_claimed_by_controller(template: &Value) -> bool {
        object::label(template, CLAIMED_BY_LABEL).is_some_and(|claimant| !claimant.is_empty())
    }
}

impl Default for NamespaceFilter {
    fn default() -> Self {
        Self::new(&[DEFAULT_PATTERN]).expect("the default pattern is a regular expression")
    }
}

/// APIs whose resources are never propagated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedApis {
    groups: BTreeSet<String>,
    /// Groups with versions.
    versions: BTreeSet<(String, String)>,
    kinds: BTreeSet<GroupVersionKind>,
}

/// The list of skipped APIs is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse --skipped-propagating-apis invalid parameter: {entry}")]
pub struct SkippedApisError {
    /// The entry that cannot be read.
    pub entry: String,
}

impl SkippedApis {
    /// Returns the built-in list with the entries of a flag, separated by semicolons.
    ///
    /// An entry is `group`, `group/version`, `group/version/Kind,Kind` or, for the core group, `v1/Kind,Kind`.
    pub fn parse(flag: &str) -> Result<Self, SkippedApisError> {
        let mut skipped = Self::default();
        if flag.is_empty() {
            return Ok(skipped);
        }
        for entry in flag.split(';') {
            match entry.split('/').collect::<Vec<_>>().as_slice() {
                [group] => {
                    skipped.groups.insert((*group).to_owned());
                }
                ["v1", kinds] => skipped.add_kinds("", "v1", kinds),
                [group, version] => {
                    skipped.versions.insert(((*group).to_owned(), (*version).to_owned()));
                }
                [group, version, kinds] => skipped.add_kinds(group, version, kinds),
                _ => return Err(SkippedApisError { entry: entry.to_owned() }),
            }
        }
        Ok(skipped)
    }

    /// Returns true when resources of a kind are never propagated; the case of the kind does not matter.
    pub fn skips(&self, kind: &GroupVersionKind) -> bool {
        self.groups.contains(&kind.group)
            || self.versions.contains(&(kind.group.clone(), kind.version.clone()))
            || self.kinds.iter().any(|skipped| {
                skipped.group == kind.group
                    && skipped.version == kind.version
                    && skipped.kind.eq_ignore_ascii_case(&kind.kind)
            })
    }

    /// Returns the skipped groups, sorted.
    pub fn groups(&self) -> Vec<String> {
        self.groups.iter().cloned().collect()
    }

    /// Returns the skipped versions as `group/version`, sorted.
    pub fn versions(&self) -> Vec<String> {
        let text = |(group, version): &(String, String)| match group.as_str() {
            "" => version.clone(),
            _ => format!("{group}/{version}"),
        };
        sorted(self.versions.iter().map(text))
    }

    /// Returns the skipped kinds as `group/version/Kind`, sorted.
    pub fn kinds(&self) -> Vec<String> {
        sorted(self.kinds.iter().map(|kind| format!("{}/{}", kind.api_version(), kind.kind)))
    }

    fn add_kinds(&mut self, group: &str, version: &str, kinds: &str) {
        for kind in kinds.split(',') {
            let kind = kind.to_owned();
            self.kinds.insert(GroupVersionKind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind,
            });
        }
    }
}

impl Default for SkippedApis {
    fn default() -> Self {
        Self {
            groups: SKIPPED_GROUPS.iter().map(|group| (*group).to_owned()).collect(),
            versions: BTreeSet::from([("coordination.k8s.io".to_owned(), "v1".to_owned())]),
            kinds: BTreeSet::from([GroupVersionKind::new("v1", "Event")]),
        }
    }
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_match_whole_namespaces() {
        let filter = NamespaceFilter::new(&["pro"]).unwrap();
        assert!(filter.handles(&json!({"metadata": {"namespace": "prod"}})));
        assert!(!filter.handles(&json!({"metadata": {"namespace": "pro"}})));
        assert!(!filter.handles(&json!({"metadata": {"namespace": "karmada-es-m1"}})));
        assert!(NamespaceFilter::new(&["("]).is_err());
    }

    #[test]
    fn kinds_are_skipped_whatever_their_case() {
        let skipped = SkippedApis::parse("v1/pod").unwrap();
        assert!(skipped.skips(&GroupVersionKind::new("v1", "Pod")));
        assert!(skipped.skips(&GroupVersionKind::new("work.karmada.io/v1alpha1", "Work")));
        assert!(!skipped.skips(&GroupVersionKind::new("v1", "ConfigMap")));
    }
}
