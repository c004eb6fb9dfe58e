//! The lease that says that an agent lives.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, OwnerReference};
use karmada_core::api::cluster::Cluster;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Resource, ResourceExt};

use super::NAMESPACE;
use crate::hub::{Hub, ObjectKey, chain, is_not_found};
use crate::members::Member;

/// Longest time that a renewal may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest pause after a renewal that failed.
const RETRY: Duration = Duration::from_secs(2);

/// How an agent says that it lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeaseSettings {
    /// How long a renewal is good (`--cluster-lease-duration`).
    pub duration: Duration,
    /// Which part of that passes between two renewals (`--cluster-lease-renew-interval-fraction`).
    pub renew_fraction: f64,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self { duration: Duration::from_secs(40), renew_fraction: 0.25 }
    }
}

/// Renews the lease from the moment on at which the cluster is ready for the first time.
pub(super) fn start(hub: &Arc<Hub>, member: &Arc<Member>, settings: LeaseSettings) {
    let (hub, member) = (hub.clone(), member.clone());
    let runtime = member.runtime.clone();
    runtime.spawn_cancellable(async move {
        let mut ready = member.ready.subscribe();
        // The sender lives as long as the member.
        if ready.wait_for(|ready| *ready).await.is_err() {
            return;
        }
        let interval = settings.duration.mul_f64(settings.renew_fraction);
        loop {
            let renewal = renew(&hub, &member.name, settings.duration);
            let pause = match tokio::time::timeout(CALL_TIMEOUT, renewal).await {
                Ok(Ok(())) => interval,
                Ok(Err(error)) => {
                    tracing::warn!(
                        cluster = member.name,
                        error = chain(&error),
                        "lease not renewed, will retry"
                    );
                    interval.min(RETRY)
                }
                Err(_) => {
                    tracing::warn!(cluster = member.name, "lease not renewed in time, will retry");
                    interval.min(RETRY)
                }
            };
            tokio::time::sleep(pause).await;
        }
    });
}

/// Renews the lease of a cluster, unless the Cluster is gone.
async fn renew(hub: &Hub, cluster: &str, duration: Duration) -> Result<(), kube::Error> {
    let Some(owner) = hub.clusters.find(&ObjectKey::new("", cluster)) else { return Ok(()) };
    let leases: Api<Lease> = hub.namespaced(NAMESPACE);
    let spec = |before: LeaseSpec| LeaseSpec {
        holder_identity: Some(cluster.to_owned()),
        lease_duration_seconds: Some(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)),
        renew_time: Some(MicroTime(Timestamp::now())),
        ..before
    };
    match leases.get(cluster).await {
        Ok(mut lease) => {
            lease.metadata.owner_references = Some(vec![owner_of(&owner)]);
            lease.spec = Some(spec(lease.spec.unwrap_or_default()));
            leases.replace(cluster, &PostParams::default(), &lease).await.map(drop)
        }
        Err(error) if is_not_found(&error) => {
            let metadata = ObjectMeta {
                name: Some(cluster.to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                owner_references: Some(vec![owner_of(&owner)]),
                ..ObjectMeta::default()
            };
            let lease = Lease { metadata, spec: Some(spec(LeaseSpec::default())) };
            leases.create(&PostParams::default(), &lease).await.map(drop)
        }
        Err(error) => Err(error),
    }
}

fn owner_of(cluster: &Cluster) -> OwnerReference {
    OwnerReference {
        api_version: Cluster::api_version(&()).into_owned(),
        kind: Cluster::kind(&()).into_owned(),
        name: cluster.name_any(),
        uid: cluster.uid().unwrap_or_default(),
        ..OwnerReference::default()
    }
}
