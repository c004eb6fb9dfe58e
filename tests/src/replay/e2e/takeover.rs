//! Taking over what upstream runs: servers hold the objects that upstream's components left, and our loops start.
//!
//! For every recorded state of a scenario the servers get exactly its objects, our loops are started over them and must
//! write nothing; then they carry the scenario on to its next recorded state, as upstream did. What the recordings leave
//! out is made beforehand: the Works of namespaces by our loops, kinds that no state lists by the scenario's own steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::super::Outcome;
use super::agents::{changes_sync_mode, in_pull_mode};
use super::archive::Archive;
use super::client::{Reference, Server};
use super::fleet::CONTROL_PLANE;
use super::journal::Write;
use super::normalise::Identifiers;
use super::recorded::{Values, settle_cluster};
use super::scenario::{on_own_runtime, replay_part};
use super::start::{Loops, RegisteredBy, Stage, SyncMode};
use super::state::Scope;
use super::steps;

const PAUSE: Duration = Duration::from_millis(50);
/// How long the loops must have nothing to do. Clusters are looked at more than once meanwhile.
const QUIET: Duration = Duration::from_millis(4500);
/// How long they may take until then.
const PATIENCE: Duration = Duration::from_secs(30);
/// Age of everything that is taken over.
const AGE: SignedDuration = SignedDuration::from_mins(5);
const WORKS: &str = "work.karmada.io/works";
const EXECUTION_NAMESPACE_PREFIX: &str = "karmada-es-";

/// Writes at a takeover that are right: part of the path, part of the body, and why.
const EXPLAINED: [(&str, &str, &str); 2] = [
    ("/events", "\"reason\":\"ScheduleBindingFailed\"", "a binding that finds no room says so again"),
    (
        "/events",
        "\"reason\":\"SyncWorkSucceed\"",
        "a binding without clusters says again that it has no Works",
    ),
];

/// Takes a scenario over from each of its recorded states.
pub fn run(case: &Value) -> Outcome {
    on_own_runtime(case, take_over(case, SyncMode::Push))
}

/// Takes a scenario over as if upstream's agents had brought everything to the members: ours have their permissions.
pub fn run_pulled(case: &Value) -> Outcome {
    if changes_sync_mode(case) {
        return Outcome::Skipped("it changes the mode itself".to_owned());
    }
    on_own_runtime(case, async {
        let case = in_pull_mode(case);
        take_over(&case, SyncMode::Pull(RegisteredBy::Upstream)).await
    })
}

async fn take_over(case: &Value, sync_mode: SyncMode) -> Outcome {
    let case = &without_events(case);
    let stage = match Stage::open(case, sync_mode).await {
        Ok(stage) => stage,
        Err(error) => return Outcome::Failed(format!("the fleet did not start: {error}")),
    };
    let outcome = match take_over_on(&stage, case).await {
        Ok(rules) if rules.is_empty() => Outcome::Passed,
        Ok(rules) => Outcome::Differs(rules.into_iter().collect::<Vec<_>>().join(", ")),
        Err(difference) => Outcome::Failed(difference),
    };
    stage.close().await;
    outcome
}

async fn take_over_on(stage: &Stage, case: &Value) -> Result<BTreeSet<String>, String> {
    let states: Vec<usize> = recorded_states(case);
    if states.is_empty() {
        return Err("no state of it was recorded".to_owned());
    }
    let base = base(stage, case).await?;
    let mut rules = BTreeSet::new();
    for (turn, index) in states.iter().enumerate() {
        let failed = |error: String| format!("taken over at step {index}: {error}");
        let identifiers = load(stage, case, &base, *index).await.map_err(failed)?;
        stage.journal().take();
        let loops = stage.run(case).await.map_err(failed)?;
        wait_until_quiet(&loops).await;
        let mut unexplained = Vec::new();
        for write in stage.journal().take() {
            match explanation(&write) {
                Some(rule) => drop(rules.insert(rule.to_owned())),
                None => unexplained.push(write.to_string()),
            }
        }
        let mut outcome = if unexplained.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed(format!("written at the takeover:\n{}", unexplained.join("\n")))
        };
        if let (Outcome::Passed, Some(next)) = (&outcome, states.get(turn + 1)) {
            let fleet = stage.fleet(case).map_err(failed)?;
            outcome = replay_part(fleet, case, index + 1..next + 1, identifiers).await;
        }
        loops.shutdown().await;
        match outcome {
            Outcome::Failed(difference) => return Err(failed(difference)),
            Outcome::Differs(rule) => drop(rules.insert(rule)),
            Outcome::Passed | Outcome::Skipped(_) => {}
        }
    }
    Ok(rules)
}

