//! Identifiers for objects that have none.

use std::fmt::Write as _;

/// Returns an identifier in the form of a uid that depends on the words alone.
///
/// Objects in files have no uid yet, and permanent ids are given at random: derived ones make two
/// simulations of the same input alike, byte for byte. They are of version 8, so that no server
/// makes the same one.
pub(super) fn stable_id(words: &[&str]) -> String {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for word in words {
        // The zero keeps "ab", "c" apart from "a", "bc".
        for byte in word.bytes().chain([0]) {
            hash = (hash ^ u128::from(byte)).wrapping_mul(PRIME);
        }
    }
    let mut bytes = hash.to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut id = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            id.push('-');
        }
        write!(id, "{byte:02x}").expect("writing to a string cannot fail");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_make_an_identifier_that_looks_like_a_uid() {
        let id = stable_id(&["apps/v1", "Deployment", "default", "web"]);
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "8");
        assert_eq!(id, stable_id(&["apps/v1", "Deployment", "default", "web"]));
        assert_ne!(stable_id(&["ab", "c"]), stable_id(&["a", "bc"]));
    }
}
