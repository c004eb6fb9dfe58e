//! Counters in the text format of Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Prints how many requests there were, with the name and labels that a real server has for it.
pub(super) fn print(counts: &BTreeMap<(String, String), u64>) -> String {
    let mut text = String::from(
        "# HELP apiserver_request_total Counter of requests by verb and resource.\n# TYPE apiserver_request_total counter\n",
    );
    for ((verb, target), count) in counts {
        let (qualified, subresource) = target.split_once('/').unwrap_or((target, ""));
        let (resource, group) = qualified.split_once('.').unwrap_or((qualified, ""));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "apiserver_request_total{{group=\"{}\",resource=\"{}\",subresource=\"{}\",verb=\"{}\"}} {count}",
            escape(group),
            escape(resource),
            escape(subresource),
            verb_label(verb),
        );
    }
    text
}

fn verb_label(verb: &str) -> String {
    match verb {
        "create" => "POST".to_owned(),
        "update" => "PUT".to_owned(),
        "deletecollection" => "DELETECOLLECTION".to_owned(),
        other => escape(&other.to_ascii_uppercase()),
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_one_line_for_each_verb_and_resource() {
        let counts = BTreeMap::from([
            (("create".to_owned(), "deployments.apps".to_owned()), 3),
            (("patch".to_owned(), "namespaces/status".to_owned()), 1),
        ]);
        let lines: Vec<String> = print(&counts).lines().skip(2).map(str::to_owned).collect();
        assert_eq!(
            lines,
            [
                r#"apiserver_request_total{group="apps",resource="deployments",subresource="",verb="POST"} 3"#,
                r#"apiserver_request_total{group="",resource="namespaces",subresource="status",verb="PATCH"} 1"#,
            ]
        );
    }
}
