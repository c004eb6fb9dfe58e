//! Carrying out a plan: step by step, telling what happens, and taking back what a failed run made.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::objects::{self, Applied};
use super::options::InstallOptions;
use super::plan::{Place, Plan, Step, Wait};
use super::rollout::{self, WaitFailure};
use crate::api_error::ApiError;
use crate::attached::prepare::title;
use crate::error::chain_line;
use crate::kubeconfig::{self, LoadError};
use crate::raw;

/// Pause between two looks at the control plane.
const PAUSE: Duration = Duration::from_millis(250);
/// What is asked for to see whether the aggregated API answers.
const CLUSTERS: &str = "/apis/cluster.karmada.io/v1alpha1/clusters?limit=1";

/// What happens during an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A step begins: which, of how many.
    Step { number: usize, count: usize, title: &'a str },
    /// An object was written.
    Wrote { place: Place, object: String, applied: Applied },
    /// Something is waited for.
    Waiting { what: &'a str, seen: String },
}

/// What an installation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub created: usize,
    pub configured: usize,
    pub unchanged: usize,
}

/// An installation that stopped. Running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot write {object} to the {}", .place.name())]
    Write {
        object: String,
        place: Place,
        #[source]
        source: ApiError,
    },
    #[error(transparent)]
    Rollout(#[from] WaitFailure),
    #[error("the control plane at {server} did not answer within {} seconds: {seen}", .timeout.as_secs())]
    Unreachable { server: String, timeout: Duration, seen: String },
    #[error("{what} not served within {} seconds: {seen}", .timeout.as_secs())]
    NotServed { what: &'static str, timeout: Duration, seen: String },
    #[error("the kubeconfig of the control plane cannot be used")]
    Kubeconfig(#[from] LoadError),
}

/// What a run created in the host cluster, to be taken back when it fails.
#[derive(Debug, Default)]
pub struct Created {
    paths: Vec<String>,
}

/// Carries out a plan; `kubeconfig` is the administrator's, already written.
///
/// What it creates in the host cluster is noted in `created`, also when it fails.
///
/// # Errors
/// When something cannot be written, or does not become ready in time.
pub async fn run(
    host: &kube::Client,
    options: &InstallOptions,
    plan: &Plan,
    kubeconfig: &Path,
    created: &mut Created,
    mut report: impl FnMut(Progress<'_>),
) -> Result<Outcome, InstallError> {
    let mut outcome = Outcome::default();
    let mut control_plane = None;
    let count = plan.steps.len();
    for (index, step) in plan.steps.iter().enumerate() {
        report(Progress::Step { number: index + 1, count, title: &step.title });
        for object in &step.objects {
            let client = match step.place {
                Place::Host => host,
                Place::ControlPlane => connection(&mut control_plane, kubeconfig).await?,
            };
            let applied = objects::apply(client, object).await.map_err(|source| InstallError::Write {
                object: title(object),
                place: step.place,
                source,
            })?;
            match applied {
                Applied::Created => outcome.created += 1,
                Applied::Configured => outcome.configured += 1,
                Applied::Unchanged => outcome.unchanged += 1,
            }
            if (step.place, applied) == (Place::Host, Applied::Created) {
                created.paths.push(objects::path_of(object));
            }
            report(Progress::Wrote { place: step.place, object: title(object), applied });
        }
        for wait in &step.waits {
            wait_for(wait, host, options, plan, step, &mut control_plane, kubeconfig, &mut report).await?;
        }
    }
    Ok(outcome)
}

/// Removes what a run created, the last first; returns what could not be removed, and why.
///
/// Waits until a namespace is gone: the next run could write nothing into one that is on its way.
pub async fn roll_back(host: &kube::Client, created: &Created, timeout: Duration) -> Vec<(String, String)> {
    let mut failures = Vec::new();
    for path in created.paths.iter().rev() {
        let removed = match objects::delete(host, path).await {
            Err(error) => Err(chain_line(&error)),
            Ok(_) => {
                until(timeout, async || match raw::read(host, path).await {
                    Ok(None) => Ok(()),
                    Ok(Some(_)) => Err("it does not go".to_owned()),
                    Err(error) => Err(chain_line(&error)),
                })
                .await
            }
        };
        if let Err(reason) = removed {
            failures.push((path.clone(), reason));
        }
    }
    failures
}

impl Created {
    /// How many objects there are.
    pub fn count(&self) -> usize {
        self.paths.len()
    }
}

/// Returns a client of the control plane, made at its first use.
async fn connection<'a>(
    known: &'a mut Option<kube::Client>,
    kubeconfig: &Path,
) -> Result<&'a kube::Client, InstallError> {
    let client = match known.take() {
        Some(client) => client,
        None => kubeconfig::load_file(kubeconfig, None).await?.client()?,
    };
    Ok(known.insert(client))
}

#[expect(clippy::too_many_arguments, reason = "one call, and everything in it is read")]
async fn wait_for(
    wait: &Wait,
    host: &kube::Client,
    options: &InstallOptions,
    plan: &Plan,
    step: &Step,
    control_plane: &mut Option<kube::Client>,
    kubeconfig: &Path,
    report: &mut impl FnMut(Progress<'_>),
) -> Result<(), InstallError> {
    let timeout = options.wait;
    match wait {
        Wait::Rollout { kind, name } => {
            let seen = |seen: &str| report(Progress::Waiting { what: name, seen: seen.to_owned() });
            Ok(rollout::wait(host, &options.namespace, kind, name, timeout, seen).await?)
        }
        Wait::ControlPlane => {
            let client = connection(control_plane, kubeconfig).await?;
            until(timeout, async || match raw::read(client, "/version").await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err("it answers, but not as an API server".to_owned()),
                Err(error) => Err(chain_line(&error)),
            })
            .await
            .map_err(|seen| InstallError::Unreachable {
                server: plan.server.clone(),
                timeout,
                seen,
            })?;
            report(Progress::Waiting { what: &plan.server, seen: "answers".to_owned() });
            Ok(())
        }
        Wait::Definitions => {
            let client = connection(control_plane, kubeconfig).await?;
            let all = karmada_core::api::crds();
            let written: Vec<&Value> = step.objects.iter().filter(|object| is_definition(object)).collect();
            let wanted: Vec<&Value> = if written.is_empty() { all.iter().collect() } else { written };
            until(timeout, async || {
                for definition in &wanted {
                    served(client, &first_of(definition)).await?;
                }
                Ok(())
            })
            .await
            .map_err(|seen| InstallError::NotServed {
                what: "Karmada's kinds were",
                timeout,
                seen,
            })
        }
        Wait::AggregatedApi => {
            let client = connection(control_plane, kubeconfig).await?;
            until(timeout, async || served(client, CLUSTERS).await)
                .await
                .map_err(|seen| InstallError::NotServed { what: "the aggregated API was", timeout, seen })
        }
    }
}

async fn served(client: &kube::Client, path: &str) -> Result<(), String> {
    match raw::read(client, path).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(format!("{path} is not found")),
        Err(error) => Err(format!("{path}: {}", chain_line(&error))),
    }
}

/// Looks until it works; what was seen last is the error.
async fn until(timeout: Duration, mut look: impl AsyncFnMut() -> Result<(), String>) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match look().await {
            Ok(()) => return Ok(()),
            Err(seen) if started.elapsed() >= timeout => return Err(seen),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

fn is_definition(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
}

/// The path of the first object of the kind that a definition is about.
fn first_of(definition: &Value) -> String {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = (text("/spec/group"), text("/spec/versions/0/name"));
    format!("/apis/{group}/{version}/{}?limit=1", text("/spec/names/plural"))
}

/// Returns where the administrator's kubeconfig is written.
pub fn kubeconfig_path(options: &InstallOptions) -> PathBuf {
    options.data_path.join(super::names::ADMIN_KUBECONFIG)
}
