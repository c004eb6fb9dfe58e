//! Counters and gauges of a server, under the names that a kube-apiserver has for them.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::process::Process;
use crate::http::failure::qualified;

/// Upper ends of the buckets of durations, in seconds.
const DURATIONS: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0,
    20.0, 30.0, 45.0, 60.0,
];
/// Series that are kept at most: whatever clients ask for, memory stays bounded.
const MOST_SERIES: usize = 20_000;

/// What a request was, as metrics tell requests apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Labels {
    /// As authorization names it.
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) scope: &'static str,
    pub(crate) dry_run: bool,
    /// A patch of server-side apply.
    pub(crate) apply: bool,
}

/// All metrics of a server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    requests: Mutex<HashMap<Labels, Series>>,
    long_running: Mutex<HashMap<Labels, u64>>,
    terminated: Mutex<BTreeMap<(u16, String), u64>>,
    handshake_errors: AtomicU64,
    refused_connections: AtomicU64,
    cut_connections: AtomicU64,
    panics: AtomicU64,
}

#[derive(Debug, Default)]
struct Series {
    by_code: BTreeMap<u16, u64>,
    buckets: [u64; DURATIONS.len()],
    count: u64,
    seconds: f64,
}

/// A request that lasts, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct LongRunning {
    metrics: Arc<Metrics>,
    labels: Labels,
}

/// What is stored at the moment a page is printed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stores {
    /// Group, plural, number of objects.
    pub(crate) objects: Vec<(String, String, usize)>,
    /// Bytes of the file, when there is one.
    pub(crate) file_bytes: Option<u64>,
    /// Running and waiting requests, for reading and for writing.
    pub(crate) load: [(usize, usize); 2],
    pub(crate) client_watches: usize,
}

impl Labels {
    fn verb_label(&self) -> String {
        match self.verb {
            "create" => "POST".to_owned(),
            "update" => "PUT".to_owned(),
            "patch" if self.apply => "APPLY".to_owned(),
            "" => "other".to_owned(),
            verb => verb.to_ascii_uppercase(),
        }
    }

    fn print(&self, before: &str, middle: &str) -> String {
        let component = if self.resource.is_empty() { "" } else { "apiserver" };
        format!(
            "{before}component=\"{component}\",{middle}group=\"{}\",resource=\"{}\",scope=\"{}\",subresource=\"{}\",verb=\"{}\",version=\"{}\"",
            escape(&self.group),
            escape(&self.resource),
            self.scope,
            escape(&self.subresource),
            self.verb_label(),
            escape(&self.version),
        )
    }

    fn dry_run(&self) -> String {
        format!("dry_run=\"{}\",", if self.dry_run { "All" } else { "" })
    }

    /// What is left of a request for something that does not exist: clients must not make up series.
    fn anonymous(&self) -> Self {
        Self { verb: self.verb, ..Self::default() }
    }
}

impl Metrics {
    /// Counts an answered request. `is_known` says whether it was about something that exists.
    pub(crate) fn answer(
        &self,
        labels: Labels,
        code: u16,
        duration: Duration,
        is_known: impl FnOnce(&Labels) -> bool,
    ) {
        let mut requests = self.requests.lock();
        let labels = if requests.contains_key(&labels) || (requests.len() < MOST_SERIES && is_known(&labels))
        {
            labels
        } else {
            labels.anonymous()
        };
        let lasts = labels.verb == "watch";
        let series = requests.entry(labels).or_default();
        *series.by_code.entry(code).or_default() += 1;
        if lasts {
            return;
        }
        let seconds = duration.as_secs_f64();
        series.count += 1;
        series.seconds += seconds;
        if let Some(bucket) = DURATIONS.iter().position(|end| seconds <= *end) {
            series.buckets[bucket] += 1;
        }
    }

    /// Counts a request that lasts.
    pub(crate) fn lasting(self: &Arc<Self>, labels: Labels) -> LongRunning {
        *self.long_running.lock().entry(labels.clone()).or_default() += 1;
        LongRunning { metrics: self.clone(), labels }
    }

    /// Counts a request that was ended or refused for the sake of others.
    pub(crate) fn terminate(&self, code: u16, labels: &Labels) {
        *self.terminated.lock().entry((code, labels.verb_label())).or_default() += 1;
    }

