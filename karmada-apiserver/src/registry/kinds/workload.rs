//! Deployments, replica sets, stateful sets, daemon sets, replication controllers.

use serde_json::{Value, json};

use super::super::field_error::FieldError;
use super::fields::{
    check_choice, check_immutable, check_not_negative, child, default, has, items_mut, remove, remove_all,
    text,
};
use super::pod_checks::validate_template;
use super::pod_spec::default_template;
use super::selector;
use super::storage;

pub(in crate::registry) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const STATEFUL_SET_FORBIDDEN: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', \
                                      'template', 'updateStrategy', 'revisionHistoryLimit', \
                                      'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

pub(super) fn default_deployment(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "replicas", 1);
    default_template(spec);
    if let Some(strategy) = child(spec, "strategy") {
        default(strategy, "type", "RollingUpdate");
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = child(strategy, "rollingUpdate")
        {
            default(rolling, "maxUnavailable", "25%");
            default(rolling, "maxSurge", "25%");
        }
    }
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
}

pub(super) fn default_replica_set(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "replicas", 1);
    default_template(spec);
}

pub(super) fn default_stateful_set(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "podManagementPolicy", "OrderedReady");
    default_template(spec);
    if let Some(strategy) = child(spec, "updateStrategy") {
        default(strategy, "type", "RollingUpdate");
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = child(strategy, "rollingUpdate")
        {
            default(rolling, "partition", 0);
        }
    }
    if let Some(retention) = child(spec, "persistentVolumeClaimRetentionPolicy") {
        default(retention, "whenDeleted", "Retain");
        default(retention, "whenScaled", "Retain");
    }
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    for claim in items_mut(spec, "volumeClaimTemplates") {
        default(claim, "kind", "PersistentVolumeClaim");
        default(claim, "apiVersion", "v1");
        storage::default_claim(claim);
    }
}

pub(super) fn default_daemon_set(object: &mut Value) {
    let annotations =
        super::super::metadata::metadata_mut(object).entry("annotations").or_insert_with(|| json!({}));
    default(annotations, TEMPLATE_GENERATION, "0");
    let Some(spec) = child(object, "spec") else { return };
    default_template(spec);
    if let Some(strategy) = child(spec, "updateStrategy") {
        default(strategy, "type", "RollingUpdate");
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = child(strategy, "rollingUpdate")
        {
            default(rolling, "maxUnavailable", 1);
            default(rolling, "maxSurge", 0);
        }
    }
    default(spec, "revisionHistoryLimit", 10);
}

pub(super) fn default_replication_controller(object: &mut Value) {
    let labels = object.pointer("/spec/template/metadata/labels").cloned();
    if let Some(labels) = labels.filter(serde_json::Value::is_object) {
        if object["spec"].get("selector").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
            object["spec"]["selector"] = labels.clone();
        }
        let metadata = super::super::metadata::metadata_mut(object);
        if metadata.get("labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
            metadata.insert("labels".to_owned(), labels);
        }
    }
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "replicas", 1);
    if has(spec, "template") {
        default_template(spec);
    }
}

/// Keeps the annotation that counts template changes.
pub(super) fn admit_daemon_set(object: &mut Value, old: Option<&Value>) {
    let count = old.map_or(1, |old| {
        let count: i64 =
            text(&old["metadata"]["annotations"], TEMPLATE_GENERATION).parse().unwrap_or_default();
        count + i64::from(old["spec"]["template"] != object["spec"]["template"])
    });
    if count > 0 {
        let metadata = super::super::metadata::metadata_mut(object);
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(TEMPLATE_GENERATION.to_owned(), count.to_string().into());
        }
    }
}

/// Returns what is wrong with a deployment, replica set, stateful set or daemon set.
pub(super) fn validate(kind: &str, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    check_not_negative(spec, "replicas", "spec", &mut errors);
    if kind == "ReplicationController" {
        validate_replication_controller(spec, &mut errors);
    } else {
        selector::validate_workload(spec, &mut errors);
    }
    validate_template(spec, "spec", &mut errors);
    let restart = text(&spec["template"]["spec"], "restartPolicy");
    if matches!(restart, "OnFailure" | "Never") {
        errors.push(FieldError::not_supported(
            "spec.template.spec.restartPolicy",
            &Value::from(restart),
            &["Always"],
        ));
    }
    for field in ["minReadySeconds", "revisionHistoryLimit"] {
        check_not_negative(spec, field, "spec", &mut errors);
    }
    match kind {
        "Deployment" => deployment(spec, &mut errors),
        "StatefulSet" => {
            check_choice(spec, "podManagementPolicy", "spec", &["OrderedReady", "Parallel"], &mut errors);
        }
        _ => {}
    }
    if let Some(old) = old {
        match kind {
            "StatefulSet" => stateful_set_update(spec, &old["spec"], &mut errors),
            "ReplicationController" => {}
            _ => check_immutable(spec, &old["spec"], "selector", "spec", &mut errors),
        }
    }
    errors
}

