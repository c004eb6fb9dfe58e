//! What every command is given: the printer, and the way to the control plane.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use karmada_controllers::dial::FencedClientError;
use karmada_controllers::tenure::Fence;

use crate::api_error::ApiError;
use crate::error::CliError;
use crate::kubeconfig::{self, Endpoint, LoadError};
use crate::printer::Printer;

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    pub printer: Printer,
    pub connection: ConnectionArgs,
}

impl Context {
    /// A context that prints through `printer` and finds the control plane by `connection`.
    pub fn new(printer: Printer, connection: ConnectionArgs) -> Self {
        Self { printer, connection }
    }
}

/// Which control plane a command talks to.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectionArgs {
    /// Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        value_hint = clap::ValueHint::FilePath,
        help_heading = "Global options"
    )]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig to use [default: its current context]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub karmada_context: Option<String>,
}

/// A control plane a command talks to.
#[derive(Clone)]
pub struct ControlPlane {
    pub client: kube::Client,
    /// Namespace of the kubeconfig's context.
    pub namespace: String,
    /// Address, for messages.
    pub server: String,
    /// How it is reached, unless in process.
    endpoint: Option<Endpoint>,
}

/// The control plane did not answer.
#[derive(Debug)]
struct Unreachable {
    server: String,
    error: ApiError,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the control plane at {} does not answer", self.server)
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl ControlPlane {
    /// A control plane in this process.
    pub fn in_process(client: kube::Client) -> Self {
        let namespace = client.default_namespace().to_owned();
        Self { client, namespace, server: "in process".to_owned(), endpoint: None }
    }

    /// Makes a client on whose connections nothing is sent while the fence is closed.
    ///
    /// In process there are no connections that could hold a request back.
    ///
    /// # Errors
    /// When the credentials are no longer usable.
    pub fn fenced_client(&self, fence: &Fence) -> Result<kube::Client, FencedClientError> {
        match &self.endpoint {
            Some(endpoint) => endpoint.fenced_client(fence),
            None => Ok(self.client.clone()),
        }
    }

    /// Words a failed call, naming the address when nobody answered there.
    pub fn explain(&self, error: ApiError) -> CliError {
        if error.is_unreachable() {
            let hints = error.hints();
            return CliError::failed(Unreachable { server: self.server.clone(), error }).with_hints(hints);
        }
        CliError::from(error)
    }
}

impl ConnectionArgs {
    /// Makes a client for the control plane; nothing is sent yet.
    pub async fn connect(&self) -> Result<ControlPlane, LoadError> {
        let endpoint = kubeconfig::load(self.kubeconfig.as_deref(), self.karmada_context.as_deref()).await?;
        Ok(ControlPlane {
            client: endpoint.client()?,
            namespace: endpoint.namespace().to_owned(),
            server: endpoint.server.clone(),
            endpoint: Some(endpoint),
        })
    }
}
