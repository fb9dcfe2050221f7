//! What is wrong in a file: where, at which key, and what to do.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One problem of a configuration or directory file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The key with the tables above it, as in `account[2].parent`; tables of an array are counted from 1.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Gathers the problems of one file, turning byte offsets into lines.
#[derive(Debug)]
pub(crate) struct Problems {
    file: PathBuf,
    line_starts: Vec<usize>,
    list: RefCell<Vec<Problem>>,
}

impl Problems {
    pub(crate) fn new(file: &Path, text: &str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_newlines).collect();
        Self { file: file.to_owned(), line_starts, list: RefCell::default() }
    }

    pub(crate) fn add(&self, at: &Range<usize>, key: &str, message: impl Into<String>) {
        let line = self.line(at.start);
        let (file, key) = (self.file.clone(), key.to_owned());
        self.list.borrow_mut().push(Problem { file, line, key, message: message.into() });
    }

    pub(crate) fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The problems by line, each once.
    pub(crate) fn finish(self) -> Vec<Problem> {
        let mut list = self.list.into_inner();
        list.sort();
        list.dedup();
        list
    }
}
