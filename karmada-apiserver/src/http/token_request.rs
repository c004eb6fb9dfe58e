//! Tokens for service accounts.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::admit::Request;
use super::body;
use super::call::{Call, object_name};
use super::delete::whole_second;
use super::dispatch::{self, Incoming};
use super::failure::{Cause, Failure};
use super::negotiate::{self, Offer};
use super::respond::{value_response, warn};
use crate::admission::Operation;
use crate::auth::{Bound, Claims, ISSUER, KubernetesClaims};
use crate::patch::{self, managed_fields};
use crate::registry::Registry;
use crate::store::object_key;

const GROUP: &str = "authentication.k8s.io";
const KIND: &str = "TokenRequest";
const API_VERSION: &str = "authentication.k8s.io/v1";
const DEFINITION: &str = "io.k8s.api.authentication.v1.TokenRequest";
const DEFAULT_SECONDS: i64 = 3600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Issues a token for the service account of the call.
pub(super) async fn create(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let negotiated = negotiate::negotiate(&incoming.headers, &incoming.query, Offer::Objects)?;
    let format = body::object_format(&incoming.headers, KIND, &incoming.body)?;
    let request = body::parse_object(&incoming.body, format, (API_VERSION, KIND))?;
    let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    let own =
        (kind.is_empty() || kind == KIND) && (api_version.is_empty() || api_version == format!("{GROUP}/v1"));
    if !own {
        dispatch::check_foreign_kind(call, KIND, GROUP, (kind, api_version), &request)?;
    }
    let account = call.existing()?;
    let invalid = |name: &str, field: &str, message: String| {
        Failure::invalid(GROUP, KIND, name, &[Cause::new("FieldValueInvalid", field, message)])
    };
    let named = object_name(&request);
    if !named.is_empty() && named != call.name {
        let message = format!("Invalid value: {named:?}: must match the service account name if specified");
        return Err(invalid(&call.name, "metadata.name", message));
    }
    let seconds =
        request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(DEFAULT_SECONDS);
    if seconds < SHORTEST {
        let message = format!("Invalid value: {seconds}: may not specify a duration less than 10 minutes");
        return Err(invalid("", "spec.expirationSeconds", message));
    }
    if seconds > LONGEST {
        let message =
            format!("Invalid value: {seconds}: may not specify a duration larger than 2^32 seconds");
        return Err(invalid("", "spec.expirationSeconds", message));
    }
    let mut audiences = texts(&request, "/spec/audiences");
    if audiences.is_empty() {
        audiences.push(ISSUER.to_owned());
    }
    let reference = request.pointer("/spec/boundObjectRef").cloned().unwrap_or(Value::Null);
    let mut kubernetes = KubernetesClaims {
        namespace: call.namespace.clone(),
        serviceaccount: Bound { name: call.name.clone(), uid: account.uid().to_owned() },
        ..KubernetesClaims::default()
    };
    bind(call, &reference, &mut kubernetes)?;
    let metadata = json!({"name": call.name, "namespace": call.namespace, "uid": account.uid(),
        "creationTimestamp": whole_second(call.now)});
    let mut spec = json!({"expirationSeconds": seconds});
    for key in ["audiences", "boundObjectRef"] {
        if let Some(value) = request.pointer(&format!("/spec/{key}")).filter(|value| !value.is_null()) {
            spec[key] = value.clone();
        }
    }
    let mut asked = json!({"kind": KIND, "apiVersion": API_VERSION, "metadata": metadata, "spec": spec});
    let schema = Registry::definition(DEFINITION);
    let target = patch::Target {
        schema: &schema,
        api_version: API_VERSION,
        kind: KIND,
        origin: patch::Origin::BuiltIn,
        status_subresource: false,
        subresource: "token",
    };
    let options = super::options::WriteOptions::parse(&incoming.query, &incoming.headers, "CreateOptions")?;
    managed_fields::update(
        &mut asked,
        &managed_fields::Update { old: None, manager: &options.field_manager, target, now: call.now },
    );
    asked["spec"] =
        json!({"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference});
    asked["status"] = json!({"token": "", "expirationTimestamp": null});
    let review = Request { kind: (GROUP, "v1", KIND), options: options.shown("CreateOptions") };
    call.admit_request(Operation::Create, review, &mut asked).await?;
    let seconds = asked.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(seconds);
    let audiences = texts(&asked, "/spec/audiences");
    let issued = call.now.as_second();
    let token_id = uuid::Uuid::new_v4().to_string();
    crate::audit::annotate("authentication.kubernetes.io/issued-credential-id", format!("JTI={token_id}"));
    let claims = Claims {
        aud: audiences.clone(),
        exp: Some(issued.saturating_add(seconds)),
        iat: Some(issued),
        nbf: Some(issued),
        iss: ISSUER.to_owned(),
        jti: token_id,
        sub: format!("system:serviceaccount:{}:{}", call.namespace, call.name),
        kubernetes: Some(kubernetes),
        ..Claims::default()
    };
    let token = call
        .server
        .authority
        .signer()
        .sign(&claims)
        .map_err(|_| Failure::internal("no token could be signed"))?;
    let end = jiff::Timestamp::from_second(issued.saturating_add(seconds)).unwrap_or(jiff::Timestamp::MAX);
    let answer = json!({"kind": KIND, "apiVersion": API_VERSION, "metadata": asked["metadata"],
        "spec": asked["spec"],
        "status": {"token": token, "expirationTimestamp": whole_second(end)}});
    Ok(warn(value_response(StatusCode::CREATED, negotiated.encoding, &answer), &call.warnings))
}

/// Returns the texts of a list.
fn texts(object: &Value, pointer: &str) -> Vec<String> {
    let items = object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}

/// Binds a token to the life of another object.
fn bind(call: &Call<'_>, reference: &Value, claims: &mut KubernetesClaims) -> Result<(), Failure> {
    if reference.is_null() {
        return Ok(());
    }
    let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version, name, uid) = (text("kind"), text("apiVersion"), text("name"), text("uid"));
    let (plural, namespace) = match (api_version, kind) {
        ("v1", "Pod") => ("pods", call.namespace.as_str()),
        ("v1", "Secret") => ("secrets", call.namespace.as_str()),
        ("v1", "Node") => ("nodes", ""),
        _ => {
            return Err(Failure::bad_request(format!(
                "cannot bind token to object of type {api_version}, Kind={kind}"
            )));
        }
    };
    let Some(stored) = call.server.store.get(&format!("/{plural}"), &object_key(namespace, name)) else {
        return Err(Failure::not_found("", plural, name));
    };
    if !uid.is_empty() && uid != stored.uid() {
        let why = format!(
            "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict("", plural, name, &why));
    }
    let bound = Some(Bound { name: name.to_owned(), uid: stored.uid().to_owned() });
    match plural {
        "pods" => claims.pod = bound,
        "secrets" => claims.secret = bound,
        _ => claims.node = bound,
    }
    Ok(())
}
