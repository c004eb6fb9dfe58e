//! Statuses that are sums of counters.

use serde_json::{Map, Value};

use super::super::InterpretError;
use super::typed::{generation, number, read, reported_status, statuses, template_generation, with_status};
use crate::api::work::AggregatedStatusItem;

/// When a member has seen what the template wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// Its object comes from the template's generation or a later one.
    TemplateGeneration,
    /// Its object's own generation is not above that of the template it comes from.
    MemberGeneration,
}

/// A kind whose status is a sum of counters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counters {
    /// The kind's type.
    pub(super) kind: &'static str,
    /// The type of its status.
    pub(super) status: &'static str,
    /// The counters that are summed.
    pub(super) fields: &'static [&'static str],
    /// The fields that are collected of a member's status.
    pub(super) reflected: &'static [&'static str],
    /// When a member is up to date.
    pub(super) observed: Observed,
    /// What is returned when the sums are those the template has.
    pub(super) unchanged: Unchanged,
}

/// What is returned for a template whose status does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// The template as it was written.
    AsWritten,
    /// The template as its type writes it.
    AsTyped,
}

impl Counters {
    /// Returns the collected part of a member's status.
    pub(super) fn reflect(&self, object: &Value) -> Result<Option<Value>, InterpretError> {
        let Some(status) = reported_status(object)? else { return Ok(None) };
        let status = read(self.status, status)?;
        let mut reflected = pick(&status, self.reflected);
        let members = [
            ("generation", generation(object)),
            ("resourceTemplateGeneration", template_generation(object)?),
        ];
        reflected.extend(
            members
                .into_iter()
                .filter(|(_, value)| *value != 0)
                .map(|(name, value)| (name.to_owned(), value.into())),
        );
        Ok(Some(Value::Object(reflected)))
    }

    /// Returns the template with the sums as its status; the template itself when nothing changes.
    pub(super) fn aggregate(
        &self,
        object: &Value,
        items: Option<&[AggregatedStatusItem]>,
    ) -> Result<Value, InterpretError> {
        let items = items.unwrap_or_default();
        let old = read(self.status, object.get("status").unwrap_or(&Value::Null))?;
        let reported = statuses(self.status, items)?;
        let mut new = old.clone();
        for field in self.fields {
            let sum: i64 = reported.iter().map(|(_, status)| number(status, field)).sum();
            new[*field] = sum.into();
        }
        let current = items.iter().filter(|item| self.is_current(item, generation(object))).count();
        if current == items.len() {
            new["observedGeneration"] = generation(object).into();
        }
        let changed = self
            .fields
            .iter()
            .chain(&["observedGeneration"])
            .any(|field| number(&old, field) != number(&new, field));
        if changed || self.unchanged == Unchanged::AsTyped {
            with_status(self.kind, object, new)
        } else {
            Ok(object.clone())
        }
    }

    fn is_current(&self, item: &AggregatedStatusItem, template: i64) -> bool {
        let Some(status) = &item.status else { return false };
        let member = number(status, "generation");
        let wanted = match self.observed {
            Observed::TemplateGeneration => template,
            Observed::MemberGeneration => member,
        };
        number(status, "observedGeneration") >= member
            && number(status, "resourceTemplateGeneration") >= wanted
    }
}

/// Returns some fields of an object.
pub(super) fn pick(value: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|&name| Some((name.to_owned(), value.get(name)?.clone()))).collect()
}
