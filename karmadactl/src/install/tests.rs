//! What is installed, over all settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use indoc::indoc;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use serde_json::Value;

use super::certificate_set::{CertificateSet, Renewal};
use super::certificates::inspect;
use super::config_file::ConfigFile;
use super::host::HostFacts;
use super::options::{InstallOptions, NODE_PORTS};
use super::plan::{Keys, Place, Plan, plan};
use super::settings::Settings;
use crate::attached::prepare::title;
use crate::printer::{DocumentFormat, render_document};

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

fn settings(flags: &[&str]) -> Settings {
    Line::try_parse_from([&["init"][..], flags].concat()).unwrap().settings
}

fn options(flags: &[&str]) -> InstallOptions {
    settings(flags).options().unwrap()
}

fn moment() -> Timestamp {
    "2026-05-01T00:00:00Z".parse().unwrap()
}

fn host() -> HostFacts {
    HostFacts {
        node_addresses: vec!["10.0.0.1".to_owned()],
        data_nodes: vec!["node-1".to_owned()],
        ..HostFacts::default()
    }
}

fn certificates(options: &InstallOptions) -> CertificateSet {
    let mut set = CertificateSet::default();
    set.complete(options, &host().node_addresses, Renewal::Missing, moment()).unwrap();
    set
}

/// A plan without keys, which is the same every time.
fn bare(flags: &[&str]) -> Plan {
    plan(&options(flags), &host(), &CertificateSet::default(), Keys::LeftOut).unwrap()
}

fn full(options: &InstallOptions) -> Plan {
    plan(options, &host(), &certificates(options), Keys::Included).unwrap()
}

fn steps(plan: &Plan) -> String {
    let mut text = String::new();
    for step in &plan.steps {
        writeln!(text, "{} ({}), then {:?}", step.title, step.place.name(), step.waits).unwrap();
        for object in &step.objects {
            writeln!(text, "  {}", title(object)).unwrap();
        }
    }
    text
}

fn object<'a>(plan: &'a Plan, title_wanted: &str) -> &'a Value {
    plan.steps.iter().flat_map(|step| &step.objects).find(|object| title(object) == title_wanted).unwrap()
}

fn yaml<'a>(objects: impl IntoIterator<Item = &'a Value>) -> String {
    let documents: Vec<String> =
        objects.into_iter().map(|object| render_document(object, DocumentFormat::Yaml).unwrap()).collect();
    documents.join("---\n")
}

#[test]
fn the_manifests_of_the_host_cluster_are_reviewed() {
    let plan = bare(&[]);
    insta::assert_snapshot!("steps", steps(&plan));
    insta::with_settings!({ filters => vec![(r"karmadactl:\d+\.\d+\.\d+", "karmadactl:<version>")] }, {
        insta::assert_snapshot!("host", yaml(plan.objects(Place::Host)));
    });
}

#[test]
fn what_profiles_change_is_reviewed() {
    let ha = bare(&["--profile=ha", "--etcd-storage-mode=PVC", "--storage-classes-name=fast"]);
    let scheduler = object(&ha, "deployment.apps/karmada-scheduler");
    assert_eq!(scheduler["spec"]["replicas"], 2);
    assert!(scheduler.pointer("/spec/template/spec/affinity/podAntiAffinity").is_some());
    insta::assert_snapshot!("ha_etcd", yaml([object(&ha, "statefulset.apps/etcd")]));
    let single = bare(&["--profile=single", "--etcd-storage-mode=PVC"]);
    insta::with_settings!({ filters => vec![(r"karmadactl:\d+\.\d+\.\d+", "karmadactl:<version>")] }, {
        insta::assert_snapshot!("single", format!("{}---\n{}", steps(&single), yaml(single.objects(Place::Host))));
    });
}

