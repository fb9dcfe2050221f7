//! How many tasks an `--array` expression can have.

/// A longer expression is not counted: slurmctld holds all of its locks meanwhile, and takes megabytes.
pub(super) const MOST_BYTES: usize = 16 * 1024;

/// The most tasks that `text` can name, or `None` where Slurm itself refuses the expression.
///
/// One pass, no memory: overlapping ranges count twice, which errs to the careful side. The accepted language is
/// that of slurmctld's own reader: comma separated `a`, `a-b` or `a-b:step`, optionally in brackets, with an optional
/// `%throttle` at the end; blanks and a plus sign may precede a number.
pub fn most_tasks(text: &str) -> Option<u64> {
    let mut rest = text.trim_start_matches([' ', '\t', '[']).as_bytes();
    let mut tasks = 0_u64;
    loop {
        let (len, after) = range_len(rest)?;
        tasks = tasks.saturating_add(len);
        match after {
            [b',', after @ ..] => rest = after,
            [] | [b'%' | b']', ..] => return Some(tasks),
            _ => return None,
        }
    }
}

/// How many tasks a leading `a`, `a-b` or `a-b:step` names, and what follows.
fn range_len(text: &[u8]) -> Option<(u64, &[u8])> {
    let (first, rest) = number(text)?;
    let [b'-', rest @ ..] = rest else { return Some((1, rest)) };
    let (last, rest) = number(rest)?;
    let span = last.checked_sub(first)?;
    let (step, rest) = match rest {
        [b':', rest @ ..] => number(rest)?,
        _ => (1, rest),
    };
    Some((span.checked_div(step)?.saturating_add(1), rest))
}

/// A leading number as `strtol` reads it, saturating, and what follows.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut rest = text;
    while let [b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, after @ ..] = rest {
        rest = after;
    }
    if let [b'+', after @ ..] = rest {
        rest = after;
    }
    let [first @ b'0'..=b'9', after @ ..] = rest else { return None };
    let (mut value, mut rest) = (u64::from(first - b'0'), after);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        rest = after;
    }
    Some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::most_tasks;

    #[test]
    fn given_an_expression_then_its_tasks_are_counted() {
        for (text, tasks) in [
            ("7", Some(1)),
            ("1-1000", Some(1000)),
            ("[1-1000:2%5]", Some(500)),
            ("0-9,20,30-39:3%2", Some(15)),
            (" +1-3", Some(3)),
            ("1-3,2-4", Some(6)),
            ("0-2000000000", Some(2_000_000_001)),
            ("0-99999999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("3-1", None),
            ("1-", None),
            ("a", None),
            ("1-9:0", None),
            ("1;2", None),
            ("-5", None),
        ] {
            assert_eq!(most_tasks(text), tasks, "{text:?}");
        }
    }

    #[test]
    fn given_a_hostile_megabyte_then_the_count_saturates() {
        let text = "0-18446744073709551615,".repeat(40_000) + "1";
        assert_eq!(most_tasks(&text), Some(u64::MAX));
    }
}
