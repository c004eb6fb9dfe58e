//! What the program writes to stderr about itself.

use std::fmt;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::printer::{Stream, colours_wanted};

/// How much is logged, and how.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Logging")]
pub struct LoggingArgs {
    /// How lines look
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub logging_format: LoggingFormat,

    /// How much is logged: 0 to 2 what changes, 4 what is decided, 6 every object
    #[arg(short = 'v', long = "v", value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub verbosity: Option<u8>,
}

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LoggingFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging; the first call in a process counts.
pub fn start(filter: &str, args: Option<LoggingArgs>) {
    let format = args.map(|args| args.logging_format).unwrap_or_default();
    let filter = match args {
        // Commands that run for long say what they do, unless a filter says something else.
        Some(args) => match args.verbosity {
            Some(verbosity) => verbose(verbosity),
            None if filter == DEFAULT_FILTER => verbose(0),
            None => filter.to_owned(),
        },
        None => filter.to_owned(),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(format == LoggingFormat::Text && colours_wanted(Stream::Err))
        .with_target(true);
    // Already set when a test runs several commands in one process: keep the first.
    let _already_set = match format {
        LoggingFormat::Text => tracing::subscriber::set_global_default(subscriber.finish()),
        LoggingFormat::Json => {
            tracing::subscriber::set_global_default(subscriber.event_format(JsonLines).finish())
        }
    };
}

/// What is logged when nobody asks for more.
pub const DEFAULT_FILTER: &str = "error,kube_client=off";

fn verbose(verbosity: u8) -> String {
    let level = match verbosity {
        0..=3 => "info",
        4 | 5 => "debug",
        _ => "trace",
    };
    format!(
        "warn,kube_client=off,kube_runtime=error,karmadactl={level},karmada_core={level},karmada_controllers={level},karmada_apiserver={level}"
    )
}

/// One JSON object a line, with the keys that Kubernetes' components use.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = fields.0;
        let metadata = event.metadata();
        let milliseconds = jiff::Timestamp::now().as_microsecond() as f64 / 1000.0;
        line.insert("ts".into(), json!(milliseconds));
        line.insert("logger".into(), json!(metadata.target()));
        line.insert("level".into(), json!(metadata.level().as_str().to_lowercase()));
        line.insert("v".into(), json!(verbosity_of(*metadata.level())));
        line.entry("msg").or_insert_with(|| json!(""));
        if let Some(scope) = context.event_scope() {
            let spans: Vec<Value> = scope.from_root().map(|span| json!(span.name())).collect();
            if !spans.is_empty() {
                line.insert("spans".into(), Value::Array(spans));
            }
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

fn verbosity_of(level: Level) -> u8 {
    match level {
        Level::DEBUG => 4,
        Level::TRACE => 6,
        _ => 0,
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let name = match field.name() {
            "message" => "msg",
            "error" => "err",
            other => other,
        };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_line_is_an_object() {
        let buffer = Buffer::default();
        let written = buffer.clone();
        let subscriber =
            tracing_subscriber::fmt().with_writer(move || buffer.clone()).event_format(JsonLines).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(cluster = "m1", count = 3, "a \"line\"\nof two");
            tracing::error!(error = "refused", "it failed");
        });
        let text = String::from_utf8(written.0.lock().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["msg"], &lines[0]["cluster"]), (&json!("a \"line\"\nof two"), &json!("m1")));
        assert_eq!(
            (&lines[0]["count"], &lines[0]["level"], &lines[0]["v"]),
            (&json!(3), &json!("info"), &json!(0))
        );
        assert_eq!((&lines[1]["err"], &lines[1]["level"]), (&json!("refused"), &json!("error")));
    }
}
