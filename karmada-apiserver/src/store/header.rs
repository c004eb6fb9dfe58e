//! The first page of a data file: what it is, its format, and a witness of what was acknowledged.
//!
//! redb can tell a torn commit from a whole one, but when it drops the latest commit nobody could say whether
//! that had been acknowledged or not. The witness can: it is written after every commit that was synced, so
//! a file that holds less than its witness says has lost acknowledged writes.

use std::io;

use redb::StorageBackend;

use super::checksum::crc64;
use super::disk::FORMAT;

/// Bytes before redb's part of the file.
pub(super) const HEADER: u64 = 4096;
/// The first format with a header. Format 3 adds a number to what a commit writes of the store's state.
const FIRST_FORMAT: u64 = 2;
const MAGIC: [u8; 16] = *b"\x89objects store\r\n";
/// First bytes of a file of format 1, which was redb's alone.
const REDB_MAGIC: &[u8] = b"redb\x1A\x0A\xA9\x0D\x0A";
/// Where witnesses are, those with an even and those with an odd sequence, each twice: in different sectors, so that a
/// write that is cut off harms one of them at most.
const SLOTS: [[usize; 2]; 2] = [[512, 1536], [1024, 2048]];
/// Bytes before the first witness.
const BEFORE_SLOTS: usize = SLOTS[0][0];
const SLOT: usize = 5 * 8;

/// What is known to have been acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Witness {
    /// Grows by every witness that is written. 0 as long as the file is being made.
    pub(super) sequence: u64,
    pub(super) revision: u64,
    pub(super) objects: u64,
    pub(super) digest: u64,
}

/// What a file is, by its first page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Nothing was ever acknowledged in it.
    New,
    /// Format 1.
    Old,
    Current(Witness),
    Newer(u64),
    Foreign,
    /// It is a store, but nobody can say what the latest witness was.
    Unwitnessed,
}

/// Reads the first page of a file.
pub(super) fn read(file: &dyn StorageBackend) -> io::Result<Head> {
    let len = file.len()?.min(HEADER);
    let mut page = vec![0; usize::try_from(len).expect("a page is small")];
    file.read(0, &mut page)?;
    if file.len()? <= HEADER && is_unfinished(&page) {
        return Ok(Head::New);
    }
    if page.starts_with(REDB_MAGIC) {
        return Ok(Head::Old);
    }
    let Some(number) = page.get(MAGIC.len()..MAGIC.len() + 8) else { return Ok(Head::Foreign) };
    if !page.starts_with(&MAGIC) {
        return Ok(Head::Foreign);
    }
    let format = number_at(number, 0);
    if format > FORMAT {
        return Ok(Head::Newer(format));
    }
    let [even, odd] = SLOTS.map(|slots| latest(&page, &slots));
    Ok(match (even, odd) {
        _ if format < FIRST_FORMAT => Head::Foreign,
        (Some(Witness { sequence: 0, .. }), None) => Head::New,
        // A power cut leaves two that follow each other. Where they do not, a later one may have been lost.
        (Some(even), Some(odd)) if even.sequence.abs_diff(odd.sequence) == 1 => {
            Head::Current(later(even, odd))
        }
        (Some(even), Some(odd)) if format < FORMAT => Head::Current(later(even, odd)),
        (Some(witness), None) | (None, Some(witness)) if format < FORMAT => Head::Current(witness),
        _ => Head::Unwitnessed,
    })
}

fn latest(page: &[u8], slots: &[usize]) -> Option<Witness> {
    slots.iter().filter_map(|slot| decode(page.get(*slot..slot + SLOT)?)).reduce(later)
}

fn later(one: Witness, other: Witness) -> Witness {
    if one.sequence > other.sequence { one } else { other }
}

/// Says whether this is a first page as far as a power cut let it come: nothing follows it yet.
fn is_unfinished(page: &[u8]) -> bool {
    let zeros = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let head = page.get(..BEFORE_SLOTS).unwrap_or(page);
    let slots = SLOTS.iter().flatten().filter_map(|slot| page.get(*slot..slot + SLOT));
    (zeros(head) || *head == first_page()[..BEFORE_SLOTS])
        && slots.into_iter().all(|slot| zeros(slot) || decode(slot) == Some(Witness::default()))
}

/// Writes the first page of a new file and cuts off what follows.
pub(super) fn create(file: &dyn StorageBackend) -> io::Result<()> {
    file.set_len(HEADER)?;
    file.write(0, &first_page())?;
    file.sync_data()
}

fn first_page() -> Vec<u8> {
    let mut page = vec![0; HEADER as usize];
    page[..MAGIC.len()].copy_from_slice(&MAGIC);
    page[MAGIC.len()..MAGIC.len() + 8].copy_from_slice(&FORMAT.to_le_bytes());
    for slot in SLOTS[0] {
        page[slot..slot + SLOT].copy_from_slice(&encode(&Witness::default()));
    }
    page
}

/// Marks a file of an older format with a header as one of this format, before anything else is written to it.
/// The number does not share a sector with a witness.
pub(super) fn write_format(file: &dyn StorageBackend) -> io::Result<()> {
    let at = MAGIC.len() as u64;
    let mut number = [0; 8];
    file.read(at, &mut number)?;
    if u64::from_le_bytes(number) == FORMAT {
        return Ok(());
    }
    file.write(at, &FORMAT.to_le_bytes())?;
    file.sync_data()
}

/// Writes a witness. It is on the disk with the next sync.
pub(super) fn write_witness(file: &dyn StorageBackend, witness: &Witness) -> io::Result<()> {
    let slots = SLOTS[usize::from(witness.sequence % 2 == 1)];
    let bytes = encode(witness);
    slots.into_iter().try_for_each(|slot| file.write(slot as u64, &bytes))
}

fn encode(witness: &Witness) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    let numbers = [witness.sequence, witness.revision, witness.objects, witness.digest];
    for (number, place) in numbers.iter().zip(bytes.chunks_exact_mut(8)) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    let checksum = crc64(&bytes[..SLOT - 8]);
    bytes[SLOT - 8..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Witness> {
    let (numbers, _) = bytes.split_at_checked(SLOT - 8)?;
    (crc64(numbers) == number_at(bytes, 4)).then(|| Witness {
        sequence: number_at(bytes, 0),
        revision: number_at(bytes, 1),
        objects: number_at(bytes, 2),
        digest: number_at(bytes, 3),
    })
}

fn number_at(bytes: &[u8], at: usize) -> u64 {
    let bytes = bytes.get(at * 8..(at + 1) * 8).unwrap_or(&[0; 8]);
    u64::from_le_bytes(bytes.try_into().expect("the slice has eight bytes"))
}
