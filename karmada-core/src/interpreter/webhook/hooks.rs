//! Which webhook is asked.

use std::time::Duration;

use crate::api::config::{
    InterpreterOperation, ResourceInterpreterWebhook, ResourceInterpreterWebhookConfiguration,
    RuleWithOperations,
};
use crate::interpreter::{ObjectKind, Operation};

/// What matches any group, version, kind or operation.
const ANY: &str = "*";

/// A webhook of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    uid: String,
    webhook: ResourceInterpreterWebhook,
}

/// All webhooks of all configurations, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hooks(Vec<Hook>);

impl Hook {
    /// Returns `configuration/webhook`, which tells webhooks apart and orders them.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Returns the webhook as it was configured.
    pub fn webhook(&self) -> &ResourceInterpreterWebhook {
        &self.webhook
    }

    /// Returns how long an answer may take; none when the configuration does not say.
    pub fn timeout(&self) -> Option<Duration> {
        let seconds = u64::try_from(self.webhook.timeout_seconds?).ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// Returns whether any rule is about the operation on the kind.
    pub fn matches(&self, kind: ObjectKind<'_>, operation: Operation) -> bool {
        self.webhook.rules.iter().any(|rule| rule_matches(rule, kind, operation))
    }
}

impl Hooks {
    /// Takes the webhooks of configurations, which may come in any order.
    pub fn new<'a>(
        configurations: impl IntoIterator<Item = &'a ResourceInterpreterWebhookConfiguration>,
    ) -> Self {
        let mut hooks: Vec<Hook> = configurations
            .into_iter()
            .flat_map(|configuration| {
                let name = configuration.metadata.name.as_deref().unwrap_or_default();
                configuration.webhooks.iter().map(move |webhook| Hook {
                    uid: format!("{name}/{}", webhook.name),
                    webhook: webhook.clone(),
                })
            })
            .collect();
        // The order is that of the whole identifier: `a-b/x` comes before `a/x`.
        hooks.sort_by(|a, b| a.uid.cmp(&b.uid));
        Self(hooks)
    }

    /// Returns the webhook that is asked: the first that has a rule for the operation on the kind.
    ///
    /// No other one is asked, whatever its answer is.
    pub fn candidate(&self, kind: ObjectKind<'_>, operation: Operation) -> Option<&Hook> {
        self.0.iter().find(|hook| hook.matches(kind, operation))
    }

    /// Returns whether there is no webhook.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the webhooks in the order in which they are asked.
    pub fn iter(&self) -> impl Iterator<Item = &Hook> {
        self.0.iter()
    }
}

