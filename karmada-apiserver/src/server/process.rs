//! What the operating system says of this process.

/// Clock ticks in a second, as Linux shows them to programs on every machine.
const TICKS: f64 = 100.0;

/// Figures of this process, as far as the system tells them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Process {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_bytes: u64,
    pub(crate) virtual_bytes: u64,
    pub(crate) open_files: u64,
    /// Seconds since 1970.
    pub(crate) start_time: f64,
}

impl Process {
    /// Reads the figures, `None` where there is no `/proc`.
    pub(crate) fn read() -> Option<Self> {
        let file = |path: &str| std::fs::read_to_string(path).ok();
        let stat = file("/proc/self/stat")?;
        let status = file("/proc/self/status")?;
        let system = file("/proc/stat")?;
        let open_files = std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count() as u64);
        Some(Self { open_files, ..Self::parse(&stat, &status, &system)? })
    }

    fn parse(stat: &str, status: &str, system: &str) -> Option<Self> {
        // The name of the program is in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let boot = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse::<f64>().ok()?;
        Some(Self {
            cpu_seconds: (ticks(11)? + ticks(12)?) / TICKS,
            resident_bytes: kibibytes("VmRSS:").unwrap_or_default() * 1024,
            virtual_bytes: kibibytes("VmSize:").unwrap_or_default() * 1024,
            open_files: 0,
            start_time: boot + ticks(19)? / TICKS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_files_of_linux() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 1000 9 9";
        let parsed = Process::parse(stat, "Name: x\nVmSize:\t 20 kB\nVmRSS:\t 10 kB\n", "cpu 1\nbtime 500\n");
        let expected = Process {
            cpu_seconds: 3.0,
            resident_bytes: 10240,
            virtual_bytes: 20480,
            open_files: 0,
            start_time: 510.0,
        };
        assert_eq!(parsed, Some(expected));
        assert_eq!(Process::parse("", "", ""), None);
    }
}
