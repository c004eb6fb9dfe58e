//! What holds for any object, however it is broken: recorded objects with random changes.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};

use super::{AdmissionInput, Operation, Related, TaintPolicyRule, mutate, validate};
use crate::{api::FeatureGates, object};

const VECTORS: &[&[u8]] = &[
    include_bytes!("../../../tests/vectors/validation-defaulting/cluster.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/cronfederatedhpa.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/customization.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/federatedhpa.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/federatedresourcequota.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/multiclusterservice.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/other.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/overridepolicy.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/propagationpolicy-defaults.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/propagationpolicy.jsonl.zst"),
    include_bytes!("../../../tests/vectors/validation-defaulting/resourcebinding-quota.jsonl.zst"),
];
/// Objects for all kinds together; `PROPTEST_CASES` asks for more.
const CASES: u32 = 4000;

/// A recorded request.
#[derive(Clone, Debug)]
struct Request {
    group: String,
    kind: String,
    operation: Operation,
    object: Value,
    old_object: Option<Value>,
    quotas: Vec<Value>,
    customizations: Vec<Value>,
}

/// Every recorded request, by kind.
static REQUESTS: LazyLock<Vec<(String, Vec<Request>)>> = LazyLock::new(|| {
    let mut by_kind: Vec<(String, Vec<Request>)> = Vec::new();
    for file in VECTORS {
        let text = zstd::decode_all(*file).unwrap();
        for line in std::str::from_utf8(&text).unwrap().lines() {
            let Some(request) = request(&serde_json::from_str(line).unwrap()) else { continue };
            match by_kind.iter_mut().find(|(kind, _)| *kind == request.kind) {
                Some((_, requests)) => requests.push(request),
                None => by_kind.push((request.kind.clone(), vec![request])),
            }
        }
    }
    by_kind
});

fn request(case: &Value) -> Option<Request> {
    let (verb, kind) = case["op"].as_str()?.split_once('.')?;
    let kind = if verb == "cluster" { "Cluster" } else { kind };
    let input = &case["input"];
    let object = input.get("object")?.clone();
    let group = match kind {
        "Cluster" => "cluster.karmada.io",
        _ => object["apiVersion"].as_str()?.split_once('/')?.0,
    };
    let list = |field: &str| input[field].as_array().cloned().unwrap_or_default();
    Some(Request {
        group: group.to_owned(),
        kind: kind.to_owned(),
        operation: if input["oldObject"].is_object() { Operation::Update } else { Operation::Create },
        old_object: input.get("oldObject").cloned(),
        quotas: list("federatedResourceQuotas"),
        customizations: list("existing"),
        object,
    })
}

fn with_input<T>(request: &Request, object: &Value, decide: impl FnOnce(&AdmissionInput<'_>) -> T) -> T {
    let gates = FeatureGates::from_names([
        ("FederatedQuotaEnforcement", true),
        ("MultiplePodTemplatesScheduling", true),
    ])
    .unwrap();
    decide(&AdmissionInput {
        operation: request.operation,
        group: &request.group,
        kind: &request.kind,
        subresource: "",
        object,
        old_object: request.old_object.as_ref(),
        // An API server writes the namespace of the request into the object.
        namespace: object::namespace(object),
        gates: &gates,
        taint_policies: TaintPolicyRule::NoExecuteForbidden,
        related: Related { customizations: &request.customizations, quotas: &request.quotas },
        uuid: "u",
        now: Timestamp::UNIX_EPOCH,
    })
}

fn is_readable(request: &Request) -> bool {
    with_input(request, &request.object, validate).map_or_else(|denied| denied.code != 400, |_| true)
}

/// How a place in an object is changed.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Remove,
    Repeat,
}

fn change() -> impl Strategy<Value = Change> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(5_000_000_000_i64),
        json!(u64::MAX),
        json!(1.5e300),
        json!(""),
        json!("x"),
        json!("*"),
        json!("é\u{0}\n/%.."),
        json!("999999999999999999999Ei"),
        json!("a".repeat(300)),
        json!([]),
        json!([null]),
        json!([[], {}]),
        json!({}),
        json!({"": null, "a": {"b": []}}),
        deep,
    ];
    prop_oneof![
        8 => prop::sample::select(values).prop_map(Change::Replace),
        1 => Just(Change::Remove),
        1 => Just(Change::Repeat),
    ]
}

/// Returns every place of an object, with its path as messages name it.
fn places(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                found.push((format!("{pointer}/{escaped}"), path.clone()));
                places(member, &format!("{pointer}/{escaped}"), &path, found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let path = format!("{path}[{index}]");
                found.push((format!("{pointer}/{index}"), path.clone()));
                places(element, &format!("{pointer}/{index}"), &path, found);
            }
        }
        _ => {}
    }
}