fn explanation(write: &Write) -> Option<&'static str> {
    let is_explained =
        |(path, body, _): &&(&str, &str, &str)| write.path.contains(path) && write.body.contains(body);
    EXPLAINED.iter().find(is_explained).map(|(.., why)| *why)
}

async fn wait_until_quiet(loops: &Loops) {
    let late = Instant::now() + PATIENCE;
    let mut since = Instant::now();
    while since.elapsed() < QUIET && Instant::now() < late {
        sleep(PAUSE).await;
        if loops.is_busy() {
            since = Instant::now();
        }
    }
}

/// The steps that hold a state which can be brought back: one in which nothing is being deleted.
fn recorded_states(case: &Value) -> Vec<usize> {
    let steps = case["steps"].as_array().into_iter().flatten().enumerate();
    let is_at_rest = |step: &Value| {
        let mut objects =
            step["expect"].as_object().into_iter().flatten().flat_map(|(_, of)| of.as_object()).flatten();
        objects.all(|(_, object)| object["metadata"]["deletionTimestamp"].is_null())
    };
    steps.filter(|(_, step)| step["expect"].is_object() && is_at_rest(step)).map(|(index, _)| index).collect()
}

fn without_events(case: &Value) -> Value {
    let mut case = case.clone();
    for step in case["steps"].as_array_mut().into_iter().flatten() {
        if let Some(step) = step.as_object_mut() {
            step.remove("events");
        }
    }
    case
}

/// What the servers hold before a scenario, its namespaces included.
struct Base {
    servers: BTreeMap<String, Archive>,
    /// Namespaces of the control plane that our loops brought to the members.
    namespaces: BTreeSet<String>,
}

/// Lets our loops bring the clusters up, and the namespaces that the recording does not show.
async fn base(stage: &Stage, case: &Value) -> Result<Base, String> {
    let shown = shown_namespaces(case);
    let made: BTreeMap<String, Value> =
        namespaces(case).into_iter().filter(|(name, _)| !shown.contains(name)).collect();
    let mut fleet = stage.fleet(case)?;
    let loops = stage.run(case).await?;
    for namespace in made.values() {
        let server = fleet.server(CONTROL_PLANE).map_err(|refusal| refusal.message)?;
        server.create(namespace).await.map_err(|refusal| format!("{} {}", refusal.code, refusal.message))?;
    }
    wait_until_quiet(&loops).await;
    loops.shutdown().await;
    let mut servers = BTreeMap::new();
    for (name, server) in stage.servers() {
        let archive = Archive::take(&server.client()).await.map_err(|error| format!("{name}: {error:#}"))?;
        servers.insert(name.to_owned(), archive);
    }
    Ok(Base { servers, namespaces: made.into_keys().collect() })
}

/// Namespaces that recorded states list themselves.
fn shown_namespaces(case: &Value) -> BTreeSet<String> {
    let states = case["steps"].as_array().into_iter().flatten();
    let keys = states
        .filter_map(|step| step["expect"][CONTROL_PLANE].as_object())
        .flat_map(|objects| objects.keys());
    keys.filter_map(|key| key.strip_prefix("v1/namespaces/-/")).map(str::to_owned).collect()
}

