//! The control plane's API server as controllers see it: one client, one cache per kind.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use karmada_core::api::FeatureGates;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::config::{ResourceInterpreterCustomization, ResourceInterpreterWebhookConfiguration};
use karmada_core::api::policy::constants::{
    CLUSTER_PROPAGATION_POLICY_ID_LABEL, PROPAGATION_POLICY_ID_LABEL,
};
use karmada_core::api::policy::{
    ClusterOverridePolicy, ClusterPropagationPolicy, OverridePolicy, PropagationPolicy,
};
use karmada_core::api::reserved::EXECUTION_NAMESPACE_PREFIX;
use karmada_core::api::work::constants::{
    CLUSTER_RESOURCE_BINDING_ID_LABEL, DEPENDED_BY_LABEL_PREFIX, RESOURCE_BINDING_ID_LABEL,
};
use karmada_core::api::work::{ClusterResourceBinding, ResourceBinding, Work};
use kube::api::Api;
use kube::runtime::watcher;
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::control_plane::StartError;

use super::{EventRecorder, Informer, RestMapping, Runtime, Templates};

/// The control plane's API server as controllers see it: one client, one cache per kind.
pub struct Hub {
    pub client: Client,
    pub gates: FeatureGates,
    pub runtime: Runtime,
    pub events: EventRecorder,
    pub mapping: RestMapping,
    /// Caches of the kinds that users propagate.
    pub templates: Templates,
    pub clusters: Arc<Informer<Cluster>>,
    pub propagation_policies: Arc<Informer<PropagationPolicy>>,
    pub cluster_propagation_policies: Arc<Informer<ClusterPropagationPolicy>>,
    pub override_policies: Arc<Informer<OverridePolicy>>,
    pub cluster_override_policies: Arc<Informer<ClusterOverridePolicy>>,
    pub bindings: Arc<Informer<ResourceBinding>>,
    pub cluster_bindings: Arc<Informer<ClusterResourceBinding>>,
    pub works: Arc<Informer<Work>>,
    pub interpreter_customizations: Arc<Informer<ResourceInterpreterCustomization>>,
    pub interpreter_webhooks: Arc<Informer<ResourceInterpreterWebhookConfiguration>>,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("templates", &self.templates).finish_non_exhaustive()
    }
}

impl Hub {
    /// Starts the caches of Karmada's kinds and waits for their first lists.
    ///
    /// # Errors
    /// When discovery of the control plane fails, or it does not serve Karmada's kinds.
    pub async fn start(
        client: Client,
        runtime: Runtime,
        gates: FeatureGates,
    ) -> Result<Arc<Self>, StartError> {
        let mapping = discover(&client).await?;
        // A watch of a kind that is not served would be tried for ever.
        require::<Cluster>(&mapping)?;
        require::<PropagationPolicy>(&mapping)?;
        require::<ClusterPropagationPolicy>(&mapping)?;
        require::<OverridePolicy>(&mapping)?;
        require::<ClusterOverridePolicy>(&mapping)?;
        require::<ResourceBinding>(&mapping)?;
        require::<ClusterResourceBinding>(&mapping)?;
        require::<Work>(&mapping)?;
        require::<ResourceInterpreterCustomization>(&mapping)?;
        require::<ResourceInterpreterWebhookConfiguration>(&mapping)?;
        let hub = Arc::new(Self {
            events: EventRecorder::start(client.clone(), &runtime),
            templates: Templates::new(client.clone(), runtime.clone(), policy_ids, |_| true),
            clusters: start_informer(&client, &runtime, |_| Vec::new()),
            propagation_policies: start_informer(&client, &runtime, policy_ids),
            cluster_propagation_policies: start_informer(&client, &runtime, policy_ids),
            override_policies: start_informer(&client, &runtime, |_| Vec::new()),
            cluster_override_policies: start_informer(&client, &runtime, |_| Vec::new()),
            bindings: start_informer(&client, &runtime, policy_and_referrer_ids),
            cluster_bindings: start_informer(&client, &runtime, policy_ids),
            works: feed(new_works(), Api::all(client.clone()), watcher::Config::default(), &runtime),
            interpreter_customizations: start_informer(&client, &runtime, |_| Vec::new()),
            interpreter_webhooks: start_informer(&client, &runtime, |_| Vec::new()),
            mapping,
            gates,
            client,
            runtime,
        });
        hub.wait_synced().await;
        Ok(hub)
    }

