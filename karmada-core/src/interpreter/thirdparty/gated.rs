//! Kinds with counters and a generation that all members must have observed.

use serde_json::{Map, Value};

use super::members::{Member, last, observed_generation, sum};
use super::rules::Answer;
use super::values::{compare, equal, field, from_number, guarded, status_of, to_number};
use crate::api::reserved::TEMPLATE_GENERATION_ANNOTATION;

/// The fields of a status that are put together in the same way by several kinds.
pub(super) struct Gated {
    /// Counters that are summed.
    pub(super) counters: &'static [&'static str],
    /// Texts of which the last one that is not empty counts.
    pub(super) texts: &'static [&'static str],
}

impl Gated {
    /// Sets counters, texts and the observed generation.
    pub(super) fn aggregate(&self, object: &mut Value, members: &[Member<'_>]) -> Answer<()> {
        let observed = observed_generation(object, members)?;
        let status = status_of(object)?;
        for counter in self.counters {
            status.insert((*counter).to_owned(), sum(members, counter)?);
        }
        for name in self.texts {
            let text = last(members, name).cloned().unwrap_or_else(|| Value::from(""));
            status.insert((*name).to_owned(), text);
        }
        status.insert("observedGeneration".to_owned(), observed);
        Ok(())
    }

    /// Returns counters and texts with the generations that tell what they are of.
    pub(super) fn reflect(&self, object: &Value) -> Answer<Map<String, Value>> {
        let fields = self.counters.iter().chain(self.texts).chain(&["observedGeneration"]);
        reflect_with_generations(object, &fields.copied().collect::<Vec<_>>())
    }
}

/// Returns fields of the status; an object without a status has none.
pub(super) fn reflect(object: &Value, fields: &[&str]) -> Answer<Map<String, Value>> {
    let status = field(object, &["status"])?;
    let mut picked = Map::new();
    if status.is_null() {
        return Ok(picked);
    }
    for name in fields {
        let value = field(status, &[name])?;
        if !value.is_null() {
            picked.insert((*name).to_owned(), value.clone());
        }
    }
    Ok(picked)
}

/// Returns fields of the status with the generation of the object and of the template that it was made from.
pub(super) fn reflect_with_generations(object: &Value, fields: &[&str]) -> Answer<Map<String, Value>> {
    let mut picked = reflect(object, fields)?;
    if guarded(object, &["status"]).is_null() {
        return Ok(picked);
    }
    let metadata = field(object, &["metadata"])?;
    picked.insert("generation".to_owned(), field(metadata, &["generation"])?.clone());
    let template = guarded(metadata, &["annotations", TEMPLATE_GENERATION_ANNOTATION]);
    if let Some(generation) = to_number(template) {
        picked.insert("resourceTemplateGeneration".to_owned(), from_number(generation));
    }
    Ok(picked)
}

/// Returns whether the status is of the current generation.
pub(super) fn is_observed(object: &Value) -> Answer<bool> {
    let observed = field(object, &["status", "observedGeneration"])?;
    Ok(equal(observed, field(object, &["metadata", "generation"])?))
}

/// Returns whether all wanted replicas are up to date and available, of the current generation.
pub(super) fn is_rolled_out(object: &Value) -> Answer<bool> {
    if !is_observed(object)? {
        return Ok(false);
    }
    let (wanted, updated) = (["spec", "replicas"], ["status", "updatedReplicas"]);
    if !field(object, &wanted)?.is_null() && compare(object, &updated, &wanted)?.is_lt() {
        return Ok(false);
    }
    Ok(compare(object, &["status", "availableReplicas"], &updated)?.is_ge())
}
