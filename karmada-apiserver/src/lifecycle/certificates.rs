//! Certificate signing requests are approved where a rule says so, signed, and forgotten after their time.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::controller::Controller;
use crate::auth::signing_request::{SignerName, SigningRequest, is_kubelet_client};
use crate::auth::{Access, UserInfo};
use crate::http::call::Call;
use crate::http::{DeleteOptions, Failure, whole_second};
use crate::registry::UpdateTarget;
use crate::server::Inner;
use crate::store::{Event, EventKind, object_key};

const GROUP: &str = "certificates.k8s.io";
const PLURAL: &str = "certificatesigningrequests";
const STORAGE: &str = "certificates.k8s.io/certificatesigningrequests";
const MANAGER: &str = "kube-controller-manager";
const APPROVED: &str = "Approved";
const DENIED: &str = "Denied";
const FAILED: &str = "Failed";
/// How long decided requests stay, and how long undecided ones.
const DECIDED_STAY: SignedDuration = SignedDuration::from_hours(1);
const PENDING_STAY: SignedDuration = SignedDuration::from_hours(24);

/// Approves, signs and removes requests.
pub(super) struct Certificates;

impl Controller for Certificates {
    type Key = String;
    const NAME: &'static str = "certificates";

    fn all(&mut self, server: &Inner) -> Vec<String> {
        server.store.list(STORAGE, "").objects.iter().map(|request| request.name().to_owned()).collect()
    }

    fn keys(&mut self, _: &Inner, resource: &str, event: &Event) -> Vec<String> {
        let relevant = resource == STORAGE && event.kind != EventKind::Deleted;
        if relevant { vec![event.object.name().to_owned()] } else { Vec::new() }
    }

    async fn reconcile(&mut self, server: &Arc<Inner>, name: &String) -> Result<Option<Duration>, Failure> {
        let Some(stored) = server.store.get(STORAGE, &object_key("", name)) else { return Ok(None) };
        if stored.is_deleting() {
            return Ok(None);
        }
        let request = stored.value();
        let now = server.clock.now();
        let left = time_left(&request, now);
        if left <= SignedDuration::ZERO {
            let mut call = call(server, name)?;
            let options = DeleteOptions { uid: Some(stored.uid().to_owned()), ..DeleteOptions::background() };
            return match call.delete(&options).await {
                Err(failure) if failure.code != http::StatusCode::NOT_FOUND => Err(failure),
                _ => Ok(None),
            };
        }
        if !is_settled(&request) {
            if condition(&request, APPROVED).is_some() {
                sign(server, name, &request, now).await?;
            } else if let Some(message) = approval(server, &request) {
                approve(server, name, message, now).await?;
            }
        }
        Ok(Duration::try_from(left).ok())
    }
}

fn call<'a>(server: &'a Arc<Inner>, name: &str) -> Result<Call<'a>, Failure> {
    let resource = server
        .registry()
        .resource(GROUP, "v1", PLURAL)
        .ok_or_else(|| Failure::internal("certificate signing requests are not served"))?;
    Ok(Call::internal(server, resource, "", name, MANAGER))
}

fn condition<'a>(request: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = request.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind)
}

