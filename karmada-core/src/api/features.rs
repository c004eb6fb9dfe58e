//! Feature gates.

use std::collections::BTreeMap;

/// Which optional behaviour is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureGates {
    enabled: BTreeMap<Feature, bool>,
}

/// Why a list of gates is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureGateError {
    /// There is no such gate.
    #[error("unrecognized feature gate: {name}; known are AllAlpha, AllBeta, {}", known_names())]
    Unknown {
        /// What was given.
        name: String,
    },
    /// The entry is not of the form `Name=true`.
    #[error("missing bool value for {entry}")]
    MissingValue {
        /// What was given.
        entry: String,
    },
    /// The value is not a boolean.
    #[error("invalid value of {name}={value}, expected true or false")]
    Value {
        /// The gate.
        name: String,
        /// What was given.
        value: String,
    },
}

macro_rules! features {
    ($( $(#[$meta:meta])* $name:ident: $stage:ident = $default:literal ),+ $(,)?) => {
        /// A feature gate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $( $(#[$meta])* $name, )+
        }

        impl Feature {
            /// Every gate.
            pub const ALL: &'static [Self] = &[$( Self::$name ),+];

            /// Returns the gate's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => stringify!($name), )+
                }
            }

            /// Returns how mature the feature is.
            pub const fn stage(self) -> Stage {
                match self {
                    $( Self::$name => Stage::$stage, )+
                }
            }

            /// Returns whether the feature is on by itself.
            pub const fn default_enabled(self) -> bool {
                match self {
                    $( Self::$name => $default, )+
                }
            }
        }
    };
}

/// How mature a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// May change or vanish.
    Alpha,
    /// Meant to stay.
    Beta,
}

features! {
    /// NoExecute taints evict, and taint policies run.
    Failover: Beta = false,
    /// Workloads leave a cluster when their replacement is healthy.
    GracefulEviction: Beta = true,
    /// Dependencies are propagated.
    PropagateDeps: Beta = true,
    /// Clusters have grades of nodes.
    CustomizedClusterResourceModeling: Beta = true,
    /// Policies take resources from lower policies.
    PropagationPolicyPreemption: Alpha = false,
    /// Services over several clusters.
    MultiClusterService: Alpha = false,
    /// Estimates look at quotas.
    ResourceQuotaEstimate: Alpha = false,
    /// State moves along at a failover.
    StatefulFailoverInjection: Alpha = false,
    /// Bindings are scheduled by priority.
    PriorityBasedScheduling: Beta = true,
    /// Quotas over clusters are enforced.
    FederatedQuotaEnforcement: Alpha = false,
    /// Alpha options of logging.
    LoggingAlphaOptions: Alpha = false,
    /// Beta options of logging.
    LoggingBetaOptions: Beta = true,
    /// Contextual logging.
    ContextualLogging: Beta = true,
    /// Workloads with several pod templates.
    MultiplePodTemplatesScheduling: Alpha = false,
    /// Work queues by priority.
    ControllerPriorityQueue: Beta = true,
    /// Workloads that share clusters or avoid each other.
    WorkloadAffinity: Alpha = false,
    /// Estimates count what was scheduled and is not there yet.
    SchedulingOvercommitProtection: Alpha = false,
}

impl FeatureGates {
    /// Returns true when a feature is on.
    pub fn is_enabled(&self, feature: Feature) -> bool {
        self.enabled.get(&feature).copied().unwrap_or_else(|| feature.default_enabled())
    }

    /// Switches a feature on or off.
    #[must_use]
    pub fn with(mut self, feature: Feature, state: Switch) -> Self {
        self.enabled.insert(feature, state == Switch::On);
        self
    }

    /// Reads `Name=true,Other=false`; `AllAlpha` and `AllBeta` switch what is not named.
    pub fn parse(text: &str) -> Result<Self, FeatureGateError> {
        let mut named = BTreeMap::new();
        let mut groups = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let Some((name, value)) = entry.split_once('=') else {
                return Err(FeatureGateError::MissingValue { entry: entry.to_owned() });
            };
            let (name, value) = (name.trim(), value.trim());
            let enabled = match value.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => true,
                "false" | "f" | "0" => false,
                _ => return Err(FeatureGateError::Value { name: name.to_owned(), value: value.to_owned() }),
            };
            match name {
                "AllAlpha" | "AllBeta" => {
                    groups.insert(name, enabled);
                }
                _ => {
                    named.insert(find(name)?, enabled);
                }
            }
        }
        let mut enabled = BTreeMap::new();
        for feature in Feature::ALL {
            let group = if feature.stage() == Stage::Alpha { "AllAlpha" } else { "AllBeta" };
            if let Some(state) = named.get(feature).or_else(|| groups.get(group)) {
                enabled.insert(*feature, *state);
            }
        }
        Ok(Self { enabled })
    }

    /// Returns gates from names and states.
    pub fn from_names<'a>(
        states: impl IntoIterator<Item = (&'a str, bool)>,
    ) -> Result<Self, FeatureGateError> {
        let enabled =
            states.into_iter().map(|(name, state)| Ok((find(name)?, state))).collect::<Result<_, _>>()?;
        Ok(Self { enabled })
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// On.
    On,
    /// Off.
    Off,
}

impl Default for FeatureGates {
    /// Returns the gates with every feature as it is by itself.
    fn default() -> Self {
        Self { enabled: BTreeMap::new() }
    }
}

fn known_names() -> String {
    Feature::ALL.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(", ")
}

fn find(name: &str) -> Result<Feature, FeatureGateError> {
    let mut all = Feature::ALL.iter().copied();
    all.find(|feature| feature.name() == name)
        .ok_or_else(|| FeatureGateError::Unknown { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_gates_win_over_groups() {
        let gates =
            FeatureGates::parse("AllAlpha=true,WorkloadAffinity=false, GracefulEviction=false").unwrap();
        assert!(gates.is_enabled(Feature::MultiClusterService));
        assert!(!gates.is_enabled(Feature::WorkloadAffinity));
        assert!(!gates.is_enabled(Feature::GracefulEviction));
        assert!(gates.is_enabled(Feature::PropagateDeps));
        assert!(!gates.is_enabled(Feature::Failover));
    }

    #[test]
    fn mistakes_are_named() {
        let unknown = FeatureGates::parse("Nope=true").unwrap_err().to_string();
        assert!(
            unknown.starts_with("unrecognized feature gate: Nope; known are AllAlpha, AllBeta, Failover,")
        );
        assert!(FeatureGates::parse("Failover").is_err());
        assert!(FeatureGates::parse("Failover=maybe").is_err());
    }
}
