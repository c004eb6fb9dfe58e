//! CRC-64/XZ: tells damaged bytes from whole ones, and finds every burst of up to 64 bits.

/// The ECMA-182 polynomial, bits reversed.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;
/// Bytes that are taken at a time.
const STRIDE: usize = 16;

static TABLES: [[u64; 256]; STRIDE] = tables();

/// A checksum under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crc64(u64);

impl Crc64 {
    pub(super) fn new() -> Self {
        Self(!0)
    }

    /// Takes more bytes; where they are split makes no difference.
    pub(super) fn update(mut self, bytes: &[u8]) -> Self {
        let mut blocks = bytes.chunks_exact(STRIDE);
        for block in blocks.by_ref() {
            let mut next = 0;
            let head = self.0.to_le_bytes();
            for (at, byte) in block.iter().enumerate() {
                let byte = if at < head.len() { byte ^ head[at] } else { *byte };
                next ^= TABLES[STRIDE - 1 - at][usize::from(byte)];
            }
            self.0 = next;
        }
        for byte in blocks.remainder() {
            self.0 = TABLES[0][usize::from(self.0 as u8 ^ byte)] ^ (self.0 >> 8);
        }
        self
    }

    pub(super) fn finish(self) -> u64 {
        !self.0
    }
}

/// Returns the checksum of some bytes.
pub(super) fn crc64(bytes: &[u8]) -> u64 {
    Crc64::new().update(bytes).finish()
}

#[expect(clippy::large_stack_arrays, reason = "evaluated by the compiler")]
const fn tables() -> [[u64; 256]; STRIDE] {
    let mut tables = [[0; 256]; STRIDE];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        tables[0][byte] = value;
        byte += 1;
    }
    let mut table = 1;
    while table < STRIDE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: one bit after the other.
    fn by_definition(bytes: &[u8]) -> u64 {
        let mut crc = !0_u64;
        for byte in bytes {
            crc ^= u64::from(*byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            }
        }
        !crc
    }

    #[test]
    fn the_published_check_value_comes_out() {
        assert_eq!(crc64(b"123456789"), 0x995D_C9BB_DF19_39FA);
        assert_eq!(crc64(b""), 0);
    }

    proptest! {
        #[test]
        fn every_split_gives_what_the_definition_gives(bytes: Vec<u8>, split: prop::sample::Index) {
            let (left, right) = bytes.split_at(split.index(bytes.len() + 1));
            let expected = by_definition(&bytes);
            prop_assert_eq!(crc64(&bytes), expected);
            prop_assert_eq!(Crc64::new().update(left).update(right).finish(), expected);
        }
    }
}
