//! Carries out the writes that propagation decided on.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding};
use karmada_core::propagation::{Binding, TemplateKey, Write};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::hub::{Hub, ReconcileError, is_not_found};

/// Carries out writes in order, up to the first failure.
///
/// A claim gives the template a new resource version, which the binding that follows records.
pub(super) async fn write_all(hub: &Hub, writes: Vec<Write>) -> Result<(), ReconcileError> {
    let mut template_version = None;
    for write in writes {
        match write {
            Write::PatchTemplate { key, patch } => {
                template_version = patch_template(hub, &key, &patch).await?;
            }
            Write::CreateBinding(binding) => match with_version(*binding, template_version.as_deref()) {
                Binding::Namespaced(binding) => {
                    hub.bindings.observe(create(&namespaced(hub, &binding), &binding).await?);
                }
                Binding::Cluster(binding) => {
                    hub.cluster_bindings.observe(create(&hub.all(), &binding).await?);
                }
            },
            Write::UpdateBinding(binding) => match with_version(*binding, template_version.as_deref()) {
                Binding::Namespaced(binding) => {
                    hub.bindings.observe(replace(&namespaced(hub, &binding), &binding).await?);
                }
                Binding::Cluster(binding) => {
                    hub.cluster_bindings.observe(replace(&hub.all(), &binding).await?);
                }
            },
            Write::PatchBinding { namespace, name, patch } => {
                if namespace.is_empty() {
                    patch_metadata(&hub.all::<ClusterResourceBinding>(), &name, &patch).await?;
                } else {
                    patch_metadata(&hub.namespaced::<ResourceBinding>(&namespace), &name, &patch).await?;
                }
            }
        }
    }
    Ok(())
}

fn with_version(mut binding: Binding, version: Option<&str>) -> Binding {
    if let Some(version) = version {
        version.clone_into(&mut binding.spec_mut().resource.resource_version);
    }
    binding
}

fn namespaced<K>(hub: &Hub, object: &K) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    hub.namespaced(&object.namespace().unwrap_or_default())
}

/// Patches a template, returning its new resource version.
pub(super) async fn patch_template(
    hub: &Hub,
    key: &TemplateKey,
    patch: &Value,
) -> Result<Option<String>, ReconcileError> {
    let Some(api) = hub.templates.api(&key.api_version, &key.kind, &key.namespace) else {
        return Err(ReconcileError::Waiting(format!("kind {} {} to be served", key.api_version, key.kind)));
    };
    match api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(patched) => {
            let version = patched.meta().resource_version.clone();
            // The Works that follow must be built from the claimed template.
            if let Some(cache) = hub.templates.informer(&key.api_version, &key.kind) {
                cache.observe(patched);
            }
            Ok(version)
        }
        // Gone in the meantime: there is nothing left to claim.
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(ReconcileError::api(format!("patch {key}"))(error)),
    }
}

async fn create<K>(api: &Api<K>, object: &K) -> Result<K, ReconcileError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let operation = || format!("create {} {}", K::kind(&()), object.name_any());
    api.create(&PostParams::default(), object).await.map_err(|error| ReconcileError::api(operation())(error))
}

async fn replace<K>(api: &Api<K>, object: &K) -> Result<K, ReconcileError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = object.name_any();
    let operation = || format!("update {} {name}", K::kind(&()));
    api.replace(&name, &PostParams::default(), object)
        .await
        .map_err(|error| ReconcileError::api(operation())(error))
}

async fn patch_metadata<K>(api: &Api<K>, name: &str, patch: &Value) -> Result<(), ReconcileError>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
        Ok(_) => Ok(()),
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(ReconcileError::api(format!("patch {} {name}", K::kind(&())))(error)),
    }
}
