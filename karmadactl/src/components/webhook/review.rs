//! One admission review: a question of an API server, and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use karmada_core::admission::{
    AdmissionDenied, AdmissionInput, Operation, Related, RelatedKind, TaintPolicyRule, mutate, related,
    validate,
};
use karmada_core::api::FeatureGates;
use serde::Deserialize;
use serde_json::{Value, json};

use super::rules::{Phase, Rule};
use crate::api_error::ApiError;
use crate::embedded::{KarmadaAdmission, count_use};
use crate::error::chain_line;
use crate::raw;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Answers admission reviews.
#[derive(Clone)]
pub struct Reviewer {
    client: kube::Client,
    admission: KarmadaAdmission,
}

/// A body that is no review.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReviewError {
    #[error("the body is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("the body is no {KIND} of {API_VERSION}")]
    Kind,
    #[error("the review asks nothing that can be read")]
    Request(#[source] serde_json::Error),
    #[error("the review has no uid")]
    Uid,
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    uid: String,
    kind: Kind,
    #[serde(default)]
    sub_resource: String,
    operation: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    object: Value,
    #[serde(default)]
    old_object: Value,
}

#[derive(Clone, Debug, Deserialize)]
struct Kind {
    #[serde(default)]
    group: String,
    kind: String,
}

impl Request {
    /// Reads a review.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn read(body: &[u8]) -> Result<Self, ReviewError> {
        let mut review: Value = serde_json::from_slice(body).map_err(ReviewError::Json)?;
        if review["apiVersion"] != API_VERSION || review["kind"] != KIND {
            return Err(ReviewError::Kind);
        }
        let request = Self::deserialize(review["request"].take()).map_err(ReviewError::Request)?;
        if request.uid.is_empty() {
            return Err(ReviewError::Uid);
        }
        Ok(request)
    }
}

