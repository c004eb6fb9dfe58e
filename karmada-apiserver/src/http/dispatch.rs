//! From a target and a verb to the operation.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::body::{self, Format};
use super::call::Call;
use super::convert::localized;
use super::delete::Deleted;
use super::failure::{Cause, Failure};
use super::list::{self, scope};
use super::negotiate::{self, Offer};
use super::options::{DeleteOptions, ListOptions, WatchOptions, WriteOptions, parse_revision};
use super::patch_body::Patch;
use super::query::Query;
use super::respond::{Saved, View, include_object, value_response, warn};
use super::route::Target;
use super::update::{check_names, check_namespace_matches};
use super::watch::Watch;
use super::{duration, reviews, subresource};
use crate::admission::webhook::Circumstances;
use crate::auth::UserInfo;
use crate::registry::{Body, Resource, UpdateTarget, prepare};
use crate::server::{Admitted, Inner, Labels};

const JOB_WARNING: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// A request whose caller may do what it asks.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) query: Query,
    pub(super) body: Bytes,
    pub(super) user: UserInfo,
    /// `None` for callers that are not limited.
    pub(super) admitted: Option<Admitted>,
    pub(super) labels: Labels,
    pub(super) server: Arc<Inner>,
}

/// Returns the error for a target that nothing serves.
pub(super) fn unknown(server: &Inner, target: &Target) -> Failure {
    // Paths of custom groups are the aggregator's, which knows paths and no resources.
    let known = target.group.is_empty()
        || server
            .registry()
            .resources()
            .any(|resource| resource.group == target.group && !resource.is_custom());
    if known { Failure::no_such_resource() } else { Failure::no_such_path() }
}

/// Answers a request about a resource.
pub(super) async fn dispatch(server: &Arc<Inner>, incoming: Incoming) -> Result<Response, Failure> {
    check_timeout(&incoming.query)?;
    let registry = server.registry();
    let target = &incoming.target;
    let Some(resource) = registry.resource(&target.group, &target.version, &target.resource) else {
        return Err(unknown(server, target));
    };
    // Only namespaced objects have a namespace in their path.
    if (!resource.namespaced && !target.namespace.is_empty())
        || (resource.namespaced && target.namespace.is_empty() && !target.name.is_empty())
    {
        return Err(unknown(server, target));
    }
    if !target.name.is_empty()
        && let Some(why) = unusable_segment(&target.name)
    {
        return Err(Failure::bad_request(format!("Name parameter invalid: {:?}: {why}", target.name)));
    }
    let options = WriteOptions::default();
    let mut call = Call {
        server,
        storage: registry.storage_key(&resource).into(),
        registry,
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        subresource: target.subresource.clone(),
        user: incoming.user.clone(),
        options,
        now: server.clock.now(),
        // A path that nothing serves is not warned of.
        warnings: if target.subresource.is_empty() || resource.subresource(&target.subresource).is_some() {
            resource.deprecation_warning.iter().cloned().collect()
        } else {
            Vec::new()
        },
        body: None,
        circumstances: Circumstances::default(),
        resource,
    };
    if target.subresource.is_empty() && reviews::is_review(&call.resource) {
        return reviews::create(call, &incoming).await;
    }
    let result = if target.subresource.is_empty() {
        answer(&mut call, &incoming).await
    } else {
        subresource::dispatch(&mut call, incoming).await
    };
    // What the client should know is said with a refusal too.
    result.map_err(|failure| Failure { warnings: call.warnings.into(), ..failure })
}

/// Answers a request about objects themselves.
async fn answer(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let target = &incoming.target;
    let verb = target.verb(&incoming.method, &incoming.query);
    let allowed = call.resource.verbs.iter().any(|allowed| allowed == verb);
    // Collections take no PUT or PATCH, objects no POST; HEAD is not served.
    let fits = match verb {
        "create" => target.name.is_empty() && (!call.resource.namespaced || !target.namespace.is_empty()),
        "update" | "patch" => !target.name.is_empty(),
        "deletecollection" => !call.resource.namespaced || !target.namespace.is_empty(),
        _ => true,
    };
    if !allowed || !fits || incoming.method == Method::HEAD {
        return Err(Failure::method_not_allowed());
    }
    match verb {
        "get" => get(call, incoming).await,
        "list" => list(call, incoming).await,
        "watch" => watch(call, incoming).await,
        "create" => create(call, incoming).await,
        "update" => update(call, incoming, UpdateTarget::Main).await,
        "patch" => patch(call, incoming, UpdateTarget::Main).await,
        "delete" => delete(call, incoming).await,
        "deletecollection" => delete_collection(call, incoming).await,
        _ => Err(Failure::method_not_allowed()),
    }
}

