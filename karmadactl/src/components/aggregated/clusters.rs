//! The verbs: what a request for Clusters asks of the API server that keeps them.
//!
//! Reads, watches and deletions go on as they are. What is written is completed and checked here, against the Cluster
//! as it is, and written on the condition that it still is so.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use karmada_apiserver::http::Failure;
use karmada_apiserver::http::failure::Cause;
use karmada_core::admission::{AdmissionDenied, AdmissionInput, Operation, Related, TaintPolicyRule, admit};
use karmada_core::api::FeatureGates;
use karmada_core::api::cluster::Cluster;
use karmada_core::api::cluster::constants::GROUP;
use serde_json::{Value, json};

use super::lines;
use super::negotiation::{BodyForm, accept, body_form};
use super::patching::patched;
use super::storage::{Answer, Call, Storage, read};
use super::translation::to_stored;

const PLURAL: &str = "clusters";
const STATUS: &str = "status";
/// How often a write is tried again when others write at the same time.
const TRIES: usize = 5;
/// Letters of generated names.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A request for Clusters by somebody who may make it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Empty for all Clusters.
    pub(super) name: String,
    /// Empty, or `status`.
    pub(super) subresource: &'static str,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Asked {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    fn is_watch(&self) -> bool {
        matches!(self.parameter("watch"), Some("true" | "1" | ""))
    }

    fn is_dry_run(&self) -> bool {
        self.parameter("dryRun").is_some_and(|value| !value.is_empty())
    }

    /// What is asked of the API server for it, by another method and with another body.
    fn call(&self, method: Method, body: &Value) -> Result<Call, Failure> {
        let mut headers = self.passed_on()?;
        let body = if body.is_null() {
            Vec::new()
        } else {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body.to_string().into_bytes()
        };
        Ok(Call {
            method,
            name: self.name.clone(),
            subresource: self.subresource,
            query: self.query.clone(),
            headers,
            body,
        })
    }

    /// The headers that the API server has to know: who writes is told by the name of the program.
    fn passed_on(&self) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept(&self.headers)?);
        if let Some(agent) = self.headers.get(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        Ok(headers)
    }
}

/// Clusters, kept elsewhere.
#[derive(Clone)]
pub(super) struct Clusters {
    storage: Storage,
    gates: FeatureGates,
}

impl Clusters {
    /// Serves what is kept there, valid under these features.
    pub(super) fn new(storage: Storage, gates: FeatureGates) -> Self {
        Self { storage, gates }
    }

