//! Options of lists, watches, writes and deletions.

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body::{self, Format};
use super::failure::{Cause, Failure};
use super::query::Query;
use super::selector::{Selection, parse_fields, parse_labels};
use crate::protobuf::{DecodeError, Envelope};
use crate::registry::{FieldValidation, Resource, quote};

const META_GROUP: &str = "meta.k8s.io";
const OPTIONS_KIND: &str = "DeleteOptions";
/// As lenient about the last bits as Go's decoder.
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Which state a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListAt {
    /// The latest state.
    #[default]
    Latest,
    /// Any state; the real server answers these from its cache, without pages.
    Any,
    NotOlderThan(u64),
    Exact(u64),
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continue {
    /// `None`: at the latest revision, after the first one expired.
    pub(crate) revision: Option<u64>,
    /// The first key to show, relative to the scope of the list.
    pub(crate) start: String,
}

/// Options of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) selection: Selection,
    pub(crate) limit: Option<usize>,
    pub(crate) at: ListAt,
    pub(crate) from: Option<Continue>,
}

/// Where a watch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchFrom {
    /// The state of now as `ADDED` events, then changes.
    State,
    /// Changes from now on.
    Now,
    /// Changes after a revision.
    Revision(u64),
}

/// Options of a watch.
#[derive(Clone, Debug)]
pub(crate) struct WatchOptions {
    pub(crate) selection: Selection,
    pub(crate) from: WatchFrom,
    pub(crate) bookmarks: bool,
    /// A bookmark marks the end of the initial events.
    pub(crate) mark_initial_end: bool,
    /// The revision that the initial state has to have reached.
    pub(crate) not_older_than: u64,
    pub(crate) timeout_seconds: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct ContinueToken {
    v: String,
    rv: i64,
    start: String,
}

impl Continue {
    /// Encodes the token.
    pub(crate) fn encode(&self) -> String {
        let rv = self.revision.map_or(-1, |revision| i64::try_from(revision).unwrap_or(i64::MAX));
        let token = ContinueToken { v: "meta.k8s.io/v1".to_owned(), rv, start: self.start.clone() };
        BASE64.encode(serde_json::to_vec(&token).expect("a token is plain JSON"))
    }

