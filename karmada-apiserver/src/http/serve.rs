//! Every request's way: who calls, what for, may they, then the verb.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request};

use super::dispatch::{self, Incoming};
use super::failure::Failure;
use super::query::Query;
use super::route::{Route, Target};
use super::{body, meta, respond};
use crate::audit::{self, Trail};
use crate::auth::{self, Access, Credentials, ForeignPeer, PeerUser, UserInfo};
use crate::server::Inner;

/// Answers one request. Never fails: errors are answers too.
pub(crate) async fn serve(server: Arc<Inner>, request: Request<Body>) -> Response {
    let Some(audit) = &server.audit else { return answer(&server, request).await };
    let trail = Trail::begin(audit, &server.clock, &request);
    let response = trail.scope(answer(&server, request)).await;
    trail.finish(response).await
}

async fn answer(server: &Arc<Inner>, request: Request<Body>) -> Response {
    let query = Query::parse(request.uri().query());
    let headers = request.headers().clone();
    let head = request.method() == http::Method::HEAD;
    let response = match handle(server, request, &query).await {
        Ok(response) => response,
        Err(failure) => respond::failure(&failure, &headers, &query),
    };
    if head { response.map(|_| Body::empty()) } else { response }
}

async fn handle(server: &Arc<Inner>, request: Request<Body>, query: &Query) -> Result<Response, Failure> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let route = Route::parse(&path);
    let verb = verb_of(&route, &parts.method, query);
    audit::asked(&access(&route, &verb, &path), version_of(&route));
    let user = caller(server, &parts.extensions, &parts.headers)?;
    audit::caller(&user).await;
    let user = impersonated(server, &parts.headers, user, &access(&route, &verb, &path))?;
    let wanted = access(&route, &verb, &path);
    let decision = server.rules.decide(&user, &wanted);
    audit::decided(&decision);
    if !decision.allowed {
        return Err(refused(&user, &wanted));
    }
    if let Route::Resource(target) = &route {
        let resource = super::failure::qualified(&target.group, &target.resource);
        let name = if target.subresource.is_empty() {
            resource
        } else {
            format!("{resource}/{}", target.subresource)
        };
        server.count(&verb, &name);
    }
    match route {
        Route::Resource(target) => {
            let bytes = body::read(body).await?;
            audit::request_body(&parts.headers, &bytes);
            let incoming = Incoming {
                method: parts.method,
                target,
                headers: parts.headers,
                query: query.clone(),
                body: bytes,
                user,
            };
            dispatch::dispatch(server, incoming).await
        }
        Route::Unknown(target) => Err(dispatch::unknown(server, &target)),
        Route::Other(path) => meta::answer(server, &parts.method, &path, query, &parts.headers),
    }
}

fn version_of(route: &Route) -> &str {
    match route {
        Route::Resource(target) | Route::Unknown(target) => &target.version,
        Route::Other(_) => "",
    }
}

fn verb_of(route: &Route, method: &http::Method, query: &Query) -> String {
    match route {
        Route::Resource(target) | Route::Unknown(target) => target.verb(method, query).to_owned(),
        Route::Other(_) => method.as_str().to_ascii_lowercase(),
    }
}

/// Finds out who calls.
fn caller(server: &Inner, extensions: &http::Extensions, headers: &HeaderMap) -> Result<UserInfo, Failure> {
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
