//! Finds the one keyword a typed word stands for: any case, any unique prefix.
//!
//! Hyphens and underscores do not count, so that `CpuHoursPerDay`, the spelling Slurm's own tools would use, is
//! `cpu-hours-per-day`. An exact match wins over longer keywords that begin alike.

/// Why a word stands for no keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// No keyword begins with it.
    Unknown,
    /// Several do; these.
    Ambiguous(Vec<&'static str>),
}

/// The word in the form in which keywords are compared: ASCII lower case without `-` and `_`.
pub fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether `word` is `keyword` in full, whatever its case and hyphens.
pub fn is(word: &str, keyword: &str) -> bool {
    fold(word) == fold(keyword)
}

/// The meaning of the one keyword that `word` is, or begins.
///
/// `keywords` pairs every spelling with its meaning; several spellings of one meaning never make a word ambiguous.
pub fn resolve<T: Copy + PartialEq>(
    word: &str,
    keywords: impl IntoIterator<Item = (&'static str, T)>,
) -> Result<T, Mismatch> {
    let typed = fold(word);
    if typed.is_empty() {
        return Err(Mismatch::Unknown);
    }
    let mut begun: Vec<(&'static str, T)> = Vec::new();
    for (keyword, meaning) in keywords {
        let folded = fold(keyword);
        if folded == typed {
            return Ok(meaning);
        }
        if folded.starts_with(&typed) && !begun.iter().any(|(_, seen)| *seen == meaning) {
            begun.push((keyword, meaning));
        }
    }
    match begun.as_slice() {
        [] => Err(Mismatch::Unknown),
        [(_, meaning)] => Ok(*meaning),
        several => Err(Mismatch::Ambiguous(several.iter().map(|(keyword, _)| *keyword).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [(&str, u8); 6] =
        [("show", 1), ("list", 1), ("status", 2), ("sync", 3), ("synchronise", 3), ("cpu-hours-per-day", 4)];

    #[test]
    fn given_a_word_then_case_hyphens_and_a_unique_prefix_do_not_matter() {
        for (word, meaning) in
            [("SHOW", 1), ("li", 1), ("st", 2), ("sy", 3), ("SYNC", 3), ("CpuHoursPerDay", 4), ("cpu_h", 4)]
        {
            assert_eq!(resolve(word, WORDS), Ok(meaning), "{word}");
        }
    }

    #[test]
    fn given_a_word_that_begins_several_then_they_are_listed() {
        assert_eq!(resolve("s", WORDS), Err(Mismatch::Ambiguous(vec!["show", "status", "sync"])));
        assert_eq!(resolve("x", WORDS), Err(Mismatch::Unknown));
        assert_eq!(resolve("", WORDS), Err(Mismatch::Unknown));
        assert_eq!(resolve("--", WORDS), Err(Mismatch::Unknown));
    }
}