/// Checks the time that the client gives the server.
fn check_timeout(query: &Query) -> Result<(), Failure> {
    let text = query.text("timeout");
    if text.is_empty() || duration::is_valid(text) {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "invalid timeout specified in the request URL - time: invalid duration {text:?}"
    )))
}

/// Says why a name cannot be part of a path.
fn unusable_segment(name: &str) -> Option<String> {
    match name {
        "." | ".." => Some(format!("may not be '{name}'")),
        _ => name.chars().find(|c| *c == '/' || *c == '%').map(|c| format!("may not contain '{c}'")),
    }
}

/// Returns how the client wants the objects of a resource.
///
/// # Errors
/// 406 when nothing that it accepts is available. Writes ask before they write.
pub(super) fn object_view<'a>(call: &'a Call<'_>, incoming: &Incoming) -> Result<View<'a>, Failure> {
    view(call, incoming, Offer::objects(&call.resource))
}

fn view<'a>(call: &'a Call<'_>, incoming: &Incoming, offer: Offer) -> Result<View<'a>, Failure> {
    let negotiated = negotiate::negotiate(&incoming.headers, &incoming.query, offer)?;
    let include = match negotiated.form {
        negotiate::Form::Table(_) => include_object(&incoming.query)?,
        _ => crate::registry::IncludeObject::Metadata,
    };
    Ok(View { resource: &call.resource, negotiated, include, now: call.now })
}

pub(super) async fn get(call: &Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let view = object_view(call, incoming)?;
    let revision = parse_revision(incoming.query.text("resourceVersion")).map_err(Failure::unknown)?;
    let current = call.server.store.revision();
    if revision > current {
        return Err(Failure::future_revision(revision, current));
    }
    let stored = call.existing()?;
    let saved = call.shown(Saved::Stored(stored)).await?;
    Ok(warn(view.object(StatusCode::OK, &saved)?, &call.warnings))
}

async fn list(call: &Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let view = object_view(call, incoming)?;
    let options = ListOptions::parse(&incoming.query, &call.resource)?;
    let page = list::list(&call.server.store, &call.storage, &scope(&call.namespace), &options)?;
    let items = localized(call.server, &call.resource, page.items).await?;
    Ok(warn(view.list(&page.meta, items)?, &call.warnings))
}

async fn watch(call: &Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let view = view(call, incoming, Offer::watch(&call.resource))?;
    let mut options = WatchOptions::parse(&incoming.query, &call.resource)?;
    if !call.name.is_empty() {
        options.selection.fields.push(super::selector::FieldRequirement {
            path: "metadata.name".to_owned(),
            value: call.name.clone(),
            equal: true,
        });
    }
    let slot = incoming.admitted.as_ref().map(|admitted| call.server.traffic.watch(admitted)).transpose()?;
    let watch = Watch {
        server: incoming.server.clone(),
        store: call.server.store.clone(),
        resource: call.resource.clone(),
        storage: call.storage.clone(),
        prefix: scope(&call.namespace),
        options,
        negotiated: view.negotiated,
        include: view.include,
        shutdown: call.server.shutdown.clone(),
        default_timeout: call.server.config.limits.min_request_timeout,
        _slot: slot,
        _counted: call.server.metrics.lasting(incoming.labels.clone()),
    };
    Ok(warn(watch.start().await?, &call.warnings))
}

/// Reads the object of a body and checks that it is of the resource's kind.
pub(super) fn read_object(call: &mut Call<'_>, incoming: &Incoming) -> Result<Value, Failure> {
    let format = body::object_format(&incoming.headers, &call.resource.kind, &incoming.body)?;
    // DEVIATION: the real server breaks the connection.
    if format == Format::Protobuf && call.resource.is_custom() {
        return Err(Failure::unsupported_media_type("application/json, application/yaml"));
    }
    let kind = call.resource.kind.clone();
    // Duplicate objects are merged in it, as the real server does.
    let parsed = (format == Format::Json).then(|| Body::parse(&incoming.body).ok()).flatten();
    let mut parsed = parsed.filter(|parsed| parsed.value.is_object());
    let mut object = match &mut parsed {
        Some(parsed) => parsed.value.take(),
        None => body::parse_object(&incoming.body, format, (&call.resource.api_version(), &kind))?,
    };
    if call.resource.is_custom()
        && let Err(failure) = check_custom_kind(call, &object, &incoming.body)
    {
        warn_as_claimed(call, &object);
        return Err(failure);
    }
    call.body = parsed;
    if format == Format::Yaml
        && let Ok(yaml) = body::parse_yaml_object(&incoming.body)
    {
        call.body = Some(Body::with_duplicate_lines(&yaml.duplicates, call.options.field_validation));
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (found_kind, found_version) = (text("kind"), text("apiVersion"));
    if found_version.matches('/').count() > 1 {
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): unexpected GroupVersion string: {found_version} ({})",
            body::shown(&incoming.body)
        )));
    }
    check_kind(call, &found_kind, &found_version, &object)?;
    object["kind"] = kind.into();
    object["apiVersion"] = call.resource.api_version().into();
    if object.get("metadata").is_none_or(Value::is_null) {
        object["metadata"] = Value::Object(Map::new());
    }
    Ok(object)
}

