//! The objects that members receive.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Record, World, identity::stable_id, record::Destination};
use crate::{
    api::{cluster::Cluster, work::Work},
    object::cluster_of_execution_namespace,
    propagation::Binding,
    work::{
        BindingInput, MemberConflict, MemberWrite, NamespaceInput, PruneError, WorkError, WorksDecision,
        WorksInput, WorksOptions, build_works, namespace_works, plan_member_write, stamp,
    },
};

/// Makes the objects that members receive.
#[derive(Debug)]
pub struct ManifestBuilder<'w> {
    world: &'w World,
    clusters: BTreeMap<String, &'w Cluster>,
}

/// The objects that come of one resource.
#[derive(Debug, Default)]
pub struct Manifests {
    /// One per cluster, in the order of the record's targets.
    pub manifests: Vec<Manifest>,
    /// Clusters that get none, and why.
    pub failures: Vec<ManifestFailure>,
}

/// The object that a member receives.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The cluster.
    pub cluster: String,
    /// The object, as it is created in a member that has none.
    pub object: Value,
    /// True when dispatching is suspended: the member does not receive it until that ends.
    pub suspended: bool,
}

/// A cluster that gets no object.
#[derive(Debug)]
pub struct ManifestFailure {
    /// The cluster.
    pub cluster: String,
    /// Why.
    pub error: ManifestError,
}

/// An object for a member cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The Work cannot be built.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The manifest cannot be brought into its final form.
    #[error("failed to finish the manifest")]
    Finish(#[from] PruneError),
    /// It cannot be written to a member.
    #[error(transparent)]
    Member(#[from] MemberConflict),
}

impl<'w> ManifestBuilder<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let clusters = world.clusters.iter().map(|(name, cluster)| (name.clone(), cluster));
        Self { world, clusters: clusters.collect() }
    }

    /// Makes the objects that come of a record of the same world.
    pub fn build(&self, record: &Record) -> Manifests {
        let template = record.claimed.as_ref().unwrap_or(&self.world.templates[record.template].value);
        let (cluster_override_policies, override_policies) =
            self.world.overrides.candidates(template).policies();
        let decision = match &record.destination {
            Destination::Nowhere => return Manifests::default(),
            Destination::Clusters(_) => {
                let clusters: Vec<&Cluster> = self.clusters.values().copied().collect();
                namespace_works(&NamespaceInput {
                    namespace: template,
                    clusters: &clusters,
                    cluster_override_policies: &cluster_override_policies,
                    existing: &[],
                })
            }
            Destination::Binding(binding) => build_works(&WorksInput {
                binding: match &**binding {
                    Binding::Namespaced(binding) => BindingInput::from(binding),
                    Binding::Cluster(binding) => BindingInput::from(binding),
                },
                template: Some(template),
                clusters: &self.clusters,
                cluster_override_policies: &cluster_override_policies,
                override_policies: &override_policies,
                existing: &[],
                interpreter: &self.world.options.interpreter,
                options: WorksOptions::default(),
            }),
        };
        self.finish(decision)
    }

    fn finish(&self, decision: WorksDecision) -> Manifests {
        let mut manifests = Manifests::default();
        for failure in decision.failures {
            let (cluster, error) = (failure.cluster, failure.error.into());
            manifests.failures.push(ManifestFailure { cluster, error });
        }
        for write in decision.writes {
            let work = write.work();
            let namespace = work.metadata.namespace.as_deref().unwrap_or_default();
            let Ok(cluster) = cluster_of_execution_namespace(namespace) else { continue };
            for manifest in &work.spec.workload.manifests {
                match self.received(work, manifest, cluster) {
                    Ok(object) => manifests.manifests.push(Manifest {
                        cluster: cluster.to_owned(),
                        object,
                        suspended: work.spec.suspend_dispatching == Some(true),
                    }),
                    Err(error) => {
                        manifests.failures.push(ManifestFailure { cluster: cluster.to_owned(), error });
                    }
                }
            }
        }
        manifests
    }

    /// Returns what a member without the object receives for a manifest of a Work.
    fn received(&self, work: &Work, manifest: &Value, cluster: &str) -> Result<Value, ManifestError> {
        let namespace = work.metadata.namespace.as_deref().unwrap_or_default();
        let name = work.metadata.name.as_deref().unwrap_or_default();
        // What admission adds to the Work.
        let mut stored = json!({"metadata": {}, "spec": {"workload": {"manifests": [manifest]}}});
        stamp(&mut stored, &stable_id(&["work", namespace, name]))?;
        let manifest = &stored["spec"]["workload"]["manifests"][0];
        match plan_member_write(manifest, None, cluster, &self.world.options.interpreter)? {
            MemberWrite::Create(object) | MemberWrite::Update(object) => Ok(object),
            MemberWrite::Unchanged => Ok(manifest.clone()),
        }
    }
}
