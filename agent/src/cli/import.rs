//! `bursar import usage`: reads a dump of sacct line by line and hands it to the daemon part by part.
//!
//! Memory does not grow with the file. Every part is kept with how far the file has come, so an import that was
//! interrupted goes on where it stopped when the same command is given again.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::entity::command::IMPORT_USAGE;
use crate::import::{Columns, FieldsError};
use crate::wire::import::{Dump, Imported, Part};
use crate::wire::{Cell, Query, Request, Response, Table, Values};

/// The bytes of lines in one part; JSON makes them some more, and a request may have 1 MiB.
const PART: usize = 500 << 10;
/// A line that is longer is cut there: no row of sacct is.
const LONGEST: usize = 256 << 10;
/// The bytes of a file that it is known again by.
const HEAD: u64 = 64 << 10;
/// How often the progress is told.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Why a dump is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Its columns are not understood.
    #[error("{name}: {source}")]
    Columns {
        /// The file.
        name: String,
        /// Why.
        source: FieldsError,
    },
    /// No file is named.
    #[error("import usage needs a file: bursar import usage FILE, or - for what comes on stdin")]
    NoFile,
    /// The separator is more than one character.
    #[error("`{0}` is no separator; write one character, tab, or us for the ASCII unit separator")]
    Separator(String),
}

/// Imports the file that `query` names; `ask` sends a request to the daemon.
///
/// Gives the last answer: what came of it all, or why the daemon stopped.
pub(super) fn import<E: From<ImportError>>(
    query: &Query,
    mut ask: impl FnMut(&Request) -> Result<Response, E>,
    told: &mut dyn Write,
) -> Result<Response, E> {
    let values = &query.filter;
    let name = values.one("file").ok_or(ImportError::NoFile)?;
    let mut source = Source::open(name)?;
    let dump = source.dump(values)?;
    let begun = ask(&Request::Import { dump: dump.clone(), part: Part { from: 0, lines: Vec::new(), last: false } })?;
    let Response::Imported(before) = begun else { return Ok(begun) };
    source.skip_to(before.bytes)?;
    let mut total = Imported::default();
    let mut told_at = Instant::now();
    loop {
        let part = source.part()?;
        let (last, end) = (part.last, part.from.saturating_add(part.lines.iter().map(|(length, _)| length).sum()));
        if part.lines.is_empty() && part.from > 0 {
            break;
        }
        let answer = ask(&Request::Import { dump: dump.clone(), part })?;
        let Response::Imported(imported) = answer else { return Ok(answer) };
        total += imported;
        if last {
            break;
        }
        source.go_back(end.saturating_sub(imported.bytes));
        if told_at.elapsed() >= TOLD_EVERY {
            told_at = Instant::now();
            // Nobody is left to be told when stderr is closed.
            let _ = writeln!(told, "{} rows{}", total.rows, source.percent());
        }
    }
    let table = Table::build(&IMPORT_USAGE, &query.fields, "UTC", [total], cell);
    let mut notes = Vec::new();
    if before.bytes > 0 && total.rows == 0 {
        notes.push(format!("{name} was imported before; nothing is new in it"));
    } else if before.bytes > 0 {
        notes.push(format!("went on after the first {} bytes of {name}, which were imported before", before.bytes));
    }
    if total.set_aside > 0 {
        notes.push(format!("{} rows cannot be read and are kept aside; see bursar show set-aside", total.set_aside));
    }
    Ok(Response::Table { table, notes })
}

fn cell(total: &Imported, field: &str) -> Cell {
    Cell::Count(match field {
        "rows" => total.rows,
        "added" => total.added,
        "changed" => total.changed,
        "known" => total.known,
        "not-ended" => total.not_ended,
        "steps" => total.steps,
        "set-aside" => total.set_aside,
        _ => return Cell::Absent,
    })
}

/// A file, or stdin, that is read once from front to back.
struct Source {
    name: String,
    reader: BufReader<Box<dyn Reading>>,
    /// The file's length; stdin has none.
    length: Option<u64>,
    /// What the file is known again by, from its first bytes.
    digest: DefaultHasher,
    /// Lines that were read and not yet taken in.
    waiting: std::collections::VecDeque<(u64, String)>,
    /// Where the first of them begins.
    at: u64,
    /// Lines of the last part, should some have to come again.
    sent: Vec<(u64, String)>,
    ended: bool,
}

trait Reading: Read + Send {
    fn skip(&mut self, to: u64) -> io::Result<()>;
}

impl Reading for File {
    fn skip(&mut self, to: u64) -> io::Result<()> {
        self.seek(SeekFrom::Start(to)).map(drop)
    }
}

impl Reading for io::Stdin {
    fn skip(&mut self, to: u64) -> io::Result<()> {
        io::copy(&mut self.take(to), &mut io::sink()).map(drop)
    }
}

