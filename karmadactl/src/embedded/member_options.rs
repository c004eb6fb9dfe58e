//! What a simulated member is like: its place, its nodes.

use std::str::FromStr;

use karmada_controllers::simulated::NodeSettings;
use karmada_core::object::Quantity;
use serde::{Deserialize, Serialize};

use crate::join::footprint::check_cluster_name;

/// Names that are taken by the control plane's own files.
const RESERVED: [&str; 3] = ["karmada-apiserver", "control-plane", "local-up"];
const KEYS: &str = "name, provider, region, zone, nodes, cpu, memory, pods";
const MOST_NODES: u32 = 5000;

/// A simulated member that is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberOptions {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    pub nodes: u32,
    /// What each node offers.
    pub cpu: Quantity,
    pub memory: Quantity,
    pub pods: u32,
}

/// Why a text describes no member.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberOptionError {
    #[error("{part:?} is not KEY=VALUE")]
    NoPair { part: String },
    #[error("{key:?} is not one of {KEYS}")]
    Key { key: String },
    #[error("{key}={value}: {reason}")]
    Value { key: String, value: String, reason: String },
    #[error("{key} is given twice")]
    Twice { key: String },
    #[error("a name is missing: name=NAME")]
    NoName,
}

impl MemberOptions {
    /// A member with three nodes of 8 cores, 32 GiB and 110 pods each.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let NodeSettings { nodes, cpu, memory, pods, .. } = NodeSettings::new(&name);
        Self { name, provider: None, region: None, zones: Vec::new(), nodes, cpu, memory, pods }
    }

    /// Returns members `member1` to `member<count>`.
    pub fn numbered(count: u32) -> Vec<Self> {
        (1..=count).map(|number| Self::new(format!("member{number}"))).collect()
    }

    /// What the nodes of this member are like.
    pub(super) fn node_settings(&self) -> NodeSettings {
        let Self { name, provider: _, region, zones, nodes, cpu, memory, pods } = self.clone();
        NodeSettings { nodes, cpu, memory, pods, region, zones, ..NodeSettings::new(&name) }
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let text = || if value.is_empty() { Err("is empty".to_owned()) } else { Ok(value.to_owned()) };
        match key {
            "name" => self.name = check_name(value)?,
            "provider" => self.provider = Some(text()?),
            "region" => self.region = Some(text()?),
            "zone" => self.zones.push(text()?),
            "nodes" => self.nodes = number(value, MOST_NODES)?,
            "pods" => self.pods = number(value, u32::MAX)?,
            "cpu" => self.cpu = amount(value)?,
            "memory" => self.memory = amount(value)?,
            _ => {}
        }
        Ok(())
    }
}

impl FromStr for MemberOptions {
    type Err = MemberOptionError;

    /// Reads `name=m1,region=eu,zone=eu-a,zone=eu-b,nodes=3,cpu=8,memory=32Gi`.
    fn from_str(text: &str) -> Result<Self, MemberOptionError> {
        let mut member = Self::new("");
        let mut seen = Vec::new();
        for part in text.split(',') {
            let Some((key, value)) = part.split_once('=') else {
                return Err(MemberOptionError::NoPair { part: part.to_owned() });
            };
            let (key, value) = (key.trim(), value.trim());
            if !KEYS.split(", ").any(|known| known == key) {
                return Err(MemberOptionError::Key { key: key.to_owned() });
            }
            if key != "zone" && seen.contains(&key) {
                return Err(MemberOptionError::Twice { key: key.to_owned() });
            }
            seen.push(key);
            member.set(key, value).map_err(|reason| MemberOptionError::Value {
                key: key.to_owned(),
                value: value.to_owned(),
                reason,
            })?;
        }
        if member.name.is_empty() { Err(MemberOptionError::NoName) } else { Ok(member) }
    }
}

fn check_name(name: &str) -> Result<String, String> {
    check_cluster_name(name)?;
    if RESERVED.contains(&name) {
        return Err("this name is taken by the control plane".to_owned());
    }
    Ok(name.to_owned())
}

fn number(text: &str, most: u32) -> Result<u32, String> {
    let number = text.parse::<u32>().map_err(|_| "is not a whole number".to_owned())?;
    if number > most { Err(format!("is more than {most}")) } else { Ok(number) }
}

fn amount(text: &str) -> Result<Quantity, String> {
    let amount = text.parse::<Quantity>().map_err(|error| error.to_string())?;
    if amount.sign() < 0 { Err("is less than nothing".to_owned()) } else { Ok(amount) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_described_by_pairs() {
        let member: MemberOptions =
            "name=m1,region=eu,zone=eu-a,zone=eu-b,provider=acme,nodes=2,cpu=500m,memory=1Gi,pods=5"
                .parse()
                .unwrap();
        assert_eq!((member.name.as_str(), member.nodes, member.pods), ("m1", 2, 5));
        assert_eq!((member.region.as_deref(), member.zones.len()), (Some("eu"), 2));
        assert_eq!(member.cpu.to_string(), "500m");
        let text = serde_json::to_string(&member).unwrap();
        assert_eq!(serde_json::from_str::<MemberOptions>(&text).unwrap(), member);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, message) in [
            ("m1", r#""m1" is not KEY=VALUE"#),
            ("region=eu", "a name is missing: name=NAME"),
            ("name=m1,nodes=x", "nodes=x: is not a whole number"),
            ("name=m1,nodes=9999", "nodes=9999: is more than 5000"),
            ("name=m1,name=m2", "name is given twice"),
            ("name=m1,cpu=-1", "cpu=-1: is less than nothing"),
            ("name=m1,region=", "region=: is empty"),
            ("name=control-plane", "name=control-plane: this name is taken by the control plane"),
            (
                "name=m1,rack=3",
                r#""rack" is not one of name, provider, region, zone, nodes, cpu, memory, pods"#,
            ),
        ] {
            assert_eq!(text.parse::<MemberOptions>().unwrap_err().to_string(), message);
        }
        assert!("name=No".parse::<MemberOptions>().is_err());
    }
}
