//! The binding of a dependency: made, brought up to date, let go.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;

use super::{DependenciesError, DependencyLookup, DependencyObject};
use crate::{
    api::{
        policy::ConflictResolution,
        work::{
            BindingSnapshot, ObjectReference, ResourceBinding, ResourceBindingSpec,
            constants::{
                BINDING_FINALIZER, DEPENDED_BY_LABEL_PREFIX, DEPENDENCY_POLICY_CONFLICT,
                RESOURCE_BINDING_ID_LABEL,
            },
        },
    },
    object,
    propagation::{Event, TemplateKey},
};

/// A binding that refers to others.
#[derive(Clone, Copy)]
pub(super) struct Referrer<'a> {
    pub(super) binding: &'a ResourceBinding,
    pub(super) lookup: &'a dyn DependencyLookup,
}

impl<'a> Referrer<'a> {
    pub(super) fn namespace(&self) -> &'a str {
        self.binding.metadata.namespace.as_deref().unwrap_or_default()
    }

    pub(super) fn name(&self) -> &'a str {
        self.binding.metadata.name.as_deref().unwrap_or_default()
    }

    /// Returns the permanent id; it is empty only before admission.
    pub(super) fn id(&self) -> &'a str {
        let labels = self.binding.metadata.labels.as_ref();
        labels.and_then(|labels| labels.get(RESOURCE_BINDING_ID_LABEL)).map_or("", String::as_str)
    }

    /// Returns the key of the label on what it refers to.
    fn label(&self) -> String {
        let hash = object::binding_reference_key(self.namespace(), self.name());
        format!("{DEPENDED_BY_LABEL_PREFIX}{hash}")
    }

    fn is_snapshot(&self, snapshot: &BindingSnapshot) -> bool {
        snapshot.namespace == self.namespace() && snapshot.name == self.name()
    }

    fn snapshot(&self) -> BindingSnapshot {
        BindingSnapshot {
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
            clusters: self.binding.spec.clusters.clone(),
        }
    }
}

/// What the binding of a dependency needs.
pub(super) enum Attachment {
    Create(ResourceBinding),
    Update(ResourceBinding),
    /// It is as it should be.
    Current,
    /// It belongs to an older object of that name and is on its way out.
    Waiting,
}

/// How far the recorded version of a dependency is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VersionRule {
    /// The dependency's content changed: the new version says so to whoever builds from it.
    Record,
    /// Nothing but its status may have changed since.
    Keep,
}

/// Decides about the binding of a dependency, with what to tell about it.
pub(super) fn attach(
    referrer: Referrer<'_>,
    dependency: &DependencyObject,
    rule: VersionRule,
) -> Result<(Attachment, Option<Event>), DependenciesError> {
    let name = object::binding_name(&dependency.key.kind, &dependency.key.name);
    let Some(existing) = referrer.lookup.binding(referrer.namespace(), &name) else {
        let mut binding = new_binding(referrer, dependency, name);
        binding.spec.required_by.push(referrer.snapshot());
        let conflict = derive_attributes(referrer, &mut binding.spec);
        return Ok((Attachment::Create(binding), conflict));
    };
    let holder = TemplateKey::from(&existing.spec.resource);
    if existing.spec.resource.uid != dependency.uid {
        return if holder == dependency.key {
            Ok((Attachment::Waiting, None))
        } else {
            Err(DependenciesError::NameTaken {
                name,
                dependency: Box::new(dependency.key.clone()),
                holder: Box::new(holder),
            })
        };
    }
    if existing.metadata.deletion_timestamp.is_some() {
        return Ok((Attachment::Waiting, None));
    }

    let mut updated = (*existing).clone();
    updated.metadata.labels.get_or_insert_default().insert(referrer.label(), referrer.id().to_owned());
    let known = updated.spec.required_by.iter_mut().find(|snapshot| referrer.is_snapshot(snapshot));
    match known {
        Some(snapshot) => *snapshot = referrer.snapshot(),
        None => updated.spec.required_by.push(referrer.snapshot()),
    }
    // A binding with a placement is its policy's.
    let mut conflict = None;
    if updated.spec.placement.is_none() {
        conflict = derive_attributes(referrer, &mut updated.spec);
        let resource = resource_reference(dependency);
        let recorded = ObjectReference {
            resource_version: existing.spec.resource.resource_version.clone(),
            ..resource.clone()
        };
        if rule == VersionRule::Record || recorded != existing.spec.resource || updated != *existing {
            updated.spec.resource = resource;
        }
    }
    let attachment = if updated == *existing { Attachment::Current } else { Attachment::Update(updated) };
    Ok((attachment, conflict))
}

