//! What is known of one request while it is served.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::{HeaderMap, Request};
use http_body::Body as _;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::Value;

use super::config::Audit;
use super::event::{AuditEvent, ObjectReference, response_status, without_managers};
use super::policy::{Level, Stage, Verdict};
use crate::auth::{Access, Decision, UserInfo};
use crate::clock::Clock;
use crate::http::body::{Format, PROTOBUF, media_type, parse};
use crate::protobuf::Envelope;
use crate::server::RemoteAddress;

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");
const DECISION: &str = "authorization.k8s.io/decision";
const REASON: &str = "authorization.k8s.io/reason";
const TRUNCATED: &str = "audit.k8s.io/truncated";
/// Longest id that a client gives its request.
const LONGEST_ID: usize = 64;
/// Larger bodies are left out.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
/// Larger answers are not searched for what they say of their success.
const LARGEST_STATUS: usize = 256 * 1024;
/// Most annotations of an event.
const MOST_ANNOTATIONS: usize = 64;

tokio::task_local! {
    static CURRENT: Trail;
}

/// The event of a request that is being served. Clones are the same event.
#[derive(Clone)]
pub(crate) struct Trail {
    audit: Audit,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

struct State {
    event: AuditEvent,
    access: Access,
    /// Nothing is decided before the caller is known.
    verdict: Option<Verdict>,
}

/// Adds to the event of the request that this task serves: a fact under a qualified key, the first one counts.
///
/// Does nothing where no event is written. Not for secrets: whoever reads the log reads this.
pub fn annotate(key: &str, value: impl Into<String>) {
    with(|trail| {
        let annotations = &mut trail.state.lock().event.annotations;
        if annotations.len() < MOST_ANNOTATIONS {
            annotations.entry(key.to_owned()).or_insert_with(|| value.into());
        }
    });
}

/// Notes what a request is for.
pub(crate) fn asked(access: &Access, api_version: &str) {
    with(|trail| {
        let mut state = trail.state.lock();
        state.event.verb.clone_from(&access.verb);
        state.event.object_ref = (!access.resource.is_empty()).then(|| ObjectReference {
            resource: access.resource.clone(),
            namespace: access.namespace.clone(),
            name: access.name.clone(),
            api_group: access.group.clone(),
            api_version: api_version.to_owned(),
            subresource: access.subresource.clone(),
            ..ObjectReference::default()
        });
        state.access = access.clone();
    });
}

/// Notes who calls; from here on it is known how much is written.
pub(crate) async fn caller(user: &UserInfo) {
    let Ok(trail) = CURRENT.try_with(Clone::clone) else { return };
    let line = trail.set_caller(user);
    if let Some(line) = line {
        trail.audit.log.write(line).await;
    }
}

/// Notes whom the caller acts as.
pub(crate) fn impersonated(user: &UserInfo) {
    with(|trail| trail.state.lock().event.impersonated_user = Some(user.clone()));
}

/// Notes whether the caller may do what it asks.
pub(crate) fn decided(decision: &Decision) {
    with(|trail| {
        let mut state = trail.state.lock();
        let word = if decision.allowed { "allow" } else { "forbid" };
        state.event.annotations.insert(DECISION.to_owned(), word.to_owned());
        state.event.annotations.insert(REASON.to_owned(), decision.reason.clone());
    });
}

/// Notes what a request carries.
pub(crate) fn request_body(headers: &HeaderMap, bytes: &Bytes) {
    with(|trail| trail.set_request_body(headers, bytes));
}

/// Calls a function with the trail of this task, if something is written of its request.
fn with(change: impl FnOnce(&Trail)) {
    // Outside of a request there is nothing to note.
    let _: Result<(), _> = CURRENT.try_with(|trail| {
        let ignored = trail.state.lock().verdict.as_ref().is_some_and(|verdict| verdict.level == Level::None);
        if !ignored {
            change(trail);
        }
    });
}

impl Trail {
    /// Begins the event of a request.
    pub(crate) fn begin(audit: &Audit, clock: &Clock, request: &Request<Body>) -> Self {
        let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let given = header(AUDIT_ID).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
        let now = clock.now();
        let event = AuditEvent {
            kind: "Event",
            api_version: "audit.k8s.io/v1",
            level: Level::None,
            audit_id: given.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned),
            stage: Stage::RequestReceived,
            request_uri: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            verb: String::new(),
            user: UserInfo::default(),
            impersonated_user: None,
            source_ips: sources(request),
            user_agent: header(USER_AGENT).unwrap_or_default().to_owned(),
            object_ref: None,
            response_status: None,
            request_object: None,
            response_object: None,
            request_received_timestamp: now,
            stage_timestamp: now,
            annotations: std::collections::BTreeMap::new(),
        };
        let state = State { event, access: Access::default(), verdict: None };
        Self { audit: audit.clone(), clock: clock.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// Serves the request; what is noted meanwhile goes to this event.
    pub(crate) async fn scope<F: Future>(&self, serving: F) -> F::Output {
        CURRENT.scope(self.clone(), serving).await
    }

    fn set_caller(&self, user: &UserInfo) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        let mut verdict = self.audit.policy.verdict(user, &state.access);
        if carries_secrets(&state.access) {
            verdict.level = verdict.level.min(Level::Metadata);
        }
        let event = &mut state.event;
        event.level = verdict.level;
        event.user = user.clone();
        state.verdict = Some(verdict);
        let received = state.event.request_received_timestamp;
        state.line(Stage::RequestReceived, received)
    }

