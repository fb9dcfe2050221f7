//! The lines that a site's command prints: `user NAME BYTES [LIMIT]` and `account NAME BYTES [LIMIT]`.
//!
//! Everything else is refused, because a number that was misread shuts people out: blank lines and comments, units,
//! a name that stands twice, a last line without its end. What the command may print is bounded before it is read.

use std::collections::btree_map::Entry;

use super::reading::{Stored, Usages};
use crate::cli::amount::digits;

/// The most lines.
pub const MOST_LINES: usize = 200_000;
/// The longest name, as Slurm's accounts have.
const LONGEST_NAME: usize = 64;
/// How much of a bad line is shown.
const SHOWN: usize = 80;

/// Why an output is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A command that works names somebody.
    #[error("it printed nothing; let it print `user NAME BYTES` for everybody, 0 bytes where there are none")]
    Empty,
    /// More lines than any site has people and accounts.
    #[error("it printed more than {MOST_LINES} lines; let it print one for each person and account")]
    TooMany,
    /// The output stops in the middle of a line.
    #[error("line {0}, its last, has no end; let it end every line, so that a number that was cut off is noticed")]
    Cut(usize),
    /// A line is not of the form.
    #[error("line {line} {why}: \"{text}\"; a line is `user NAME BYTES` or `account NAME BYTES`, a limit may follow")]
    Line {
        /// Its number, counted from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
        /// Its beginning, escaped.
        text: String,
    },
}

/// Reads what a command printed.
pub fn parse(output: &[u8]) -> Result<Usages, FormatError> {
    if output.is_empty() {
        return Err(FormatError::Empty);
    }
    let mut usages = Usages::default();
    for (at, line) in output.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if at >= MOST_LINES {
            return Err(FormatError::TooMany);
        }
        let number = at.saturating_add(1);
        let Some(line) = line.strip_suffix(b"\n") else { return Err(FormatError::Cut(number)) };
        take(&mut usages, line).map_err(|why| {
            let shown = line.get(..SHOWN).unwrap_or(line);
            FormatError::Line { line: number, why, text: shown.escape_ascii().to_string() }
        })?;
    }
    Ok(usages)
}

fn take(usages: &mut Usages, line: &[u8]) -> Result<(), &'static str> {
    let text = std::str::from_utf8(line).ok().filter(|text| text.is_ascii()).ok_or("is no plain ASCII text")?;
    let mut words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    let kind = words.next().ok_or("is blank")?;
    let owners = match kind {
        "user" => &mut usages.people,
        "account" => &mut usages.accounts,
        _ => return Err("begins with neither user nor account"),
    };
    let name = words.next().ok_or("names nobody")?;
    let used = words.next().ok_or("has no number of bytes")?;
    let limit = words.next();
    if words.next().is_some() {
        return Err("has more than four words");
    }
    if name.len() > LONGEST_NAME || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has a name that nobody can have");
    }
    let used = digits(used).ok_or("has bytes that are no whole number below 2^64")?;
    let limit = match limit {
        None => None,
        Some(text) => Some(digits(text).ok_or("has a limit that is no whole number below 2^64")?),
    };
    match owners.entry(name.to_owned()) {
        Entry::Occupied(_) => Err("has a name that stands above"),
        Entry::Vacant(entry) => {
            entry.insert(Stored { used, limit });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn given_lines_of_the_form_then_each_is_taken_in() {
        let usages = parse(b"user ana 12\nuser ben 0 99\naccount physics\t18446744073709551615  7\n").unwrap();
        assert_eq!(usages.people["ana"], Stored { used: 12, limit: None });
        assert_eq!(usages.people["ben"], Stored { used: 0, limit: Some(99) });
        assert_eq!(usages.accounts["physics"], Stored { used: u64::MAX, limit: Some(7) });
    }

    #[test]
    fn given_a_line_of_another_form_then_it_is_refused_by_its_number() {
        for (line, why) in [
            ("", "is blank"),
            ("# ana", "begins with neither user nor account"),
            ("user", "names nobody"),
            ("user ana", "has no number of bytes"),
            ("user ana 12G", "has bytes that are no whole number below 2^64"),
            ("user ana -1", "has bytes that are no whole number below 2^64"),
            ("user ana 18446744073709551616", "has bytes that are no whole number below 2^64"),
            ("user ana 1 soft", "has a limit that is no whole number below 2^64"),
            ("user ana 1 2 3", "has more than four words"),
            ("group ana 1", "begins with neither user nor account"),
            ("user \u{e4}na 1", "is no plain ASCII text"),
            ("user a\u{1b}[2J 1", "has a name that nobody can have"),
            ("user ana 1\r", "has bytes that are no whole number below 2^64"),
            ("user first 1", "has a name that stands above"),
        ] {
            let output = format!("user first 1\n{line}\nuser last 1\n");
            let error = parse(output.as_bytes()).unwrap_err();
            let FormatError::Line { line: 2, why: said, text } = &error else { panic!("{line:?}: {error}") };
            assert_eq!(*said, why, "{line:?}");
            assert!(text.is_ascii() && !text.contains(|c: char| c.is_control()), "{text:?}");
        }
    }

    #[test]
    fn given_nothing_or_a_last_line_without_its_end_then_the_reading_is_refused() {
        assert_eq!(parse(b""), Err(FormatError::Empty));
        assert_eq!(parse(b"user ana 12\nuser ben 1"), Err(FormatError::Cut(2)));
    }

    #[test]
    fn given_more_lines_than_there_can_be_then_reading_stops() {
        let line = |number: usize| format!("user u{number} 1\n");
        let all: String = (0..MOST_LINES).map(line).collect();
        assert_eq!(parse(all.as_bytes()).unwrap().people.len(), MOST_LINES);
        assert_eq!(parse(format!("{all}{}", line(MOST_LINES)).as_bytes()), Err(FormatError::TooMany));
    }

    proptest! {
        #[test]
        fn given_any_bytes_then_they_are_taken_in_or_refused_in_one_short_plain_line(
            output in proptest::collection::vec(any::<u8>(), 0..4_096)
        ) {
            match parse(&output) {
                Ok(usages) => {
                    let lines = output.iter().filter(|byte| **byte == b'\n').count();
                    prop_assert_eq!(usages.people.len() + usages.accounts.len(), lines);
                }
                Err(error) => {
                    let text = error.to_string();
                    prop_assert!(text.len() < 600 && !text.contains(|c: char| c.is_control()), "{}", text);
                }
            }
        }

        #[test]
        fn given_what_was_taken_in_then_printing_it_gives_it_again(
            owners in proptest::collection::btree_map("[a-z0-9._-]{1,64}", (any::<u64>(), any::<Option<u64>>()), 1..20)
        ) {
            let mut output = String::new();
            for (name, (used, limit)) in &owners {
                let limit = limit.map(|limit| format!(" {limit}")).unwrap_or_default();
                output.push_str(&format!("user {name} {used}{limit}\naccount {name} {used}{limit}\n"));
            }
            let usages = parse(output.as_bytes()).unwrap();
            let expected: std::collections::BTreeMap<String, Stored> =
                owners.into_iter().map(|(name, (used, limit))| (name, Stored { used, limit })).collect();
            prop_assert_eq!(&usages.people, &expected);
            prop_assert_eq!(&usages.accounts, &expected);
        }
    }
}