    pub(crate) fn fail_handshake(&self) {
        self.handshake_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refuse_connection(&self) {
        self.refused_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cut_connection(&self) {
        self.cut_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many requests there were, by verb and `resource.group` (with `/subresource`).
    pub(crate) fn counts(&self) -> BTreeMap<(String, String), u64> {
        let mut counts = BTreeMap::new();
        for (labels, series) in self.requests.lock().iter().filter(|(labels, _)| !labels.resource.is_empty())
        {
            let mut target = qualified(&labels.group, &labels.resource);
            if !labels.subresource.is_empty() {
                target = format!("{target}/{}", labels.subresource);
            }
            *counts.entry((labels.verb.to_owned(), target)).or_default() +=
                series.by_code.values().sum::<u64>();
        }
        counts
    }

    /// Prints everything in the text format of Prometheus.
    pub(crate) fn print(&self, stores: &Stores) -> String {
        let mut page = Page::default();
        self.print_requests(&mut page);
        for (name, help, values) in [
            (
                "apiserver_current_inflight_requests",
                "Requests that run.",
                stores.load.map(|(taken, _)| taken),
            ),
            (
                "apiserver_current_inqueue_requests",
                "Requests that wait.",
                stores.load.map(|(_, waiting)| waiting),
            ),
        ] {
            page.head(name, "gauge", help);
            page.line(name, "request_kind=\"mutating\"", values[1]);
            page.line(name, "request_kind=\"readOnly\"", values[0]);
        }
        for (name, help, counter) in [
            ("apiserver_tls_handshake_errors_total", "Failed TLS handshakes.", &self.handshake_errors),
            (
                "apiserver_connections_refused_total",
                "Connections above the limits.",
                &self.refused_connections,
            ),
            (
                "apiserver_connections_cut_total",
                "Connections of clients that did not read.",
                &self.cut_connections,
            ),
            ("apiserver_request_panics_total", "Requests that failed by a defect.", &self.panics),
        ] {
            page.head(name, "counter", help);
            page.line(name, "", counter.load(Ordering::Relaxed));
        }
        page.head("apiserver_client_watches", "gauge", "Watches of clients that count against the limit.");
        page.line("apiserver_client_watches", "", stores.client_watches);
        print_stores(&mut page, stores);
        if let Some(process) = Process::read() {
            print_process(&mut page, &process);
        }
        page.0
    }

    fn print_requests(&self, page: &mut Page) {
        let requests = self.requests.lock();
        let mut sorted: Vec<_> =
            requests.iter().map(|(labels, series)| (labels.print("", &labels.dry_run()), series)).collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        let name = "apiserver_request_total";
        page.head(name, "counter", "Answered requests by what they were about and the code of the answer.");
        for (labels, series) in &sorted {
            for (code, count) in &series.by_code {
                page.line(name, &format!("code=\"{code}\",{labels}"), count);
            }
        }
        let name = "apiserver_request_duration_seconds";
        page.head(name, "histogram", "Time from a request to its answer, without watches.");
        for (labels, series) in sorted.iter().filter(|(_, series)| series.count > 0) {
            let mut sum = 0;
            for (end, count) in DURATIONS.iter().zip(series.buckets) {
                sum += count;
                page.line(&format!("{name}_bucket"), &format!("{labels},le=\"{end}\""), sum);
            }
            page.line(&format!("{name}_bucket"), &format!("{labels},le=\"+Inf\""), series.count);
            page.line(&format!("{name}_sum"), labels, series.seconds);
            page.line(&format!("{name}_count"), labels, series.count);
        }
        drop(requests);
        let name = "apiserver_longrunning_requests";
        page.head(name, "gauge", "Open watches.");
        let running: BTreeMap<String, u64> =
            self.long_running.lock().iter().map(|(labels, count)| (labels.print("", ""), *count)).collect();
        for (labels, count) in running {
            page.line(name, &labels, count);
        }
        let name = "apiserver_request_terminations_total";
        page.head(name, "counter", "Requests that were ended or refused for the sake of others.");
        for ((code, verb), count) in self.terminated.lock().iter() {
            page.line(name, &format!("code=\"{code}\",component=\"apiserver\",verb=\"{verb}\""), count);
        }
    }
}

impl Drop for LongRunning {
    fn drop(&mut self) {
        let mut long_running = self.metrics.long_running.lock();
        if let Some(count) = long_running.get_mut(&self.labels) {
            *count -= 1;
            if *count == 0 {
                long_running.remove(&self.labels);
            }
        }
    }
}

fn print_stores(page: &mut Page, stores: &Stores) {
    let name = "apiserver_resource_objects";
    page.head(name, "gauge", "Stored objects.");
    for (group, resource, count) in &stores.objects {
        page.line(name, &format!("group=\"{}\",resource=\"{}\"", escape(group), escape(resource)), count);
    }
    let name = "apiserver_storage_objects";
    page.head(name, "gauge", "Stored objects.");
    for (group, resource, count) in &stores.objects {
        page.line(name, &format!("resource=\"{}\"", escape(&qualified(group, resource))), count);
    }
    if let Some(bytes) = stores.file_bytes {
        page.head("apiserver_storage_size_bytes", "gauge", "Size of the store's file.");
        page.line("apiserver_storage_size_bytes", "", bytes);
    }
}

fn print_process(page: &mut Page, process: &Process) {
    let rows: [(&str, &str, &str, f64); 5] = [
        ("process_cpu_seconds_total", "counter", "Processor time, user and system.", process.cpu_seconds),
        ("process_open_fds", "gauge", "Open file descriptors.", process.open_files as f64),
        ("process_resident_memory_bytes", "gauge", "Memory in use.", process.resident_bytes as f64),
        ("process_start_time_seconds", "gauge", "When the process started.", process.start_time),
        ("process_virtual_memory_bytes", "gauge", "Address space in use.", process.virtual_bytes as f64),
    ];
    for (name, kind, help, value) in rows {
        page.head(name, kind, help);
        page.line(name, "", value);
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    // Writing to a string cannot fail.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {value}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {value}")
        };
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(verb: &'static str, resource: &str) -> Labels {
        Labels {
            verb,
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            resource: resource.to_owned(),
            scope: "resource",
            ..Labels::default()
        }
    }

    #[test]
    fn requests_are_printed_with_code_and_duration() {
        let metrics = Metrics::default();
        for code in [201, 201, 409] {
            metrics.answer(labels("create", "deployments"), code, Duration::from_millis(30), |_| true);
        }
        let page = metrics.print(&Stores::default());
        for line in [
            r#"apiserver_request_total{code="201",component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="POST",version="v1"} 2"#,
            r#"apiserver_request_duration_seconds_bucket{component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="POST",version="v1",le="0.025"} 0"#,
            r#"apiserver_request_duration_seconds_bucket{component="apiserver",dry_run="",group="apps",resource="deployments",scope="resource",subresource="",verb="POST",version="v1",le="0.05"} 3"#,
            r#"apiserver_current_inflight_requests{request_kind="readOnly"} 0"#,
        ] {
            assert!(page.lines().any(|l| l == line), "{line}\n{page}");
        }
        assert_eq!(metrics.counts()[&("create".to_owned(), "deployments.apps".to_owned())], 3);
    }

    #[test]
    fn clients_cannot_make_up_series() {
        let metrics = Metrics::default();
        for n in 0..100 {
            metrics.answer(labels("get", &format!("made-up-{n}")), 404, Duration::ZERO, |_| false);
        }
        assert_eq!(metrics.requests.lock().len(), 1);
    }

    #[test]
    fn what_lasts_is_counted_while_it_does() {
        let metrics = Arc::new(Metrics::default());
        let first = metrics.lasting(labels("watch", "deployments"));
        let second = metrics.lasting(labels("watch", "deployments"));
        let line = |count| {
            format!(
                r#"apiserver_longrunning_requests{{component="apiserver",group="apps",resource="deployments",scope="resource",subresource="",verb="WATCH",version="v1"}} {count}"#
            )
        };
        assert!(metrics.print(&Stores::default()).contains(&line(2)));
        drop(first);
        assert!(metrics.print(&Stores::default()).contains(&line(1)));
        drop(second);
        assert!(metrics.long_running.lock().is_empty());
    }
}
