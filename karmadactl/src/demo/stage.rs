//! The stations of a Deployment on its way to the members.

use serde_json::Value;

use super::story::{BINDING, DEPLOYMENT, DemoError, PATIENCE, Story, list};
use crate::api_error::ApiError;
use crate::raw;
use crate::wait::{Probe, wait_until};

/// A station of the way from the template to the gathered status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Template,
    Policy,
    Binding,
    Schedule,
    Works,
    Members,
    Pods,
    Status,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Template,
        Self::Policy,
        Self::Binding,
        Self::Schedule,
        Self::Works,
        Self::Members,
        Self::Pods,
        Self::Status,
    ];

    /// What it is called in the output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Policy => "policy",
            Self::Binding => "binding",
            Self::Schedule => "schedule",
            Self::Works => "works",
            Self::Members => "members",
            Self::Pods => "pods",
            Self::Status => "status",
        }
    }
}

impl Story {
    /// Waits until nginx has reached a station, and says what is seen there.
    pub async fn reach(&self, stage: Stage) -> Result<String, DemoError> {
        let what = format!("nginx reaches the station {:?}", stage.name());
        Ok(wait_until(&what, PATIENCE, async || self.look(stage).await).await?)
    }

    async fn look(&self, stage: Stage) -> Result<Probe<String>, ApiError> {
        let client = self.control_plane();
        let read =
            async |path: &str| Ok::<Value, ApiError>(raw::read(client, path).await?.unwrap_or_default());
        Ok(match stage {
            Stage::Template => {
                let template = read(DEPLOYMENT).await?;
                if_some(template["spec"]["replicas"].as_i64(), "the Deployment", |replicas| {
                    format!("deployment/nginx with {replicas} replicas is stored in the control plane")
                })
            }
            Stage::Policy => {
                let template = read(DEPLOYMENT).await?;
                let policy = &template["metadata"]["annotations"]["propagationpolicy.karmada.io/name"];
                if_some(policy.as_str(), "the policy's name", |policy| {
                    format!("propagationpolicy/{policy} selects it")
                })
            }
            Stage::Binding => {
                let binding = read(BINDING).await?;
                if_some(binding["metadata"]["name"].as_str(), "a binding", |name| {
                    format!("resourcebinding/{name} says that it is to be scheduled")
                })
            }
            Stage::Schedule => {
                let binding = read(BINDING).await?;
                let targets = targets(&binding);
                if_some((!targets.is_empty()).then_some(targets), "clusters", |targets| {
                    format!("the scheduler shares the replicas out: {targets}")
                })
            }
            Stage::Works => {
                let mut found = 0;
                for (name, _) in self.members() {
                    let path = format!("/apis/work.karmada.io/v1alpha1/namespaces/karmada-es-{name}/works");
                    found += usize::from(!list(&read(&path).await?, "items").is_empty());
                }
                self.counted(found, "works", "one work for each member, with its overrides applied")
            }
            Stage::Members => {
                let mut found = 0;
                for (_, member) in self.members() {
                    found += usize::from(raw::read(member, DEPLOYMENT).await?.is_some());
                }
                self.counted(found, "members", "the Deployment is in every member")
            }
            Stage::Pods => {
                let mut found = 0;
                for (_, member) in self.members() {
                    let deployment = raw::read(member, DEPLOYMENT).await?.unwrap_or_default();
                    let ready = &deployment["status"]["readyReplicas"];
                    found += usize::from(ready.is_i64() && *ready == deployment["spec"]["replicas"]);
                }
                self.counted(found, "members", "every member's pods are ready (simulated: no container runs)")
            }
            Stage::Status => {
                let template = read(DEPLOYMENT).await?;
                let (ready, wanted) = (&template["status"]["readyReplicas"], &template["spec"]["replicas"]);
                if ready == wanted {
                    Probe::Ready(format!("the template says {ready} of {wanted} replicas ready"))
                } else {
                    Probe::NotYet(format!("{ready} of {wanted} replicas ready"))
                }
            }
        })
    }

    fn counted(&self, found: usize, things: &str, text: &str) -> Probe<String> {
        let wanted = self.members().len();
        if found == wanted {
            Probe::Ready(text.to_owned())
        } else {
            Probe::NotYet(format!("{found} of {wanted} {things}"))
        }
    }
}

fn if_some<T>(found: Option<T>, missing: &str, text: impl FnOnce(T) -> String) -> Probe<String> {
    found.map_or_else(|| Probe::NotYet(format!("no {missing}")), |found| Probe::Ready(text(found)))
}

/// Where the scheduler put a binding: `member1=1, member2=1`.
fn targets(binding: &Value) -> String {
    let mut targets: Vec<String> = list(&binding["spec"], "clusters")
        .iter()
        .map(|target| format!("{}={}", target["name"].as_str().unwrap_or_default(), target["replicas"]))
        .collect();
    targets.sort();
    targets.join(", ")
}
