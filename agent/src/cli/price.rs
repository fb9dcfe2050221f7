//! `bursar price`: sends another rate card along with the question what a month comes to by it.

use std::io;

use crate::wire::{Query, Request};

/// Why a card is not sent.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// No file is named.
    #[error("price needs the other rate card: bursar price --dry-run FILE")]
    NoFile,
    /// It cannot be read.
    #[error("cannot read {name}")]
    Read {
        /// The file.
        name: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// The question of `query`, with the text of the file that it names.
pub(super) fn request(query: &Query) -> Result<Request, PriceError> {
    let name = query.filter.one("file").ok_or(PriceError::NoFile)?;
    let card = std::fs::read_to_string(name).map_err(|source| PriceError::Read { name: name.to_owned(), source })?;
    Ok(Request::Price { query: query.clone(), file: name.to_owned(), card })
}
