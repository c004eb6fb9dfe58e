//! Which controllers run (`--controllers`).

use std::collections::BTreeSet;

macro_rules! controllers {
    ($( $(#[$meta:meta])* $variant:ident: $name:literal = $default:ident ),+ $(,)?) => {
        /// A controller that can be switched off, by the name that `--controllers` has for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Controller {
            $( $(#[$meta])* $variant, )+
        }

        impl Controller {
            /// Every controller.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// Returns the controller's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $name, )+
                }
            }

            const fn by_default(self) -> ByDefault {
                match self {
                    $( Self::$variant => ByDefault::$default, )+
                }
            }
        }
    };
}

/// Whether `*` means a controller too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByDefault {
    On,
    Off,
}

controllers! {
    /// Execution namespaces, finalizers and taints of clusters.
    Cluster: "cluster" = On,
    /// Health, version, APIs and resources of clusters.
    ClusterStatus: "clusterStatus" = On,
    /// Works of bindings.
    Binding: "binding" = On,
    /// Status of bindings and templates.
    BindingStatus: "bindingStatus" = On,
    /// Objects of Works in members.
    Execution: "execution" = On,
    /// Status of Works.
    WorkStatus: "workStatus" = On,
    /// Namespaces of users in every member.
    Namespace: "namespace" = On,
    /// Exported services.
    ServiceExport: "serviceExport" = On,
    /// Endpoints of exported services.
    EndpointSlice: "endpointSlice" = On,
    /// Imported services.
    ServiceImport: "serviceImport" = On,
    /// Who may act in members through the cluster proxy.
    UnifiedAuth: "unifiedAuth" = On,
    /// Quotas in members.
    FederatedResourceQuotaSync: "federatedResourceQuotaSync" = On,
    /// Use of quotas in members.
    FederatedResourceQuotaStatus: "federatedResourceQuotaStatus" = On,
    /// Use of quotas by bindings.
    FederatedResourceQuotaEnforcement: "federatedResourceQuotaEnforcement" = On,
    /// Ends of graceful evictions.
    GracefulEviction: "gracefulEviction" = On,
    /// Moves workloads that are unhealthy.
    ApplicationFailover: "applicationFailover" = On,
    /// Scales by load over clusters.
    FederatedHorizontalPodAutoscaler: "federatedHorizontalPodAutoscaler" = On,
    /// Scales by time.
    CronFederatedHorizontalPodAutoscaler: "cronFederatedHorizontalPodAutoscaler" = On,
    /// Actions against problems of clusters.
    Remedy: "remedy" = On,
    /// Fresh schedules on request.
    WorkloadRebalancer: "workloadRebalancer" = On,
    /// Certificates of agents.
    AgentCsrApproving: "agentcsrapproving" = On,
    /// Renewal of an agent's certificate; only the agent runs it.
    CertRotation: "certRotation" = Off,
    /// Services over several clusters.
    MultiClusterService: "multiclusterservice" = On,
    /// Endpoints from clusters that provide a service.
    EndpointSliceCollect: "endpointsliceCollect" = On,
    /// Endpoints to clusters that consume a service.
    EndpointSliceDispatch: "endpointsliceDispatch" = On,
    /// Taints by policy.
    ClusterTaintPolicy: "clustertaintpolicy" = On,
    /// Marks the targets of autoscalers.
    HpaScaleTargetMarker: "hpaScaleTargetMarker" = Off,
    /// Replicas of templates that autoscalers own.
    DeploymentReplicasSyncer: "deploymentReplicasSyncer" = Off,
    /// The scheduler, a program of its own upstream.
    Scheduler: "scheduler" = On,
}

/// A list of controllers that names one that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no controller {name:?}; there are {}", known_names())]
pub struct UnknownController {
    /// What was given.
    pub name: String,
}

/// Which controllers run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerSet {
    enabled: BTreeSet<Controller>,
    named: BTreeSet<Controller>,
}

impl Default for ControllerSet {
    /// Returns what `*` means.
    fn default() -> Self {
        let by_default = |controller: &Controller| controller.by_default() == ByDefault::On;
        let enabled = Controller::ALL.iter().copied().filter(by_default).collect();
        Self { enabled, named: BTreeSet::new() }
    }
}

impl ControllerSet {
    /// Reads the values of `--controllers`: `*` for all that are on by default, `name` for one,
    /// `-name` for not that one. Of two that contradict, the first holds.
    ///
    /// # Errors
    /// When a name is not known.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownController> {
        let mut all = false;
        let mut said: Vec<(Controller, ByDefault)> = Vec::new();
        for value in values.into_iter().map(str::trim).filter(|value| !value.is_empty()) {
            if value == "*" {
                all = true;
                continue;
            }
            let (name, wanted) = match value.strip_prefix('-') {
                Some(name) => (name, ByDefault::Off),
                None => (value, ByDefault::On),
            };
            let controller = Controller::ALL.iter().copied().find(|known| known.name() == name);
            let controller = controller.ok_or_else(|| UnknownController { name: name.to_owned() })?;
            said.push((controller, wanted));
        }
        let mut set = Self { enabled: BTreeSet::new(), named: BTreeSet::new() };
        for controller in Controller::ALL.iter().copied() {
            let said = said.iter().find(|(named, _)| *named == controller).map(|(_, wanted)| *wanted);
            let by_star = all && controller.by_default() == ByDefault::On;
            if said == Some(ByDefault::On) {
                set.named.insert(controller);
            }
            if said.map_or(by_star, |wanted| wanted == ByDefault::On) {
                set.enabled.insert(controller);
            }
        }
        Ok(set)
    }

    /// Whether a controller runs.
    pub fn is_enabled(&self, controller: Controller) -> bool {
        self.enabled.contains(&controller)
    }

    /// Whether the list names a controller, not only `*`.
    pub fn is_named(&self, controller: Controller) -> bool {
        self.named.contains(&controller)
    }

    /// Returns the same set without one controller.
    pub fn without(mut self, controller: Controller) -> Self {
        self.enabled.remove(&controller);
        self
    }
}

fn known_names() -> String {
    Controller::ALL.iter().map(|controller| controller.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ControllerSet {
        ControllerSet::parse(text.split(',')).unwrap()
    }

    #[test]
    fn a_star_means_all_but_those_that_are_off_by_default() {
        assert_eq!(set("*"), ControllerSet::default());
        assert!(set("*").is_enabled(Controller::UnifiedAuth));
        assert!(!set("*").is_enabled(Controller::HpaScaleTargetMarker));
        assert!(set("*,hpaScaleTargetMarker").is_enabled(Controller::HpaScaleTargetMarker));
    }

    #[test]
    fn names_switch_single_controllers_on_and_off_and_the_first_holds() {
        let only = set("binding");
        assert!(only.is_enabled(Controller::Binding) && !only.is_enabled(Controller::Execution));
        assert!(!set("*,-binding").is_enabled(Controller::Binding));
        assert!(!set("-binding,binding").is_enabled(Controller::Binding));
        assert!(set("binding,-binding").is_enabled(Controller::Binding));
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_exist() {
        let text = ControllerSet::parse(["*", "-bindings"]).unwrap_err().to_string();
        assert!(text.starts_with("there is no controller \"bindings\"; there are cluster, clusterStatus"));
    }
}
