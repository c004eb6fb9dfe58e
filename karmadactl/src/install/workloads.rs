//! The components that work against the API server of the control plane.

use serde_json::Value;

use super::api_server::SERVICE_RANGE;
use super::certificate_set::ACCOUNT_KEY;
use super::names::{CERTIFICATES, CONFIG, Component, KUBECONFIG_KEY, PKI, WEBHOOK_CERTIFICATES};
use super::options::InstallOptions;
use super::pods::{Mount, Pod, Probe, RunAs, deployment, disruption_budget, service, service_account};
use super::secrets::Secrets;

/// The program in the image of our own components.
pub const PROGRAM: &str = "/usr/local/bin/karmadactl";
/// Where the aggregated API server listens in its pod.
const AGGREGATED_PORT: u16 = 5443;
/// Where the webhook listens in its pod.
const WEBHOOK_PORT: u16 = 8443;
/// Controllers of kube-controller-manager: there are no nodes and no pods to control.
const KUBE_CONTROLLERS: &str = "namespace,garbagecollector,serviceaccount-token,ttl-after-finished,bootstrapsigner,\
                                tokencleaner,csrcleaner,csrsigning,clusterrole-aggregation";

/// Returns the objects of a component other than the API server.
pub fn objects(options: &InstallOptions, component: Component, secrets: &Secrets) -> Vec<Value> {
    let name = component.name();
    let pod = match component {
        Component::ApiServer => return super::api_server::objects(options, secrets),
        Component::AggregatedApiServer => aggregated_api_server(options),
        Component::KubeControllerManager => kube_controller_manager(options),
        Component::Scheduler => scheduler(options),
        Component::ControllerManager => controller_manager(options),
        Component::Webhook => webhook(options),
    };
    let mut objects = vec![service_account(options, name)];
    match component {
        Component::AggregatedApiServer => {
            objects.push(service(options, name, &[("https", 443, AGGREGATED_PORT)]));
        }
        Component::Webhook => objects.push(service(options, name, &[("webhook", 443, WEBHOOK_PORT)])),
        _ => {}
    }
    objects.push(disruption_budget(options, name));
    objects.push(deployment(&pod, options, secrets));
    objects
}

fn kubeconfig_argument(flag: &str) -> String {
    format!("--{flag}={CONFIG}/{KUBECONFIG_KEY}")
}

/// A component of our own.
fn our<'a>(
    options: &'a InstallOptions,
    component: Component,
    command: &str,
    health: Probe,
    args: Vec<String>,
) -> Pod<'a> {
    let mut all = vec![kubeconfig_argument("kubeconfig")];
    all.extend(args);
    Pod {
        name: component.name(),
        options: options.component(component),
        command: vec![PROGRAM.to_owned(), command.to_owned()],
        args: all,
        env: Vec::new(),
        ports: Vec::new(),
        probe: health,
        mounts: vec![
            Mount::kubeconfig(component),
            Mount::EmptyDir { volume: "tmp", path: "/tmp".to_owned() },
        ],
        run_as: RunAs::Nobody,
        requests: ("50m", "64Mi"),
    }
}

fn http(port: u16) -> Probe {
    Probe { scheme: "HTTP", port, live: "/healthz", ready: "/readyz", starts_within: 60 }
}

fn scheduler(options: &InstallOptions) -> Pod<'_> {
    let args = ["--metrics-bind-address=0.0.0.0:8080", "--health-probe-bind-address=0.0.0.0:10351"];
    let args = args.map(str::to_owned).into();
    let mut pod = our(options, Component::Scheduler, "scheduler", http(10351), args);
    pod.ports = vec![("metrics", 8080), ("health", 10351)];
    pod
}

fn controller_manager(options: &InstallOptions) -> Pod<'_> {
    let args = ["--metrics-bind-address=0.0.0.0:8080", "--health-probe-bind-address=0.0.0.0:10357"];
    let args = args.map(str::to_owned).into();
    let mut pod = our(options, Component::ControllerManager, "controller-manager", http(10357), args);
    pod.ports = vec![("metrics", 8080), ("health", 10357)];
    pod.requests = ("100m", "128Mi");
    pod
}

fn webhook(options: &InstallOptions) -> Pod<'_> {
    let args = vec![
        "--bind-address=0.0.0.0".to_owned(),
        format!("--secure-port={WEBHOOK_PORT}"),
        format!("--cert-dir={PKI}/server"),
        "--metrics-bind-address=0.0.0.0:8080".to_owned(),
        "--health-probe-bind-address=0.0.0.0:8000".to_owned(),
    ];
    let mut pod = our(options, Component::Webhook, "webhook", http(8000), args);
    pod.ports = vec![("webhook", WEBHOOK_PORT), ("metrics", 8080), ("health", 8000)];
    pod.mounts.push(Mount::files(
        "webhook-cert",
        WEBHOOK_CERTIFICATES,
        &format!("{PKI}/server"),
        &["tls.crt", "tls.key"],
    ));
    pod
}

fn aggregated_api_server(options: &InstallOptions) -> Pod<'_> {
    let args = vec![
        "--bind-address=0.0.0.0".to_owned(),
        format!("--secure-port={AGGREGATED_PORT}"),
        format!("--tls-cert-file={PKI}/aggregated-apiserver.crt"),
        format!("--tls-private-key-file={PKI}/aggregated-apiserver.key"),
    ];
    let probe =
        Probe { scheme: "HTTPS", port: AGGREGATED_PORT, live: "/livez", ready: "/readyz", starts_within: 60 };
    let mut pod = our(options, Component::AggregatedApiServer, "aggregated-apiserver", probe, args);
    pod.ports = vec![("https", AGGREGATED_PORT)];
    pod.mounts.push(Mount::files(
        "karmada-cert",
        CERTIFICATES,
        PKI,
        &["aggregated-apiserver.crt", "aggregated-apiserver.key"],
    ));
    pod
}

fn kube_controller_manager(options: &InstallOptions) -> Pod<'_> {
    let component = Component::KubeControllerManager;
    let args = vec![
        kubeconfig_argument("kubeconfig"),
        kubeconfig_argument("authentication-kubeconfig"),
        kubeconfig_argument("authorization-kubeconfig"),
        "--bind-address=0.0.0.0".to_owned(),
        "--secure-port=10257".to_owned(),
        "--cluster-name=karmada".to_owned(),
        format!("--controllers={KUBE_CONTROLLERS}"),
        format!("--client-ca-file={PKI}/ca.crt"),
        format!("--cluster-signing-cert-file={PKI}/ca.crt"),
        format!("--cluster-signing-key-file={PKI}/ca.key"),
        format!("--root-ca-file={PKI}/ca.crt"),
        format!("--service-account-private-key-file={PKI}/{ACCOUNT_KEY}"),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--use-service-account-credentials=true".to_owned(),
        "--leader-elect=true".to_owned(),
    ];
    Pod {
        name: component.name(),
        options: options.component(component),
        command: vec!["kube-controller-manager".to_owned()],
        args,
        env: Vec::new(),
        ports: vec![("https", 10257)],
        probe: Probe { scheme: "HTTPS", port: 10257, live: "/healthz", ready: "/healthz", starts_within: 60 },
        mounts: vec![
            Mount::kubeconfig(component),
            Mount::files("karmada-cert", CERTIFICATES, PKI, &["ca.crt", "ca.key", ACCOUNT_KEY]),
            Mount::EmptyDir { volume: "tmp", path: "/tmp".to_owned() },
        ],
        run_as: RunAs::NobodyWithPorts,
        requests: ("50m", "64Mi"),
    }
}
