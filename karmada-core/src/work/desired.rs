//! A Work as it should be.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::core::ObjectMeta;
use serde_json::Value;

use super::bookkeeping::record_managed;
use super::{JobTtl, PruneError, WorkWrite, prune};
use crate::api::reserved::{LABEL_TRUE, MANAGED_LABEL, TEMPLATE_UID_ANNOTATION};
use crate::api::work::constants::{
    EXECUTION_FINALIZER, WORK_ID_LABEL, WORK_NAME_ANNOTATION, WORK_NAMESPACE_ANNOTATION,
};
use crate::api::work::{Work, WorkSpec, WorkloadTemplate};
use crate::object;

/// What makes a Work.
#[derive(Clone, Debug)]
pub(super) struct DesiredWork {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) owners: Vec<OwnerReference>,
    pub(super) suspend_dispatching: Option<bool>,
    pub(super) preserve_resources_on_deletion: Option<bool>,
    /// The manifest, not pruned yet: its uid is the template's.
    pub(super) manifest: Value,
}

impl DesiredWork {
    /// Returns the write that turns what exists into this Work; `None` when it is so already.
    ///
    /// Labels, annotations and finalizers that others have put on the Work stay.
    pub(super) fn into_write(mut self, existing: Option<&Work>) -> Result<Option<WorkWrite>, PruneError> {
        let manifest = self.finished_manifest(existing.and_then(work_id))?;
        let spec = WorkSpec {
            workload: WorkloadTemplate { manifests: vec![manifest] },
            suspend_dispatching: self.suspend_dispatching,
            preserve_resources_on_deletion: self.preserve_resources_on_deletion,
        };
        let Some(existing) = existing else {
            let metadata = ObjectMeta {
                namespace: Some(self.namespace),
                name: Some(self.name),
                labels: non_empty(self.labels),
                annotations: non_empty(self.annotations),
                finalizers: Some(vec![EXECUTION_FINALIZER.to_owned()]),
                owner_references: (!self.owners.is_empty()).then_some(self.owners),
                ..Default::default()
            };
            return Ok(Some(WorkWrite::Create(Box::new(Work { metadata, spec, status: None }))));
        };
        let mut work = existing.clone();
        work.spec = spec;
        let metadata = &mut work.metadata;
        metadata.labels.get_or_insert_default().extend(self.labels);
        metadata.annotations.get_or_insert_default().extend(self.annotations);
        let finalizers: BTreeSet<String> = metadata
            .finalizers
            .take()
            .into_iter()
            .flatten()
            .chain([EXECUTION_FINALIZER.to_owned()])
            .collect();
        metadata.finalizers = Some(finalizers.into_iter().collect());
        if !self.owners.is_empty() {
            metadata.owner_references = Some(self.owners);
        }
        Ok((!same(&work, existing)).then(|| WorkWrite::Update(Box::new(work))))
    }

    fn finished_manifest(&mut self, work_id: Option<&str>) -> Result<Value, PruneError> {
        let mut manifest = self.manifest.take();
        let uid = object::uid(&manifest).to_owned();
        prune(&mut manifest, JobTtl::Removed)?;
        object::set_label(&mut manifest, MANAGED_LABEL, LABEL_TRUE);
        object::set_annotation(&mut manifest, TEMPLATE_UID_ANNOTATION, &uid);
        object::set_annotation(&mut manifest, WORK_NAME_ANNOTATION, &self.name);
        object::set_annotation(&mut manifest, WORK_NAMESPACE_ANNOTATION, &self.namespace);
        record_managed(&mut manifest, work_id);
        Ok(manifest)
    }
}

/// Returns the permanent id of a Work.
pub(super) fn work_id(work: &Work) -> Option<&str> {
    work.metadata.labels.as_ref()?.get(WORK_ID_LABEL).map(String::as_str)
}

fn non_empty(map: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

/// Compares what is written here; an absent list or map is an empty one.
fn same(a: &Work, b: &Work) -> bool {
    let finalizers = |work: &Work| {
        work.metadata.finalizers.clone().unwrap_or_default().into_iter().collect::<BTreeSet<_>>()
    };
    a.spec == b.spec
        && a.metadata.labels.as_ref().unwrap_or(&BTreeMap::new())
            == b.metadata.labels.as_ref().unwrap_or(&BTreeMap::new())
        && a.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new())
            == b.metadata.annotations.as_ref().unwrap_or(&BTreeMap::new())
        && a.metadata.owner_references.as_deref().unwrap_or_default()
            == b.metadata.owner_references.as_deref().unwrap_or_default()
        && finalizers(a) == finalizers(b)
}
