//! A small declarative reader over spanned TOML that goes on after a problem, so that one reading finds them all.
//!
//! A caller asks a [`Table`] for its keys one by one, each with its type and rule, and ends with [`Table::finish`],
//! which reports every key that nobody asked for.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::problem::{Problem, Problems};

/// Reads the file at `path` and walks its tables with `walk`; a value comes back only if nothing was wrong.
pub(crate) fn read_file<T>(path: &Path, walk: impl for<'d> FnOnce(&Table<'d>) -> Option<T>) -> Result<T, Vec<Problem>> {
    match std::fs::read_to_string(path) {
        Ok(text) => read_text(path, &text, walk),
        Err(error) => {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => "there is no such file; copy the shipped example there".to_owned(),
                std::io::ErrorKind::InvalidData => "is not UTF-8 text; save it as UTF-8".to_owned(),
                _ => format!("cannot be read ({error}); let bursar's user read it"),
            };
            Err(vec![Problem { file: path.to_owned(), line: 0, key: String::new(), message }])
        }
    }
}

/// The same for text that was read already; `path` is only named in problems.
pub(crate) fn read_text<T>(
    path: &Path,
    text: &str,
    walk: impl for<'d> FnOnce(&Table<'d>) -> Option<T>,
) -> Result<T, Vec<Problem>> {
    let problems = Problems::new(path, text);
    let (document, errors) = DeTable::parse_recoverable(text);
    // Recovery leaves the tree whole only for doubled keys; after any other error its "missing keys" would be noise.
    let whole = errors.iter().all(|error| error.message() == "duplicate key");
    for error in &errors {
        let at = error.span().unwrap_or(0..0);
        let key = if whole { text.get(at.clone()).unwrap_or_default() } else { "" };
        let remedy = if whole { "; keep one of them" } else { "; correct the TOML" };
        problems.add(&at, key, format!("{}{remedy}", error.message().replace('\n', ", ")));
    }
    let value = if whole {
        let root = Table::new(&problems, document.get_ref(), String::new(), 0..0);
        let value = walk(&root);
        root.finish();
        value
    } else {
        None
    };
    match (value, problems.finish()) {
        (Some(value), list) if list.is_empty() => Ok(value),
        (None, list) if list.is_empty() => {
            let message = "cannot be understood; compare it with the shipped example".to_owned();
            Err(vec![Problem { file: path.to_owned(), line: 0, key: String::new(), message }])
        }
        (_, list) => Err(list),
    }
}

/// A table being read.
pub(crate) struct Table<'d> {
    problems: &'d Problems,
    entries: &'d DeTable<'d>,
    path: String,
    at: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
}

/// A value with its place.
#[derive(Clone)]
pub(crate) struct Value<'d> {
    problems: &'d Problems,
    path: String,
    node: &'d Spanned<DeValue<'d>>,
}

impl<'d> Table<'d> {
    fn new(problems: &'d Problems, entries: &'d DeTable<'d>, path: String, at: Range<usize>) -> Self {
        Self { problems, entries, path, at, asked: RefCell::default() }
    }

