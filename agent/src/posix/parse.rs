//! The lines of passwd, group, shadow and gshadow, kept byte for byte.
//!
//! A file is its pieces between newlines, so parsing and rendering are exact for any bytes: comments, blank and
//! malformed lines, NIS lines, a missing final newline. What a line claims is read generously, because a claim that
//! another parser would see must stop us from giving the same name or number again.

use std::collections::{BTreeMap, HashMap};

/// A file as its pieces between newlines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    pieces: Vec<Vec<u8>>,
}

/// What to change in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// New bytes by line position (from 0), without newline.
    pub replaced: BTreeMap<usize, Vec<u8>>,
    /// New lines in order, without newline.
    pub added: Vec<Vec<u8>>,
}

impl Edits {
    /// Whether the file stays as it is.
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.added.is_empty()
    }

    /// Makes every line at `places` read `wanted`, or adds the line when there is no place.
    pub fn settle(&mut self, lines: &Lines, places: &[usize], wanted: Vec<u8>) {
        if places.is_empty() {
            self.added.push(wanted);
            return;
        }
        for &place in places {
            if lines.line(place) != Some(wanted.as_slice()) {
                self.replaced.insert(place, wanted.clone());
            }
        }
    }
}

impl Lines {
    /// Splits any bytes.
    pub fn parse(bytes: &[u8]) -> Self {
        Self { pieces: bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect() }
    }

    /// The bytes again.
    pub fn render(&self) -> Vec<u8> {
        self.pieces.join(&b'\n')
    }

    /// The line at `place`, without newline.
    pub fn line(&self, place: usize) -> Option<&[u8]> {
        self.pieces.get(place).map(Vec::as_slice)
    }

    /// All lines in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(Vec::as_slice)
    }

    /// The file with `edits`. New lines go before the first NIS line, as shadow-utils puts them, else to the end;
    /// only a new last line gives a file without a final newline one.
    pub fn with(&self, edits: &Edits) -> Self {
        let mut pieces = self.pieces.clone();
        for (&place, line) in &edits.replaced {
            if let Some(piece) = pieces.get_mut(place) {
                piece.clone_from(line);
            }
        }
        if !edits.added.is_empty() {
            let nis = pieces.iter().position(|line| line.starts_with(b"+") || line.starts_with(b"-"));
            let at = nis.unwrap_or_else(|| {
                if pieces.last().is_none_or(|tail| !tail.is_empty()) {
                    pieces.push(Vec::new());
                }
                pieces.len().saturating_sub(1)
            });
            pieces.splice(at..at, edits.added.iter().cloned());
        }
        Self { pieces }
    }
}

/// The name a line claims: the first field, with a NIS sign and leading blanks taken off; none for comments.
pub fn claimed_name(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_start();
    if line.starts_with(b"#") {
        return None;
    }
    let line = line.strip_prefix(b"+").or_else(|| line.strip_prefix(b"-")).unwrap_or(line);
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    (!name.is_empty() && !name.starts_with(b"@")).then_some(name)
}

/// The uid or gid a passwd or group line claims: the digits that begin the third field.
pub fn claimed_id(line: &[u8]) -> Option<u32> {
    claimed_name(line)?;
    let field = line.split(|&byte| byte == b':').nth(2)?.trim_ascii_start();
    let field = field.strip_prefix(b"+").unwrap_or(field);
    let digits = field.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(field.get(..digits)?).ok()?.parse().ok()
}

/// The fields of a line when there are exactly `N`.
pub fn fields<const N: usize>(line: &[u8]) -> Option<[&[u8]; N]> {
    let mut found = [&line[..0]; N];
    let mut parts = line.split(|&byte| byte == b':');
    for field in &mut found {
        *field = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}

/// Which lines of a file claim a name or a number.
#[derive(Debug)]
pub struct Claims<'f> {
    by_name: HashMap<&'f [u8], Vec<usize>>,
    by_id: HashMap<u32, Vec<usize>>,
    lines: &'f Lines,
}

