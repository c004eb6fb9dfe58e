//! What the kinds of Flux share.

use serde_json::{Map, Value};

use super::super::DependentReference;
use super::conditions::merge_conditions;
use super::gated::reflect_with_generations;
use super::members::{Member, last, observed_generation};
use super::rules::Answer;
use super::values::{assign, field, mismatch, status_of, text};

/// The status fields of one kind besides conditions and the observed generation.
pub(super) struct Flux {
    /// Texts: the last one that is not empty counts, else an empty one.
    pub(super) texts: &'static [&'static str],
    /// Whole values: the last one counts.
    pub(super) values: &'static [&'static str],
    /// Fields that are collected, with the generations.
    pub(super) reflected: &'static [&'static str],
}

impl Flux {
    /// Sets the status; nothing known of members is no member.
    pub(super) fn aggregate(&self, object: &mut Value, members: Option<&[Member<'_>]>) -> Answer<()> {
        let members = members.unwrap_or_default();
        let observed = observed_generation(object, members)?;
        merge_conditions(object, members)?;
        let status = status_of(object)?;
        for name in self.texts {
            let text = last(members, name).cloned().unwrap_or_else(|| Value::from(""));
            status.insert((*name).to_owned(), text);
        }
        for name in self.values {
            status.insert(
                (*name).to_owned(),
                last(members, name).cloned().unwrap_or_else(|| Map::new().into()),
            );
        }
        status.insert("observedGeneration".to_owned(), observed);
        Ok(())
    }

    /// Returns the collected fields.
    pub(super) fn reflect(&self, object: &Value) -> Answer<Map<String, Value>> {
        reflect_with_generations(object, self.reflected)
    }
}

/// Keeps whether reconciliation is suspended.
pub(super) fn retain_suspension(desired: &mut Value, observed: &Value) -> Answer<()> {
    let suspend = field(observed, &["spec", "suspend"])?;
    if !suspend.is_null() {
        assign(desired, &["spec", "suspend"], suspend.clone())?;
    }
    Ok(())
}

/// The objects in the namespace of another one that it needs.
pub(super) struct Needs<'a> {
    object: &'a Value,
    found: Vec<DependentReference>,
}

impl<'a> Needs<'a> {
    /// Starts with none.
    pub(super) fn of(object: &'a Value) -> Self {
        Self { object, found: Vec::new() }
    }

    /// Returns all, each of them once.
    pub(super) fn into_references(self) -> Vec<DependentReference> {
        self.found
    }

    /// Adds the secrets whose references are at paths; an empty name is none.
    ///
    /// # Errors
    /// When there is no spec, or a reference names nothing.
    pub(super) fn secrets(mut self, references: &[&[&str]]) -> Answer<Self> {
        field(self.object, &["spec", "any"])?;
        for reference in references {
            let reference = super::values::guarded(self.object, reference);
            if reference.is_null() {
                continue;
            }
            self.add("Secret", field(reference, &["name"])?)?;
        }
        Ok(self)
    }

    /// Adds an object of a kind by its name.
    ///
    /// # Errors
    /// When the name is absent or no text.
    pub(super) fn add(&mut self, kind: &str, name: &Value) -> Answer<()> {
        let Value::String(name) = name else {
            return Err(mismatch(&["spec", "name"], "string", name).into());
        };
        if !name.is_empty() {
            let namespace = text(self.object, &["metadata", "namespace"]);
            self.found.push(DependentReference::named("v1", kind, namespace, name));
        }
        Ok(())
    }
}