#[test]
fn an_external_etcd_is_used_as_it_is() {
    let plan = bare(&[
        "--external-etcd-servers=https://10.1.0.1:2379,https://10.1.0.2:2379",
        "--external-etcd-key-prefix=/karmada",
    ]);
    assert!(!steps(&plan).contains("etcd"));
    let server = object(&plan, "deployment.apps/karmada-apiserver");
    let args = server.pointer("/spec/template/spec/containers/0/args").unwrap().to_string();
    for argument in ["--etcd-servers=https://10.1.0.1:2379,https://10.1.0.2:2379", "--etcd-prefix=/karmada"] {
        assert!(args.contains(argument), "{args}");
    }
    assert!(!args.contains("--etcd-cafile"));
}

#[test]
fn arguments_of_the_user_replace_those_of_the_installation() {
    let plan = bare(&[
        "--karmada-apiserver-extra-args=--v=4",
        "--karmada-apiserver-extra-args=--tls-min-version=VersionTLS12",
        "--karmada-kube-controller-manager-replicas=3",
        "--private-image-registry=registry.example",
        "--karmada-webhook-image=other/webhook:1",
    ]);
    let container = |name: &str| object(&plan, name).pointer("/spec/template/spec/containers/0").unwrap();
    let args = container("deployment.apps/karmada-apiserver")["args"].to_string();
    assert!(
        args.contains("--v=4") && args.contains("VersionTLS12") && !args.contains("VersionTLS13"),
        "{args}"
    );
    let manager = object(&plan, "deployment.apps/kube-controller-manager");
    assert_eq!(manager["spec"]["replicas"], 3);
    let image = |name: &str| container(name)["image"].as_str().unwrap().to_owned();
    assert_eq!(image("statefulset.apps/etcd"), "registry.example/etcd:3.6.8-0");
    assert_eq!(image("deployment.apps/karmada-apiserver"), "registry.example/kube-apiserver:v1.36.2");
    assert_eq!(image("deployment.apps/karmada-webhook"), "other/webhook:1");
    let own = format!("registry.example/karmadactl:{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(image("deployment.apps/karmada-scheduler"), own);
}

#[test]
fn our_own_components_understand_their_arguments() {
    let (plan, single) = (bare(&[]), bare(&["--profile=single"]));
    let mut seen = 0;
    for object in plan.objects(Place::Host).chain(single.objects(Place::Host)) {
        let Some(container) = object.pointer("/spec/template/spec/containers/0") else { continue };
        let words = |field: &str| {
            let items = container[field].as_array().into_iter().flatten();
            items.map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let command = words("command");
        if command[0] != super::workloads::PROGRAM {
            continue;
        }
        let line = [command, words("args")].concat();
        if let Err(error) = crate::cli::parse(line.iter().map(Into::into)) {
            panic!("{line:?}: {error}");
        }
        seen += 1;
    }
    assert_eq!(seen, 5);
}

/// Returns what a pod refers to and the plan does not have.
fn dangling(plan: &Plan) -> Vec<String> {
    let host: Vec<&Value> = plan.objects(Place::Host).collect();
    let mut secrets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut accounts = BTreeSet::new();
    for object in &host {
        let name = object["metadata"]["name"].as_str().unwrap();
        match object["kind"].as_str().unwrap() {
            "Secret" => {
                let keys = object["data"].as_object().unwrap();
                let filled =
                    keys.iter().filter(|(_, text)| text.as_str().is_some_and(|text| !text.is_empty()));
                secrets.insert(name, filled.map(|(key, _)| key.as_str()).collect());
            }
            "ServiceAccount" => {
                accounts.insert(name);
            }
            _ => {}
        }
    }
    let mut missing = Vec::new();
    for pod in host.iter().filter_map(|object| object.pointer("/spec/template/spec")) {
        let account = pod["serviceAccountName"].as_str().unwrap();
        if !accounts.contains(account) {
            missing.push(format!("account {account}"));
        }
        let mut volumes: BTreeSet<&str> = BTreeSet::new();
        for volume in pod["volumes"].as_array().unwrap() {
            volumes.insert(volume["name"].as_str().unwrap());
            let Some(name) = volume["secret"]["secretName"].as_str() else { continue };
            for item in volume["secret"]["items"].as_array().unwrap() {
                let key = item["key"].as_str().unwrap();
                if !secrets.get(name).is_some_and(|keys| keys.contains(key)) {
                    missing.push(format!("{name}/{key}"));
                }
            }
        }
        let container = &pod["containers"][0];
        let mounts: Vec<(&str, &str)> = container["volumeMounts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mount| (mount["name"].as_str().unwrap(), mount["mountPath"].as_str().unwrap()))
            .collect();
        // Files that arguments name are below something that is mounted.
        for argument in container["args"].as_array().unwrap() {
            let path = argument.as_str().unwrap().split_once('=').map_or("", |(_, value)| value);
            let is_file = path.starts_with("/etc/") || path.starts_with("/var/");
            if is_file && !mounts.iter().any(|(_, mounted)| path.starts_with(mounted)) {
                missing.push(format!("{path} is not mounted"));
            }
        }
    }
    missing
}

fn flags() -> impl Strategy<Value = Vec<String>> {
    let profile = prop::sample::select(vec!["standard", "ha", "single"]);
    let mode = prop::sample::select(vec!["hostPath", "emptyDir", "PVC"]);
    (profile, mode, 1..4_u32, any::<bool>(), NODE_PORTS).prop_map(
        |(profile, mode, replicas, is_external, port)| {
            let mut flags = vec![
                format!("--profile={profile}"),
                format!("--etcd-storage-mode={mode}"),
                format!("--karmada-webhook-replicas={replicas}"),
                format!("--namespace=karmada-{replicas}"),
                format!("--port={port}"),
            ];
            if is_external && profile != "single" {
                flags.push("--external-etcd-servers=https://10.1.0.1:2379".to_owned());
            }
            flags
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn pods_refer_to_nothing_that_is_not_installed(flags in flags()) {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let plan = full(&options(&flags));
        prop_assert_eq!(dangling(&plan), Vec::<String>::new());
        // Paths are unique: nothing is written twice in one place.
        let mut seen = BTreeSet::new();
        for object in plan.objects(Place::Host) {
            prop_assert!(seen.insert(super::objects::path_of(object)), "{} twice", title(object));
        }
    }
}

fn verifies(authority: &str, certificate: &str, name: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment().as_second()).unwrap()));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&certificate, &[], &name, &[], now).is_ok()
}

fn is_client(authority: &str, certificate: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment().as_second()).unwrap()));
    verifier.verify_client_cert(&certificate, &[], now).is_ok()
}

