//! The certificates of an installation: which there are, and completing those that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};

use super::certificates::{Authority, CertificateError, Leaf, Pair, Purpose, SubjectName, create_key};
use super::names::{Component, ETCD};
use super::options::{Etcd, InstallOptions, Profile};

/// The authority of the control plane.
pub const ROOT: &str = "ca";
/// The authority of etcd.
pub const ETCD_ROOT: &str = "etcd-ca";
/// The authority of front proxies.
pub const FRONT_PROXY_ROOT: &str = "front-proxy-ca";
/// Certificate of the administrator, and of components as clients.
pub const ADMIN: &str = "karmada";
/// Private and public key that service account tokens are signed with.
pub const ACCOUNT_KEY: &str = "sa.key";
pub const ACCOUNT_PUBLIC_KEY: &str = "sa.pub";
/// The first address of the control plane's range of Services: `kubernetes`.
const KUBERNETES_SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// Files of certificates and keys, by name: `ca.crt`, `ca.key`, `apiserver.crt`...
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CertificateSet {
    files: BTreeMap<String, String>,
}

impl std::fmt::Debug for CertificateSet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No keys in logs.
        formatter.debug_list().entries(self.files.keys()).finish()
    }
}

/// A certificate of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafSpec {
    /// Name of its files.
    pub name: &'static str,
    pub authority: &'static str,
    pub leaf: Leaf,
}

/// Which certificates are made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Those that are absent, over, or lack a name.
    Missing,
    /// All below the authorities.
    Leaves,
}

impl CertificateSet {
    /// The files that exist.
    pub fn from_files(files: BTreeMap<String, String>) -> Self {
        Self { files }
    }

    /// All files by name.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The text of a file, empty when there is none.
    pub fn file(&self, name: &str) -> &str {
        self.files.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A certificate and its key.
    pub fn pair(&self, name: &str) -> Option<Pair> {
        let file = |suffix| self.files.get(&format!("{name}.{suffix}")).cloned();
        Some(Pair { certificate: file("crt")?, key: file("key")? })
    }

    fn put(&mut self, name: &str, pair: Pair) {
        self.files.insert(format!("{name}.crt"), pair.certificate);
        self.files.insert(format!("{name}.key"), pair.key);
    }

    /// Makes what is missing; returns the names of what was made.
    ///
    /// What exists and is good stays, so that nothing that runs loses its trust.
    ///
    /// # Errors
    /// When an authority that exists cannot be used.
    pub fn complete(
        &mut self,
        options: &InstallOptions,
        node_addresses: &[String],
        renewal: Renewal,
        now: Timestamp,
    ) -> Result<Vec<&'static str>, CertificateError> {
        let mut made = Vec::new();
        if let (None, Some((certificate, key))) = (self.pair(ROOT), &options.certificates.authority) {
            self.put(ROOT, Pair { certificate: certificate.clone(), key: key.clone() });
            made.push(ROOT);
        }
        if let Etcd::External(etcd) = &options.etcd {
            let client = etcd.client.clone().map(|(certificate, key)| Pair { certificate, key });
            for (name, text) in [
                ("etcd-ca.crt", etcd.ca.clone()),
                ("etcd-client.crt", client.as_ref().map(|pair| pair.certificate.clone())),
                ("etcd-client.key", client.as_ref().map(|pair| pair.key.clone())),
            ] {
                match text {
                    Some(text) => self.files.insert(name.to_owned(), text),
                    None => self.files.remove(name),
                };
            }
        }
        for (name, common_name) in authorities(options) {
            if self.pair(name).is_none() {
                self.put(name, Authority::create(common_name, now)?);
                made.push(name);
            }
        }
        if !self.files.contains_key(ACCOUNT_KEY) || !self.files.contains_key(ACCOUNT_PUBLIC_KEY) {
            let (key, public) = create_key()?;
            self.files.insert(ACCOUNT_KEY.to_owned(), key);
            self.files.insert(ACCOUNT_PUBLIC_KEY.to_owned(), public);
            made.push("sa");
        }
        let specs = leaves(options, node_addresses);
        let validity = options.certificates.validity;
        made.extend(self.issue(&specs, validity, renewal, now)?);
        Ok(made)
    }

    /// Issues certificates; returns the names of those that were.
    ///
    /// # Errors
    /// When an authority cannot be used.
    pub fn issue(
        &mut self,
        specs: &[LeafSpec],
        validity: SignedDuration,
        renewal: Renewal,
        now: Timestamp,
    ) -> Result<Vec<&'static str>, CertificateError> {
        let mut authorities = BTreeMap::new();
        let mut made = Vec::new();
        for spec in specs {
            if !authorities.contains_key(spec.authority) {
                let pair = self.pair(spec.authority).ok_or_else(|| CertificateError::Unusable {
                    name: spec.authority.to_owned(),
                    why: "is missing".to_owned(),
                })?;
                authorities.insert(spec.authority, Authority::read(spec.authority, &pair, now)?);
            }
            let authority = &authorities[spec.authority];
            let is_good = self.pair(spec.name).is_some_and(|pair| authority.covers(&pair, &spec.leaf, now));
            if renewal == Renewal::Leaves || !is_good {
                self.put(spec.name, authority.issue(&spec.leaf, now, validity)?);
                made.push(spec.name);
            }
        }
        Ok(made)
    }
}

