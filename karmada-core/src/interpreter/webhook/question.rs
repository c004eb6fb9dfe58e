//! What a webhook is asked.

use serde_json::Value;

use crate::api::config::constants::INTERPRETER_CONTEXT_VERSION;
use crate::api::config::{
    GroupVersionKind, InterpreterOperation, ResourceInterpreterContext, ResourceInterpreterRequest,
    ResourceInterpreterWebhook,
};
use crate::api::work::AggregatedStatusItem;
use crate::interpreter::{ObjectKind, Operation};
use crate::object;

/// What a question has beside the object.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    /// The member's object, for `Retain`.
    pub(super) observed: Option<Value>,
    /// The replicas, for `ReviseReplica`.
    pub(super) replicas: Option<i32>,
    /// The members' statuses, for `AggregateStatus`.
    pub(super) items: Vec<AggregatedStatusItem>,
}

/// Returns the question about an object, in the version that this program speaks.
pub(super) fn question(
    uid: String,
    operation: Operation,
    object: &Value,
    arguments: Arguments,
) -> ResourceInterpreterContext {
    let kind = ObjectKind::of(object);
    let (group, version) = kind.api_version.split_once('/').unwrap_or(("", kind.api_version));
    let request = ResourceInterpreterRequest {
        uid,
        kind: GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.kind.to_owned(),
        },
        name: object::name(object).to_owned(),
        namespace: object::namespace(object).to_owned(),
        operation: InterpreterOperation::from(operation.name()),
        object: Some(object.clone()),
        observed_object: arguments.observed,
        desired_replicas: arguments.replicas,
        aggregated_status: arguments.items,
    };
    ResourceInterpreterContext {
        api_version: ResourceInterpreterContext::API_VERSION.to_owned(),
        kind: ResourceInterpreterContext::KIND.to_owned(),
        request: Some(request),
        response: None,
    }
}

/// Returns whether a webhook understands the version that this program speaks.
pub(super) fn is_understood(webhook: &ResourceInterpreterWebhook) -> bool {
    webhook.interpreter_context_versions.iter().any(|version| version == INTERPRETER_CONTEXT_VERSION)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_the_object_and_has_only_what_the_operation_needs() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}});
        let asked = question("1".to_owned(), Operation::InterpretHealth, &pod, Arguments::default());
        assert_eq!(
            serde_json::to_value(asked).unwrap(),
            json!({
                "apiVersion": "config.karmada.io/v1alpha1",
                "kind": "ResourceInterpreterContext",
                "request": {
                    "uid": "1",
                    "kind": {"group": "", "version": "v1", "kind": "Pod"},
                    "name": "p",
                    "namespace": "n",
                    "operation": "InterpretHealth",
                    "object": pod,
                },
            })
        );
    }
}
