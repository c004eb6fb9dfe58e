//! Reconciles one Work with its member.

use std::sync::Arc;
use std::time::Duration;

use karmada_core::api::work::constants::{CONDITION_APPLIED, SYNC_FAILED, SYNC_SUCCEED, WORK_DISPATCHING};
use karmada_core::api::work::{ResourceHealth, Work, WorkStatus};
use karmada_core::interpreter::InterpretError;
use karmada_core::object;
use karmada_core::propagation::TemplateKey;
use karmada_core::scheduling::EventKind;
use karmada_core::work::{
    MemberWrite, PruneError, Reflection, WriteAttempt, applied_condition, dispatching_condition, may_delete,
    plan_member_write, reflect_status, set_condition, sync_event,
};
use kube::Resource;
use kube::api::{Api, PostParams};
use kube::core::ApiResource;
use serde_json::Value;
use tokio::time::Instant;

use super::{Context, delete, status};
use crate::hub::{Action, ObjectKey, ObjectReference, ReconcileError, Unstructured, api_of, chain};
use crate::members::{CallError, Member};
use crate::metrics::{Creation, Outcome};

/// How long a new object that is not healthy yet has to report before its Work says that it was applied: mostly both
/// are one write then. A member that is slow to answer is slow to report, so the time grows with its answers.
const FIRST_REPORT: Duration = Duration::from_millis(100);
/// Answers of a member that take as long as its first report may.
const ANSWERS_OF_A_REPORT: u32 = 20;
/// The longest time for a first report.
const LATEST_REPORT: Duration = Duration::from_millis(500);
/// How often a write is tried against the newest state of the member's object before it counts as failed.
const WRITE_TRIES: usize = 3;

pub(super) async fn reconcile(context: &Context, key: &ObjectKey) -> Result<Action, ReconcileError> {
    let Some(work) = context.hub.works.find(key) else { return Ok(Action::Done) };
    if work.metadata.deletion_timestamp.is_some() {
        return delete::reconcile(context, &work).await;
    }
    let now = jiff::Timestamp::now();
    let mut status = work.status.clone().unwrap_or_default();
    let dispatching = dispatching_condition(work.spec.suspend_dispatching, now);
    let message = dispatching.message.clone();
    if set_condition(&mut status.conditions, dispatching) {
        context.events.normal(&ObjectReference::of(&*work), WORK_DISPATCHING, message);
    }
    if work.spec.suspend_dispatching == Some(true) {
        reflect_cached(context, &work, &mut status).await;
        return status::write(context, &work, status).await;
    }
    if !context.member.is_ready() {
        // All Works are looked at again when the member becomes ready.
        return status::write(context, &work, status).await;
    }
    if let Some(namespace) = namespace_on_its_way(context, &work) {
        return Err(ReconcileError::Waiting(format!(
            "namespace {namespace} in cluster {}",
            context.member.name
        )));
    }

    let mut failures = Vec::new();
    let mut last_error = None;
    let mut unread = None;
    let (mut is_written, mut report_within) = (false, None);
    for manifest in &work.spec.workload.manifests {
        match sync(context, manifest).await {
            Ok(synced) => {
                if synced.done != Done::Nothing {
                    is_written = true;
                    tell_template(context, manifest, None);
                }
                let reflection = read_status(context, &work, &synced.observed).await;
                match synced.done {
                    Done::Created(took) if is_unhealthy(&reflection) => {
                        report_within = report_within.max(Some(first_report(took)));
                    }
                    _ => unread = reflect(context, &work, reflection, &mut status).or(unread),
                }
            }
            Err(error) => {
                let text = chain(&error);
                tell_template(context, manifest, Some(&text));
                failures.push(text);
                last_error = Some(error);
            }
        }
    }
    let about = ObjectReference::of(&*work);
    let title = format!("Sync work({key}) to cluster({})", context.member.name);
    if !failures.is_empty() {
        context.events.warning(
            &about,
            SYNC_FAILED,
            format!("{title} failed, error: {}", failures.join(", ")),
        );
    } else if is_written {
        context.events.normal(&about, SYNC_SUCCEED, format!("{title} successful."));
    }
    if let (Some(time), true) = (report_within, failures.is_empty()) {
        return Ok(Action::RequeueAfter(time));
    }
    let applied = applied_condition(work.spec.workload.manifests.len(), &failures, jiff::Timestamp::now());
    set_condition(&mut status.conditions, applied);
    status::write(context, &work, status).await?;
    match (last_error, unread) {
        (Some(error), _) => Err(ReconcileError::decision(format!("apply Work {key}"))(error)),
        (None, Some(error)) => {
            Err(ReconcileError::decision(format!("read the status of the objects of Work {key}"))(error))
        }
        (None, None) => Ok(Action::Done),
    }
}

