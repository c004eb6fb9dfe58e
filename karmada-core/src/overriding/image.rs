//! Overrider of image references.

use serde_json::Value;

use super::containers::{check_type, containers_mut, containers_path};
use super::{ImageReference, OverrideError};
use crate::api::policy::{ImageComponent, ImageOverrider, OverriderOperator};

/// Applies an overrider to every image it means.
pub(super) fn apply(object: &mut Value, overrider: &ImageOverrider) -> Result<(), OverrideError> {
    match &overrider.predicate {
        Some(predicate) => apply_at(object, &predicate.path, overrider),
        None => apply_to_containers(object, overrider),
    }
}

/// Returns an image reference changed by an overrider.
pub fn override_image(image: &str, overrider: &ImageOverrider) -> Result<String, OverrideError> {
    let mut reference = ImageReference::parse(image)
        .map_err(|source| OverrideError::Image { image: image.to_owned(), source })?;
    match &overrider.component {
        ImageComponent::Registry => change(&mut reference.registry, overrider),
        ImageComponent::Repository => change(&mut reference.repository, overrider),
        ImageComponent::Tag => change_tag(&mut reference, overrider),
        other => return Err(OverrideError::ImageComponent { component: other.to_string() }),
    }
    Ok(reference.to_string())
}

fn change(part: &mut String, overrider: &ImageOverrider) {
    match overrider.operator {
        OverriderOperator::Add => part.push_str(&overrider.value),
        OverriderOperator::Replace => overrider.value.clone_into(part),
        OverriderOperator::Remove => part.clear(),
        _ => {}
    }
}

fn change_tag(reference: &mut ImageReference, overrider: &ImageOverrider) {
    match overrider.operator {
        OverriderOperator::Add => {
            let value = format!("{}{}", reference.tag_or_digest(), overrider.value);
            reference.set_tag_or_digest(&value);
        }
        OverriderOperator::Replace => reference.set_tag_or_digest(&overrider.value),
        OverriderOperator::Remove => reference.remove_tag_or_digest(),
        _ => {}
    }
}

fn apply_to_containers(object: &mut Value, overrider: &ImageOverrider) -> Result<(), OverrideError> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(path) = containers_path(&kind) else { return Ok(()) };
    check_type(object, &kind)?;
    // A null list is valid for the type and holds no containers.
    let Ok(containers) = containers_mut(object, path) else { return Ok(()) };
    for container in containers {
        let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
        let changed = override_image(image, overrider)?;
        if let Value::Object(members) = container {
            members.insert("image".to_owned(), Value::String(changed));
        }
    }
    Ok(())
}

fn apply_at(object: &mut Value, path: &str, overrider: &ImageOverrider) -> Result<(), OverrideError> {
    let target = text_at(object, path)?;
    *target = override_image(target, overrider)?;
    Ok(())
}

/// Returns the text that a path of slashes leads to; list elements on the way must be objects.
fn text_at<'a>(object: &'a mut Value, path: &str) -> Result<&'a mut String, OverrideError> {
    let error = |reason| OverrideError::NoText { path: path.to_owned(), reason };
    let segments = path.strip_prefix('/').ok_or_else(|| error("it does not start with a slash"))?;
    let mut current = object;
    for segment in segments.split('/') {
        let in_list = current.is_array();
        current = match current {
            Value::Object(members) => members.get_mut(segment).ok_or_else(|| error("it leads nowhere"))?,
            Value::Array(elements) => {
                let index: usize = segment.parse().map_err(|_| error("a list index is no number"))?;
                elements.get_mut(index).ok_or_else(|| error("a list index is out of range"))?
            }
            _ => return Err(error("it leads through a scalar")),
        };
        if in_list && !current.is_object() {
            return Err(error("a list element is no object"));
        }
    }
    match current {
        Value::String(text) => Ok(text),
        _ => Err(error("the value is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn overrider(component: ImageComponent, operator: OverriderOperator, value: &str) -> ImageOverrider {
        ImageOverrider { predicate: None, component, operator, value: value.to_owned() }
    }

    #[test]
    fn changes_every_container_but_no_init_container() {
        let mut pod = json!({"kind": "Pod", "spec": {
            "containers": [{"name": "a", "image": "reg.io/a:1"}, {"name": "b", "image": "b"}],
            "initContainers": [{"name": "i", "image": "i:1"}],
        }});
        apply(&mut pod, &overrider(ImageComponent::Registry, OverriderOperator::Replace, "new.io")).unwrap();
        assert_eq!(pod["spec"]["containers"][0]["image"], "new.io/a:1");
        assert_eq!(pod["spec"]["containers"][1]["image"], "new.io/b");
        assert_eq!(pod["spec"]["initContainers"][0]["image"], "i:1");
    }

    #[test]
    fn leaves_kinds_without_known_containers_alone() {
        let mut object = json!({"kind": "CronJob", "spec": "anything"});
        apply(&mut object, &overrider(ImageComponent::Tag, OverriderOperator::Replace, "2")).unwrap();
        assert_eq!(object, json!({"kind": "CronJob", "spec": "anything"}));
    }

    #[test]
    fn refuses_an_object_that_is_invalid_for_its_kind() {
        let mut object = json!({"kind": "Deployment", "spec": {"replicas": "2"}});
        let result = apply(&mut object, &overrider(ImageComponent::Tag, OverriderOperator::Replace, "2"));
        assert!(matches!(result, Err(OverrideError::Convert { .. })));
    }
}