    /// Reads a Cluster as it is served.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Value>, Failure> {
        self.storage.find(name).await
    }

    /// Reads, lists and watches.
    pub(super) async fn get(&self, asked: &Asked) -> Result<Response<Body>, Failure> {
        let response = self.storage.send(asked.call(Method::GET, &Value::Null)?).await?;
        if asked.is_watch() && response.status().is_success() {
            let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/json"));
            let body = lines::translated(response.into_body());
            return Ok(([(header::CONTENT_TYPE, content_type)], body).into_response());
        }
        Ok(respond(read(response).await?))
    }

    /// Makes a Cluster.
    pub(super) async fn create(&self, asked: &Asked) -> Result<Response<Body>, Failure> {
        let mut object = decode(asked)?;
        generate_name(&mut object);
        let object = self.admitted(Operation::Create, &object, None)?;
        Ok(respond(self.storage.ask(asked.call(Method::POST, &to_stored(object))?).await?))
    }

    /// Changes a Cluster, or its status, to what was sent.
    pub(super) async fn update(&self, asked: &Asked) -> Result<Response<Body>, Failure> {
        let object = decode(asked)?;
        let is_conditional = version(&object).is_some();
        let mut answer = self.replace(asked, object.clone()).await?;
        for _ in 1..TRIES {
            if is_conditional || !answer.is_refusal("Conflict") {
                break;
            }
            answer = self.replace(asked, object.clone()).await?;
        }
        Ok(respond(answer))
    }

    async fn replace(&self, asked: &Asked, mut object: Value) -> Result<Answer, Failure> {
        let is_status = asked.subresource == STATUS;
        if is_status && version(&object).is_some() {
            return self.storage.ask(asked.call(Method::PUT, &to_stored(object))?).await;
        }
        let old = self.existing(&asked.name).await?;
        if version(&object).is_none() {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        }
        if !is_status {
            object = self.admitted(Operation::Update, &object, Some(&old))?;
        }
        self.storage.ask(asked.call(Method::PUT, &to_stored(object))?).await
    }

    /// Changes a Cluster, or its status, by a patch.
    pub(super) async fn patch(&self, asked: &Asked) -> Result<Response<Body>, Failure> {
        let form = body_form(&asked.headers)?;
        if matches!(form, BodyForm::Json | BodyForm::Yaml) {
            return Err(Failure::unsupported_patch());
        }
        let patch = if form == BodyForm::Apply { parse_yaml(&asked.body)? } else { parse_json(&asked.body)? };
        if form == BodyForm::Apply {
            return if asked.subresource == STATUS {
                let mut call = asked.call(Method::PATCH, &to_stored(patch))?;
                call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(APPLY));
                Ok(respond(self.storage.ask(call).await?))
            } else {
                self.apply(asked, patch).await
            };
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let old = self.existing(&asked.name).await?;
            let object = patched(&old, form, &patch)?;
            // Who names a version wants the change of that one.
            let is_conditional = version(&object) != version(&old);
            let object = if asked.subresource == STATUS {
                object
            } else {
                self.admitted(Operation::Update, &object, Some(&old))?
            };
            let answer = self.storage.ask(asked.call(Method::PUT, &to_stored(object))?).await?;
            if is_conditional || tries >= TRIES || !answer.is_refusal("Conflict") {
                return Ok(respond(answer));
            }
        }
    }

    /// Applies a configuration: the API server merges it and knows who owns what.
    ///
    /// It is tried out first, to see what it comes to. Where that needs to be completed, the whole object is written, and
    /// then who owns its fields as the trial said.
    async fn apply(&self, asked: &Asked, configuration: Value) -> Result<Response<Body>, Failure> {
        let configuration = to_stored(configuration);
        let mut tries = 0;
        loop {
            tries += 1;
            let old = self.storage.find(&asked.name).await?;
            let mut trial = asked.call(Method::PATCH, &configuration)?;
            trial.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(APPLY));
            trial.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
            if !asked.is_dry_run() {
                trial.query = with_parameter(&asked.query, "dryRun=All");
            }
            let merged = self.storage.ask(trial).await?;
            if !merged.status.is_success() {
                return Ok(respond(merged));
            }
            let operation = if old.is_some() { Operation::Update } else { Operation::Create };
            let completed = self.admitted(operation, &merged.document, old.as_ref())?;
            if asked.is_dry_run() {
                return Ok(respond(Answer { document: completed, ..merged }));
            }
            let answer = if completed["spec"] == merged.document["spec"] && old.is_some() {
                self.apply_as_it_is(asked, &configuration, old.as_ref()).await?
            } else {
                self.write_with_owners(asked, completed, &merged.document, old.as_ref()).await?
            };
            let is_disturbed =
                answer.is_refusal("Conflict") || (old.is_none() && answer.is_refusal("AlreadyExists"));
            if tries >= TRIES || !is_disturbed || version(&configuration).is_some() {
                return Ok(respond(answer));
            }
        }
    }

    async fn apply_as_it_is(
        &self,
        asked: &Asked,
        configuration: &Value,
        old: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let mut configuration = configuration.clone();
        if let Some(old) = old
            && version(&configuration).is_none()
        {
            // What was tried out is what comes of it.
            configuration["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        }
        let mut call = asked.call(Method::PATCH, &configuration)?;
        call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(APPLY));
        self.storage.ask(call).await
    }

    async fn write_with_owners(
        &self,
        asked: &Asked,
        mut object: Value,
        merged: &Value,
        old: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let owners = merged["metadata"]["managedFields"].clone();
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("managedFields");
            // A trial of a creation has neither: they are given when it is real.
            if old.is_none() {
                metadata.remove("uid");
                metadata.remove("creationTimestamp");
                metadata.remove("resourceVersion");
            }
        }
        if let Some(old) = old {
            object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
        }
        let method = if old.is_some() { Method::PUT } else { Method::POST };
        let mut call = asked.call(method, &to_stored(object))?;
        call.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if old.is_none() {
            call.name.clear();
        }
        let written = self.storage.ask(call).await?;
        if !written.status.is_success() {
            return Ok(written);
        }
        let mut owned = written.document.clone();
        owned["metadata"]["managedFields"] = owners;
        let call = asked.call(Method::PUT, &to_stored(owned))?;
        let answer = self.storage.ask(call).await?;
        // Somebody else has written since then, and owns what he wrote: nothing of the configuration is lost.
        if answer.is_refusal("Conflict") {
            return Ok(written);
        }
        Ok(Answer {
            status: if answer.status.is_success() { written.status } else { answer.status },
            ..answer
        })
    }

    /// Deletes a Cluster, or those that are selected.
    pub(super) async fn delete(&self, asked: &Asked) -> Result<Response<Body>, Failure> {
        let mut call = asked.call(Method::DELETE, &Value::Null)?;
        let content_type = asked.headers.get(header::CONTENT_TYPE).cloned();
        call.body = match serde_json::from_slice::<Value>(&asked.body) {
            Ok(options) => to_stored(options).to_string().into_bytes(),
            // Options in another form name no version of ours.
            Err(_) => asked.body.clone(),
        };
        if let Some(content_type) = content_type.filter(|_| !call.body.is_empty()) {
            call.headers.insert(header::CONTENT_TYPE, content_type);
        }
        Ok(respond(self.storage.ask(call).await?))
    }

    async fn existing(&self, name: &str) -> Result<Value, Failure> {
        self.storage.find(name).await?.ok_or_else(|| Failure::not_found(GROUP, PLURAL, name))
    }

    /// Returns a Cluster as it may be written.
    fn admitted(&self, operation: Operation, object: &Value, old: Option<&Value>) -> Result<Value, Failure> {
        let input = AdmissionInput {
            operation,
            group: GROUP,
            kind: Cluster::KIND,
            subresource: "",
            object,
            old_object: old,
            namespace: "",
            gates: &self.gates,
            taint_policies: TaintPolicyRule::default(),
            related: Related::default(),
            uuid: "",
            now: jiff::Timestamp::now(),
        };
        admit(&input).map_err(|denied| refusal(denied, object))
    }
}

