//! The result as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::in_process::InProcess;
use super::measure::Measurements;

/// What was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    pub(crate) in_process: Option<InProcess>,
    pub(crate) embedded: Option<Measurements>,
    pub(crate) real: Option<Measurements>,
}

impl Report {
    /// Returns the measurements for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "in_process": self.in_process.map(InProcess::json),
            "embedded": self.embedded.as_ref().map(Measurements::json),
            "real": self.real.as_ref().map(Measurements::json),
        })
    }

    /// Returns the measurements as Markdown.
    pub(crate) fn table(&self) -> String {
        let mut out = String::new();
        self.write_requests(&mut out).expect("writing to a string cannot fail");
        self.write_others(&mut out).expect("writing to a string cannot fail");
        out
    }

    fn write_requests(&self, out: &mut String) -> std::fmt::Result {
        let Some(any) = self.embedded.as_ref().or(self.real.as_ref()) else { return Ok(()) };
        writeln!(out, "| requests | real, per s | here | per CPU s, real | here | ratio |")?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|")?;
        for row in any.rows.iter().map(|measured| measured.row) {
            let find = |side: &Option<Measurements>| {
                side.as_ref().and_then(|side| side.rows.iter().find(|measured| measured.row == row)).cloned()
            };
            let (real, embedded) = (find(&self.real), find(&self.embedded));
            let cell = |number: Option<f64>| {
                number.map_or_else(String::new, |number| {
                    if number < 100.0 { format!("{number:.1}") } else { format!("{number:.0}") }
                })
            };
            let ratio = real.as_ref().zip(embedded.as_ref());
            let ratio = ratio.map(|(real, here)| here.per_cpu_second / real.per_cpu_second);
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} |",
                row.name(),
                cell(real.as_ref().map(|side| side.per_second)),
                cell(embedded.as_ref().map(|side| side.per_second)),
                cell(real.as_ref().map(|side| side.per_cpu_second)),
                cell(embedded.as_ref().map(|side| side.per_cpu_second)),
                cell(ratio),
            )?;
        }
        writeln!(out)
    }

    fn write_others(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "| other | real | here |")?;
        writeln!(out, "|---|---:|---:|")?;
        let mut line = |what: &str, show: &dyn Fn(&Measurements) -> String| {
            let cell = |side: &Option<Measurements>| side.as_ref().map(show).unwrap_or_default();
            writeln!(out, "| {what} | {} | {} |", cell(&self.real), cell(&self.embedded))
        };
        line("start to ready", &|side| format!("{} ms", side.start.as_millis()))?;
        line("resident, empty", &|side| format!("{} MiB", side.empty_kib / 1024))?;
        line("resident, full", &|side| format!("{} MiB", side.full_kib / 1024))?;
        line("resident, peak of all", &|side| format!("{} MiB", side.peak_kib / 1024))?;
        line("JSON of all objects", &|side| format!("{} MiB", side.json_bytes >> 20))?;
        line("write to the last watch, median", &|side| milliseconds(side.fanout.map(|fanout| fanout.0)))?;
        line("the same, 99th percentile", &|side| milliseconds(side.fanout.map(|fanout| fanout.1)))?;
        if let Some(in_process) = self.in_process {
            let us = |time: std::time::Duration| time.as_secs_f64() * 1e6;
            writeln!(out, "| get in process | | {:.1} us |", us(in_process.bytes))?;
            writeln!(out, "| get in process, as a Deployment | | {:.1} us |", us(in_process.typed))?;
        }
        Ok(())
    }
}

fn milliseconds(time: Option<std::time::Duration>) -> String {
    time.map_or_else(String::new, |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
}
