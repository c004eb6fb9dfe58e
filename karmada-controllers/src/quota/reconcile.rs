//! Reconciles one FederatedResourceQuota.

use std::sync::Arc;

use futures::future::join_all;
use karmada_core::api::policy::FederatedResourceQuota;
use karmada_core::api::policy::constants::{COLLECT_OVERALL_STATUS_FAILED, COLLECT_OVERALL_STATUS_SUCCEED};
use karmada_core::api::work::Work;
use karmada_core::api::work::constants::{
    AGGREGATE_STATUS_FAILED, AGGREGATE_STATUS_SUCCEED, SYNC_WORK_FAILED, SYNC_WORK_SUCCEED,
};
use karmada_core::object::execution_namespace;
use karmada_core::work::{OrphanWork, QuotaUse, quota_status, quota_work_name, quota_works};
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};

use super::{Context, Enforcement, quota_of};
use crate::binding::write_work;
use crate::hub::{
    Action, EventRecorder, Hub, ObjectKey, ObjectReference, ReconcileError, chain, is_not_found,
};

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    // Without the first list every quota would seem to be gone.
    context.quotas.wait_synced().await;
    let works = works_of(context, key);
    let found = context.quotas.find(key).filter(|quota| quota.metadata.deletion_timestamp.is_none());
    let Some(quota) = found else {
        let orphans: Vec<OrphanWork> = works.iter().map(|work| OrphanWork::of(work)).collect();
        return delete_all(&context.hub, &orphans).await.map(|()| Action::Done);
    };
    let about = ObjectReference::of(&*quota);
    let synced = sync(context, &quota, &works).await;
    let message = format!("Sync works for FederatedResourceQuota({key}) succeed.");
    tell(&context.sync_events, &about, [SYNC_WORK_SUCCEED, SYNC_WORK_FAILED], message, &synced);
    synced?;

    let written = write_status(context, key, &quota).await;
    let message = format!("Collect status of FederatedResourceQuota({key}) succeed.");
    let reasons = [AGGREGATE_STATUS_SUCCEED, AGGREGATE_STATUS_FAILED];
    tell(&context.status_events, &about, reasons, message.clone(), &written);
    if context.enforcement == Enforcement::On {
        let reasons = [COLLECT_OVERALL_STATUS_SUCCEED, COLLECT_OVERALL_STATUS_FAILED];
        tell(&context.enforcement_events, &about, reasons, message, &written);
    }
    written.map(|()| Action::Done)
}

/// Tells how something went; what was right and stays so is told once.
fn tell(
    events: &EventRecorder,
    about: &ObjectReference,
    [good, bad]: [&'static str; 2],
    message: String,
    result: &Result<(), ReconcileError>,
) {
    match result {
        Ok(()) => events.normal(about, good, message),
        Err(error) if error.is_conflict() => {}
        Err(error) => events.warning(about, bad, chain(error)),
    }
}

fn works_of(context: &Context, key: &ObjectKey) -> Vec<Arc<Work>> {
    let name = quota_work_name(&key.namespace, &key.name);
    let clusters = context.hub.clusters.list();
    let namespaces = clusters.iter().map(|cluster| execution_namespace(&cluster.name_any()));
    namespaces
        .filter_map(|namespace| context.hub.works.find(&ObjectKey::new(namespace, &name)))
        .filter(|work| quota_of(work).as_ref() == Some(key))
        .collect()
}

async fn sync(
    context: &Context,
    quota: &FederatedResourceQuota,
    works: &[Arc<Work>],
) -> Result<(), ReconcileError> {
    let hub = &context.hub;
    let clusters = hub.clusters.list();
    let live = clusters.iter().filter(|cluster| cluster.metadata.deletion_timestamp.is_none());
    let names: Vec<&str> = live.map(|cluster| cluster.name()).collect();
    let works: Vec<&Work> = works.iter().map(|work| &**work).collect();
    let decision = quota_works(quota, &names, &works)
        .map_err(ReconcileError::decision(format!("build the Works of quota {}", quota.name_any())))?;
    let written = join_all(decision.writes.iter().map(|write| write_work(hub, write))).await;
    if let Some(error) = written.into_iter().find_map(Result::err) {
        return Err(error);
    }
    delete_all(hub, &decision.orphans).await
}

async fn delete_all(hub: &Hub, works: &[OrphanWork]) -> Result<(), ReconcileError> {
    for work in works {
        let api = hub.namespaced::<Work>(&work.namespace);
        match api.delete(&work.name, &DeleteParams::default()).await {
            Ok(_) => {}
            Err(error) if is_not_found(&error) => {}
            Err(error) => {
                return Err(ReconcileError::api(format!("delete Work {}/{}", work.namespace, work.name))(
                    error,
                ));
            }
        }
    }
    Ok(())
}

async fn write_status(
    context: &Context,
    key: &ObjectKey,
    quota: &FederatedResourceQuota,
) -> Result<(), ReconcileError> {
    let hub = &context.hub;
    let works = works_of(context, key);
    let works: Vec<&Work> = works.iter().map(|work| &**work).collect();
    let bindings = match context.enforcement {
        Enforcement::On => hub.bindings.list_namespace(&key.namespace),
        Enforcement::Off => Vec::new(),
    };
    let requested: Vec<_> = bindings
        .iter()
        .filter(|binding| binding.metadata.deletion_timestamp.is_none())
        .map(|binding| &binding.spec)
        .collect();
    let used = match context.enforcement {
        Enforcement::On => QuotaUse::Requested(&requested),
        Enforcement::Off => QuotaUse::Reported,
    };
    let status = quota_status(quota, &works, used);
    if quota.status.as_ref() == Some(&status) {
        return Ok(());
    }
    // A merge would keep amounts that are no more.
    let mut wanted = quota.clone();
    wanted.status = Some(status);
    let api = hub.namespaced::<FederatedResourceQuota>(&key.namespace);
    match api.replace_status(&key.name, &PostParams::default(), &wanted).await {
        Ok(written) => {
            context.quotas.observe(written);
            Ok(())
        }
        Err(error) if is_not_found(&error) => Ok(()),
        Err(error) => Err(ReconcileError::api(format!("update the status of quota {key}"))(error)),
    }
}
