//! Starts a cache for every kind that can be propagated, as kinds appear and go.

use std::sync::Arc;
use std::time::Duration;

use karmada_core::api::cluster::constants::STORAGE_GROUP;
use karmada_core::object::GroupVersionKind;
use karmada_core::propagation::SkippedApis;
use tokio::sync::Notify;

use super::DetectorSettings;
use crate::hub::{Hub, chain};

/// How often discovery is read even if no CustomResourceDefinition changed.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(30);

/// Time to let several CustomResourceDefinitions that come together settle.
const SETTLE_TIME: Duration = Duration::from_millis(50);

/// Starts caches for the kinds that are served now and waits for their first lists.
///
/// # Errors
/// When discovery cannot be read.
pub(super) async fn start_kinds(hub: &Hub, skipped: &SkippedApis) -> Result<(), kube::Error> {
    hub.mapping.refresh().await?;
    update_kinds(hub, skipped);
    hub.templates.wait_synced().await;
    Ok(())
}

/// Follows kinds that appear and go.
pub(super) fn follow_kinds(hub: &Arc<Hub>, settings: &Arc<DetectorSettings>) {
    let changed = Arc::new(Notify::new());
    {
        let changed = changed.clone();
        hub.templates.on_change(Arc::new(move |resource, _| {
            if resource.kind == "CustomResourceDefinition" || resource.kind == "APIService" {
                changed.notify_one();
            }
        }));
    }
    let (hub, settings) = (hub.clone(), settings.clone());
    hub.runtime.clone().spawn_cancellable(async move {
        loop {
            tokio::select! {
                () = changed.notified() => tokio::time::sleep(SETTLE_TIME).await,
                () = tokio::time::sleep(DISCOVERY_INTERVAL) => {}
            }
            match hub.mapping.refresh().await {
                Ok(()) => update_kinds(&hub, &settings.skipped_apis),
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "discovery of the control plane failed, will retry"
                    );
                }
            }
        }
    });
}

fn update_kinds(hub: &Hub, skipped: &SkippedApis) {
    let served = hub.mapping.served();
    for kind in &served {
        let resource = &kind.resource;
        if kind.propagable
            && kind.preferred
            && resource.group != STORAGE_GROUP
            && !skipped.skips(&GroupVersionKind {
                group: resource.group.clone(),
                version: resource.version.clone(),
                kind: resource.kind.clone(),
            })
        {
            hub.templates.ensure(resource, kind.namespaced);
        }
    }
    hub.templates.retain(|resource| {
        served.iter().any(|kind| {
            kind.resource.api_version == resource.api_version && kind.resource.kind == resource.kind
        })
    });
}
