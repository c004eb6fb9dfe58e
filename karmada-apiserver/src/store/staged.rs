//! redb's part of a data file, which stays as it is until it has proved to be whole.
//!
//! redb repairs a file as it opens it. A file that turns out to be damaged must be left alone: its owner may
//! want to look for more in it. So what opening writes is held back, and done only when all was read and found right.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::RwLock;
use redb::StorageBackend;

use super::header::HEADER;

const PAGE: u64 = 4096;

/// The part of a file after the header.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    file: Arc<dyn StorageBackend>,
    /// Bytes of the file before this part.
    start: u64,
    /// `None` when writes go to the file at once.
    held: Arc<RwLock<Option<Held>>>,
}

/// What was written but not to the file.
#[derive(Debug, Default)]
struct Held {
    len: u64,
    /// The shortest it ever was: what the file has from here on is no longer part of it.
    cut: u64,
    pages: BTreeMap<u64, Vec<u8>>,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl Staged {
    /// Takes a file with a header.
    pub(super) fn new(file: Arc<dyn StorageBackend>) -> io::Result<Self> {
        Self::starting_at(file, HEADER)
    }

    /// Takes a file whose first `start` bytes are not redb's.
    pub(super) fn starting_at(file: Arc<dyn StorageBackend>, start: u64) -> io::Result<Self> {
        let len = file.len()?.saturating_sub(start);
        let held = Held { len, cut: len, ..Held::default() };
        Ok(Self { file, start, held: Arc::new(RwLock::new(Some(held))) })
    }

    /// Does what was held back, step by step as it was asked for, and holds nothing back from now on.
    pub(super) fn settle(&self) -> io::Result<()> {
        let mut held = self.held.write();
        let Some(Held { steps, .. }) = &*held else { return Ok(()) };
        for step in steps {
            match step {
                Step::Write(offset, data) => self.file.write(self.start + offset, data)?,
                Step::SetLen(len) => self.file.set_len(self.start + len)?,
                Step::Sync => self.file.sync_data()?,
            }
        }
        *held = None;
        Ok(())
    }

    /// Reads a page as the file has it, up to `end`; zeros follow.
    fn page(&self, page: u64, end: u64) -> io::Result<Vec<u8>> {
        let there = end.saturating_sub(page * PAGE).min(PAGE);
        let mut bytes = vec![0; PAGE as usize];
        if there > 0 {
            self.file.read(self.start + page * PAGE, &mut bytes[..there as usize])?;
        }
        Ok(bytes)
    }
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "beyond the end of the file")
}

/// Splits a range of bytes into its parts of pages: page, offset in it, length.
fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + len as u64;
    (offset / PAGE..end.div_ceil(PAGE)).map(move |page| {
        let from = offset.max(page * PAGE);
        let to = end.min((page + 1) * PAGE);
        (page, (from - page * PAGE) as usize, (to - from) as usize)
    })
}

impl StorageBackend for Staged {
    fn len(&self) -> io::Result<u64> {
        match &*self.held.read() {
            Some(held) => Ok(held.len),
            None => Ok(self.file.len()?.saturating_sub(self.start)),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = self.held.read();
        let Some(held) = &*held else { return self.file.read(self.start + offset, out) };
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > held.len) {
            return Err(beyond());
        }
        if held.steps.is_empty() {
            return self.file.read(self.start + offset, out);
        }
        let mut rest = out;
        for (page, from, len) in parts(offset, rest.len()) {
            let (here, after) = rest.split_at_mut(len);
            match held.pages.get(&page) {
                Some(bytes) => here.copy_from_slice(&bytes[from..from + len]),
                None => here.copy_from_slice(&self.page(page, held.cut)?[from..from + len]),
            }
            rest = after;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut held = self.held.write();
        let Some(held) = &mut *held else { return self.file.set_len(self.start + len) };
        if len < held.len {
            // What is cut off comes back as zeros.
            held.pages.split_off(&len.div_ceil(PAGE));
            if let Some(bytes) = held.pages.get_mut(&(len / PAGE)) {
                bytes[(len % PAGE) as usize..].fill(0);
            }
            held.cut = held.cut.min(len);
        }
        held.len = len;
        held.steps.push(Step::SetLen(len));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut held = self.held.write();
        let Some(held) = &mut *held else { return self.file.sync_data() };
        held.steps.push(Step::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut held = self.held.write();
        let Some(held) = &mut *held else { return self.file.write(self.start + offset, data) };
        let mut rest = data;
        for (page, from, len) in parts(offset, data.len()) {
            let (here, after) = rest.split_at(len);
            let bytes = match held.pages.entry(page) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => entry.insert(self.page(page, held.cut)?),
            };
            bytes[from..from + len].copy_from_slice(here);
            rest = after;
        }
        held.steps.push(Step::Write(offset, data.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Write(u64, Vec<u8>),
        SetLen(u64),
        Sync,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let write = (0u64..20_000, prop::collection::vec(any::<u8>(), 1..9000))
            .prop_map(|(at, data)| Act::Write(at, data));
        let act = prop_oneof![write, (0u64..30_000).prop_map(Act::SetLen), Just(Act::Sync)];
        prop::collection::vec(act, 0..12)
    }

    fn take(backend: &dyn StorageBackend, act: &Act) {
        match act {
            Act::Write(at, data) => {
                let end = at + data.len() as u64;
                if end > backend.len().unwrap() {
                    backend.set_len(end).unwrap();
                }
                backend.write(*at, data).unwrap();
            }
            Act::SetLen(len) => backend.set_len(*len).unwrap(),
            Act::Sync => backend.sync_data().unwrap(),
        }
    }

    fn bytes(backend: &dyn StorageBackend) -> Vec<u8> {
        let mut out = vec![0; usize::try_from(backend.len().unwrap()).unwrap()];
        backend.read(0, &mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn it_reads_as_if_written_and_leaves_the_file_until_it_settles(before in acts(), held in acts(), after in acts()) {
            let file = Arc::new(InMemoryBackend::new());
            let model = InMemoryBackend::new();
            file.set_len(HEADER).unwrap();
            let first = Staged::new(file.clone()).unwrap();
            first.settle().unwrap();
            for act in &before {
                take(&first, act);
                take(&model, act);
            }
            let untouched = bytes(&*file);
            let staged = Staged::new(file.clone()).unwrap();
            for act in &held {
                take(&staged, act);
                take(&model, act);
                prop_assert_eq!(bytes(&staged), bytes(&model));
            }
            prop_assert_eq!(bytes(&*file), untouched);
            staged.settle().unwrap();
            prop_assert_eq!(bytes(&staged), bytes(&model));
            for act in &after {
                take(&staged, act);
                take(&model, act);
            }
            prop_assert_eq!(&bytes(&*file)[HEADER as usize..], bytes(&model));
        }
    }
}