/// Changes one place and returns its path.
fn apply(object: &mut Value, place: Index, change: &Change) -> String {
    let mut found = Vec::new();
    places(object, "", "", &mut found);
    // Kinds are told apart before their objects are read.
    found.retain(|(pointer, _)| pointer != "/kind" && pointer != "/apiVersion");
    if found.is_empty() {
        return String::new();
    }
    let (pointer, path) = place.get(&found);
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match change {
        Change::Replace(value) => *object.pointer_mut(pointer).unwrap() = value.clone(),
        Change::Remove => match object.pointer_mut(parent).unwrap() {
            Value::Array(elements) => drop(elements.remove(last.parse().unwrap())),
            Value::Object(members) => {
                members.remove(&last.replace("~1", "/").replace("~0", "~"));
            }
            _ => {}
        },
        Change::Repeat => {
            if let Value::Array(elements) = object.pointer_mut(pointer).unwrap() {
                elements.extend(elements.clone());
            }
        }
    }
    path.clone()
}

/// Checks what is said of an object: paths are named, and nothing is empty.
fn check_answer(request: &Request, object: &Value, changed: &[String]) -> Result<(), TestCaseError> {
    let mutated = with_input(request, object, mutate);
    let validated = with_input(request, object, validate).map(|_| ());
    for denied in [mutated.as_ref().err(), validated.as_ref().err()].into_iter().flatten() {
        prop_assert!(!denied.message.is_empty());
        prop_assert!(denied.causes.iter().all(|cause| !cause.field.is_empty()), "{denied:?}");
        if denied.code == 400 {
            let field = &denied.causes[0].field;
            let related =
                |path: &String| path.starts_with(field.as_str()) || field.starts_with(path.as_str());
            prop_assert!(
                changed.is_empty() || changed.iter().any(related),
                "{field} is none of {changed:?}: {object}"
            );
            prop_assert!(denied.message.starts_with(field.as_str()), "{}", denied.message);
        }
    }
    let Ok(mutated) = mutated else { return Ok(()) };
    let mut settled = mutated.clone();
    if request.kind == "Work" {
        // As upstream, a ServiceAccount in a Work loses one of several token secrets each time.
        for _ in 0..16 {
            settled = with_input(request, &settled, mutate)
                .map_err(|denied| TestCaseError::fail(denied.message))?;
        }
    }
    let again = with_input(request, &settled, mutate);
    prop_assert_eq!(again.as_ref(), Ok(&settled), "not idempotent");
    // Two spread constraints that say nothing become two for the same field, which contradict each other.
    let may_contradict =
        object["spec"]["placement"]["spreadConstraints"].as_array().is_some_and(|all| all.len() > 1);
    if validated.is_ok() && !may_contradict {
        let again = with_input(request, &mutated, validate).map(|_| ());
        prop_assert!(again.is_ok(), "no longer valid: {:?}: {}", again, mutated);
    }
    Ok(())
}

#[test]
fn defaults_settle_and_keep_recorded_objects_valid() {
    assert_eq!(REQUESTS.len(), 16, "{:?}", REQUESTS.iter().map(|(kind, _)| kind).collect::<Vec<_>>());
    for request in REQUESTS.iter().flat_map(|(_, requests)| requests) {
        if is_readable(request) {
            check_answer(request, &request.object, &[]).unwrap();
        }
    }
}

#[test]
fn a_text_that_becomes_a_number_is_named() {
    for (kind, requests) in REQUESTS.iter() {
        let mut named = 0;
        for request in requests {
            let mut found = Vec::new();
            places(&request.object["spec"], "/spec", "spec", &mut found);
            for (pointer, path) in found {
                let mut object = request.object.clone();
                let place = object.pointer_mut(&pointer).unwrap();
                if !place.is_string() {
                    continue;
                }
                *place = json!(5);
                if let Err(denied) = with_input(request, &object, mutate)
                    && denied.code == 400
                {
                    assert!(path.starts_with(&denied.causes[0].field), "{kind}: {path}: {denied:?}");
                    named += 1;
                }
            }
        }
        let is_read = !matches!(
            kind.as_str(),
            "ClusterOverridePolicy"
                | "ClusterTaintPolicy"
                | "CronFederatedHPA"
                | "FederatedResourceQuota"
                | "MultiClusterIngress"
                | "ResourceInterpreterCustomization"
                | "ResourceInterpreterWebhookConfiguration"
        );
        // Objects without defaults are read when they are checked.
        assert!(named > 0 || !is_read || kind == "Work", "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES.max(ProptestConfig::default().cases), ..ProptestConfig::default() })]

    #[test]
    fn broken_objects_are_answered_and_the_field_is_named(
        kind in any::<Index>(),
        choice in any::<Index>(),
        place in any::<Index>(),
        change in change(),
    ) {
        let request = choice.get(&kind.get(&REQUESTS).1);
        if is_readable(request) {
            let mut object = request.object.clone();
            let path = apply(&mut object, place, &change);
            check_answer(request, &object, &[path])?;
        }
    }

    #[test]
    fn objects_with_many_changes_are_answered(
        kind in any::<Index>(),
        choice in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), change()), 2..6),
    ) {
        let mut request = choice.get(&kind.get(&REQUESTS).1).clone();
        let mut object = request.object.clone();
        for (place, change) in &changes {
            apply(&mut object, *place, change);
        }
        check_answer(&request, &object, &[])?;
        // What is stored may be as strange as what is sent.
        request.old_object = Some(object);
        request.operation = Operation::Update;
        check_answer(&request, &request.object, &[])?;
        request.operation = Operation::Delete;
        let _ = with_input(&request, &request.object, validate);
    }
}
