//! Decides about the dependencies of one binding.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Value, json};

use super::attached::{Attachment, Referrer, VersionRule, attach, detach};
use super::text::references_text;
use super::{
    AttachedEvent, AttachedWrite, DependenciesDecision, DependenciesError, DependencyLookup,
    DependencyObject, WantedDependencies,
};
use crate::causes::text_with_causes;
use crate::{
    api::{
        policy::constants::GET_DEPENDENCIES_SUCCEED,
        work::{
            ResourceBinding,
            constants::{
                DEPENDENCIES_ANNOTATION, DEPENDENCIES_DISTRIBUTOR_FINALIZER,
                SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_FAILED, SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_SUCCEED,
            },
        },
    },
    interpreter::DependentReference,
    object::{Selector, binding_name},
    propagation::{Event, TemplateKey},
};

/// What decides about the dependencies of a binding.
#[derive(Clone, Copy)]
pub struct DependenciesInput<'a> {
    /// The independent binding.
    pub binding: &'a ResourceBinding,
    /// What it wants to take along.
    pub wanted: &'a WantedDependencies,
    /// The bindings labelled with the independent binding's permanent id.
    pub attached: &'a [Arc<ResourceBinding>],
    /// Objects whose content changed since their bindings were last written.
    pub changed: &'a BTreeSet<TemplateKey>,
    /// Whether the binding's spec is new; otherwise only what is written is told.
    pub is_news: bool,
    /// Objects and bindings.
    pub lookup: &'a dyn DependencyLookup,
}

/// Decides about the dependencies of a binding.
///
/// Objects that are not there are left out; they are attached when they appear. Doing it again
/// without a change writes nothing.
pub fn reconcile_dependencies(input: &DependenciesInput<'_>) -> DependenciesDecision {
    let referrer = Referrer { binding: input.binding, lookup: input.lookup };
    match input.wanted {
        WantedDependencies::Unknown => DependenciesDecision::default(),
        WantedDependencies::Released => release(input, referrer),
        WantedDependencies::References(references) => distribute(input, referrer, references),
    }
}

fn release(input: &DependenciesInput<'_>, referrer: Referrer<'_>) -> DependenciesDecision {
    let mut decision = DependenciesDecision::default();
    for attached in input.attached {
        detach_into(&mut decision, referrer, attached);
    }
    let finalizers = input.binding.metadata.finalizers.as_deref().unwrap_or_default();
    if finalizers.iter().any(|finalizer| finalizer == DEPENDENCIES_DISTRIBUTOR_FINALIZER) {
        let kept: Vec<&String> =
            finalizers.iter().filter(|finalizer| *finalizer != DEPENDENCIES_DISTRIBUTOR_FINALIZER).collect();
        decision.release = Some(metadata_patch(input.binding, json!({"finalizers": kept})));
    }
    decision
}

fn distribute(
    input: &DependenciesInput<'_>,
    referrer: Referrer<'_>,
    references: &[DependentReference],
) -> DependenciesDecision {
    let mut decision = DependenciesDecision::default();
    if referrer.id().is_empty() {
        // Without it, nothing that is attached could be found again.
        let name = referrer.name().to_owned();
        decision.error = Some(DependenciesError::NoPermanentId { name });
        return decision;
    }
    decision.claim = claim(input.binding, references);

    let mut selectors = Vec::new();
    for reference in references {
        match Wanted::try_from(reference) {
            Ok(wanted) => selectors.push(wanted),
            Err(error) => decision.error = Some(error),
        }
    }
    // What cannot be read says nothing about who is no longer needed.
    if decision.error.is_none() {
        for attached in input.attached {
            if !selectors.iter().any(|wanted| wanted.keeps(attached, input.lookup)) {
                detach_into(&mut decision, referrer, attached);
            }
        }
    }

    let found = selectors.iter().flat_map(|wanted| wanted.objects(input.lookup));
    let found: BTreeMap<TemplateKey, DependencyObject> =
        found.map(|dependency| (dependency.key.clone(), dependency)).collect();
    let mut conflicts = Vec::new();
    for (key, dependency) in &found {
        if *key == TemplateKey::from(&input.binding.spec.resource) {
            continue;
        }
        let rule = if input.changed.contains(key) { VersionRule::Record } else { VersionRule::Keep };
        let (attachment, conflict) = match attach(referrer, dependency, rule) {
            Ok(attached) => attached,
            Err(error) => {
                decision.error = Some(error);
                continue;
            }
        };
        let is_written = matches!(attachment, Attachment::Create(_) | Attachment::Update(_));
        match attachment {
            Attachment::Create(binding) => decision.writes.push(AttachedWrite::Create(Box::new(binding))),
            Attachment::Update(binding) => decision.writes.push(AttachedWrite::Update(Box::new(binding))),
            Attachment::Current | Attachment::Waiting => {}
        }
        if let Some(event) = conflict.filter(|_| is_written || input.is_news) {
            conflicts.push(AttachedEvent { name: binding_name(&key.kind, &key.name), event });
        }
    }
    decision.attached_events.extend(conflicts);
    decision.objects = found.into_keys().collect();

    tell(input, references, &mut decision);
    decision
}

