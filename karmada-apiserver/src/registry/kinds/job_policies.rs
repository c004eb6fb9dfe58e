//! Validation of what decides when a job has failed or succeeded.

use serde_json::Value;

use super::super::field_error::{FieldError, FieldErrorKind};
use super::checks::{check_qualified, require_choice};
use super::fields::{check_not_negative, has, items, text};

const LARGEST: i64 = 100_000;
const ACTIONS: &[&str] = &["Count", "FailIndex", "FailJob", "Ignore"];
const OPERATORS: &[&str] = &["In", "NotIn"];

/// Reports what is wrong with the policies of a job, and with the limits of an indexed one.
pub(super) fn validate(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    let indexed = text(spec, "completionMode") == "Indexed";
    check_not_negative(spec, "backoffLimitPerIndex", path, errors);
    check_not_negative(spec, "maxFailedIndexes", path, errors);
    if !indexed && text(spec, "completionMode") == "NonIndexed" {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if has(spec, field) {
                let detail = "requires indexed completion mode";
                errors.push(FieldError::invalid(format!("{path}.{field}"), &spec[field], detail));
            }
        }
    }
    if has(spec, "maxFailedIndexes") && !has(spec, "backoffLimitPerIndex") {
        let detail = "when maxFailedIndexes is specified";
        errors.push(FieldError::required(format!("{path}.backoffLimitPerIndex"), detail));
    }
    if indexed {
        limits(spec, path, errors);
    }
    for (index, rule) in items(&spec["podFailurePolicy"], "rules").iter().enumerate() {
        failure_rule(rule, spec, &format!("{path}.podFailurePolicy.rules[{index}]"), errors);
    }
    success(spec, indexed, path, errors);
}

fn limits(spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    if spec["parallelism"].as_i64().is_some_and(|count| count > LARGEST) {
        let detail = format!("must be less than or equal to {LARGEST} when completion mode is Indexed");
        errors.push(FieldError::invalid(format!("{path}.parallelism"), &spec["parallelism"], detail));
    }
    if let (Some(failed), Some(count)) = (spec["maxFailedIndexes"].as_i64(), spec["completions"].as_i64()) {
        let field = format!("{path}.maxFailedIndexes");
        if failed > count {
            let detail = "must be less than or equal to completions";
            errors.push(FieldError::invalid(&field, &spec["maxFailedIndexes"], detail));
        }
        if failed > LARGEST {
            let detail = format!("must be less than or equal to {LARGEST}");
            errors.push(FieldError::invalid(field, &spec["maxFailedIndexes"], detail));
        }
    }
}

/// Reports text that is absent, or is none of the supported.
fn required_choice(rule: &Value, key: &str, path: &str, supported: &[&str], errors: &mut Vec<FieldError>) {
    if text(rule, key).is_empty() {
        let quoted: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let detail = format!("valid values: [{}]", quoted.join(" "));
        errors.push(FieldError::required(format!("{path}.{key}"), detail));
    } else {
        require_choice(rule, key, path, supported, errors);
    }
}

fn failure_rule(rule: &Value, spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    required_choice(rule, "action", path, ACTIONS, errors);
    if let Some(codes) = rule.get("onExitCodes") {
        exit_codes(codes, spec, &format!("{path}.onExitCodes"), errors);
    }
    let conditions = items(rule, "onPodConditions");
    for (index, condition) in conditions.iter().enumerate() {
        let path = format!("{path}.onPodConditions[{index}]");
        check_qualified(condition, "type", &path, errors);
        if text(condition, "status").is_empty() {
            required_choice(condition, "status", &path, &["False", "True", "Unknown"], errors);
        } else {
            require_choice(condition, "status", &path, &["False", "True", "Unknown"], errors);
        }
    }
    let mut wrong = |message: &str| {
        errors.push(FieldError {
            kind: FieldErrorKind::Invalid,
            field: path.to_owned(),
            message: format!("Invalid value: {message}"),
        });
    };
    match (has(rule, "onExitCodes"), !conditions.is_empty()) {
        (true, true) => wrong("specifying both OnExitCodes and OnPodConditions is not supported"),
        (false, false) => wrong("specifying one of OnExitCodes and OnPodConditions is required"),
        _ => {}
    }
}

