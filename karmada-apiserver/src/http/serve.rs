//! Every request's way: who calls, what for, may they, then the verb.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use futures::FutureExt;
use http::{HeaderMap, Method, Request};

use super::connect::{self, Connect};
use super::dispatch::{self, Incoming};
use super::failure::Failure;
use super::query::Query;
use super::route::{Route, Target};
use super::{backup, body, duration, health, meta, respond};
use crate::audit::{self, Trail};
use crate::auth::{self, Access, Credentials, ForeignPeer, FromProxy, PeerUser, UserInfo};
use crate::server::{Inner, Labels, PacedBody, Seat, Traffic, UnderWay, Unlimited};

/// What is known of a request before it is known who calls.
struct Asked {
    path: String,
    route: Route,
    verb: String,
    query: Query,
    labels: Labels,
    /// Who answers, when it is not this server.
    connect: Option<Arc<dyn Connect>>,
}

/// Answers one request. Never fails: errors are answers too.
pub(crate) async fn serve(server: Arc<Inner>, request: Request<Body>) -> Response {
    let started = Instant::now();
    let asked = Asked::new(&server, &request);
    let headers = request.headers().clone();
    let head = request.method() == Method::HEAD;
    let under_way = request.extensions().get::<UnderWay>().cloned();
    let mut seat = None;
    let trail = server.audit.as_ref().map(|audit| Trail::begin(audit, &server.clock, &request));
    let answering = AssertUnwindSafe(in_time(&server, request, &asked, started, &mut seat)).catch_unwind();
    let outcome = match &trail {
        Some(trail) => Box::pin(trail.scope(answering)).await,
        None => answering.await,
    };
    let outcome = outcome.unwrap_or_else(|_| {
        // The panic itself is on the log. Other requests of the connection go on.
        tracing::error!(path = asked.path, verb = asked.verb, "a request failed by a defect of the server");
        server.metrics.panic();
        Err(Failure::internal("the request could not be answered"))
    });
    let response = match outcome {
        Ok(response) => response,
        Err(failure) => {
            if failure.ends_early() {
                server.metrics.terminate(failure.code.as_u16(), &asked.labels);
            }
            respond::failure(&failure, &headers, &asked.query)
        }
    };
    let response = match trail {
        Some(trail) => trail.finish(response).await,
        None => response,
    };
    let code = response.status();
    // A watch has its turn when it starts; what it sends later is paced by the client.
    let seat = seat.filter(|_| asked.labels.verb != "watch");
    server.metrics.answer(asked.labels, code.as_u16(), started.elapsed(), |labels| {
        let registry = server.registry();
        let known = registry.resource(&labels.group, &labels.version, &labels.resource).is_some();
        known && (labels.subresource.is_empty() || code != http::StatusCode::NOT_FOUND)
    });
    if head {
        return response.map(|_| Body::empty());
    }
    response.map(|body| PacedBody::wrap(body, under_way, seat))
}

impl Asked {
    fn new(server: &Inner, request: &Request<Body>) -> Self {
        let query = Query::parse(request.uri().query());
        let path = request.uri().path().to_owned();
        let route = Route::parse(&path);
        let verb = verb_of(&route, request.method(), &query);
        let labels = match &route {
            Route::Resource(target) => {
                let apply = body::media_type(request.headers()) == "application/apply-patch+yaml";
                target.labels(target.verb(request.method(), &query), &query, apply)
            }
            Route::Unknown(_) | Route::Other(_) => {
                Labels { verb: Target::default().verb(request.method(), &query), ..Labels::default() }
            }
        };
        let connect = match &route {
            Route::Resource(target) if !target.subresource.is_empty() => connect::find(server, target),
            _ => None,
        };
        Self { path, route, verb, query, labels, connect }
    }
}