fn certificate(request: &Value) -> Option<&str> {
    request.pointer("/status/certificate").and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Says whether nobody has to do anything about a request anymore.
fn is_settled(request: &Value) -> bool {
    certificate(request).is_some()
        || condition(request, DENIED).is_some()
        || condition(request, FAILED).is_some()
}

/// Returns how long a request stays.
fn time_left(request: &Value, now: Timestamp) -> SignedDuration {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let created = time(&request["metadata"]["creationTimestamp"]).unwrap_or(now);
    let mut end = created.saturating_add(PENDING_STAY).unwrap_or(Timestamp::MAX);
    for (kind, counts) in [(APPROVED, certificate(request).is_some()), (DENIED, true), (FAILED, true)] {
        let Some(changed) =
            condition(request, kind).filter(|_| counts).and_then(|c| time(&c["lastUpdateTime"]))
        else {
            continue;
        };
        end = end.min(changed.saturating_add(DECIDED_STAY).unwrap_or(Timestamp::MAX));
    }
    // What was issued may be of no use anymore.
    if let Some(expired) = certificate(request).and_then(end_of_certificate) {
        end = end.min(expired);
    }
    end.duration_since(now)
}

fn end_of_certificate(encoded: &str) -> Option<Timestamp> {
    let pem = STANDARD.decode(encoded).ok()?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&pem.contents).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn usages(request: &Value) -> Vec<&str> {
    let usages = request.pointer("/spec/usages").and_then(Value::as_array);
    usages.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn signer(request: &Value) -> Option<SignerName> {
    SignerName::parse(request.pointer("/spec/signerName")?.as_str()?)
}

fn read(request: &Value) -> Result<SigningRequest, String> {
    SigningRequest::read(request.pointer("/spec/request").and_then(Value::as_str).unwrap_or_default())
}

/// Returns the message of the approval that a kubelet's request gets when its maker may have it.
fn approval(server: &Inner, request: &Value) -> Option<&'static str> {
    if signer(request)? != SignerName::KubeletClient {
        return None;
    }
    let read = read(request).ok()?;
    if !is_kubelet_client(&read, &usages(request)) {
        return None;
    }
    let spec = &request["spec"];
    let user: UserInfo =
        serde_json::from_value(json!({"username": spec["username"].as_str().unwrap_or_default(),
        "groups": spec["groups"].as_array().cloned().unwrap_or_default()}))
        .ok()?;
    let may = |subresource: &str| {
        let access = Access {
            verb: "create".to_owned(),
            group: GROUP.to_owned(),
            resource: PLURAL.to_owned(),
            subresource: subresource.to_owned(),
            ..Access::default()
        };
        server.rules.decide(&user, &access).allowed
    };
    if read.common_name() == user.name && may("selfnodeclient") {
        return Some("Auto approving self kubelet client certificate after SubjectAccessReview.");
    }
    may("nodeclient").then_some("Auto approving kubelet client certificate after SubjectAccessReview.")
}

async fn approve(server: &Arc<Inner>, name: &str, message: &str, now: Timestamp) -> Result<(), Failure> {
    let mut call = call(server, name)?;
    "approval".clone_into(&mut call.subresource);
    let added = condition_of(APPROVED, "AutoApproved", message, now);
    write(&mut call, move |new| push_condition(new, &added)).await
}

/// Signs an approved request, or notes why it cannot be.
async fn sign(server: &Arc<Inner>, name: &str, request: &Value, now: Timestamp) -> Result<(), Failure> {
    let Some(signer) = signer(request) else { return Ok(()) };
    let usages = usages(request);
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64);
    let outcome = read(request).and_then(|read| match signer.refusal(&read, &usages) {
        Some(refusal) => Err(refusal),
        None => Ok(read),
    });
    let mut call = call(server, name)?;
    "status".clone_into(&mut call.subresource);
    match outcome {
        Ok(read) => {
            let pem = read
                .issue(&server.authority, &usages, seconds.map(SignedDuration::from_secs), now)
                .map_err(|_| Failure::internal("no certificate could be signed"))?;
            let encoded = STANDARD.encode(pem);
            write(&mut call, move |new| {
                if certificate(new).is_none() {
                    new["status"]["certificate"] = encoded.clone().into();
                }
            })
            .await
        }
        Err(why) => {
            let added = condition_of(FAILED, "SignerValidationFailure", &why, now);
            write(&mut call, move |new| push_condition(new, &added)).await
        }
    }
}

async fn write(call: &mut Call<'_>, change: impl Fn(&mut Value) + Send + Sync) -> Result<(), Failure> {
    call.update(UpdateTarget::Status, |_, old| {
        let mut new = old.clone();
        if !new["status"].is_object() {
            new["status"] = json!({});
        }
        change(&mut new);
        Ok(new)
    })
    .await
    .map(drop)
}

fn condition_of(kind: &str, reason: &str, message: &str, now: Timestamp) -> Value {
    let now = whole_second(now);
    json!({"type": kind, "status": "True", "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": now})
}

fn push_condition(object: &mut Value, added: &Value) {
    // Someone else may have been faster.
    if condition(object, added["type"].as_str().unwrap_or_default()).is_some() {
        return;
    }
    let status = &mut object["status"];
    match status.get_mut("conditions").and_then(Value::as_array_mut) {
        Some(conditions) => conditions.push(added.clone()),
        None => status["conditions"] = json!([added]),
    }
}
