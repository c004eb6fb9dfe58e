//! What resources are called in output and as files.

use std::fmt::Write as _;

use karmada_core::object::fnv1a_32;
use karmada_core::propagation::TemplateKey;
use serde_json::Value;

/// Longest part of a file name before it is cut: file systems take 255 bytes with the ending.
const MAX_PART: usize = 200;

/// `deployment.apps/web`, as kubectl prints names.
pub fn resource_name(key: &TemplateKey) -> String {
    format!("{}/{}", kind_name(&key.api_version, &key.kind), key.name)
}

/// `deployment.apps`.
pub(super) fn kind_name(api_version: &str, kind: &str) -> String {
    let kind = kind.to_lowercase();
    match api_version.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    }
}

/// The path of an object in a cluster: `member1/default/deployment.apps/web`.
///
/// Objects without a namespace are a level higher. Every part is safe as the name of a file on every system, and two
/// objects never share a path.
pub fn object_path(cluster: &str, object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    let mut path = part(cluster);
    let namespace = text(&metadata["namespace"]);
    let kind = kind_name(&text(&object["apiVersion"]), &text(&object["kind"]));
    let parts = [namespace.as_str(), kind.as_str()];
    for name in parts.into_iter().filter(|name| !name.is_empty()) {
        path.push('/');
        path.push_str(&part(name));
    }
    path.push('/');
    path.push_str(&part(&text(&metadata["name"])));
    path
}

/// Returns a name with every letter that a file system may mind written as `%` and its code.
fn part(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (index, byte) in name.bytes().enumerate() {
        let is_plain = byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || byte == b'-'
            || byte == b'_'
            || (byte == b'.' && index > 0);
        if is_plain {
            safe.push(char::from(byte));
        } else {
            // Upper-case letters too: some systems take `A` and `a` for the same.
            write!(safe, "%{byte:02X}").expect("writing to a text cannot fail");
        }
    }
    if safe.len() > MAX_PART {
        let hash = fnv1a_32(name.as_bytes());
        safe.truncate(MAX_PART);
        write!(safe, "%{hash:08x}").expect("writing to a text cannot fail");
    }
    if safe.is_empty() { "%".to_owned() } else { safe }
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_have_readable_paths() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}});
        assert_eq!(object_path("m1", &object), "m1/shop/deployment.apps/web");
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:Node"}});
        assert_eq!(object_path("m1", &role), "m1/clusterrole.rbac.authorization.k8s.io/system%3A%4Eode");
    }

    proptest! {
        #[test]
        fn paths_never_leave_their_directory(names in proptest::collection::vec("\\PC{0,300}|\\.{0,3}/?|[a-c]{1,2}", 4)) {
            let object = json!({"apiVersion": "v1", "kind": names[0], "metadata": {"name": names[1], "namespace": names[2]}});
            let path = object_path(&names[3], &object);
            for component in Path::new(&path).components() {
                let Component::Normal(part) = component else { panic!("{path}") };
                prop_assert!(part.len() <= 230);
            }
        }

        #[test]
        fn different_names_have_different_files(left in "\\PC{0,20}", right in "\\PC{0,20}") {
            prop_assert_eq!(part(&left) == part(&right), left == right || (left.len().max(right.len()) == 0));
        }
    }
}