/// Answers within the time that the client and the server have for it.
async fn in_time(
    server: &Arc<Inner>,
    request: Request<Body>,
    asked: &Asked,
    started: Instant,
    seat: &mut Option<Seat>,
) -> Result<Response, Failure> {
    // These take as long as their client reads or sends.
    if asked.labels.verb == "watch" || asked.path == backup::PATH || asked.connect.is_some() {
        return handle(server, request, asked, seat).await;
    }
    let longest = server.config.limits.request_timeout;
    let wanted = duration::parse(asked.query.text("timeout")).filter(|wanted| !wanted.is_zero());
    let deadline = started + wanted.map_or(longest, |wanted| wanted.min(longest));
    if Instant::now() >= deadline {
        return Err(Failure::timed_out());
    }
    tokio::select! {
        // When both are over, the time of the request counts.
        biased;
        () = tokio::time::sleep_until(deadline.into()) => Err(Failure::timed_out()),
        answer = handle(server, request, asked, seat) => answer,
    }
}

async fn handle(
    server: &Arc<Inner>,
    request: Request<Body>,
    asked: &Asked,
    seat: &mut Option<Seat>,
) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let Asked { path, route, verb, query, labels, connect } = asked;
    let wanted = access(route, verb, path);
    audit::asked(&wanted, version_of(route));
    let user = caller(server, &parts.extensions, &parts.headers)?;
    audit::caller(&user).await;
    let user = impersonated(server, &parts.headers, user, &wanted)?;
    let decision = server.rules.decide(&user, &wanted);
    audit::decided(&decision);
    if !decision.allowed {
        return Err(refused(&user, &wanted));
    }
    let limited = parts.extensions.get::<Unlimited>().is_none() && !health::is_probe(path);
    let admitted = limited.then(|| Traffic::rank(&user, &labels.group, &labels.resource));
    if let (Some(connect), Route::Resource(target)) = (connect, route) {
        audit::request_body(&parts.headers, &bytes::Bytes::new());
        let request = Request::from_parts(parts, body);
        let by = (user, admitted, labels.clone());
        return Box::pin(connect::answer(server, connect, target, request, by)).await;
    }
    let mut bytes = admitted.as_ref().and_then(|admitted| server.traffic.body(admitted));
    let mut unread = None;
    // What others send along is not read.
    let writes = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let body = if writes && matches!(route, Route::Resource(_)) {
        body::read(body, bytes.as_mut()).await?
    } else {
        unread = Some(body);
        bytes::Bytes::new()
    };
    audit::request_body(&parts.headers, &body);
    if let Some(admitted) = &admitted {
        let objects = if labels.verb == "list" { listed(server, labels, query) } else { 0 };
        *seat = Some(server.traffic.seat(admitted, verb, objects).await?);
    }
    match route {
        Route::Resource(target) => {
            let incoming = Incoming {
                method: parts.method,
                target: target.clone(),
                headers: parts.headers,
                query: query.clone(),
                body,
                user,
                admitted,
                labels: labels.clone(),
                server: server.clone(),
            };
            dispatch::dispatch(server, incoming).await
        }
        Route::Unknown(target) => Err(dispatch::unknown(server, target)),
        Route::Other(path) if path == backup::PATH => {
            backup::answer(server, &parts.method, unread.unwrap_or_default()).await
        }
        Route::Other(path) => meta::answer(server, &parts.method, path, query, &parts.headers),
    }
}

/// Returns how many objects a list goes through at most.
fn listed(server: &Inner, labels: &Labels, query: &Query) -> usize {
    let registry = server.registry();
    let Some(resource) = registry.resource(&labels.group, &labels.version, &labels.resource) else {
        return 0;
    };
    let stored = server.store.count(&registry.storage_key(&resource));
    let limit = query.text("limit").parse().ok().filter(|limit| *limit > 0);
    limit.map_or(stored, |limit: usize| stored.min(limit))
}

fn version_of(route: &Route) -> &str {
    match route {
        Route::Resource(target) | Route::Unknown(target) => &target.version,
        Route::Other(_) => "",
    }
}

fn verb_of(route: &Route, method: &Method, query: &Query) -> String {
    match route {
        Route::Resource(target) | Route::Unknown(target) => target.verb(method, query).to_owned(),
        Route::Other(_) => method.as_str().to_ascii_lowercase(),
    }
}

