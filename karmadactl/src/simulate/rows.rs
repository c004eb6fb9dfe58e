//! The table: one row per resource and cluster.

use std::collections::HashMap;
use std::io::{self, Write};

use karmada_core::simulation::{Mode, Outcome, PolicyName, Record, World};

use super::names::{kind_name, resource_name};
use super::tally::problem;
use crate::manifest::Batch;

/// Blanks between columns.
const GAP: usize = 3;
/// What stands where there is nothing.
const NOTHING: &str = "-";

/// Which columns are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    Usual,
    All,
}

/// Widths that fit everything that may come, so that rows are printed as they are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Widths {
    namespace: usize,
    resource: usize,
    policy: usize,
    cluster: usize,
    region: usize,
    source: usize,
}

impl Widths {
    /// Returns the widths for the objects of an input.
    pub fn of(batch: &Batch) -> Self {
        let mut widths = Self {
            namespace: "NAMESPACE".len(),
            resource: "RESOURCE".len(),
            policy: "POLICY".len(),
            cluster: "CLUSTER".len(),
            region: "REGION".len(),
            source: "SOURCE".len(),
        };
        let fit = |width: &mut usize, text: usize| *width = (*width).max(text);
        for (index, object) in batch.objects.iter().enumerate() {
            let text = |value: &serde_json::Value| value.as_str().map_or(0, |text| text.chars().count());
            let name = text(&object["metadata"]["name"]);
            let kind = object["kind"].as_str().unwrap_or_default();
            let api_version = object["apiVersion"].as_str().unwrap_or_default();
            match kind {
                "Cluster" if api_version.starts_with("cluster.karmada.io/") => {
                    fit(&mut widths.cluster, name);
                    fit(&mut widths.region, text(&object["spec"]["region"]));
                }
                "PropagationPolicy" => fit(&mut widths.policy, "pp/".len() + name),
                "ClusterPropagationPolicy" => fit(&mut widths.policy, "cpp/".len() + name),
                _ if api_version.contains(".karmada.io/") => {}
                _ => {
                    fit(&mut widths.namespace, text(&object["metadata"]["namespace"]));
                    fit(&mut widths.resource, kind_name(api_version, kind).chars().count() + 1 + name);
                    fit(&mut widths.source, batch.origin(index).chars().count());
                }
            }
        }
        widths
    }
}

/// Writes rows.
#[derive(Debug)]
pub struct Rows<'a> {
    columns: Columns,
    widths: Widths,
    world: &'a World,
    batch: &'a Batch,
    /// Kept between records: the text of one record.
    text: String,
}

impl<'a> Rows<'a> {
    /// Rows of a world whose objects are those of the batch.
    pub fn new(columns: Columns, widths: Widths, world: &'a World, batch: &'a Batch) -> Self {
        Self { columns, widths, world, batch, text: String::new() }
    }

    /// Writes the headings.
    pub fn write_heading(&mut self, out: &mut impl Write) -> io::Result<()> {
        let Widths { namespace, resource, policy, cluster, region, source } = self.widths;
        self.text.clear();
        for (heading, width) in
            [("NAMESPACE", namespace), ("RESOURCE", resource), ("POLICY", policy), ("CLUSTER", cluster)]
        {
            pad(&mut self.text, heading, width);
        }
        pad(&mut self.text, "REPLICAS", "REPLICAS".len());
        if self.columns == Columns::All {
            pad(&mut self.text, "MODE", MODE_WIDTH);
            pad(&mut self.text, "REGION", region);
            pad(&mut self.text, "SOURCE", source);
        }
        self.text.push_str("NOTE\n");
        out.write_all(self.text.as_bytes())
    }