/// Warns of the fields that a custom object does not have in the version that it claims.
///
/// The real server reads a body before it looks at what it is.
fn warn_as_claimed(call: &mut Call<'_>, object: &Value) {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version) = (text("kind"), text("apiVersion"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let claimed = call.registry.resource_for_kind(group, version, kind);
    let Some(claimed) = claimed.filter(|claimed| claimed.crd_name() == call.resource.crd_name()) else {
        return;
    };
    let context = prepare::PrepareContext::new(call.options.field_validation, call.now);
    if let Ok(warnings) = prepare::decode(&claimed, &mut object.clone(), &context) {
        call.warnings.extend(warnings);
    }
}

/// Custom objects say what they are.
fn check_custom_kind(call: &Call<'_>, object: &Value, bytes: &[u8]) -> Result<(), Failure> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (kind, api_version, wanted) = (text("kind"), text("apiVersion"), &call.resource.kind);
    if kind.is_empty() {
        return Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {wanted}): Object 'Kind' is missing in '{}' ({})",
            String::from_utf8_lossy(bytes),
            body::shown(bytes)
        )));
    }
    let own_version = call.resource.api_version();
    if api_version != own_version {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({own_version})"
        )));
    }
    if kind != wanted {
        let message = format!("Invalid value: {kind:?}: must be {wanted}");
        let cause = Cause::new("FieldValueInvalid", "kind", message);
        let name = super::call::object_name(object);
        return Err(Failure::invalid(&call.resource.group, kind, &name, &[cause]));
    }
    Ok(())
}

/// Checks that a body's type is that of the path; what a body leaves out is the path's.
pub(super) fn check_kind(
    call: &Call<'_>,
    kind: &str,
    api_version: &str,
    object: &Value,
) -> Result<(), Failure> {
    let resource = &call.resource;
    let same_kind = kind.is_empty() || kind == resource.kind;
    let own_version = resource.api_version();
    if same_kind && (api_version.is_empty() || api_version == own_version) {
        return Ok(());
    }
    let kind = if kind.is_empty() { &resource.kind } else { kind };
    let api_version = if api_version.is_empty() { own_version.as_str() } else { api_version };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if kind == resource.kind
        && group == resource.group
        && call.registry.resource_for_kind(group, version, kind).is_some()
    {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({own_version})"
        )));
    }
    check_foreign_kind(call, &resource.kind, &resource.group, (kind, api_version), object)
}

/// Refuses a body of a kind that the endpoint does not take, in the words of the real server.
pub(super) fn check_foreign_kind(
    call: &Call<'_>,
    wanted: &str,
    wanted_group: &str,
    (kind, api_version): (&str, &str),
    object: &Value,
) -> Result<(), Failure> {
    let (_, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let why = foreign_kind_problem(call, wanted, wanted_group, (kind, api_version), object);
    Err(Failure::bad_request(format!("{kind} in version {version:?} cannot be handled as a {wanted}: {why}")))
}

/// Says why an object of another kind is not what is wanted.
///
/// The real server reads it as the kind that it claims to be first.
pub(super) fn foreign_kind_problem(
    call: &Call<'_>,
    wanted: &str,
    wanted_group: &str,
    (kind, api_version): (&str, &str),
    object: &Value,
) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let internal = |group: &str| match group.split('.').next() {
        Some("") | None => "core".to_owned(),
        Some(first) => first.to_owned(),
    };
    let Some(claimed) = call.registry.resource_for_kind(group, version, kind) else {
        return format!(
            "no kind {kind:?} is registered for version {api_version:?} in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
        );
    };
    match prepare::mismatch(&claimed, object) {
        Some(mismatch) => mismatch.decoded,
        None => format!(
            "converting ({version}.{kind}) to ({}.{wanted}): unknown conversion",
            internal(wanted_group)
        ),
    }
}

async fn create(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    object_view(call, incoming)?;
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "CreateOptions")?;
    let mut object = read_object(call, incoming)?;
    check_namespace_matches(call, &mut object)?;
    let saved = call.create(object).await?;
    let saved = call.shown(saved).await?;
    let view = object_view(call, incoming)?;
    Ok(warn(view.object(StatusCode::CREATED, &saved)?, &call.warnings))
}

