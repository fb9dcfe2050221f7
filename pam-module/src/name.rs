//! Which user names are looked up at all.

/// glibc's and Linux-PAM's own bound.
const MOST_BYTES: usize = 255;

/// The name as text, if an account database can hold it: UTF-8, not too long, and free of what would be a path, a
/// field or a line of its own.
pub(crate) fn check(name: &[u8]) -> Option<&str> {
    if name.is_empty() || name.len() > MOST_BYTES {
        return None;
    }
    let name = std::str::from_utf8(name).ok()?;
    let bad = |c: char| c.is_control() || c.is_whitespace() || matches!(c, ':' | '/');
    (!name.contains(bad) && !matches!(name, "." | "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn given_a_name_that_no_account_can_have_then_it_is_not_looked_up() {
        let long = [b'a'; 256];
        for name in [&b""[..], b"../../etc", b"a\nroot:x:0:0", b"ana ", b"an\xffa", b"a:b", b"..", b"\x1b[2J", &long] {
            assert_eq!(check(name), None, "{name:?}");
        }
    }

    #[test]
    fn given_a_name_that_another_source_may_use_then_it_is_looked_up() {
        for name in ["ana", "Ana", "ana@example.org", "EXAMPLE\\ana", "zoë", "svc$"] {
            assert_eq!(check(name.as_bytes()), Some(name));
        }
    }
}