/// Finds out who calls.
fn caller(server: &Inner, extensions: &http::Extensions, headers: &HeaderMap) -> Result<UserInfo, Failure> {
    if let (Some(proxy), Some(FromProxy)) = (&server.config.front_proxy, extensions.get::<FromProxy>())
        && let Some(user) = proxy.user(headers)
    {
        return Ok(user);
    }
    // An identity that the caller in this process states, or that TLS proved, comes first.
    if let Some(PeerUser(user)) = extensions.get::<PeerUser>() {
        return Ok(user.clone());
    }
    match auth::authenticate(headers) {
        Credentials::Bearer(token) => server
            .token_user(&token, &[crate::auth::ISSUER.to_owned()])
            .map(|(user, _)| user)
            .map_err(|_| Failure::unauthorized()),
        // A certificate that is not accepted is worse than none.
        Credentials::Nothing if extensions.get::<ForeignPeer>().is_some() => Err(Failure::unauthorized()),
        Credentials::Nothing => Ok(UserInfo::anonymous()),
    }
}

fn access(route: &Route, verb: &str, path: &str) -> Access {
    match route {
        Route::Resource(target) | Route::Unknown(target) => resource_access(target, verb),
        Route::Other(_) => Access { verb: verb.to_owned(), path: path.to_owned(), ..Access::default() },
    }
}

fn resource_access(target: &Target, verb: &str) -> Access {
    // A namespace is in itself.
    let namespace = if target.resource == "namespaces" && target.group.is_empty() {
        target.name.clone()
    } else {
        target.namespace.clone()
    };
    Access {
        verb: verb.to_owned(),
        group: target.group.clone(),
        resource: target.resource.clone(),
        subresource: target.subresource.clone(),
        namespace,
        name: target.name.clone(),
        path: String::new(),
    }
}

fn authorize(server: &Inner, user: &UserInfo, access: &Access) -> Result<(), Failure> {
    if server.rules.decide(user, access).allowed { Ok(()) } else { Err(refused(user, access)) }
}

fn refused(user: &UserInfo, access: &Access) -> Failure {
    if access.resource.is_empty() {
        let what = format!("User {:?} cannot {} path {:?}", user.name, access.verb, access.path);
        return Failure::forbidden("", "", "", &what);
    }
    let resource = if access.subresource.is_empty() {
        access.resource.clone()
    } else {
        format!("{}/{}", access.resource, access.subresource)
    };
    let scope = if access.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", access.namespace)
    };
    let what = format!(
        "User {:?} cannot {} resource {resource:?} in API group {:?} {scope}",
        user.name, access.verb, access.group
    );
    Failure::forbidden(&access.group, &access.resource, &access.name, &what)
}

/// Returns whom the caller acts as, if it may.
fn impersonated(
    server: &Inner,
    headers: &HeaderMap,
    user: UserInfo,
    access: &Access,
) -> Result<UserInfo, Failure> {
    let Some(wanted) = auth::impersonate(headers)? else { return Ok(user) };
    let may = |group: &str, resource: &str, subresource: &str, namespace: &str, name: &str| {
        let access = Access {
            verb: "impersonate".to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            path: String::new(),
        };
        authorize(server, &user, &access)
    };
    let account = wanted.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    let identity = match account {
        Some((namespace, name)) => may("", "serviceaccounts", "", namespace, name),
        None => may("", "users", "", "", &wanted.name),
    };
    if identity.is_err() && !holds_any_impersonation(server, &user) {
        // Without any right to impersonate, the real server names the right for this very request.
        let mode = if account.is_some() { "serviceaccount" } else { "user-info" };
        let verb = format!("impersonate-on:{mode}:{}", access.verb);
        return Err(refused(&user, &Access { verb, ..access.clone() }));
    }
    identity?;
    for group in &wanted.groups {
        may("", "groups", "", "", group)?;
    }
    if !wanted.uid.is_empty() {
        may("authentication.k8s.io", "uids", "", "", &wanted.uid)?;
    }
    for (key, values) in &wanted.extra {
        for value in values {
            may("authentication.k8s.io", "userextras", key, "", value)?;
        }
    }
    let wanted = auth::complete(wanted);
    audit::impersonated(&wanted);
    Ok(wanted)
}

fn holds_any_impersonation(server: &Inner, user: &UserInfo) -> bool {
    server
        .rules
        .rules(user, "")
        .iter()
        .any(|rule| rule.verbs.iter().any(|verb| verb == "impersonate" || verb == "*"))
}
