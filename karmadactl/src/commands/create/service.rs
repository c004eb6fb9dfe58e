//! Services.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::run::{Described, With};
use crate::error::CliError;

/// Create a Service
#[derive(Args, Debug)]
pub struct ServiceArgs {
    #[command(subcommand)]
    pub kind: ServiceKind,
}

/// Kinds of services.
#[derive(Debug, Subcommand)]
pub enum ServiceKind {
    #[command(name = "clusterip")]
    ClusterIp(With<ClusterIpArgs>),
    #[command(name = "nodeport")]
    NodePort(With<NodePortArgs>),
    #[command(name = "loadbalancer")]
    LoadBalancer(With<LoadBalancerArgs>),
    #[command(name = "externalname")]
    ExternalName(With<ExternalNameArgs>),
}

/// Create a Service with an address in the cluster
#[derive(Args, Debug)]
pub struct ClusterIpArgs {
    /// Name of the Service
    #[arg(value_name = "NAME")]
    pub name: String,

    /// PORT or PORT:TARGETPORT (can be repeated, or separated by commas)
    #[arg(long, value_name = "PORT[:TARGETPORT]", value_delimiter = ',')]
    pub tcp: Vec<String>,

    /// Address to take, None for a headless Service
    #[arg(long, value_name = "ADDRESS")]
    pub clusterip: Option<String>,
}

/// Create a Service with a port on every node
#[derive(Args, Debug)]
pub struct NodePortArgs {
    /// Name of the Service
    #[arg(value_name = "NAME")]
    pub name: String,

    /// PORT or PORT:TARGETPORT (can be repeated, or separated by commas)
    #[arg(long, value_name = "PORT[:TARGETPORT]", required = true, value_delimiter = ',')]
    pub tcp: Vec<String>,

    /// Port on the nodes
    #[arg(long, value_name = "PORT")]
    pub node_port: Option<u16>,
}

/// Create a Service with an address outside of the cluster
#[derive(Args, Debug)]
pub struct LoadBalancerArgs {
    /// Name of the Service
    #[arg(value_name = "NAME")]
    pub name: String,

    /// PORT or PORT:TARGETPORT (can be repeated, or separated by commas)
    #[arg(long, value_name = "PORT[:TARGETPORT]", required = true, value_delimiter = ',')]
    pub tcp: Vec<String>,
}

/// Create a Service that stands for a name outside of the cluster
#[derive(Args, Debug)]
pub struct ExternalNameArgs {
    /// Name of the Service
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The name outside
    #[arg(long, value_name = "HOST")]
    pub external_name: String,

    /// PORT or PORT:TARGETPORT (can be repeated, or separated by commas)
    #[arg(long, value_name = "PORT[:TARGETPORT]", value_delimiter = ',')]
    pub tcp: Vec<String>,
}

/// Flags that describe no Service.
#[derive(Debug, thiserror::Error)]
enum ServiceError {
    #[error("at least one tcp port specifier must be provided")]
    NoPort,
    #[error("can not map ports with clusterip=None")]
    PortsOfHeadless,
    #[error("{0:?} is not a port, or a port with the port behind it")]
    Port(String),
}

impl Described for ClusterIpArgs {
    fn object(&self) -> Result<Value, CliError> {
        let is_headless = self.clusterip.as_deref() == Some("None");
        if self.tcp.is_empty() && !is_headless {
            return Err(CliError::failed(ServiceError::NoPort));
        }
        if !self.tcp.is_empty() && is_headless {
            return Err(CliError::failed(ServiceError::PortsOfHeadless));
        }
        let mut object = service(&self.name, "ClusterIP", &self.tcp)?;
        if let Some(address) = &self.clusterip {
            object["spec"]["clusterIP"] = json!(address);
        }
        Ok(object)
    }
}

impl Described for NodePortArgs {
    fn object(&self) -> Result<Value, CliError> {
        let mut object = service(&self.name, "NodePort", &self.tcp)?;
        if let (Some(node_port), Some(ports)) = (self.node_port, object["spec"]["ports"].as_array_mut()) {
            for port in ports {
                port["nodePort"] = json!(node_port);
            }
        }
        Ok(object)
    }
}

impl Described for LoadBalancerArgs {
    fn object(&self) -> Result<Value, CliError> {
        service(&self.name, "LoadBalancer", &self.tcp)
    }
}

impl Described for ExternalNameArgs {
    fn object(&self) -> Result<Value, CliError> {
        let mut object = service(&self.name, "ExternalName", &self.tcp)?;
        object["spec"]["externalName"] = json!(self.external_name);
        Ok(object)
    }
}

fn service(name: &str, service_type: &str, tcp: &[String]) -> Result<Value, CliError> {
    let labels = json!({ "app": name });
    let mut spec = json!({ "type": service_type, "selector": labels });
    let ports: Vec<Value> =
        tcp.iter().map(|text| port(text)).collect::<Result<_, _>>().map_err(CliError::failed)?;
    if !ports.is_empty() {
        spec["ports"] = json!(ports);
    }
    Ok(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "labels": labels },
        "spec": spec, "status": { "loadBalancer": {} },
    }))
}

fn port(text: &str) -> Result<Value, ServiceError> {
    let invalid = || ServiceError::Port(text.to_owned());
    let (port, target) = text.split_once(':').unwrap_or((text, text));
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or_else(invalid)?;
    // A port behind it is a number, or the name of one.
    let target = match target.parse::<u16>() {
        Ok(0) => return Err(invalid()),
        Ok(number) => json!(number),
        Err(_) if karmada_core::object::validation::port_name(target).is_empty() => json!(target),
        Err(_) => return Err(invalid()),
    };
    let name = text.replace(':', "-");
    Ok(json!({ "name": name, "protocol": "TCP", "port": port, "targetPort": target }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_with_a_number_or_name_behind_them() {
        assert_eq!(
            port("80:8080").unwrap(),
            json!({"name": "80-8080", "protocol": "TCP", "port": 80, "targetPort": 8080})
        );
        assert_eq!(port("80:http").unwrap()["targetPort"], "http");
        assert_eq!(port("80").unwrap()["targetPort"], 80);
        for bad in ["", "http", "0", "70000", "80:", "80:0", "80:no such"] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_headless_service_has_no_ports() {
        let args = |tcp: &[&str], clusterip: Option<&str>| ClusterIpArgs {
            name: "s".into(),
            tcp: tcp.iter().map(|&port| port.to_owned()).collect(),
            clusterip: clusterip.map(str::to_owned),
        };
        assert_eq!(args(&[], Some("None")).object().unwrap()["spec"]["clusterIP"], "None");
        assert!(args(&["80"], Some("None")).object().is_err());
        assert!(args(&[], None).object().is_err());
    }
}
