//! Approves the certificates of agents.
//!
//! Watches CertificateSigningRequests. A request that asks for an agent's certificate and nothing more is approved if its
//! maker may have one; whoever signs then signs it. All others are left to somebody else.

use std::sync::Arc;

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition, CertificateSigningRequestStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use karmada_core::membership::{RequestedCertificate, is_agent_request};
use kube::ResourceExt;
use kube::api::PostParams;

use crate::credentials::read_request;
use crate::hub::{Action, Change, Hub, Informer, ObjectKey, ReconcileError, WorkQueue, chain, is_not_found};

const WORKERS: usize = 2;
const GROUP: &str = "certificates.k8s.io";
const RESOURCE: &str = "certificatesigningrequests";
const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";

#[derive(Debug)]
struct Context {
    hub: Arc<Hub>,
    requests: Arc<Informer<CertificateSigningRequest>>,
}

/// Starts the controller, where the control plane serves such requests.
pub(crate) fn start(hub: &Arc<Hub>) {
    let Some(requests) = hub.start_cache::<CertificateSigningRequest>() else { return };
    let queue: Arc<WorkQueue<String>> = Arc::default();
    {
        let queue = queue.clone();
        requests.on_change(move |change| {
            if !matches!(change, Change::Deleted(_)) && is_open(change.object()) {
                queue.add(change.object().name_any());
            }
        });
    }
    let context = Arc::new(Context { hub: hub.clone(), requests });
    hub.runtime.run_queue("agent-csr", &queue, WORKERS, move |name| {
        let context = context.clone();
        async move { reconcile(&context, &name).await }
    });
}

/// Whether nobody decided about a request yet.
fn is_open(request: &CertificateSigningRequest) -> bool {
    let Some(status) = &request.status else { return true };
    let is_verdict = |condition: &CertificateSigningRequestCondition| {
        [APPROVED, DENIED, FAILED].contains(&condition.type_.as_str())
    };
    status.certificate.is_none() && !status.conditions.iter().flatten().any(is_verdict)
}

async fn reconcile(context: &Context, name: &str) -> Result<Action, ReconcileError> {
    let Some(request) = context.requests.find(&ObjectKey::new("", name)) else { return Ok(Action::Done) };
    if request.metadata.deletion_timestamp.is_some() || !is_open(&request) {
        return Ok(Action::Done);
    }
    let Some(asked) = requested(&request) else { return Ok(Action::Done) };
    if !is_agent_request(&asked) {
        return Ok(Action::Done);
    }
    let is_renewal = request.spec.username.as_deref() == Some(&asked.common_name);
    if is_renewal && may(context, &request, "selfclusteragent").await? {
        return approve(
            context,
            &request,
            "Auto approving self agent client certificate after SubjectAccessReview.",
        )
        .await;
    }
    if may(context, &request, "clusteragent").await? {
        return approve(
            context,
            &request,
            "Auto approving agent client certificate after SubjectAccessReview.",
        )
        .await;
    }
    tracing::warn!(
        request = name,
        user = request.spec.username,
        "the certificate of an agent is not approved: its maker may not have one"
    );
    Ok(Action::Done)
}

/// Reads what a request asks for; nothing when it cannot be read, which is for the signer to tell.
fn requested(request: &CertificateSigningRequest) -> Option<RequestedCertificate> {
    let content = match read_request(&request.spec.request.0) {
        Ok(content) => content,
        Err(error) => {
            tracing::debug!(request = request.name_any(), error = chain(&error), "request not readable");
            return None;
        }
    };
    Some(RequestedCertificate {
        signer: request.spec.signer_name.clone(),
        common_name: content.subject.common_name,
        organizations: content.subject.organizations,
        has_alternative_names: content.has_alternative_names,
        usages: request.spec.usages.clone().unwrap_or_default(),
    })
}

/// Asks whether the maker of a request may have such a certificate.
async fn may(
    context: &Context,
    request: &CertificateSigningRequest,
    subresource: &str,
) -> Result<bool, ReconcileError> {
    let spec = &request.spec;
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: spec.username.clone(),
            groups: spec.groups.clone(),
            uid: spec.uid.clone(),
            extra: spec.extra.clone(),
            resource_attributes: Some(ResourceAttributes {
                group: Some(GROUP.to_owned()),
                resource: Some(RESOURCE.to_owned()),
                subresource: Some(subresource.to_owned()),
                verb: Some("create".to_owned()),
                version: Some("*".to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let answer = context.hub.all::<SubjectAccessReview>().create(&PostParams::default(), &review).await;
    let answer = answer.map_err(ReconcileError::api("review what the maker of a request may do"))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

async fn approve(
    context: &Context,
    request: &CertificateSigningRequest,
    message: &str,
) -> Result<Action, ReconcileError> {
    let name = request.name_any();
    let now = Time(jiff::Timestamp::now());
    let mut approved = request.clone();
    let status = approved.status.get_or_insert_with(CertificateSigningRequestStatus::default);
    status.conditions.get_or_insert_default().push(CertificateSigningRequestCondition {
        type_: APPROVED.to_owned(),
        status: "True".to_owned(),
        reason: Some("AutoApproved".to_owned()),
        message: Some(message.to_owned()),
        last_update_time: Some(now.clone()),
        last_transition_time: Some(now),
    });
    let written = context
        .hub
        .all::<CertificateSigningRequest>()
        .replace_subresource("approval", &name, &PostParams::default(), &approved)
        .await;
    match written {
        Ok(_) => Ok(Action::Done),
        Err(error) if is_not_found(&error) => Ok(Action::Done),
        Err(error) => Err(ReconcileError::api(format!("approve the request {name}"))(error)),
    }
}
