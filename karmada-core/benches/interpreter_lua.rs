//! How long customizations take.
//!
//! An object of 4 KiB, scripts as users write them, cached: the usual case. `new_script` is the first call of a
//! script, `new_state` the first call of all, and `runaway` is how long a script that never ends is let run.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use karmada_core::api::config::ResourceInterpreterCustomization;
use karmada_core::interpreter::ResourceInterpreter;
use karmada_core::interpreter::lua::{Customizations, LuaEngine, LuaOptions};
use serde_json::{Value, json};

const REPLICAS: &str = "function GetReplicas(obj)
  local replicas = obj.spec.replicas
  if replicas == nil then replicas = 1 end
  local requests = obj.spec.template.spec.containers[1].resources.requests
  return replicas, {resourceRequest = requests}
end";

const FEW_FIELDS: &str = "function GetReplicas(obj) return obj.spec.replicas, nil end";

const ACCURATE: &str = "local kube = require('kube')
function GetReplicas(obj)
  return obj.spec.replicas, kube.accuratePodRequirements(obj.spec.template)
end";

const REVISION: &str = "function ReviseReplica(obj, replica)
  obj.spec.replicas = replica
  return obj
end";

const HEALTH: &str = "function InterpretHealth(obj)
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == 'Ready' and condition.status == 'True' then return obj.status.ready == obj.spec.replicas end
  end
  return false
end";

fn engine() -> Arc<LuaEngine> {
    Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(|| Timestamp::UNIX_EPOCH))))
}

#[expect(clippy::disallowed_methods, reason = "time is one of the limits that are measured")]
fn timed_engine() -> Arc<LuaEngine> {
    Arc::new(LuaEngine::new(LuaOptions::new(Arc::new(Timestamp::now))))
}

fn customizations(engine: &Arc<LuaEngine>, rules: Value) -> Customizations {
    let customization: ResourceInterpreterCustomization = serde_json::from_value(json!({
        "apiVersion": "config.karmada.io/v1alpha1",
        "kind": "ResourceInterpreterCustomization",
        "metadata": {"name": "widget"},
        "spec": {"target": {"apiVersion": "example.io/v1", "kind": "Widget"}, "customizations": rules},
    }))
    .expect("a valid customization");
    Customizations::new(Arc::clone(engine), [&customization])
}

/// An object of about 4 KiB.
fn object() -> Value {
    let containers: Vec<Value> = (0..6)
        .map(|index| {
            let variables: Vec<Value> = (0..7)
                .map(|number| json!({"name": format!("ENV_{number}"), "value": format!("value-{number}")}))
                .collect();
            json!({
                "name": format!("c{index}"),
                "image": format!("registry.example.io/team/app:{index}.2.3"),
                "args": ["--a=1", "--b=2", "--c=3"],
                "env": variables,
                "resources": {
                    "requests": {"cpu": "100m", "memory": "64Mi"},
                    "limits": {"cpu": "1", "memory": "1Gi"},
                },
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
            })
        })
        .collect();
    json!({
        "apiVersion": "example.io/v1",
        "kind": "Widget",
        "metadata": {
            "name": "w", "namespace": "prod", "generation": 4,
            "labels": {"app": "w", "tier": "front"}, "annotations": {},
        },
        "spec": {
            "replicas": 3,
            "template": {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": containers}},
        },
        "status": {"ready": 3, "conditions": [{"type": "Ready", "status": "True", "reason": "AllGood"}]},
    })
}

fn rule(script: &str) -> Value {
    json!({ "luaScript": script })
}

fn calls(criterion: &mut Criterion) {
    let object = object();
    let engine = engine();
    for (name, script) in [("replicas", REPLICAS), ("few_fields", FEW_FIELDS), ("pod_requirements", ACCURATE)]
    {
        let layer = customizations(&engine, json!({"replicaResource": rule(script)}));
        criterion.bench_function(&format!("interpreter_lua/{name}"), |bencher| {
            bencher.iter(|| layer.replicas(black_box(&object)).expect("an answer"));
        });
    }
    let layer = customizations(
        &engine,
        json!({"replicaRevision": rule(REVISION), "healthInterpretation": rule(HEALTH)}),
    );
    criterion.bench_function("interpreter_lua/revision", |bencher| {
        bencher.iter_batched(
            || object.clone(),
            |object| layer.revise_replica(object, 7).expect("an answer"),
            criterion::BatchSize::SmallInput,
        );
    });
    criterion.bench_function("interpreter_lua/health", |bencher| {
        bencher.iter(|| layer.health(black_box(&object)).expect("an answer"));
    });
}

fn new_script(criterion: &mut Criterion) {
    let object = object();
    let engine = engine();
    let mut number = 0_u64;
    criterion.bench_function("interpreter_lua/new_script", |bencher| {
        bencher.iter(|| {
            number += 1;
            let script = format!("{REPLICAS}\n-- {number}");
            let layer = customizations(&engine, json!({"replicaResource": rule(&script)}));
            layer.replicas(black_box(&object)).expect("an answer")
        });
    });
    criterion.bench_function("interpreter_lua/new_state", |bencher| {
        bencher.iter(|| {
            let layer = customizations(&self::engine(), json!({"replicaResource": rule(FEW_FIELDS)}));
            layer.replicas(black_box(&object)).expect("an answer")
        });
    });
}

fn runaway(criterion: &mut Criterion) {
    let object = object();
    let engine = timed_engine();
    let mut group = criterion.benchmark_group("interpreter_lua/runaway");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for (name, body) in [
        ("loop", "while true do end"),
        ("caught", "while true do pcall(error) end"),
        ("memory", "local t = {} while true do t[#t + 1] = {} end"),
        ("texts", "local s = 'a' for i = 1, 20 do s = s .. s end while true do local t = s .. 'x' end"),
        ("upper", "local s = 'ä' for i = 1, 19 do s = s .. s end while true do s:upper() end"),
        (
            "compare",
            "local s = 'a' for i = 1, 20 do s = s .. s end local t = s .. 'b' s = s .. 'c' while true do local b = s < t end",
        ),
        ("patterns", "while true do ('aaaaaaaaaaaaaaaaaaaaaaaaaaa'):find('.-.-.-.-.-.-b') end"),
        (
            "keys",
            "local t = {} for i = 1, 20000 do t['k' .. i] = i end while true do for k in pairs(t) do end end",
        ),
        (
            "sort",
            "local t = {} for i = 1, 30000 do t[i] = -i end while true do table.sort(t) table.sort(t, function(a, b) return a > b end) end",
        ),
        (
            "insert",
            "local t = {} for i = 1, 30000 do t[i] = i end while true do table.insert(t, 1, 0) table.remove(t, 1) end",
        ),
        ("format", "while true do string.format('%900000d', 1) end"),
    ] {
        let script = format!("function GetReplicas(obj) {body} end");
        let layer = customizations(&engine, json!({"replicaResource": rule(&script)}));
        group.bench_function(name, |bencher| {
            bencher.iter(|| layer.replicas(black_box(&object)).expect_err("a limit"));
        });
    }
    group.finish();
}

criterion_group!(benches, calls, new_script, runaway);
criterion_main!(benches);
