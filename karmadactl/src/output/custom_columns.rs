//! Tables of columns that the user names: `NAME:.metadata.name,IMAGE:.spec.containers[*].image`.

use serde_json::Value;

use super::json_path::{JsonPath, JsonPathError, MissingKeys};
use super::relaxed::relaxed;
use super::scan::text_of;
use crate::table::Table;

/// Columns with where their cells come from.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomColumns {
    columns: Vec<(String, JsonPath)>,
}

/// Columns that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ColumnsError {
    #[error("custom-columns format specified but no custom columns given")]
    Nothing,
    #[error("unexpected custom-columns spec: {column}, expected <header>:<json-path-expr>")]
    NoPath { column: String },
    #[error("the file of the columns has to hold a line of headers and a line of paths")]
    NotTwoLines,
    #[error("number of headers and number of paths in the file differ: {headers} and {paths}")]
    Differ { headers: usize, paths: usize },
    #[error(transparent)]
    Path(#[from] JsonPathError),
}

impl CustomColumns {
    /// Reads `HEADER:PATH,HEADER:PATH`.
    ///
    /// # Errors
    /// When a column has no path, or one that makes no sense.
    pub fn parse(text: &str) -> Result<Self, ColumnsError> {
        if text.is_empty() {
            return Err(ColumnsError::Nothing);
        }
        let columns = split(text).into_iter().map(|column| {
            let (header, path) =
                column.split_once(':').ok_or_else(|| ColumnsError::NoPath { column: column.to_owned() })?;
            Ok((header.to_owned(), JsonPath::parse(&relaxed(path)?)?))
        });
        Ok(Self { columns: columns.collect::<Result<_, ColumnsError>>()? })
    }

    /// Reads a line of headers over a line of paths.
    ///
    /// # Errors
    /// When the lines do not fit each other.
    pub fn parse_file(text: &str) -> Result<Self, ColumnsError> {
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (Some(headers), Some(paths)) = (lines.next(), lines.next()) else {
            return Err(ColumnsError::NotTwoLines);
        };
        let headers: Vec<&str> = headers.split_whitespace().collect();
        let paths: Vec<&str> = paths.split_whitespace().collect();
        if headers.len() != paths.len() {
            return Err(ColumnsError::Differ { headers: headers.len(), paths: paths.len() });
        }
        let columns = headers.into_iter().zip(paths).map(|(header, path)| {
            Ok::<_, ColumnsError>((header.to_owned(), JsonPath::parse(&relaxed(path)?)?))
        });
        Ok(Self { columns: columns.collect::<Result<_, _>>()? })
    }

    /// Returns a table of these objects.
    pub fn table(&self, objects: &[Value]) -> Table {
        let mut table = Table::new(self.columns.iter().map(|(header, _)| header.clone()));
        for object in objects {
            table.push(self.columns.iter().map(|(_, path)| {
                let found = path.find(object, MissingKeys::Ignored).unwrap_or_default();
                let texts: Vec<String> = found.into_iter().map(text_of).collect();
                if texts.is_empty() { "<none>".to_owned() } else { texts.join(",") }
            }));
        }
        table
    }
}

/// Splits at commas that are not in brackets.
fn split(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_headers_with_paths() {
        let columns = CustomColumns::parse("NAME:.metadata.name,ALL:.spec.c[0,1],X:spec.nope").unwrap();
        let object = json!({"metadata": {"name": "a"}, "spec": {"c": [1, 2]}});
        assert_eq!(
            columns.table(std::slice::from_ref(&object)).render(),
            "NAME   ALL   X\na      1,2   <none>\n"
        );
        let columns = CustomColumns::parse_file("NAME  C\n.metadata.name  {.spec.c[1]}\n").unwrap();
        assert_eq!(columns.table(&[object]).render(), "NAME   C\na      2\n");
        assert_eq!(CustomColumns::parse(""), Err(ColumnsError::Nothing));
        assert!(matches!(CustomColumns::parse("NAME"), Err(ColumnsError::NoPath { .. })));
    }
}
