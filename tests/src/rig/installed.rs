//! The control plane that `init` installs, on loopback: its own plan, with a process for every pod.
//!
//! What is read of the plan is what a host cluster would read: the Secrets, the command lines and mounted files of the
//! Deployments, the objects that go into the control plane, and their order. What differs here is said by the flags
//! that every user has (`--karmada-webhook-extra-args` and so on): ports, and addresses of loopback.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Parser as _;
use karmadactl::install::certificate_set::{CertificateSet, Renewal};
use karmadactl::install::host::HostFacts;
use karmadactl::install::names::Component;
use karmadactl::install::objects::apply;
use karmadactl::install::options::InstallOptions;
use karmadactl::install::plan::{Keys, Place, Plan, Step, Wait, plan};
use karmadactl::install::secrets::files_of;
use karmadactl::install::settings::Settings;
use karmadactl::install::workloads::PROGRAM;
use kube::Client;
use serde_json::Value;
use tokio::time::sleep;

use super::Binaries;
use super::service::Service;
use super::tunnel::{Services, Tunnel};
use crate::ports::free_ports;
use crate::process::Server;

/// How long the control plane may take to serve what was just written.
const SERVED: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
const CLUSTERS: &str = "/apis/cluster.karmada.io/v1alpha1/clusters?limit=1";
/// Components that are this project's program.
const OURS: [Component; 4] =
    [Component::AggregatedApiServer, Component::Webhook, Component::Scheduler, Component::ControllerManager];

/// What `init` would do, and where its pods find things on this machine.
#[derive(Debug)]
pub(super) struct Site {
    directory: tempfile::TempDir,
    options: InstallOptions,
    plan: Plan,
    secrets: BTreeMap<String, BTreeMap<String, String>>,
    /// Where kube-apiserver listens.
    server: String,
    _tunnel: Tunnel,
}

/// Where the authority's files are, where etcd is, and where kube-apiserver shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub authority: &'a Path,
    pub etcd: &'a str,
    pub prefix: &'a str,
    pub address: SocketAddr,
}

/// A command with its arguments, as a pod would run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommandLine {
    pub program: String,
    pub arguments: Vec<String>,
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

impl Site {
    /// Plans an installation and writes the files that its pods mount.
    pub(super) fn prepare(ground: Ground<'_>) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let [aggregated, webhook] = free_ports()?;
        let selector = directory.path().join("egress-selector.json");
        let flags = flags(ground, &selector, aggregated, webhook);
        let options = Line::try_parse_from(flags)?.settings.options();
        let options = options.map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let host =
            HostFacts { node_addresses: vec![ground.address.ip().to_string()], ..HostFacts::default() };
        let mut certificates = CertificateSet::default();
        certificates.complete(&options, &host.node_addresses, Renewal::Missing, jiff::Timestamp::now())?;
        let plan = plan(&options, &host, &certificates, Keys::Included)?;
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut services = Services::new();
        for (component, port) in [(Component::AggregatedApiServer, aggregated), (Component::Webhook, webhook)]
        {
            let full = options.service_host(component.name());
            let short = full.strip_suffix(&format!(".{}", options.host_domain)).unwrap_or(&full).to_owned();
            services.insert(format!("{short}:443"), loopback(port));
            services.insert(format!("{full}:443"), loopback(port));
        }
        let tunnel = Tunnel::open(directory.path().join("tunnel"), services)?;
        fs::write(&selector, tunnel.egress_selector().to_string())?;
        let secrets = plan
            .objects(Place::Host)
            .filter(|object| object["kind"] == "Secret")
            .map(|secret| {
                (secret["metadata"]["name"].as_str().unwrap_or_default().to_owned(), files_of(secret))
            })
            .collect();
        Ok(Self {
            directory,
            options,
            plan,
            secrets,
            server: format!("https://{}", ground.address),
            _tunnel: tunnel,
        })
    }

    /// Returns what the pod of a component runs, with the files that it mounts written where it finds them.
    pub(super) fn command_line(&self, component: Component) -> anyhow::Result<CommandLine> {
        let deployment = self.plan.objects(Place::Host).find(|object| is_deployment_of(object, component));
        let spec =
            &deployment.with_context(|| format!("the plan has no {component}"))?["spec"]["template"]["spec"];
        let container = &spec["containers"][0];
        let mut places = Vec::new();
        for mount in list(&container["volumeMounts"]) {
            let volume = list(&spec["volumes"]).find(|volume| volume["name"] == mount["name"]);
            let volume = volume.with_context(|| format!("{component} has no volume {}", mount["name"]))?;
            // The others are room to write in, which is the same here.
            if volume["secret"].is_null() {
                continue;
            }
            let name = text(&mount["name"]);
            let place = self.directory.path().join(component.name()).join(name);
            fs::create_dir_all(&place)?;
            self.write_files(&volume["secret"], &place)?;
            places.push((text(&mount["mountPath"]).to_owned(), place));
        }
        // A folder in another one is mounted over it.
        places.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        let mut words = list(&container["command"]).chain(list(&container["args"])).map(text);
        let program = words.next().with_context(|| format!("{component} has no command"))?.to_owned();
        let arguments = words.map(|word| on_this_machine(word, &places)).collect();
        Ok(CommandLine { program, arguments })
    }

