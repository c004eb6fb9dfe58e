//! Running the steps of one scenario.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use karmada_apiserver::auth::FrontProxy;
use karmada_apiserver::{ApiServer, Controllers, ServerConfig};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::super::Outcome;
use super::hooks::{Hooks, call_differences, known_conversions};
use super::matching::differences;
use super::placeholder::{Bindings, Piece, split};
use super::request::{Answer, read, send};
use super::target::Target;
use super::watch::{Bookmarks, End, Watch};

/// How long a step with `retry` is repeated.
const RETRY: Duration = Duration::from_secs(20);
/// How long one step may take in all.
const STEP: Duration = Duration::from_mins(1);
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// What scenarios may need that this server has.
const SUPPORTED: [&str; 9] = [
    "admission-plugins",
    "aggregation",
    "apiserver-controllers",
    "compaction",
    "controllers",
    "crd",
    "requestheader",
    "timing",
    "webhooks",
];
/// What warnings of fields that nobody knows hold.
const UNKNOWN_FIELD: &str = "unknown field";
/// Headers that are compared when they were recorded.
const HEADERS: [&str; 6] = ["Content-Type", "Retry-After", "WWW-Authenticate", "Location", "Allow", "ETag"];
/// Last parts of paths that write an object under another path.
const SUBRESOURCES: [&str; 2] = ["/finalize", "/status"];
/// The documents that clients keep and ask for with an ETag; which kinds there are is the server's own matter.
const DISCOVERY: [&str; 3] = ["/api", "/apis", "/openapi/v3"];

/// Replays one scenario against a server of its own.
pub fn run(case: &Value) -> Outcome {
    if let Some(reason) = unsupported(case, &SUPPORTED) {
        return Outcome::Skipped(reason);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(replay(case)),
        Err(error) => Outcome::Failed(format!("cannot start a runtime: {error}")),
    }
}