    /// Starts the caches of what concerns one Pull cluster: its Cluster, its Works, the interpreters. The others stay empty.
    ///
    /// # Errors
    /// When discovery of the control plane fails, it does not serve Karmada's kinds, or the lists are not there in time.
    pub(crate) async fn start_for_agent(
        client: Client,
        runtime: Runtime,
        gates: FeatureGates,
        cluster: &str,
        timeout: Duration,
    ) -> Result<Arc<Self>, StartError> {
        let mapping = discover(&client).await?;
        require::<Cluster>(&mapping)?;
        require::<Work>(&mapping)?;
        require::<ResourceInterpreterCustomization>(&mapping)?;
        require::<ResourceInterpreterWebhookConfiguration>(&mapping)?;
        let execution_namespace = format!("{EXECUTION_NAMESPACE_PREFIX}{cluster}");
        let own = watcher::Config::default().fields(&format!("metadata.name={cluster}"));
        let hub = Arc::new(Self {
            events: EventRecorder::start(client.clone(), &runtime).for_component("karmada-agent"),
            templates: Templates::new(client.clone(), runtime.clone(), policy_ids, |_| true),
            clusters: feed(new_informer(|_| Vec::new()), Api::all(client.clone()), own, &runtime),
            propagation_policies: idle_informer(),
            cluster_propagation_policies: idle_informer(),
            override_policies: idle_informer(),
            cluster_override_policies: idle_informer(),
            bindings: idle_informer(),
            cluster_bindings: idle_informer(),
            works: feed(
                new_works(),
                Api::namespaced(client.clone(), &execution_namespace),
                watcher::Config::default(),
                &runtime,
            ),
            interpreter_customizations: start_informer(&client, &runtime, |_| Vec::new()),
            interpreter_webhooks: start_informer(&client, &runtime, |_| Vec::new()),
            mapping,
            gates,
            client,
            runtime,
        });
        let synced = async {
            hub.clusters.wait_synced().await;
            hub.works.wait_synced().await;
            hub.interpreter_customizations.wait_synced().await;
            hub.interpreter_webhooks.wait_synced().await;
        };
        if tokio::time::timeout(timeout, synced).await.is_err() {
            let errors = [
                hub.clusters.last_error(),
                hub.works.last_error(),
                hub.interpreter_customizations.last_error(),
                hub.interpreter_webhooks.last_error(),
            ];
            return Err(StartError::NotSynced { last_error: errors.into_iter().flatten().next() });
        }
        Ok(hub)
    }

    /// Returns a client for a kind in one namespace.
    pub fn namespaced<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns a client for a cluster-scoped kind.
    pub fn all<K: Resource<DynamicType = ()>>(&self) -> Api<K> {
        Api::all(self.client.clone())
    }

    /// Starts a cache of a kind that few controllers need; none where the control plane does not serve the kind.
    pub(crate) fn start_cache<K>(&self) -> Option<Arc<Informer<K>>>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        require::<K>(&self.mapping).ok()?;
        Some(start_informer(&self.client, &self.runtime, |_| Vec::new()))
    }

    async fn wait_synced(&self) {
        self.clusters.wait_synced().await;
        self.propagation_policies.wait_synced().await;
        self.cluster_propagation_policies.wait_synced().await;
        self.override_policies.wait_synced().await;
        self.cluster_override_policies.wait_synced().await;
        self.bindings.wait_synced().await;
        self.cluster_bindings.wait_synced().await;
        self.works.wait_synced().await;
        self.interpreter_customizations.wait_synced().await;
        self.interpreter_webhooks.wait_synced().await;
    }
}

fn require<K: Resource<DynamicType = ()>>(mapping: &RestMapping) -> Result<(), StartError> {
    match mapping.find_known(&K::api_version(&()), &K::kind(&())) {
        Some(_) => Ok(()),
        None => Err(StartError::MissingKind(K::kind(&()).into_owned())),
    }
}

async fn discover(client: &Client) -> Result<RestMapping, StartError> {
    let mapping = RestMapping::new(client.clone());
    mapping.refresh().await.map_err(|error| StartError::Discovery(Box::new(error)))?;
    Ok(mapping)
}

fn start_informer<K>(client: &Client, runtime: &Runtime, index: fn(&K) -> Vec<String>) -> Arc<Informer<K>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    feed(new_informer(index), Api::all(client.clone()), watcher::Config::default(), runtime)
}

fn new_informer<K>(index: fn(&K) -> Vec<String>) -> Informer<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    Informer::new(K::plural(&()), |object: &mut K| object.meta_mut().managed_fields = None).with_index(index)
}

fn feed<K>(informer: Informer<K>, api: Api<K>, config: watcher::Config, runtime: &Runtime) -> Arc<Informer<K>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    let informer = Arc::new(informer);
    runtime.spawn(informer.clone().run(api, config, runtime.cancellation()));
    informer
}

/// Makes the cache of Works, most of which carry whole objects.
fn new_works() -> Informer<Work> {
    new_informer(binding_ids).packed()
}

/// A cache that stays empty.
fn idle_informer<K>() -> Arc<Informer<K>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug + Send + Sync + 'static,
{
    Arc::new(Informer::new(K::plural(&()), |_| {}))
}

/// Permanent ids of the policies that claimed an object (of a policy: its own).
fn policy_ids<K: Resource>(object: &K) -> Vec<String> {
    label_values(object, &[PROPAGATION_POLICY_ID_LABEL, CLUSTER_PROPAGATION_POLICY_ID_LABEL])
}

/// Permanent ids of the policy that made a binding and of the bindings that refer to it.
fn policy_and_referrer_ids(binding: &ResourceBinding) -> Vec<String> {
    let labels = binding.labels().iter();
    let referrers = labels.filter(|(key, _)| key.starts_with(DEPENDED_BY_LABEL_PREFIX));
    let mut ids = policy_ids(binding);
    ids.extend(referrers.map(|(_, id)| id.clone()).filter(|id| !id.is_empty()));
    ids
}

/// Permanent id of the binding that a Work was built from.
fn binding_ids(work: &Work) -> Vec<String> {
    label_values(work, &[RESOURCE_BINDING_ID_LABEL, CLUSTER_RESOURCE_BINDING_ID_LABEL])
}

fn label_values<K: Resource>(object: &K, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .filter_map(|key| object.labels().get(*key).cloned())
        .filter(|value| !value.is_empty())
        .collect()
}
