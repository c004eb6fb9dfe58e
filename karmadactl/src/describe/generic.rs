//! An object of any kind, field by field.

use serde_json::Value;

use super::page::{Page, text};

/// Words that stay as they are.
const WORDS: [(&str, &str); 7] = [
    ("Api", "API"),
    ("Url", "URL"),
    ("Uid", "UID"),
    ("Ip", "IP"),
    ("Tls", "TLS"),
    ("Cpu", "CPU"),
    ("Id", "ID"),
];
/// Parts of the metadata that are at the top, or of no interest.
const HIDDEN: [&str; 6] = ["name", "namespace", "labels", "annotations", "managedFields", "selfLink"];
/// How deep values are followed.
const DEEPEST: usize = 60;

/// Describes an object.
pub(super) fn describe(page: &mut Page, object: &Value) {
    page.field(0, "Name", &text(&object["metadata"]["name"]));
    page.field(0, "Namespace", &text(&object["metadata"]["namespace"]));
    page.labels(object);
    page.field(0, "API Version", &text(&object["apiVersion"]));
    page.field(0, "Kind", &text(&object["kind"]));
    let mut rest = object.clone();
    if let Some(metadata) = rest["metadata"].as_object_mut() {
        metadata.retain(|field, _| !HIDDEN.contains(&field.as_str()));
    }
    if let Some(fields) = rest.as_object_mut() {
        fields.retain(|field, _| field != "apiVersion" && field != "kind");
    }
    fields(page, 0, &rest);
}

fn fields(page: &mut Page, level: usize, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        field(page, level, &title(name), value);
    }
}

fn field(page: &mut Page, level: usize, name: &str, value: &Value) {
    match value {
        Value::Object(_) if level < DEEPEST => {
            page.line(level, &format!("{name}:"));
            fields(page, level + 1, value);
        }
        Value::Array(items) if level < DEEPEST => {
            page.line(level, &format!("{name}:"));
            for item in items {
                match item {
                    Value::Object(_) => fields(page, level + 1, item),
                    other => page.line(level + 1, &text(other)),
                }
            }
        }
        Value::Null => page.field(level, name, "<nil>"),
        other => page.field(level, name, &text(other).replace('\t', " ")),
    }
}

/// Returns a field's name as words: `clusterNames` is `Cluster Names`.
fn title(name: &str) -> String {
    // Keys of maps are names, not words.
    if name.contains(['.', '/', '-', '_']) {
        return name.to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let next_is_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let starts =
            before.is_none_or(|before| letter.is_uppercase() && (!before.is_uppercase() || next_is_lower));
        if starts {
            words.push(letter.to_uppercase().collect());
        } else if let Some(word) = words.last_mut() {
            word.push(*letter);
        }
    }
    let known = |word: String| {
        WORDS.iter().find(|(plain, _)| *plain == word).map_or(word, |(_, known)| (*known).to_owned())
    };
    words.into_iter().map(known).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use indoc::indoc;
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_fields_become_words() {
        let check = |name: &str, expected: &str| assert_eq!(title(name), expected);
        check("clusterNames", "Cluster Names");
        check("apiEndpoint", "API Endpoint");
        check("insecureSkipTLSVerification", "Insecure Skip TLS Verification");
        check("app.kubernetes.io/name", "app.kubernetes.io/name");
    }

    #[test]
    fn a_policy_is_described_field_by_field() {
        let object = json!({
            "apiVersion": "policy.karmada.io/v1alpha1", "kind": "PropagationPolicy",
            "metadata": {"name": "p", "namespace": "n", "generation": 1, "managedFields": []},
            "spec": {"placement": {"clusterAffinity": {"clusterNames": ["m1", "m2"]}},
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}]},
        });
        let mut page = Page::new(Timestamp::UNIX_EPOCH);
        describe(&mut page, &object);
        assert_eq!(
            page.finish(),
            indoc! {"
            Name:         p
            Namespace:    n
            Labels:       <none>
            Annotations:  <none>
            API Version:  policy.karmada.io/v1alpha1
            Kind:         PropagationPolicy
            Metadata:
              Generation:  1
            Spec:
              Placement:
                Cluster Affinity:
                  Cluster Names:
                    m1
                    m2
              Resource Selectors:
                API Version:  apps/v1
                Kind:         Deployment
        "}
        );
    }
}
