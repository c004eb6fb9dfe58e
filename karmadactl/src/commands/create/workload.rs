//! Deployments, Jobs and CronJobs.

use clap::Args;
use serde_json::{Value, json};

use super::super::changes::Session;
use super::run::{CommonArgs, Described, create_object};
use crate::change::{DryRun, LocalObject, find_kind};
use crate::context::Context;
use crate::error::CliError;

/// Create a Deployment
#[derive(Args, Debug)]
pub struct DeploymentArgs {
    /// Name of the Deployment
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Image to run (can be repeated, or separated by commas)
    #[arg(long, value_name = "IMAGE", required = true, value_delimiter = ',')]
    pub image: Vec<String>,

    /// How many to run
    #[arg(short, long, value_name = "COUNT", default_value_t = 1)]
    pub replicas: u32,

    /// Port that the container opens
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Command to run in the container, behind --
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Create a Job
#[derive(Args, Debug)]
pub struct JobArgs {
    /// Name of the Job
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Image to run
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,

    /// CronJob to make it from, as cronjob/NAME
    #[arg(long, value_name = "CRONJOB", conflicts_with = "image")]
    pub from: Option<String>,

    /// Command to run in the container, behind --
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Create a CronJob
#[derive(Args, Debug)]
pub struct CronJobArgs {
    /// Name of the CronJob
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Image to run
    #[arg(long, value_name = "IMAGE")]
    pub image: String,

    /// When to run, as in crontab
    #[arg(long, value_name = "SCHEDULE")]
    pub schedule: String,

    /// When to start a container again: Never or OnFailure
    #[arg(long, value_name = "POLICY", default_value = "OnFailure")]
    pub restart: String,

    /// Command to run in the container, behind --
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Flags that describe no workload.
#[derive(Debug, thiserror::Error)]
enum WorkloadError {
    #[error("cannot specify multiple --image options and command")]
    CommandOfMany,
    #[error("either --image or --from must be specified")]
    NothingToRun,
    #[error("cannot specify --from and command")]
    FromAndCommand,
    #[error("from must be an existing cronjob, as cronjob/NAME")]
    From,
}

impl Described for DeploymentArgs {
    fn object(&self) -> Result<Value, CliError> {
        if self.image.len() > 1 && !self.command.is_empty() {
            return Err(CliError::failed(WorkloadError::CommandOfMany));
        }
        let containers: Vec<Value> = self
            .image
            .iter()
            .map(|image| {
                let mut container = json!({ "name": container_name(image), "image": image, "resources": {} });
                if let Some(port) = self.port {
                    container["ports"] = json!([{ "containerPort": port }]);
                }
                if !self.command.is_empty() {
                    container["command"] = json!(self.command);
                }
                container
            })
            .collect();
        let labels = json!({ "app": self.name });
        Ok(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": self.name, "labels": labels },
            "spec": {
                "replicas": self.replicas, "selector": { "matchLabels": labels }, "strategy": {},
                "template": { "metadata": { "labels": labels }, "spec": { "containers": containers } },
            },
            "status": {},
        }))
    }
}

impl Described for CronJobArgs {
    fn object(&self) -> Result<Value, CliError> {
        Ok(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": self.name },
            "spec": {
                "schedule": self.schedule,
                "jobTemplate": {
                    "metadata": { "name": self.name },
                    "spec": { "template": pods(&self.name, &self.image, &self.command, &self.restart) },
                },
            },
            "status": {},
        }))
    }
}

/// Creates a Job of its own, or one that a CronJob describes.
pub(super) async fn create_job(
    args: &JobArgs,
    common: &CommonArgs,
    context: &Context,
) -> Result<(), CliError> {
    let object = match (&args.image, &args.from) {
        (Some(image), _) => json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": args.name },
            "spec": { "template": pods(&args.name, image, &args.command, "Never") },
            "status": {},
        }),
        (None, Some(_)) if !args.command.is_empty() => {
            return Err(CliError::failed(WorkloadError::FromAndCommand));
        }
        (None, Some(from)) => job_of(&args.name, from, common, context).await?,
        (None, None) => return Err(CliError::failed(WorkloadError::NothingToRun)),
    };
    create_object(object, common, context).await
}

async fn job_of(name: &str, from: &str, common: &CommonArgs, context: &Context) -> Result<Value, CliError> {
    let is_cron_job = |word: &str| matches!(word.split('.').next(), Some("cronjob" | "cronjobs" | "cj"));
    let cron_job = from.split_once('/').filter(|(word, _)| is_cron_job(word)).map(|(_, name)| name);
    let Some(cron_job) = cron_job else { return Err(CliError::failed(WorkloadError::From)) };
    let session = Session::start(context, &common.field_manager, DryRun::None).await?;
    let default_namespace = session.control_plane.namespace.clone();
    let wanted = json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": cron_job } });
    let local = LocalObject { origin: "flags".to_owned(), object: wanted };
    let kind = find_kind(&session.discovery, &local, &default_namespace).map_err(CliError::failed)?;
    let namespace = common.namespace.as_deref().unwrap_or(&default_namespace);
    let source = session.writer.read(kind, Some(namespace), cron_job).await?;
    let template = &source["spec"]["jobTemplate"];
    let mut annotations = template["metadata"]["annotations"].clone();
    annotations["cronjob.kubernetes.io/instantiate"] = json!("manual");
    Ok(json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": name, "annotations": annotations, "labels": template["metadata"]["labels"],
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "name": cron_job, "uid": source["metadata"]["uid"],
                "controller": true,
            }],
        },
        "spec": template["spec"],
        "status": {},
    }))
}

fn pods(name: &str, image: &str, command: &[String], restart: &str) -> Value {
    let mut container = json!({ "name": name, "image": image, "resources": {} });
    if !command.is_empty() {
        container["command"] = json!(command);
    }
    json!({ "metadata": {}, "spec": { "containers": [container], "restartPolicy": restart } })
}

/// Returns the name of a container: the last part of its image, without tag and digest.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let plain = last.split([':', '@']).next().unwrap_or(last);
    let name: String = plain
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .collect();
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_labels_and_selects_by_its_name() {
        let args = DeploymentArgs {
            name: "app".into(),
            image: vec!["registry/a/Nginx_x:1.2@sha256:0".into(), "busybox".into()],
            replicas: 2,
            port: Some(80),
            command: Vec::new(),
        };
        let object = args.object().unwrap();
        assert_eq!(object["spec"]["selector"]["matchLabels"], json!({"app": "app"}));
        assert_eq!(
            object["spec"]["template"]["spec"]["containers"],
            json!([
                {"name": "nginx-x", "image": "registry/a/Nginx_x:1.2@sha256:0", "resources": {}, "ports": [{"containerPort": 80}]},
                {"name": "busybox", "image": "busybox", "resources": {}, "ports": [{"containerPort": 80}]},
            ])
        );
        let args = DeploymentArgs { command: vec!["sh".into()], ..args };
        assert_eq!(
            args.object().unwrap_err().to_string(),
            "cannot specify multiple --image options and command"
        );
    }
}
