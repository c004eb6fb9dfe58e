//! The agent of a Pull cluster as a process: it registers its Cluster, runs the controllers and keeps its certificate.

mod credentials;
mod registration;
mod rotation;
mod run;

pub use credentials::{AgentCredentials, CredentialsError};
pub use registration::{AgentRegistration, RegistrationError, Reported, ReportedSecrets, register_agent};
pub use rotation::{RotationError, RotationSettings, keep_certificate, rotate};
pub use run::{AgentRun, run_agent};