#[test]
fn certificates_are_good_for_the_names_they_are_asked_for() {
    let options = options(&[
        "--namespace=hub",
        "--etcd-replicas=3",
        "--cert-external-ip=192.0.2.7",
        "--cert-external-dns=karmada.example.com",
        "--karmada-apiserver-advertise-address=api.example.com",
    ]);
    let set = certificates(&options);
    let file = |name: &str| set.file(name);
    for name in [
        "localhost",
        "127.0.0.1",
        "10.0.0.1",
        "10.96.0.1",
        "192.0.2.7",
        "karmada.example.com",
        "api.example.com",
        "kubernetes.default.svc",
        "karmada-apiserver.hub.svc.cluster.local",
        "other.hub.svc",
    ] {
        assert!(verifies(file("ca.crt"), file("apiserver.crt"), name), "{name}");
    }
    assert!(!verifies(file("ca.crt"), file("apiserver.crt"), "192.0.2.8"));
    assert!(!verifies(file("etcd-ca.crt"), file("apiserver.crt"), "localhost"));
    assert!(verifies(file("ca.crt"), file("webhook.crt"), "karmada-webhook.hub.svc"));
    // The APIService is in the control plane's own namespace.
    let aggregated = "karmada-aggregated-apiserver.karmada-system.svc";
    assert!(verifies(file("ca.crt"), file("aggregated-apiserver.crt"), aggregated));
    for member in 0..3 {
        let name = format!("etcd-{member}.etcd.hub.svc.cluster.local");
        assert!(verifies(file("etcd-ca.crt"), file("etcd-server.crt"), &name), "{name}");
    }
    for (authority, client) in [
        ("ca.crt", "karmada.crt"),
        ("etcd-ca.crt", "etcd-client.crt"),
        ("etcd-ca.crt", "etcd-server.crt"),
        ("front-proxy-ca.crt", "front-proxy-client.crt"),
    ] {
        assert!(is_client(file(authority), file(client)), "{client}");
    }
    assert!(!is_client(file("ca.crt"), file("front-proxy-client.crt")));
    assert!(!is_client(file("ca.crt"), file("webhook.crt")), "it only serves");
    let admin = inspect("karmada", file("karmada.crt")).unwrap();
    assert_eq!(
        (admin.common_name.as_str(), &admin.organizations[..]),
        ("system:admin", &["system:masters".to_owned()][..])
    );
    assert_eq!(admin.not_after, moment() + SignedDuration::from_hours(365 * 24));
    assert!(file("sa.pub").starts_with("-----BEGIN PUBLIC KEY-----"));
}

