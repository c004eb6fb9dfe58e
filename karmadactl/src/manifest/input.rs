//! From paths to texts: files, directories, stdin, with limits.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::node::Location;
use super::problem::ReadProblem;

/// How stdin is called in messages.
const STDIN: &str = "STDIN";
/// Most bytes of one file or of stdin.
pub const MAX_FILE_BYTES: u64 = 64 * MEBIBYTE;
/// Most bytes of all input together.
pub const MAX_TOTAL_BYTES: u64 = 128 * MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;

/// One text and what the user calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The path as the user would type it.
    pub origin: String,
    pub text: String,
}

/// Whether directories below a directory are read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subdirectories {
    Read,
    Skipped,
}

/// Collects texts; every file is read once, however often it is named.
#[derive(Debug)]
pub struct InputReader {
    subdirectories: Subdirectories,
    inputs: Vec<Input>,
    problems: Vec<ReadProblem>,
    seen: HashSet<PathBuf>,
    total: u64,
}

impl InputReader {
    /// A reader that has read nothing.
    pub fn new(subdirectories: Subdirectories) -> Self {
        Self { subdirectories, inputs: Vec::new(), problems: Vec::new(), seen: HashSet::new(), total: 0 }
    }

    /// Reads a file, a directory or, for `-`, stdin.
    ///
    /// Of a directory the files ending in `.yaml`, `.yml` and `.json` are read in the order of their names. What is
    /// hidden (starts with a dot) is left out. Links are followed, once.
    pub fn read(&mut self, path: &Path) {
        if path.as_os_str() == "-" {
            if self.seen.insert(PathBuf::from("-")) {
                self.read_from(STDIN.to_owned(), &mut io::stdin().lock());
            }
            return;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let before = self.inputs.len() + self.problems.len();
                self.read_directory(path);
                if self.inputs.len() + self.problems.len() == before {
                    let problem = ReadProblem::of_file(
                        path.display().to_string(),
                        "the directory has no .yaml, .yml or .json file",
                    );
                    self.problems.push(problem);
                }
            }
            Ok(_) => self.read_file(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let problem = ReadProblem::of_file(path.display().to_string(), "the path does not exist");
                self.problems.push(problem);
            }
            Err(error) => self.refuse(path, &error),
        }
    }

    /// Returns what was read and what could not be.
    pub fn finish(self) -> (Vec<Input>, Vec<ReadProblem>) {
        (self.inputs, self.problems)
    }

    fn refuse(&mut self, path: &Path, error: &io::Error) {
        let problem =
            ReadProblem::of_file(path.display().to_string(), format!("it cannot be read: {}", reason(error)));
        self.problems.push(problem);
    }

    /// Reads a directory and, with a stack of its own, those below it.
    fn read_directory(&mut self, directory: &Path) {
        let mut waiting = vec![directory.to_owned()];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                // A link may lead back to a directory that is read already.
                let is_new = fs::canonicalize(&path).is_ok_and(|real| self.seen.insert(real));
                if !is_new {
                    continue;
                }
                match entries(&path) {
                    Ok(entries) => waiting.extend(entries.into_iter().rev().filter(|entry| {
                        path == directory || self.subdirectories == Subdirectories::Read || !entry.is_dir()
                    })),
                    Err(error) => self.refuse(&path, &error),
                }
                if self.subdirectories == Subdirectories::Skipped {
                    waiting.retain(|entry| !entry.is_dir());
                }
            } else if is_manifest(&path) {
                self.read_file(&path);
            }
        }
    }

    fn read_file(&mut self, path: &Path) {
        // What has no real path (a pipe) is another one each time.
        if fs::canonicalize(path).is_ok_and(|real| !self.seen.insert(real)) {
            return;
        }
        match File::open(path) {
            Ok(mut file) => {
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                if size > MAX_FILE_BYTES {
                    return self.too_large(path.display().to_string(), Some(size));
                }
                self.read_from(path.display().to_string(), &mut file);
            }
            Err(error) => self.refuse(path, &error),
        }
    }

    fn read_from(&mut self, origin: String, source: &mut dyn Read) {
        let mut bytes = Vec::new();
        if let Err(error) = source.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
            return self.refuse(Path::new(&origin), &error);
        }
        let size = bytes.len() as u64;
        if size > MAX_FILE_BYTES {
            return self.too_large(origin, None);
        }
        self.total += size;
        if self.total > MAX_TOTAL_BYTES {
            // Said once: every further file is beyond the limit too.
            if self.total - size <= MAX_TOTAL_BYTES {
                let message = format!(
                    "with it the input has more than {} MiB; that is the limit",
                    MAX_TOTAL_BYTES / MEBIBYTE
                );
                self.problems.push(ReadProblem::of_file(origin, message));
            }
            return;
        }
        match text(bytes) {
            Ok(text) => self.inputs.push(Input { origin, text }),
            Err(problem) => self.problems.push(ReadProblem { origin, ..problem }),
        }
    }

    fn too_large(&mut self, origin: String, size: Option<u64>) {
        let limit = MAX_FILE_BYTES / MEBIBYTE;
        let message = match size {
            Some(size) => {
                format!("the file has {} MiB; the limit is {limit} MiB", size.div_ceil(MEBIBYTE))
            }
            None => format!("there is more than {limit} MiB in it; that is the limit"),
        };
        self.problems.push(ReadProblem::of_file(origin, message).with_hint("split it into smaller files"));
    }
}

