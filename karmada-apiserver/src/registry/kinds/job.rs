//! Jobs and cron jobs.

use serde_json::{Value, json};

use super::super::field_error::{FieldError, FieldErrorKind};
use super::fields::{
    check_choice, check_immutable, check_not_negative, check_required, child, default, flag, has, items_mut,
    text,
};
use super::pod_checks::validate_template;
use super::pod_spec::default_template;
use super::{job_policies, schedule, selector};

const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";
const NAME_LABEL: &str = "batch.kubernetes.io/job-name";

pub(super) fn default_job(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    if !has(spec, "completions") && !has(spec, "parallelism") {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    let per_index = has(spec, "backoffLimitPerIndex");
    default(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "manualSelector", false);
    let failed = has(spec, "podFailurePolicy");
    default(spec, "podReplacementPolicy", if failed { "Failed" } else { "TerminatingOrFailed" });
    for rule in
        spec.get_mut("podFailurePolicy").map(|policy| items_mut(policy, "rules")).into_iter().flatten()
    {
        for condition in items_mut(rule, "onPodConditions") {
            default(condition, "status", "True");
        }
    }
    default_template(spec);
    copy_labels(object);
}

pub(super) fn default_cron_job(object: &mut Value) {
    let Some(spec) = child(object, "spec") else { return };
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(job) = child(spec, "jobTemplate").and_then(|template| child(template, "spec")) {
        default_template(job);
    }
}

/// Gives a new job the selector and labels that tie its pods to it.
pub(super) fn admit_job(object: &mut Value) {
    if flag(&object["spec"], "manualSelector") {
        return;
    }
    let uid = object["metadata"]["uid"].clone();
    let name = object["metadata"]["name"].clone();
    // Labels that were taken over from the template take over the generated ones as well: the real
    // server has one map in both places.
    let is_shared = object.pointer("/metadata/labels").is_some()
        && object.pointer("/metadata/labels") == object.pointer("/spec/template/metadata/labels");
    let Some(spec) = child(object, "spec") else { return };
    if let Some(labels) = child(spec, "template")
        .and_then(|template| child(template, "metadata"))
        .and_then(|metadata| child(metadata, "labels"))
        .and_then(Value::as_object_mut)
    {
        for (key, value) in
            [("controller-uid", &uid), (UID_LABEL, &uid), ("job-name", &name), (NAME_LABEL, &name)]
        {
            labels.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(labels) = child(spec, "selector").and_then(|selector| child(selector, "matchLabels")) {
        labels[UID_LABEL] = uid;
    }
    if is_shared {
        super::super::metadata::metadata_mut(object).remove("labels");
    }
    copy_labels(object);
}

/// Returns what is wrong with a job.
pub(super) fn validate_job(object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    if !flag(spec, "manualSelector") && has(spec, "selector") {
        check_generated(object, &mut errors);
    }
    check_job_spec(spec, &mut errors);
    indexed_name(object, &mut errors);
    if let Some(old) = old {
        // The real server looks at a changed job twice.
        check_job_spec(spec, &mut errors);
        update_errors(spec, &old["spec"], &mut errors);
    }
    errors
}

/// The pods of an indexed job are named after it and their index.
fn indexed_name(object: &Value, errors: &mut Vec<FieldError>) {
    let (spec, name) = (&object["spec"], text(&object["metadata"], "name"));
    let (Some(count), "Indexed") = (spec["completions"].as_i64(), text(spec, "completionMode")) else {
        return;
    };
    let pod = format!("{name}-{}", count - 1);
    if count > 0 && !super::super::names::label(&pod).is_empty() {
        let detail = format!("will not able to create pod with invalid DNS label: {pod}");
        errors.push(FieldError::invalid("metadata.name", &object["metadata"]["name"], detail));
    }
}

fn check_job_spec(spec: &Value, errors: &mut Vec<FieldError>) {
    check_spec(spec, "spec", errors);
    if has(spec, "selector") {
        selector::validate(spec.get("selector"), "spec.selector", errors);
    } else {
        errors.push(FieldError::required("spec.selector", ""));
    }
    selector::check_template(spec, spec.get("selector"), errors);
}

/// Returns what is wrong with a cron job.
pub(super) fn validate_cron_job(object: &Value) -> Vec<FieldError> {
    let spec = &object["spec"];
    let mut errors = Vec::new();
    let found = text(spec, "schedule");
    check_required(spec, "schedule", "spec", "", &mut errors);
    if found.contains("TZ") {
        errors.push(FieldError::invalid(
            "spec.schedule",
            &spec["schedule"],
            "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ));
    } else if !found.is_empty()
        && let Some(problem) = schedule::problem(found)
    {
        errors.push(FieldError::invalid("spec.schedule", &spec["schedule"], problem));
    }
    time_zone(spec, &mut errors);
    check_not_negative(spec, "startingDeadlineSeconds", "spec", &mut errors);
    check_choice(spec, "concurrencyPolicy", "spec", &["Allow", "Forbid", "Replace"], &mut errors);
    check_spec(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec", &mut errors);
    for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        check_not_negative(spec, field, "spec", &mut errors);
    }
    let name = text(&object["metadata"], "name");
    if name.len() > 52 {
        errors.push(FieldError::invalid(
            "metadata.name",
            &object["metadata"]["name"],
            "must be no more than 52 characters",
        ));
    }
    errors
}

fn check_generated(object: &Value, errors: &mut Vec<FieldError>) {
    let metadata = &object["metadata"];
    let (uid, name) = (text(metadata, "uid"), text(metadata, "name"));
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    for (key, wanted) in [("controller-uid", uid), ("job-name", name), (UID_LABEL, uid), (NAME_LABEL, name)] {
        let field = format!("spec.template.metadata.labels[{key}]");
        let detail = format!("must be '{wanted}'");
        match labels.get(key) {
            None => errors.push(FieldError::required(field, &detail)),
            // The real server shows all labels.
            Some(found) if found != wanted => errors.push(FieldError::invalid(field, labels, &detail)),
            Some(_) => {}
        }
    }
    let expected = json!({"matchLabels": {UID_LABEL: object["metadata"]["uid"]}});
    let selector = &object["spec"]["selector"];
    if !selector::is_empty(selector) && *selector != expected {
        errors.push(FieldError::invalid("spec.selector", selector, "`selector` not auto-generated"));
    }
}

fn check_spec(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let numbers =
        ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"];
    for number in numbers {
        check_not_negative(spec, number, path, errors);
    }
    check_choice(spec, "completionMode", path, &["NonIndexed", "Indexed"], errors);
    if text(spec, "completionMode") == "Indexed" && !has(spec, "completions") {
        errors.push(FieldError::required(format!("{path}.completions"), "when completion mode is Indexed"));
    }
    let replacements: &[&str] =
        if has(spec, "podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    check_choice(spec, "podReplacementPolicy", path, replacements, errors);
    job_policies::validate(spec, path, errors);
    validate_template(spec, path, errors);
    let restart = text(&spec["template"]["spec"], "restartPolicy");
    if !matches!(restart, "" | "Always" | "OnFailure" | "Never") {
        let value = Value::from(restart);
        let field = format!("{path}.template.spec.restartPolicy");
        errors.push(FieldError::not_supported(field, &value, &["OnFailure", "Never"]));
    } else if !matches!(restart, "OnFailure" | "Never") {
        errors.push(FieldError {
            kind: FieldErrorKind::Required,
            field: format!("{path}.template.spec.restartPolicy"),
            message: "Required value: valid values: \"OnFailure\", \"Never\"".to_owned(),
        });
    }
}

fn update_errors(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let indexed = text(new, "completionMode") == "Indexed";
    let elastic =
        indexed && new["completions"] == new["parallelism"] && old["completions"] == old["parallelism"];
    if !elastic {
        check_immutable(new, old, "completions", "spec", errors);
    }
    check_immutable(new, old, "selector", "spec", errors);
    let paused = flag(old, "suspend") && old.get("status").is_none_or(|status| !has(status, "startTime"));
    let template = |spec: &Value| {
        let mut template = spec["template"].clone();
        if paused {
            // A job that has not started may still be placed elsewhere.
            for field in ["nodeSelector", "tolerations", "affinity", "schedulingGates"] {
                super::fields::remove(&mut template["spec"], field);
            }
            super::fields::remove(&mut template["metadata"], "labels");
            super::fields::remove(&mut template["metadata"], "annotations");
        }
        template
    };
    if template(new) != template(old) {
        errors.push(FieldError::invalid("spec.template", &new["template"], "field is immutable"));
    }
    for field in ["completionMode", "podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "managedBy"]
    {
        check_immutable(new, old, field, "spec", errors);
    }
}

fn time_zone(spec: &Value, errors: &mut Vec<FieldError>) {
    let Some(zone) = spec.get("timeZone").and_then(Value::as_str) else { return };
    let problem = if zone.is_empty() {
        "timeZone must be nil or non-empty string".to_owned()
    } else if zone.eq_ignore_ascii_case("local") {
        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones".to_owned()
    } else if jiff::tz::TimeZone::get(zone).is_err() {
        format!("unknown time zone {zone}")
    } else {
        return;
    };
    errors.push(FieldError::invalid("spec.timeZone", &spec["timeZone"], problem));
}

/// A job without labels has those of its template.
fn copy_labels(object: &mut Value) {
    let Some(labels) = object.pointer("/spec/template/metadata/labels").cloned() else { return };
    let metadata = super::super::metadata::metadata_mut(object);
    if metadata.get("labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        metadata.insert("labels".to_owned(), labels);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_the_pods_of_a_job_to_it() {
        let mut job = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {"template": {"spec": {}}}});
        default_job(&mut job);
        admit_job(&mut job);
        assert_eq!(job["spec"]["selector"]["matchLabels"][UID_LABEL], "u");
        assert_eq!(job["spec"]["template"]["metadata"]["labels"]["job-name"], "j");
        assert_eq!(job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]);
    }

    #[test]
    fn wants_one_completion_unless_a_work_queue_is_asked() {
        let mut one = json!({"spec": {}});
        default_job(&mut one);
        assert_eq!(one["spec"]["completions"], 1);
        let mut queue = json!({"spec": {"parallelism": 2}});
        default_job(&mut queue);
        assert!(queue["spec"].get("completions").is_none());
    }
}
