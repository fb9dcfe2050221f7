//! Reads what a shared object or daemon says of itself: Slurm's plugin symbols, what it needs, what it gives.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use object::read::elf::{Dyn, FileHeader};
use object::{Object, ObjectSegment, ObjectSymbol};
use thiserror::Error;

/// Why a file says nothing.
#[derive(Debug, Error)]
pub enum ElfError {
    /// It cannot be read.
    #[error("cannot read {path}: check that it is installed and readable")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no shared object or program of this machine.
    #[error("{path} is no ELF file of this machine: build or install it again")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: object::Error,
    },
}

/// What a shared object exports, imports and needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElfFacts {
    /// Slurm's `plugin_type`, as in `job_submit/bursar`.
    pub plugin_type: Option<String>,
    /// Slurm's `plugin_name`, a sentence.
    pub plugin_name: Option<String>,
    /// Slurm's `plugin_version`, as in 0x160508 for 22.05.8.
    pub plugin_version: Option<u32>,
    /// The names it defines for others.
    pub defined: BTreeSet<String>,
    /// The names it must find elsewhere, weak ones left out.
    pub undefined: BTreeSet<String>,
    /// The libraries it names (DT_NEEDED).
    pub needed: Vec<String>,
}

impl ElfFacts {
    /// Reads `path`.
    pub fn read(path: &Path) -> Result<Self, ElfError> {
        let data = std::fs::read(path).map_err(|source| ElfError::Read { path: path.to_owned(), source })?;
        Self::parse(&data).map_err(|source| ElfError::Format { path: path.to_owned(), source })
    }

    fn parse(data: &[u8]) -> Result<Self, object::Error> {
        let file = object::read::elf::ElfFile64::<object::Endianness>::parse(data)?;
        let mut facts = Self { needed: needed(data)?, ..Self::default() };
        for symbol in file.dynamic_symbols() {
            let name = symbol.name()?;
            if name.is_empty() {
                continue;
            }
            if symbol.is_undefined() {
                if !symbol.is_weak() {
                    facts.undefined.insert(name.to_owned());
                }
                continue;
            }
            let value =
                || file.segments().find_map(|part| part.data_range(symbol.address(), symbol.size()).ok().flatten());
            match name {
                "plugin_version" => {
                    facts.plugin_version =
                        value().and_then(|bytes| bytes.first_chunk()).map(|b| u32::from_le_bytes(*b));
                }
                "plugin_type" => facts.plugin_type = value().map(text),
                "plugin_name" => facts.plugin_name = value().map(text),
                _ => {}
            }
            facts.defined.insert(name.to_owned());
        }
        Ok(facts)
    }
}

/// The text of a C string constant.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).into_owned()
}

fn needed(data: &[u8]) -> Result<Vec<String>, object::Error> {
    let header = object::elf::FileHeader64::<object::Endianness>::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let mut names = Vec::new();
    if let Some((entries, link)) = sections.dynamic(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        for entry in entries {
            if entry.tag(endian) == object::elf::DT_NEEDED {
                names.push(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_this_very_program_then_its_needs_are_read() {
        let facts = ElfFacts::read(&std::env::current_exe().unwrap()).unwrap();
        assert!(facts.needed.iter().any(|name| name.starts_with("libc.so")), "{:?}", facts.needed);
        assert!(!facts.undefined.is_empty());
        assert_eq!(facts.plugin_version, None);
    }

    #[test]
    fn given_a_file_that_is_no_program_then_the_error_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.so");
        std::fs::write(&path, b"\x7fELF garbage").unwrap();
        assert!(matches!(ElfFacts::read(&path), Err(ElfError::Format { .. })));
        assert!(matches!(ElfFacts::read(&dir.path().join("y.so")), Err(ElfError::Read { .. })));
    }
}