/// Returns why a scenario cannot run on a server that offers `supported`.
pub fn unsupported(case: &Value, supported: &[&str]) -> Option<String> {
    let needs = case["needs"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let missing: Vec<&str> = needs.filter(|need| !supported.contains(need)).collect();
    if !missing.is_empty() {
        return Some(format!("needs {}", missing.join(", ")));
    }
    let steps = case["steps"].as_array()?;
    if steps.iter().any(|step| step["body"].get("$binary").is_some()) {
        return Some("the protobuf body of a request was not recorded".to_owned());
    }
    steps
        .iter()
        .any(|step| step.get("background").is_some())
        .then(|| "kubectl with steps in the background".to_owned())
}

async fn replay(case: &Value) -> Outcome {
    let needs_controllers =
        case["needs"].as_array().is_some_and(|needs| needs.iter().any(|need| need == "controllers"));
    let config = ServerConfig {
        name: "replay".to_owned(),
        controllers: if needs_controllers { Controllers::All } else { Controllers::ApiServer },
        front_proxy: Some(FrontProxy::default()),
        ..ServerConfig::default()
    };
    let server = match ApiServer::start(config).await {
        Ok(server) => server,
        Err(error) => return Outcome::Failed(format!("the server does not start: {error}")),
    };
    let outcome = replay_on(&Target::Embedded(server.clone()), case).await;
    server.shutdown().await;
    outcome
}

/// Replays one scenario against a server that others may use too.
pub async fn replay_on(target: &Target, case: &Value) -> Outcome {
    let name = case["name"].as_str().unwrap_or_default();
    let hooks = match case.get("webhooks").filter(|answers| answers.is_object()) {
        None => None,
        Some(answers) => match Hooks::start(answers).await {
            Ok(hooks) => Some(hooks),
            Err(error) => return Outcome::Failed(error),
        },
    };
    let mut bindings = Bindings::default();
    if let Some(hooks) = &hooks {
        hooks.bind(&mut bindings);
    }
    let mut scenario = Scenario {
        target,
        bindings,
        hooks,
        conversions: known_conversions(case),
        watches: BTreeMap::new(),
        revisions: BTreeMap::new(),
        metadata: BTreeMap::new(),
        renamed: Vec::new(),
        polled: BTreeSet::new(),
        token: None,
        bookmarks: if name.starts_with("bookmark-before-timeout") {
            Bookmarks::All
        } else {
            Bookmarks::EndOfInitialEvents
        },
    };
    let order = case["rvOrder"].as_array().cloned().unwrap_or_default();
    let mut outcome = Outcome::Passed;
    // Whether the rest of what one kubectl did is left out.
    let mut overtaken = false;
    for (index, step) in case["steps"].as_array().into_iter().flatten().enumerate() {
        if step["teardown"] == true {
            // A server of its own ends with the scenario.
            if target.is_shared() {
                // What cannot be cleaned up in time is left to the end of the server.
                drop(timeout(STEP, scenario.tear_down(step)).await);
            }
            continue;
        }
        overtaken &= step["by_kubectl"] == true;
        if outcome != Outcome::Passed || overtaken {
            continue;
        }
        let result = match timeout(STEP, scenario.step(step)).await {
            Ok(result) => result.and_then(|()| scenario.bindings.check_order(&order, &scenario.polled)),
            Err(_) => Err(format!("not over after {} s", STEP.as_secs())),
        };
        if result.is_err() && waits_for_end(step) {
            // The controllers were faster here: kubectl would have seen another moment.
            overtaken = true;
            continue;
        }
        if let Err(difference) = result {
            outcome = Outcome::Failed(format!("step {index}: {}\n{difference}", describe(step)));
        }
    }
    outcome
}

fn describe(step: &Value) -> String {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    if step.get("method").is_some() {
        let query = step.get("query").map(Value::to_string).unwrap_or_default();
        let body = step.get("body").map(Value::to_string).unwrap_or_default();
        let body: String = body.chars().take(300).collect();
        return format!("{} {} {query} {body}", text("method"), text("path"));
    }
    let text = step.to_string();
    text.chars().take(200).collect()
}

struct Scenario<'a> {
    target: &'a Target,
    bindings: Bindings,
    hooks: Option<Hooks>,
    /// The recorded reviews of conversions.
    conversions: Vec<Value>,
    watches: BTreeMap<String, Watch>,
    bookmarks: Bookmarks,
    /// The last revision seen at each path.
    revisions: BTreeMap<String, String>,
    /// The metadata last seen at each path.
    metadata: BTreeMap<String, Value>,
    /// Generated names that were recorded as they were, with those generated here.
    renamed: Vec<(String, String)>,
    /// Revisions that were waited for: the controllers' own writes, which come in no order.
    polled: BTreeSet<String>,
    /// The token of the last Secret that held one.
    token: Option<String>,
}