fn exit_codes(codes: &Value, spec: &Value, path: &str, errors: &mut Vec<FieldError>) {
    required_choice(codes, "operator", path, OPERATORS, errors);
    if let Some(name) = codes.get("containerName") {
        let pod = &spec["template"]["spec"];
        let mut containers = items(pod, "containers").iter().chain(items(pod, "initContainers"));
        if !containers.any(|container| container["name"] == *name) {
            let detail = "must be one of the container or initContainer names in the pod template";
            errors.push(FieldError::invalid(format!("{path}.containerName"), name, detail));
        }
    }
    let (values, field) = (items(codes, "values"), format!("{path}.values"));
    let list = &codes["values"];
    if values.is_empty() {
        errors.push(FieldError::invalid(&field, list, "at least one value is required"));
    } else if values.len() > 255 {
        errors.push(FieldError::too_many(&field, values.len(), 255));
    }
    for (index, value) in values.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if text(codes, "operator") == "In" && value.as_i64() == Some(0) {
            errors.push(FieldError::invalid(&field, value, "must not be 0 for the In operator"));
        }
        if values[..index].contains(value) {
            errors.push(FieldError::duplicate(field, value));
        }
    }
    let numbers: Vec<i64> = values.iter().filter_map(Value::as_i64).collect();
    if !numbers.is_sorted() {
        errors.push(FieldError::invalid(field, list, "must be ordered"));
    }
}

fn success(spec: &Value, indexed: bool, path: &str, errors: &mut Vec<FieldError>) {
    let Some(policy) = spec.get("successPolicy") else { return };
    let path = format!("{path}.successPolicy");
    if !indexed {
        errors.push(FieldError::invalid(path, policy, "requires indexed completion mode"));
        return;
    }
    let (rules, path) = (items(policy, "rules"), format!("{path}.rules"));
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&path, detail));
    }
    let completions = spec["completions"].as_i64().unwrap_or_default();
    for (index, rule) in rules.iter().enumerate() {
        success_rule(rule, completions, &format!("{path}[{index}]"), errors);
    }
}

fn success_rule(rule: &Value, completions: i64, path: &str, errors: &mut Vec<FieldError>) {
    let indexes = rule.get("succeededIndexes").and_then(Value::as_str);
    if indexes.is_none() && !has(rule, "succeededCount") {
        let detail = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(path, detail));
        return;
    }
    let mut listed = None;
    if let Some(indexes) = indexes {
        listed = Some(0);
        match count_indexes(indexes, completions) {
            Ok(count) => listed = Some(count),
            Err(why) => errors.push(FieldError::invalid(
                format!("{path}.succeededIndexes"),
                &Value::from(indexes),
                format!("error parsing succeededIndexes: {why}"),
            )),
        }
    }
    let Some(count) = rule["succeededCount"].as_i64() else { return };
    let field = format!("{path}.succeededCount");
    check_not_negative(rule, "succeededCount", path, errors);
    if count > completions {
        let detail =
            format!("must be less than or equal to {completions} (the number of specified completions)");
        errors.push(FieldError::invalid(&field, &rule["succeededCount"], detail));
    }
    if let Some(listed) = listed
        && count > listed
    {
        let detail = format!(
            "must be less than or equal to {listed} (the number of indexes in the specified succeededIndexes field)"
        );
        errors.push(FieldError::invalid(field, &rule["succeededCount"], detail));
    }
}

/// Counts what a list such as `1,3-5` names.
fn count_indexes(list: &str, completions: i64) -> Result<i64, String> {
    if list.is_empty() {
        return Ok(0);
    }
    let mut total = 0;
    let mut last: Option<i64> = None;
    for part in list.split(',') {
        let (first, end) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| {
            let number = text
                .parse::<i64>()
                .map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
            if number >= completions {
                return Err(format!("too large index: {text:?}"));
            }
            Ok(number)
        };
        let (first, end) = (number(first)?, number(end)?);
        if last.is_some_and(|last| first <= last) {
            return Err(format!(
                "non-increasing order, previous: {}, current: {first}",
                last.unwrap_or_default()
            ));
        }
        if part.contains('-') && end <= first {
            return Err(format!("non-increasing order, previous: {first}, current: {end}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_indexes_of_a_list() {
        assert_eq!(count_indexes("0,2-4", 5), Ok(4));
        assert_eq!(count_indexes("", 5), Ok(0));
        assert_eq!(count_indexes("5", 5).unwrap_err(), "too large index: \"5\"");
        assert!(count_indexes("x", 5).unwrap_err().starts_with("cannot convert"));
        assert!(count_indexes("3,1", 5).is_err() && count_indexes("3-2", 5).is_err());
    }
}