    fn set_request_body(&self, headers: &HeaderMap, bytes: &Bytes) {
        let mut state = self.state.lock();
        let Some(verdict) = state.verdict.clone() else { return };
        if verdict.level == Level::None || bytes.is_empty() {
            return;
        }
        if bytes.len() > LARGEST_BODY {
            state.event.annotations.insert(TRUNCATED.to_owned(), "true".to_owned());
            return;
        }
        let Some(object) = decode(&media_type(headers), bytes) else { return };
        let is_object = matches!(state.event.verb.as_str(), "create" | "update");
        if is_object && let Some(reference) = &mut state.event.object_ref {
            reference.complete(&object);
        }
        if verdict.level >= Level::Request {
            let object = if verdict.omit_managed_fields { without_managers(object) } else { object };
            state.event.request_object = Some(object);
        }
    }

    /// Ends the event with the answer, or when the last of it was sent.
    pub(crate) async fn finish(self, mut response: Response) -> Response {
        if let Ok(id) = HeaderValue::from_str(&self.state.lock().event.audit_id) {
            response.headers_mut().insert(AUDIT_ID, id);
        }
        let Some(verdict) = self.state.lock().verdict.clone() else {
            // Who calls was never known: the real server has one event for it.
            return self.finish_unknown(response).await;
        };
        if verdict.level == Level::None {
            return response;
        }
        if self.state.lock().event.verb == "watch" && response.status().is_success() {
            return self.follow(response).await;
        }
        let response = self.note_answer(response, verdict.level, verdict.omit_managed_fields).await;
        let line = self.line(Stage::ResponseComplete);
        self.write(line).await;
        response
    }

    async fn finish_unknown(self, response: Response) -> Response {
        {
            let mut state = self.state.lock();
            let verdict = self.audit.policy.verdict(&UserInfo::default(), &state.access);
            state.event.level = verdict.level.min(Level::Metadata);
            state.verdict = Some(Verdict { level: state.event.level, ..verdict });
        }
        let response = self.note_answer(response, Level::Metadata, false).await;
        let line = self.line(Stage::ResponseStarted);
        self.write(line).await;
        response
    }

    /// Writes that a long answer began, and that it ended when it does.
    async fn follow(self, response: Response) -> Response {
        self.state.lock().event.response_status = Some(response_status(response.status().as_u16(), None));
        let line = self.line(Stage::ResponseStarted);
        self.write(line).await;
        let end = End(self);
        response.map(|body| {
            Body::new(http_body_util::BodyExt::map_frame(body, move |frame| {
                // The end comes with the body.
                let _ = &end;
                frame
            }))
        })
    }