fn tell(
    input: &DependenciesInput<'_>,
    references: &[DependentReference],
    decision: &mut DependenciesDecision,
) {
    let is_told = input.is_news || decision.has_writes();
    if is_told {
        let message = format!("Get dependencies({}) succeed.", references_text(references));
        decision.template_events.push(Event::normal(GET_DEPENDENCIES_SUCCEED, message));
    }
    if let Some(error) = &decision.error {
        let message = text_with_causes(error);
        decision.binding_events.push(Event::warning(SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_FAILED, message));
    } else if is_told {
        let message = "Sync schedule results to dependencies succeed.".to_owned();
        decision.binding_events.push(Event::normal(SYNC_SCHEDULE_RESULT_TO_DEPENDENCIES_SUCCEED, message));
    }
}

fn detach_into(decision: &mut DependenciesDecision, referrer: Referrer<'_>, attached: &ResourceBinding) {
    let (updated, conflict) = detach(referrer, attached);
    let Some(updated) = updated else { return };
    if let Some(event) = conflict {
        let name = attached.metadata.name.clone().unwrap_or_default();
        decision.attached_events.push(AttachedEvent { name, event });
    }
    decision.writes.push(AttachedWrite::Update(Box::new(updated)));
}

/// Returns the patch that records what a binding takes along, none when it is recorded.
fn claim(binding: &ResourceBinding, references: &[DependentReference]) -> Option<Value> {
    let mut changes = serde_json::Map::new();
    let finalizers = binding.metadata.finalizers.as_deref().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == DEPENDENCIES_DISTRIBUTOR_FINALIZER) {
        let all: Vec<&str> =
            finalizers.iter().map(String::as_str).chain([DEPENDENCIES_DISTRIBUTOR_FINALIZER]).collect();
        changes.insert("finalizers".to_owned(), json!(all));
    }
    let annotations = binding.metadata.annotations.as_ref();
    let recorded = annotations.and_then(|annotations| annotations.get(DEPENDENCIES_ANNOTATION));
    if recorded.is_none_or(|recorded| !is_same_set(recorded, references)) {
        changes.insert("annotations".to_owned(), json!({DEPENDENCIES_ANNOTATION: record(references)}));
    }
    (!changes.is_empty()).then(|| metadata_patch(binding, Value::Object(changes)))
}

/// Returns references as they are recorded; no references are `null`, as Go writes them.
fn record(references: &[DependentReference]) -> String {
    if references.is_empty() {
        return "null".to_owned();
    }
    let texts: Vec<String> = references.iter().map(reference_record).collect();
    format!("[{}]", texts.join(","))
}

fn reference_record(reference: &DependentReference) -> String {
    serde_json::to_string(reference).expect("texts and lists of texts are always JSON")
}

/// Whether a record holds these references in any order, as another writer may have left it.
fn is_same_set(recorded: &str, references: &[DependentReference]) -> bool {
    if references.is_empty() {
        return recorded == "null";
    }
    let Ok(recorded) = serde_json::from_str::<Vec<DependentReference>>(recorded) else { return false };
    let records = |references: &[DependentReference]| -> BTreeSet<String> {
        references.iter().map(reference_record).collect()
    };
    recorded.len() == references.len() && records(&recorded) == records(references)
}

fn metadata_patch(binding: &ResourceBinding, mut changes: Value) -> Value {
    // The list of finalizers is replaced as a whole: it must be the one that was read.
    changes["resourceVersion"] = json!(binding.metadata.resource_version);
    json!({"metadata": changes})
}

/// A reference that is ready to be followed.
struct Wanted<'a> {
    reference: &'a DependentReference,
    selector: Option<Selector>,
}

impl<'a> TryFrom<&'a DependentReference> for Wanted<'a> {
    type Error = DependenciesError;

    fn try_from(reference: &'a DependentReference) -> Result<Self, DependenciesError> {
        let selector = match &reference.label_selector {
            Some(selector) if reference.name.is_empty() => Some(
                Selector::from_label_selector(selector)
                    .map_err(|source| DependenciesError::Selector { kind: reference.kind.clone(), source })?,
            ),
            _ => None,
        };
        Ok(Self { reference, selector })
    }
}

impl Wanted<'_> {
    fn objects(&self, lookup: &dyn DependencyLookup) -> Vec<DependencyObject> {
        let DependentReference { api_version, kind, namespace, name, .. } = self.reference;
        if let Some(selector) = &self.selector {
            let mut objects = lookup.objects(api_version, kind, namespace);
            objects.retain(|object| selector.matches(&object.labels));
            return objects;
        }
        let key = TemplateKey {
            api_version: api_version.clone(),
            kind: kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
        };
        lookup.object(&key).into_iter().collect()
    }

    /// Whether an attached binding is that of an object that is wanted.
    fn keeps(&self, attached: &ResourceBinding, lookup: &dyn DependencyLookup) -> bool {
        let DependentReference { api_version, kind, namespace, name, .. } = self.reference;
        let resource = &attached.spec.resource;
        if (&resource.api_version, &resource.kind, &resource.namespace) != (api_version, kind, namespace) {
            return false;
        }
        match &self.selector {
            // The binding of an object that is gone goes with it.
            Some(selector) => lookup
                .object(&TemplateKey::from(resource))
                .is_none_or(|object| selector.matches(&object.labels)),
            None => resource.name == *name,
        }
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
