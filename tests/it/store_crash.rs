//! Concurrent writers of one store, killed again and again: `STORE_CRASH_ROUNDS` says how often.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Bound;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use karmada_tests::linearizability::{Action, Operation, Outcome, first_impossible};

const ROUNDS: &str = "STORE_CRASH_ROUNDS";
const DEFAULT_ROUNDS: usize = 40;

/// What all rounds together saw.
#[derive(Default)]
struct History {
    /// Operations per object.
    operations: BTreeMap<String, Vec<Operation>>,
    time: usize,
    next_id: u64,
    /// Revision of every write that was acknowledged: object and new state.
    acknowledged: BTreeMap<u64, (String, u64)>,
    /// Latest revision that anybody saw.
    highest: u64,
    watch: Watch,
}

/// What a watcher saw that resumes after every crash.
#[derive(Default)]
struct Watch {
    /// Everything after `start` was seen up to `seen`.
    start: u64,
    seen: u64,
    events: BTreeMap<u64, (String, u64)>,
    resumed: usize,
    restarted: usize,
}

impl History {
    fn tick(&mut self) -> usize {
        self.time += 1;
        self.time
    }

    fn read_at_start(&mut self, name: &str, state: u64) {
        let (call, end) = (self.tick(), self.tick());
        let operation = Operation { call, end, action: Action::Read, outcome: Outcome::Saw(state) };
        self.operations.entry(name.to_owned()).or_default().push(operation);
    }

    /// Takes the lines of one process, in their order.
    fn take(&mut self, lines: &[String]) -> anyhow::Result<()> {
        let mut open: BTreeMap<u64, (String, usize, Action)> = BTreeMap::new();
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        let mut listed = 0;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| -> anyhow::Result<u64> {
                words.get(at).and_then(|word| word.parse().ok()).with_context(|| format!("line {line:?}"))
            };
            match words[0] {
                "open" => {
                    listed = number(2)?;
                    ensure!(number(1)? >= self.highest, "revision {} after {}", words[1], self.highest);
                }
                "found" => {
                    found.insert(words[1].to_owned(), number(2)?);
                    ensure!(number(3)? <= listed, "an object is newer than the list: {line}");
                }
                "listed" => {
                    for name in (0..4).map(|number| format!("k{number}")) {
                        self.read_at_start(&name, found.get(&name).copied().unwrap_or(0));
                    }
                }
                "resumed" => self.watch.resumed += 1,
                "watching" => {
                    self.check_watch()?;
                    self.watch.restarted += 1;
                    self.watch.start = number(1)?;
                    self.watch.seen = number(1)?;
                }
                "event" => {
                    let revision = number(1)?;
                    ensure!(revision > self.watch.seen, "event {revision} after {}", self.watch.seen);
                    self.watch.seen = revision;
                    self.watch.events.insert(revision, (words[2].to_owned(), number(3)?));
                    self.highest = self.highest.max(revision);
                }
                "call" => {
                    let action = match words[3] {
                        "read" => Action::Read,
                        _ => Action::Swap { expect: number(4)?, new: number(5)? },
                    };
                    let call = self.tick();
                    self.next_id = self.next_id.max(number(1)? + 1);
                    open.insert(number(1)?, (words[2].to_owned(), call, action));
                }
                "saw" | "done" => {
                    let (name, call, action) = open.remove(&number(1)?).context("an end without a call")?;
                    let mut outcome = Outcome::Done;
                    if words[0] == "saw" {
                        outcome = Outcome::Saw(number(2)?);
                    } else if let Action::Swap { new, .. } = action {
                        let revision = number(2)?;
                        let before = self.acknowledged.insert(revision, (name.clone(), new));
                        ensure!(before.is_none(), "revision {revision} was used twice");
                        self.highest = self.highest.max(revision);
                    }
                    let end = self.tick();
                    self.operations.entry(name).or_default().push(Operation { call, end, action, outcome });
                }
                _ => bail!("the process said: {line}"),
            }
        }
        // The kill cut these off.
        for (name, call, action) in open.into_values() {
            let end = self.tick();
            let outcome = Outcome::Unknown;
            self.operations.entry(name).or_default().push(Operation { call, end, action, outcome });
        }
        Ok(())
    }

    /// Every acknowledged write in the time of the watch was seen, once and as it was.
    fn check_watch(&self) -> anyhow::Result<()> {
        let Watch { start, seen, events, .. } = &self.watch;
        let watched = (Bound::Excluded(*start), Bound::Included(*seen.max(&(start + 1))));
        for (revision, write) in self.acknowledged.range(watched).filter(|(revision, _)| *revision <= seen) {
            ensure!(events.get(revision) == Some(write), "revision {revision}: {write:?} was not seen");
        }
        Ok(())
    }

    fn check(&self) -> anyhow::Result<()> {
        self.check_watch()?;
        for (name, operations) in &self.operations {
            if let Some(operation) = first_impossible(0, operations) {
                let near: Vec<_> = operations
                    .iter()
                    .filter(|other| other.end + 40 > operation.call && other.call < operation.end + 10)
                    .collect();
                bail!("{name}: nothing explains {operation:?} among {near:#?}");
            }
        }
        Ok(())
    }
}

/// Runs one process for a time and kills it; returns what it said.
fn round(file: &Path, history: &History, time: Duration) -> anyhow::Result<Vec<String>> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_store-under-test"))
        .arg(file)
        .args([&history.next_id.to_string(), "fsync", &history.watch.seen.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().context("no stdout")?;
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if line == "listed" {
                // Nobody waits for it after the timeout.
                sender.send(()).ok();
            }
            lines.push(line);
        }
        lines
    });
    let started = receiver.recv_timeout(Duration::from_mins(1));
    if started.is_ok() {
        std::thread::sleep(time);
    }
    child.kill()?;
    child.wait()?;
    let lines = reader.join().ok().context("the reader ended by a panic")?;
    if started.is_err() {
        let mut errors = String::new();
        child.stderr.take().context("no stderr")?.read_to_string(&mut errors)?;
        bail!("the store did not open: {errors}");
    }
    Ok(lines)
}

#[expect(clippy::print_stderr, reason = "the numbers of a run")]
#[test]
fn no_kill_loses_an_acknowledged_write_or_shows_half_of_one() -> anyhow::Result<()> {
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("state.redb");
    let mut history = History { next_id: 1, ..History::default() };
    let mut random = 7_u64;
    for number in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let lines = round(&file, &history, Duration::from_micros((random >> 33) % 60_000))
            .with_context(|| format!("round {number}"))?;
        history.take(&lines).with_context(|| format!("round {number}"))?;
    }
    history.check()?;
    let swaps = history.acknowledged.len();
    let cut_off: BTreeSet<usize> = history
        .operations
        .values()
        .flatten()
        .filter(|o| o.outcome == Outcome::Unknown)
        .map(|o| o.call)
        .collect();
    let operations: usize = history.operations.values().map(Vec::len).sum();
    let Watch { resumed, restarted, events, .. } = &history.watch;
    eprintln!(
        "{rounds} rounds: {operations} operations, {swaps} writes acknowledged, {} cut off; watches resumed {resumed} times, \
         started again {restarted} times, {} events",
        cut_off.len(),
        events.len()
    );
    ensure!(swaps > 2 * rounds, "only {swaps} writes in {rounds} rounds");
    Ok(())
}
