//! Runs cases of image references.

use karmada_core::overriding::{ImageReference, override_image, split_hostname};
use serde_json::{Value, json};

use super::Outcome;
use super::answer::{self, Answer};

/// Runs one case.
pub fn run(case: &Value) -> Outcome {
    let input = &case["input"];
    let text = |field: &str| input[field].as_str().unwrap_or_default();
    let answer: Answer = match case["op"].as_str() {
        Some("image.Parse") => {
            ImageReference::parse(text("image")).map(|image| parts(&image)).map_err(answer::error)
        }
        Some("image.SetTagOrDigest") => {
            ImageReference::parse(text("image")).map_err(answer::error).map(|mut image| {
                image.set_tag_or_digest(text("value"));
                parts(&image)
            })
        }
        Some("image.RemoveTagOrDigest") => {
            ImageReference::parse(text("image")).map_err(answer::error).map(|mut image| {
                image.remove_tag_or_digest();
                parts(&image)
            })
        }
        Some("image.SplitHostname") => {
            let (hostname, remote) = split_hostname(text("name"));
            Ok(json!({"hostname": hostname, "remoteName": remote}))
        }
        Some("image.Override") => answer::decode(&input["overrider"]).and_then(|overrider| {
            let image = override_image(text("image"), &overrider).map_err(answer::error)?;
            Ok(json!({"image": image}))
        }),
        other => return Outcome::Skipped(format!("no runner for {}", other.unwrap_or("a case without op"))),
    };
    answer::compare(&case["expect"], answer)
}

fn parts(image: &ImageReference) -> Value {
    json!({
        "hostname": image.registry,
        "repository": image.repository,
        "fullRepository": image.full_repository(),
        "tag": image.tag,
        "digest": image.digest,
        "tagOrDigest": image.tag_or_digest(),
        "string": image.to_string(),
    })
}
