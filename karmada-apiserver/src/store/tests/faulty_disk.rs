//! A disk that fails where a test says, and that forgets or tears what was not synced when the power goes.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use redb::StorageBackend;

const SECTOR: usize = 512;

/// Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The power goes: nothing works any more.
    PowerCut,
    /// One step fails.
    Once,
    /// This many steps find the disk full.
    Full(usize),
}

/// What becomes of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsynced {
    Lost,
    Kept,
    /// Each sector is kept or lost, by chance.
    Torn(u64),
}

#[derive(Debug, Default)]
struct State {
    current: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Pending>,
    /// Writes, syncs and changes of length so far.
    steps: usize,
    syncs: usize,
    fault: Option<(usize, Fault)>,
}

#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl FaultyDisk {
    pub(super) fn holding(bytes: Vec<u8>) -> Self {
        let state = State { current: bytes.clone(), synced: bytes, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Lets the step with this number go wrong, counted from the first of all.
    pub(super) fn fail_at(&self, step: usize, fault: Fault) {
        self.state.lock().fault = Some((step, fault));
    }

    pub(super) fn steps(&self) -> usize {
        self.state.lock().steps
    }

    pub(super) fn syncs(&self) -> usize {
        self.state.lock().syncs
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.state.lock().current.clone()
    }

    /// The disk as it is when the power is back.
    pub(super) fn after_crash(&self, unsynced: Unsynced) -> Self {
        let state = self.state.lock();
        let mut bytes = state.synced.clone();
        let mut random = match unsynced {
            Unsynced::Lost => return Self::holding(bytes),
            Unsynced::Kept => None,
            Unsynced::Torn(seed) => Some(seed),
        };
        let mut keep = || {
            random.as_mut().is_none_or(|state| {
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *state >> 63 == 0
            })
        };
        for pending in &state.unsynced {
            match pending {
                Pending::SetLen(len) => bytes.resize(*len, 0),
                Pending::Write(offset, data) => {
                    let mut at = *offset;
                    while at < offset + data.len() {
                        let end = ((at / SECTOR + 1) * SECTOR).min(offset + data.len());
                        if keep() {
                            bytes[at..end].copy_from_slice(&data[at - offset..end - offset]);
                        }
                        at = end;
                    }
                }
            }
        }
        Self::holding(bytes)
    }
}

impl State {
    /// Counts a step and says whether it fails.
    fn step(&mut self) -> io::Result<()> {
        let step = self.steps;
        self.steps += 1;
        let broken = || Err(io::Error::other("the disk is broken"));
        match self.fault {
            Some((at, Fault::PowerCut)) if step >= at => broken(),
            Some((at, Fault::Once)) if step == at => broken(),
            Some((at, Fault::Full(steps))) if (at..at + steps).contains(&step) => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for FaultyDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = index(offset);
        let state = self.state.lock();
        let bytes = state.current.get(start..start + out.len());
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.step()?;
        state.current.resize(index(len), 0);
        state.unsynced.push(Pending::SetLen(index(len)));
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.step()?;
        state.syncs += 1;
        state.synced = state.current.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        state.step()?;
        let start = index(offset);
        let end = start + data.len();
        if end > state.current.len() {
            state.current.resize(end, 0);
        }
        state.current[start..end].copy_from_slice(data);
        state.unsynced.push(Pending::Write(start, data.to_vec()));
        Ok(())
    }
}
