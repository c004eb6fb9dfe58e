//! ConfigMaps and Secrets.

use serde_json::Value;

use super::page::{Page, text};

/// Describes a ConfigMap with all its data.
pub(super) fn config_map(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels(object);
    page.line(0, "");
    page.line(0, "Data");
    page.line(0, "====");
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        page.line(0, &format!("{key}:"));
        page.line(0, "----");
        page.line(0, &text(value).replace('\t', "    "));
        page.line(0, "");
    }
    page.line(0, "");
    page.line(0, "BinaryData");
    page.line(0, "====");
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        page.line(0, &format!("{key}: {} bytes", bytes(value)));
    }
    page.line(0, "");
    if object["immutable"] == true {
        page.field(0, "Immutable", "true");
    }
}

/// Describes a Secret: how long its values are, not what they are.
pub(super) fn secret(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels(object);
    page.line(0, "");
    page.field(0, "Type", &text(&object["type"]));
    page.line(0, "");
    page.line(0, "Data");
    page.line(0, "====");
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        page.field(0, key, &format!("{} bytes", bytes(value)));
    }
}

/// Returns how many bytes a text in base64 stands for.
fn bytes(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    let padding = text.bytes().rev().take_while(|&byte| byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_keeps_its_values() {
        let object =
            json!({"metadata": {"name": "s", "namespace": "n"}, "type": "Opaque", "data": {"p": "c2VjcmV0"}});
        let mut page = Page::new(Timestamp::UNIX_EPOCH);
        secret(&mut page, &object);
        let text = page.finish();
        assert!(text.ends_with("\nData\n====\np:  6 bytes\n"), "{text}");
    }
}
