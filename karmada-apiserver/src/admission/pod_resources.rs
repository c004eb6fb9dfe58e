//! What a pod asks for in all.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::registry::Quantity;

/// Amounts by name of resource.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// Which of the two lists of a container is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Requests,
    Limits,
}

impl Side {
    /// Returns the name of the list.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Limits => "limits",
        }
    }
}

/// Returns what one container, or anything else with `resources`, asks for.
pub(crate) fn container_amounts(container: &Value, side: Side) -> Amounts {
    amounts(container.pointer(&format!("/resources/{}", side.key())))
}

/// Reads a map of quantities.
pub(crate) fn amounts(map: Option<&Value>) -> Amounts {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, amount)| Some((name.clone(), Quantity::parse(amount.as_str()?)?))).collect()
}

/// Returns what a pod asks for: its containers together, or its largest step of initialization if that is more.
pub(crate) fn pod_amounts(spec: &Value, side: Side) -> Amounts {
    let list = |name: &str| spec.get(name).and_then(Value::as_array).into_iter().flatten();
    let mut total = Amounts::new();
    for container in list("containers") {
        add(&mut total, &container_amounts(container, side));
    }
    let (mut sidecars, mut peak) = (Amounts::new(), Amounts::new());
    for container in list("initContainers") {
        let mut own = container_amounts(container, side);
        if container["restartPolicy"] == "Always" {
            add(&mut sidecars, &own);
            own.clone_from(&sidecars);
        } else {
            add(&mut own, &sidecars);
        }
        raise(&mut peak, &own);
    }
    add(&mut total, &sidecars);
    raise(&mut total, &peak);
    // What the pod asks for as a whole takes the place of what its containers do.
    total.extend(container_amounts(spec, side));
    let overhead = amounts(spec.get("overhead"));
    if side == Side::Requests {
        add(&mut total, &overhead);
    } else {
        let limited = overhead.into_iter().filter(|(name, _)| total.contains_key(name)).collect();
        add(&mut total, &limited);
    }
    total
}

/// Adds amounts to others.
pub(crate) fn add(total: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let sum = match total.get(name) {
            // The suffix of a sum is that of its first part which is not zero.
            Some(known) if !known.is_zero() => known.checked_add(*amount).unwrap_or(*known),
            _ => *amount,
        };
        total.insert(name.clone(), sum);
    }
}

fn raise(highest: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        if highest.get(name).is_none_or(|known| known.compare(*amount).is_lt()) {
            highest.insert(name.clone(), *amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(amounts: &Amounts) -> Vec<String> {
        amounts.iter().map(|(name, amount)| format!("{name}={}", amount.canonical())).collect()
    }

    fn asks(cpu: &str) -> Value {
        json!({"resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn counts_the_largest_step_of_initialization_with_its_sidecars() {
        let mut sidecar = asks("100m");
        sidecar["restartPolicy"] = "Always".into();
        let spec =
            json!({"containers": [asks("200m"), asks("300m")], "initContainers": [sidecar, asks("2")]});
        assert_eq!(text(&pod_amounts(&spec, Side::Requests)), ["cpu=2100m"]);
        let spec = json!({"containers": [asks("200m"), asks("300m")], "initContainers": [asks("400m")]});
        assert_eq!(text(&pod_amounts(&spec, Side::Requests)), ["cpu=500m"]);
    }

    #[test]
    fn the_pod_speaks_for_its_containers() {
        let spec = json!({"containers": [asks("200m")], "resources": {"requests": {"cpu": "3"}}, "overhead": {"cpu": "1"}});
        assert_eq!(text(&pod_amounts(&spec, Side::Requests)), ["cpu=4"]);
        assert_eq!(text(&pod_amounts(&spec, Side::Limits)), Vec::<String>::new());
    }
}