    fn write_files(&self, source: &Value, place: &Path) -> anyhow::Result<()> {
        let name = text(&source["secretName"]);
        let files = self.secrets.get(name).with_context(|| format!("the plan has no Secret {name}"))?;
        for item in list(&source["items"]) {
            let key = text(&item["key"]);
            let content = files.get(key).with_context(|| format!("Secret {name} has no {key}"))?;
            // kubeconfigs name the Service of the API server.
            let content = content.replace(&self.options.internal_server(), &self.server);
            fs::write(place.join(text(&item["path"])), content)?;
        }
        Ok(())
    }

    /// Takes the steps of the plan in their order, now that the API server answers.
    ///
    /// # Errors
    /// When a component does not start, or the control plane does not serve in time what was written.
    pub(super) async fn install(
        self,
        client: &Client,
        binaries: &Binaries,
        program: &Path,
        flags: &Flags,
    ) -> anyhow::Result<Installation> {
        let mut installation = Installation {
            components: BTreeMap::new(),
            kubernetes: Vec::new(),
            program: program.to_owned(),
            site: self,
        };
        for step in installation.site.plan.steps.clone() {
            installation.take(&step, client, binaries, flags).await.with_context(|| step.title.clone())?;
        }
        Ok(installation)
    }
}

/// Further flags of components, such as those of a test.
pub type Flags = BTreeMap<Component, Vec<String>>;

/// The running components of an installation besides its API server; they end when it is dropped.
#[derive(Debug)]
pub struct Installation {
    components: BTreeMap<Component, Server>,
    /// Kubernetes' own.
    kubernetes: Vec<Service>,
    program: PathBuf,
    /// Dropped last: its files are used until then.
    site: Site,
}

impl Installation {
    async fn take(
        &mut self,
        step: &Step,
        client: &Client,
        binaries: &Binaries,
        flags: &Flags,
    ) -> anyhow::Result<()> {
        for object in &step.objects {
            if step.place == Place::ControlPlane {
                apply(client, object).await.with_context(|| object["metadata"]["name"].to_string())?;
                continue;
            }
            if is_deployment_of(object, Component::KubeControllerManager) {
                let CommandLine { program, arguments } =
                    self.site.command_line(Component::KubeControllerManager)?;
                anyhow::ensure!(program == "kube-controller-manager", "unexpected program {program}");
                let directory = self.site.directory.path();
                let service = Service::start(binaries, "kube-controller-manager", &arguments, directory)?;
                self.kubernetes.push(service);
            } else if let Some(component) = OURS.into_iter().find(|known| is_deployment_of(object, *known)) {
                self.start(component, flags.get(&component).map(Vec::as_slice).unwrap_or_default())?;
            }
        }
        for wait in &step.waits {
            match wait {
                // Done by the start of the process.
                Wait::Rollout { .. } | Wait::ControlPlane => {}
                Wait::Definitions => {
                    for object in step.objects.iter().filter(|object| is_definition(object)) {
                        until_served(client, &first_of(object)).await?;
                    }
                }
                Wait::AggregatedApi => until_served(client, CLUSTERS).await?,
            }
        }
        Ok(())
    }

    /// Starts a component, or starts it again, with further flags.
    ///
    /// # Errors
    /// When it does not say that it is ready.
    pub fn start(&mut self, component: Component, flags: &[String]) -> anyhow::Result<()> {
        // Two at once would want the same ports.
        drop(self.components.remove(&component));
        let CommandLine { program, arguments } = self.site.command_line(component)?;
        anyhow::ensure!(program == PROGRAM, "unexpected program {program}");
        let arguments: Vec<&str> = arguments.iter().chain(flags).map(String::as_str).collect();
        let server = Server::start(&self.program, &arguments, &self.log_path(component))?;
        self.components.insert(component, server);
        Ok(())
    }

    /// Returns the process ids of this project's components.
    pub fn pids(&self) -> BTreeMap<Component, u32> {
        self.components.iter().map(|(component, server)| (*component, server.pid())).collect()
    }

    /// Returns the file with what a component says.
    pub fn log_path(&self, component: Component) -> PathBuf {
        self.site.directory.path().join(format!("{component}.log"))
    }
}