/// Namespaces that a scenario uses in the control plane at any time, as it makes them.
fn namespaces(case: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for step in case["steps"].as_array().into_iter().flatten() {
        for name in recorded_namespaces(step, CONTROL_PLANE) {
            found.entry(name.clone()).or_insert_with(|| namespace(&name));
        }
    }
    for object in created(case, usize::MAX, CONTROL_PLANE).filter(|object| object["kind"] == "Namespace") {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        found.insert(name.to_owned(), object.clone());
    }
    found
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// Namespaces that the recorded objects of a server are in, but for those that Karmada makes.
fn recorded_namespaces(step: &Value, server: &str) -> BTreeSet<String> {
    let keys = step["expect"][server].as_object().into_iter().flat_map(|objects| objects.keys());
    let namespaces = keys.filter_map(|key| Reference::parse(key)).map(|reference| reference.namespace);
    namespaces
        .filter(|name| !name.is_empty() && name != "default" && !name.starts_with(EXECUTION_NAMESPACE_PREFIX))
        .collect()
}

/// Objects that steps before one create on a server.
fn created<'a>(case: &'a Value, before: usize, server: &'a str) -> impl Iterator<Item = &'a Value> {
    let steps = case["steps"].as_array().into_iter().flatten().take(before);
    let creating = steps.filter(move |step| {
        step["do"] == "create" && step["target"].as_str().unwrap_or(CONTROL_PLANE) == server
    });
    creating.flat_map(|step| step["objects"].as_array().into_iter().flatten())
}

/// Whether a namespace of the control plane is there at a step.
fn is_there(case: &Value, index: usize, name: &str) -> bool {
    let mut there = recorded_namespaces(&case["steps"][index], CONTROL_PLANE).contains(name);
    if there {
        return true;
    }
    for step in case["steps"].as_array().into_iter().flatten().take(index) {
        if step["target"].as_str().unwrap_or(CONTROL_PLANE) != CONTROL_PLANE {
            continue;
        }
        let mut objects = step["objects"].as_array().into_iter().flatten();
        match step["do"].as_str() {
            Some("create") => {
                there |=
                    objects.any(|object| object["kind"] == "Namespace" && object["metadata"]["name"] == name);
            }
            Some("delete") if step["ref"] == format!("v1/namespaces/-/{name}") => there = false,
            _ => {}
        }
    }
    there
}

/// Makes the servers hold what was recorded at a step; returns what its names stand for.
async fn load(stage: &Stage, case: &Value, base: &Base, index: usize) -> Result<Identifiers, String> {
    let gone: BTreeSet<&str> =
        base.namespaces.iter().map(String::as_str).filter(|name| !is_there(case, index, name)).collect();
    for (name, server) in stage.servers() {
        let mut archive = base.servers[name].clone();
        archive.objects.retain(|(resource, object)| !is_of_namespace(resource, object, &gone));
        archive.put(&server.client()).await.map_err(|error| format!("{name}: {error:#}"))?;
    }
    add_unlisted(stage, case, index).await?;

    let mut archives = BTreeMap::new();
    for (name, server) in stage.servers() {
        let archive = Archive::take(&server.client()).await.map_err(|error| format!("{name}: {error:#}"))?;
        archives.insert(name.to_owned(), archive);
    }
    let time = (Timestamp::now() - AGE).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let values = Values::new(archives.iter().map(|(name, archive)| (name.as_str(), archive)), time);
    let mut identifiers = Identifiers::default();
    for (name, server) in stage.servers() {
        let Some(archive) = archives.get_mut(name) else { continue };
        let recorded = case["steps"][index]["expect"][name].as_object().into_iter().flatten();
        for (key, object) in recorded {
            let reference = Reference::parse(key).ok_or_else(|| format!("{key} is no reference"))?;
            values.tell(object, &mut identifiers);
            let mut object = values.restore(name, object);
            if object["kind"] == "Cluster" {
                settle_cluster(&mut object, &base.servers[name]);
            }
            archive.insert(&resource_of(&reference.resource), object);
        }
        archive.put(&server.client()).await.map_err(|error| format!("{name}: {error:#}"))?;
    }
    follow_versions(stage).await?;
    Ok(identifiers)
}

/// Whether an object goes with one of these namespaces.
fn is_of_namespace(resource: &str, object: &Value, namespaces: &BTreeSet<&str>) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|name| namespaces.contains(name));
    let metadata = &object["metadata"];
    match resource {
        "/namespaces" => is_one(&metadata["name"]),
        WORKS => {
            let manifests = object["spec"]["workload"]["manifests"].as_array();
            manifests.is_some_and(|manifests| {
                manifests.iter().any(|one| one["kind"] == "Namespace" && is_one(&one["metadata"]["name"]))
            })
        }
        _ => is_one(&metadata["namespace"]),
    }
}

/// Names a resource as backups do: `apps/v1/deployments` is `apps/deployments`, `v1/pods` is `/pods`.
fn resource_of(reference: &str) -> String {
    let parts: Vec<&str> = reference.split('/').collect();
    match parts[..] {
        [group, _, plural] => format!("{group}/{plural}"),
        [_, plural] => format!("/{plural}"),
        _ => reference.to_owned(),
    }
}

