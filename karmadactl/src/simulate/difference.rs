//! `--diff`: what moves between two inputs.

use std::cell::RefCell;
use std::io::{self, Write};

use karmada_core::simulation::{ClusterChange, PolicyName, Record, ResourceChange};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::document::{API_VERSION, Resource};
use super::names::resource_name;
use super::rows::policy_text;
use super::tally::{count, is_unplaced, problem};
use crate::table::{Heading, Table, Widths};

/// The document's `kind`.
pub(super) const KIND: &str = "PlacementDifference";

/// How much moves.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moves {
    /// Resources of which something changes.
    pub resources: usize,
    /// Pairs of resource and cluster that are new.
    pub added: usize,
    /// Pairs that are gone.
    pub removed: usize,
    /// Pairs with other replicas.
    pub scaled: usize,
    /// Pairs with another object only.
    pub rewritten: usize,
}

impl Moves {
    /// Counts a change.
    pub fn add(&mut self, change: &ResourceChange) {
        self.resources += 1;
        for cluster in &change.clusters {
            match (cluster.before, cluster.after) {
                (None, _) => self.added += 1,
                (_, None) => self.removed += 1,
                (before, after) if before != after => self.scaled += 1,
                _ => self.rewritten += 1,
            }
        }
    }

    /// One line.
    pub fn summary(&self) -> String {
        if self.resources == 0 {
            return "nothing moves".to_owned();
        }
        let parts = [
            (self.added, "added"),
            (self.removed, "removed"),
            (self.scaled, "scaled"),
            (self.rewritten, "changed in place"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        let parts =
            if parts.is_empty() { "no cluster gets anything else".to_owned() } else { parts.join(", ") };
        format!("{}: {parts}", count(self.resources, "changed resource"))
    }
}

/// Writes a row per resource and cluster that changes.
pub fn write_table(out: &mut impl Write, changes: impl Iterator<Item = ResourceChange>) -> io::Result<Moves> {
    let mut moves = Moves::default();
    let mut widths = Widths::default();
    let mut heading = Heading::Shown;
    // Widths grow from page to page, so that nothing large is kept.
    let mut changes = changes.peekable();
    while changes.peek().is_some() {
        let mut table = Table::new(["NAMESPACE", "RESOURCE", "CLUSTER", "BEFORE", "AFTER", "CHANGE"]);
        for change in changes.by_ref() {
            moves.add(&change);
            add_rows(&mut table, &change);
            if table.rows.len() > 1000 {
                break;
            }
        }
        out.write_all(table.render_with(&mut widths, heading).as_bytes())?;
        heading = Heading::Hidden;
    }
    Ok(moves)
}

fn add_rows(table: &mut Table, change: &ResourceChange) {
    let namespace = if change.key.namespace.is_empty() { "-" } else { &change.key.namespace };
    let name = resource_name(&change.key);
    let general = general_change(change);
    if change.clusters.is_empty() || (!general.is_empty() && is_failure(change.after.as_ref())) {
        table.push([namespace, name.as_str(), "-", "-", "-", general.as_str()]);
    }
    for (index, cluster) in change.clusters.iter().enumerate() {
        let mut what = kind_of_change(change, cluster).to_owned();
        if index == 0 && !general.is_empty() && !is_failure(change.after.as_ref()) {
            what = format!("{what}; {general}");
        }
        let (before, after) = (
            replicas(change.before.as_ref(), cluster.before),
            replicas(change.after.as_ref(), cluster.after),
        );
        table.push([
            namespace,
            name.as_str(),
            cluster.cluster.as_str(),
            before.as_str(),
            after.as_str(),
            what.as_str(),
        ]);
    }
}

fn kind_of_change(change: &ResourceChange, cluster: &ClusterChange) -> &'static str {
    match (cluster.before, cluster.after) {
        (None, _) => "added",
        (_, None) if change.after.is_none() => "removed with the resource",
        (_, None) => "removed",
        (before, after) if before < after => "more replicas",
        (before, after) if before > after => "fewer replicas",
        _ => "changed in place",
    }
}

/// `-` where it is not, `yes` where it is without replicas.
fn replicas(record: Option<&Record>, replicas: Option<i32>) -> String {
    match (replicas, record.and_then(Record::replicas)) {
        (None, _) => "-".to_owned(),
        (Some(_), None) => "yes".to_owned(),
        (Some(replicas), Some(_)) => replicas.to_string(),
    }
}

fn is_failure(record: Option<&Record>) -> bool {
    record.is_some_and(is_unplaced)
}

/// What changes for the resource as a whole.
fn general_change(change: &ResourceChange) -> String {
    let mut texts = Vec::new();
    match (&change.before, &change.after) {
        (None, Some(_)) => texts.push("new resource".to_owned()),
        (Some(_), None) if change.clusters.is_empty() => texts.push("resource is gone".to_owned()),
        _ => {
            if let Some((before, after)) = change.policy_change() {
                let name = |policy: Option<&PolicyName>| policy_text(policy);
                texts.push(format!("policy {} instead of {}", name(after), name(before)));
            }
        }
    }
    match (is_failure(change.before.as_ref()), change.after.as_ref().filter(|record| is_unplaced(record))) {
        (_, Some(after)) => texts.push(problem(after).unwrap_or_default()),
        (true, None) if change.after.is_some() => texts.push("finds its place now".to_owned()),
        _ => {}
    }
    texts.join("; ")
}

/// All changes; serialising it runs both simulations, once.
pub struct DifferenceList<'a, I> {
    changes: RefCell<I>,
    moves: &'a RefCell<Moves>,
}

impl<'a, I: Iterator<Item = ResourceChange>> DifferenceList<'a, I> {
    /// These changes, which are counted in `moves` as they are written.
    pub fn new(changes: I, moves: &'a RefCell<Moves>) -> Self {
        Self { changes: RefCell::new(changes), moves }
    }
}

impl<I: Iterator<Item = ResourceChange>> Serialize for DifferenceList<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", API_VERSION)?;
        map.serialize_entry("kind", KIND)?;
        map.serialize_entry("items", &Items(self))?;
        map.serialize_entry("summary", &*self.moves.borrow())?;
        map.end()
    }
}

struct Items<'a, 'b, I>(&'a DifferenceList<'b, I>);

impl<I: Iterator<Item = ResourceChange>> Serialize for Items<'_, '_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(None)?;
        for change in &mut *self.0.changes.borrow_mut() {
            self.0.moves.borrow_mut().add(&change);
            items.serialize_element(&Item::from(&change))?;
        }
        items.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    resource: Resource<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
    clusters: Vec<Cluster<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cluster<'a> {
    name: &'a str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<i32>,
}

impl<'a> From<&'a ResourceChange> for Item<'a> {
    fn from(change: &'a ResourceChange) -> Self {
        let has_replicas =
            |record: &Option<Record>| record.as_ref().is_some_and(|record| record.replicas().is_some());
        let cluster = |cluster: &'a ClusterChange| Cluster {
            name: &cluster.cluster,
            change: kind_of_change(change, cluster),
            before: cluster.before.filter(|_| has_replicas(&change.before)),
            after: cluster.after.filter(|_| has_replicas(&change.after)),
        };
        Self {
            resource: Resource::from(&change.key),
            change: Some(general_change(change)).filter(|text| !text.is_empty()),
            clusters: change.clusters.iter().map(cluster).collect(),
        }
    }
}
