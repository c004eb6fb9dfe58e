//! Lines in columns, each as wide as its part of the page needs.

use jiff::Timestamp;
use serde_json::Value;

/// Blanks between two columns.
const GAP: usize = 2;

/// A page that is written line by line. Cells of a line end with tabs.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    now: Timestamp,
}

impl Page {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { text: String::new(), now }
    }

    /// Writes a line that is indented by so many levels.
    pub(super) fn line(&mut self, level: usize, text: &str) {
        self.text.extend(std::iter::repeat_n("  ", level));
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Writes `Name:  value`.
    pub(super) fn field(&mut self, level: usize, name: &str, value: &str) {
        self.line(level, &format!("{name}:\t{value}"));
    }

    /// Writes a field if the object has a value for it.
    pub(super) fn field_if(&mut self, level: usize, name: &str, value: &Value) {
        if !value.is_null() && value != "" {
            self.field(level, name, &text(value));
        }
    }

    /// Writes what every description begins with.
    pub(super) fn head(&mut self, object: &Value) {
        let metadata = &object["metadata"];
        self.field(0, "Name", &text(&metadata["name"]));
        if !metadata["namespace"].is_null() {
            self.field(0, "Namespace", &text(&metadata["namespace"]));
        }
    }

    /// Writes labels and annotations.
    pub(super) fn labels(&mut self, object: &Value) {
        self.pairs(0, "Labels", &object["metadata"]["labels"], "=");
        let mut annotations = object["metadata"]["annotations"].clone();
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        self.pairs(0, "Annotations", &annotations, ": ");
    }

    /// Writes keys and values, one a line.
    pub(super) fn pairs(&mut self, level: usize, name: &str, pairs: &Value, sign: &str) {
        let mut name = format!("{name}:");
        for (key, value) in pairs.as_object().into_iter().flatten() {
            let value = text(value);
            self.line(level, &format!("{name}\t{key}{sign}{}", value.replace('\n', " ")));
            name.clear();
        }
        if !name.is_empty() {
            self.line(level, &format!("{name}\t<none>"));
        }
    }

    /// Writes words, one a line under the first.
    pub(super) fn list(&mut self, level: usize, name: &str, words: &[String]) {
        let mut name = format!("{name}:");
        for word in words {
            self.line(level, &format!("{name}\t{word}"));
            name.clear();
        }
        if !name.is_empty() {
            self.line(level, &format!("{name}\t<none>"));
        }
    }

    /// Writes a table under a heading, with a line under each of its columns.
    pub(super) fn table(&mut self, level: usize, name: &str, columns: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            self.field(level, name, "<none>");
            return;
        }
        self.line(level, &format!("{name}:"));
        self.line(level + 1, &columns.join("\t"));
        let under: Vec<String> = columns.iter().map(|column| "-".repeat(column.len())).collect();
        self.line(level + 1, &under.join("\t"));
        for row in rows {
            self.line(level + 1, &row.join("\t"));
        }
    }

    /// Writes the conditions of a status.
    pub(super) fn conditions(&mut self, object: &Value) {
        let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
        let rows: Vec<Vec<String>> = conditions
            .map(|condition| ["type", "status", "reason"].map(|field| text(&condition[field])).to_vec())
            .collect();
        if !rows.is_empty() {
            self.table(0, "Conditions", &["Type", "Status", "Reason"], &rows);
        }
    }

    /// Returns how long ago a time was, as tables print it.
    pub(super) fn age(&self, time: &Value) -> String {
        let Some(time) = time.as_str().and_then(|time| time.parse::<Timestamp>().ok()) else {
            return "<unknown>".to_owned();
        };
        let seconds = self.now.as_second() - time.as_second();
        match seconds {
            ..0 => "<invalid>".to_owned(),
            0..120 => format!("{seconds}s"),
            120..600 if seconds % 60 != 0 => format!("{}m{}s", seconds / 60, seconds % 60),
            120..10_800 => format!("{}m", seconds / 60),
            10_800..172_800 => format!("{}h", seconds / 3600),
            _ => format!("{}d", seconds / 86_400),
        }
    }

    /// Returns the page, its columns lined up.
    pub(super) fn finish(self) -> String {
        let lines: Vec<Vec<&str>> = self.text.lines().map(|line| line.split('\t').collect()).collect();
        let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len()]).collect();
        line_up(&lines, &mut widths, 0..lines.len(), 0);
        let mut text = String::new();
        for (cells, widths) in lines.iter().zip(&widths) {
            for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
                text.push_str(cell);
                if at + 1 < cells.len() {
                    text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Finds the width of a column in every block of lines that follow each other and have it.
fn line_up(lines: &[Vec<&str>], widths: &mut [Vec<usize>], range: std::ops::Range<usize>, column: usize) {
    // The last cell of a line is in no column.
    let has = |line: usize| lines[line].len() > column + 1;
    let mut start = range.start;
    while start < range.end {
        if !has(start) {
            start += 1;
            continue;
        }
        let end = (start..range.end).find(|line| !has(*line)).unwrap_or(range.end);
        let widest = lines[start..end].iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        for line in &mut widths[start..end] {
            line[column] = widest + GAP;
        }
        line_up(lines, widths, start..end, column + 1);
        start = end;
    }
}

/// Returns a value as a cell.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns a value as a cell, or what stands for none.
pub(super) fn text_or(value: &Value, none: &str) -> String {
    match value {
        Value::Null => none.to_owned(),
        Value::String(text) if text.is_empty() => none.to_owned(),
        value => text(value),
    }
}

/// Returns the items of a list.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns the words of a list, with commas.
pub(super) fn joined(value: &Value, none: &str) -> String {
    let words: Vec<String> = items(value).map(text).collect();
    if words.is_empty() { none.to_owned() } else { words.join(",") }
}

/// Returns a label selector, or a map of labels, on one line.
pub(super) fn selector(value: &Value) -> String {
    let labels = if value["matchLabels"].is_object() { &value["matchLabels"] } else { value };
    let labels = labels.as_object().into_iter().flatten();
    let mut terms: Vec<String> = labels
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .map(|(key, value)| format!("{key}={}", text(value)))
        .collect();
    terms.extend(items(&value["matchExpressions"]).map(|expression| {
        let (key, values) = (text(&expression["key"]), joined(&expression["values"], ""));
        match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key,
        }
    }));
    if terms.is_empty() { "<none>".to_owned() } else { terms.join(",") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_block() {
        let mut page = Page::new(Timestamp::UNIX_EPOCH);
        page.field(0, "Name", "a");
        page.pairs(0, "Labels", &serde_json::json!({"a": "1", "b": "2"}), "=");
        page.line(0, "Ports:");
        page.field(1, "Longer Name", "x");
        page.field(1, "B", "y");
        assert_eq!(
            page.finish(),
            "Name:    a\nLabels:  a=1\n         b=2\nPorts:\n  Longer Name:  x\n  B:            y\n"
        );
    }
}
