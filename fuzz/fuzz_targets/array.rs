//! Array expressions: what the plugin counts is never less than the tasks that an expression names.
#![no_main]

use std::collections::BTreeSet;

use bursar_fuzz::seeds;
use bursar_policy::job::most_tasks;
use libfuzzer_sys::fuzz_target;

/// A number above this is only counted, not compared.
const MOST: u64 = 4_096;

fuzz_target!(
    init: seeds::write("array", &first()),
    |bytes: &[u8]| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let counted = most_tasks(text);
        if let Some(named) = named(text) {
            assert!(counted.is_some_and(|counted| counted >= named), "{text:?}: {counted:?} instead of {named}");
        }
        if let Some(counted) = counted
            && !text.contains(['%', ']'])
        {
            // The same again counts again: that is careful, and never less.
            assert_eq!(most_tasks(&format!("{text},{text}", text = text.trim_start_matches([' ', '\t', '[']))), Some(counted.saturating_mul(2)));
        }
    }
);

/// How many tasks a plain expression names, each once; `None` for what is not plain.
fn named(text: &str) -> Option<u64> {
    let text = text.split_once('%').map_or(text, |(text, _)| text);
    let mut tasks = BTreeSet::new();
    let number = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| is_plain && *number <= MOST)
    };
    for item in text.split(',') {
        let (range, step) = item.split_once(':').map_or((item, Some(1)), |(range, step)| (range, number(step)));
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if item.contains(':') => return None,
            None => (number(range)?, number(range)?),
        };
        let step = step.filter(|step| *step > 0)?;
        if first > last {
            return None;
        }
        tasks.extend((first..=last).step_by(usize::try_from(step).ok()?));
    }
    u64::try_from(tasks.len()).ok()
}

fn first() -> Vec<Vec<u8>> {
    ["7", "1-1000", "[1-1000:2%5]", "0-9,20,30-39:3%2", " +1-3", "1-3,2-4", "0-99999999999999999999", "1-", "3-1"]
        .map(|text| text.as_bytes().to_vec())
        .into()
}