impl Source {
    fn open(name: &str) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Read { name: name.to_owned(), source };
        let mut digest = DefaultHasher::new();
        let (reader, length): (Box<dyn Reading>, _) = if name == "-" {
            (Box::new(io::stdin()), None)
        } else {
            let mut file = File::open(Path::new(name)).map_err(failed)?;
            let facts = file.metadata().map_err(failed)?;
            let mut head = Vec::new();
            Read::by_ref(&mut file).take(HEAD).read_to_end(&mut head).map_err(failed)?;
            file.skip(0).map_err(failed)?;
            (head, facts.len(), facts.modified().ok()).hash(&mut digest);
            (Box::new(file), Some(facts.len()))
        };
        let reader = BufReader::with_capacity(256 << 10, reader);
        let name = name.to_owned();
        let (waiting, sent) = (std::collections::VecDeque::new(), Vec::new());
        Ok(Self { name, reader, length, digest, waiting, at: 0, sent, ended: false })
    }

    /// What is said of the dump with each part; reads its header unless the caller names the columns.
    fn dump(&mut self, values: &Values) -> Result<Dump, ImportError> {
        let cluster = values.one("cluster").map(str::to_owned);
        let name = self.name.clone();
        let wrong = |source| ImportError::Columns { name: name.clone(), source };
        let separator = separator(values.one("separator"))?;
        let (columns, separator) = if values.has("fields") {
            (values.list("fields").to_vec(), separator.unwrap_or('|'))
        } else {
            let Some((length, line)) = self.line()? else { return Err(wrong(FieldsError::NoHeader)) };
            let columns = Columns::of_header(&line, cluster.is_some()).map_err(wrong)?;
            let separator = separator.unwrap_or(columns.separator());
            self.at = length;
            (line.trim_end_matches(separator).split(separator).map(str::to_owned).collect(), separator)
        };
        Columns::of(columns.iter().map(String::as_str), separator, cluster.is_some()).map_err(wrong)?;
        let zone = values.one("time-zone").map(str::to_owned);
        (&columns, separator, &cluster, &zone).hash(&mut self.digest);
        // What comes on stdin cannot be known again: it is another file each time.
        let digest = match self.length {
            Some(_) => format!("{:016x}", self.digest.finish()),
            None => format!("stdin {:?}", std::time::SystemTime::now()),
        };
        Ok(Dump { name: self.name.clone(), digest, columns, separator, cluster, zone })
    }

    fn skip_to(&mut self, bytes: u64) -> Result<(), ImportError> {
        if bytes > self.at && self.length.is_some() {
            // What the reader holds already is of the bytes before.
            let skipped = self.reader.get_mut().skip(bytes);
            skipped.map_err(|source| ImportError::Read { name: self.name.clone(), source })?;
            let held = self.reader.buffer().len();
            self.reader.consume(held);
            self.at = bytes;
        }
        Ok(())
    }

    /// The next lines, as many as one request takes.
    fn part(&mut self) -> Result<Part, ImportError> {
        let from = self.at;
        let mut lines = Vec::new();
        let mut bytes = 0;
        while bytes < PART {
            let next = match self.waiting.pop_front() {
                Some(line) => Some(line),
                None => self.line()?,
            };
            let Some((length, line)) = next else { break };
            bytes += line.len();
            self.at = self.at.saturating_add(length);
            lines.push((length, line));
        }
        self.sent.clone_from(&lines);
        Ok(Part { from, lines, last: self.ended && self.waiting.is_empty() })
    }

    /// Puts back the last lines that were sent, as many as have these bytes.
    fn go_back(&mut self, mut bytes: u64) {
        while bytes > 0 {
            let Some((length, line)) = self.sent.pop() else { return };
            bytes = bytes.saturating_sub(length);
            self.at = self.at.saturating_sub(length);
            self.waiting.push_front((length, line));
        }
    }

    /// The next line and its bytes with the line break; bytes that are no UTF-8 become U+FFFD.
    fn line(&mut self) -> Result<Option<(u64, String)>, ImportError> {
        let mut bytes = Vec::new();
        let mut read = 0;
        loop {
            let limit = u64::try_from(LONGEST.saturating_sub(bytes.len())).unwrap_or(0);
            let mut rest = Vec::new();
            // Beyond the longest row the bytes are read and dropped.
            let target = if limit > 0 { &mut bytes } else { &mut rest };
            let got = self.reader.by_ref().take(limit.max(1 << 16)).read_until(b'\n', target);
            let got = got.map_err(|source| ImportError::Read { name: self.name.clone(), source })?;
            read += got;
            let ends = target.last() == Some(&b'\n');
            if got == 0 {
                self.ended = true;
            }
            if ends || got == 0 {
                break;
            }
        }
        if read == 0 {
            return Ok(None);
        }
        while matches!(bytes.last(), Some(b'\n' | b'\r')) {
            bytes.pop();
        }
        let length = u64::try_from(read).unwrap_or(u64::MAX);
        Ok(Some((length, String::from_utf8_lossy(&bytes).into_owned())))
    }

    fn percent(&self) -> String {
        match self.length {
            Some(length) if length > 0 => format!(", {} % of {}", self.at.saturating_mul(100) / length, self.name),
            _ => String::new(),
        }
    }
}

fn separator(text: Option<&str>) -> Result<Option<char>, ImportError> {
    let Some(text) = text else { return Ok(None) };
    match text {
        "tab" => Ok(Some('\t')),
        "us" => Ok(Some('\u{1f}')),
        _ => {
            let mut all = text.chars();
            match (all.next(), all.next()) {
                (Some(only), None) => Ok(Some(only)),
                _ => Err(ImportError::Separator(text.to_owned())),
            }
        }
    }
}
