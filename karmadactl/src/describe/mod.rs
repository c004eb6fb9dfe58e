//! Everything about an object, for people: as `kubectl describe` prints it.
//!
//! [`describe`] picks the description of the object's kind; kinds without one of their own are described field by field.

mod access;
mod cluster_level;
mod config;
mod events;
mod generic;
mod network;
mod page;
mod pod;
mod workload;

use jiff::Timestamp;
use serde_json::Value;

use page::Page;

/// Returns a description of an object with what happened to it, as of a moment.
///
/// No events at all leave that part out; an empty list says that there are none.
pub fn describe(object: &Value, events: Option<&[Value]>, now: Timestamp) -> String {
    let mut page = Page::new(now);
    let group = object["apiVersion"].as_str().unwrap_or_default();
    let group = group.split_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("", "Pod") => pod::describe(&mut page, object),
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job" | "CronJob") => {
            workload::describe(&mut page, object);
        }
        ("", "Service") => network::service(&mut page, object),
        ("networking.k8s.io", "Ingress") => network::ingress(&mut page, object),
        ("", "ConfigMap") => config::config_map(&mut page, object),
        ("", "Secret") => config::secret(&mut page, object),
        ("", "Namespace") => cluster_level::namespace(&mut page, object),
        ("", "Node") => cluster_level::node(&mut page, object),
        ("", "ServiceAccount") => access::service_account(&mut page, object),
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => access::role(&mut page, object),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            access::binding(&mut page, object);
        }
        _ => generic::describe(&mut page, object),
    }
    if let Some(list) = events {
        events::describe(&mut page, list);
    }
    page.finish()
}
