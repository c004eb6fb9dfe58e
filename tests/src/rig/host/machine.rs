//! Namespaces of their own for a node: processes, mounts and network, gone when they are dropped.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, bail};

/// What must be installed, by name of a program.
const PROGRAMS: [&str; 9] =
    ["unshare", "mount", "ip", "nft", "iptables", "containerd", "containerd-shim-runc-v2", "runc", "ctr"];
/// Where distributions put network plug-ins.
const NETWORK_PLUGINS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];
const CGROUPS: &str = "/sys/fs/cgroup";
/// How many machines there can be at a time: each has a network of its own below 10.213.
const MACHINES: u32 = 250;
/// Lines of a log that an error shows.
const SHOWN_LINES: usize = 25;

/// A machine in namespaces of its own.
#[derive(Debug)]
pub struct Machine {
    /// Ends when its standard input does.
    first: Child,
    commands: Option<ChildStdin>,
    cgroup: String,
    /// Address of the machine.
    pub address: Ipv4Addr,
    /// Address by which the machine reaches this process.
    pub outside: Ipv4Addr,
    directory: tempfile::TempDir,
}

/// Says what a machine lacks here, if anything.
pub fn missing() -> Option<String> {
    for program in PROGRAMS {
        if find(program).is_none() {
            return Some(format!("{program} is not installed"));
        }
    }
    if network_plugins().is_none() {
        return Some(format!("there are no network plug-ins in {}", NETWORK_PLUGINS.join(" or ")));
    }
    let probe = Command::new("unshare")
        .args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "true"])
        .stdin(Stdio::null())
        .output();
    match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file())
}

/// Returns where network plug-ins are.
pub(super) fn network_plugins() -> Option<&'static str> {
    NETWORK_PLUGINS.into_iter().find(|directory| Path::new(directory).join("bridge").is_file())
}

impl Machine {
    /// Starts a machine without services.
    ///
    /// # Errors
    /// When namespaces, links or mounts cannot be made.
    pub fn start() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("machine-").tempdir()?;
        let (number, link) = create_link()?;
        let outside = Ipv4Addr::new(10, 213, number, 1);
        let address = Ipv4Addr::new(10, 213, number, 2);
        run("ip", &["address", "add", &format!("{outside}/30"), "dev", &format!("{link}o")])?;
        run("ip", &["link", "set", &format!("{link}o"), "up"])?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/host/machine.sh");
        let log = fs::File::create(directory.path().join("machine.log"))?;
        let mut first = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "--"])
            .arg(script)
            .arg(directory.path())
            .args([&link, &address.to_string(), &outside.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("starting unshare")?;
        let commands = first.stdin.take();
        let mut output = BufReader::new(first.stdout.take().context("no stdout")?);
        let cgroup = format!("/karmada-{link}");
        let mut machine = Self { first, commands, cgroup, address, outside, directory };
        machine.expect(&mut output, "created")?;
        run("ip", &["link", "set", &link, "netns", &machine.inner_pid()?.to_string()])?;
        machine.write("")?;
        machine.expect(&mut output, "ready")?;
        machine.create_cgroup()?;
        Ok(machine)
    }

    /// Starts a service; what it writes goes to the log of this name.
    ///
    /// # Errors
    /// When the machine has ended.
    pub fn run(&mut self, name: &str, program: &Path, arguments: &[String]) -> anyhow::Result<()> {
        let words = std::iter::once(program.display().to_string()).chain(arguments.iter().cloned());
        let command: Vec<String> = words.map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        self.write(&format!("{name} {}", command.join(" ")))
    }

    /// Fails when a service has ended; with the end of its log.
    ///
    /// # Errors
    /// When one has.
    pub fn check(&self) -> anyhow::Result<()> {
        if let Some(entry) = fs::read_dir(self.path("ended"))?.next() {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let status = fs::read_to_string(entry.path())?;
            bail!("{name} ended with {}\n{}", status.trim(), self.log_end(&name));
        }
        Ok(())
    }

    /// Returns the last lines of a service's log.
    pub fn log_end(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path("logs").join(format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }

    /// Returns a path in the directory of the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns what a path of the machine below `/var/lib` or `/var/log` is outside of it.
    pub fn outside_path(&self, path: &str) -> PathBuf {
        self.path("layers").join(path.trim_start_matches('/'))
    }

    /// Returns the control group that pods are in.
    pub fn cgroup(&self) -> &str {
        &self.cgroup
    }

    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        let commands = self.commands.as_mut().context("the machine has ended")?;
        writeln!(commands, "{line}")?;
        Ok(commands.flush()?)
    }

    fn expect(&self, output: &mut impl std::io::BufRead, wanted: &str) -> anyhow::Result<()> {
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() == wanted {
            return Ok(());
        }
        let log = fs::read_to_string(self.path("machine.log"))?;
        bail!("the machine is not {wanted}: {line}{log}")
    }

    /// The process id of the first process in the machine, as it is outside.
    fn inner_pid(&self) -> anyhow::Result<u32> {
        let pid = self.first.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        Ok(children.split_whitespace().next().context("the machine has no process")?.parse()?)
    }

    fn create_cgroup(&self) -> anyhow::Result<()> {
        for root in hierarchies()? {
            let directory = root.join(self.cgroup.trim_start_matches('/'));
            fs::create_dir(&directory)?;
            // In the first version, a group has no processors and no memory until it is given some.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                let value = root.join(file);
                if value.exists() {
                    fs::write(directory.join(file), fs::read_to_string(value)?)?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The end of its input is the end of the first process, and that of all others; its link goes with it.
        drop(self.commands.take());
        drop(self.first.wait());
        for root in hierarchies().unwrap_or_default() {
            remove_groups(&root.join(self.cgroup.trim_start_matches('/')));
        }
    }
}

/// The trees of control groups: one, or one for each controller in the first version.
fn hierarchies() -> std::io::Result<Vec<PathBuf>> {
    let root = Path::new(CGROUPS);
    if root.join("cgroup.controllers").exists() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        // The other names of a hierarchy are links.
        if path.join("cgroup.procs").exists() && !path.is_symlink() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Removes control groups from the inside out; one that is gone or still in use is left.
fn remove_groups(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    drop(fs::remove_dir(directory));
}

/// Makes a pair of links under the first free number; the name is what keeps two machines apart.
fn create_link() -> anyhow::Result<(u8, String)> {
    let mut last = None;
    for offset in 0..MACHINES {
        let number = u8::try_from(1 + (std::process::id() + offset) % MACHINES)?;
        let link = format!("host{number}");
        match run("ip", &["link", "add", &link, "type", "veth", "peer", "name", &format!("{link}o")]) {
            Ok(()) => return Ok((number, link)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("there are no numbers")?)
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