/// The authorities that are made, with their names.
fn authorities(options: &InstallOptions) -> Vec<(&'static str, &'static str)> {
    let mut authorities = vec![(ROOT, "karmada")];
    if options.profile != Profile::Single {
        authorities.push((FRONT_PROXY_ROOT, "front-proxy-ca"));
        if matches!(options.etcd, Etcd::Local(_)) {
            authorities.push((ETCD_ROOT, "etcd-ca"));
        }
    }
    authorities
}

/// The certificates below the authorities.
pub fn leaves(options: &InstallOptions, node_addresses: &[String]) -> Vec<LeafSpec> {
    let served = server_names(options, node_addresses);
    let leaf = |common_name: &str, organization: Option<&str>, names: BTreeSet<SubjectName>, purpose| Leaf {
        common_name: common_name.to_owned(),
        organizations: organization.map(str::to_owned).into_iter().collect(),
        names,
        purpose,
    };
    let mut specs = vec![LeafSpec {
        name: ADMIN,
        authority: ROOT,
        leaf: leaf("system:admin", Some("system:masters"), served.clone(), Purpose::Both),
    }];
    if options.profile == Profile::Single {
        return specs;
    }
    specs.push(LeafSpec {
        name: "apiserver",
        authority: ROOT,
        leaf: leaf("karmada-apiserver", None, served, Purpose::Both),
    });
    for (name, component) in
        [("aggregated-apiserver", Component::AggregatedApiServer), ("webhook", Component::Webhook)]
    {
        let names = service_names(options, component.name());
        specs.push(LeafSpec {
            name,
            authority: ROOT,
            leaf: leaf(component.name(), None, names, Purpose::Server),
        });
    }
    specs.push(LeafSpec {
        name: "front-proxy-client",
        authority: FRONT_PROXY_ROOT,
        leaf: leaf("front-proxy-client", None, BTreeSet::new(), Purpose::Client),
    });
    if let Etcd::Local(etcd) = &options.etcd {
        specs.push(LeafSpec {
            name: "etcd-server",
            authority: ETCD_ROOT,
            leaf: leaf("karmada-etcd-server", None, etcd_names(options, etcd.pod.replicas), Purpose::Both),
        });
        specs.push(LeafSpec {
            name: "etcd-client",
            authority: ETCD_ROOT,
            leaf: leaf("karmada-etcd-client", None, BTreeSet::new(), Purpose::Client),
        });
    }
    specs
}

/// What the API server is called, by anyone.
pub fn server_names(options: &InstallOptions, node_addresses: &[String]) -> BTreeSet<SubjectName> {
    let mut names = service_names(options, Component::ApiServer.name());
    let dns = |text: String| SubjectName::Dns(text);
    names.extend([
        dns("localhost".to_owned()),
        dns("kubernetes".to_owned()),
        dns("kubernetes.default".to_owned()),
        dns("kubernetes.default.svc".to_owned()),
        dns(format!("kubernetes.default.svc.{}", options.host_domain)),
        dns(format!("*.{}.svc", options.namespace)),
        dns(format!("*.{}.svc.{}", options.namespace, options.host_domain)),
        SubjectName::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SubjectName::Address(IpAddr::V4(KUBERNETES_SERVICE)),
    ]);
    names.extend(node_addresses.iter().map(|address| SubjectName::parse(address)));
    names.extend(options.advertise_address.iter().map(|address| SubjectName::parse(address)));
    names.extend(options.certificates.addresses.iter().map(|address| SubjectName::Address(*address)));
    names.extend(options.certificates.names.iter().cloned().map(SubjectName::Dns));
    names
}

/// What a Service is called, in the host cluster and through the control plane's own namespace.
fn service_names(options: &InstallOptions, service: &str) -> BTreeSet<SubjectName> {
    [options.namespace.as_str(), karmada_core::api::reserved::SYSTEM_NAMESPACE]
        .iter()
        .flat_map(|namespace| {
            [
                service.to_owned(),
                format!("{service}.{namespace}"),
                format!("{service}.{namespace}.svc"),
                format!("{service}.{namespace}.svc.{}", options.host_domain),
            ]
        })
        .map(SubjectName::Dns)
        .collect()
}

/// The name of every member of etcd: it compares the address of a peer with what these resolve to.
fn etcd_names(options: &InstallOptions, replicas: u32) -> BTreeSet<SubjectName> {
    let service = options.service_host(ETCD);
    let members = (0..replicas).map(|index| SubjectName::Dns(format!("{ETCD}-{index}.{service}")));
    members
        .chain([
            SubjectName::Dns("localhost".to_owned()),
            SubjectName::Dns(service.clone()),
            SubjectName::Dns(format!("{ETCD}.{}.svc", options.namespace)),
            SubjectName::Address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ])
        .collect()
}
