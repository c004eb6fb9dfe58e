//! How many writes an API server was asked for, by its own metrics.

use std::collections::BTreeMap;

use kube::Client;

/// Counts of write requests by verb and resource, from the server's metrics; empty where it has none.
///
/// Reviews are created, but they are questions: nothing is kept.
pub async fn write_counts(client: &Client) -> BTreeMap<String, u64> {
    let Ok(request) = http::Request::get("/metrics").body(Vec::new()) else { return BTreeMap::new() };
    let Ok(text) = client.request_text(request).await else { return BTreeMap::new() };
    let mut counts = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("apiserver_request_total{")) {
        let Some((labels, value)) = line.split_once('{').and_then(|(_, rest)| rest.rsplit_once("} ")) else {
            continue;
        };
        let label = |name: &str| {
            labels
                .split(',')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"'))
                .unwrap_or_default()
        };
        let verb = label("verb");
        if !matches!(
            verb,
            "POST"
                | "PUT"
                | "PATCH"
                | "DELETE"
                | "APPLY"
                | "create"
                | "update"
                | "patch"
                | "delete"
                | "apply"
        ) {
            continue;
        }
        if label("resource").ends_with("reviews") {
            continue;
        }
        let subresource = label("subresource");
        let target = if subresource.is_empty() {
            label("resource").to_string()
        } else {
            format!("{}/{subresource}", label("resource"))
        };
        *counts.entry(format!("{verb} {target}")).or_default() +=
            value.trim().parse::<f64>().unwrap_or_default() as u64;
    }
    counts
}