#[test]
fn what_exists_is_kept_and_only_what_lacks_a_name_is_made_again() {
    let options = options(&[]);
    let mut set = certificates(&options);
    let before = set.clone();
    let again = set.complete(&options, &host().node_addresses, Renewal::Missing, moment()).unwrap();
    assert_eq!((again, &set), (Vec::new(), &before));
    let more = ["10.0.0.1".to_owned(), "fd00::2".to_owned()];
    assert_eq!(set.complete(&options, &more, Renewal::Missing, moment()).unwrap(), ["karmada", "apiserver"]);
    assert_eq!(set.file("ca.crt"), before.file("ca.crt"));
    let names = inspect("apiserver", set.file("apiserver.crt")).unwrap().names;
    let wanted: IpAddr = "fd00::2".parse().unwrap();
    assert!(names.contains(&super::certificates::SubjectName::Address(wanted)));
    let late = moment() + SignedDuration::from_hours(366 * 24);
    let over = set.complete(&options, &more, Renewal::Missing, late).unwrap();
    assert_eq!(over.len(), 7, "all but the authorities are over: {over:?}");
}

#[test]
fn a_given_authority_signs_what_the_control_plane_shows() {
    let directory = tempfile::tempdir().unwrap();
    let own = super::certificates::Authority::create("company", moment()).unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("ca.crt"), &own.certificate).unwrap();
    std::fs::write(path("ca.key"), &own.key).unwrap();
    let flags = [format!("--ca-cert-file={}", path("ca.crt")), format!("--ca-key-file={}", path("ca.key"))];
    let set = certificates(&options(&flags.each_ref().map(String::as_str)));
    assert_eq!(set.file("ca.crt"), own.certificate);
    assert!(verifies(&own.certificate, set.file("apiserver.crt"), "localhost"));
    std::fs::write(path("ca.key"), super::certificates::create_key().unwrap().0).unwrap();
    let options = options(&flags.each_ref().map(String::as_str));
    let error = CertificateSet::default().complete(&options, &[], Renewal::Missing, moment()).unwrap_err();
    assert_eq!(error.to_string(), "ca belongs to another key");
}

