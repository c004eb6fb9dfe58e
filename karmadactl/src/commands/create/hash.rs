//! Names that change with what is in an object.

use std::fmt::Write as _;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Characters of the hash in a name.
const LENGTH: usize = 10;

/// Appends the hash of a ConfigMap or Secret to its name, as kubectl does.
pub(super) fn append_hash(object: &mut Value) {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    object["metadata"]["name"] = json!(format!("{name}-{}", hash(object)));
}

/// Returns what stands for kind, name and data of an object.
fn hash(object: &Value) -> String {
    let data = object.get("data").cloned().unwrap_or_else(|| json!({}));
    let mut document = json!({ "kind": object["kind"], "name": object["metadata"]["name"], "data": data });
    if object["kind"] == "Secret" {
        document["type"] = json!(object["type"].as_str().unwrap_or_default());
    }
    if let Some(bytes) = object.get("binaryData") {
        document["binaryData"] = bytes.clone();
    }
    // These are escaped where kubectl comes from.
    let mut text = document.to_string();
    for character in ['<', '>', '&', '\u{2028}', '\u{2029}'] {
        text = text.replace(character, &format!("\\u{:04x}", u32::from(character)));
    }
    let mut digits = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref() {
        write!(digits, "{byte:02x}").expect("writing to a text cannot fail");
    }
    // No name becomes a word by chance.
    let harmless = |digit| match digit {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    digits.chars().take(LENGTH).map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_kubectl() {
        let config_map = json!({"kind": "ConfigMap", "metadata": {"name": ""}});
        assert_eq!(hash(&config_map), "42745tchd9");
        let secret = json!({"kind": "Secret", "type": "my-type", "metadata": {"name": ""}});
        assert_eq!(hash(&secret), "t75bgf6ctb");
    }

    #[test]
    fn the_hash_follows_the_name_and_changes_with_the_data() {
        let named = |value: &str| {
            let mut object = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": value}});
            append_hash(&mut object);
            object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
        };
        assert!(named("a").starts_with("c-") && named("a").len() == "c-".len() + LENGTH);
        assert_ne!(named("a"), named("<"));
    }
}