impl<'f> Claims<'f> {
    /// Reads the claims of `lines`.
    pub fn of(lines: &'f Lines) -> Self {
        let mut by_name: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let mut by_id: HashMap<u32, Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate() {
            if let Some(name) = claimed_name(line) {
                by_name.entry(name).or_default().push(place);
            }
            if let Some(id) = claimed_id(line) {
                by_id.entry(id).or_default().push(place);
            }
        }
        Self { by_name, by_id, lines }
    }

    /// The lines that claim `name`.
    pub fn of_name(&self, name: &str) -> &[usize] {
        self.by_name.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// Whether every line that claims `name` claims `id` too, and no more than that.
    pub fn all_have_id(&self, name: &str, id: u32) -> bool {
        self.of_name(name).iter().all(|&place| {
            self.lines.line(place).is_some_and(|line| line.starts_with(name.as_bytes()) && claimed_id(line) == Some(id))
        })
    }

    /// Whether every line that claims `name` begins with it, so that it is no NIS line.
    pub fn all_plain(&self, name: &str) -> bool {
        self.of_name(name).iter().all(|&place| self.lines.line(place).is_some_and(|l| l.starts_with(name.as_bytes())))
    }

    /// Another name than `name` that claims `id`, for a message.
    pub fn other_with_id(&self, id: u32, name: &str) -> Option<String> {
        let places = self.by_id.get(&id)?;
        let names = places.iter().filter_map(|&place| claimed_name(self.lines.line(place)?));
        names.filter(|other| *other != name.as_bytes()).map(|other| String::from_utf8_lossy(other).into_owned()).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn given_any_bytes_then_rendering_what_was_parsed_gives_them_back(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b':'), Just(b'+')], 0..400)
        ) {
            prop_assert_eq!(Lines::parse(&bytes).render(), bytes);
        }

        #[test]
        fn given_any_file_when_a_line_is_added_then_every_old_line_stays_in_order(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b':'), Just(b'+')], 0..400)
        ) {
            let before = Lines::parse(&bytes);
            let edits = Edits { added: vec![b"ana:x:1:1:::".to_vec()], ..Edits::default() };
            let after = before.with(&edits);
            prop_assert_eq!(after.iter().filter(|line| *line == b"ana:x:1:1:::").count(), 1);
            let kept = |file: &Lines| file.iter().filter(|line| *line != b"ana:x:1:1:::" && !line.is_empty())
                .map(<[u8]>::to_vec).collect::<Vec<_>>();
            prop_assert_eq!(kept(&before), kept(&after));
        }
    }

    #[test]
    fn given_awkward_lines_then_their_claims_are_seen() {
        assert_eq!(claimed_name(b"# ana:x:1"), None);
        assert_eq!(claimed_name(b"+@staff::"), None);
        assert_eq!(claimed_name(b""), None);
        assert_eq!(claimed_name(b"+ana::::::"), Some(b"ana".as_slice()));
        assert_eq!(claimed_name(b"  ana:x:65536"), Some(b"ana".as_slice()));
        assert_eq!(claimed_id(b"ana:x: 65536junk:1"), Some(65536));
        assert_eq!(claimed_id(b"ana:x"), None);
        assert_eq!(claimed_id(b"ana:x:99999999999:"), None);
    }

    #[test]
    fn given_a_file_without_final_newline_when_a_line_is_added_then_the_old_line_is_not_glued_to_it() {
        let edits = Edits { added: vec![b"b".to_vec()], ..Edits::default() };
        assert_eq!(Lines::parse(b"a").with(&edits).render(), b"a\nb\n");
        assert_eq!(Lines::parse(b"").with(&edits).render(), b"b\n");
        assert_eq!(Lines::parse(b"a\n+::::::\n").with(&edits).render(), b"a\nb\n+::::::\n");
    }
}
