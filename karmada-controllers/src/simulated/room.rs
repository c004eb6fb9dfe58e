//! The nodes' room, and who holds how much of it.

use std::collections::{BTreeMap, HashMap};

use super::demand::{Amounts, Demand, NodeFacts};
use crate::hub::ObjectKey;

/// Who holds room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Holder {
    Pod(ObjectKey),
    /// A Deployment whose pods are not made as objects.
    Paper(ObjectKey),
}

/// The nodes' room, and who holds how much of it.
///
/// What is given never exceeds what a node offers. Only room that was held before a node
/// got smaller can.
#[derive(Debug, Default)]
pub(super) struct Room {
    nodes: BTreeMap<String, Node>,
    held: HashMap<Holder, Held>,
}

#[derive(Debug, Default)]
struct Node {
    facts: NodeFacts,
    used: Amounts,
    /// How many pods each holder has here.
    holders: BTreeMap<Holder, i64>,
}

#[derive(Debug)]
struct Held {
    requests: Amounts,
    nodes: BTreeMap<String, i64>,
}

impl Node {
    /// How many times the requests fit into what is left.
    fn fits(&self, requests: &Amounts) -> i64 {
        let times =
            requests.iter().filter(|(_, amount)| **amount > 0).map(|(name, amount)| self.left(name) / amount);
        times.min().map_or(i64::MAX, |times| i64::try_from(times.max(0)).unwrap_or(i64::MAX))
    }

    fn left(&self, name: &str) -> i128 {
        let offered = self.facts.allocatable.get(name).copied().unwrap_or_default();
        offered - self.used.get(name).copied().unwrap_or_default()
    }

    /// The resources of which too little is left.
    fn lacks<'a>(&'a self, requests: &'a Amounts) -> impl Iterator<Item = String> + 'a {
        requests.iter().filter(|(name, amount)| self.left(name) < **amount).map(|(name, _)| {
            match name.as_str() {
                "pods" => "Too many pods".to_owned(),
                name => format!("Insufficient {name}"),
            }
        })
    }

    fn add(&mut self, requests: &Amounts, times: i64) {
        for (name, amount) in requests {
            let used = self.used.entry(name.clone()).or_default();
            *used += amount * i128::from(times);
        }
    }
}

impl Room {
    /// Adds a node, or takes over what changed of it. Returns whether anything did.
    pub(super) fn set_node(&mut self, facts: NodeFacts) -> bool {
        let node = self.nodes.entry(facts.name.clone()).or_default();
        let changed = node.facts != facts;
        node.facts = facts;
        changed
    }

    /// Removes a node with all that is held there. Returns who held it.
    pub(super) fn remove_node(&mut self, name: &str) -> Vec<Holder> {
        let Some(node) = self.nodes.remove(name) else { return Vec::new() };
        for holder in node.holders.keys() {
            if let Some(held) = self.held.get_mut(holder) {
                held.nodes.remove(name);
            }
        }
        node.holders.into_keys().collect()
    }

    /// Returns what is known of a node.
    pub(super) fn node(&self, name: &str) -> Option<&NodeFacts> {
        self.nodes.get(name).map(|node| &node.facts)
    }

