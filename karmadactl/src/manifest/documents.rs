//! The documents of a text, found without parsing.

use std::ops::Range;

/// Where a document is in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// In bytes.
    pub range: Range<usize>,
    /// How many lines of the text are above it.
    pub lines_above: u64,
}

/// Returns the documents of a YAML stream that have content.
///
/// A line that starts with `---` always starts a document, also where a text seems to go on: YAML forbids it there. So
/// each document can be parsed alone, in any thread, and a broken one does not hide what is wrong with the next.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut current = Current { start: 0, lines_above: 0, content: Content::None };
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if marks(line, "---") {
            // Directives belong to the document below them.
            if current.content != Content::Directives {
                current.close(offset, &mut documents);
                current = Current { start: offset, lines_above: number as u64, content: Content::None };
            }
            if has_content(&line[3..]) {
                current.content = Content::Some;
            }
        } else if marks(line, "...") {
            current.close(offset, &mut documents);
            current = Current { start: end, lines_above: number as u64 + 1, content: Content::None };
        } else if line.starts_with('%') && current.content != Content::Some {
            current.content = Content::Directives;
        } else if current.content != Content::Some && has_content(line) {
            current.content = Content::Some;
        }
        offset = end;
    }
    current.close(text.len(), &mut documents);
    documents
}

struct Current {
    start: usize,
    lines_above: u64,
    content: Content,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    None,
    Directives,
    Some,
}

impl Current {
    fn close(&self, end: usize, documents: &mut Vec<Document>) {
        if self.content != Content::None {
            documents.push(Document { range: self.start..end, lines_above: self.lines_above });
        }
    }
}

fn marks(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn has_content(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<(&str, u64)> {
        documents(text).into_iter().map(|found| (&text[found.range], found.lines_above)).collect()
    }

    #[test]
    fn documents_start_at_markers_and_empty_ones_are_left_out() {
        assert_eq!(texts("a\n---\nb\n"), [("a\n", 0), ("---\nb\n", 1)]);
        assert_eq!(texts("\n# c\n---\n---\r\n--- # d\n---\tx"), [("---\tx", 5)]);
        assert_eq!(texts("a\n...\n# b\n...\nc"), [("a\n", 0), ("c", 4)]);
        assert_eq!(texts("%YAML 1.1\n---\na"), [("%YAML 1.1\n---\na", 0)]);
        assert_eq!(texts("a: |\n  ---\n----\n---b\n"), [("a: |\n  ---\n----\n---b\n", 0)]);
        assert_eq!(texts(""), []);
    }

    proptest! {
        #[test]
        fn documents_are_in_order_and_do_not_overlap(text in "(-|\\.|%|#|a|\r|\n| |é){0,40}") {
            let mut end = 0;
            for document in documents(&text) {
                prop_assert!(document.range.start >= end && document.range.end <= text.len());
                let above = text[..document.range.start].matches('\n').count() as u64;
                prop_assert_eq!(document.lines_above, above);
                prop_assert!(text.get(document.range.clone()).is_some_and(|part| !part.trim().is_empty()));
                end = document.range.end;
            }
        }
    }
}