impl Scenario<'_> {
    /// Cleans up as far as it goes: what is gone already is no failure.
    async fn tear_down(&mut self, step: &Value) {
        if let Ok(response) = send(self.target, step, &self.bindings).await {
            drop(read(response).await);
        }
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        if step.get("method").is_some() {
            return self.request(step).await;
        }
        if let Some(name) = step["read_watch"].as_str() {
            let mut watch = self.watches.remove(name).ok_or_else(|| format!("{name} is not open"))?;
            let result = self.read_watch(&mut watch, &step["expect"]).await;
            self.watches.insert(name.to_owned(), watch);
            return result;
        }
        if let Some(name) = step["close_watch"].as_str() {
            self.watches.remove(name);
            return Ok(());
        }
        if step["control"] == "sleep" {
            sleep(Duration::from_millis(step["ms"].as_u64().unwrap_or_default())).await;
            return Ok(());
        }
        if step["control"] == "compact" {
            return self.target.compact();
        }
        if let Some(token) = step["decode_token"].as_str() {
            return self.decode_token(token, &step["expect"]);
        }
        if step.get("kubectl").is_some() {
            // The requests that it made follow.
            return Ok(());
        }
        Err("unknown kind of step".to_owned())
    }

    async fn request(&mut self, step: &Value) -> Result<(), String> {
        let waits =
            step["retry"] == true || is_poll(step) || (self.target.is_shared() && reads_definition(step));
        let patience = if waits { RETRY } else { Duration::ZERO };
        let late = Instant::now() + patience;
        loop {
            let mut bindings = self.bindings.clone();
            let result = self.request_once(step, &mut bindings).await;
            if result.is_ok() || Instant::now() >= late {
                if waits {
                    self.polled.extend(bindings.new_since(&self.bindings));
                }
                self.bindings = bindings;
                return result;
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn request_once(&mut self, step: &Value, bindings: &mut Bindings) -> Result<(), String> {
        let step = &self.with_known_times(self.with_current_revision(&self.with_generated_names(step)));
        let expect = &step["expect"];
        self.bind_by_context(step, bindings);
        let response = send(self.target, step, bindings).await?;
        if let Some(watch) = step["watch"].as_str()
            && response.status() == 200
        {
            let lines = header_differences(expect, response.status().as_u16(), response.headers(), bindings);
            fail_on(lines)?;
            let mut open = Watch::new(response.into_body(), self.bookmarks);
            if watch == "inline" {
                std::mem::swap(&mut self.bindings, bindings);
                let result = self.read_watch(&mut open, expect).await;
                std::mem::swap(&mut self.bindings, bindings);
                return result;
            }
            self.watches.insert(watch.to_owned(), open);
            return Ok(());
        }
        let answer = read(response).await?;
        let calls = self.call_differences(expect, bindings).await;
        if let (Some(path), Some(revision)) =
            (step["path"].as_str(), answer.body["metadata"]["resourceVersion"].as_str())
        {
            self.revisions.insert(path.to_owned(), revision.to_owned());
            self.metadata.insert(path.to_owned(), answer.body["metadata"].clone());
        }
        self.note(step, &answer);
        let mut lines = answer_differences(step, &answer, bindings);
        lines.extend(calls);
        fail_on(lines)
    }

    /// Returns how the webhooks were called, if not as recorded.
    async fn call_differences(&self, expect: &Value, bindings: &mut Bindings) -> Vec<String> {
        let Some(hooks) = &self.hooks else { return Vec::new() };
        let expected = expect["webhook_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
        call_differences(expected, hooks.take().await, &self.conversions, bindings)
    }

    /// Keeps what later steps mean without having bound it.
    fn note(&mut self, step: &Value, answer: &Answer) {
        let name = |body: &Value| body["metadata"]["name"].as_str().map(str::to_owned);
        if answer.body["metadata"]["generateName"].is_string()
            && let (Some(recorded), Some(generated)) = (name(&step["expect"]["body"]), name(&answer.body))
            && recorded != generated
            && !recorded.contains('$')
        {
            self.renamed.push((recorded, generated));
        }
        if let Some(token) = answer.body["data"]["token"].as_str() {
            let token = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            self.token = token.or(self.token.take());
        }
    }

    /// Replaces generated names that the recording has as literals.
    fn with_generated_names(&self, step: &Value) -> Value {
        let mut step = step.clone();
        for (recorded, generated) in &self.renamed {
            if let Some(path) = step["path"].as_str() {
                step["path"] = path.replace(recorded, generated).into();
            }
        }
        step
    }

    /// Binds placeholders of a request that stand for something which the transcript does not show.
    fn bind_by_context(&self, step: &Value, bindings: &mut Bindings) {
        let path = step["path"].as_str().unwrap_or_default();
        let texts = step["query"].as_object().into_iter().flat_map(|query| query.values());
        let texts = texts.chain([&step["path"], &step["auth"]["token"]]).filter_map(Value::as_str);
        for piece in texts.flat_map(split) {
            let Piece::Placeholder { kind, name } = piece else { continue };
            let known = match kind {
                // Of a list that was not kept.
                "LRV" | "RV" => self.revisions.get(path).cloned(),
                "JWT" => self.token.clone(),
                "NAME" => self.renamed.last().map(|(_, generated)| generated.clone()),
                _ => None,
            };
            if let (None, Some(known)) = (bindings.value(&name), known) {
                bindings.bind(kind, &name, &known);
            }
        }
    }

    /// Replaces a revision that a JSON patch of kubectl asks for: the recording has it as a literal.
    fn with_current_revision(&self, step: &Value) -> Value {
        let mut step = step.clone();
        let Some(revision) = step["path"].as_str().and_then(|path| self.revisions.get(path)) else {
            return step;
        };
        if step["by_kubectl"] == true
            && let Some(operations) = step["body"].as_array_mut()
        {
            for operation in operations.iter_mut().filter(|o| o["path"] == "/metadata/resourceVersion") {
                operation["value"] = Value::from(revision.as_str());
            }
        }
        step
    }

    /// Fills in the times of the object that a PUT replaces: another time would be a change.
    fn with_known_times(&self, mut step: Value) -> Value {
        let path = step["path"].as_str().unwrap_or_default();
        let path = SUBRESOURCES.iter().find_map(|name| path.strip_suffix(name)).unwrap_or(path);
        let Some(known) = self.metadata.get(path) else { return step };
        for field in ["creationTimestamp", "deletionTimestamp"] {
            if let Some(time) = step.pointer_mut(&format!("/body/metadata/{field}"))
                && *time == "$TIME"
                && known[field].is_string()
            {
                *time = known[field].clone();
            }
        }
        step
    }

    async fn read_watch(&mut self, watch: &mut Watch, expect: &Value) -> Result<(), String> {
        let mut expected = expect["watch"].as_array().cloned().unwrap_or_default();
        let end = if expect["end"] == true { End::Expected } else { End::NotExpected };
        let mut delivery = watch.read(expected.len(), end).await?;
        if expect["unordered"] == true {
            sort_by_name(&mut delivery.events);
            sort_by_name(&mut expected);
        }
        let mut got = delivery.events;
        if expect["partial"] == true && got.len() > 2 {
            got.drain(1..got.len() - 1);
        }
        let mut lines = differences(&Value::Array(expected), &Value::Array(got), &mut self.bindings);
        if end == End::Expected && !delivery.ended {
            lines.push("the server did not end the watch".to_owned());
        }
        fail_on(lines)
    }

    fn decode_token(&mut self, token: &str, expect: &Value) -> Result<(), String> {
        let token = self.bindings.fill_text(token);
        let mut parts = token.split('.').map(|part| {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|error| format!("token: {error}"))?;
            serde_json::from_slice::<Value>(&bytes).map_err(|error| format!("token: {error}"))
        });
        let mut next = || parts.next().unwrap_or_else(|| Err("the token has too few parts".to_owned()));
        let (header, claims) = (next()?, next()?);
        let mut expected = expect["header"].clone();
        if let Some(algorithm) = expected.get_mut("alg") {
            // It belongs to the key that the server was given.
            *algorithm = header["alg"].clone();
        }
        let mut lines = differences(&expected, &header, &mut self.bindings);
        lines.extend(differences(&expect["claims"], &claims, &mut self.bindings));
        if let Some(expected) = expect["lifetime_seconds"].as_i64() {
            let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
            if lifetime != Some(expected) {
                lines.push(format!("lifetime: expected {expected} s, got {lifetime:?}"));
            }
        }
        fail_on(lines)
    }
}

/// Whether kubectl looks at an object that others are about to remove.
fn waits_for_end(step: &Value) -> bool {
    let body = &step["expect"]["body"];
    let ends = |object: &Value| object["metadata"]["deletionTimestamp"].is_string();
    step["by_kubectl"] == true && step["method"] == "GET" && (ends(body) || ends(&body["items"][0]))
}

/// Whether kubectl asks until an object is gone; only the last answer was recorded.
fn is_poll(step: &Value) -> bool {
    step["by_kubectl"] == true && step["method"] == "GET" && step["expect"]["status"] == 404
}

/// Whether kubectl reads what follows a new CustomResourceDefinition; when a real server shows it is not recorded.
fn reads_definition(step: &Value) -> bool {
    let path = step["path"].as_str().unwrap_or_default();
    step["by_kubectl"] == true
        && step["method"] == "GET"
        && (path.contains("/customresourcedefinitions") || path.starts_with("/openapi/"))
}

fn fail_on(lines: Vec<String>) -> Result<(), String> {
    if lines.is_empty() { Ok(()) } else { Err(lines.join("\n")) }
}

fn sort_by_name(events: &mut [Value]) {
    events.sort_by_key(|event| {
        let metadata = &event["object"]["metadata"];
        // Bookmarks have no name; they come last.
        (event["type"] == "BOOKMARK", metadata["name"].as_str().map(str::to_owned))
    });
}

fn answer_differences(step: &Value, answer: &Answer, bindings: &mut Bindings) -> Vec<String> {
    let (expect, path) = (&step["expect"], step["path"].as_str().unwrap_or_default());
    let is_discovery = path.starts_with("/openapi/") || DISCOVERY.contains(&path);
    let is_cached = is_discovery && step["by_kubectl"] == true && expect["status"] == 304;
    if is_cached || (path.starts_with("/openapi/") && step["by_kubectl"] == true) {
        // Whether kubectl has the document already, and under which hash, is its own matter.
        let ok = matches!(answer.status, 200 | 301 | 304);
        return if ok {
            Vec::new()
        } else {
            vec![format!("status: expected 200, 301 or 304, got {}", answer.status)]
        };
    }
    let mut lines = header_differences(expect, answer.status, &answer.headers, bindings);
    // These depend on the set of kinds and on the build.
    let is_free = matches!(path, "/" | "/version" | "/version/");
    let Some(expected) = expect.get("body") else { return lines };
    if expected.get("$binary").is_some() {
        // Only how it starts was recorded; the codec has its own tests.
        let enveloped = answer.body.as_str().is_some_and(|text| text.starts_with("k8s\0"));
        if !enveloped {
            lines.push(format!("/: expected an enveloped message, got {}", answer.body));
        }
    } else if !is_free {
        let body = if path.starts_with("/openapi/") {
            without_descriptions(&answer.body)
        } else {
            answer.body.clone()
        };
        lines.extend(differences(expected, &body, bindings));
    }
    if !lines.is_empty() {
        let message = answer.body["message"].as_str().filter(|_| answer.body["kind"] == "Status");
        lines.extend(message.filter(|_| answer.status >= 400).map(|message| format!("message: {message}")));
    }
    lines
}

/// Drops the descriptions of an OpenAPI document; they were not recorded.
fn without_descriptions(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(without_descriptions).collect()),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, value)| *key != "description" || !value.is_string());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_descriptions(value))).collect())
        }
        other => other.clone(),
    }
}

