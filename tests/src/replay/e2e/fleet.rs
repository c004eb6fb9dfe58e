//! The API servers of a scenario.

use std::collections::BTreeMap;
use std::time::Duration;

use kube::Client;

use super::client::{Refusal, Server};
use super::program::Program;
pub use crate::rig::Reachability;

/// Name of the control plane in scenarios.
pub const CONTROL_PLANE: &str = "control-plane";

/// A control plane and its members.
pub struct Fleet {
    servers: BTreeMap<String, Server>,
    switches: BTreeMap<String, Switch>,
    /// The program for steps that run it.
    pub program: Option<Program>,
    pub tempo: Tempo,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Tempo {
    /// Until the objects are what is expected.
    pub patience: Duration,
    /// Without any change, before the next step.
    pub quiet: Duration,
    /// Until a step is taken all the same.
    pub settle: Duration,
}

impl Tempo {
    /// Servers in this process.
    pub const EMBEDDED: Self = Self {
        patience: Duration::from_secs(20),
        quiet: Duration::from_millis(400),
        settle: Duration::from_secs(10),
    };
    /// Servers that are processes of their own, of which a machine has many.
    pub const REAL: Self = Self {
        patience: Duration::from_secs(45),
        quiet: Duration::from_secs(1),
        settle: Duration::from_secs(15),
    };
}

/// Makes a member answer or not.
#[derive(Clone, Debug)]
pub struct Switch(pub tokio::sync::watch::Sender<Reachability>);

impl Fleet {
    /// Takes clients of the control plane and of the members by name.
    pub fn new(control_plane: Client, members: BTreeMap<String, Client>) -> Self {
        let servers = members.into_iter().chain([(CONTROL_PLANE.to_owned(), control_plane)]);
        let servers = servers.map(|(name, client)| (name, Server::new(client)));
        Self { servers: servers.collect(), switches: BTreeMap::new(), program: None, tempo: Tempo::EMBEDDED }
    }

    /// Adds the switch of a member.
    pub fn with_switch(mut self, member: &str, switch: Switch) -> Self {
        self.switches.insert(member.to_owned(), switch);
        self
    }

    /// Returns the names of all servers.
    pub fn names(&self) -> Vec<String> {
        self.servers.keys().cloned().collect()
    }

    /// Returns a server by the name used in scenarios.
    pub fn server(&mut self, name: &str) -> Result<&mut Server, Refusal> {
        let unknown = || Refusal { code: 0, message: format!("there is no server {name}") };
        self.servers.get_mut(name).ok_or_else(unknown)
    }

    /// Makes a member answer, or not.
    pub fn set_reachability(&self, member: &str, reachability: Reachability) -> Result<(), Refusal> {
        let missing = || Refusal { code: 0, message: format!("{member} cannot be switched off") };
        let switch = self.switches.get(member).ok_or_else(missing)?;
        switch.0.send_replace(reachability);
        Ok(())
    }
}
