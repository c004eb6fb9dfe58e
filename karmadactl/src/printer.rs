//! The only place that writes to stdout and stderr.
//!
//! stdout is data (`-o table|wide|json|yaml|name`); stderr is progress, warnings, errors and
//! `hint:` lines. Colour and redrawing only where a person watches.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::error::{CliError, ErrorKind};

/// How much large output is gathered before it is written.
const WRITE_BYTES: usize = 256 << 10;

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OutputFormat {
    /// Columns for people
    #[default]
    Table,
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// TYPE/NAME, one a line
    Name,
}

/// One of the two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Out,
    Err,
}

/// Writes everything the program says.
#[derive(Clone, Debug)]
pub struct Printer {
    sink: Sink,
    colour: bool,
    live: bool,
}

#[derive(Clone, Debug)]
enum Sink {
    Stdio,
    Captured(Captured),
}

/// What a printer of a test wrote.
#[derive(Clone, Debug, Default)]
pub struct Captured {
    out: Arc<Mutex<Vec<u8>>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Captured {
    /// Everything written to stdout so far.
    pub fn stdout(&self) -> String {
        Self::text(&self.out)
    }

    /// Everything written to stderr so far.
    pub fn stderr(&self) -> String {
        Self::text(&self.err)
    }

    fn text(buffer: &Mutex<Vec<u8>>) -> String {
        String::from_utf8_lossy(&buffer.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Whether a person who wants colour watches the stream (`NO_COLOR`, `TERM=dumb` and pipes say no).
pub fn colours_wanted(stream: Stream) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && is_terminal(stream)
}

fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Out => io::stdout().is_terminal(),
        Stream::Err => io::stderr().is_terminal(),
    }
}

impl Printer {
    /// A printer on the process's stdout and stderr.
    pub fn stdio() -> Self {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        Self {
            sink: Sink::Stdio,
            colour: colours_wanted(Stream::Err),
            live: colours_wanted(Stream::Err) && !in_ci,
        }
    }

    /// A printer whose output can be read back.
    pub fn captured() -> (Self, Captured) {
        let captured = Captured::default();
        (Self { sink: Sink::Captured(captured.clone()), colour: false, live: false }, captured)
    }

    /// Writes data to stdout as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutputClosed`] when the reader is gone, so that the command can stop.
    pub fn data(&self, text: &str) -> Result<(), CliError> {
        self.write(Stream::Out, text.as_bytes()).map_err(output_error)
    }

    /// Returns stdout for output that is too large to be kept; its last part is written by `flush`.
    ///
    /// Its errors are told by [`output_error`].
    pub fn writer(&self) -> BufWriter<DataWriter<'_>> {
        BufWriter::with_capacity(WRITE_BYTES, DataWriter { printer: self })
    }

    /// Whether a person watches stderr, so that progress is worth showing.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Writes one line of data to stdout.
    pub fn line(&self, text: &str) -> Result<(), CliError> {
        self.data(&format!("{text}\n"))
    }

    /// Writes a document as JSON or YAML to stdout.
    pub fn document(&self, value: &Value, format: DocumentFormat) -> Result<(), CliError> {
        self.data(&render_document(value, format)?)
    }

    /// Writes a line about what happens now to stderr.
    pub fn progress(&self, text: &str) {
        self.say(text);
    }

    /// Writes a heading to stderr, bold on a terminal.
    pub fn heading(&self, text: &str) {
        self.say(&self.paint("1", text));
    }

    /// Writes an `error:` line to stderr; [`Printer::fail`] is for the error that ends a command.
    pub fn error(&self, text: &str) {
        self.say(&format!("{} {text}", self.paint("1;31", "error:")));
    }

    /// Writes a `warning:` line to stderr.
    pub fn warning(&self, text: &str) {
        self.say(&format!("{} {text}", self.paint("1;33", "warning:")));
    }

    /// Writes a `note:` line to stderr: nothing is wrong, but it may surprise.
    pub fn note(&self, text: &str) {
        self.say(&format!("{} {text}", self.paint("1;36", "note:")));
    }

    /// Writes a `hint:` line to stderr: what to type next.
    pub fn hint(&self, text: &str) {
        self.say(&format!("{} {text}", self.paint("1;36", "hint:")));
    }

    /// Writes an error with its causes and hints to stderr and returns the exit code.
    pub fn fail(&self, error: &CliError) -> u8 {
        if !matches!(
            error.kind(),
            ErrorKind::OutputClosed | ErrorKind::Reported | ErrorKind::ReportedPartial | ErrorKind::Ended(_)
        ) {
            for (index, line) in error.lines().iter().enumerate() {
                match line.strip_prefix("error: ") {
                    Some(rest) if index == 0 => {
                        self.say(&format!("{} {rest}", self.paint("1;31", "error:")));
                    }
                    _ => self.say(line),
                }
            }
            for hint in error.hints() {
                self.hint(hint);
            }
        }
        error.kind().exit_code()
    }

