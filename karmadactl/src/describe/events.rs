//! What happened to an object.

use serde_json::Value;

use super::page::{Page, text, text_or};

/// Writes events, the oldest first.
pub(super) fn describe(page: &mut Page, events: &[Value]) {
    let last = |event: &Value| {
        let times = ["lastTimestamp", "eventTime", "firstTimestamp"].map(|field| &event[field]);
        let from = times.into_iter().chain([&event["metadata"]["creationTimestamp"]]);
        from.into_iter().find(|time| time.is_string()).cloned().unwrap_or_default()
    };
    let mut events: Vec<&Value> = events.iter().collect();
    events.sort_by_key(|event| text(&last(event)));
    let rows: Vec<Vec<String>> = events
        .into_iter()
        .map(|event| {
            let mut age = page.age(&last(event));
            let count = event["count"].as_i64().unwrap_or(1);
            if count > 1 {
                age = format!("{age} (x{count} over {})", page.age(&event["firstTimestamp"]));
            }
            let component = text_or(&event["source"]["component"], &text(&event["reportingComponent"]));
            let from = match event["source"]["host"].as_str().filter(|host| !host.is_empty()) {
                Some(host) => format!("{component}, {host}"),
                None => component,
            };
            let message = text(&event["message"]).trim().replace(['\n', '\t'], " ");
            vec![text(&event["type"]), text(&event["reason"]), age, from, message]
        })
        .collect();
    page.table(0, "Events", &["Type", "Reason", "Age", "From", "Message"], &rows);
}
