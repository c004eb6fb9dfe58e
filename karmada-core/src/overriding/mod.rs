//! Override policies: how a template differs from cluster to cluster.
//!
//! [`apply_overrides`] chooses the policies and rules that apply and runs their overriders, one file each:
//! image, command and arguments, labels and annotations, text fields, plaintext patches.

mod apply;
mod containers;
mod document;
mod error;
mod field;
mod image;
mod json_patch;
mod labels;
mod plaintext;
mod reference;
mod selection;
mod words;
mod yaml;

pub use apply::{AppliedOverride, AppliedOverrides, apply_overrides};
pub use error::OverrideError;
pub use image::override_image;
pub use json_patch::PatchError;
pub use reference::{ImageReference, ReferenceError, split_hostname};
pub use selection::selects;
pub use yaml::{YamlError, parse as parse_yaml, print as print_yaml};
