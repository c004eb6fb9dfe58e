//! What differs from run to run, and what is shown in its place.

use std::sync::LazyLock;

use regex_lite::Regex;

/// Patterns and what takes their place, in this order.
const MASKS: &[(&str, &str)] = &[
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
    (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<date>"),
    (r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4}( \w+)?( m=\S+)?", "<date>"),
    // How long a watch lasted depends on the machine.
    (r"(?m)^[EWI]\d{4} .*reflector\.go.*\n", ""),
    (r"(?m)^[EWI]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ (\w+\.go):\d+\]", "<log $1>"),
    (r#"(resourceVersion"?: ?)"\d+""#, r#"$1"<version>""#),
    (r"(Resource Version: +)\d+", "$1<version>"),
    (r"(?m)(^|\s)(\d+y)?(\d+d)?(\d+h)?(\d+m)?\d+m?s\b", "$1<age>"),
    // Of objects with a time of their own; shorter ages than ten days are those of the run.
    (r"(?m)(^|[\s(])(\d+y\d*d?|\d{2,4}d)\b", "$1<age>"),
    (r"\bv1\.\d+\.\d+[-+.\w]*", "<version>"),
    (r"https://127\.0\.0\.1:\d+", "<server>"),
    (r"127\.0\.0\.1:\d+", "<address>"),
    (r"\b10\.96\.\d+\.([2-9]|\d\d+)\b", "<ip>"),
    (r"\b3[0-2]\d{3}(/TCP|/UDP|\b)", "<port>$1"),
    (r"/tmp/[-\w./]+", "<file>"),
    (r"SHA256=[0-9a-f]{64}", "SHA256=<hash>"),
    (r"MII[A-Za-z0-9+/=]{40,}|LS0t[A-Za-z0-9+/=]{40,}", "<pem>"),
    (r" {2,}|\t+", "  "),
    (r" +\n", "\n"),
    (r"-{4,}", "----"),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let compile = |&(pattern, shown)| (Regex::new(pattern).expect("the patterns are constants"), shown);
    MASKS.iter().map(compile).collect()
});

/// Returns a text without times, identifiers, addresses, versions and widths of columns.
pub(super) fn mask(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, shown) in PATTERNS.iter() {
        text = pattern.replace_all(&text, *shown).into_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_masked() {
        let rows = [
            ("NAME   AGE\na      3m12s\n", "NAME  AGE\na  <age>\n"),
            ("324d (x3 over 324d) 1y2d a12d", "<age> (x3 over <age>) <age> a12d"),
            ("80:31234/TCP   10.96.17.3", "80:<port>/TCP  <ip>"),
            ("10.96.0.1 is fixed", "10.96.0.1 is fixed"),
            (r#""resourceVersion": "17""#, r#""resourceVersion": "<version>""#),
            ("creationTimestamp: \"2026-01-01T00:00:00Z\"", "creationTimestamp: \"<time>\""),
            ("is running at https://127.0.0.1:41234/x", "is running at <server>/x"),
            ("E1121 09:41:02.123456   77 memcache.go:265] down", "<log memcache.go> down"),
        ];
        for (text, masked) in rows {
            assert_eq!(mask(text), masked);
        }
    }
}
