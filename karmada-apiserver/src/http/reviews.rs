//! Resources that are questions: nothing of them is stored.

use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::admit::Request;
use super::call::Call;
use super::delete::whole_second;
use super::dispatch::{self, Incoming};
use super::failure::{Cause, Failure};
use super::negotiate::{self, Form, Offer};
use super::respond::{value_response, warn};
use crate::admission::Operation;
use crate::auth::{Access, ISSUER, UserInfo};
use crate::registry::Resource;

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// Says whether a resource is a question.
pub(super) fn is_review(resource: &Resource) -> bool {
    resource.group == AUTHENTICATION || resource.group == AUTHORIZATION || is_binding(resource)
}

fn is_binding(resource: &Resource) -> bool {
    resource.group.is_empty() && resource.plural == "bindings"
}

/// Answers a question.
pub(super) async fn create(mut call: Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let scoped = !call.resource.namespaced || !call.namespace.is_empty();
    if incoming.method != Method::POST || !call.name.is_empty() || !scoped {
        return Err(Failure::method_not_allowed());
    }
    if is_binding(&call.resource) {
        let pods = call.registry.resource("", "v1", "pods").ok_or_else(Failure::no_such_resource)?;
        call.storage = call.registry.storage_key(&pods).into();
        call.resource = pods;
        return super::pod::bind(&mut call, incoming).await;
    }
    let negotiated = negotiate::negotiate(&incoming.headers, &incoming.query, Offer::Objects)?;
    if negotiated.form != Form::Object {
        let mut failure = Failure::not_acceptable("");
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
            .clone_into(&mut failure.message);
        failure.details = None;
        return Err(failure);
    }
    call.options = super::options::WriteOptions::parse(&incoming.query, &incoming.headers, "CreateOptions")?;
    let review = dispatch::read_object(&mut call, incoming)?;
    let review = admitted(&mut call, review).await?;
    let spec = review.get("spec").cloned().unwrap_or_else(|| json!({}));
    let (metadata, spec, status) = match call.resource.kind.as_str() {
        "SelfSubjectReview" => {
            let status = json!({"userInfo": call.user});
            return Ok(value_response(
                StatusCode::CREATED,
                negotiated.encoding,
                &json!({"kind": call.resource.kind, "apiVersion": call.resource.api_version(),
                    "metadata": {"creationTimestamp": whole_second(call.now)}, "status": status}),
            ));
        }
        "TokenReview" => (owned(&call, &review), spec.clone(), review_token(&call, &spec)?),
        "SelfSubjectAccessReview" => {
            let user = call.user.clone();
            (owned(&call, &review), spec.clone(), review_access(&call, &user, &spec)?)
        }
        "SubjectAccessReview" | "LocalSubjectAccessReview" => {
            let user = subject(&spec)?;
            (owned(&call, &review), spec.clone(), review_access(&call, &user, &spec)?)
        }
        "SelfSubjectRulesReview" => (json!({}), json!({}), review_rules(&call, &spec)?),
        _ => return Err(Failure::no_such_resource()),
    };
    let answer = json!({"kind": call.resource.kind, "apiVersion": call.resource.api_version(),
        "metadata": metadata, "spec": spec, "status": status});
    Ok(warn(value_response(StatusCode::CREATED, negotiated.encoding, &answer), &call.warnings))
}

/// Lets the webhooks see a question before it is answered.
async fn admitted(call: &mut Call<'_>, mut review: Value) -> Result<Value, Failure> {
    let (group, version, kind) =
        (call.resource.group.clone(), call.resource.version.clone(), call.resource.kind.clone());
    review["metadata"] = owned(call, &review);
    review["status"] = match kind.as_str() {
        "TokenReview" => json!({"user": {}}),
        "SelfSubjectReview" => json!({"userInfo": {}}),
        "SelfSubjectRulesReview" => {
            json!({"resourceRules": null, "nonResourceRules": null, "incomplete": false})
        }
        _ => json!({"allowed": false}),
    };
    let options = call.options.shown("CreateOptions");
    let request = Request { kind: (&group, &version, &kind), options };
    call.admit_request(Operation::Create, request, &mut review).await?;
    Ok(review)
}

/// Returns the metadata of an answer: where it was asked, and who owns the question.
fn owned(call: &Call<'_>, review: &Value) -> Value {
    let mut object = review.clone();
    object["metadata"] = json!({});
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    call.own_fields(&mut object, None);
    if !call.namespace.is_empty() {
        object["metadata"]["namespace"] = call.namespace.clone().into();
    }
    object["metadata"].take()
}

