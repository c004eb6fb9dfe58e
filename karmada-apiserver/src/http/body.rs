//! Reading request bodies.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use serde_json::Value;

use super::failure::Failure;
use super::yaml_body::YamlBody;
use crate::go_json;
use crate::protobuf::{self, DecodeError, Envelope};
use crate::registry::Registry;
use crate::server::BodyBytes;

/// Largest body that is read.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// How much of an unreadable body an error shows.
const SHOWN: usize = 30;
/// Media type of protobuf bodies.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// In what language a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Protobuf,
}

/// Reads a body to its end, as long as it is not too long and the server has room for it.
pub(crate) async fn read(
    mut body: axum::body::Body,
    mut held: Option<&mut BodyBytes>,
) -> Result<Bytes, Failure> {
    let mut whole = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(error = &error as &dyn std::error::Error, "cannot read a request body");
            Failure::bad_request("the body of the request could not be read")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > BODY_LIMIT {
            return Err(Failure::too_large(BODY_LIMIT));
        }
        if let Some(held) = &mut held {
            held.grow(data.len())?;
        }
        whole = if whole.is_empty() {
            data
        } else {
            let mut longer = BytesMut::from(whole);
            longer.extend_from_slice(&data);
            longer.freeze()
        };
    }
    Ok(whole)
}

/// Returns the media type of a body without its parameters, empty when none was sent.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Returns the format of an object sent to create or replace one.
///
/// # Errors
/// When it is none that this server reads; `kind` and the body are for the message.
pub(crate) fn object_format(headers: &HeaderMap, kind: &str, bytes: &[u8]) -> Result<Format, Failure> {
    match media_type(headers).as_str() {
        "" | "application/json" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        PROTOBUF if !protobuf::is_enveloped(bytes) => Err(Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})",
            shown(bytes)
        ))),
        PROTOBUF => Ok(Format::Protobuf),
        _ => Err(Failure::unsupported_media_type(ACCEPTED)),
    }
}

/// Parses a body; the error is the text that comes after `json parse error: `.
pub(crate) fn parse(bytes: &[u8], format: Format) -> Result<Value, String> {
    if format == Format::Yaml && !looks_like_json(bytes) {
        return parse_yaml_object(bytes).map(|body| body.value);
    }
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(error) => Err(go_json::syntax_error(bytes).unwrap_or_else(|| error.to_string())),
    }
}

/// Parses YAML to JSON; the error is one line.
pub(crate) fn parse_yaml(bytes: &[u8]) -> Result<Value, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| "yaml: control characters are not allowed".to_owned())?;
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| yaml_error(&error))
}

/// Parses the YAML of an object; also returns a line for each key that stands twice in its mapping.
pub(crate) fn parse_yaml_object(bytes: &[u8]) -> Result<YamlBody, String> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| "yaml: control characters are not allowed".to_owned())?;
    YamlBody::parse(text).map_err(|error| yaml_error(&error))
}

fn yaml_error(error: &serde_saphyr::Error) -> String {
    let message = error.to_string();
    let message = message.lines().next().unwrap_or_default();
    format!("error converting YAML to JSON: yaml: {}", place_as_go(message))
}

/// Names only the line of a mistake, and not the first, as the real server does.
fn place_as_go(message: &str) -> String {
    let parts = message.strip_prefix("error: line ").and_then(|rest| rest.split_once(" column "));
    let Some((line, (_, why))) = parts.and_then(|(line, rest)| Some((line, rest.split_once(": ")?))) else {
        return message.to_owned();
    };
    if line == "1" { why.to_owned() } else { format!("line {line}: {why}") }
}

/// Says where a YAML mapping in braces breaks off, in the words of the real server.
pub(crate) fn unfinished_flow(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end().lines().count();
    let why = if text.trim_end().ends_with(['{', '[', ':', ',']) {
        "did not find expected node content"
    } else {
        "did not find expected ',' or '}'"
    };
    format!("error converting YAML to JSON: yaml: line {line}: {why}")
}

pub(crate) fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Parses an object of an endpoint that takes objects of a version and kind.
///
/// # Errors
/// In the words of the real server when the text is no JSON object.
pub(crate) fn parse_object(
    bytes: &[u8],
    format: Format,
    (api_version, kind): (&str, &str),
) -> Result<Value, Failure> {
    let unrecognized = |why: String| {
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {why} ({})",
            shown(bytes)
        ))
    };
    if format == Format::Protobuf {
        let envelope = Envelope::open(bytes).map_err(|error| unrecognized(error.to_string()))?;
        if envelope.is_empty() {
            return Err(unrecognized("empty body".to_owned()));
        }
        return decode(&envelope, api_version, kind);
    }
    if bytes.is_empty() {
        return parse_empty(kind);
    }
    let value = parse(bytes, format)
        .map_err(|error| unrecognized(format!("couldn't get version/kind; json parse error: {error}")))?;
    match &value {
        Value::Object(_) => Ok(value),
        Value::Null => Ok(Value::Object(serde_json::Map::new())),
        other => Err(unrecognized(wrong_top_level(other))),
    }
}

fn decode(envelope: &Envelope<'_>, api_version: &str, kind: &str) -> Result<Value, Failure> {
    let (own_version, own_kind) = envelope.of_kind(api_version, kind);
    let version = own_version.rsplit('/').next().unwrap_or_default();
    let mut object = envelope.decode((api_version, kind)).map_err(|error| {
        let why = match error {
            DecodeError::NoMessage { .. } => {
                format!(
                    "no kind {own_kind:?} is registered for version {own_version:?} in scheme {:?}",
                    "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
                )
            }
            error => error.to_string(),
        };
        Failure::bad_request(format!(
            "{own_kind} in version {version:?} cannot be handled as a {kind}: {why}"
        ))
    })?;
    // Messages state what is empty where JSON leaves it out.
    if let Some(definition) = protobuf::definition(own_version, own_kind) {
        Registry::drop_empty(&definition, &mut object);
    }
    Ok(object)
}

fn parse_empty(kind: &str) -> Result<Value, Failure> {
    Err(Failure::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)"
    )))
}

/// Returns the error for a top-level value that is no object.
pub(crate) fn wrong_top_level(value: &Value) -> String {
    let found = match value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        _ => "number",
    };
    format!(
        "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    )
}

/// Prints bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
        out
    })
}

/// Returns the start of a body for an error: as text when it looks like JSON, in hexadecimal otherwise.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..SHOWN).unwrap_or(bytes);
    let dots = if bytes.len() > SHOWN { " ..." } else { "" };
    if looks_like_json(bytes) {
        format!("{}{dots}", String::from_utf8_lossy(start))
    } else {
        format!("{}{dots}", hex(start))
    }
}