const APPLY: &str = "application/apply-patch+yaml";

/// Returns the version of an object, if it names one.
fn version(object: &Value) -> Option<&str> {
    object["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty())
}

fn with_parameter(query: &str, parameter: &str) -> String {
    if query.is_empty() { parameter.to_owned() } else { format!("{query}&{parameter}") }
}

fn parse_json(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("the body is not JSON: {error}")))
}

fn parse_yaml(body: &[u8]) -> Result<Value, Failure> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = std::str::from_utf8(body).map_err(|_| Failure::bad_request("the body is not text"))?;
    serde_saphyr::from_str(text)
        .map_err(|error| Failure::bad_request(format!("the body is not YAML: {error}")))
}

/// Reads the Cluster in a body.
fn decode(asked: &Asked) -> Result<Value, Failure> {
    let mut object = match body_form(&asked.headers)? {
        BodyForm::Json => parse_json(&asked.body)?,
        BodyForm::Yaml => parse_yaml(&asked.body)?,
        _ => return Err(Failure::unsupported_media_type("application/json, application/yaml")),
    };
    if !object.is_object() || !(object["metadata"].is_object() || object["metadata"].is_null()) {
        return Err(Failure::bad_request("the body is no object"));
    }
    for (field, expected) in [("apiVersion", Cluster::API_VERSION), ("kind", Cluster::KIND)] {
        match object[field].as_str().unwrap_or_default() {
            "" => object[field] = expected.into(),
            said if said == expected => {}
            said => {
                let what = if field == "kind" { "kind" } else { "API version" };
                return Err(Failure::bad_request(format!(
                    "the {what} in the data ({said}) does not match the expected {what} ({expected})"
                )));
            }
        }
    }
    if object["metadata"].is_null() {
        object["metadata"] = json!({});
    }
    Ok(object)
}

/// Gives an object that wants a generated name one.
fn generate_name(object: &mut Value) {
    let metadata = &object["metadata"];
    let has_name = metadata["name"].as_str().is_some_and(|name| !name.is_empty());
    let Some(prefix) = metadata["generateName"].as_str().filter(|prefix| !has_name && !prefix.is_empty())
    else {
        return;
    };
    let random = uuid::Uuid::new_v4();
    let letters =
        random.as_bytes().iter().take(5).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    let name: String = prefix.chars().chain(letters).collect();
    object["metadata"]["name"] = name.into();
}

