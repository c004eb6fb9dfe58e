//! What is configured of the audit log, and the handle of the running one.

use std::path::PathBuf;
use std::sync::Arc;

use super::log::{Log, Rotation};
use super::policy::{Level, Policy, PolicyError};

const MEBIBYTE: u64 = 1024 * 1024;

/// What is written about requests, and where.
#[derive(Clone, Debug)]
pub struct AuditConfig {
    /// The file; `-` is standard output.
    pub path: PathBuf,
    pub policy: Policy,
    /// Mebibytes after which a new file is begun; none is when it is 0.
    pub max_size: u64,
    /// How many old files stay; all when it is 0.
    pub max_backups: usize,
}

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("cannot open {path}")]
    Open {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read the audit policy {path}")]
    ReadPolicy {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the audit policy {path} cannot be used")]
    Policy {
        path: PathBuf,
        #[source]
        source: Box<PolicyError>,
    },
}

/// A running audit log. Clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct Audit {
    pub(super) policy: Arc<Policy>,
    pub(super) log: Arc<Log>,
}

impl AuditConfig {
    /// Writes who did what to a file that is not rotated.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), policy: Policy::of_level(Level::Metadata), max_size: 0, max_backups: 0 }
    }

    /// Reads the policy from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no policy.
    pub fn with_policy_file(self, path: impl Into<PathBuf>) -> Result<Self, AuditError> {
        let path = path.into();
        let text = std::fs::read_to_string(&path)
            .map_err(|source| AuditError::ReadPolicy { path: path.clone(), source })?;
        let policy =
            Policy::parse(&text).map_err(|error| AuditError::Policy { path, source: Box::new(error) })?;
        Ok(Self { policy, ..self })
    }
}

impl Audit {
    /// Opens the log.
    pub(crate) fn start(config: &AuditConfig) -> Result<Self, AuditError> {
        let rotation =
            Rotation { max_bytes: config.max_size.saturating_mul(MEBIBYTE), max_backups: config.max_backups };
        let log = Log::open(&config.path, rotation)
            .map_err(|source| AuditError::Open { path: config.path.clone(), source })?;
        Ok(Self { policy: Arc::new(config.policy.clone()), log: Arc::new(log) })
    }

    /// Returns how many events were lost because the disk was too slow or refused them.
    pub fn lost(&self) -> u64 {
        self.log.lost()
    }

    /// Writes what was accepted and closes the file. Later events are lost.
    pub(crate) async fn close(&self) {
        self.log.close().await;
    }
}