fn review_token(call: &Call<'_>, spec: &Value) -> Result<Value, Failure> {
    let token = spec.get("token").and_then(Value::as_str).unwrap_or_default();
    if token.is_empty() {
        return Err(Failure::bad_request("token is required for TokenReview in authentication"));
    }
    let mut audiences: Vec<String> = spec
        .get("audiences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|audience| Some(audience.as_str()?.to_owned()))
        .collect();
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    Ok(match call.server.token_user(token, &audiences) {
        Ok((user, accepted)) => {
            let matching: Vec<&String> =
                audiences.iter().filter(|audience| accepted.contains(audience)).collect();
            json!({"authenticated": true, "user": user, "audiences": matching})
        }
        Err(why) => json!({"user": {}, "error": why}),
    })
}

fn subject(spec: &Value) -> Result<UserInfo, Failure> {
    let name = spec.get("user").and_then(Value::as_str).unwrap_or_default();
    let groups: Vec<String> = spec
        .get("groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|group| Some(group.as_str()?.to_owned()))
        .collect();
    if name.is_empty() && groups.is_empty() {
        let message = "Invalid value: \"\": at least one of user or group must be specified";
        let cause = Cause::new("FieldValueInvalid", "spec.user", message);
        return Err(invalid(&[cause]));
    }
    Ok(UserInfo { name: name.to_owned(), groups, ..UserInfo::default() })
}

/// The real server's reviews name no kind in their errors.
fn invalid(causes: &[Cause]) -> Failure {
    let mut failure = Failure::invalid(AUTHORIZATION, "", "", causes);
    if let Some(Value::Object(details)) = &mut failure.details {
        details.remove("kind");
    }
    failure
}

fn review_access(call: &Call<'_>, user: &UserInfo, spec: &Value) -> Result<Value, Failure> {
    let part = |key: &str| spec.get(key).filter(|value| value.is_object());
    let access = match (part("resourceAttributes"), part("nonResourceAttributes")) {
        (Some(_), Some(path)) => {
            let text = |key: &str| path.get(key).and_then(Value::as_str).unwrap_or_default();
            let message = format!(
                "Invalid value: {{\"Path\":{:?},\"Verb\":{:?}}}: cannot be specified in combination with resourceAttributes",
                text("path"),
                text("verb")
            );
            return Err(invalid(&[Cause::new("FieldValueInvalid", "spec.nonResourceAttributes", message)]));
        }
        (None, None) => {
            let message = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
            return Err(invalid(&[Cause::new("FieldValueInvalid", "spec.resourceAttributes", message)]));
        }
        (Some(attributes), None) => {
            let text = |key: &str| attributes.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            Access {
                verb: text("verb"),
                group: text("group"),
                resource: text("resource"),
                subresource: text("subresource"),
                namespace: text("namespace"),
                name: text("name"),
                path: String::new(),
            }
        }
        (None, Some(attributes)) => {
            let text = |key: &str| attributes.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            Access { verb: text("verb"), path: text("path"), ..Access::default() }
        }
    };
    let decision = call.server.rules.decide(user, &access);
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.into();
    }
    Ok(status)
}

fn review_rules(call: &Call<'_>, spec: &Value) -> Result<Value, Failure> {
    let namespace = spec.get("namespace").and_then(Value::as_str).unwrap_or_default();
    if namespace.is_empty() {
        return Err(Failure::bad_request("no namespace on request"));
    }
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    for rule in call.server.rules.rules(&call.user, namespace) {
        let mut shown = Map::new();
        shown.insert("verbs".to_owned(), rule.verbs.clone().into());
        if !rule.resources.is_empty() {
            shown.insert("apiGroups".to_owned(), rule.api_groups.clone().into());
            shown.insert("resources".to_owned(), rule.resources.clone().into());
            if !rule.resource_names.is_empty() {
                shown.insert("resourceNames".to_owned(), rule.resource_names.clone().into());
            }
            resources.push(Value::Object(shown));
        } else if !rule.non_resource_urls.is_empty() {
            shown.insert("nonResourceURLs".to_owned(), rule.non_resource_urls.clone().into());
            paths.push(Value::Object(shown));
        }
    }
    Ok(json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false}))
}
