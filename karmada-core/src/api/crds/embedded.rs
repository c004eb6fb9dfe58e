//! The definitions as they are embedded.

use serde_json::Value;

/// What `examples/generate_crds.rs` wrote.
const COMPRESSED: &[u8] = include_bytes!("../../../data/crds.json.zst");

/// Returns the CustomResourceDefinition of every kind, sorted by name.
///
/// They are those of [`generate_crds`](super::generate_crds), embedded: reading them takes a fraction of the
/// time, and a program that only reads them does not carry the code that makes them.
///
/// # Panics
/// Never: a test reads the embedded data.
pub fn crds() -> Vec<Value> {
    let text = zstd::decode_all(COMPRESSED).expect("the embedded definitions are valid zstd");
    serde_json::from_slice(&text).expect("the embedded definitions are a JSON list")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::generate_crds;

    #[test]
    fn the_embedded_definitions_are_those_of_the_types() {
        assert!(
            crds() == generate_crds(),
            "data/crds.json.zst is stale; run: cargo run -p karmada-core --example generate_crds"
        );
    }
}
