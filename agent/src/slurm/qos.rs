//! The name of a QOS, as Slurm keeps it.

use std::fmt;

use thiserror::Error;

/// Why a text cannot name a QOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is no name of a QOS; use at most 32 small letters, digits, _, - and .")]
pub struct QosNameError;

/// The name of a QOS: `[a-z0-9_][a-z0-9_.-]{0,31}`; sacctmgr folds capitals, and a list of QOS is parted by commas.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QosName(String);

impl QosName {
    /// Accepts `text` as it stands.
    pub fn new(text: &str) -> Result<Self, QosNameError> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let fits = (1..=32).contains(&text.len())
            && text.starts_with(inner)
            && text.chars().all(|c| inner(c) || matches!(c, '-' | '.'));
        if fits { Ok(Self(text.to_owned())) } else { Err(QosNameError) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for QosName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QosName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_text_that_sacctmgr_would_fold_or_split_then_it_names_no_qos() {
        for text in ["", "High", "a,b", "+high", "-high", ".high", "a b", "a=b", "ä", &"x".repeat(33)] {
            assert_eq!(QosName::new(text), Err(QosNameError), "{text:?}");
        }
        assert_eq!(QosName::new("high-2.gpu_x").unwrap().to_string(), "high-2.gpu_x");
    }
}
