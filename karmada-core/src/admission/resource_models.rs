//! Grades of nodes.

use serde_json::{Value, json};

use super::FieldError;
use crate::{
    api::cluster::{ResourceModel, ResourceModelRange},
    object::{Quantity, QuantityFormat},
};

const MAX: Quantity = Quantity::from_value(i64::MAX, QuantityFormat::DecimalSi);
/// Bounds of the grades a cluster gets when it names none, in processors and in GiB.
const CPU_BOUNDS: [i64; 9] = [0, 1, 2, 4, 8, 16, 32, 64, 128];
const MEMORY_BOUNDS: [i64; 9] = [0, 4, 16, 32, 64, 128, 256, 512, 1024];

/// Returns the grades of a cluster that names none.
pub(super) fn default_models() -> Vec<ResourceModel> {
    let cpu = |value| Quantity::from_value(value, QuantityFormat::DecimalSi);
    let memory = |value: i64| Quantity::from_value(value << 30, QuantityFormat::BinarySi);
    let range = |name: &str, min, max: Option<Quantity>| ResourceModelRange {
        name: name.to_owned(),
        min,
        max: max.unwrap_or(MAX),
    };
    (0..CPU_BOUNDS.len())
        .map(|grade| {
            let next = grade + 1;
            ResourceModel {
                grade: grade as u32,
                ranges: vec![
                    range("cpu", cpu(CPU_BOUNDS[grade]), CPU_BOUNDS.get(next).map(|bound| cpu(*bound))),
                    range(
                        "memory",
                        memory(MEMORY_BOUNDS[grade]),
                        MEMORY_BOUNDS.get(next).map(|bound| memory(*bound)),
                    ),
                ],
            }
        })
        .collect()
}

/// Sorts grades, and lets the first begin at nothing and the last never end.
pub(super) fn standardise(models: &mut [ResourceModel]) {
    models.sort_by_key(|model| model.grade);
    if let Some(first) = models.first_mut() {
        for range in &mut first.ranges {
            range.min = Quantity::ZERO;
        }
    }
    if let Some(last) = models.last_mut() {
        for range in &mut last.ranges {
            range.max = MAX;
        }
    }
}

/// Checks that grades follow each other without gaps; only the first mistake is told.
///
/// `written` are the grades as the user wrote them: upstream compares the bounds of neighbours
/// as written, so that `2` does not continue `2000m`.
pub(super) fn validate_models(models: &[ResourceModel], written: &Value, errors: &mut Vec<FieldError>) {
    if let Some(mistake) = find_mistake(models, written) {
        errors.push(FieldError {
            value: Some(internal_json(models)),
            ..FieldError::invalid("spec.resourceModels", "", mistake)
        });
    }
}

fn find_mistake(models: &[ResourceModel], written: &Value) -> Option<&'static str> {
    let mut as_written: Vec<&Value> = written.as_array().into_iter().flatten().collect();
    as_written.sort_by_key(|model| model["grade"].as_u64().unwrap_or_default());
    let bound = |model: usize, range: usize, name: &str| {
        as_written.get(model).map_or(&Value::Null, |model| &model["ranges"][range][name])
    };
    for (index, model) in models.iter().enumerate() {
        if let Some(previous) = index.checked_sub(1).and_then(|previous| models.get(previous)) {
            if previous.grade == model.grade {
                return Some("The grade of each models should not be the same");
            }
            if previous.ranges.len() != model.ranges.len() {
                return Some("The number of resource types should be the same");
            }
        }
        for (position, range) in model.ranges.iter().enumerate() {
            if range.max <= range.min {
                return Some("The max value of each resource must be greater than the min value");
            }
            let Some(previous) = index.checked_sub(1) else {
                if !range.min.is_zero() {
                    return Some("The min value of each resource in the first model should be 0");
                }
                continue;
            };
            if models[previous].ranges[position].name != range.name {
                return Some("The resource types of each models should be the same");
            }
            let continues = if as_written.is_empty() {
                models[previous].ranges[position].max == range.min
            } else {
                text(bound(previous, position, "max")) == text(bound(index, position, "min"))
            };
            if !continues {
                return Some("Model intervals for resources must be contiguous and non-overlapping");
            }
        }
    }
    let open = models.last().is_none_or(|last| last.ranges.iter().all(|range| range.max == MAX));
    (!open).then_some("The max value of each resource in the last model should be MaxInt64")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns grades as JSON with Go's internal field names, which upstream shows in messages.
pub(super) fn internal_json(models: &[ResourceModel]) -> String {
    let range = |range: &ResourceModelRange| {
        let name = json!(range.name);
        format!("{{\"Name\":{name},\"Min\":\"{}\",\"Max\":\"{}\"}}", range.min, range.max)
    };
    let model = |model: &ResourceModel| {
        let ranges: Vec<String> = model.ranges.iter().map(range).collect();
        format!("{{\"Grade\":{},\"Ranges\":[{}]}}", model.grade, ranges.join(","))
    };
    let models: Vec<String> = models.iter().map(model).collect();
    format!("[{}]", models.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_grades_are_valid() {
        let mut errors = Vec::new();
        let models = default_models();
        validate_models(&models, &Value::Null, &mut errors);
        assert_eq!(errors, Vec::new());
        assert_eq!(serde_json::to_value(&models[8]).unwrap()["ranges"][1]["min"], "1Ti");
    }
}