/// Returns the entries of a directory that are not hidden, in the order of their names.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Whether a file of a directory is read.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let wanted = ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known));
    // A link to nothing is named, a pipe or a device in a directory is not waited for.
    wanted && fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

/// Takes bytes for UTF-8, without a byte order mark.
fn text(bytes: Vec<u8>) -> Result<String, ReadProblem> {
    let problem = |location, message: &str| ReadProblem {
        origin: String::new(),
        location,
        message: message.to_owned(),
        hint: Some("save it as UTF-8".to_owned()),
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(problem(None, "the text is UTF-16, not UTF-8"));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.split(|byte| *byte == b'\n').skip(1).count();
        let start = valid.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let column = 1 + String::from_utf8_lossy(&valid[start..]).chars().count();
        let location = Location { line: line as u64, column: column as u64 };
        problem(Some(location), "the text is not UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Returns the reason of an error as users know it, without Rust's number behind it.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or(&text);
    reason[..1].to_lowercase() + &reason[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> (Vec<Input>, Vec<ReadProblem>) {
        let mut reader = InputReader::new(Subdirectories::Read);
        reader.read(path);
        reader.finish()
    }

    fn names(directory: &Path, inputs: &[Input]) -> Vec<String> {
        let prefix = format!("{}/", directory.display());
        inputs.iter().map(|input| input.origin.replace(&prefix, "")).collect()
    }

    #[test]
    fn directories_are_read_in_order_without_hidden_files_and_each_file_once() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path();
        for name in
            ["b/z.yml", "b/.hidden.yaml", ".git/c.yaml", "a.YAML", "c.json", "README.md", "b/deep/er/d.yaml"]
        {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        std::os::unix::fs::symlink(root.join("c.json"), root.join("z.json")).unwrap();
        let (inputs, problems) = read(root);
        assert_eq!(problems, []);
        assert_eq!(names(root, &inputs), ["a.YAML", "b/deep/er/d.yaml", "b/z.yml", "c.json"]);

        let mut reader = InputReader::new(Subdirectories::Skipped);
        reader.read(root);
        reader.read(&root.join("a.YAML"));
        assert_eq!(names(root, &reader.finish().0), ["a.YAML", "c.json"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let message = |name: &str| {
            let (inputs, problems) = read(&path(name));
            assert_eq!((inputs.len(), problems.len()), (0, 1), "{name}: {problems:?}");
            problems[0].to_string().replace(&format!("{}/", home.path().display()), "")
        };
        fs::create_dir(path("empty")).unwrap();
        std::os::unix::fs::symlink(path("nowhere"), path("empty/dangling.yaml")).unwrap();
        assert_eq!(message("empty"), "empty/dangling.yaml: it cannot be read: no such file or directory");
        fs::remove_file(path("empty/dangling.yaml")).unwrap();
        assert_eq!(message("empty"), "empty: the directory has no .yaml, .yml or .json file");
        assert_eq!(message("absent"), "absent: the path does not exist");
        fs::write(path("latin.yaml"), b"a: 1\nb: \xe9\n").unwrap();
        assert_eq!(message("latin.yaml"), "latin.yaml:2:4: the text is not UTF-8");
        fs::write(path("wide.yaml"), b"\xff\xfea\0").unwrap();
        assert_eq!(message("wide.yaml"), "wide.yaml: the text is UTF-16, not UTF-8");
        // Sparse: nothing of it is on the disk or in memory.
        File::create(path("large.yaml")).unwrap().set_len(100 * MEBIBYTE).unwrap();
        assert_eq!(message("large.yaml"), "large.yaml: the file has 100 MiB; the limit is 64 MiB");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(text(b"\xef\xbb\xbfa: 1".to_vec()).unwrap(), "a: 1");
    }

    #[test]
    fn all_input_together_has_a_limit() {
        let mut reader = InputReader::new(Subdirectories::Read);
        reader.total = MAX_TOTAL_BYTES - 1;
        reader.read_from("a".into(), &mut &b"xy"[..]);
        reader.read_from("b".into(), &mut &b"xy"[..]);
        let problems = reader.finish().1;
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].to_string(), "a: with it the input has more than 128 MiB; that is the limit");
    }
}
