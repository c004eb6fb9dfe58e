//! Whether a caller may: asked of the API server.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use karmada_apiserver::UserInfo;
use karmada_apiserver::http::Failure;
use karmada_core::api::cluster::constants::GROUP;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::authentication::post;
use super::documents::VERSION;
use crate::error::chain_line;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
/// How long an answer holds.
const LIFE: Duration = Duration::from_secs(10);
/// Answers that are kept at most.
const ANSWERS: usize = 4096;
/// The group that may do everything, without being asked about.
const MASTERS: &str = "system:masters";
const PLURAL: &str = "clusters";

/// What a caller wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// Something to Clusters.
    Clusters { verb: &'static str, name: &'a str, subresource: &'static str },
    /// Read a document.
    Document { path: &'a str },
}

#[derive(Clone, Debug)]
struct Verdict {
    since: Instant,
    is_allowed: bool,
    reason: String,
}

/// Asks whether callers may.
pub(super) struct Authorization {
    client: kube::Client,
    verdicts: Mutex<HashMap<String, Verdict>>,
}

impl Authorization {
    /// Asks by this client.
    pub(super) fn new(client: kube::Client) -> Self {
        Self { client, verdicts: Mutex::default() }
    }

    /// Refuses what a caller may not do.
    pub(super) async fn check(&self, user: &UserInfo, action: &Action<'_>) -> Result<(), Failure> {
        if user.is_in(MASTERS) {
            return Ok(());
        }
        let spec = spec(user, action);
        let key = spec.to_string();
        let known = self.verdicts.lock().get(&key).filter(|verdict| verdict.since.elapsed() < LIFE).cloned();
        let verdict = match known {
            Some(verdict) => verdict,
            None => self.ask(key, &spec).await?,
        };
        if verdict.is_allowed { Ok(()) } else { Err(refusal(user, action, &verdict.reason)) }
    }

    async fn ask(&self, key: String, spec: &Value) -> Result<Verdict, Failure> {
        let review =
            json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        let answer = post(&self.client, REVIEWS, &review).await.map_err(|error| {
            tracing::error!(error = chain_line(&error), "the API server does not review access");
            Failure::internal("the API server does not say whether this is allowed")
        })?;
        let status = &answer["status"];
        let verdict = Verdict {
            since: Instant::now(),
            is_allowed: status["allowed"] == true && status["denied"] != true,
            reason: status["reason"].as_str().unwrap_or_default().to_owned(),
        };
        let mut verdicts = self.verdicts.lock();
        if verdicts.len() >= ANSWERS {
            verdicts.clear();
        }
        verdicts.insert(key, verdict.clone());
        Ok(verdict)
    }
}

fn spec(user: &UserInfo, action: &Action<'_>) -> Value {
    let mut spec = json!({"user": user.name, "groups": user.groups, "uid": user.uid, "extra": user.extra});
    match action {
        Action::Clusters { verb, name, subresource } => {
            spec["resourceAttributes"] = json!({
                "verb": verb, "group": GROUP, "version": VERSION, "resource": PLURAL, "subresource": subresource, "name": name,
            });
        }
        Action::Document { path } => spec["nonResourceAttributes"] = json!({"path": path, "verb": "get"}),
    }
    spec
}

fn refusal(user: &UserInfo, action: &Action<'_>, reason: &str) -> Failure {
    let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    match action {
        Action::Clusters { verb, name, subresource } => {
            let resource =
                if subresource.is_empty() { PLURAL.to_owned() } else { format!("{PLURAL}/{subresource}") };
            let what = format!(
                "User {:?} cannot {verb} resource {resource:?} in API group {GROUP:?} at the cluster scope{because}",
                user.name
            );
            Failure::forbidden(GROUP, PLURAL, name, &what)
        }
        Action::Document { path } => {
            Failure::forbidden("", "", "", &format!("User {:?} cannot get path {path:?}{because}", user.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_who_may_not_do_what() {
        let user = UserInfo::new("jane", &["dev"]);
        let action = Action::Clusters { verb: "get", name: "m1", subresource: "status" };
        assert_eq!(
            refusal(&user, &action, "").message,
            "clusters.cluster.karmada.io \"m1\" is forbidden: User \"jane\" cannot get resource \"clusters/status\" \
             in API group \"cluster.karmada.io\" at the cluster scope"
        );
        assert_eq!(spec(&user, &action)["resourceAttributes"]["subresource"], "status");
        let document = refusal(&user, &Action::Document { path: "/metrics" }, "no rule");
        assert_eq!(document.message, "forbidden: User \"jane\" cannot get path \"/metrics\": no rule");
    }
}
