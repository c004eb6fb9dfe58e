//! What a cluster has and uses: node counts, resource summary, nodes per grade.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::ResourceList;
use crate::api::cluster::{AllocatableModeling, NodeSummary, ResourceModel, ResourceSummary};
use crate::object::{Quantity, QuantityFormat};

const PODS: &str = "pods";

/// Counts nodes, and those whose condition `Ready` is `True`.
pub fn summarise_nodes(nodes: &[&Value]) -> NodeSummary {
    let ready = nodes.iter().filter(|node| is_ready(node)).count();
    NodeSummary { total_num: count(nodes.len()), ready_num: count(ready) }
}

/// Sums what nodes have and pods ask for, and counts nodes per grade of `models`.
///
/// Allocatable: all nodes, unschedulable ones too. Allocating: pods without a node. Allocated: pods
/// on a node that have not ended. A node's grade is judged by what its pods leave free; the first
/// node without a free pod slot ends the grading, as upstream's does.
///
/// Source: karmada v1.19 cluster-status-controller.
pub fn summarise_resources(nodes: &[&Value], pods: &[&Value], models: &[ResourceModel]) -> ResourceSummary {
    let mut summary = ResourceSummary::default();
    for node in nodes {
        add_all(&mut summary.allocatable, &allocatable(node));
    }
    let (mut waiting, mut placed) = (0, 0);
    let mut used_by_node: BTreeMap<&str, (ResourceList, i64)> = BTreeMap::new();
    for pod in pods {
        let phase = text(pod, "/status/phase");
        let node = text(pod, "/spec/nodeName");
        let requests = pod_requests(pod);
        if node.is_empty() {
            add_all(&mut summary.allocating, &requests);
            waiting += 1;
        } else if phase != "Succeeded" && phase != "Failed" {
            add_all(&mut summary.allocated, &requests);
            placed += 1;
            let used = used_by_node.entry(node).or_default();
            add_all(&mut used.0, &requests);
            used.1 += 1;
        }
    }
    if waiting > 0 {
        summary.allocating.insert(PODS.into(), Quantity::from_value(waiting, QuantityFormat::DecimalSi));
    }
    if placed > 0 {
        summary.allocated.insert(PODS.into(), Quantity::from_value(placed, QuantityFormat::DecimalSi));
    }
    summary.allocatable_modelings = count_grades(nodes, &used_by_node, models);
    summary
}

/// Sums what a pod asks for: its containers and sidecars, or its largest init container where that is more, plus overhead.
pub fn pod_requests(pod: &Value) -> ResourceList {
    let containers =
        |list: &str| pod.pointer(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut running = ResourceList::new();
    for container in containers("/spec/containers") {
        add_all(&mut running, &quantities(container.pointer("/resources/requests")));
    }
    let mut starting = ResourceList::new();
    let mut sidecars = ResourceList::new();
    for container in containers("/spec/initContainers") {
        let requests = quantities(container.pointer("/resources/requests"));
        if container.get("restartPolicy").and_then(Value::as_str) == Some("Always") {
            add_all(&mut running, &requests);
            add_all(&mut sidecars, &requests);
            raise_all(&mut starting, &sidecars);
        } else {
            let mut peak = sidecars.clone();
            add_all(&mut peak, &requests);
            raise_all(&mut starting, &peak);
        }
    }
    raise_all(&mut running, &starting);
    add_all(&mut running, &quantities(pod.pointer("/spec/overhead")));
    running
}

fn count_grades(
    nodes: &[&Value],
    used_by_node: &BTreeMap<&str, (ResourceList, i64)>,
    models: &[ResourceModel],
) -> Vec<AllocatableModeling> {
    let mut grades: Vec<AllocatableModeling> =
        models.iter().map(|model| AllocatableModeling { grade: model.grade, count: 0 }).collect();
    for node in nodes {
        let mut free = allocatable(node);
        let none = (ResourceList::new(), 0);
        let (used, pods) = used_by_node.get(text(node, "/metadata/name")).unwrap_or(&none);
        for (name, amount) in used {
            if let Some(left) = free.get_mut(name) {
                *left -= *amount;
            }
        }
        let slots = free.get(PODS).map_or(0, Quantity::value);
        if slots - pods <= 0 {
            break;
        }
        if let Some(grade) = grade_of(&free, models).and_then(|index| grades.get_mut(index)) {
            grade.count += 1;
        }
    }
    grades
}

/// Returns the place of the grade that holds a node: the lowest over the resources the models name.
fn grade_of(free: &ResourceList, models: &[ResourceModel]) -> Option<usize> {
    let first = models.first()?;
    let zero = Quantity::default();
    let mut lowest = models.len() - 1;
    for (position, range) in first.ranges.iter().enumerate() {
        let amount = free.get(&range.name).unwrap_or(&zero);
        // Grades ascend, so the last one whose minimum is reached holds the amount.
        let grade = models
            .iter()
            .rposition(|model| model.ranges.get(position).is_some_and(|range| range.min <= *amount))
            .unwrap_or_default();
        lowest = lowest.min(grade);
    }
    Some(lowest)
}

fn is_ready(node: &Value) -> bool {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("Ready")
            && condition.get("status").and_then(Value::as_str) == Some("True")
    })
}

