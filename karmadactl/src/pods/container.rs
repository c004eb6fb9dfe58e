//! The containers of a pod.

use serde_json::Value;

const DEFAULT_ANNOTATION: &str = "kubectl.kubernetes.io/default-container";

/// Which containers are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containers {
    /// Those that run side by side.
    Running,
    /// Those that ran before and those that were added, too.
    All,
}

/// A container that a pod does not have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("container {name} not found in pod {pod}")]
pub struct NoSuchContainer {
    pub name: String,
    pub pod: String,
}

/// Returns the names of a pod's containers, in the order in which they start.
pub fn containers(pod: &Value, which: Containers) -> Vec<String> {
    let lists: &[&str] = match which {
        Containers::Running => &["containers"],
        Containers::All => &["initContainers", "containers", "ephemeralContainers"],
    };
    lists
        .iter()
        .flat_map(|list| pod["spec"][*list].as_array().into_iter().flatten())
        .filter_map(|container| container["name"].as_str().map(str::to_owned))
        .collect()
}

/// Returns the container that is meant when none is named, and what to tell about the choice.
pub fn default_container(pod: &Value) -> (Option<String>, Option<String>) {
    let running = containers(pod, Containers::Running);
    let annotated =
        pod["metadata"]["annotations"][DEFAULT_ANNOTATION].as_str().filter(|name| !name.is_empty());
    if let Some(name) = annotated
        && containers(pod, Containers::All).iter().any(|known| known == name)
    {
        return (Some(name.to_owned()), None);
    }
    let first = running.first().cloned();
    let mut all = running;
    all.extend(containers(pod, Containers::All).into_iter().filter_map(|name| {
        let is_init = pod["spec"]["initContainers"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|container| container["name"] == name.as_str());
        let is_running =
            pod["spec"]["containers"].as_array().into_iter().flatten().any(|c| c["name"] == name.as_str());
        (!is_running).then(|| format!("{name} ({})", if is_init { "init" } else { "ephem" }))
    }));
    let note = first
        .as_ref()
        .filter(|_| all.len() > 1)
        .map(|first| format!("Defaulted container {first:?} out of: {}", all.join(", ")));
    (first, note)
}

/// Checks that a pod has a container.
///
/// # Errors
/// When it does not.
pub fn check_container(pod: &Value, name: &str) -> Result<(), NoSuchContainer> {
    if containers(pod, Containers::All).iter().any(|known| known == name) {
        return Ok(());
    }
    let pod = pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Err(NoSuchContainer { name: name.to_owned(), pod })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_container_is_meant_unless_the_pod_says_another() {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}});
        let note = "Defaulted container \"a\" out of: a, b, i (init)";
        assert_eq!(default_container(&pod), (Some("a".into()), Some(note.into())));
        pod["metadata"]["annotations"] = json!({DEFAULT_ANNOTATION: "b"});
        assert_eq!(default_container(&pod), (Some("b".into()), None));
        assert_eq!(containers(&pod, Containers::All), ["i", "a", "b"]);
        assert_eq!(check_container(&pod, "x").unwrap_err().to_string(), "container x not found in pod p");
    }
}
