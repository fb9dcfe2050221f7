//! How many tasks an `--array` expression can have.

/// The most tasks that `text` can name, or `None` where Slurm itself refuses the expression.
///
/// One pass, no memory: overlapping ranges count twice, which errs to the careful side. The accepted language is
/// that of slurmctld's own reader: comma separated `a`, `a-b` or `a-b:step`, optionally in brackets, with an optional
/// `%throttle` at the end; blanks and a plus sign may precede a number.
pub fn most_tasks(text: &str) -> Option<u64> {
    let mut body = text.trim_start_matches([' ', '\t', '[']);
    if let Some(at) = body.find(['%', ']']) {
        let (head, _) = body.split_at(at);
        body = head;
    }
    let mut tasks = 0_u64;
    for range in body.split(',') {
        tasks = tasks.saturating_add(range_len(range)?);
    }
    (tasks > 0).then_some(tasks)
}

fn range_len(text: &str) -> Option<u64> {
    let (first, rest) = number(text)?;
    let Some(rest) = rest.strip_prefix('-') else { return rest.is_empty().then_some(1) };
    let (last, rest) = number(rest)?;
    let span = last.checked_sub(first)?;
    let step = match rest.strip_prefix(':') {
        Some(rest) => {
            let (step, rest) = number(rest)?;
            if step == 0 || !rest.is_empty() {
                return None;
            }
            step
        }
        None if rest.is_empty() => 1,
        None => return None,
    };
    Some((span / step).saturating_add(1))
}

/// A leading number as `strtol` reads it, saturating, and what follows.
fn number(text: &str) -> Option<(u64, &str)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits == 0 {
        return None;
    }
    let value = number.bytes().fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
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
