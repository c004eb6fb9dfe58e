//! The latency of healthy members beside one that is sick.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use k8s_openapi::api::apps::v1::Deployment;
use karmada_tests::faults::{Fault, Scope, SickMember};
use kube::Client;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::round::Round;
use crate::{Args, connect, round_off};

/// Name of the member that gets sick.
const NAME: &str = "sick";

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sickness {
    /// It never answers
    Hang,
    /// Every answer is an error
    #[value(name = "500")]
    Error,
    /// Every answer takes five seconds
    Slow,
    /// Nobody listens
    Refuse,
}

impl Sickness {
    fn fault(self) -> Fault {
        match self {
            Self::Hang => Fault::Hangs,
            Self::Error => Fault::Answers(500),
            Self::Slow => Fault::Slow(Duration::from_secs(5)),
            Self::Refuse => Fault::Refuses,
        }
    }
}

/// Measures the others while one more member is well, and while it is sick.
pub(crate) async fn compare(args: &Args, sickness: Sickness) -> anyhow::Result<Value> {
    karmadactl::install_crypto_provider();
    let control_plane = connect(args.cp.as_deref().context("no control plane")?).await?;
    let member = SickMember::join(&control_plane, NAME).await?;
    let mut clusters: Vec<String> = args.member.iter().map(|(name, _)| name.clone()).collect();
    let healthy = clusters.len();
    clusters.push(NAME.to_owned());
    // Both namespaces are everywhere before: what is compared is the Deployments.
    let mut undisturbed = Round::prepare(&control_plane, args, "undisturbed".to_owned(), &clusters).await?;
    let mut disturbed = Round::prepare(&control_plane, args, "disturbed".to_owned(), &clusters).await?;
    for namespace in ["undisturbed", "disturbed"] {
        wait_for_namespace(&member.client(), namespace).await?;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = undisturbed.run(&control_plane, args).await?;
    wait_for_all(&member.client(), "undisturbed", args.count).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    member.door.set(sickness.fault(), Scope::Everything);
    let asked = member.door.requests();
    let during = disturbed.run(&control_plane, args).await?;
    let report = json!({
        "n": args.count,
        "healthy_members": healthy,
        "sickness": format!("{:?}", sickness.fault()),
        "requests_to_the_sick": member.door.requests() - asked,
        "undisturbed": {"makespan_s": round_off(before.makespan.as_secs_f64()), "latency_ms": before.percentiles()},
        "disturbed": {"makespan_s": round_off(during.makespan.as_secs_f64()), "latency_ms": during.percentiles()},
        "p50_ratio": round_off(during.percentile(0.5) / before.percentile(0.5)),
        "p99_ratio": round_off(during.percentile(0.99) / before.percentile(0.99)),
    });
    member.shutdown().await;
    Ok(report)
}

async fn wait_for_namespace(member: &Client, namespace: &str) -> anyhow::Result<()> {
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(member.clone());
    until(async || Ok(namespaces.get_opt(namespace).await?.is_some())).await
}

async fn wait_for_all(member: &Client, namespace: &str, count: usize) -> anyhow::Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(member.clone(), namespace);
    until(async || Ok(deployments.list(&ListParams::default()).await?.items.len() == count)).await
}

async fn until(is_so: impl AsyncFn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_mins(2);
    while !is_so().await? {
        if Instant::now() > deadline {
            bail!("the member {NAME} lacks something while it is well");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