    /// Returns all nodes.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &NodeFacts> {
        self.nodes.values().map(|node| &node.facts)
    }

    /// Returns who holds room on a node.
    pub(super) fn holders(&self, name: &str) -> Vec<Holder> {
        self.nodes.get(name).map(|node| node.holders.keys().cloned().collect()).unwrap_or_default()
    }

    /// Returns the node of a pod that holds room.
    pub(super) fn node_of(&self, holder: &Holder) -> Option<&str> {
        self.held.get(holder)?.nodes.keys().next().map(String::as_str)
    }

    /// Gives room on the node with the fewest pods among those that suit. Returns its name.
    ///
    /// # Errors
    /// When no node suits: why, in kube-scheduler's words.
    pub(super) fn place(&mut self, holder: &Holder, demand: &Demand) -> Result<String, String> {
        self.release(holder);
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let mut best: Option<(i64, &str)> = None;
        for (name, node) in &self.nodes {
            if let Some(objection) = demand.objection(&node.facts) {
                *reasons.entry(objection).or_default() += 1;
            } else if node.fits(&demand.requests) < 1 {
                for lack in node.lacks(&demand.requests) {
                    *reasons.entry(lack).or_default() += 1;
                }
            } else {
                let pods: i64 = node.holders.values().sum();
                if best.is_none_or(|(fewest, _)| pods < fewest) {
                    best = Some((pods, name));
                }
            }
        }
        match best.map(|(_, name)| name.to_owned()) {
            Some(name) => {
                self.hold(holder, &name, demand.requests.clone(), 1);
                Ok(name)
            }
            None => Err(no_room(self.nodes.len(), &reasons)),
        }
    }

    /// Gives room on one node to a pod that names it.
    ///
    /// # Errors
    /// The first resource of which too little is left.
    pub(super) fn admit(&mut self, holder: &Holder, node: &str, requests: &Amounts) -> Result<(), String> {
        if self.node_of(holder) == Some(node) {
            return Ok(());
        }
        self.release(holder);
        let lack = self.nodes.get(node).and_then(|node| {
            requests.iter().find(|(name, amount)| node.left(name) < **amount).map(|(name, _)| name.clone())
        });
        if let Some(name) = lack {
            return Err(name);
        }
        self.hold(holder, node, requests.clone(), 1);
        Ok(())
    }

    /// Notes what a pod that runs holds, whether it fits or not.
    pub(super) fn hold(&mut self, holder: &Holder, node: &str, requests: Amounts, times: i64) {
        let Some(found) = self.nodes.get_mut(node) else { return };
        found.add(&requests, times);
        *found.holders.entry(holder.clone()).or_default() += times;
        let held =
            self.held.entry(holder.clone()).or_insert_with(|| Held { requests, nodes: BTreeMap::new() });
        *held.nodes.entry(node.to_owned()).or_default() += times;
    }

    /// Gives a Deployment room for up to `replicas` pods in place of what it held. Returns for how many.
    pub(super) fn assign(&mut self, holder: &Holder, replicas: i64, demand: &Demand) -> i64 {
        self.release(holder);
        let mut missing = replicas.max(0);
        let suiting: Vec<String> = self
            .nodes
            .iter()
            .filter(|(_, node)| demand.objection(&node.facts).is_none())
            .map(|(name, _)| name.clone())
            .collect();
        for (index, name) in suiting.iter().enumerate() {
            let Some(node) = self.nodes.get(name) else { continue };
            // Shared out evenly as far as the nodes allow it; the last ones take what is left.
            let nodes_left = i64::try_from(suiting.len() - index).unwrap_or(1);
            let share = (missing + nodes_left - 1) / nodes_left;
            let times = node.fits(&demand.requests).min(share);
            if times > 0 {
                self.hold(holder, name, demand.requests.clone(), times);
                missing -= times;
            }
        }
        for name in &suiting {
            let Some(node) = self.nodes.get(name) else { continue };
            let times = node.fits(&demand.requests).min(missing);
            if times > 0 {
                self.hold(holder, name, demand.requests.clone(), times);
                missing -= times;
            }
        }
        replicas.max(0) - missing
    }

    /// Returns how many pods a holder has room for.
    pub(super) fn count(&self, holder: &Holder) -> i64 {
        self.held.get(holder).map_or(0, |held| held.nodes.values().sum())
    }

    /// Takes back what a holder has. Returns whether it had anything.
    pub(super) fn release(&mut self, holder: &Holder) -> bool {
        let Some(held) = self.held.remove(holder) else { return false };
        for (name, times) in &held.nodes {
            if let Some(node) = self.nodes.get_mut(name) {
                node.add(&held.requests, -times);
                node.holders.remove(holder);
            }
        }
        !held.nodes.is_empty()
    }
}

