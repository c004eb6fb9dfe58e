//! How one object lies in the data file: complete in itself, so that it can be found without the tree around it.
//!
//! ```text
//! mark 8 | checksum u64 | revision u64 | length of the resource u32 | length of the block u32 | resource | block
//! ```
//!
//! The checksum covers everything after it. Numbers are little-endian.

use redb::StorageBackend;

use super::checksum::crc64;
use super::object::Stored;

const MARK: [u8; 8] = *b"\xF3object\n";
const CHECKSUM: usize = MARK.len();
const REVISION: usize = CHECKSUM + 8;
const LENGTHS: usize = REVISION + 8;
const HEAD: usize = LENGTHS + 8;
/// Longest row that is looked for: bodies of requests are far shorter.
const LONGEST: usize = 64 << 20;
/// Bytes of a file that are searched at a time.
const WINDOW: usize = 1 << 20;

/// Writes an object as a row.
pub(super) fn encode(resource: &str, object: &Stored) -> Vec<u8> {
    let block = object.block();
    let mut row = Vec::with_capacity(HEAD + resource.len() + block.len());
    row.extend_from_slice(&MARK);
    row.extend_from_slice(&[0; 8]);
    row.extend_from_slice(&object.revision().to_le_bytes());
    // Both are far below 4 GiB: bodies of requests are.
    row.extend_from_slice(&(resource.len() as u32).to_le_bytes());
    row.extend_from_slice(&(block.len() as u32).to_le_bytes());
    row.extend_from_slice(resource.as_bytes());
    row.extend_from_slice(block);
    let checksum = crc64(&row[REVISION..]);
    row[CHECKSUM..REVISION].copy_from_slice(&checksum.to_le_bytes());
    row
}

/// Returns the checksum that a row says it has.
pub(super) fn checksum(row: &[u8]) -> u64 {
    row.get(CHECKSUM..REVISION).map_or(0, u64_of)
}

/// Reads a row back: its resource and its object. `None` when it is not whole.
pub(super) fn decode(row: &[u8]) -> Option<(&str, Stored)> {
    let (resource_len, block_len) = lengths(row)?;
    let whole = row.starts_with(&MARK)
        && row.len() == HEAD + resource_len + block_len
        && crc64(&row[REVISION..]) == checksum(row);
    if !whole {
        return None;
    }
    let (resource, block) = row[HEAD..].split_at(resource_len);
    let object = Stored::from_block(u64_of(&row[REVISION..LENGTHS]), block)?;
    Some((std::str::from_utf8(resource).ok()?, object))
}

/// Finds all rows in a file that are whole, wherever they lie, also such that were replaced or removed since.
pub(super) fn search(file: &dyn StorageBackend, mut found: impl FnMut(&str, Stored)) -> std::io::Result<()> {
    let len = file.len()?;
    let mut window = Vec::new();
    let mut row = Vec::new();
    let mut start = 0;
    while start < len {
        let size = usize::try_from(len - start).unwrap_or(usize::MAX).min(WINDOW);
        window.resize(size, 0);
        file.read(start, &mut window)?;
        let mut at = 0;
        while let Some(next) = window[at..].iter().position(|byte| *byte == MARK[0]) {
            at += next;
            // A mark over the end of the window is seen again by the next one.
            if window[at..].starts_with(&MARK) {
                read_row(file, start + at as u64, len, &mut row)?;
                if let Some((resource, object)) = decode(&row) {
                    found(resource, object);
                }
            }
            at += 1;
        }
        if start + size as u64 == len {
            return Ok(());
        }
        start += (size - MARK.len()) as u64;
    }
    Ok(())
}

/// Reads what may be a row at an offset; leaves `row` empty when its lengths make no sense.
fn read_row(file: &dyn StorageBackend, offset: u64, end: u64, row: &mut Vec<u8>) -> std::io::Result<()> {
    row.clear();
    if end - offset < HEAD as u64 {
        return Ok(());
    }
    row.resize(HEAD, 0);
    file.read(offset, row)?;
    let len = lengths(row).map_or(usize::MAX, |(resource, block)| HEAD + resource + block);
    if len > LONGEST || offset + len as u64 > end {
        row.clear();
        return Ok(());
    }
    row.resize(len, 0);
    file.read(offset, row)
}

fn lengths(row: &[u8]) -> Option<(usize, usize)> {
    let resource = u32::from_le_bytes(row.get(LENGTHS..LENGTHS + 4)?.try_into().ok()?);
    let block = u32::from_le_bytes(row.get(LENGTHS + 4..HEAD)?.try_into().ok()?);
    Some((resource as usize, block as usize))
}

fn u64_of(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("callers pass eight bytes"))
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use serde_json::json;

    use super::super::object::Draft;
    use super::*;

    #[test]
    fn a_row_is_found_wherever_it_lies_and_refused_when_a_bit_is_wrong() {
        let object = Draft::new(&json!({"metadata": {"name": "a"}, "x": "y".repeat(300)})).seal(7);
        let row = encode("apps/deployments", &object);
        let (resource, read) = decode(&row).unwrap();
        assert_eq!((resource, read.revision(), read.value()), ("apps/deployments", 7, object.value()));
        for at in 0..row.len() * 8 {
            let mut damaged = row.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(decode(&damaged).is_none(), "bit {at}");
        }
        let mut found = Vec::new();
        let file = InMemoryBackend::new();
        file.set_len((WINDOW + 5000) as u64).unwrap();
        // One row over the border of two windows, with its mark on it too, and one that is cut off.
        for offset in [3, WINDOW - 4, WINDOW + 5000 - row.len() + 1] {
            let end = (offset + row.len()).min(WINDOW + 5000);
            file.write(offset as u64, &row[..end - offset]).unwrap();
        }
        search(&file, |resource, object| found.push((resource.to_owned(), object.revision()))).unwrap();
        assert_eq!(found, [("apps/deployments".to_owned(), 7), ("apps/deployments".to_owned(), 7)]);
    }
}