/// Something went wrong that has nothing to do with the object.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the webhook is about other objects than {kind} of group {group:?}")]
    Kind { group: String, kind: String },
    #[error("{0:?} is no operation that is reviewed")]
    Operation(String),
    #[error("cannot read {what}")]
    Read {
        what: &'static str,
        #[source]
        source: ApiError,
    },
    #[error("the changes cannot be written down")]
    Patch(#[source] serde_json::Error),
    #[error("the decision broke off")]
    Broken(#[source] tokio::task::JoinError),
}

impl AnswerError {
    fn code(&self) -> u16 {
        match self {
            Self::Kind { .. } | Self::Operation(_) => 400,
            _ => 500,
        }
    }
}

/// What was decided.
enum Decision {
    Allowed { patch: Option<Vec<u8>> },
    Denied(AdmissionDenied),
}

impl Reviewer {
    /// Answers by what is valid under these features; what else there is, is read by `client`.
    pub fn new(client: kube::Client, gates: FeatureGates, taint_policies: TaintPolicyRule) -> Self {
        Self { client, admission: KarmadaAdmission { gates, taint_policies } }
    }

    /// Answers a question: the whole review.
    pub(super) async fn answer(&self, rule: &'static Rule, request: Request) -> Value {
        let uid = request.uid.clone();
        let mut response = match self.decide(rule, request).await {
            Ok(Decision::Allowed { patch: None }) => json!({"allowed": true}),
            Ok(Decision::Allowed { patch: Some(patch) }) => {
                json!({"allowed": true, "patchType": "JSONPatch", "patch": STANDARD.encode(patch)})
            }
            Ok(Decision::Denied(denied)) => refusal(denied.code, denied.reason, &denied.explanation),
            Err(error) => {
                let code = error.code();
                let reason = if code == 400 { "BadRequest" } else { "InternalError" };
                if code == 500 {
                    tracing::error!(webhook = rule.name, error = chain_line(&error), "no decision");
                }
                refusal(code, reason, &chain_line(&error))
            }
        };
        response["uid"] = uid.into();
        json!({"apiVersion": API_VERSION, "kind": KIND, "response": response})
    }

    async fn decide(&self, rule: &'static Rule, request: Request) -> Result<Decision, AnswerError> {
        if !rule.is_about(&request.kind.group, &request.kind.kind) {
            let Kind { group, kind } = request.kind;
            return Err(AnswerError::Kind { group, kind });
        }
        let operation = match request.operation.as_str() {
            "CREATE" => Operation::Create,
            "UPDATE" => Operation::Update,
            "DELETE" => Operation::Delete,
            other => return Err(AnswerError::Operation(other.to_owned())),
        };
        let stored = match rule.phase {
            Phase::Mutating => Vec::new(),
            Phase::Validating => {
                let input = input(&self.admission, operation, &request, "");
                match related(&input) {
                    Some(kind) => self.stored(kind, &request.namespace).await?,
                    None => Vec::new(),
                }
            }
        };
        let admission = self.admission.clone();
        let phase = rule.phase;
        // Scripts are compiled, patterns tried: that is no work for the threads that answer.
        tokio::task::spawn_blocking(move || match phase {
            Phase::Mutating => mutation(&admission, operation, &request),
            Phase::Validating => Ok(validation(&admission, operation, &request, &stored)),
        })
        .await
        .map_err(AnswerError::Broken)?
    }

    /// Reads what a decision looks at besides the object.
    async fn stored(&self, kind: RelatedKind, namespace: &str) -> Result<Vec<Value>, AnswerError> {
        match kind {
            RelatedKind::Customizations => {
                self.list(
                    "/apis/config.karmada.io/v1alpha1/resourceinterpretercustomizations",
                    "the other customizations",
                )
                .await
            }
            RelatedKind::Quotas => {
                let quotas = format!(
                    "/apis/policy.karmada.io/v1alpha1/namespaces/{namespace}/federatedresourcequotas"
                );
                let mut quotas = self.list(&quotas, "the quotas of the namespace").await?;
                if !quotas.is_empty() {
                    let bindings =
                        format!("/apis/work.karmada.io/v1alpha2/namespaces/{namespace}/resourcebindings");
                    count_use(&mut quotas, &self.list(&bindings, "the bindings of the namespace").await?);
                }
                Ok(quotas)
            }
        }
    }

    async fn list(&self, path: &str, what: &'static str) -> Result<Vec<Value>, AnswerError> {
        let list =
            raw::read(&self.client, path).await.map_err(|source| AnswerError::Read { what, source })?;
        let items = list.and_then(|mut list| match list["items"].take() {
            Value::Array(items) => Some(items),
            _ => None,
        });
        Ok(items.unwrap_or_default())
    }
}

fn mutation(
    admission: &KarmadaAdmission,
    operation: Operation,
    request: &Request,
) -> Result<Decision, AnswerError> {
    let uuid = uuid::Uuid::new_v4().to_string();
    let mutated = match mutate(&input(admission, operation, request, &uuid)) {
        Ok(mutated) => mutated,
        Err(denied) => return Ok(Decision::Denied(denied)),
    };
    if mutated == request.object {
        return Ok(Decision::Allowed { patch: None });
    }
    let patch =
        serde_json::to_vec(&json_patch::diff(&request.object, &mutated)).map_err(AnswerError::Patch)?;
    Ok(Decision::Allowed { patch: Some(patch) })
}

fn validation(
    admission: &KarmadaAdmission,
    operation: Operation,
    request: &Request,
    stored: &[Value],
) -> Decision {
    let related = Related { customizations: stored, quotas: stored };
    match validate(&AdmissionInput { related, ..input(admission, operation, request, "") }) {
        Ok(_) => Decision::Allowed { patch: None },
        Err(denied) => Decision::Denied(denied),
    }
}

fn input<'a>(
    admission: &'a KarmadaAdmission,
    operation: Operation,
    request: &'a Request,
    uuid: &'a str,
) -> AdmissionInput<'a> {
    AdmissionInput {
        operation,
        group: &request.kind.group,
        kind: &request.kind.kind,
        subresource: &request.sub_resource,
        object: &request.object,
        old_object: Some(&request.old_object).filter(|old| !old.is_null()),
        namespace: &request.namespace,
        gates: &admission.gates,
        taint_policies: admission.taint_policies,
        related: Related::default(),
        uuid,
        now: jiff::Timestamp::now(),
    }
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({"allowed": false, "status": {"status": "Failure", "code": code, "reason": reason, "message": message}})
}

#[cfg(test)]
mod tests {
    use karmada_apiserver::auth::UserInfo;
    use karmada_apiserver::{ApiServer, ServerConfig};

    use super::*;

    fn review(operation: &str, kind: &str, object: &Value) -> Request {
        let group = object["apiVersion"].as_str().unwrap().split('/').next().unwrap();
        let (object, old) =
            if operation == "DELETE" { (&Value::Null, object) } else { (object, &Value::Null) };
        let review = json!({
            "apiVersion": API_VERSION, "kind": KIND,
            "request": {
                "uid": "u1", "operation": operation, "namespace": "default",
                "kind": {"group": group, "version": "v1alpha1", "kind": kind},
                "object": object, "oldObject": old,
            },
        });
        Request::read(review.to_string().as_bytes()).unwrap()
    }

