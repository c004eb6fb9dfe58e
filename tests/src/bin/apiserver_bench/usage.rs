//! CPU time and memory of processes and their children.

use std::fs;

use anyhow::Context as _;

/// What a set of processes has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time.
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_kib: u64,
    pub(crate) peak_kib: u64,
}

/// Reads what processes and their living children have used.
///
/// # Errors
/// When one of the processes is gone.
pub(crate) fn of(pids: &[u32]) -> anyhow::Result<Usage> {
    let mut all = pids.to_vec();
    let mut next = 0;
    while let Some(pid) = all.get(next).copied() {
        next += 1;
        all.extend(children(pid));
    }
    let mut sum = Usage::default();
    for pid in all {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("a server has ended")?;
        // The second field is a name in parentheses that may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| -> f64 {
            fields.get(index).and_then(|field| field.parse().ok()).unwrap_or_default()
        };
        sum.cpu_seconds += (ticks(11) + ticks(12)) / ticks_per_second();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("a server has ended")?;
        let kib = |key: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
        };
        sum.resident_kib += kib("VmRSS:");
        sum.peak_kib += kib("VmHWM:");
    }
    Ok(sum)
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Linux reports times in hundredths of a second on every architecture.
fn ticks_per_second() -> f64 {
    100.0
}
