//! Every error answer, as a Kubernetes `Status`.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::registry::{Resource, quote};
use crate::server::Overloaded;
use crate::store::{Expired, WriteError};

/// Size of an object from which on the real server does not even send it to its store.
const MESSAGE_LIMIT: usize = 2 << 20;

/// An error as the client gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub code: StatusCode,
    /// Empty when the answer has none.
    pub reason: Cow<'static, str>,
    pub message: String,
    pub details: Option<Value>,
    /// `metadata` of the status: a fresh continue token, for an expired one.
    pub metadata: Box<Value>,
    pub retry_after: Option<u32>,
    /// Texts for `Warning` headers.
    pub warnings: Box<[String]>,
    /// The real server's mux answers some paths without a `Status`.
    pub plain: bool,
}

/// One reason why an object is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub fn new(reason: &str, field: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), field: field.to_owned() }
    }
}

/// Returns `plural` or `plural.group`, as messages name resources.
pub fn qualified(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

impl Failure {
    pub(crate) fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: Cow::Borrowed(reason),
            message: message.into(),
            details: None,
            metadata: Box::new(json!({})),
            retry_after: None,
            warnings: Box::default(),
            plain: false,
        }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = Map::new();
        if !name.is_empty() {
            details.insert("name".to_owned(), name.into());
        }
        if !group.is_empty() {
            details.insert("group".to_owned(), group.into());
        }
        details.insert("kind".to_owned(), kind.into());
        self.details = Some(Value::Object(details));
        self
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// `what` is the refused action: the message after `is forbidden: `.
    pub fn forbidden(group: &str, plural: &str, name: &str, what: &str) -> Self {
        let quoted = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = if plural.is_empty() {
            format!("forbidden: {what}")
        } else {
            format!("{}{quoted} is forbidden: {what}", qualified(group, plural))
        };
        let failure = Self::new(StatusCode::FORBIDDEN, "Forbidden", message);
        if plural.is_empty() {
            Self { details: Some(json!({})), ..failure }
        } else {
            failure.about(group, plural, name)
        }
    }

    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", qualified(group, plural));
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(group, plural, name)
    }

    pub fn no_such_resource() -> Self {
        let message = "the server could not find the requested resource";
        Self { details: Some(json!({})), ..Self::new(StatusCode::NOT_FOUND, "NotFound", message) }
    }

    pub fn no_such_path() -> Self {
        Self { plain: true, ..Self::new(StatusCode::NOT_FOUND, "NotFound", "404 page not found\n") }
    }

    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        Self { details: Some(json!({})), ..failure }
    }

    /// A verb that a custom resource does not have.
    pub fn verb_not_supported(resource: &Resource, verb: &str) -> Self {
        let message = format!(
            "{verb} is not supported on resources of kind {:?}",
            qualified(&resource.group, &resource.plural)
        );
        let details = json!({"group": resource.group, "kind": resource.plural});
        let failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        Self { details: Some(details), ..failure }
    }

    pub fn already_exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", qualified(&resource.group, &resource.plural));
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    pub fn generated_name_taken(resource: &Resource, name: &str) -> Self {
        let message = format!(
            "{} \"{name}\" already exists, the server was not able to generate a unique name for the object",
            qualified(&resource.group, &resource.plural)
        );
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(
            &resource.group,
            &resource.plural,
            name,
        )
    }

    /// `kind` is the plural, or the kind where the real server says so.
    pub fn conflict(group: &str, kind: &str, name: &str, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", qualified(group, kind));
        Self::new(StatusCode::CONFLICT, "Conflict", message).about(group, kind, name)
    }

    /// A conflict of field managers.
    pub fn apply_conflict(message: impl Into<String>, causes: &[Cause]) -> Self {
        let failure = Self::new(StatusCode::CONFLICT, "Conflict", message);
        Self { details: Some(json!({"causes": causes_value(causes)})), ..failure }
    }

    pub fn modified(resource: &Resource, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(&resource.group, &resource.plural, name, why)
    }

    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        // The real server names each distinct message once.
        let mut seen = Vec::new();
        for cause in causes {
            let field = if cause.field.is_empty() { "<nil>" } else { &cause.field };
            let line = format!("{field}: {}", cause.message);
            if !seen.contains(&line) {
                seen.push(line);
            }
        }
        let why = match seen.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} \"{name}\" is invalid: {why}", qualified(group, kind));
        let mut failure =
            Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(group, kind, name);
        if let Some(Value::Object(details)) = &mut failure.details
            && !causes.is_empty()
        {
            details.insert("causes".to_owned(), causes_value(causes));
        }
        failure
    }

    /// A patch whose result, or that itself, cannot be read.
    pub fn unreadable_patch(shown: &str, why: &str) -> Self {
        let message = format!("Invalid value: {}: {why}", quote(shown));
        let failure = Self::invalid("", "", "", &[Cause::new("FieldValueInvalid", "patch", message)]);
        let causes = failure.details.as_ref().map(|details| details["causes"].clone());
        Self { details: Some(json!({"causes": causes})), ..failure }
    }

    /// An answer of 422 that names no object.
    pub fn unprocessable_message(message: impl Into<String>) -> Self {
        let failure = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        Self { details: Some(json!({})), ..failure }
    }

    /// A patch in a language that the resource does not take.
    pub fn unsupported_patch() -> Self {
        let message = "415: Unsupported Media Type";
        let failure = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message);
        Self { details: Some(json!({})), ..failure }
    }

    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    pub fn future_revision(asked: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let details = json!({"causes": [{"reason": "ResourceVersionTooLarge",
            "message": "Too large resource version"}], "retryAfterSeconds": 1});
        let failure = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        Self { details: Some(details), retry_after: Some(1), ..failure }
    }

    pub fn too_large(limit: usize) -> Self {
        let message = format!("Request entity too large: limit is {limit}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    pub fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    pub fn not_acceptable(available: &str) -> Self {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
        let failure = Self::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message);
        Self { details: Some(json!({})), ..failure }
    }

    /// The real server says so in plain text, before it knows what the request is about.
    pub fn overloaded() -> Self {
        let message = "Too many requests, please try again later.\n";
        let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        Self { plain: true, retry_after: Some(1), ..failure }
    }

    /// A request that took longer than it may.
    pub fn timed_out() -> Self {
        // The real server's filter writes this document as plain text, without a kind.
        let text = "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"Timeout: request did not complete within the \
                    allotted timeout\",\"reason\":\"Timeout\",\"details\":{},\"code\":504}\n";
        Self { plain: true, ..Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", text) }
    }

    /// Says whether a request was refused or ended for the sake of others.
    pub(crate) fn ends_early(&self) -> bool {
        self.plain && matches!(self.code, StatusCode::TOO_MANY_REQUESTS | StatusCode::GATEWAY_TIMEOUT)
    }

    pub fn too_many_requests(message: impl Into<String>, details: Value) -> Self {
        let failure = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        Self { details: Some(details), ..failure }
    }

    /// An error of the server; `message` goes to the client, so it holds no internals.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            format!("Internal error occurred: {}", message.into()),
        )
    }

    /// An error of the server whose cause clients may see, such as a webhook that does not answer.
    pub fn internal_cause(message: impl Into<String>) -> Self {
        let message = message.into();
        let details = json!({"causes": [{"message": message}]});
        Self { details: Some(details), ..Self::internal(message) }
    }

    /// An error of 500 that has only a message, as the real server sends some.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// Returns the error as a `Status` object.
    pub fn status(&self) -> Value {
        let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": self.metadata,
            "status": "Failure", "message": self.message, "code": self.code.as_u16()});
        if !self.reason.is_empty() {
            status["reason"] = Value::from(&*self.reason);
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }

    /// Translates a failed write of an object.
    pub fn from_write(error: WriteError, resource: &Resource, name: &str) -> Self {
        match error {
            WriteError::Conflict(_) => Self::modified(resource, name),
            WriteError::TooLarge { size } if size > MESSAGE_LIMIT => Self::unknown(format!(
                "rpc error: code = ResourceExhausted desc = trying to send message larger than max ({size} vs. {MESSAGE_LIMIT})"
            )),
            WriteError::TooLarge { .. } => Self::unknown("etcdserver: request is too large"),
            WriteError::Closed => Self::unavailable("the server is shutting down"),
            WriteError::Commit(error) => {
                let why = if error.is_full() { ": no space is left on the device" } else { "" };
                Self::internal(format!("the write could not be stored{why}"))
            }
        }
    }

    /// The event that ends a watch whose history is gone.
    pub fn watch_expired(expired: Expired) -> Self {
        Self::expired(format!("too old resource version: {} ({})", expired.requested, expired.oldest))
    }
}

fn causes_value(causes: &[Cause]) -> Value {
    causes
        .iter()
        .map(|cause| {
            let mut value = json!({"reason": cause.reason, "message": cause.message});
            if !cause.field.is_empty() {
                value["field"] = cause.field.clone().into();
            }
            value
        })
        .collect()
}

impl From<Overloaded> for Failure {
    fn from(_: Overloaded) -> Self {
        Self::overloaded()
    }
}