    fn policy() -> Value {
        json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"resourceSelectors": [{"apiVersion": "v1", "kind": "ConfigMap"}]},
        })
    }

    async fn server() -> ApiServer {
        let config = ServerConfig { crds: karmada_core::api::crds(), ..ServerConfig::default() };
        ApiServer::start(config).await.unwrap()
    }

    async fn ask(server: &ApiServer, gates: &[(&str, bool)], path: &str, request: Request) -> Value {
        let gates = FeatureGates::from_names(gates.iter().copied()).unwrap();
        let client = server.client(UserInfo::admin());
        let reviewer = Reviewer::new(client, gates, TaintPolicyRule::default());
        let mut answer = reviewer.answer(Rule::at(path).unwrap(), request).await;
        assert_eq!(answer["response"]["uid"], "u1");
        answer["response"].take()
    }

    #[tokio::test]
    async fn a_policy_gets_its_defaults_by_a_patch() {
        let server = server().await;
        let request = review("CREATE", "PropagationPolicy", &policy());
        let answer = ask(&server, &[], "/mutate-propagationpolicy", request).await;
        assert_eq!((&answer["allowed"], &answer["patchType"]), (&json!(true), &json!("JSONPatch")));
        let patch = STANDARD.decode(answer["patch"].as_str().unwrap()).unwrap();
        let mut completed = policy();
        json_patch::patch(&mut completed, &serde_json::from_slice::<json_patch::Patch>(&patch).unwrap())
            .unwrap();
        assert_eq!(completed["spec"]["resourceSelectors"][0]["namespace"], "default");
        assert!(completed["metadata"]["labels"]["propagationpolicy.karmada.io/permanent-id"].is_string());
        server.shutdown().await;
    }

    #[tokio::test]
    async fn what_is_not_valid_is_refused_and_webhooks_are_not_asked_about_other_kinds() {
        let server = server().await;
        let mut wrong = policy();
        wrong["metadata"]["labels"] = json!({"propagationpolicy.karmada.io/permanent-id": "1"});
        wrong["spec"]["resourceSelectors"][0]["namespace"] = "default".into();
        wrong["spec"]["placement"] =
            json!({"spreadConstraints": [{"spreadByField": "cluster", "minGroups": 3, "maxGroups": 1}]});
        let request = review("CREATE", "PropagationPolicy", &wrong);
        let answer = ask(&server, &[], "/validate-propagationpolicy", request.clone()).await;
        assert_eq!((&answer["allowed"], &answer["status"]["code"]), (&json!(false), &json!(403)));
        assert!(
            answer["status"]["message"].as_str().unwrap().starts_with("spec.placement.spreadConstraints"),
            "{answer}"
        );
        let answer = ask(&server, &[], "/validate-federatedhpa", request).await;
        assert_eq!(answer["status"]["code"], 400);
        let protected = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": {"resourcetemplate.karmada.io/deletion-protected": "Always"}},
        });
        let request = review("DELETE", "Deployment", &protected);
        let answer = ask(&server, &[], "/validate-resourcedeletionprotection", request).await;
        assert!(
            answer["status"]["message"].as_str().unwrap().starts_with("This resource is protected"),
            "{answer}"
        );
        server.shutdown().await;
    }

    #[tokio::test]
    async fn bindings_are_counted_against_quotas_that_are_read_through_the_api() {
        let server = server().await;
        let client = server.client(UserInfo::admin());
        let quota = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "FederatedResourceQuota",
            "metadata": {"name": "q", "namespace": "default"}, "spec": {"overall": {"cpu": "5"}}
        });
        let path = "/apis/policy.karmada.io/v1alpha1/namespaces/default/federatedresourcequotas";
        let create = http::Request::post(path).header("Content-Type", "application/json");
        client.request::<Value>(create.body(quota.to_string().into_bytes()).unwrap()).await.unwrap();
        let binding = json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {"name": "b", "namespace": "default"},
            "spec": {
                "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "b", "namespace": "default"},
                "replicaRequirements": {"resourceRequest": {"cpu": "1"}},
                "clusters": [{"name": "m1", "replicas": 6}]
            }
        });
        let gates = [("FederatedQuotaEnforcement", true)];
        let request = review("CREATE", "ResourceBinding", &binding);
        let answer = ask(&server, &gates, "/validate-resourcebinding", request.clone()).await;
        assert_eq!(answer["status"]["reason"], "QuotaExceeded", "{answer}");
        let answer = ask(&server, &[], "/validate-resourcebinding", request).await;
        assert_eq!(answer["allowed"], true);
        server.shutdown().await;
    }

    #[test]
    fn what_is_no_review_is_refused() {
        for body in [
            "",
            "garbage",
            "{}",
            "[]",
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"","kind":{"kind":"X"},"operation":"CREATE"}}"#,
            r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1","kind":{"kind":"X"},"operation":"CREATE"}}"#,
        ] {
            assert!(Request::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
