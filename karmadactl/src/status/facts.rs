//! What the control plane has about one object.

use std::collections::BTreeMap;

use karmada_core::object::{binding_name, execution_namespace, work_name};
use serde_json::Value;

use crate::api_error::ApiError;
use crate::change::Writer;
use crate::discovery::{Discovery, ResourceKind, Scope};

/// An object whose way is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub kind: ResourceKind,
    pub namespace: Option<String>,
    pub name: String,
}

/// What the control plane has about an object.
#[derive(Clone, Debug)]
pub struct Facts {
    pub subject: Subject,
    pub template: Option<Value>,
    pub binding: Option<Value>,
    /// Kind, namespace and name of the policy that the template says it belongs to.
    pub policy_reference: Option<(String, Option<String>, String)>,
    pub policy: Option<Value>,
    /// The Work of each target cluster, by cluster.
    pub works: BTreeMap<String, Value>,
    /// The Cluster objects, by name.
    pub clusters: BTreeMap<String, Value>,
    /// Events of the template, the binding and the Works.
    pub events: Vec<Value>,
}

/// Annotations that name the policy, and what kind they name.
const POLICY_ANNOTATIONS: [(&str, &str, Option<&str>); 2] = [
    (
        "propagationpolicy.karmada.io/name",
        "PropagationPolicy",
        Some("propagationpolicy.karmada.io/namespace"),
    ),
    ("clusterpropagationpolicy.karmada.io/name", "ClusterPropagationPolicy", None),
];

/// Finds the objects of a name that are propagated in a namespace, or have none.
pub async fn find_subjects(
    writer: &Writer,
    discovery: &Discovery,
    namespace: &str,
    name: &str,
) -> Result<Vec<Subject>, ApiError> {
    let mut subjects = Vec::new();
    for binding_kind in [binding_kind(Scope::Namespaced), binding_kind(Scope::Cluster)] {
        for binding in writer.list(&binding_kind, Some(namespace), None, None).await? {
            let resource = &binding["spec"]["resource"];
            let text = |field: &str| resource[field].as_str().unwrap_or_default();
            if text("name") != name {
                continue;
            }
            if let Some(kind) = discovery.kind(text("apiVersion"), text("kind")) {
                let namespace = (kind.scope == Scope::Namespaced).then(|| namespace.to_owned());
                subjects.push(Subject { kind: kind.clone(), namespace, name: name.to_owned() });
            }
        }
    }
    Ok(subjects)
}

impl Facts {
    /// Asks the control plane about an object.
    pub async fn read(writer: &Writer, discovery: &Discovery, subject: Subject) -> Result<Self, ApiError> {
        let namespace = subject.namespace.as_deref();
        let template = writer.find(&subject.kind, namespace, &subject.name).await?;
        let name_of_binding = binding_name(&subject.kind.kind, &subject.name);
        let binding_kind = binding_kind(subject.kind.scope);
        let binding = writer.find(&binding_kind, namespace, &name_of_binding).await?;
        let policy_reference = template.as_ref().or(binding.as_ref()).and_then(policy_reference);
        let policy = match &policy_reference {
            None => None,
            Some((kind, namespace, name)) => match discovery.kind("policy.karmada.io/v1alpha1", kind) {
                Some(kind) => writer.find(kind, namespace.as_deref(), name).await?,
                None => None,
            },
        };
        let mut clusters = BTreeMap::new();
        for cluster in writer
            .list(&kind_of("cluster.karmada.io", "v1alpha1", "Cluster", Scope::Cluster), None, None, None)
            .await?
        {
            clusters.insert(cluster["metadata"]["name"].as_str().unwrap_or_default().to_owned(), cluster);
        }
        let mut facts = Self {
            subject,
            template,
            binding,
            policy_reference,
            policy,
            works: BTreeMap::new(),
            clusters,
            events: Vec::new(),
        };
        facts.read_works(writer).await?;
        facts.read_events(writer, &name_of_binding).await?;
        Ok(facts)
    }

    /// Names of the clusters that the object is scheduled to.
    pub fn targets(&self) -> Vec<&str> {
        let clusters = self.binding.as_ref().and_then(|binding| binding["spec"]["clusters"].as_array());
        let mut names: Vec<&str> =
            clusters.into_iter().flatten().filter_map(|target| target["name"].as_str()).collect();
        names.sort_unstable();
        names
    }

    async fn read_works(&mut self, writer: &Writer) -> Result<(), ApiError> {
        let subject = &self.subject;
        let namespace = subject.namespace.as_deref().unwrap_or_default();
        let name = work_name(&subject.kind.kind, &subject.name, namespace);
        let kind = kind_of("work.karmada.io", "v1alpha1", "Work", Scope::Namespaced);
        let mut works = BTreeMap::new();
        for cluster in self.targets() {
            if let Some(work) = writer.find(&kind, Some(&execution_namespace(cluster)), &name).await? {
                works.insert(cluster.to_owned(), work);
            }
        }
        self.works = works;
        Ok(())
    }

    async fn read_events(&mut self, writer: &Writer, name_of_binding: &str) -> Result<(), ApiError> {
        let kind = kind_of("", "v1", "Event", Scope::Namespaced);
        let namespace = self.subject.namespace.as_deref().unwrap_or("default");
        let mut wanted = vec![
            (namespace.to_owned(), self.subject.kind.kind.clone(), self.subject.name.clone()),
            (namespace.to_owned(), binding_kind(self.subject.kind.scope).kind, name_of_binding.to_owned()),
        ];
        for work in self.works.values() {
            let text = |field: &str| work["metadata"][field].as_str().unwrap_or_default().to_owned();
            wanted.push((text("namespace"), "Work".to_owned(), text("name")));
        }
        let mut events = Vec::new();
        for (namespace, of_kind, name) in wanted {
            let fields = format!("involvedObject.kind={of_kind},involvedObject.name={name}");
            match writer.list(&kind, Some(&namespace), None, Some(&fields)).await {
                Ok(found) => events.extend(found),
                // Who may not read events sees the rest.
                Err(error) if error.code() == Some(403) => {}
                Err(error) => return Err(error),
            }
        }
        self.events = events;
        Ok(())
    }
}

fn policy_reference(object: &Value) -> Option<(String, Option<String>, String)> {
    let annotations = &object["metadata"]["annotations"];
    POLICY_ANNOTATIONS.iter().find_map(|(name, kind, namespace)| {
        let name = annotations[*name].as_str()?.to_owned();
        let namespace = namespace.and_then(|namespace| annotations[namespace].as_str()).map(str::to_owned);
        Some(((*kind).to_owned(), namespace, name))
    })
}

fn binding_kind(scope: Scope) -> ResourceKind {
    match scope {
        Scope::Namespaced => kind_of("work.karmada.io", "v1alpha2", "ResourceBinding", scope),
        Scope::Cluster => kind_of("work.karmada.io", "v1alpha2", "ClusterResourceBinding", scope),
    }
}

fn kind_of(group: &str, version: &str, kind: &str, scope: Scope) -> ResourceKind {
    ResourceKind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        scope,
        ..ResourceKind::default()
    }
}
