//! Reads `format=FIELD%WIDTH,…`: which fields, in which order and how wide.

use super::amount;
use super::entity::Schema;
use super::grammar::UsageError;
use super::keyword::{self, Mismatch};
use crate::wire::request::RequestError;

/// A field that `format=` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The field's name.
    pub field: String,
    /// The width, when it was given; negative is flush left.
    pub width: Option<i16>,
}

/// The fields in their order; empty for the defaults.
pub type Layout = Vec<Formatted>;

const WIDEST: u64 = 1_000;

/// The fields of `schema` that `text`, the right side of `format=`, names.
pub(super) fn parse(text: &str, schema: &'static Schema, command: &str) -> Result<Layout, UsageError> {
    text.split(',')
        .map(|part| {
            let (word, width) = match part.split_once('%') {
                Some((word, width)) => {
                    (word, Some(parse_width(width).ok_or_else(|| UsageError::Width(part.to_owned()))?))
                }
                None => (part, None),
            };
            let field = keyword::resolve(word, schema.fields.iter().map(|field| (field.name, field.name)));
            match field {
                Ok(field) => Ok(Formatted { field: field.to_owned(), width }),
                Err(Mismatch::Unknown) => Err(RequestError::unknown_field(word, schema, command).into()),
                Err(Mismatch::Ambiguous(several)) => {
                    Err(UsageError::Ambiguous { what: "field", word: word.to_owned(), candidates: several.join(", ") })
                }
            }
        })
        .collect()
}

fn parse_width(text: &str) -> Option<i16> {
    let (flush_left, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text),
    };
    let width = amount::digits(number).filter(|width| (1..=WIDEST).contains(width))?;
    let width = i16::try_from(width).ok()?;
    Some(if flush_left { -width } else { width })
}
