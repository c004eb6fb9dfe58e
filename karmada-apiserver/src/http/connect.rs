//! Subresources that something else answers: connections to other places, which may last.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use http::{Request, StatusCode};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::failure::Failure;
use super::route::Target;
use crate::auth::UserInfo;
use crate::registry::Subresource;
use crate::server::{Admitted, Inner, Labels};

/// Parts of a path before the resource: `/apis/GROUP/VERSION` or `/api/VERSION`.
const ROOTS: (usize, usize) = (4, 3);

/// A subresource of a custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectTarget {
    pub group: String,
    /// Plural of the resource.
    pub resource: String,
    pub subresource: String,
    /// Kind of the options, as discovery lists it.
    pub kind: String,
    /// Verbs as discovery lists them; which a caller may use is a matter of its rights.
    pub verbs: Vec<String>,
}

/// Answers the requests for one subresource.
///
/// Who calls and whether it may is known when it is asked. Paths go on after the subresource only when that is `proxy`.
/// There is no time limit on an answer: it ends with its body, or when the server is stopped.
pub trait Connect: Send + Sync {
    /// Names the subresource.
    fn target(&self) -> &ConnectTarget;

    /// Answers one request.
    fn connect(&self, connection: Connection) -> BoxFuture<'_, Result<Response, Failure>>;
}

/// A request for a connection, by someone who may have it.
#[derive(Debug)]
pub struct Connection {
    pub user: UserInfo,
    /// Empty for resources without namespaces.
    pub namespace: String,
    pub name: String,
    /// What follows the subresource in the path, as the client wrote it: empty, or from a slash on.
    pub rest: String,
    /// The request as it came, with what is needed to upgrade its connection.
    pub request: Request<Body>,
    pub lasting: Lasting,
}

/// The right to go on after the answer.
#[derive(Clone)]
pub struct Lasting {
    tasks: TaskTracker,
    shutdown: CancellationToken,
    _held: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lasting").finish_non_exhaustive()
    }
}

impl Lasting {
    /// Runs what goes on after the answer: to its end, or until the server is stopped.
    pub fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        let tasks = self.tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = work => {}
            }
        });
    }
}

/// Returns who answers the requests for a target.
pub(super) fn find(server: &Inner, target: &Target) -> Option<Arc<dyn Connect>> {
    let serves = |connect: &&Arc<dyn Connect>| {
        let own = connect.target();
        own.subresource == target.subresource
            && own.resource == target.resource
            && own.group == target.group
            && !target.name.is_empty()
            && !target.legacy_watch
            && server.registry().resource(&target.group, &target.version, &target.resource).is_some()
    };
    server.config.connects.iter().find(serves).cloned()
}

/// Returns the entry of discovery for a subresource that is connected to.
pub(crate) fn listed(target: &ConnectTarget) -> Subresource {
    Subresource {
        name: target.subresource.clone(),
        group: String::new(),
        version: String::new(),
        kind: target.kind.clone(),
        verbs: target.verbs.clone(),
    }
}

/// Lets a connection be made.
pub(super) async fn answer(
    server: &Arc<Inner>,
    connect: &Arc<dyn Connect>,
    target: &Target,
    request: Request<Body>,
    (user, admitted, labels): (UserInfo, Option<Admitted>, Labels),
) -> Result<Response, Failure> {
    let slot = admitted.as_ref().map(|admitted| server.traffic.watch(admitted)).transpose()?;
    let counted = server.metrics.lasting(labels);
    let lasting = Lasting {
        tasks: server.tasks.clone(),
        shutdown: server.shutdown.clone(),
        _held: Arc::new((slot, counted)),
    };
    let connection = Connection {
        user,
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        rest: rest(target, request.uri().path()).to_owned(),
        request,
        lasting: lasting.clone(),
    };
    let response = tokio::select! {
        response = connect.connect(connection) => response?,
        () = server.shutdown.cancelled() => return Err(Failure::unavailable("the server is shutting down")),
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response);
    }
    Ok(response.map(|body| {
        let stop = lasting.shutdown.clone().cancelled_owned().boxed();
        Body::from_stream(body.into_data_stream().take_until(stop).inspect(move |_| {
            let _held = &lasting;
        }))
    }))
}

/// Returns what follows the subresource in a path.
fn rest<'a>(target: &Target, path: &'a str) -> &'a str {
    let (grouped, core) = ROOTS;
    let root = if target.group.is_empty() { core } else { grouped };
    let namespace = if target.namespace.is_empty() { 0 } else { 2 };
    // Resource, name and subresource.
    let before = root + namespace + 3;
    path.match_indices('/').nth(before - 1).map_or("", |(at, _)| &path[at..])
}

#[cfg(test)]
mod tests {
    use super::super::route::Route;
    use super::*;

    #[test]
    fn what_follows_the_subresource_is_kept_as_it_was_written() {
        let check = |path: &str, expected: &str| {
            let Route::Resource(target) = Route::parse(path) else { panic!("{path} names no resource") };
            assert_eq!(rest(&target, path), expected, "{path}");
        };
        check("/apis/a.io/v1/things/t/proxy", "");
        check("/apis/a.io/v1/things/t/proxy/", "/");
        check("/apis/a.io/v1/things/t/proxy/api/v1/x%2Fy/", "/api/v1/x%2Fy/");
        check("/apis/a.io/v1/namespaces/n/things/t/proxy/healthz", "/healthz");
        check("/api/v1/nodes/n/proxy/a//b", "/a//b");
    }
}
