//! What every command is given: the printer, and the way to the control plane.

use std::path::PathBuf;

use clap::Args;

use crate::kubeconfig::{self, LoadError};
use crate::printer::Printer;

/// What every command is given.
#[derive(Debug)]
pub struct Context {
    pub printer: Printer,
}

impl Context {
    /// A context that prints through `printer`.
    pub fn new(printer: Printer) -> Self {
        Self { printer }
    }
}

/// Which control plane a command talks to.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectionArgs {
    /// Path to the kubeconfig of the control plane [default: $KUBECONFIG, then ~/.kube/config]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig to use [default: its current context]
    #[arg(long, value_name = "NAME")]
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
}

impl ConnectionArgs {
    /// Makes a client for the control plane; nothing is sent yet.
    pub async fn connect(&self) -> Result<ControlPlane, LoadError> {
        let endpoint = kubeconfig::load(self.kubeconfig.as_deref(), self.karmada_context.as_deref()).await?;
        Ok(ControlPlane {
            client: endpoint.client()?,
            namespace: endpoint.namespace().to_owned(),
            server: endpoint.server,
        })
    }
}
