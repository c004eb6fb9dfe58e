//! Images from scratch, made of programs of this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::programs::HostPrograms;

/// Where our program is in its image.
const OUR_PATH: &str = "/usr/local/bin/karmadactl";

/// An image with one program.
#[derive(Clone, Debug)]
pub struct Image {
    name: String,
    program: PathBuf,
    /// Where the program is in the image.
    path: &'static str,
    binds_low_ports: bool,
}

impl Image {
    /// An image of a program.
    pub fn new(name: impl Into<String>, program: PathBuf, path: &'static str) -> Self {
        Self { name: name.into(), program, path, binds_low_ports: false }
    }

    /// The image of our own program.
    pub fn ours(name: impl Into<String>, program: &Path) -> Self {
        Self::new(name, program.to_owned(), OUR_PATH)
    }

    /// The program file carries the right to bind low ports.
    #[must_use]
    pub fn with_low_ports(self) -> Self {
        Self { binds_low_ports: true, ..self }
    }

    /// Makes the image and gives it to a containerd, by its socket.
    pub(super) fn load(&self, directory: &Path, socket: &Path) -> anyhow::Result<()> {
        let archive = directory.join("image.tar");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/host/image.sh");
        let mut make = Command::new(script);
        if self.binds_low_ports {
            make.arg("--bind-low-ports");
        }
        make.arg(&archive).arg(&self.name);
        make.arg(format!("{}={}", self.program.display(), self.path.trim_start_matches('/')));
        finish(&mut make).with_context(|| format!("making the image {}", self.name))?;
        let mut import = Command::new("ctr");
        import.arg("--address").arg(socket).args(["--namespace", "k8s.io", "images", "import"]).arg(&archive);
        finish(&mut import).with_context(|| format!("loading the image {}", self.name))?;
        Ok(std::fs::remove_file(archive)?)
    }
}

fn finish(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Returns the images that the objects of an installation name, made of the programs of this machine: `program` is ours.
///
/// # Errors
/// When a container runs something that is not there.
pub fn images_of(objects: &Value, program: &Path, programs: &HostPrograms) -> anyhow::Result<Vec<Image>> {
    let mut images = BTreeMap::new();
    for object in objects["items"].as_array().into_iter().flatten() {
        let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        for container in containers.into_iter().flatten() {
            let name = container["image"].as_str().context("a container has no image")?;
            let command = container["command"][0].as_str().context("a container has no command")?;
            let image = match command {
                OUR_PATH => Image::ours(name, program),
                "etcd" => Image::new(name, programs.path(command), "/usr/local/bin/etcd"),
                "kube-apiserver" => {
                    Image::new(name, programs.path(command), "/usr/local/bin/kube-apiserver").with_low_ports()
                }
                "kube-controller-manager" => {
                    Image::new(name, programs.path(command), "/usr/local/bin/kube-controller-manager")
                        .with_low_ports()
                }
                other => bail!("there is no program {other}"),
            };
            images.insert(name.to_owned(), image);
        }
    }
    Ok(images.into_values().collect())
}