    /// Reports a problem with the table as a whole.
    pub(crate) fn bad(&self, message: impl Into<String>) {
        self.problems.add(&self.at, &self.path, message);
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of `key`, if it is there.
    pub(crate) fn value(&self, key: &'static str) -> Option<Value<'d>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        let node = self.entries.get(key)?;
        Some(Value { problems: self.problems, path: self.path_of(key), node })
    }

    /// The value of `key`, which has to be there.
    pub(crate) fn required(&self, key: &'static str) -> Option<Value<'d>> {
        let value = self.value(key);
        if value.is_none() {
            self.problems.add(&self.at, &self.path_of(key), "is missing; add it");
        }
        value
    }

    /// A text that has to be there.
    pub(crate) fn text(&self, key: &'static str) -> Option<&'d str> {
        self.required(key)?.text()
    }

    /// A text that has to be there and follow a rule.
    pub(crate) fn parsed<T, E: Display>(
        &self,
        key: &'static str,
        rule: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.required(key)?.parsed(rule)
    }

    /// A text that may be left out; the outer nothing means it was there and wrong.
    pub(crate) fn maybe_parsed<T, E: Display>(
        &self,
        key: &'static str,
        rule: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.value(key) {
            None => Some(None),
            Some(value) => value.parsed(rule).map(Some),
        }
    }

    /// A truth value, `default` when left out.
    pub(crate) fn boolean_or(&self, key: &'static str, default: bool) -> Option<bool> {
        self.value(key).map_or(Some(default), |value| value.boolean())
    }

    /// A whole number inside `range`, `default` when left out.
    pub(crate) fn number_or(&self, key: &'static str, range: RangeInclusive<u64>, default: u64) -> Option<u64> {
        self.value(key).map_or(Some(default), |value| value.number(range))
    }

    /// A list of texts with their places, empty when left out; members of another type are reported and left out.
    pub(crate) fn list(&self, key: &'static str) -> Vec<Value<'d>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(members) = value.node.get_ref() else {
            value.wrong_type("a list of texts");
            return Vec::new();
        };
        let member = |(at, node)| Value { problems: self.problems, path: format!("{}[{}]", value.path, at + 1), node };
        members.iter().enumerate().map(member).collect()
    }

    /// A table below this one; nothing when left out.
    pub(crate) fn table(&self, key: &'static str) -> Option<Table<'d>> {
        self.value(key)?.table()
    }

    /// The tables of an array of tables, in their order; empty when left out.
    pub(crate) fn tables(&self, key: &'static str) -> Vec<Table<'d>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(members) = value.node.get_ref() else {
            value.wrong_type(&format!("written as [[{}]]", value.path));
            return Vec::new();
        };
        let member = |(at, node)| Value { problems: self.problems, path: format!("{}[{}]", value.path, at + 1), node };
        members.iter().enumerate().map(member).filter_map(|value| value.table()).collect()
    }

    /// Every entry under a name that the site chose, with its place.
    pub(crate) fn named_values(&self) -> Vec<(&'d str, Value<'d>)> {
        let entry = |(key, node): (&'d Spanned<std::borrow::Cow<'d, str>>, &'d Spanned<DeValue<'d>>)| {
            let value = Value { problems: self.problems, path: self.path_of(key.get_ref()), node };
            (key.get_ref().as_ref(), value)
        };
        self.entries.iter().map(entry).collect()
    }

    /// Every entry as a table under a name that the site chose, with the place of the table.
    pub(crate) fn named_tables(&self) -> Vec<(&'d str, Table<'d>)> {
        let entry = |(key, node): (&'d Spanned<std::borrow::Cow<'d, str>>, &'d Spanned<DeValue<'d>>)| {
            let value = Value { problems: self.problems, path: self.path_of(key.get_ref()), node };
            Some((key.get_ref().as_ref(), value.table()?))
        };
        self.entries.iter().filter_map(entry).collect()
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn finish(&self) {
        let asked = self.asked.borrow();
        for key in self.entries.keys() {
            if !asked.contains(&key.get_ref().as_ref()) {
                let message = format!("unknown key; known here: {}", asked.join(", "));
                self.problems.add(&key.span(), &self.path_of(key.get_ref()), message);
            }
        }
    }
}

impl<'d> Value<'d> {
    /// Reports a problem with the value.
    pub(crate) fn bad(&self, message: impl Into<String>) {
        self.problems.add(&self.node.span(), &self.path, message);
    }

    fn wrong_type(&self, wanted: &str) {
        self.bad(format!("is {}, but has to be {wanted}", article(self.node.get_ref().type_str())));
    }

    /// A text of one line with something in it.
    pub(crate) fn text(&self) -> Option<&'d str> {
        let text = self.raw_text()?;
        if text.trim().is_empty() {
            self.bad("is empty; fill it in or leave the key out");
            return None;
        }
        if text.chars().any(char::is_control) {
            self.bad("has a line break or another control character; write it on one line");
            return None;
        }
        Some(text)
    }

    /// Any text, whatever is in it; for values that are judged one by one later.
    pub(crate) fn raw_text(&self) -> Option<&'d str> {
        let DeValue::String(text) = self.node.get_ref() else {
            self.wrong_type("a text in quotes");
            return None;
        };
        Some(text)
    }

    /// A text that follows a rule.
    pub(crate) fn parsed<T, E: Display>(&self, rule: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.text()?;
        rule(text).map_err(|why| self.bad(format!("{text:?} {why}"))).ok()
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        let DeValue::Boolean(value) = self.node.get_ref() else {
            self.wrong_type("true or false");
            return None;
        };
        Some(*value)
    }

    /// A whole number inside `range`.
    pub(crate) fn number(&self, range: RangeInclusive<u64>) -> Option<u64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(digits) = self.node.get_ref() else {
            self.wrong_type(&wanted);
            return None;
        };
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|n| range.contains(n));
        if number.is_none() {
            self.bad(format!("is {digits}, but has to be {wanted}"));
        }
        number
    }

    /// A date or a date with a time.
    pub(crate) fn datetime(&self) -> Option<Datetime> {
        let DeValue::Datetime(value) = self.node.get_ref() else {
            self.wrong_type(
                "a date such as 2026-12-31 or an instant such as 2026-12-31T18:00:00+01:00, without quotes",
            );
            return None;
        };
        Some(*value)
    }

    /// The text, if it is one; whoever reads the value proper reports what is wrong with it.
    pub(crate) fn peek(&self) -> Option<&'d str> {
        self.node.get_ref().as_str()
    }

    /// A decimal number of at least nothing, written in quotes or as a whole number, as so many parts of one.
    ///
    /// What is finer than a part is refused, never rounded.
    pub(crate) fn decimal(&self, parts: u64, most: u64) -> Option<u64> {
        if !self.is_text() {
            return Some(self.number(0..=most)?.saturating_mul(parts));
        }
        self.parsed(|text| {
            crate::cli::amount::decimal(text, parts)
                .filter(|amount| *amount <= most.saturating_mul(parts))
                .ok_or("is no such amount; write a decimal number in quotes, as \"12.5\"")
        })
    }

    /// Whether the value is a text.
    pub(crate) fn is_text(&self) -> bool {
        self.node.get_ref().is_str()
    }

    /// Whether the value is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.node.get_ref().is_table()
    }

    /// Whether the value is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.node.get_ref().is_array()
    }

    /// A table.
    pub(crate) fn table(&self) -> Option<Table<'d>> {
        let DeValue::Table(entries) = self.node.get_ref() else {
            self.wrong_type(&format!("written as a table [{}]", self.path));
            return None;
        };
        Some(Table::new(self.problems, entries, self.path.clone(), self.node.span()))
    }
}

fn article(type_word: &str) -> String {
    let vowel = type_word.starts_with(['a', 'i']);
    format!("{} {type_word}", if vowel { "an" } else { "a" })
}
