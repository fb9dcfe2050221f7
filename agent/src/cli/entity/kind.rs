//! What a value may look like, and the one canonical text that travels for it.
//!
//! [`Kind::accept`] is applied twice, by the command line and by the daemon, so a text it gives back it accepts
//! unchanged.

use crate::cli::amount;
use crate::cli::keyword::{self, Mismatch};
use crate::cli::when;
use crate::store::LimitKind;

/// What may follow the `=` of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One text, commas and all.
    Text,
    /// One text, or nothing to clear it.
    Clearable,
    /// One name or number.
    Name,
    /// Names or numbers, separated by commas.
    Names,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, separated by commas.
    Words(&'static [&'static str]),
    /// Limits, separated by commas: some of these words, or one of them with a GPU type before it.
    Limits(&'static [&'static str]),
    /// A number of decimal digits.
    Count,
    /// A time as [`when`] reads it.
    Instant,
    /// A number of jobs, `unlimited`, or `-1`.
    JobLimit,
    /// A decimal number, `unlimited`, or `-1`.
    DecimalLimit,
    /// An amount of CPU time in hours, `H:MM` or `H:MM:SS`, `unlimited`, or `-1`.
    CpuLimit,
}

/// Words for yes and no.
pub const YES_NO: &[&str] = &["yes", "no"];

impl Kind {
    /// How a value is written, for the help.
    pub fn placeholder(self) -> String {
        match self {
            Self::Text => "TEXT".to_owned(),
            Self::Clearable => "[TEXT]".to_owned(),
            Self::Name => "NAME".to_owned(),
            Self::Names => "NAME[,…]".to_owned(),
            Self::Word(words) => words.join("|"),
            Self::Words(words) => format!("{}[,…]", words.join("|")),
            Self::Limits(_) => "LIMIT[,…]".to_owned(),
            Self::Count => "N".to_owned(),
            Self::Instant => "TIME".to_owned(),
            Self::JobLimit => "N|unlimited|-1".to_owned(),
            Self::DecimalLimit => "N[.N]|unlimited|-1".to_owned(),
            Self::CpuLimit => "HOURS|H:MM[:SS]|unlimited|-1".to_owned(),
        }
    }

    /// Whether several values, or the same key several times, make one list.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Names | Self::Words(_) | Self::Limits(_))
    }

    /// The values that `text` stands for, or what is expected instead.
    pub fn accept(self, text: &str) -> Result<Vec<String>, String> {
        if text.chars().any(char::is_control) {
            return Err("has a control character".to_owned());
        }
        match self {
            Self::Clearable if text.is_empty() => Ok(Vec::new()),
            _ if text.is_empty() => Err("is empty".to_owned()),
            Self::Text | Self::Clearable => Ok(vec![text.to_owned()]),
            Self::Name if text.contains(',') => Err("takes one name, not a list".to_owned()),
            Self::Name => Ok(vec![text.to_owned()]),
            Self::Names => text.split(',').map(named).collect(),
            Self::Word(words) => word(text, words).map(|word| vec![word]),
            Self::Words(words) => text.split(',').map(|part| word(part, words)).collect(),
            Self::Limits(words) => text.split(',').map(|part| limit(part, words)).collect(),
            Self::Count => amount::digits(text)
                .map(|count| vec![count.to_string()])
                .ok_or_else(|| "takes a number of decimal digits".to_owned()),
            Self::Instant => {
                when::parse(text).map(|_| vec![text.to_owned()]).map_err(|error| error.complaint().to_owned())
            }
            Self::JobLimit => amount::job_limit(text)
                .map(|_| vec![text.to_owned()])
                .ok_or_else(|| "takes a whole number, `unlimited`, or -1 to clear it".to_owned()),
            // To a millionth; what the unit cannot hold is refused where the unit is known.
            Self::DecimalLimit => amount::decimal_limit(text, 1_000_000)
                .map(|_| vec![text.to_owned()])
                .ok_or_else(|| "takes a decimal number, `unlimited`, or -1 to clear it".to_owned()),
            Self::CpuLimit => amount::cpu_limit(text)
                .map(|_| vec![text.to_owned()])
                .ok_or_else(|| "takes hours as N, H:MM or H:MM:SS, `unlimited`, or -1 to clear it".to_owned()),
        }
    }
}

fn named(part: &str) -> Result<String, String> {
    if part.is_empty() { Err("has an empty name in its list".to_owned()) } else { Ok(part.to_owned()) }
}

fn limit(text: &str, words: &'static [&'static str]) -> Result<String, String> {
    word(text, words).or_else(|why| LimitKind::parse(&text.to_ascii_lowercase()).map(LimitKind::word).ok_or(why))
}

fn word(text: &str, words: &'static [&'static str]) -> Result<String, String> {
    keyword::resolve(text, words.iter().map(|word| (*word, *word))).map(str::to_owned).map_err(
        |mismatch| match mismatch {
            Mismatch::Unknown => format!("takes one of {}", words.join(", ")),
            Mismatch::Ambiguous(several) => format!("may mean {}; write more of it", several.join(" or ")),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: &[&str] = &["active", "disabled", "removed"];

    #[test]
    fn given_an_accepted_value_then_its_canonical_text_is_accepted_unchanged() {
        for (kind, text, expected) in [
            (Kind::Names, "ana,Ben", vec!["ana", "Ben"]),
            (Kind::Text, "for PI, until May", vec!["for PI, until May"]),
            (Kind::Clearable, "", vec![]),
            (Kind::Words(STATES), "ACT,rem", vec!["active", "removed"]),
            (Kind::Count, "007", vec!["7"]),
            (Kind::Instant, "now+30days", vec!["now+30days"]),
            (Kind::JobLimit, "-1", vec!["-1"]),
            (Kind::CpuLimit, "1:30", vec!["1:30"]),
        ] {
            let once = kind.accept(text).expect(text);
            assert_eq!(once, expected, "{kind:?} {text:?}");
            assert_eq!(kind.accept(&once.join(",")).as_ref(), Ok(&once), "{kind:?} {text:?} a second time");
        }
    }

    #[test]
    fn given_a_value_of_another_kind_then_it_says_what_is_expected() {
        for (kind, text, expected) in [
            (Kind::Name, "a,b", "takes one name, not a list"),
            (Kind::Names, "a,,b", "has an empty name in its list"),
            (Kind::Names, "", "is empty"),
            (Kind::Text, "a\u{1b}[2J", "has a control character"),
            (Kind::Text, "a\nb", "has a control character"),
            (Kind::Word(STATES), "gone", "takes one of active, disabled, removed"),
            (Kind::Count, "3x", "takes a number of decimal digits"),
            (Kind::JobLimit, "-2", "takes a whole number, `unlimited`, or -1 to clear it"),
        ] {
            assert_eq!(kind.accept(text), Err(expected.to_owned()), "{kind:?} {text:?}");
        }
        assert!(Kind::Instant.accept("garbage").is_err());
    }
}
