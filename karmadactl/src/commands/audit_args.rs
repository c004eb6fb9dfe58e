//! The flags of the audit log, named as those of kube-apiserver.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use karmada_apiserver::audit::{AuditConfig, AuditError, Level, Policy};

/// What is written about requests, and where.
#[derive(Args, Debug)]
#[command(next_help_heading = "Audit log")]
pub struct AuditArgs {
    /// File to write a line of JSON to for every request; - is standard output [default: no audit log]
    #[arg(long, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub audit_log_path: Option<PathBuf>,

    /// File with a Policy (audit.k8s.io/v1) that says what is written of which requests
    #[arg(
        long,
        value_name = "PATH",
        value_hint = clap::ValueHint::FilePath,
        requires = "audit_log_path",
        conflicts_with = "audit_level"
    )]
    pub audit_policy_file: Option<PathBuf>,

    /// How much is written of every request where there is no policy; never bodies of Secrets and tokens
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t, requires = "audit_log_path")]
    pub audit_level: AuditLevel,

    /// Mebibytes after which a new file is begun; 0 for never
    #[arg(long, value_name = "MEBIBYTES", default_value_t = 100)]
    pub audit_log_maxsize: u64,

    /// How many old files stay; 0 for all
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub audit_log_maxbackup: usize,
}

/// How much is written of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AuditLevel {
    /// Who did what
    #[default]
    Metadata,
    /// The body of the request, too
    Request,
    /// The bodies of request and answer, too
    RequestResponse,
}

impl AuditArgs {
    /// Returns the configuration of the log, if there is to be one.
    ///
    /// # Errors
    /// When the policy cannot be read or is none.
    pub fn config(self) -> Result<Option<AuditConfig>, AuditError> {
        let Self { audit_log_path, audit_policy_file, audit_level, audit_log_maxsize, audit_log_maxbackup } =
            self;
        let Some(path) = audit_log_path else { return Ok(None) };
        let level = match audit_level {
            AuditLevel::Metadata => Level::Metadata,
            AuditLevel::Request => Level::Request,
            AuditLevel::RequestResponse => Level::RequestResponse,
        };
        let config = AuditConfig {
            policy: Policy::of_level(level),
            max_size: audit_log_maxsize,
            max_backups: audit_log_maxbackup,
            ..AuditConfig::new(path)
        };
        match audit_policy_file {
            Some(path) => config.with_policy_file(path).map(Some),
            None => Ok(Some(config)),
        }
    }
}