fn allocatable(node: &Value) -> ResourceList {
    quantities(node.pointer("/status/allocatable"))
}

/// Reads a map of quantities; what is not a quantity cannot be counted and is left out.
fn quantities(map: Option<&Value>) -> ResourceList {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, amount)| {
            let amount = match amount {
                Value::String(text) => text.parse().ok()?,
                Value::Number(number) => number.to_string().parse().ok()?,
                _ => return None,
            };
            Some((name.clone(), amount))
        })
        .collect()
}

fn add_all(sum: &mut ResourceList, amounts: &ResourceList) {
    for (name, amount) in amounts {
        match sum.get_mut(name) {
            Some(total) => *total += *amount,
            None => {
                sum.insert(name.clone(), *amount);
            }
        }
    }
}

fn raise_all(to: &mut ResourceList, amounts: &ResourceList) {
    for (name, amount) in amounts {
        match to.get_mut(name) {
            Some(present) if *present >= *amount => {}
            Some(present) => *present = *amount,
            None => {
                to.insert(name.clone(), *amount);
            }
        }
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::cluster::ResourceModelRange;

    fn node(name: &str, cpu: &str, memory: &str, pods: &str, ready: &str) -> Value {
        json!({"metadata": {"name": name}, "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods},
            "conditions": [{"type": "Ready", "status": ready}]}})
    }

    fn pod(node: &str, cpu: &str, memory: &str) -> Value {
        let mut requests = json!({"cpu": cpu});
        if !memory.is_empty() {
            requests["memory"] = json!(memory);
        }
        json!({"spec": {"nodeName": node, "containers": [{"resources": {"requests": requests}}]}, "status": {"phase": "Running"}})
    }

    fn model(grade: u32, cpu: &str, memory: &str) -> ResourceModel {
        let range = |name: &str, min: &str| ResourceModelRange {
            name: name.into(),
            min: min.parse().unwrap(),
            ..ResourceModelRange::default()
        };
        ResourceModel { grade, ranges: vec![range("cpu", cpu), range("memory", memory)] }
    }

    fn counts(nodes: &[Value], pods: &[Value]) -> Vec<i32> {
        let models = [model(0, "0", "0"), model(1, "1", "4Gi"), model(2, "2", "16Gi"), model(3, "4", "32Gi")];
        let summary =
            summarise_resources(&nodes.iter().collect::<Vec<_>>(), &pods.iter().collect::<Vec<_>>(), &models);
        summary.allocatable_modelings.iter().map(|modeling| modeling.count).collect()
    }

    #[test]
    fn counts_nodes_and_ready_nodes() {
        let nodes = [node("a", "1", "1Gi", "10", "True"), node("b", "1", "1Gi", "10", "False")];
        let summary = summarise_nodes(&nodes.iter().collect::<Vec<_>>());
        assert_eq!((summary.total_num, summary.ready_num), (2, 1));
    }

    #[test]
    fn tells_waiting_pods_from_placed_ones() {
        let nodes = [node("a", "8", "16Gi", "40", "True")];
        let mut done = pod("a", "1", "1Gi");
        done["status"]["phase"] = json!("Succeeded");
        let pods = [pod("a", "2", "1Gi"), pod("", "500m", ""), done];
        let summary =
            summarise_resources(&nodes.iter().collect::<Vec<_>>(), &pods.iter().collect::<Vec<_>>(), &[]);
        assert_eq!(
            serde_json::to_value(&summary).unwrap(),
            json!({
                "allocatable": {"cpu": "8", "memory": "16Gi", "pods": "40"},
                "allocating": {"cpu": "500m", "pods": "1"},
                "allocated": {"cpu": "2", "memory": "1Gi", "pods": "1"},
            })
        );
    }

    #[test]
    fn a_node_falls_into_the_lowest_grade_of_its_free_resources() {
        let nodes = [node("a", "8", "16Gi", "40", "True")];
        assert_eq!(counts(&nodes, &[]), [0, 0, 1, 0]);
        assert_eq!(counts(&nodes, &[pod("a", "2", "1Gi")]), [0, 1, 0, 0]);
    }

    #[test]
    fn a_node_without_pod_slots_ends_the_grading() {
        let nodes = [node("full", "8", "16Gi", "1", "True"), node("later", "8", "16Gi", "40", "True")];
        assert_eq!(counts(&nodes, &[pod("full", "1", "1Gi")]), [0, 0, 0, 0]);
    }

    #[test]
    fn init_containers_count_where_they_ask_for_more() {
        let requests = pod_requests(&json!({"spec": {
            "containers": [{"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
            "initContainers": [{"resources": {"requests": {"cpu": "3"}}}, {"restartPolicy": "Always", "resources": {"requests": {"memory": "1Gi"}}}],
            "overhead": {"cpu": "100m"}}}));
        assert_eq!(serde_json::to_value(&requests).unwrap(), json!({"cpu": "3100m", "memory": "2Gi"}));
    }
}
