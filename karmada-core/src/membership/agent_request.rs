//! Which certificate signing requests are those of agents.

/// Who signs the certificates of clients.
pub const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// Organization in the certificates of agents: the group of all of them.
pub const AGENTS_GROUP: &str = "system:karmada:agents";
/// Start of the names in the certificates of agents; the cluster's name follows.
pub const AGENT_USER_PREFIX: &str = "system:karmada:agent:";
/// Name of the user that a registration prepares the permissions of an agent as.
pub const RBAC_GENERATOR_USER: &str = "system:karmada:agent:rbac-generator";
/// What the keys of agents may be used for.
pub const AGENT_KEY_USAGES: [&str; 3] = ["digital signature", "key encipherment", "client auth"];

const REQUIRED_USAGES: [&str; 2] = ["digital signature", "client auth"];

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestedCertificate {
    pub signer: String,
    pub common_name: String,
    pub organizations: Vec<String>,
    /// Whether it asks for names of hosts, addresses or the like.
    pub has_alternative_names: bool,
    pub usages: Vec<String>,
}

/// Returns whether a request asks for the certificate of an agent and nothing more.
///
/// Source: karmada v1.19 agentcsrapproving.
pub fn is_agent_request(request: &RequestedCertificate) -> bool {
    let is_known = |usage: &String| AGENT_KEY_USAGES.contains(&usage.as_str());
    let asks = |wanted: &&str| request.usages.iter().any(|usage| usage == wanted);
    request.signer == CLIENT_SIGNER
        && request.organizations == [AGENTS_GROUP]
        && request.common_name.starts_with(AGENT_USER_PREFIX)
        && !request.has_alternative_names
        && request.usages.iter().all(is_known)
        && REQUIRED_USAGES.iter().all(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RequestedCertificate {
        RequestedCertificate {
            signer: CLIENT_SIGNER.into(),
            common_name: "system:karmada:agent:m1".into(),
            organizations: vec![AGENTS_GROUP.into()],
            has_alternative_names: false,
            usages: AGENT_KEY_USAGES.map(Into::into).into(),
        }
    }

    #[test]
    fn only_what_an_agent_needs_is_an_agents_request() {
        assert!(is_agent_request(&request()));
        let shorter = vec!["client auth".into(), "digital signature".into()];
        assert!(is_agent_request(&RequestedCertificate { usages: shorter, ..request() }));
        for other in [
            RequestedCertificate { signer: "kubernetes.io/kubelet-serving".into(), ..request() },
            RequestedCertificate { common_name: "system:admin".into(), ..request() },
            RequestedCertificate { organizations: vec!["system:masters".into()], ..request() },
            RequestedCertificate {
                organizations: vec![AGENTS_GROUP.into(), "system:masters".into()],
                ..request()
            },
            RequestedCertificate { organizations: Vec::new(), ..request() },
            RequestedCertificate { has_alternative_names: true, ..request() },
            RequestedCertificate { usages: vec!["client auth".into()], ..request() },
            RequestedCertificate {
                usages: ["client auth", "digital signature", "server auth"].map(Into::into).into(),
                ..request()
            },
        ] {
            assert!(!is_agent_request(&other), "{other:?}");
        }
    }
}
