//! `karmadactl create`.

mod access;
mod config;
mod files;
mod hash;
mod ingress;
mod policy;
mod run;
mod service;
mod sources;
mod workload;

pub use files::FromFilesArgs;
pub(in crate::commands) use files::parse_validation;
pub use run::{CreateArgs, Generator, run};
