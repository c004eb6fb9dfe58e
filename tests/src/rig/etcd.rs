//! One etcd, for one cluster or several.

use kube::{Client, Config};
use serde_json::{Value, json};

use super::Binaries;
use super::service::Service;
use crate::ports::free_ports;

/// Whether etcd syncs what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// As in production.
    Always,
    /// Never: for tests, whose data nobody needs after a power cut.
    Never,
}

/// Whether etcd has room for what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Enough,
    None,
}

/// A running etcd, ended when it is dropped.
#[derive(Debug)]
pub struct Etcd {
    service: Service,
    directory: tempfile::TempDir,
    url: String,
}

impl Etcd {
    /// Starts an empty etcd; whoever connects waits until it answers.
    ///
    /// # Errors
    /// When the program does not start.
    pub fn start(binaries: &Binaries, sync: Sync) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let [client, peer] = free_ports()?;
        let (client, peer) = (format!("http://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let mut arguments = vec![
            format!("--data-dir={}", directory.path().join("data").display()),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
        ];
        if sync == Sync::Never {
            arguments.push("--unsafe-no-fsync".to_owned());
        }
        let service = Service::start(binaries, "etcd", &arguments, directory.path())?;
        Ok(Self { service, directory, url: client })
    }

    /// Returns where clients connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.service.pid()
    }

    /// Raises the alarm that etcd raises by itself when its quota is used up, or takes it back.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn set_room(&self, room: Room) -> anyhow::Result<()> {
        karmadactl::install_crypto_provider();
        let action = match room {
            Room::None => "ACTIVATE",
            Room::Enough => "DEACTIVATE",
        };
        let client = Client::try_from(Config::new(self.url.parse()?))?;
        let body = json!({"action": action, "memberID": "0", "alarm": "NOSPACE"}).to_string();
        let request = http::Request::post("/v3/maintenance/alarm").body(body.into_bytes())?;
        client.request::<Value>(request).await?;
        Ok(())
    }

    /// Returns where its data and its log are.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Returns the last lines of the log.
    pub(super) fn log_end(&self) -> String {
        self.service.log_end()
    }
}