const CONFIG: &str = indoc! {r"
    apiVersion: config.karmada.io/v1alpha1
    kind: KarmadaInitConfig
    spec:
      waitComponentReadyTimeout: 300
      karmadaDataPath: /srv/karmada
      hostCluster:
        domain: cluster.example
        kubeconfig: /srv/host.config
      certificates:
        externalDNS: [karmada.example.com]
        validityPeriod: 8760h
      etcd:
        local:
          replicas: 3
          storageMode: PVC
          pvcSize: 10Gi
          repository: registry.example/etcd
          tag: 3.6.9-0
      images:
        imagePullPolicy: Always
        privateRegistry:
          registry: registry.example
      components:
        karmadaAPIServer:
          replicas: 2
          networking: {namespace: hub, port: 31443}
          serviceAnnotations: {team: platform}
        karmadaScheduler:
          tolerations: [{operator: Exists}]
          resources: {limits: {memory: 1Gi}}
          extraArgs:
          - {name: v, value: '4'}
"};

#[test]
fn a_file_counts_more_than_flags() {
    let file = ConfigFile::parse("init.yaml", CONFIG).unwrap();
    let mut settings = settings(&["--port=30000", "--karmada-scheduler-replicas=2", "--etcd-replicas=5"]);
    file.lay_over(&mut settings).unwrap();
    let options = settings.options().unwrap();
    assert_eq!((options.node_port, options.namespace.as_str()), (31443, "hub"));
    assert_eq!(options.wait, Duration::from_mins(5));
    assert_eq!(options.pull_policy, "Always");
    assert_eq!(file.host_cluster().kubeconfig.unwrap(), std::path::Path::new("/srv/host.config"));
    let plan = full(&options);
    let etcd = object(&plan, "statefulset.apps/etcd");
    assert_eq!(etcd["spec"]["replicas"], 3);
    assert_eq!(
        etcd.pointer("/spec/template/spec/containers/0/image").unwrap(),
        "registry.example/etcd:3.6.9-0"
    );
    let scheduler = object(&plan, "deployment.apps/karmada-scheduler");
    assert_eq!(scheduler["spec"]["replicas"], 2, "what the file does not say is left");
    assert_eq!(scheduler.pointer("/spec/template/spec/tolerations/0/operator").unwrap(), "Exists");
    let container = scheduler.pointer("/spec/template/spec/containers/0").unwrap();
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    assert!(container["args"].as_array().unwrap().contains(&"--v=4".into()));
    assert_eq!(object(&plan, "service/karmada-apiserver")["metadata"]["annotations"]["team"], "platform");
}

#[test]
fn mistakes_in_a_file_are_told_with_their_place() {
    let complain = |text: &str| {
        let text = format!("apiVersion: config.karmada.io/v1alpha1\nkind: KarmadaInitConfig\nspec:\n{text}");
        let file = match ConfigFile::parse("init.yaml", &text) {
            Ok(file) => file,
            Err(error) => return error.to_string(),
        };
        let mut settings = settings(&[]);
        if let Err(error) = file.lay_over(&mut settings) {
            return error.to_string();
        }
        let problems = settings.options().unwrap_err();
        problems.iter().map(|problem| file.word(problem)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        complain("  etcd:\n    locla: {}\n"),
        "init.yaml:5:5: spec.etcd.locla: unknown field (did you mean local?)"
    );
    assert_eq!(
        complain("  etcd:\n    local:\n      replicas: many\n"),
        "init.yaml:6:17: spec.etcd.local.replicas: \"many\" is not a number that fits"
    );
    assert_eq!(
        complain("  etcd:\n    local:\n      replicas: 2\n"),
        "init.yaml:6:17: spec.etcd.local.replicas: 2 members lose as many as one less would: choose an odd number"
    );
    assert_eq!(
        complain(
            "  hostCluster:\n    apiEndpoint: https://10.0.0.1\n  certificates:\n    externalIP: [nowhere]\n"
        ),
        "init.yaml:5:18: spec.hostCluster.apiEndpoint: the address of the host cluster comes from its kubeconfig"
    );
    assert_eq!(
        complain("  certificates:\n    externalIP: [nowhere]\n"),
        "init.yaml:5:17: spec.certificates.externalIP: \"nowhere\" is not an IP address"
    );
    let other = ConfigFile::parse("init.yaml", "apiVersion: v1\nkind: Pod\n").unwrap_err();
    assert_eq!(
        other.to_string(),
        "init.yaml:2:7: this is v1, Pod, not config.karmada.io/v1alpha1, KarmadaInitConfig"
    );
}

#[test]
fn pods_are_replaced_when_what_they_mount_changes_and_only_then() {
    let options = options(&[]);
    let set = certificates(&options);
    let annotation = |set: &CertificateSet, name: &str| {
        let plan = plan(&options, &host(), set, Keys::Included).unwrap();
        let object = object(&plan, name);
        object.pointer("/spec/template/metadata/annotations").unwrap().clone()
    };
    let mut files = set.files().clone();
    files.insert("webhook.crt".to_owned(), "changed".to_owned());
    let changed = CertificateSet::from_files(files);
    for (name, is_replaced) in
        [("deployment.apps/karmada-webhook", true), ("deployment.apps/karmada-scheduler", false)]
    {
        assert_eq!(annotation(&set, name) != annotation(&changed, name), is_replaced, "{name}");
    }
}
