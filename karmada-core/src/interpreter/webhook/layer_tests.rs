//! Tests of the layer, with a webhook that is a function.

use std::sync::Mutex;

use k8s_openapi::ByteString;
use serde_json::json;

use super::*;
use crate::api::config::{PatchType, ResourceInterpreterWebhookConfiguration};
use crate::interpreter::{Interpreter, NativeInterpreter};

/// Answers every question with the same response, and notes what it was asked.
struct Canned {
    response: Result<ResourceInterpreterResponse, &'static str>,
    asked: Mutex<Vec<(String, ResourceInterpreterContext)>>,
}

impl InterpreterWebhookCaller for Canned {
    fn new_uid(&self) -> String {
        "u1".to_owned()
    }

    fn call(
        &self,
        hook: &Hook,
        question: &ResourceInterpreterContext,
    ) -> Result<ResourceInterpreterContext, CallError> {
        self.asked.lock().unwrap().push((hook.uid().to_owned(), question.clone()));
        let mut response = self.response.clone()?;
        response.uid = "u1".to_owned();
        response.successful = true;
        Ok(ResourceInterpreterContext { request: None, response: Some(response), ..question.clone() })
    }
}

fn caller(response: Result<ResourceInterpreterResponse, &'static str>) -> Arc<Canned> {
    Arc::new(Canned { response, asked: Mutex::default() })
}

fn patch(operations: Value) -> ResourceInterpreterResponse {
    ResourceInterpreterResponse {
        patch: Some(ByteString(operations.to_string().into_bytes())),
        patch_type: Some(PatchType::JsonPatch),
        ..Default::default()
    }
}

/// One webhook for everything of one kind.
fn layer(kind: &str, versions: &[&str], caller: Arc<Canned>) -> WebhookInterpreter {
    let configuration: ResourceInterpreterWebhookConfiguration = serde_json::from_value(json!({
        "metadata": {"name": "c"},
        "webhooks": [{
            "name": "h.io", "clientConfig": {"url": "https://h"}, "interpreterContextVersions": versions,
            "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "kinds": [kind]}],
        }],
    }))
    .unwrap();
    WebhookInterpreter::new(Hooks::new([&configuration]), caller)
}

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"},
        "spec": {"replicas": 1}})
}

#[test]
fn a_webhook_answers_before_the_native_rules_and_only_for_its_kinds() {
    let answer = ResourceInterpreterResponse { replicas: Some(9), ..Default::default() };
    let layer = layer("Deployment", &["v1alpha1"], caller(Ok(answer)));
    let interpreter = Interpreter::new(vec![Arc::new(layer), Arc::new(NativeInterpreter::default())]);
    assert_eq!(interpreter.replicas(&deployment()).unwrap(), (9, None));
    let mut set = deployment();
    set["kind"] = json!("StatefulSet");
    assert_eq!(interpreter.replicas(&set).unwrap(), (1, None));
}

#[test]
fn a_webhook_that_fails_is_the_answer() {
    let layer = layer("Deployment", &["v1alpha1"], caller(Err("connection refused")));
    let interpreter = Interpreter::new(vec![Arc::new(layer), Arc::new(NativeInterpreter::default())]);
    let error = interpreter.health(&deployment()).unwrap_err();
    let InterpretError::Customization { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "calling the webhook c/h.io failed");
    assert_eq!(source.source().unwrap().to_string(), "connection refused");
}

#[test]
fn a_webhook_of_another_version_is_not_called() {
    let caller = caller(Ok(ResourceInterpreterResponse::default()));
    let layer = layer("Deployment", &["v2"], caller.clone());
    let error = layer.dependencies(&deployment()).unwrap_err();
    let InterpretError::Customization { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the webhook c/h.io does not accept ResourceInterpreterContext v1alpha1");
    assert!(caller.asked.lock().unwrap().is_empty());
}

#[test]
fn patches_change_the_object_that_was_sent() {
    let caller = caller(Ok(patch(json!([{"op": "replace", "path": "/spec/replicas", "value": 7}]))));
    let layer = layer("Deployment", &["v1alpha1"], caller.clone());
    let mut changed = deployment();
    changed["spec"]["replicas"] = json!(7);
    let items = [AggregatedStatusItem { cluster_name: "m".to_owned(), ..Default::default() }];
    assert_eq!(layer.revise_replica(deployment(), 7).unwrap(), changed);
    assert_eq!(layer.retain(deployment(), &json!({"observed": true})).unwrap(), changed);
    assert_eq!(layer.aggregate_status(&deployment(), Some(&items), Timestamp::UNIX_EPOCH).unwrap(), changed);
    let asked: Vec<Value> = caller
        .asked
        .lock()
        .unwrap()
        .iter()
        .map(|(_, question)| {
            let mut request = serde_json::to_value(question.request.as_ref().unwrap()).unwrap();
            request.as_object_mut().unwrap().retain(|field, _| {
                ["operation", "replicas", "observedObject", "aggregatedStatus"].contains(&field.as_str())
            });
            request
        })
        .collect();
    assert_eq!(
        asked,
        [
            json!({"operation": "ReviseReplica", "replicas": 7}),
            json!({"operation": "Retain", "observedObject": {"observed": true}}),
            json!({"operation": "AggregateStatus", "aggregatedStatus": [{"clusterName": "m"}]}),
        ]
    );
}

#[test]
fn more_replicas_than_a_question_can_hold_are_refused() {
    let caller = caller(Ok(ResourceInterpreterResponse::default()));
    let layer = layer("Deployment", &["v1alpha1"], caller.clone());
    assert!(layer.revise_replica(deployment(), i64::from(i32::MAX) + 1).is_err());
    assert!(caller.asked.lock().unwrap().is_empty());
}

#[test]
fn a_dependency_must_say_which_objects_it_means() {
    let nothing =
        ResourceInterpreterResponse { dependencies: vec![Default::default()], ..Default::default() };
    let layer = layer("Deployment", &["v1alpha1"], caller(Ok(nothing)));
    assert!(matches!(layer.dependencies(&deployment()), Err(InterpretError::Dependency { index: 0, .. })));
}

#[test]
fn a_kind_without_a_webhook_has_no_answer() {
    let layer = layer("Deployment", &["v1alpha1"], caller(Err("never asked")));
    let pod = json!({"apiVersion": "v1", "kind": "Pod"});
    assert!(!layer.hook_enabled(ObjectKind::of(&pod), Operation::InterpretHealth));
    assert!(matches!(layer.health(&pod), Err(InterpretError::NotFound { .. })));
}
