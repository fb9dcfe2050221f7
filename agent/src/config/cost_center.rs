//! Cost centres of `policy.toml`: which there are beside those of the accounts, and whether a job must have one.

use std::collections::BTreeSet;

use super::read::Table;

/// `[cost-centers]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CostCentres {
    /// Those that everybody may charge, beside the one of their account.
    pub listed: BTreeSet<String>,
    /// Whether a job without one, whose account has none either, is refused.
    pub required: bool,
}

/// Reads `[cost-centers]`; nothing if anything was wrong.
pub(super) fn cost_centres(root: &Table<'_>) -> Option<CostCentres> {
    let Some(table) = root.table("cost-centers") else { return Some(CostCentres::default()) };
    let required = table.boolean_or("required", false);
    let values = table.list("listed");
    let mut listed: BTreeSet<String> = BTreeSet::new();
    let mut sound = true;
    for value in &values {
        match value.parsed(wckey) {
            // slurmdbd folds capitals.
            Some(name) if listed.iter().any(|other| other.eq_ignore_ascii_case(&name)) => {
                value.bad("stands there twice; keep one (capitals do not count)");
                sound = false;
            }
            Some(name) => {
                listed.insert(name);
            }
            None => sound = false,
        }
    }
    table.finish();
    sound.then_some(CostCentres { listed, required: required? })
}

/// A cost centre has to pass as a wckey.
pub(super) fn wckey(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    match text.len() <= 64 && text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err("is no cost centre (wckey); use at most 64 letters, digits, _, -, . and /"),
    }
}