/// What a user would tell `init` who has this machine alone.
fn flags(ground: Ground<'_>, selector: &Path, aggregated: u16, webhook: u16) -> Vec<String> {
    let mut flags = vec![
        "init".to_owned(),
        format!("--ca-cert-file={}", ground.authority.join("ca.crt").display()),
        format!("--ca-key-file={}", ground.authority.join("ca.key").display()),
        format!("--external-etcd-servers={}", ground.etcd),
        format!("--external-etcd-key-prefix=/{}", ground.prefix),
    ];
    let mut extra = |component: Component, arguments: &[String]| {
        let name = match component {
            Component::KubeControllerManager => "karmada-kube-controller-manager",
            other => other.name(),
        };
        flags.extend(arguments.iter().map(|argument| format!("--{name}-extra-args={argument}")));
    };
    let local = format!("--bind-address={}", ground.address.ip());
    let port = |port: u16| format!("--secure-port={port}");
    let nowhere =
        ["--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=127.0.0.1:0"].map(str::to_owned);
    extra(
        Component::ApiServer,
        &[
            local.clone(),
            port(ground.address.port()),
            format!("--advertise-address={}", ground.address.ip()),
            "--endpoint-reconciler-type=none".to_owned(),
            format!("--egress-selector-config-file={}", selector.display()),
        ],
    );
    extra(Component::KubeControllerManager, &[local.clone(), port(0)]);
    extra(Component::AggregatedApiServer, &[local.clone(), port(aggregated)]);
    extra(Component::Webhook, &[local, port(webhook)]);
    for component in [Component::Webhook, Component::Scheduler, Component::ControllerManager] {
        extra(component, &nowhere);
    }
    flags
}

/// Puts folders of this machine where a pod has mounts.
fn on_this_machine(argument: &str, places: &[(String, PathBuf)]) -> String {
    let Some((flag, value)) = argument.split_once('=') else { return argument.to_owned() };
    let found = places.iter().find_map(|(path, place)| {
        let rest = value.strip_prefix(path.as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{flag}={}{rest}", place.display()))
    });
    found.unwrap_or_else(|| argument.to_owned())
}

async fn until_served(client: &Client, path: &str) -> anyhow::Result<()> {
    let late = Instant::now() + SERVED;
    loop {
        let seen = match karmadactl::raw::read(client, path).await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => "not found".to_owned(),
            Err(error) => error.to_string(),
        };
        if Instant::now() > late {
            bail!("{path} is not served: {seen}");
        }
        sleep(PAUSE).await;
    }
}

fn is_deployment_of(object: &Value, component: Component) -> bool {
    object["kind"] == "Deployment" && object["metadata"]["name"] == component.name()
}

fn is_definition(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
}

/// The path of the first object of the kind that a definition is about.
fn first_of(definition: &Value) -> String {
    let spec = &definition["spec"];
    let (group, version) = (text(&spec["group"]), text(&spec["versions"][0]["name"]));
    format!("/apis/{group}/{version}/{}?limit=1", text(&spec["names"]["plural"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use karmada_apiserver::auth::Authority;

    use super::*;

    fn site(directory: &Path) -> Site {
        Authority::in_directory(directory, "rig-ca").unwrap();
        Site::prepare(Ground {
            authority: directory,
            etcd: "http://127.0.0.1:1",
            prefix: "cp",
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 2)),
        })
        .unwrap()
    }

    #[tokio::test]
    async fn every_pod_finds_the_files_that_its_arguments_name() {
        let directory = tempfile::tempdir().unwrap();
        let site = site(directory.path());
        let known = |value: &str| Path::new(value).starts_with(site.directory.path());
        for component in Component::ALL {
            let line = site.command_line(component).unwrap();
            let mut found = 0;
            for argument in &line.arguments {
                let value = argument.split_once('=').map_or("", |(_, value)| value);
                assert!(!value.contains("/etc/karmada"), "{component}: {argument}");
                if known(value) {
                    assert!(Path::new(value).exists(), "{component}: {argument}");
                    found += 1;
                }
            }
            assert!(found > 0, "{component}: {line:?}");
        }
        let line = site.command_line(Component::ApiServer).unwrap();
        assert_eq!(line.program, "kube-apiserver");
        let says = |argument: &str| line.arguments.iter().filter(|known| known.starts_with(argument)).count();
        assert_eq!((says("--bind-address="), says("--bind-address=127.0.0.1")), (1, 1), "{line:?}");
        assert_eq!(
            (says("--etcd-servers=http://127.0.0.1:1"), says("--etcd-prefix=/cp")),
            (1, 1),
            "{line:?}"
        );
    }

    #[tokio::test]
    async fn components_are_led_to_the_api_server_of_this_machine() {
        let directory = tempfile::tempdir().unwrap();
        let site = site(directory.path());
        let line = site.command_line(Component::Scheduler).unwrap();
        let kubeconfig =
            line.arguments.iter().find_map(|argument| argument.strip_prefix("--kubeconfig=")).unwrap();
        let kubeconfig = fs::read_to_string(kubeconfig).unwrap();
        assert!(kubeconfig.contains("https://127.0.0.1:2"), "the server is another one");
        assert!(!kubeconfig.contains(".svc"), "a Service is named");
    }

    #[test]
    fn mounts_are_replaced_once_and_whole() {
        let places = [("/a/b".to_owned(), PathBuf::from("/x")), ("/a".to_owned(), PathBuf::from("/tmp/y"))];
        let check = |argument: &str, expected: &str| assert_eq!(on_this_machine(argument, &places), expected);
        check("--f=/a/b/c.crt", "--f=/x/c.crt");
        check("--f=/a/c.crt", "--f=/tmp/y/c.crt");
        check("--f=/a", "--f=/tmp/y");
        check("--f=/ab", "--f=/ab");
        check("--flag", "--flag");
    }
}