/// Words the reasons as kube-scheduler does.
fn no_room(nodes: usize, reasons: &BTreeMap<String, usize>) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut reasons: Vec<String> =
        reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    reasons.sort();
    format!("0/{nodes} nodes are available: {}.", reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ONE: i128 = 1_000_000_000;

    fn node(name: &str, cpu: i64, pods: i64) -> NodeFacts {
        NodeFacts {
            name: name.to_owned(),
            ready: true,
            allocatable: [("cpu", cpu), ("pods", pods)]
                .map(|(name, amount)| (name.to_owned(), i128::from(amount) * ONE))
                .into(),
            ..NodeFacts::default()
        }
    }

    fn demand(cpu: &str) -> Demand {
        Demand::of(&json!({"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}}))
    }

    fn pod(number: usize) -> Holder {
        Holder::Pod(ObjectKey::new("ns", format!("pod-{number}")))
    }

    #[test]
    fn pods_spread_over_nodes_and_wait_when_nothing_fits() {
        let mut room = Room::default();
        room.set_node(node("a", 2, 10));
        room.set_node(node("b", 2, 10));
        assert_eq!(room.place(&pod(1), &demand("2")), Ok("a".to_owned()));
        assert_eq!(room.place(&pod(2), &demand("1")), Ok("b".to_owned()));
        assert_eq!(
            room.place(&pod(3), &demand("2")),
            Err("0/2 nodes are available: 2 Insufficient cpu.".to_owned())
        );
        room.set_node(NodeFacts { unschedulable: true, ..node("b", 2, 10) });
        assert_eq!(
            room.place(&pod(3), &demand("1")),
            Err("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.".to_owned())
        );
        assert_eq!(room.remove_node("a"), [pod(1)]);
        assert_eq!(room.node_of(&pod(1)), None);
        assert_eq!(
            Room::default().place(&pod(1), &demand("1")).unwrap_err(),
            "no nodes available to schedule pods"
        );
    }

    #[test]
    fn a_pod_that_names_its_node_is_refused_when_it_is_full() {
        let mut room = Room::default();
        room.set_node(node("a", 1, 10));
        assert_eq!(room.admit(&pod(1), "a", &demand("1").requests), Ok(()));
        assert_eq!(room.admit(&pod(1), "a", &demand("1").requests), Ok(()));
        assert_eq!(room.admit(&pod(2), "a", &demand("1").requests), Err("cpu".to_owned()));
    }

    #[test]
    fn replicas_on_paper_share_the_room_with_pods() {
        let mut room = Room::default();
        room.set_node(node("a", 4, 10));
        room.set_node(node("b", 2, 10));
        let paper = Holder::Paper(ObjectKey::new("ns", "web"));
        assert_eq!(room.assign(&paper, 8, &demand("1")), 6);
        assert!(room.place(&pod(1), &demand("1")).is_err());
        assert_eq!(room.assign(&paper, 2, &demand("1")), 2);
        assert_eq!(room.place(&pod(1), &demand("1")), Ok("a".to_owned()));
        assert_eq!(room.count(&paper), 2);
        assert!(room.release(&paper));
        assert!(!room.release(&paper));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Node { name: usize, cpu: i64, pods: i64, cordoned: bool },
        Gone { name: usize },
        Place { pod: usize, milli: u32 },
        Admit { pod: usize, node: usize, milli: u32 },
        Assign { owner: usize, replicas: i64, milli: u32 },
        Release { pod: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..4_usize, any::<bool>()).prop_map(|(name, cordoned)| Step::Node {
                name,
                cpu: 4,
                pods: 8,
                cordoned
            }),
            (0..4_usize).prop_map(|name| Step::Gone { name }),
            (0..20_usize, 0..3000_u32).prop_map(|(pod, milli)| Step::Place { pod, milli }),
            (0..20_usize, 0..4_usize, 0..3000_u32).prop_map(|(pod, node, milli)| Step::Admit {
                pod,
                node,
                milli
            }),
            (0..4_usize, 0..20_i64, 0..1500_u32).prop_map(|(owner, replicas, milli)| Step::Assign {
                owner,
                replicas,
                milli
            }),
            (0..20_usize).prop_map(|pod| Step::Release { pod }),
        ]
    }

    proptest! {
        #[test]
        fn what_pods_hold_never_exceeds_what_a_node_offers(steps in proptest::collection::vec(step(), 1..120)) {
            let mut room = Room::default();
            // An account of our own: who has how much where.
            let mut account: HashMap<Holder, BTreeMap<String, (i64, u32)>> = HashMap::new();
            for step in steps {
                let requests = |milli: u32| demand(&format!("{milli}m"));
                match step {
                    Step::Node { name, cpu, pods, cordoned } => {
                        room.set_node(NodeFacts { unschedulable: cordoned, ..node(&format!("n{name}"), cpu, pods) });
                    }
                    Step::Gone { name } => {
                        let name = format!("n{name}");
                        room.remove_node(&name);
                        for held in account.values_mut() {
                            held.remove(&name);
                        }
                    }
                    Step::Place { pod: number, milli } => {
                        account.remove(&pod(number));
                        if let Ok(name) = room.place(&pod(number), &requests(milli)) {
                            prop_assert!(!room.node(&name).unwrap().unschedulable);
                            account.insert(pod(number), [(name, (1, milli))].into());
                        }
                    }
                    Step::Admit { pod: number, node, milli } => {
                        let name = format!("n{node}");
                        if room.node_of(&pod(number)) == Some(&name) {
                            continue;
                        }
                        account.remove(&pod(number));
                        if room.admit(&pod(number), &name, &requests(milli).requests).is_ok() && room.node(&name).is_some() {
                            account.insert(pod(number), [(name, (1, milli))].into());
                        }
                    }
                    Step::Assign { owner, replicas, milli } => {
                        let holder = Holder::Paper(ObjectKey::new("ns", format!("d{owner}")));
                        let given = room.assign(&holder, replicas, &requests(milli));
                        prop_assert!(given <= replicas && given == room.count(&holder));
                        let nodes = room.held.get(&holder).map(|held| held.nodes.clone()).unwrap_or_default();
                        account.insert(holder, nodes.into_iter().map(|(name, times)| (name, (times, milli))).collect());
                    }
                    Step::Release { pod: number } => {
                        room.release(&pod(number));
                        account.remove(&pod(number));
                    }
                }
                for facts in room.nodes() {
                    let (mut pods, mut milli) = (0, 0);
                    for (times, each) in account.values().filter_map(|held| held.get(&facts.name)) {
                        pods += times;
                        milli += times * i64::from(*each);
                    }
                    prop_assert!(pods <= 8 && milli <= 4000, "{}: {pods} pods, {milli}m", facts.name);
                }
            }
        }
    }
}