/// Returns a binding without a referrer, none when it has no such referrer.
pub(super) fn detach(
    referrer: Referrer<'_>,
    attached: &ResourceBinding,
) -> (Option<ResourceBinding>, Option<Event>) {
    if attached.metadata.deletion_timestamp.is_some() {
        return (None, None);
    }
    let mut updated = attached.clone();
    if let Some(labels) = updated.metadata.labels.as_mut() {
        labels.remove(&referrer.label());
    }
    updated.spec.required_by.retain(|snapshot| !referrer.is_snapshot(snapshot));
    if updated == *attached {
        return (None, None);
    }
    let mut conflict = None;
    if updated.spec.placement.is_none() {
        conflict = derive_attributes(referrer, &mut updated.spec);
    }
    (Some(updated), conflict)
}

fn new_binding(referrer: Referrer<'_>, dependency: &DependencyObject, name: String) -> ResourceBinding {
    let TemplateKey { api_version, kind, name: owner, .. } = dependency.key.clone();
    let owner = OwnerReference {
        api_version,
        kind,
        name: owner,
        uid: dependency.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    ResourceBinding {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(referrer.namespace().to_owned()),
            labels: Some([(referrer.label(), referrer.id().to_owned())].into()),
            finalizers: Some(vec![BINDING_FINALIZER.to_owned()]),
            owner_references: Some(vec![owner]),
            ..Default::default()
        },
        spec: ResourceBindingSpec { resource: resource_reference(dependency), ..Default::default() },
        status: None,
    }
}

fn resource_reference(dependency: &DependencyObject) -> ObjectReference {
    let TemplateKey { api_version, kind, namespace, name } = dependency.key.clone();
    ObjectReference {
        api_version,
        kind,
        namespace,
        name,
        uid: dependency.uid.clone(),
        resource_version: dependency.resource_version.clone(),
    }
}

/// Sets what the referrers decide together; returns the event that tells when they disagree.
///
/// Overwriting wins over aborting, and keeping resources over deleting them.
fn derive_attributes(referrer: Referrer<'_>, spec: &mut ResourceBindingSpec) -> Option<Event> {
    let (mut overwrites, mut aborts, mut preserves, mut deletes) = (false, false, false, false);
    for snapshot in &spec.required_by {
        let other;
        let binding = if referrer.is_snapshot(snapshot) {
            referrer.binding
        } else {
            other = referrer.lookup.binding(&snapshot.namespace, &snapshot.name);
            let Some(other) = &other else { continue };
            other
        };
        match binding.spec.conflict_resolution {
            ConflictResolution::Overwrite => overwrites = true,
            _ => aborts = true,
        }
        match binding.spec.preserve_resources_on_deletion {
            Some(true) => preserves = true,
            _ => deletes = true,
        }
    }
    spec.conflict_resolution = match (overwrites, aborts) {
        (true, _) => ConflictResolution::Overwrite,
        (false, true) => ConflictResolution::Abort,
        (false, false) => ConflictResolution::Unset,
    };
    spec.preserve_resources_on_deletion = (preserves || deletes).then_some(preserves);

    let mut conflicts = Vec::new();
    if overwrites && aborts {
        conflicts.push("ConflictResolution conflicted (Overwrite vs Abort)");
    }
    if preserves && deletes {
        conflicts.push("PreserveResourcesOnDeletion conflicted (true vs false)");
    }
    (!conflicts.is_empty()).then(|| {
        let message = format!("Dependency policy conflict detected: {}.", conflicts.join("; "));
        Event::warning(DEPENDENCY_POLICY_CONFLICT, message)
    })
}
