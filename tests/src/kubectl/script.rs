//! The files that hold scripts.

use std::path::Path;

use anyhow::{Context as _, ensure};

const EXTENSION: &str = "kubectl";
const COMMAND: &str = "$ ";
const COMMENT: &str = "# ";
const DIFFERS: &str = "# differs: ";

/// Commands for bash that use kubectl.
///
/// A line that starts with `$ ` begins a command, which ends before the next one, a comment (`# `) or an empty line. A comment
/// `# differs: REASON` says why a real server answers the next command differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub name: String,
    pub blocks: Vec<Block>,
}

/// One command of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Comments before the command.
    pub comment: Vec<String>,
    pub command: String,
    /// Why a real server answers differently.
    pub differs: Option<String>,
}

/// Reads all scripts of a directory, by name.
///
/// # Errors
/// When the directory or a script cannot be read.
pub fn all(directory: &Path) -> anyhow::Result<Vec<Script>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    paths.sort();
    paths.iter().map(|path| Script::read(path)).collect()
}

impl Script {
    /// Reads a script from a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no script.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text).with_context(|| format!("in {}", path.display()))
    }

    /// Parses a script.
    ///
    /// # Errors
    /// When there is a line outside of a command.
    pub fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let mut blocks = Vec::new();
        let mut next = Block::default();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(command) = line.strip_prefix(COMMAND) {
                finish(&mut blocks, &mut next);
                command.clone_into(&mut next.command);
            } else if let Some(reason) = line.strip_prefix(DIFFERS) {
                finish(&mut blocks, &mut next);
                next.differs = Some(reason.to_owned());
            } else if let Some(comment) = line.strip_prefix(COMMENT) {
                finish(&mut blocks, &mut next);
                next.comment.push(comment.to_owned());
            } else if line.is_empty() {
                finish(&mut blocks, &mut next);
            } else {
                ensure!(!next.command.is_empty(), "line {number} belongs to no command: {line}");
                next.command.push('\n');
                next.command.push_str(line);
            }
        }
        finish(&mut blocks, &mut next);
        Ok(Self { name: name.to_owned(), blocks })
    }
}

fn finish(blocks: &mut Vec<Block>, next: &mut Block) {
    if !next.command.is_empty() {
        blocks.push(std::mem::take(next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(comment: &[&str], command: &str, differs: Option<&str>) -> Block {
        Block {
            comment: comment.iter().map(|&line| line.to_owned()).collect(),
            command: command.to_owned(),
            differs: differs.map(str::to_owned),
        }
    }

    #[test]
    fn commands_take_lines_until_the_next_command_or_comment() {
        let text = "# Title.\n\n$ a <<EOF\nx\nEOF\n$ b\n# differs: clocks\n$ c\n";
        let script = Script::parse("s", text).unwrap();
        assert_eq!(
            script.blocks,
            [
                block(&["Title."], "a <<EOF\nx\nEOF", None),
                block(&[], "b", None),
                block(&[], "c", Some("clocks"))
            ]
        );
    }

    #[test]
    fn a_line_outside_of_a_command_is_refused() {
        let error = Script::parse("s", "$ a\n\nb\n").unwrap_err();
        assert_eq!(error.to_string(), "line 3 belongs to no command: b");
    }
}
