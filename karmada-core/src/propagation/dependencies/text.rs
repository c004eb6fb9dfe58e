//! References and errors as events print them.

use std::fmt::Write;

use crate::{
    api::{LabelSelector, SelectorRequirement},
    interpreter::DependentReference,
};

/// Returns a list of references as Go prints it.
pub(super) fn references_text(references: &[DependentReference]) -> String {
    let texts: Vec<String> = references.iter().map(reference_text).collect();
    format!("[{}]", texts.join(" "))
}

fn reference_text(reference: &DependentReference) -> String {
    let DependentReference { api_version, kind, namespace, name, label_selector } = reference;
    let selector = label_selector.as_ref().map_or_else(|| "nil".to_owned(), selector_text);
    format!(
        "{{APIVersion:{api_version} Kind:{kind} Namespace:{namespace} Name:{name} LabelSelector:{selector}}}"
    )
}

fn selector_text(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().fold(String::new(), |mut text, (key, value)| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{key}: {value},");
        text
    });
    let expressions: String = selector.match_expressions.iter().map(requirement_text).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}

fn requirement_text(requirement: &SelectorRequirement) -> String {
    let SelectorRequirement { key, operator, values } = requirement;
    format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},", values.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(references: serde_json::Value, expected: &str) {
        let references: Vec<DependentReference> = serde_json::from_value(references).unwrap();
        assert_eq!(references_text(&references), expected);
    }

    #[test]
    fn references_read_as_in_recorded_events() {
        check(json!([]), "[]");
        check(
            json!([
                {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "n", "name": "a"},
                {"apiVersion": "v1", "kind": "Secret", "namespace": "n", "name": "b"},
            ]),
            "[{APIVersion:v1 Kind:ConfigMap Namespace:n Name:a LabelSelector:nil} {APIVersion:v1 Kind:Secret Namespace:n Name:b LabelSelector:nil}]",
        );
        check(
            json!([{
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "namespace": "n",
                "labelSelector": {"matchLabels": {"kubernetes.io/service-name": "derived-web"}},
            }]),
            "[{APIVersion:discovery.k8s.io/v1 Kind:EndpointSlice Namespace:n Name: LabelSelector:&LabelSelector{MatchLabels:map[string]string{kubernetes.io/service-name: derived-web,},MatchExpressions:[]LabelSelectorRequirement{},}}]",
        );
        check(
            json!([{
                "apiVersion": "v1", "kind": "Secret",
                "labelSelector": {"matchExpressions": [{"key": "k", "operator": "In", "values": ["a", "b"]}]},
            }]),
            "[{APIVersion:v1 Kind:Secret Namespace: Name: LabelSelector:&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[a b],},},}}]",
        );
    }
}
