//! Writes the CustomResourceDefinitions that the crate embeds, after a change of its types.
//!
//! Run it with `cargo run -p karmada-core --example generate_crds`; a test fails when it is due.

use std::error::Error;

/// The data is decompressed at every start and compressed once: the level only costs time here.
const LEVEL: i32 = 19;

#[expect(clippy::disallowed_methods, reason = "this is a tool for developers and no part of the library")]
fn main() -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_vec(&karmada_core::api::generate_crds())?;
    let compressed = zstd::encode_all(text.as_slice(), LEVEL)?;
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/data/crds.json.zst"), compressed)?;
    Ok(())
}
