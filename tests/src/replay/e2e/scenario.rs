//! Running one scenario on a fleet of its own.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::super::Outcome;
use super::agents::{changes_sync_mode, in_pull_mode};
use super::client::Reference;
use super::expectation::{answer_differences, missing_events, object_differences};
use super::fleet::{CONTROL_PLANE, Fleet};
use super::footprint::{Footprint, further_servers};
use super::normalise::Identifiers;
use super::program::StepOutcome;
use super::start::{RegisteredBy, Stage, SyncMode};
use super::state::{Event, Objects, Scope, read, read_events};
use super::steps;

const PAUSE: Duration = Duration::from_millis(100);
/// Feature gates that the embedded control plane can be started with.
const SUPPORTED_GATES: [&str; 3] =
    ["FederatedQuotaEnforcement", "PropagationPolicyPreemption", "WorkloadAffinity"];
/// Flags of upstream's components that have an equivalent here.
const SUPPORTED_FLAGS: [&str; 0] = [];

/// Scenarios of controllers that do not exist yet: the start of the name and the controller.
const LATER: [(&str, &str); 3] = [
    ("f01-", "applicationFailover"),
    ("h04-", "federatedHorizontalPodAutoscaler"),
    ("m01-", "serviceExport"),
];

/// Scenarios of which either end is right: the start of the name, part of the difference, and why.
const KNOWN: [(&str, &str, &str); 3] = [
    ("n01-", "v1/namespaces/-/n01: missing", "a real namespace controller waits 5 s before it begins"),
    (
        "t03-",
        "/status/resourceTemplateGeneration: expected 3, got 2",
        "whether an orphaned template is looked at once more before it is gone",
    ),
    ("p04-", "/spec/clusters/0/replicas", "equal remainders are ordered by the template's random uid"),
];

/// Replays one scenario, members being driven by the control plane.
pub fn run(case: &Value) -> Outcome {
    on_own_runtime(case, run_pushed(case))
}

/// Replays one scenario, each member being driven by an agent of its own.
pub fn run_pulled(case: &Value) -> Outcome {
    if changes_sync_mode(case) {
        return Outcome::Skipped("it changes the mode itself".to_owned());
    }
    on_own_runtime(case, async {
        let case = in_pull_mode(case);
        run_in(&case, SyncMode::Pull(RegisteredBy::Us)).await
    })
}

async fn run_pushed(case: &Value) -> Outcome {
    run_in(case, SyncMode::Push).await
}

async fn run_in(case: &Value, sync_mode: SyncMode) -> Outcome {
    let started = |error: String| Outcome::Failed(format!("the fleet did not start: {error}"));
    let stage = match Stage::open(case, sync_mode).await {
        Ok(stage) => stage,
        Err(error) => return started(error),
    };
    let outcome = match stage.run(case).await {
        Ok(loops) => {
            let outcome = match stage.fleet(case) {
                Ok(fleet) => replay(fleet, case).await,
                Err(error) => started(error),
            };
            loops.shutdown().await;
            outcome
        }
        Err(error) => started(error),
    };
    stage.close().await;
    outcome
}

/// Runs a scenario that can be run.
pub(super) fn on_own_runtime(case: &Value, running: impl Future<Output = Outcome>) -> Outcome {
    if let Some(reason) = unsupported(case) {
        return Outcome::Skipped(reason);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(running),
        Err(error) => Outcome::Failed(format!("cannot start a runtime: {error}")),
    }
}

