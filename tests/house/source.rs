//! One source file, as the rules of the house read it.
//!
//! Shape   `code` is the text with comments, strings and characters blanked, so that a word in
//!         them breaks no rule; `text` keeps the strings. Both have the length of the file, so a
//!         place in one is the same place in the other.

use std::fs;
use std::path::{Path, PathBuf};

/// A file below the top of the house.
pub struct Source {
    /// Its path from the top, with `/` between the names.
    pub path: String,
    /// The text without what comments say.
    pub text: String,
    /// The text without what comments and strings say.
    pub code: String,
}

/// Something that the house does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What was found and what was wanted.
    pub says: String,
}

impl Source {
    /// The file at `path` with the text `raw`.
    pub fn new(path: &str, raw: &str) -> Source {
        let (text, code) = blank(raw);
        Source { path: path.to_owned(), text, code }
    }

    /// Every Rust file below `folders` of `top`, in the order of their paths.
    pub fn all(top: &Path, folders: &[&str]) -> Vec<Source> {
        let mut paths: Vec<PathBuf> = Vec::new();
        for folder in folders {
            walk(&top.join(folder), &mut paths);
        }
        paths.sort();
        let source = |path: &PathBuf| {
            let below = path.strip_prefix(top).unwrap();
            let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
            Source::new(&names.join("/"), &fs::read_to_string(path).unwrap())
        };
        paths.iter().map(source).collect()
    }

    /// The number of lines.
    pub fn n_lines(&self) -> usize {
        self.code.lines().count()
    }

    /// A fault at the byte `at`.
    pub fn fault(&self, at: usize, says: impl Into<String>) -> Fault {
        let line = 1 + self.code[..at].matches('\n').count();
        Fault { path: self.path.clone(), line, says: says.into() }
    }

    /// Where `word` stands in the code as a word of its own: no name goes on at either end.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let free = |byte: Option<&u8>| !byte.is_some_and(|byte| is_name(*byte));
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let bytes = self.code.as_bytes();
            let (first, last) = (bytes[*at], bytes[at + word.len() - 1]);
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            (!is_name(first) || free(before))
                && (!is_name(last) || free(bytes.get(at + word.len())))
        })
    }
}

/// Whether `byte` may stand in a name.
pub fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The name that begins at `at`, empty if none does.
pub fn name_at(code: &str, at: usize) -> &str {
    let rest = &code[at..];
    let end = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
    &rest[..end]
}

/// The place after the bracket that closes the one at `open`, or the end.
pub fn after_closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "target") {
            walk(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            paths.push(path);
        }
    }
}

/// What the scanner is in the middle of.
enum Inside {
    Code,
    Line,
    Block(usize),
    Text,
    RawText(usize),
}

/// The text without comments, and without comments and strings.
fn blank(raw: &str) -> (String, String) {
    let bytes = raw.as_bytes();
    let (mut text, mut code) = (bytes.to_vec(), bytes.to_vec());
    let (mut inside, mut at) = (Inside::Code, 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let mut wide = 1;
        match &mut inside {
            Inside::Code => {
                (inside, wide) = open(bytes, at);
                if matches!(inside, Inside::Line | Inside::Block(_)) {
                    hide(&mut text, at, wide);
                }
                if !matches!(inside, Inside::Code) || rest[0] == b'\'' {
                    hide(&mut code, at, wide);
                }
            }
            Inside::Line => {
                hide(&mut text, at, 1);
                hide(&mut code, at, 1);
                if rest[0] == b'\n' {
                    inside = Inside::Code;
                }
            }
            Inside::Block(depth) => {
                let (opens, closes) = (rest.starts_with(b"/*"), rest.starts_with(b"*/"));
                wide = if opens || closes { 2 } else { 1 };
                *depth = *depth + usize::from(opens) - usize::from(closes);
                let ended = *depth == 0;
                hide(&mut text, at, wide);
                hide(&mut code, at, wide);
                if ended {
                    inside = Inside::Code;
                }
            }
            Inside::Text => {
                wide = if rest[0] == b'\\' { 2.min(rest.len()) } else { 1 };
                hide(&mut code, at, wide);
                if rest[0] == b'"' {
                    inside = Inside::Code;
                }
            }
            Inside::RawText(n_marks) => {
                let ended = rest[0] == b'"'
                    && rest[1..].iter().take(*n_marks).filter(|mark| **mark == b'#').count()
                        == *n_marks;
                wide = if ended { 1 + *n_marks } else { 1 };
                hide(&mut code, at, wide);
                if ended {
                    inside = Inside::Code;
                }
            }
        }
        at += wide;
    }
    (String::from_utf8(text).unwrap(), String::from_utf8(code).unwrap())
}

/// What begins at `at` in the midst of code, and how many bytes its beginning has.
fn open(bytes: &[u8], at: usize) -> (Inside, usize) {
    let rest = &bytes[at..];
    let in_name = at.checked_sub(1).is_some_and(|before| is_name(bytes[before]));
    match rest {
        [b'/', b'/', ..] => (Inside::Line, 2),
        [b'/', b'*', ..] => (Inside::Block(1), 2),
        [b'"', ..] => (Inside::Text, 1),
        [b'r', ..] | [b'b', b'r', ..] if !in_name => {
            let prefix = if rest[0] == b'b' { 2 } else { 1 };
            let n_marks = rest[prefix..].iter().take_while(|mark| **mark == b'#').count();
            match rest.get(prefix + n_marks) {
                Some(b'"') => (Inside::RawText(n_marks), prefix + n_marks + 1),
                _ => (Inside::Code, 1),
            }
        }
        // A character; what else begins so is a lifetime.
        [b'\'', b'\\', _, tail @ ..] => {
            let end = tail.iter().position(|byte| *byte == b'\'').unwrap_or(0);
            (Inside::Code, 4 + end)
        }
        [b'\'', tail @ ..] => {
            let wide = tail.iter().skip(1).take(4).position(|byte| *byte == b'\'');
            let one = std::str::from_utf8(&tail[..wide.map_or(0, |wide| wide + 1)]);
            match one.map(|one| one.chars().count()) {
                Ok(1) => (Inside::Code, wide.unwrap_or(0) + 3),
                _ => (Inside::Code, 1),
            }
        }
        _ => (Inside::Code, 1),
    }
}

/// Blanks `wide` bytes at `at`; the ends of lines stay.
fn hide(bytes: &mut [u8], at: usize, wide: usize) {
    for byte in bytes.iter_mut().skip(at).take(wide).filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}
