//! Deployments, replica sets, stateful sets, daemon sets, replication controllers.

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::checks::{check_at_most_all, check_count_or_percent, check_label_name, is_nothing};
use super::fields::{
    check_choice, check_immutable, check_not_negative, child, default, has, items, items_mut, remove,
    remove_all, text,
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
        if text(strategy, "type").is_empty() {
            child(strategy, "rollingUpdate");
        }
        default(strategy, "type", "RollingUpdate");
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = strategy.get_mut("rollingUpdate")
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

/// Drops what is not offered: several unavailable pods of a stateful set.
pub(super) fn admit_stateful_set(object: &mut Value) {
    if let Some(rolling) = object.pointer_mut("/spec/updateStrategy/rollingUpdate") {
        remove(rolling, "maxUnavailable");
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
    if kind != "DaemonSet" {
        check_not_negative(spec, "replicas", "spec", &mut errors);
    }
    check_not_negative(spec, "minReadySeconds", "spec", &mut errors);
    if matches!(kind, "DaemonSet" | "Deployment") {
        check_not_negative(spec, "revisionHistoryLimit", "spec", &mut errors);
    }
    if kind == "ReplicationController" {
        validate_replication_controller(spec, &mut errors);
    } else {
        selector::validate_workload(kind, spec, &mut errors);
    }
    match kind {
        "Deployment" => deployment(spec, &mut errors),
        "DaemonSet" => daemon_set(spec, &mut errors),
        "StatefulSet" => stateful_set(spec, &mut errors),
        _ => {}
    }
    template(kind, spec, &mut errors);
    if let Some(old) = old {
        match kind {
            "StatefulSet" => stateful_set_update(spec, &old["spec"], &mut errors),
            "ReplicationController" => {}
            _ => check_immutable(spec, &old["spec"], "selector", "spec", &mut errors),
        }
    }
    errors
}

/// Pods of workloads run for good.
fn template(kind: &str, spec: &Value, errors: &mut Vec<FieldError>) {
    if kind == "StatefulSet" {
        // Every claim becomes a volume of its pods.
        validate_template(&with_claim_volumes(spec), "spec", errors);
    } else if has(spec, "template") || kind != "ReplicationController" {
        validate_template(spec, "spec", errors);
    }
    let pod = &spec["template"]["spec"];
    let restart = text(pod, "restartPolicy");
    if !restart.is_empty() && restart != "Always" {
        errors.push(FieldError::not_supported(
            "spec.template.spec.restartPolicy",
            &Value::from(restart),
            &["Always"],
        ));
    }
    if has(pod, "activeDeadlineSeconds") {
        let title = if kind == "Deployment" { "ReplicaSet" } else { kind };
        errors.push(FieldError::forbidden(
            "spec.template.spec.activeDeadlineSeconds",
            format!("activeDeadlineSeconds in {title} is not Supported"),
        ));
    }
}

fn with_claim_volumes(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let mut claims: Vec<Value> = items(&spec, "volumeClaimTemplates")
        .iter()
        .map(|claim| {
            let name = text(&claim["metadata"], "name");
            json!({"name": name, "persistentVolumeClaim": {"claimName": name}})
        })
        .collect();
    claims.dedup();
    if claims.is_empty() {
        return spec;
    }
    let is_claim = |volume: &&Value| claims.iter().any(|claim| claim["name"] == volume["name"]);
    let own = items(&spec["template"]["spec"], "volumes").iter().filter(|volume| !is_claim(volume)).cloned();
    let volumes: Vec<Value> = claims.iter().cloned().chain(own).collect();
    spec["template"]["spec"]["volumes"] = volumes.into();
    spec
}

/// Returns what is wrong with a revision of a stateful set or daemon set.
pub(super) fn validate_revision(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if old.is_none() && !has(object, "data") {
        errors.push(FieldError::required("data", "data is mandatory"));
    }
    if object["revision"].as_i64().is_some_and(|revision| revision < 0) {
        let detail = "must be greater than or equal to 0";
        errors.push(FieldError::invalid("revision", &object["revision"], detail));
    }
    if let Some(old) = old {
        check_immutable(object, old, "data", "", &mut errors);
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
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            let path = "spec.strategy.rollingUpdate";
            check_count_or_percent(unavailable, &format!("{path}.maxUnavailable"), errors);
            check_count_or_percent(surge, &format!("{path}.maxSurge"), errors);
            if is_nothing(unavailable) && is_nothing(surge) {
                errors.push(FieldError::invalid(
                    format!("{path}.maxUnavailable"),
                    unavailable,
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
            check_at_most_all(unavailable, &format!("{path}.maxUnavailable"), errors);
        }
        other => errors.push(FieldError {
            kind: FieldErrorKind::NotSupported,
            field: "spec.strategy".to_owned(),
            message: format!(
                "Unsupported value: {}: supported values: \"Recreate\", \"RollingUpdate\"",
                shown_strategy(
                    other,
                    strategy,
                    &[("MaxUnavailable", "maxUnavailable"), ("MaxSurge", "maxSurge")]
                )
            ),
        }),
    }
    check_not_negative(spec, "progressDeadlineSeconds", "spec", errors);
    let (deadline, ready) =
        (spec["progressDeadlineSeconds"].as_i64(), spec["minReadySeconds"].as_i64().unwrap_or(0));
    if deadline.is_some_and(|deadline| deadline <= ready) {
        errors.push(FieldError::invalid(
            "spec.progressDeadlineSeconds",
            &spec["progressDeadlineSeconds"],
            "must be greater than minReadySeconds",
        ));
    }
}

/// Shows an update strategy as the real server's own structure.
fn shown_strategy(kind: &str, strategy: &Value, fields: &[(&str, &str)]) -> String {
    let rolling = match strategy.get("rollingUpdate") {
        None => "null".to_owned(),
        Some(rolling) => {
            let members = fields.iter().map(|(title, key)| format!("\"{title}\":{}", rolling[*key]));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    };
    format!("{{\"Type\":{},\"RollingUpdate\":{rolling}}}", Value::from(kind))
}

fn daemon_set(spec: &Value, errors: &mut Vec<FieldError>) {
    let strategy = &spec["updateStrategy"];
    match text(strategy, "type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let path = "spec.updateStrategy.rollingUpdate";
            let Some(rolling) = strategy.get("rollingUpdate") else {
                errors.push(FieldError::required(path, ""));
                return;
            };
            let (unavailable, surge) = (&rolling["maxUnavailable"], &rolling["maxSurge"]);
            for (name, value) in [("maxUnavailable", unavailable), ("maxSurge", surge)] {
                check_count_or_percent(value, &format!("{path}.{name}"), errors);
                check_at_most_all(value, &format!("{path}.{name}"), errors);
            }
            match (is_nothing(unavailable), is_nothing(surge)) {
                (false, false) => errors.push(FieldError::invalid(
                    format!("{path}.maxSurge"),
                    surge,
                    "may not be set when maxUnavailable is non-zero",
                )),
                (true, true) => errors.push(FieldError::required(
                    format!("{path}.maxUnavailable"),
                    "cannot be 0 when maxSurge is 0",
                )),
                _ => {}
            }
        }
        other => errors.push(FieldError {
            kind: FieldErrorKind::NotSupported,
            field: "spec.updateStrategy".to_owned(),
            message: format!(
                "Unsupported value: {}: supported values: \"RollingUpdate\", \"OnDelete\"",
                shown_strategy(
                    other,
                    strategy,
                    &[("MaxUnavailable", "maxUnavailable"), ("MaxSurge", "maxSurge")]
                )
            ),
        }),
    }
}

fn stateful_set(spec: &Value, errors: &mut Vec<FieldError>) {
    let management = text(spec, "podManagementPolicy");
    if !matches!(management, "OrderedReady" | "Parallel") {
        let detail = "must be 'OrderedReady' or 'Parallel'";
        errors.push(FieldError::invalid("spec.podManagementPolicy", &Value::from(management), detail));
    }
    let strategy = &spec["updateStrategy"];
    match text(strategy, "type") {
        "OnDelete" if has(strategy, "rollingUpdate") => errors.push(FieldError::invalid(
            "spec.updateStrategy.rollingUpdate",
            &strategy["rollingUpdate"],
            "only allowed for updateStrategy 'RollingUpdate'",
        )),
        "OnDelete" => {}
        "RollingUpdate" => {
            let path = "spec.updateStrategy.rollingUpdate";
            check_not_negative(&strategy["rollingUpdate"], "partition", path, errors);
        }
        other => errors.push(FieldError {
            kind: FieldErrorKind::Invalid,
            field: "spec.updateStrategy".to_owned(),
            message: format!(
                "Invalid value: {}: must be 'RollingUpdate' or 'OnDelete'",
                shown_strategy(
                    other,
                    strategy,
                    &[("Partition", "partition"), ("MaxUnavailable", "maxUnavailable")]
                )
            ),
        }),
    }
    for field in ["whenDeleted", "whenScaled"] {
        let (policy, path) =
            (&spec["persistentVolumeClaimRetentionPolicy"], "spec.persistentVolumeClaimRetentionPolicy");
        check_choice(policy, field, path, &["Retain", "Delete"], errors);
    }
    for (index, claim) in items(spec, "volumeClaimTemplates").iter().enumerate() {
        let path = format!("spec.volumeClaimTemplates[{index}].spec");
        storage::validate_claim_spec(&claim["spec"], &path, errors);
    }
    check_not_negative(&spec["ordinals"], "start", "spec.ordinals", errors);
    check_label_name(spec, "serviceName", "spec", errors);
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