    fn decode(text: &str) -> Result<Self, Failure> {
        let invalid = |why: String| {
            Failure::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = BASE64.decode(text).map_err(|error| {
            let offset = match error {
                base64::DecodeError::InvalidByte(offset, _)
                | base64::DecodeError::InvalidLastSymbol(offset, _) => offset,
                _ => text.len(),
            };
            invalid(format!("illegal base64 data at input byte {offset}"))
        })?;
        let token: ContinueToken = serde_json::from_slice(&bytes).map_err(|error| {
            invalid(crate::go_json::syntax_error(&bytes).unwrap_or_else(|| error.to_string()))
        })?;
        if token.v != "meta.k8s.io/v1" {
            return Err(invalid(format!("server does not recognize this encoded version \"{}\"", token.v)));
        }
        if token.rv == 0 {
            return Err(invalid(
                "incorrect encoded start resourceVersion (version meta.k8s.io/v1)".to_owned(),
            ));
        }
        if token.start.is_empty() {
            return Err(invalid("encoded start key empty (version meta.k8s.io/v1)".to_owned()));
        }
        Ok(Self { revision: u64::try_from(token.rv).ok(), start: token.start })
    }
}

fn selection(query: &Query, resource: &Resource) -> Result<Selection, Failure> {
    let labels = parse_labels(query.text("labelSelector")).map_err(Failure::bad_request)?;
    let fields = parse_fields(query.text("fieldSelector")).map_err(Failure::bad_request)?;
    for requirement in &fields {
        if !resource.selectable_fields.contains(&requirement.path) {
            return Err(Failure::bad_request(unknown_field(resource, &requirement.path)));
        }
    }
    Ok(Selection { labels, fields })
}

/// The message for a field that cannot be selected by.
fn unknown_field(resource: &Resource, path: &str) -> String {
    let only_names =
        resource.selectable_fields.iter().all(|f| f == "metadata.name" || f == "metadata.namespace");
    if only_names && !resource.is_custom() {
        format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    } else if resource.group == "batch" {
        format!("field label {path:?} not supported for Job")
    } else {
        format!("field label not supported: {path}")
    }
}

/// Reads a revision as the real server parses it; empty is 0.
pub(crate) fn parse_revision(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        format!(
            "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        )
    })
}

impl ListOptions {
    /// Reads the options of a list.
    pub(crate) fn parse(query: &Query, resource: &Resource) -> Result<Self, Failure> {
        let limit = query.integer("limit")?;
        query.integer("timeoutSeconds")?;
        let version = query.text("resourceVersion");
        let version_match = query.text("resourceVersionMatch");
        let token = query.text("continue");
        let mut causes = Vec::new();
        let forbidden = |message: &str| {
            Cause::new("FieldValueForbidden", "resourceVersionMatch", format!("Forbidden: {message}"))
        };
        if !version_match.is_empty() {
            if version.is_empty() {
                causes
                    .push(forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"));
            }
            if !token.is_empty() {
                causes.push(forbidden("resourceVersionMatch is forbidden when continue is provided"));
            }
            if !matches!(version_match, "Exact" | "NotOlderThan") {
                causes.push(Cause::new(
                    "FieldValueNotSupported",
                    "resourceVersionMatch",
                    format!("Unsupported value: {version_match:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""),
                ));
            }
            if version_match == "Exact" && version == "0" {
                causes
                    .push(forbidden("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
            }
        }
        if query.first("sendInitialEvents").is_some() {
            causes.push(Cause::new(
                "FieldValueForbidden",
                "sendInitialEvents",
                "Forbidden: sendInitialEvents is forbidden for list",
            ));
        }
        if !causes.is_empty() {
            return Err(Failure::invalid(META_GROUP, "ListOptions", "", &causes));
        }
        let selection = selection(query, resource)?;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let from = if token.is_empty() {
            None
        } else {
            let from = Continue::decode(token)?;
            if !version.is_empty() && version != "0" {
                return Err(Failure::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            Some(from)
        };
        let revision = parse_revision(version)
            .map_err(|why| Failure::bad_request(format!("invalid resource version: {why}")))?;
        let at = match (version_match, version) {
            (_, "0") => ListAt::Any,
            _ if from.is_some() => ListAt::Latest,
            (_, "") => ListAt::Latest,
            ("Exact", _) => ListAt::Exact(revision),
            ("NotOlderThan", _) => ListAt::NotOlderThan(revision),
            _ if limit.is_some() => ListAt::Exact(revision),
            _ => ListAt::NotOlderThan(revision),
        };
        Ok(Self { selection, limit, at, from })
    }
}

impl WatchOptions {
    /// Reads the options of a watch.
    pub(crate) fn parse(query: &Query, resource: &Resource) -> Result<Self, Failure> {
        let timeout = query.integer("timeoutSeconds")?;
        query.integer("limit")?;
        let version = query.text("resourceVersion");
        let version_match = query.text("resourceVersionMatch");
        let initial = query.flag("sendInitialEvents");
        let mut causes = Vec::new();
        let mut forbidden = |message: &str| {
            causes.push(Cause::new(
                "FieldValueForbidden",
                "resourceVersionMatch",
                format!("Forbidden: {message}"),
            ));
        };
        if initial.is_some() {
            if version_match != "NotOlderThan" {
                forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
            }
            if !matches!(version_match, "" | "NotOlderThan") {
                causes.push(Cause::new(
                    "FieldValueNotSupported",
                    "resourceVersionMatch",
                    format!("Unsupported value: {version_match:?}: supported values: \"NotOlderThan\""),
                ));
            }
        } else if !version_match.is_empty() {
            forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !causes.is_empty() {
            return Err(Failure::invalid(META_GROUP, "ListOptions", "", &causes));
        }
        let selection = selection(query, resource)?;
        let revision = parse_revision(version).map_err(Failure::unknown)?;
        let from = match (initial, revision) {
            (Some(true), _) | (None, 0) => WatchFrom::State,
            (Some(false), 0) => WatchFrom::Now,
            (_, revision) => WatchFrom::Revision(revision),
        };
        Ok(Self {
            selection,
            from,
            bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            mark_initial_end: initial == Some(true),
            not_older_than: if initial == Some(true) { revision } else { 0 },
            timeout_seconds: timeout
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0),
        })
    }
}

/// Options of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_manager: String,
    /// The request named its manager; otherwise it is that of its user agent.
    pub(crate) manager_given: bool,
    pub(crate) field_validation: FieldValidation,
    /// The request said how fields are validated.
    pub(crate) validation_given: bool,
    pub(crate) force: Option<bool>,
}

impl WriteOptions {
    /// Reads the options of a write; `kind` is the options' own kind, for errors.
    pub(crate) fn parse(query: &Query, headers: &HeaderMap, kind: &str) -> Result<Self, Failure> {
        let mut causes = Vec::new();
        let dry_run = dry_run(query.all("dryRun"), &mut causes);
        let manager = query.text("fieldManager");
        check_manager(manager, &mut causes);
        let validation = query.text("fieldValidation");
        let field_validation = match validation {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                causes.push(Cause::new(
                    "FieldValueNotSupported",
                    "fieldValidation",
                    format!(
                        "Unsupported value: {other:?}: supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
                    ),
                ));
                FieldValidation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(Failure::invalid(META_GROUP, kind, "", &causes));
        }
        let field_manager = if manager.is_empty() { manager_of_agent(headers) } else { manager.to_owned() };
        Ok(Self {
            dry_run,
            field_manager,
            manager_given: !manager.is_empty(),
            field_validation,
            validation_given: !validation.is_empty(),
            force: query.flag("force"),
        })
    }
}

impl WriteOptions {
    /// Returns the options as reviews show them.
    pub(crate) fn shown(&self, kind: &str) -> Value {
        let mut shown = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
        if self.dry_run {
            shown["dryRun"] = json!(["All"]);
        }
        if self.manager_given {
            shown["fieldManager"] = self.field_manager.clone().into();
        }
        if self.validation_given {
            shown["fieldValidation"] = match self.field_validation {
                FieldValidation::Ignore => "Ignore",
                FieldValidation::Warn => "Warn",
                FieldValidation::Strict => "Strict",
            }
            .into();
        }
        shown
    }
}

fn dry_run<'a>(values: impl Iterator<Item = &'a str>, causes: &mut Vec<Cause>) -> bool {
    let values: Vec<&str> = values.collect();
    if values.iter().all(|value| *value == "All") {
        return !values.is_empty();
    }
    let shown: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    causes.push(Cause::new(
        "FieldValueNotSupported",
        "dryRun",
        format!("Unsupported value: [{}]: supported values: \"All\"", shown.join(",")),
    ));
    false
}

fn check_manager(manager: &str, causes: &mut Vec<Cause>) {
    const LIMIT: usize = 128;
    if manager.len() > LIMIT {
        causes.push(Cause::new(
            "FieldValueTooLong",
            "fieldManager",
            format!("Too long: may not be more than {LIMIT} bytes"),
        ));
    }
    if let Some((index, character)) = manager.char_indices().find(|(_, c)| c.is_control()) {
        causes.push(Cause::new(
            "FieldValueInvalid",
            "fieldManager",
            format!(
                "Invalid value: {}: invalid character U+{:04X} (at position {index})",
                quote(manager),
                u32::from(character)
            ),
        ));
    }
}

/// Returns the field manager of a request that names none: the program in its user agent.
fn manager_of_agent(headers: &HeaderMap) -> String {
    let agent =
        headers.get(http::header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let program = agent.split('/').next().unwrap_or_default();
    if program.is_empty() { "unknown".to_owned() } else { program.chars().take(128).collect() }
}

/// How dependents are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// Options of a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace_period: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    /// The old way to ask for a propagation, as the request had it.
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    /// Returns the options as reviews show them.
    pub(crate) fn shown(&self) -> Value {
        let mut shown = json!({"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"});
        if self.dry_run {
            shown["dryRun"] = json!(["All"]);
        }
        if let Some(seconds) = self.grace_period {
            shown["gracePeriodSeconds"] = seconds.into();
        }
        if let Some(orphan) = self.orphan_dependents {
            shown["orphanDependents"] = orphan.into();
        } else if let Some(propagation) = self.propagation {
            shown["propagationPolicy"] = match propagation {
                Propagation::Background => "Background",
                Propagation::Foreground => "Foreground",
                Propagation::Orphan => "Orphan",
            }
            .into();
        }
        for (key, value) in [("uid", &self.uid), ("resourceVersion", &self.resource_version)] {
            if let Some(value) = value {
                shown["preconditions"][key] = value.clone().into();
            }
        }
        shown
    }

    /// A deletion whose dependents go later.
    pub(crate) fn background() -> Self {
        Self { propagation: Some(Propagation::Background), ..Self::default() }
    }

    /// Reads the options of a deletion: of the body, or of the query when there is no body.
    pub(crate) fn parse(query: &Query, headers: &HeaderMap, body: &Bytes) -> Result<Self, Failure> {
        let mut causes = Vec::new();
        let text;
        let mut options = Self::default();
        let orphan;
        let propagation = if body.is_empty() {
            options.grace_period = query.integer("gracePeriodSeconds")?;
            options.dry_run = dry_run(query.all("dryRun"), &mut causes);
            orphan = query.flag("orphanDependents");
            query.text("propagationPolicy")
        } else {
            let value = parse_options(headers, body)?;
            options.grace_period = integer(&value, "gracePeriodSeconds")?;
            let dry: Vec<&str> = value
                .get("dryRun")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            options.dry_run = dry_run(dry.into_iter(), &mut causes);
            // The options of a body count, but a dry run that is asked for anywhere is one.
            options.dry_run |= dry_run(query.all("dryRun"), &mut causes);
            orphan = value.get("orphanDependents").and_then(Value::as_bool);
            let preconditions = value.get("preconditions");
            let part = |key: &str| Some(preconditions?.get(key)?.as_str()?.to_owned());
            options.uid = part("uid");
            options.resource_version = part("resourceVersion");
            text = value.get("propagationPolicy").and_then(Value::as_str).unwrap_or_default().to_owned();
            text.as_str()
        };
        options.orphan_dependents = orphan;
        options.propagation = match propagation {
            "" => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
            "Background" => Some(Propagation::Background),
            "Foreground" => Some(Propagation::Foreground),
            "Orphan" => Some(Propagation::Orphan),
            _ => None,
        };
        if !propagation.is_empty() {
            if orphan.is_some() {
                causes.push(Cause::new(
                    "FieldValueInvalid",
                    "propagationPolicy",
                    format!("Invalid value: {propagation:?}: orphanDependents and deletionPropagation cannot be both set"),
                ));
            }
            if options.propagation.is_none() {
                causes.push(Cause::new(
                    "FieldValueNotSupported",
                    "propagationPolicy",
                    format!(
                        "Unsupported value: {propagation:?}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
                    ),
                ));
            }
        }
        if !causes.is_empty() {
            return Err(Failure::invalid(META_GROUP, "DeleteOptions", "", &causes));
        }
        Ok(options)
    }
}

fn integer(value: &Value, key: &str) -> Result<Option<i64>, Failure> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number.as_i64().map(Some).ok_or_else(|| {
            Failure::bad_request(format!("json: cannot unmarshal number {number} into Go struct field DeleteOptions.{key} of type int64"))
        }),
        Some(other) => {
            let found = match other {
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Array(_) => "array",
                _ => "object",
            };
            Err(Failure::bad_request(format!(
                "json: cannot unmarshal {found} into Go struct field DeleteOptions.{key} of type int64"
            )))
        }
    }
}

fn parse_options(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Failure> {
    let format = match body::media_type(headers).as_str() {
        "application/yaml" => Format::Yaml,
        "" | "application/json" => Format::Json,
        body::PROTOBUF => return decode_options(bytes),
        _ => {
            return Err(Failure::unsupported_media_type(
                "application/json, application/yaml, application/vnd.kubernetes.protobuf",
            ));
        }
    };
    let value = body::parse(bytes, format).map_err(|error| {
        Failure::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })?;
    match &value {
        Value::Object(_) => {}
        Value::Null => return Ok(Value::Object(serde_json::Map::new())),
        other => return Err(Failure::bad_request(body::wrong_top_level(other))),
    }
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let version = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if !kind.is_empty() && kind != OPTIONS_KIND {
        return Err(foreign_options(kind, version));
    }
    Ok(value)
}

fn decode_options(bytes: &Bytes) -> Result<Value, Failure> {
    let refused = |error: DecodeError| {
        Failure::bad_request(match error {
            DecodeError::NoEnvelope => {
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
                    .to_owned()
            }
            error => error.to_string(),
        })
    };
    let envelope = Envelope::open(bytes).map_err(refused)?;
    if envelope.is_empty() {
        return Err(Failure::bad_request("empty body"));
    }
    let (version, kind) = envelope.of_kind("v1", OPTIONS_KIND);
    if kind != OPTIONS_KIND {
        return Err(foreign_options(kind, version));
    }
    envelope.decode(("v1", OPTIONS_KIND)).map_err(refused)
}

fn foreign_options(kind: &str, version: &str) -> Failure {
    Failure::bad_request(format!(
        "no kind {kind:?} is registered for version {version:?} in scheme \"k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_token_reads_back() {
        for revision in [None, Some(7)] {
            let token = Continue { revision, start: "x\0".to_owned() };
            assert_eq!(Continue::decode(&token.encode()).unwrap(), token);
        }
        let failure = Continue::decode("garbage").unwrap_err();
        assert_eq!(
            failure.message,
            "invalid continue token: continue key is not valid: invalid character '\\x81' looking for beginning of value"
        );
    }

    #[test]
    fn the_body_of_a_deletion_wins_over_its_query() {
        let query = Query::parse(Some("propagationPolicy=Foreground"));
        let body = Bytes::from_static(b"{\"kind\":\"DeleteOptions\",\"propagationPolicy\":\"Orphan\"}");
        let options = DeleteOptions::parse(&query, &HeaderMap::new(), &body).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Orphan));
        let options = DeleteOptions::parse(&query, &HeaderMap::new(), &Bytes::new()).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Foreground));
    }

    #[test]
    fn the_manager_is_the_program_of_the_user_agent() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::USER_AGENT, "kubectl/v1.32 (linux)".parse().unwrap());
        let options = WriteOptions::parse(&Query::default(), &headers, "CreateOptions").unwrap();
        assert_eq!(options.field_manager, "kubectl");
        assert!(WriteOptions::parse(&Query::parse(Some("dryRun=x")), &headers, "CreateOptions").is_err());
    }
}