/// Takes the scenario's steps for what its recorded states do not list.
async fn add_unlisted(stage: &Stage, case: &Value, index: usize) -> Result<(), String> {
    let scope = Scope::of(case);
    let refused = |refusal: super::client::Refusal| format!("{} {}", refusal.code, refusal.message);
    let mut fleet = stage.fleet(case)?;
    for name in fleet.names().into_iter().filter(|name| name != CONTROL_PLANE) {
        for namespace_name in recorded_namespaces(&case["steps"][index], &name) {
            ensure(fleet.server(&name).map_err(refused)?, &namespace(&namespace_name)).await?;
        }
    }
    for step in case["steps"].as_array().into_iter().flatten().take(index) {
        let target = step["target"].as_str().unwrap_or(CONTROL_PLANE).to_owned();
        let listed = scope.resources.get(&target).cloned().unwrap_or_default();
        match step["do"].as_str() {
            Some("create") => {
                for object in step["objects"].as_array().into_iter().flatten() {
                    if target == CONTROL_PLANE && object["kind"] == "Namespace" {
                        continue;
                    }
                    let server = fleet.server(&target).map_err(refused)?;
                    let path = server.path_of(object).await.map_err(refused)?;
                    if !listed.contains(&resource_at(&path)) {
                        ensure(server, object).await?;
                    }
                }
            }
            Some("patch" | "patch-member" | "delete" | "set-status" | "set-member-status") => {
                let of = step["ref"].as_str().and_then(Reference::parse).map(|reference| reference.resource);
                let is_unlisted =
                    of.is_some_and(|resource| !listed.contains(&resource) && resource != "v1/namespaces");
                if is_unlisted {
                    steps::run(&mut fleet, step).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Creates an object unless it is there or not allowed: that was recorded then.
async fn ensure(server: &mut Server, object: &Value) -> Result<(), String> {
    match server.create(object).await {
        Err(refusal) if refusal.code == 0 || refusal.code >= 500 => Err(refusal.message),
        _ => Ok(()),
    }
}

/// Returns the resource of a path as references name it: `apps/v1/deployments`.
fn resource_at(path: &str) -> String {
    // A version follows its group; the core group has no name.
    let (path, version_at) = match path.strip_prefix("/apis/") {
        Some(rest) => (rest, 1),
        None => (path.strip_prefix("/api/").unwrap_or(path), 0),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let rest = &parts[version_at + 1..];
    let plural =
        if rest.first() == Some(&"namespaces") && rest.len() > 2 { rest.get(2) } else { rest.first() };
    let group_version = parts[..=version_at].join("/");
    format!("{group_version}/{}", plural.copied().unwrap_or_default())
}

/// Writes the versions of templates into their bindings: the recording has a name for all of them.
async fn follow_versions(stage: &Stage) -> Result<(), String> {
    for (name, server) in stage.servers().filter(|(name, _)| *name == CONTROL_PLANE) {
        let failed = |error: anyhow::Error| format!("{name}: {error:#}");
        let mut archive = Archive::take(&server.client()).await.map_err(failed)?;
        let versions: BTreeMap<String, Value> = archive
            .objects
            .iter()
            .map(|(_, object)| {
                (super::recorded::place_of(object), object["metadata"]["resourceVersion"].clone())
            })
            .collect();
        for (_, object) in &mut archive.objects {
            let Some(resource) = object.pointer_mut("/spec/resource") else { continue };
            if resource["resourceVersion"] == "<rv>" {
                let template = json!({"kind": resource["kind"], "metadata": resource.clone()});
                let version = versions.get(&super::recorded::place_of(&template)).cloned();
                resource["resourceVersion"] = version.unwrap_or_else(|| "1".into());
            }
        }
        archive.put(&server.client()).await.map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_resources() {
        for (path, expected) in [
            ("/apis/apps/v1/namespaces/p01/deployments/web", "apps/v1/deployments"),
            ("/api/v1/namespaces/p01/configmaps/conf", "v1/configmaps"),
            ("/api/v1/namespaces/p01", "v1/namespaces"),
            ("/api/v1/nodes/n", "v1/nodes"),
            (
                "/apis/policy.karmada.io/v1alpha1/clusterpropagationpolicies/p",
                "policy.karmada.io/v1alpha1/clusterpropagationpolicies",
            ),
        ] {
            assert_eq!(resource_at(path), expected);
        }
        assert_eq!(resource_of("apps/v1/deployments"), "apps/deployments");
        assert_eq!(resource_of("v1/pods"), "/pods");
    }

    #[test]
    fn a_namespace_is_there_from_its_creation_to_its_deletion() {
        let case = json!({"steps": [
            {"do": "create", "objects": [{"kind": "Namespace", "metadata": {"name": "a"}}]},
            {"expect": {CONTROL_PLANE: {}}},
            {"do": "delete", "ref": "v1/namespaces/-/a"},
            {"expect": {CONTROL_PLANE: {}}},
            {"expect": {CONTROL_PLANE: {"v1/pods/b/p": {}}}},
        ]});
        let there = |index, name| is_there(&case, index, name);
        assert!(there(1, "a") && !there(3, "a") && there(4, "b") && !there(3, "b"));
        assert_eq!(namespaces(&case).into_keys().collect::<Vec<_>>(), ["a", "b"]);
    }
}