/// Why a manifest is not in the member as it should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    #[error("the cluster does not serve {kind} of {api_version}")]
    UnknownKind { api_version: String, kind: String },
    #[error(transparent)]
    Conflict(#[from] karmada_core::work::MemberConflict),
    #[error("failed to prune")]
    Prune(#[from] PruneError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("another writer in the member keeps changing the object")]
    Contended,
}

struct Synced {
    /// The member's object as it is now.
    observed: Value,
    done: Done,
}

/// What was done to the member's object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Nothing,
    /// And how long the member took for it.
    Created(Duration),
    Updated,
}

/// Brings one manifest into the member.
async fn sync(context: &Context, manifest: &Value) -> Result<Synced, SyncError> {
    let member = &context.member;
    let (resource, namespaced) = resolve(context, manifest).await?;
    let template_key = TemplateKey::of(manifest);
    let key = ObjectKey::new(&template_key.namespace, &template_key.name);
    let api = api_of(&member.client, &resource, namespaced, &key.namespace);
    let cache = member.objects.ensure(&resource, namespaced);

    // The cache holds objects of others without content, which is no base for an update.
    let cached = cache.find(&key).filter(|object| may_delete(object.value()));
    let mut observed = match cached {
        Some(object) => Some(Arc::unwrap_or_clone(object).into_value()),
        None if cache.is_synced() && !cache.contains(&key) => None,
        None => live(context, &api, &key.name).await?,
    };
    for _ in 0..WRITE_TRIES {
        let plan = context
            .interpreter
            .decide(|interpreter| plan_member_write(manifest, observed.as_ref(), &member.name, interpreter))
            .await?;
        let (api_version, kind) = (resource.api_version.as_str(), resource.kind.as_str());
        let metrics = &member.runtime.metrics().resources;
        let attempt = match (&plan, &observed) {
            (MemberWrite::Update(object), Some(observed)) => Some(WriteAttempt::new(object, observed)?),
            _ => None,
        };
        let is_futile = attempt.is_some_and(|attempt| member.is_futile(&template_key, attempt));
        let (written, done) = match plan {
            _ if is_futile => return Ok(untouched(member, template_key, observed.unwrap_or_default())),
            MemberWrite::Unchanged => {
                return Ok(untouched(member, template_key, observed.unwrap_or_default()));
            }
            MemberWrite::Create(object) => {
                let started = Instant::now();
                let written = create(context, &api, object).await;
                let creation = match member.recorded_version(&template_key) {
                    Some(_) => Creation::Again,
                    None => Creation::First,
                };
                metrics.created(api_version, kind, &member.name, Outcome::of(&written), creation);
                (written, Done::Created(started.elapsed()))
            }
            MemberWrite::Update(object) => {
                let written = replace(context, &api, &key.name, object).await;
                metrics.updated(api_version, kind, &member.name, Outcome::of(&written));
                (written, Done::Updated)
            }
        };
        match written {
            Ok(object) => {
                let value = object.value().clone();
                let mut done = done;
                if let Some(attempt) = attempt
                    && attempt.was_futile(&value)?
                {
                    member.record_futile(template_key.clone(), attempt);
                    done = Done::Nothing;
                }
                member.record_version(template_key, object.meta().resource_version.clone());
                cache.observe(object);
                return Ok(Synced { observed: value, done });
            }
            // It exists after all, changed, or went: decide again from what is there now.
            Err(error) if error.is_status(409) || is_gone(&error, observed.is_some()) => {
                observed = live(context, &api, &key.name).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(SyncError::Contended)
}

/// An object that is left as it is: another event of it must not pass for the echo of our write.
fn untouched(member: &Member, key: TemplateKey, observed: Value) -> Synced {
    let version = observed.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
    member.record_version(key, version);
    Synced { observed, done: Done::Nothing }
}

/// Returns how long a new object has to report, in a member that took so long to create it.
fn first_report(took: Duration) -> Duration {
    (took * ANSWERS_OF_A_REPORT).clamp(FIRST_REPORT, LATEST_REPORT)
}

/// Whether an update failed because the object was deleted in the meantime.
fn is_gone(error: &CallError, is_update: bool) -> bool {
    is_update && error.is_status(404)
}

/// Finds how the member serves the kind of a manifest.
pub(super) async fn resolve(context: &Context, manifest: &Value) -> Result<(ApiResource, bool), SyncError> {
    let (api_version, kind) = (object::api_version(manifest), object::kind(manifest));
    let served = context.member.find_kind(api_version, kind).await?;
    let served = served.ok_or_else(|| SyncError::UnknownKind {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
    })?;
    Ok((served.resource, served.namespaced))
}

/// Reads an object from the member itself.
pub(super) async fn live(
    context: &Context,
    api: &Api<Unstructured>,
    name: &str,
) -> Result<Option<Value>, CallError> {
    Ok(context.member.call(api.get_opt(name)).await?.map(Unstructured::into_value))
}

async fn create(
    context: &Context,
    api: &Api<Unstructured>,
    object: Value,
) -> Result<Unstructured, CallError> {
    let object = Unstructured::try_from_value(object).map_err(kube::Error::SerdeError)?;
    context.member.call(api.create(&PostParams::default(), &object)).await
}

pub(super) async fn replace(
    context: &Context,
    api: &Api<Unstructured>,
    name: &str,
    object: Value,
) -> Result<Unstructured, CallError> {
    let object = Unstructured::try_from_value(object).map_err(kube::Error::SerdeError)?;
    context.member.call(api.replace(name, &PostParams::default(), &object)).await
}

/// Reads status and health of the member's object.
async fn read_status(context: &Context, work: &Work, observed: &Value) -> Reflection {
    context.interpreter.decide(|interpreter| reflect_status(work, observed, interpreter)).await
}

fn is_unhealthy(reflection: &Reflection) -> bool {
    let statuses = reflection.manifest_statuses.iter().flatten();
    statuses.into_iter().any(|status| status.health == ResourceHealth::Unhealthy)
}

/// Takes what was read over into the status of the Work.
///
/// Returns why the status could not be read.
fn reflect(
    context: &Context,
    work: &Work,
    reflection: Reflection,
    status: &mut WorkStatus,
) -> Option<InterpretError> {
    // A status that is known already is no event: a restart would tell all of them again.
    let is_news = reflection.manifest_statuses.is_some();
    if let Some(manifest_statuses) = reflection.manifest_statuses {
        status.manifest_statuses = manifest_statuses;
    }
    let about = ObjectReference::of(work);
    for event in &reflection.events {
        match event.kind {
            EventKind::Normal if is_news => context.events.normal(&about, event.reason, &event.message),
            EventKind::Normal => {}
            EventKind::Warning => context.events.warning(&about, event.reason, &event.message),
        }
    }
    reflection.error
}

/// Reflects what the caches know of the objects of a Work that is held back.
async fn reflect_cached(context: &Context, work: &Work, status: &mut WorkStatus) {
    let is_applied = status.conditions.iter().any(|c| c.type_ == CONDITION_APPLIED && c.status == "True");
    if !is_applied {
        return;
    }
    for manifest in &work.spec.workload.manifests {
        let Some(observed) = context.member.objects.find(&TemplateKey::of(manifest)) else { continue };
        if may_delete(observed.value()) {
            // What cannot be read is told by an event, and tried again when the Work is let go.
            let reflection = read_status(context, work, observed.value()).await;
            reflect(context, work, reflection, status);
        }
    }
}

/// Returns the namespace of the Work's objects if it is on its way to the member but not there yet.
///
/// Namespaces travel as Works of their own; trying before theirs is carried out only makes noise.
fn namespace_on_its_way(context: &Context, work: &Work) -> Option<String> {
    let manifest = work.spec.workload.manifests.first()?;
    let namespace = object::namespace(manifest);
    if namespace.is_empty() {
        return None;
    }
    let execution_namespace = work.metadata.namespace.clone()?;
    let key = ObjectKey::new(execution_namespace, object::work_name("Namespace", namespace, ""));
    let namespace_work = context.hub.works.find(&key)?;
    let is_settled = namespace_work
        .status
        .as_ref()
        .is_some_and(|status| status.conditions.iter().any(|condition| condition.type_ == CONDITION_APPLIED));
    (!is_settled).then(|| namespace.to_owned())
}

/// Tells the template in the control plane how its manifest fared.
fn tell_template(context: &Context, manifest: &Value, error: Option<&str>) {
    let event = sync_event(manifest, &context.member.name, error);
    let mut about = ObjectReference::of_value(manifest);
    let uid = object::annotation(manifest, karmada_core::api::reserved::TEMPLATE_UID_ANNOTATION);
    uid.unwrap_or_default().clone_into(&mut about.uid);
    match event.kind {
        EventKind::Normal => context.events.normal(&about, event.reason, event.message),
        EventKind::Warning => context.events.warning(&about, event.reason, event.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_slow_to_answer_has_more_time_to_report_but_not_for_ever() {
        let millis = Duration::from_millis;
        for (took, time) in [(1, 100), (5, 100), (15, 300), (25, 500), (4_000, 500)] {
            assert_eq!(first_report(millis(took)), millis(time), "{took} ms");
        }
    }
}
