//! Tables as kubectl prints them: upper-case headings, columns three blanks apart.

/// Rows under headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Column widths that only grow, so that rows printed later line up with those above.
#[derive(Clone, Debug, Default)]
pub struct Widths(Vec<usize>);

impl Table {
    /// A table with these headings and no rows.
    pub fn new<S: Into<String>>(columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; cells beyond the headings are kept, missing ones are blank.
    pub fn push<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Returns headings and rows as text, each line ended.
    pub fn render(&self) -> String {
        self.render_with(&mut Widths::default(), Heading::Shown)
    }

    /// Returns the table as text, no column narrower than in `widths`, which is updated.
    pub fn render_with(&self, widths: &mut Widths, heading: Heading) -> String {
        let head = match heading {
            Heading::Shown => Some(&self.columns),
            Heading::Hidden => None,
        };
        let lines: Vec<&Vec<String>> = head.into_iter().chain(&self.rows).collect();
        for line in &lines {
            for (index, cell) in line.iter().enumerate() {
                let width = cell.chars().count();
                match widths.0.get_mut(index) {
                    Some(known) => *known = (*known).max(width),
                    None => widths.0.push(width),
                }
            }
        }
        let mut text = String::new();
        for line in lines {
            let start = text.len();
            for (cell, width) in line.iter().zip(&widths.0) {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width + 3 - cell.chars().count()));
            }
            let end = text.trim_end_matches(' ').len().max(start);
            text.truncate(end);
            text.push('\n');
        }
        text
    }
}

/// Whether the headings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heading {
    Shown,
    Hidden,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_have_no_trailing_blanks() {
        let mut table = Table::new(["NAME", "CLUSTER"]);
        table.push(["web", "member1"]);
        table.push(["a-long-name", ""]);
        assert_eq!(table.render(), "NAME          CLUSTER\nweb           member1\na-long-name\n");
    }

    #[test]
    fn rows_printed_later_keep_the_widths_of_those_above() {
        let mut widths = Widths::default();
        let mut table = Table::new(["NAME", "AGE"]);
        table.push(["a-long-name", "1s"]);
        table.render_with(&mut widths, Heading::Shown);
        table.rows = vec![vec!["b".into(), "2s".into()]];
        assert_eq!(table.render_with(&mut widths, Heading::Hidden), "b             2s\n");
    }
}