fn rule_matches(rule: &RuleWithOperations, kind: ObjectKind<'_>, operation: Operation) -> bool {
    let (group, version) = kind.api_version.split_once('/').unwrap_or(("", kind.api_version));
    let lists = |list: &[String], wanted: &str| list.iter().any(|item| item == ANY || item == wanted);
    let asked = |known: &InterpreterOperation| {
        *known == InterpreterOperation::All || known.as_str() == operation.name()
    };
    rule.operations.iter().any(asked)
        && lists(&rule.api_groups, group)
        && lists(&rule.api_versions, version)
        && lists(&rule.kinds, kind.kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn configuration(value: serde_json::Value) -> ResourceInterpreterWebhookConfiguration {
        serde_json::from_value(value).unwrap()
    }

    fn hook(
        name: &str,
        operations: &[&str],
        groups: &[&str],
        versions: &[&str],
        kinds: &[&str],
    ) -> serde_json::Value {
        json!({"name": name, "clientConfig": {"url": "https://h"}, "interpreterContextVersions": ["v1alpha1"],
            "rules": [{"operations": operations, "apiGroups": groups, "apiVersions": versions, "kinds": kinds}]})
    }

    const FOO: ObjectKind<'_> = ObjectKind { api_version: "example.io/v1", kind: "Foo" };
    const POD: ObjectKind<'_> = ObjectKind { api_version: "v1", kind: "Pod" };

    #[test]
    fn asks_the_first_webhook_by_configuration_and_name_that_has_a_rule() {
        let all = [
            configuration(
                json!({"metadata": {"name": "b"}, "webhooks": [hook("a.io", &["*"], &["*"], &["*"], &["*"])]}),
            ),
            configuration(json!({"metadata": {"name": "a"}, "webhooks": [
                hook("z.io", &["InterpretHealth", "Retain"], &["example.io"], &["v1"], &["Foo"]),
                hook("y.io", &["InterpretHealth"], &["example.io"], &["v2"], &["Foo"]),
            ]})),
        ];
        let hooks = Hooks::new(&all);
        let asked = |kind, operation| hooks.candidate(kind, operation).map(Hook::uid);
        assert_eq!(asked(FOO, Operation::InterpretHealth), Some("a/z.io"));
        assert_eq!(asked(FOO, Operation::Retain), Some("a/z.io"));
        assert_eq!(asked(FOO, Operation::InterpretReplica), Some("b/a.io"));
        assert_eq!(asked(POD, Operation::InterpretHealth), Some("b/a.io"));
        assert_eq!(Hooks::default().candidate(POD, Operation::InterpretHealth), None);
    }

    #[test]
    fn the_core_group_is_the_empty_one() {
        let rule = |group| {
            let all = [configuration(
                json!({"metadata": {"name": "c"}, "webhooks": [hook("h.io", &["Retain"], &[group], &["v1"], &["Pod"])]}),
            )];
            Hooks::new(&all).candidate(POD, Operation::Retain).is_some()
        };
        assert!(rule("") && rule("*") && !rule("core"));
    }

    #[test]
    fn a_timeout_is_only_what_the_configuration_says() {
        let mut with = hook("h.io", &["*"], &["*"], &["*"], &["*"]);
        let timeout = |hook: &serde_json::Value| {
            let all = [configuration(json!({"metadata": {"name": "c"}, "webhooks": [hook]}))];
            Hooks::new(&all).iter().next().and_then(Hook::timeout)
        };
        assert_eq!(timeout(&with), None);
        with["timeoutSeconds"] = json!(7);
        assert_eq!(timeout(&with), Some(Duration::from_secs(7)));
    }

    fn names(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(from.to_vec()), 0..3)
    }

    prop_compose! {
        fn hooks()(
            name in "[ab.-]{1,3}",
            operations in names(&["*", "Retain", "InterpretHealth", "Prune"]),
            groups in names(&["*", "", "example.io"]),
            versions in names(&["*", "v1"]),
            kinds in names(&["*", "Foo", "Pod"]),
        ) -> serde_json::Value {
            hook(&name, &operations, &groups, &versions, &kinds)
        }
    }

    proptest! {
        /// The checker looks at the JSON of the configurations alone.
        #[test]
        fn the_candidate_is_the_least_of_those_that_match(
            all in prop::collection::vec(("[ab.-]{1,3}", prop::collection::vec(hooks(), 0..4)), 0..4),
        ) {
            let configurations: Vec<_> = all.iter()
                .map(|(name, hooks)| configuration(json!({"metadata": {"name": name}, "webhooks": hooks})))
                .collect();
            let asked = Hooks::new(&configurations);
            for (kind, group) in [(FOO, "example.io"), (POD, "")] {
                let has = |rule: &serde_json::Value, field: &str, wanted: &str| {
                    rule[field].as_array().unwrap().iter().any(|item| item == "*" || item == wanted)
                };
                let expected = all.iter()
                    .flat_map(|(name, hooks)| hooks.iter().map(move |hook| (name, hook)))
                    .filter(|(_, hook)| {
                        let rule = &hook["rules"][0];
                        has(rule, "operations", "Retain") && has(rule, "apiGroups", group)
                            && has(rule, "apiVersions", "v1") && has(rule, "kinds", kind.kind)
                    })
                    .map(|(name, hook)| format!("{name}/{}", hook["name"].as_str().unwrap()))
                    .min();
                prop_assert_eq!(asked.candidate(kind, Operation::Retain).map(Hook::uid), expected.as_deref());
            }
        }
    }
}