    /// Writes the rows of a record: one per cluster, or one that says why there is none.
    pub fn write(&mut self, out: &mut impl Write, record: &Record) -> io::Result<()> {
        self.text.clear();
        let mut head = String::new();
        let namespace = if record.key.namespace.is_empty() { NOTHING } else { &record.key.namespace };
        pad(&mut head, namespace, self.widths.namespace);
        pad(&mut head, &resource_name(&record.key), self.widths.resource);
        pad(&mut head, &policy_text(record.policy.as_ref()), self.widths.policy);
        let mode = match &record.outcome {
            Outcome::Placed(mode) => mode.to_string(),
            _ => NOTHING.to_owned(),
        };
        let follows = follow_note(record);
        let overrides = override_notes(record, self.world);
        let mut general = general_note(record);
        let has_replicas = record.replicas().is_some();
        let mut any = false;
        for target in record.targets() {
            any = true;
            let replicas = has_replicas.then_some(target.replicas);
            let mut note = std::mem::take(&mut general);
            for more in overrides.get(target.name.as_str()).into_iter().chain(&follows) {
                if !note.is_empty() {
                    note.push_str("; ");
                }
                note.push_str(more);
            }
            self.row(&head, &target.name, replicas, &mode, record.object, &note);
        }
        if !any {
            self.row(&head, NOTHING, None, &mode, record.object, &general);
        }
        out.write_all(self.text.as_bytes())
    }

    fn row(
        &mut self,
        head: &str,
        cluster: &str,
        replicas: Option<i32>,
        mode: &str,
        object: usize,
        note: &str,
    ) {
        let text = &mut self.text;
        text.push_str(head);
        pad(text, cluster, self.widths.cluster);
        match replicas {
            Some(replicas) => pad(text, &replicas.to_string(), "REPLICAS".len()),
            None => pad(text, NOTHING, "REPLICAS".len()),
        }
        if self.columns == Columns::All {
            pad(text, mode, MODE_WIDTH);
            let region =
                self.world.clusters().get(cluster).map_or("", |cluster| cluster.spec.region.as_str());
            pad(text, if region.is_empty() { NOTHING } else { region }, self.widths.region);
            pad(text, self.batch.origin(object), self.widths.source);
        }
        text.push_str(note);
        let end = text.trim_end_matches(' ').len();
        text.truncate(end);
        text.push('\n');
    }
}

/// Width of the longest mode.
const MODE_WIDTH: usize = "Duplicated".len();

/// `pp/web` or `cpp/web`, as kubectl knows them; `-` for none.
pub(super) fn policy_text(policy: Option<&PolicyName>) -> String {
    match policy {
        Some(policy) if policy.namespace.is_empty() => format!("cpp/{}", policy.name),
        Some(policy) => format!("pp/{}", policy.name),
        None => NOTHING.to_owned(),
    }
}

/// What there is to say about the resource as a whole; it stands in its first row.
fn general_note(record: &Record) -> String {
    let mut notes: Vec<String> = Vec::new();
    if let Outcome::Placed(Mode::Everywhere) = &record.outcome {
        notes.push("every cluster gets it".to_owned());
    }
    notes.extend(problem(record));
    notes.extend(record.notes.iter().map(ToString::to_string));
    notes.join("; ")
}

/// Whom the resource follows, when that is the only reason for its clusters.
fn follow_note(record: &Record) -> Option<String> {
    let Outcome::Placed(Mode::Following) = &record.outcome else { return None };
    let leaders: Vec<String> = record.required_by.iter().map(resource_name).collect();
    Some(format!("follows {}", leaders.join(", ")))
}

/// Which policies change the resource, by cluster.
fn override_notes<'a>(record: &Record, world: &'a World) -> HashMap<&'a str, String> {
    let snapshot = world.snapshot();
    let mut notes = HashMap::new();
    for change in record.overrides.iter().filter(|change| change.error.is_none()) {
        let names: Vec<&str> = change.policies.iter().map(|policy| policy.name.as_str()).collect();
        let note = format!("overridden by {}", names.join(", "));
        for index in &change.clusters {
            notes.insert(snapshot.name_of(*index), note.clone());
        }
    }
    notes
}

fn pad(text: &mut String, cell: &str, width: usize) {
    const BLANKS: &str = "                                                                ";
    text.push_str(cell);
    let mut missing = (width + GAP).saturating_sub(cell.chars().count()).max(GAP);
    while missing > 0 {
        let part = missing.min(BLANKS.len());
        text.push_str(&BLANKS[..part]);
        missing -= part;
    }
}