fn validate_replication_controller(spec: &Value, errors: &mut Vec<FieldError>) {
    let selector = spec.get("selector").and_then(Value::as_object);
    if selector.is_none_or(serde_json::Map::is_empty) {
        errors.push(FieldError::required("spec.selector", ""));
        return;
    }
    errors.extend(super::super::names::check_labels(spec.get("selector"), "spec.selector"));
    if !has(spec, "template") {
        errors.push(FieldError::required("spec.template", ""));
        return;
    }
    selector::check_template(spec, Some(&json!({"matchLabels": spec["selector"]})), errors);
}

fn deployment(spec: &Value, errors: &mut Vec<FieldError>) {
    let strategy = &spec["strategy"];
    match text(strategy, "type") {
        "Recreate" if has(strategy, "rollingUpdate") => errors.push(FieldError::forbidden(
            "spec.strategy.rollingUpdate",
            "may not be specified when strategy `type` is 'Recreate'",
        )),
        "Recreate" => {}
        "RollingUpdate" => {
            let rolling = &strategy["rollingUpdate"];
            let zero =
                |value: &Value| matches!(value, Value::Number(n) if n.as_i64() == Some(0)) || *value == "0%";
            if zero(&rolling["maxUnavailable"]) && zero(&rolling["maxSurge"]) {
                errors.push(FieldError::invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    &rolling["maxUnavailable"],
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
        }
        other => {
            let shown = format!(
                "Unsupported value: {{\"Type\":{},\"RollingUpdate\":null}}: supported values: \"Recreate\", \
                 \"RollingUpdate\"",
                Value::from(other)
            );
            errors.push(FieldError {
                kind: super::super::field_error::FieldErrorKind::NotSupported,
                field: "spec.strategy".to_owned(),
                message: shown,
            });
        }
    }
    check_not_negative(spec, "progressDeadlineSeconds", "spec", errors);
    let (deadline, ready) =
        (spec["progressDeadlineSeconds"].as_i64(), spec["minReadySeconds"].as_i64().unwrap_or(0));
    if deadline.is_some_and(|deadline| deadline >= 0 && deadline <= ready) {
        errors.push(FieldError::invalid(
            "spec.progressDeadlineSeconds",
            &spec["progressDeadlineSeconds"],
            "must be greater than minReadySeconds",
        ));
    }
}

fn stateful_set_update(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let changeable = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |spec: &Value| {
        let mut spec = spec.clone();
        remove_all(&mut spec, &changeable);
        // The status of a claim template means nothing.
        items_mut(&mut spec, "volumeClaimTemplates").for_each(|claim| remove(claim, "status"));
        spec
    };
    if fixed(new) != fixed(old) {
        errors.push(FieldError::forbidden("spec", STATEFUL_SET_FORBIDDEN));
    }
}

/// Whether a change of a daemon set's or deployment's metadata counts as a change of what is wanted.
pub(super) fn annotations_changed(new: &Value, old: &Value) -> bool {
    let annotations =
        |object: &Value| object["metadata"].get("annotations").cloned().unwrap_or_else(|| json!({}));
    annotations(new) != annotations(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_a_stateful_set_with_its_claims() {
        let mut object =
            json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}]}});
        default_stateful_set(&mut object);
        assert_eq!(object["spec"]["volumeClaimTemplates"][0]["kind"], "PersistentVolumeClaim");
        assert_eq!(object["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"], "Filesystem");
    }

    #[test]
    fn gives_a_replication_controller_the_labels_of_its_template() {
        let mut object = json!({"spec": {"template": {"metadata": {"labels": {"q": "w"}}}}});
        default_replication_controller(&mut object);
        assert_eq!(object["metadata"]["labels"], json!({"q": "w"}));
        assert_eq!(object["spec"]["selector"], json!({"q": "w"}));
    }

    #[test]
    fn counts_template_changes_of_a_daemon_set() {
        let mut first = json!({"metadata": {}, "spec": {"template": 1}});
        admit_daemon_set(&mut first, None);
        let mut second = json!({"metadata": {}, "spec": {"template": 2}});
        admit_daemon_set(&mut second, Some(&first));
        assert_eq!(second["metadata"]["annotations"]["deprecated.daemonset.template.generation"], "2");
    }
}