    /// Notes what an answer says, as far as the level asks.
    async fn note_answer(&self, response: Response, level: Level, omit_managers: bool) -> Response {
        let code = response.status();
        let (parts, body) = response.into_parts();
        let size = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
        let tells =
            code.is_client_error() || code.is_server_error() || self.state.lock().event.verb == "delete";
        let wanted = match size {
            Some(size) if size <= LARGEST_BODY => {
                level >= Level::RequestResponse || (tells && size <= LARGEST_STATUS)
            }
            _ => false,
        };
        let (body, object) = if wanted {
            match axum::body::to_bytes(body, LARGEST_BODY).await {
                Ok(bytes) => {
                    let object = decode(&media_type(&parts.headers), &bytes);
                    (Body::from(bytes), object)
                }
                Err(error) => (Body::new(http_body_util::Full::new(Bytes::from(error.to_string()))), None),
            }
        } else {
            (body, None)
        };
        let mut state = self.state.lock();
        if level >= Level::RequestResponse && !wanted {
            state.event.annotations.insert(TRUNCATED.to_owned(), "true".to_owned());
        }
        state.event.response_status = Some(response_status(code.as_u16(), object.as_ref()));
        if level >= Level::RequestResponse {
            state.event.response_object =
                object.map(|object| if omit_managers { without_managers(object) } else { object });
        }
        drop(state);
        Response::from_parts(parts, body)
    }

    fn line(&self, stage: Stage) -> Option<Vec<u8>> {
        self.state.lock().line(stage, self.clock.now())
    }

    async fn write(&self, line: Option<Vec<u8>>) {
        if let Some(line) = line {
            self.audit.log.write(line).await;
        }
    }
}

impl State {
    /// Returns the event as it is at a stage, unless the policy leaves it out.
    fn line(&mut self, stage: Stage, now: Timestamp) -> Option<Vec<u8>> {
        let verdict = self.verdict.as_ref()?;
        if verdict.level == Level::None || verdict.omit_stages.contains(&stage) {
            return None;
        }
        self.event.stage = stage;
        self.event.stage_timestamp = now;
        Some(self.event.line())
    }
}

/// Writes the last event of an answer that takes long, when its body is dropped.
struct End(Trail);

impl Drop for End {
    fn drop(&mut self) {
        if let Some(line) = self.0.line(Stage::ResponseComplete) {
            self.0.audit.log.try_write(line);
        }
    }
}

/// Says whether bodies about a resource hold secrets.
fn carries_secrets(access: &Access) -> bool {
    match (access.group.as_str(), access.resource.as_str(), access.subresource.as_str()) {
        ("", "secrets", _) | ("", "serviceaccounts", "token") => true,
        ("authentication.k8s.io", resource, _) => resource != "selfsubjectreviews",
        _ => false,
    }
}

/// Returns where a request came from: what proxies say, then the other end of the connection.
fn sources(request: &Request<Body>) -> Vec<String> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = header("x-forwarded-for").split(',').chain([header("x-real-ip")]);
    let mut sources: Vec<String> = forwarded
        .filter_map(|text| text.trim().parse::<std::net::IpAddr>().ok())
        .map(|address| address.to_string())
        .collect();
    if let Some(RemoteAddress(address)) = request.extensions().get() {
        let address = address.to_string();
        if !sources.contains(&address) {
            sources.push(address);
        }
    }
    sources
}

/// Reads a body in any language of the API.
fn decode(media_type: &str, bytes: &Bytes) -> Option<Value> {
    match media_type {
        PROTOBUF => Envelope::open(bytes).ok()?.decode(("", "")).ok(),
        "application/yaml" | "application/apply-patch+yaml" => parse(bytes, Format::Yaml).ok(),
        _ => serde_json::from_slice(bytes).ok(),
    }
}