pub(super) async fn update(
    call: &mut Call<'_>,
    incoming: &Incoming,
    target: UpdateTarget,
) -> Result<Response, Failure> {
    object_view(call, incoming)?;
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "UpdateOptions")?;
    let mut object = read_object(call, incoming)?;
    check_names(call, &mut object)?;
    let saved = if call.subresource.is_empty() && call.stored().is_none() && creates_on_update(&call.resource)
    {
        let saved = create_by_update(call, object).await?;
        let saved = call.shown(saved).await?;
        let view = object_view(call, incoming)?;
        return Ok(warn(view.object(StatusCode::CREATED, &saved)?, &call.warnings));
    } else {
        let revision = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        // What names a revision is tried once.
        let once = !matches!(revision.unwrap_or_default(), "" | "0");
        let wanted =
            |_: &Call<'_>, _: &Value| Ok(if once { std::mem::take(&mut object) } else { object.clone() });
        let saved = call.update(target, wanted).await?;
        call.shown(saved).await?
    };
    let view = object_view(call, incoming)?;
    Ok(warn(view.object(StatusCode::OK, &saved)?, &call.warnings))
}

async fn create_by_update(call: &mut Call<'_>, mut object: Value) -> Result<Saved, Failure> {
    let text = |key: &str| object.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let uid = text("/metadata/uid");
    if !uid.is_empty() {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: ",
            call.resource.plural,
            crate::store::object_key(&call.namespace, &call.name)
        );
        return Err(Failure::conflict(&call.resource.group, &call.resource.plural, &call.name, &why));
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("resourceVersion");
    }
    call.create(object).await
}

/// Kinds whose PUT makes an object that is not there.
fn creates_on_update(resource: &Resource) -> bool {
    const KINDS: [(&str, &str); 10] = [
        ("", "endpoints"),
        ("", "events"),
        ("", "limitranges"),
        ("", "services"),
        ("coordination.k8s.io", "leases"),
        ("events.k8s.io", "events"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
        ("rbac.authorization.k8s.io", "clusterroles"),
        ("rbac.authorization.k8s.io", "rolebindings"),
        ("rbac.authorization.k8s.io", "roles"),
    ];
    KINDS.contains(&(resource.group.as_str(), resource.plural.as_str()))
}

pub(super) async fn patch(
    call: &mut Call<'_>,
    incoming: &Incoming,
    target: UpdateTarget,
) -> Result<Response, Failure> {
    object_view(call, incoming)?;
    let patch = Patch::read(call, &incoming.headers, incoming.body.clone())?;
    call.options = WriteOptions::parse(&incoming.query, &incoming.headers, "PatchOptions")?;
    let patched = patch.run(call, target).await?;
    let code = if patched.created { StatusCode::CREATED } else { StatusCode::OK };
    let saved = call.shown(patched.saved).await?;
    let view = object_view(call, incoming)?;
    Ok(warn(view.object(code, &saved)?, &call.warnings))
}

pub(super) async fn delete(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    let options = DeleteOptions::parse(&incoming.query, &incoming.headers, &incoming.body)?;
    call.options.dry_run = options.dry_run;
    if options.propagation.is_none() && call.resource.group == "batch" && call.resource.plural == "jobs" {
        call.warnings.push(JOB_WARNING.to_owned());
    }
    object_view(call, incoming)?;
    let deleted = match call.delete(&options).await? {
        Deleted::Waiting(saved) => Deleted::Waiting(call.shown(saved).await?),
        Deleted::Gone(saved) => Deleted::Gone(saved),
    };
    let view = object_view(call, incoming)?;
    let response = match deleted {
        Deleted::Waiting(saved) => view.object(StatusCode::OK, &saved)?,
        Deleted::Gone(saved) if call.returns_object() => view.object(StatusCode::OK, &saved)?,
        Deleted::Gone(saved) => {
            let object = saved.value(&call.resource);
            value_response(StatusCode::OK, view.negotiated.encoding, &success(&call.resource, &object))
        }
    };
    Ok(warn(response, &call.warnings))
}

/// The answer to a deletion that is done.
fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({"name": object.pointer("/metadata/name"), "kind": resource.plural,
        "uid": object.pointer("/metadata/uid")});
    if !resource.group.is_empty() {
        details["group"] = resource.group.clone().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

async fn delete_collection(call: &mut Call<'_>, incoming: &Incoming) -> Result<Response, Failure> {
    object_view(call, incoming)?;
    let options = DeleteOptions::parse(&incoming.query, &incoming.headers, &incoming.body)?;
    call.options.dry_run = options.dry_run;
    let list_options = ListOptions::parse(&incoming.query, &call.resource)?;
    let prefix = scope(&call.namespace);
    let page = list::list(&call.server.store, &call.storage, &prefix, &list_options)?;
    let items = localized(call.server, &call.resource, page.items.clone()).await?;
    call.delete_all(&page.items, &list_options.selection, &options).await?;
    let view = object_view(call, incoming)?;
    Ok(warn(view.list(&page.meta, items)?, &call.warnings))
}
