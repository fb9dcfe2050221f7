//! How many nodes a node list, a feature expression or a number of GPUs can force upon a job.
//!
//! slurmctld raises a job's least node count to the length of `-w`, and to the counts in `-C 'a*4&b*2'`, only after
//! the plugin has judged, and spreads `--gpus=8` over as many nodes as it likes. All three are counted here, upwards
//! where the text leaves a doubt.

/// The most nodes that the node list `text` can name; `None` where it cannot be told.
///
/// The language is that of Slurm's host lists: comma separated names, each with bracketed ranges (`n[1-4,7]`,
/// `r[0-1]n[00-15]`). Names given twice count twice.
pub(crate) fn most_nodes(text: &str) -> Option<u64> {
    let mut nodes = 0_u64;
    let mut name = 1_u64;
    let mut seen = false;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '[' => {
                let (ranges, after) = rest.get(1..)?.split_once(']')?;
                name = name.saturating_mul(ranges_len(ranges)?);
                seen = true;
                rest = after;
                continue;
            }
            ',' | ' ' | '\t' | '\n' => {
                nodes = nodes.saturating_add(if seen { name } else { 0 });
                (name, seen) = (1, false);
            }
            // `n{a,b}` and the like are not Slurm's, and multi-dimensional names need the cluster's dimensions.
            ']' | '{' | '}' => return None,
            _ => seen = true,
        }
        rest = rest.get(first.len_utf8()..)?;
    }
    Some(nodes.saturating_add(if seen { name } else { 0 }))
}

fn ranges_len(text: &str) -> Option<u64> {
    let mut sum = 0_u64;
    for range in text.split(',') {
        let (low, high) = range.split_once('-').unwrap_or((range, range));
        let low = low.parse::<u64>().ok()?;
        let high = high.parse::<u64>().ok()?;
        sum = sum.saturating_add(high.checked_sub(low)?.saturating_add(1));
    }
    Some(sum)
}

/// The sum of the node counts in a feature expression, 0 when it has none; saturates.
pub(crate) fn counted_nodes(features: &str) -> u64 {
    features.split('*').skip(1).fold(0, |sum, after| {
        let after = after.trim_start_matches([' ', '\t', '+']);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count = after.get(..digits).unwrap_or_default();
        // Digits that are too many to read are a count too big to grant.
        u64::saturating_add(sum, if count.is_empty() { 0 } else { count.parse().unwrap_or(u64::MAX) })
    })
}

/// The sum of the amounts in a list of generic resources, as `gres:gpu:a100:4` or `gres/gpu=4`; saturates.
///
/// A resource without an amount counts as one, an amount that cannot be read as too many.
pub(crate) fn counted_gres(text: &str) -> u64 {
    text.split([',', ';']).filter(|item| !item.trim().is_empty()).fold(0, |sum, item| {
        let last = item.rsplit([':', '=', '/']).next().unwrap_or_default().trim();
        let amount = match last.bytes().next() {
            Some(first) if first.is_ascii_digit() => last.parse().unwrap_or(u64::MAX),
            _ => 1,
        };
        u64::saturating_add(sum, amount)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_node_list_then_its_names_are_counted() {
        for (text, nodes) in [
            ("", Some(0)),
            ("n1", Some(1)),
            ("n1,n2, n3,", Some(3)),
            ("n[1-4,7]", Some(5)),
            ("r[0-1]n[00-15],login", Some(33)),
            ("n[1-4]x,n[001-100]", Some(104)),
            ("n[1-18446744073709551615]m[0-9]", Some(u64::MAX)),
            ("n[4-1]", None),
            ("n[1-4", None),
            ("n1]", None),
            ("n[a-b]", None),
            ("bgq[000x133]", None),
        ] {
            assert_eq!(most_nodes(text), nodes, "{text:?}");
        }
    }

    #[test]
    fn given_a_feature_expression_then_its_counts_are_added() {
        for (text, nodes) in [
            ("", 0),
            ("rack1|rack2", 0),
            ("intel*4&gpu*2", 6),
            ("[(a&b)*3&c* 2]", 5),
            ("a*99999999999999999999999", u64::MAX),
            ("a*", 0),
        ] {
            assert_eq!(counted_nodes(text), nodes, "{text:?}");
        }
    }

    #[test]
    fn given_generic_resources_then_their_amounts_are_added() {
        for (text, amount) in [
            ("", 0),
            ("gres:gpu", 1),
            ("gres:gpu:a100", 1),
            ("gres:gpu:a100:4,gres:craynetwork:1", 5),
            ("gres/gpu=8", 8),
            ("gres:gpu:1k", u64::MAX),
        ] {
            assert_eq!(counted_gres(text), amount, "{text:?}");
        }
    }
}