fn refusal(denied: AdmissionDenied, object: &Value) -> Failure {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    if denied.code == 422 {
        let causes = denied.causes.into_iter().map(|cause| {
            let text = cause.to_string();
            // A cause names its field apart from its message.
            let message = text.strip_prefix(&format!("{}: ", cause.field)).unwrap_or(&text).to_owned();
            Cause::new(cause.type_.reason(), &cause.field, message)
        });
        let causes: Vec<Cause> = causes.collect();
        return Failure { message: denied.message, ..Failure::invalid(GROUP, Cluster::KIND, name, &causes) };
    }
    let code = StatusCode::from_u16(denied.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Failure { code, reason: denied.reason.into(), ..Failure::bad_request(denied.message) }
}

fn respond(answer: Answer) -> Response<Body> {
    let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (answer.status, content_type, answer.document.to_string()).into_response();
    response.headers_mut().extend(answer.headers);
    response
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;
    use karmada_apiserver::auth::UserInfo;
    use karmada_apiserver::{ApiServer, ServerConfig};

    use super::*;

    struct Fixture {
        server: ApiServer,
        clusters: Clusters,
    }

    impl Fixture {
        async fn new() -> Self {
            let server = ApiServer::start(ServerConfig::default()).await.unwrap();
            let storage = Storage::new(server.client(UserInfo::admin()));
            storage.install(Duration::from_secs(10)).await.unwrap();
            Self { server, clusters: Clusters::new(storage, FeatureGates::default()) }
        }

        async fn ask(
            &self,
            method: &str,
            name: &str,
            query: &str,
            content_type: &str,
            body: &Value,
        ) -> (u16, Value) {
            let mut asked = Asked { name: name.into(), query: query.into(), ..Asked::default() };
            asked.headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
            asked.headers.insert(header::USER_AGENT, HeaderValue::from_static("probe/v1"));
            asked.body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
            let clusters = &self.clusters;
            let response = match method {
                "POST" => clusters.create(&asked).await,
                "PUT" => clusters.update(&asked).await,
                "PATCH" => clusters.patch(&asked).await,
                "DELETE" => clusters.delete(&asked).await,
                _ => clusters.get(&asked).await,
            };
            match response {
                Ok(response) => {
                    let code = response.status().as_u16();
                    let bytes = response.into_body().collect().await.unwrap().to_bytes();
                    (code, serde_json::from_slice(&bytes).unwrap())
                }
                Err(failure) => (failure.code.as_u16(), failure.status()),
            }
        }
    }

    const JSON: &str = "application/json";

    fn cluster(name: &str) -> Value {
        json!({
            "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name},
            "spec": {"syncMode": "Push", "apiEndpoint": "https://127.0.0.1:1"},
        })
    }

    #[tokio::test]
    async fn clusters_are_completed_checked_and_served_under_their_own_name() {
        let fixture = Fixture::new().await;
        let (code, made) = fixture.ask("POST", "", "", JSON, &cluster("m1")).await;
        assert_eq!((code, &made["kind"]), (201, &json!("Cluster")), "{made}");
        assert_eq!(made["spec"]["resourceModels"].as_array().unwrap().len(), 9);
        assert_eq!(made["metadata"]["managedFields"][0]["apiVersion"], "cluster.karmada.io/v1alpha1");
        assert_eq!(made["metadata"]["managedFields"][0]["manager"], "probe");
        let (code, again) = fixture.ask("POST", "", "", JSON, &cluster("m1")).await;
        assert_eq!((code, &again["reason"]), (409, &json!("AlreadyExists")));
        assert_eq!(again["message"], "clusters.cluster.karmada.io \"m1\" already exists");
        let (_, list) = fixture.ask("GET", "", "", JSON, &Value::Null).await;
        assert_eq!((&list["kind"], list["items"].as_array().unwrap().len()), (&json!("ClusterList"), 1));
        let mut wrong = cluster("m2");
        wrong["spec"]["syncMode"] = "Sideways".into();
        let (code, refused) = fixture.ask("POST", "", "", JSON, &wrong).await;
        assert_eq!((code, &refused["details"]["kind"]), (422, &json!("Cluster")), "{refused}");
        assert!(
            refused["message"]
                .as_str()
                .unwrap()
                .starts_with("Cluster.cluster.karmada.io \"m2\" is invalid: spec.syncMode")
        );
        let (code, _) = fixture
            .ask(
                "DELETE",
                "m1",
                "",
                JSON,
                &json!({"kind": "DeleteOptions", "apiVersion": "cluster.karmada.io/v1alpha1"}),
            )
            .await;
        assert_eq!(code, 200);
        assert_eq!(fixture.ask("GET", "m1", "", JSON, &Value::Null).await.0, 404);
        fixture.server.shutdown().await;
    }

    #[tokio::test]
    async fn updates_need_no_version_and_keep_to_the_one_they_name() {
        let fixture = Fixture::new().await;
        let (_, made) = fixture.ask("POST", "", "", JSON, &cluster("m1")).await;
        let mut changed = cluster("m1");
        changed["spec"]["region"] = "north".into();
        let (code, written) = fixture.ask("PUT", "m1", "", JSON, &changed).await;
        assert_eq!((code, &written["metadata"]["generation"]), (200, &json!(2)), "{written}");
        changed["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
        let (code, refused) = fixture.ask("PUT", "m1", "", JSON, &changed).await;
        assert_eq!((code, &refused["reason"]), (409, &json!("Conflict")));
        assert!(
            refused["message"].as_str().unwrap().contains("clusters.cluster.karmada.io \"m1\""),
            "{refused}"
        );
        assert_eq!(fixture.ask("PUT", "m9", "", JSON, &cluster("m9")).await.0, 404);
        fixture.server.shutdown().await;
    }

    #[tokio::test]
    async fn what_a_patch_comes_to_is_checked() {
        let fixture = Fixture::new().await;
        fixture.ask("POST", "", "", JSON, &cluster("m1")).await;
        let patch = |provider: &str| json!({"spec": {"provider": provider}});
        for (form, body) in [
            ("application/merge-patch+json", patch("a")),
            ("application/strategic-merge-patch+json", patch("b")),
            (
                "application/json-patch+json",
                json!([{"op": "test", "path": "/kind", "value": "Cluster"}, {"op": "replace", "path": "/spec/provider", "value": "c"}]),
            ),
        ] {
            let (code, written) = fixture.ask("PATCH", "m1", "", form, &body).await;
            assert_eq!(code, 200, "{form}: {written}");
        }
        let (code, refused) =
            fixture.ask("PATCH", "m1", "", "application/merge-patch+json", &patch("not a label")).await;
        assert_eq!(code, 422, "{refused}");
        let (_, read) = fixture.ask("GET", "m1", "", JSON, &Value::Null).await;
        assert_eq!(read["spec"]["provider"], "c");
        fixture.server.shutdown().await;
    }

    #[tokio::test]
    async fn who_applies_owns_what_he_applied_and_defaults_stay() {
        let fixture = Fixture::new().await;
        let apply = "application/apply-patch+yaml";
        let mut wanted = cluster("m1");
        wanted["spec"]["region"] = "north".into();
        let (code, made) = fixture.ask("PATCH", "m1", "fieldManager=ann&force=true", apply, &wanted).await;
        assert_eq!(code, 201, "{made}");
        assert_eq!(made["spec"]["resourceModels"].as_array().unwrap().len(), 9);
        let owners = made["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(
            (owners.len(), &owners[0]["operation"], &owners[0]["manager"]),
            (1, &json!("Apply"), &json!("ann")),
            "{made}"
        );
        assert!(owners[0]["fieldsV1"]["f:spec"].get("f:resourceModels").is_none());
        // Doing it again changes nothing.
        let (code, again) = fixture.ask("PATCH", "m1", "fieldManager=ann", apply, &wanted).await;
        assert_eq!(
            (code, &again["metadata"]["resourceVersion"]),
            (200, &made["metadata"]["resourceVersion"]),
            "{again}"
        );
        // What is no longer applied goes, what nobody applied stays.
        wanted["spec"].as_object_mut().unwrap().remove("region");
        let (_, without) = fixture.ask("PATCH", "m1", "fieldManager=ann", apply, &wanted).await;
        assert!(without["spec"].get("region").is_none(), "{without}");
        assert_eq!(without["spec"]["resourceModels"].as_array().unwrap().len(), 9);
        // What has to be completed is, with the same owner.
        wanted["spec"]["taints"] = json!([{"key": "a", "effect": "NoExecute"}]);
        let (code, tainted) = fixture.ask("PATCH", "m1", "fieldManager=ann", apply, &wanted).await;
        assert_eq!(code, 200, "{tainted}");
        assert!(tainted["spec"]["taints"][0]["timeAdded"].is_string());
        assert_eq!(tainted["metadata"]["managedFields"].as_array().unwrap().len(), 1, "{tainted}");
        let (code, _) = fixture.ask("PATCH", "m1", "fieldManager=bob", apply, &json!({
            "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "m1"}, "spec": {"syncMode": "Pull"}
        })).await;
        assert_eq!(code, 409);
        fixture.server.shutdown().await;
    }

    #[test]
    fn bodies_are_clusters() {
        let asked = |body: &str| Asked { body: body.as_bytes().to_vec(), ..Asked::default() };
        assert_eq!(decode(&asked("{}")).unwrap()["kind"], "Cluster");
        for body in ["", "1", "[]", r#"{"kind": "Pod"}"#, r#"{"apiVersion": "v1"}"#, r#"{"metadata": 1}"#] {
            assert_eq!(decode(&asked(body)).unwrap_err().code, 400, "{body}");
        }
        let mut object = json!({"metadata": {"generateName": "m-"}});
        generate_name(&mut object);
        assert_eq!(object["metadata"]["name"].as_str().unwrap().len(), 7);
    }
}
