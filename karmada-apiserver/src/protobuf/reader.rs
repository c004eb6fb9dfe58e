//! The fields of a message, one after the other.

use super::decode::DecodeError;

/// Reads the fields of one message.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

/// What a field holds on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Content<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the next field and its number, `None` at the end. Fields that no message here has are skipped.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Content<'a>)>, DecodeError> {
        // How many groups, an old form that is never used here, are open.
        let mut groups = 0_usize;
        while !self.0.is_empty() {
            let tag = self.varint()?;
            let number = u32::try_from(tag >> 3).map_err(|_| DecodeError::Malformed("illegal tag"))?;
            if number == 0 {
                return Err(DecodeError::Malformed("illegal tag"));
            }
            let content = match tag & 7 {
                0 => Content::Varint(self.varint()?),
                1 => Content::Fixed64(u64::from_le_bytes(self.take_array()?)),
                2 => Content::Bytes(self.delimited()?),
                3 => {
                    groups += 1;
                    continue;
                }
                4 => {
                    groups =
                        groups.checked_sub(1).ok_or(DecodeError::Malformed("unexpected end of group"))?;
                    continue;
                }
                5 => {
                    let _unused: [u8; 4] = self.take_array()?;
                    continue;
                }
                _ => return Err(DecodeError::Malformed("illegal wire type")),
            };
            if groups == 0 {
                return Ok(Some((number, content)));
            }
        }
        if groups > 0 { Err(DecodeError::Truncated) } else { Ok(None) }
    }

    /// Returns the next number of a packed list.
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(DecodeError::Truncated)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Malformed("integer overflow"))
    }

    /// Whether everything is read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(self.varint()?).map_err(|_| DecodeError::Truncated)?;
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}