/// What a scenario needs that is not there.
pub fn unsupported(case: &Value) -> Option<String> {
    let name = case["name"].as_str().unwrap_or_default();
    if let Some((_, controller)) = LATER.iter().find(|(part, _)| name.starts_with(part)) {
        return Some(format!("controller {controller}"));
    }
    let mut gates = case["gates"].as_object().into_iter().flatten().map(|(gate, _)| gate.as_str());
    if let Some(gate) = gates.find(|gate| !SUPPORTED_GATES.contains(gate)) {
        return Some(format!("gate {gate}"));
    }
    let mut flags = case["flags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    flags.find(|flag| !SUPPORTED_FLAGS.contains(flag)).map(|flag| format!("flag {flag}"))
}

/// Adds what the recording says only in the caption of the following step.
fn with_caption(step: &Value, next: Option<&Value>) -> Value {
    let mut step = step.clone();
    let orphans = next.is_some_and(|next| next["note"].as_str().is_some_and(|note| note.contains("orphan")));
    if step["do"] == "delete" && orphans {
        step["propagationPolicy"] = "Orphan".into();
    }
    step
}

struct Replay {
    fleet: Fleet,
    scope: Scope,
    identifiers: Identifiers,
    footprint: Footprint,
    /// Events of the control plane, also those that are gone.
    events: BTreeSet<Event>,
    /// Rules by which the program's words differ.
    rules: BTreeSet<String>,
    /// Commands that the program does not have.
    commands: BTreeSet<String>,
}

/// Replays a scenario on a running fleet.
pub async fn replay(fleet: Fleet, case: &Value) -> Outcome {
    let steps = case["steps"].as_array().map_or(0, Vec::len);
    replay_part(fleet, case, 0..steps, Identifiers::not_of(further_servers(case))).await
}

/// Replays some steps of a scenario on a fleet that is where the steps before them leave it. `identifiers` know what those
/// named.
pub(super) async fn replay_part(
    mut fleet: Fleet,
    case: &Value,
    part: Range<usize>,
    mut identifiers: Identifiers,
) -> Outcome {
    let footprint = match Footprint::of(&mut fleet, case, &mut identifiers).await {
        Ok(footprint) => footprint,
        Err(refusal) => return Outcome::Failed(refusal.message),
    };
    let mut replay = Replay {
        fleet,
        scope: Scope::of(case),
        identifiers,
        footprint,
        events: BTreeSet::new(),
        rules: BTreeSet::new(),
        commands: BTreeSet::new(),
    };
    // What the servers have from the start is named in what the program says.
    if let Err(difference) = replay.read(&Value::Null).await {
        return Outcome::Failed(difference);
    }
    let steps = case["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, step) in steps.iter().enumerate().skip(part.start).take(part.len()) {
        let step = &with_caption(step, steps.get(index + 1));
        if let Err(difference) = replay.step(step).await {
            let what = step["do"].as_str().unwrap_or("expect");
            let note = step["note"].as_str().unwrap_or_default();
            let known = KNOWN.iter().find(|(part, text, _)| {
                case["name"].as_str().is_some_and(|name| name.starts_with(part)) && difference.contains(text)
            });
            return match known {
                Some((.., reason)) => Outcome::Differs((*reason).to_owned()),
                None => Outcome::Failed(format!("step {index}: {what} {note}\n{difference}")),
            };
        }
    }
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    match (replay.commands.is_empty(), replay.rules.is_empty()) {
        (true, true) => Outcome::Passed,
        (true, false) => Outcome::Differs(list(replay.rules)),
        (false, _) => Outcome::Skipped(format!("command {}", list(replay.commands))),
    }
}

impl Replay {
    async fn step(&mut self, step: &Value) -> Result<(), String> {
        if step.get("expect").is_some() {
            return self.expect(step).await;
        }
        if step["do"] == "wait" {
            self.wait(step).await;
            return Ok(());
        }
        if step["do"] == "karmadactl" {
            return self.program_step(step).await;
        }
        if step["do"] == "footprint" {
            return self.footprint_step(step).await;
        }
        if step["do"] == "http" {
            return self.http_step(step).await;
        }
        steps::run(&mut self.fleet, step).await?;
        self.settle().await
    }

    /// Sends a request and compares the answer with the recorded one.
    async fn http_step(&mut self, step: &Value) -> Result<(), String> {
        let text = |name: &str| step[name].as_str().unwrap_or_default();
        let (method, path) = (text("method"), text("path"));
        let server = step["target"].as_str().unwrap_or(CONTROL_PLANE);
        // What an answer is about may be known by its identifiers only.
        self.read(&Value::Null).await?;
        let server = self.fleet.server(server).map_err(|refusal| refusal.message)?;
        let (code, answer) =
            server.send(method, path, &step["body"]).await.map_err(|refusal| refusal.message)?;
        let place = format!("{method} {path}");
        if Some(u64::from(code)) != step["code"].as_u64() {
            return Err(format!("{place}: expected {}, got {code}: {answer}", step["code"]));
        }
        let differences = answer_differences(&place, step, &answer, &self.identifiers);
        if !differences.is_empty() {
            return Err(differences.join("\n"));
        }
        self.settle().await
    }

    async fn program_step(&mut self, step: &Value) -> Result<(), String> {
        let program = self.fleet.program.as_ref().ok_or("there is no program")?;
        match program.step(step, &self.identifiers).await? {
            StepOutcome::Same => {}
            StepOutcome::Differs(rule) => drop(self.rules.insert(rule)),
            StepOutcome::NoCommand(command) => {
                self.commands.insert(command);
                return Ok(());
            }
        }
        self.settle().await
    }

    /// Waits until the conditions of a step hold, or its time is over: what is expected next decides.
    async fn wait(&mut self, step: &Value) {
        let seconds = step["timeoutSeconds"].as_u64().unwrap_or(60);
        let late = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < late {
            let mut all = true;
            for condition in step["until"].as_array().into_iter().flatten() {
                all &= self.condition_holds(condition).await;
            }
            if all {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn condition_holds(&mut self, condition: &Value) -> bool {
        let Some(reference) = condition["ref"].as_str().and_then(Reference::parse) else { return false };
        let name = condition["target"].as_str().unwrap_or(CONTROL_PLANE);
        let Ok(server) = self.fleet.server(name) else { return false };
        match server.get(&reference.path()).await {
            Ok(object) => steps::holds(condition, Some(&object)),
            Err(refusal) if refusal.code == 404 => steps::holds(condition, None),
            Err(_) => false,
        }
    }

    /// Waits until the objects of the scenario stop changing.
    async fn settle(&mut self) -> Result<(), String> {
        let late = Instant::now() + self.fleet.tempo.settle;
        let mut last = self.read(&Value::Null).await?;
        self.note_events().await?;
        let mut since = Instant::now();
        while Instant::now() < late && since.elapsed() < self.fleet.tempo.quiet {
            sleep(PAUSE).await;
            let now = self.read(&Value::Null).await?;
            if now != last {
                last = now;
                since = Instant::now();
            }
        }
        Ok(())
    }

    /// Waits until the objects are what is expected and stay so; returns the differences that remain.
    async fn expect(&mut self, step: &Value) -> Result<(), String> {
        let late = Instant::now() + self.fleet.tempo.patience;
        let mut right_since: Option<(Instant, Objects)> = None;
        loop {
            let objects = self.read(&step["expect"]).await?;
            let mut lines = object_differences(step, &objects, &self.identifiers);
            self.note_events().await?;
            lines.extend(missing_events(step, &self.events));
            let now = Instant::now();
            match right_since.take() {
                Some((since, before)) if lines.is_empty() && before == objects => {
                    if since.elapsed() >= self.fleet.tempo.quiet {
                        return Ok(());
                    }
                    right_since = Some((since, before));
                }
                _ if lines.is_empty() => right_since = Some((now, objects)),
                _ if now >= late => return Err(lines.join("\n")),
                _ => {}
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until what came and went since the start is what was recorded; returns the differences that remain.
    async fn footprint_step(&mut self, step: &Value) -> Result<(), String> {
        let late = Instant::now() + self.fleet.tempo.patience;
        loop {
            let lines = self.footprint.differences(&mut self.fleet, step, &mut self.identifiers).await;
            match lines.map_err(|refusal| refusal.message)? {
                lines if lines.is_empty() => return Ok(()),
                lines if Instant::now() >= late => return Err(lines.join("\n")),
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Adds the events that are there now to those seen before: a namespace takes its events along.
    async fn note_events(&mut self) -> Result<(), String> {
        let events = read_events(&mut self.fleet, &self.identifiers).await;
        self.events.extend(events.map_err(|refusal| refusal.message)?);
        Ok(())
    }

    async fn read(&mut self, expected: &Value) -> Result<Objects, String> {
        let objects = read(&mut self.fleet, &self.scope, expected, &mut self.identifiers).await;
        objects.map_err(|refusal| format!("cannot read the objects: {} {}", refusal.code, refusal.message))
    }
}
