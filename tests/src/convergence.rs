//! What must be true of a load of Deployments when everything has settled: nothing lost, orphaned or doubled.

use std::collections::BTreeSet;

use karmada_core::api::work::{ResourceBinding, Work};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

/// Marks the Works of bindings; others belong to namespaces.
const OF_BINDINGS: &str = "resourcebinding.karmada.io/permanent-id";

/// Says which names are missing and which are too many.
pub fn compare(found: &mut Vec<String>, what: &str, expected: &BTreeSet<String>, got: &BTreeSet<String>) {
    let missing: Vec<_> = expected.difference(got).collect();
    let extra: Vec<_> = got.difference(expected).collect();
    if !missing.is_empty() || !extra.is_empty() {
        found.push(format!("{what}: missing {missing:?}, extra {extra:?}"));
    }
}

/// Says which bindings of these Deployments are missing, too many, or not applied in so many members. With `None` only
/// their names are looked at.
///
/// # Errors
/// When they cannot be listed.
pub async fn compare_bindings(
    found: &mut Vec<String>,
    client: &Client,
    namespace: &str,
    deployments: &BTreeSet<String>,
    members: Option<usize>,
) -> anyhow::Result<()> {
    let bindings: Api<ResourceBinding> = Api::namespaced(client.clone(), namespace);
    let bindings = bindings.list(&ListParams::default()).await?;
    let wanted: BTreeSet<String> = deployments.iter().map(|name| format!("{name}-deployment")).collect();
    compare(found, "bindings", &wanted, &bindings.iter().map(ResourceExt::name_any).collect());
    let Some(members) = members else { return Ok(()) };
    for binding in &bindings {
        let status = binding.status.clone().unwrap_or_default();
        let is_true = |type_: &str| status.conditions.iter().any(|c| c.type_ == type_ && c.status == "True");
        if !is_true("Scheduled") || !is_true("FullyApplied") || status.aggregated_status.len() != members {
            found.push(format!("binding {}: {:?}", binding.name_any(), status.conditions));
        }
    }
    Ok(())
}

/// Says when a member has not one Work for each of so many Deployments.
///
/// # Errors
/// When they cannot be listed.
pub async fn count_works(
    found: &mut Vec<String>,
    client: &Client,
    member: &str,
    deployments: usize,
) -> anyhow::Result<()> {
    let works: Api<Work> = Api::namespaced(client.clone(), &format!("karmada-es-{member}"));
    let works = works.list(&ListParams::default().labels(OF_BINDINGS)).await?.items.len();
    if works != deployments {
        found.push(format!("{member}: {works} Works instead of {deployments}"));
    }
    Ok(())
}