fn is_literal(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.contains('$'))
}

fn header_differences(
    expect: &Value,
    status: u16,
    headers: &HeaderMap,
    bindings: &mut Bindings,
) -> Vec<String> {
    let mut lines = Vec::new();
    if expect["status"].as_u64() != Some(u64::from(status)) {
        lines.push(format!("status: expected {}, got {status}", expect["status"]));
    }
    let Some(expected) = expect["headers"].as_object() else { return lines };
    for name in HEADERS {
        let Some(expected) = expected.get(name) else { continue };
        // Legitimately different: it stands for the set of kinds.
        if name == "ETag" && is_literal(expected) {
            continue;
        }
        let got = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        lines.extend(
            differences(expected, &Value::from(got), bindings)
                .into_iter()
                .map(|line| format!("header {name}{line}")),
        );
    }
    let mut warnings: Vec<Value> =
        headers.get_all("Warning").iter().filter_map(|value| value.to_str().ok()).map(Value::from).collect();
    let mut expected = expected.get("Warning").and_then(Value::as_array).cloned().unwrap_or_default();
    if expected.iter().any(|warning| warning.to_string().contains(UNKNOWN_FIELD)) {
        // The fields are found in the order of a hash table.
        expected.sort_by_cached_key(Value::to_string);
        warnings.sort_by_cached_key(Value::to_string);
    }
    let found = differences(&Value::Array(expected), &Value::Array(warnings), bindings);
    lines.extend(found.into_iter().map(|line| format!("header Warning{line}")));
    lines
}