    /// Starts an area of lines that are redrawn in place on a terminal and appended when they change elsewhere.
    pub fn live(&self) -> Live<'_> {
        Live {
            printer: self,
            area: self.live.then(MultiProgress::new),
            bars: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Returns text that is bold where a person watches stderr.
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Whether a person watches stdout.
    pub fn is_stdout_watched(&self) -> bool {
        matches!(self.sink, Sink::Stdio) && is_terminal(Stream::Out)
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn say(&self, text: &str) {
        // Nobody can be told that stderr is gone.
        let _closed = self.write(Stream::Err, format!("{text}\n").as_bytes());
    }

    fn write(&self, stream: Stream, text: &[u8]) -> io::Result<()> {
        match (&self.sink, stream) {
            (Sink::Stdio, Stream::Out) => {
                let mut out = io::stdout().lock();
                out.write_all(text)?;
                out.flush()
            }
            (Sink::Stdio, Stream::Err) => io::stderr().lock().write_all(text),
            (Sink::Captured(captured), Stream::Out) => {
                captured.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(text)
            }
            (Sink::Captured(captured), Stream::Err) => {
                captured.err.lock().unwrap_or_else(PoisonError::into_inner).write_all(text)
            }
        }
    }
}

/// Writes data as it is, unbuffered.
#[derive(Debug)]
pub struct DataWriter<'a> {
    printer: &'a Printer,
}

impl Write for DataWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.printer.write(Stream::Out, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Words a failed write to stdout; a reader that is gone is no failure, but the command can stop.
pub fn output_error(source: io::Error) -> CliError {
    match source.kind() {
        io::ErrorKind::BrokenPipe => CliError::new(ErrorKind::OutputClosed, source),
        _ => CliError::failed(OutputError(source)),
    }
}

/// A document format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentFormat {
    Json,
    Yaml,
}

/// Returns a document as text that ends with a line break.
pub fn render_document(value: &Value, format: DocumentFormat) -> Result<String, CliError> {
    match format {
        DocumentFormat::Json => {
            // Objects are printed as kubectl does: four blanks of indentation.
            let mut bytes = Vec::new();
            let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
            let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
            serde::Serialize::serialize(value, &mut serializer).map_err(CliError::failed)?;
            bytes.push(b'\n');
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        }
        DocumentFormat::Yaml => {
            let options = serde_saphyr::ser_options! { compact_list_indent: true, empty_as_braces: true, folded_wrap_chars: usize::MAX };
            let mut text = serde_saphyr::to_string_with_options(value, options).map_err(CliError::failed)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            Ok(text)
        }
    }
}

/// Lines that follow something until it is done.
#[derive(Debug)]
pub struct Live<'a> {
    printer: &'a Printer,
    area: Option<MultiProgress>,
    bars: BTreeMap<String, ProgressBar>,
    lines: BTreeMap<String, String>,
}

impl Live<'_> {
    /// Shows a line under a key; an unchanged line costs nothing.
    pub fn set(&mut self, key: &str, text: &str) {
        if self.lines.get(key).is_some_and(|shown| shown == text) {
            return;
        }
        self.lines.insert(key.to_owned(), text.to_owned());
        let Some(area) = &self.area else {
            self.printer.say(text);
            return;
        };
        let bar = self.bars.entry(key.to_owned()).or_insert_with(|| {
            let style = ProgressStyle::with_template("{wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            area.add(ProgressBar::new_spinner().with_style(style))
        });
        bar.set_message(text.to_owned());
        bar.tick();
    }

    /// Takes the lines off the screen.
    pub fn clear(self) {
        for bar in self.bars.values() {
            bar.finish_and_clear();
        }
    }

    /// Leaves the last lines on the screen.
    pub fn finish(self) {
        for bar in self.bars.values() {
            bar.abandon();
        }
    }
}

/// stdout cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the output")]
pub struct OutputError(#[source] pub io::Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_printed_with_causes_and_ways_out() {
        let (printer, captured) = Printer::captured();
        let error = CliError::failed(OutputError(io::Error::other("disk full"))).with_hint("free some space");
        assert_eq!(printer.fail(&error), 1);
        assert_eq!(captured.stdout(), "");
        assert_eq!(
            captured.stderr(),
            "error: cannot write the output\n  caused by: disk full\nhint: free some space\n"
        );
    }

    #[test]
    fn without_a_terminal_only_changed_lines_are_printed() {
        let (printer, captured) = Printer::captured();
        let mut live = printer.live();
        live.set("m1", "m1 waits");
        live.set("m1", "m1 waits");
        live.set("m1", "m1 is healthy");
        live.finish();
        assert_eq!(captured.stderr(), "m1 waits\nm1 is healthy\n");
    }

    #[test]
    fn yaml_is_written_as_kubectl_writes_it() {
        let value = serde_json::json!({"a": [{"b": "yes", "c": 1}], "e": {}, "l": [], "m": "x: y", "t": "1", "z": "a\nb\n"});
        let text = render_document(&value, DocumentFormat::Yaml).unwrap();
        assert_eq!(text, "a:\n- b: \"yes\"\n  c: 1\ne: {}\nl: []\nm: \"x: y\"\nt: \"1\"\nz: |\n  a\n  b\n");
    }
}
