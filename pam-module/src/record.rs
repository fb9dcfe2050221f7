//! The record of one event, in two spellings: a line for the journal and a datagram for bursard.
//!
//! Fields that anybody outside can influence are quoted and escaped, so that no name can forge a field or a line, and
//! cut, so that no host name can crowd out the rest.

use std::fmt::Write as _;

/// The most characters of one untrusted field.
const MOST_CHARS: usize = 256;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Number(i64),
    /// Made here, of harmless characters only.
    Word(&'static str),
    Text(String),
}

/// Fields in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    fields: Vec<(&'static str, Value)>,
}

impl Record {
    /// Adds a number.
    pub(crate) fn number(&mut self, key: &'static str, value: impl TryInto<i64>) {
        self.fields.push((key, Value::Number(value.try_into().unwrap_or(i64::MAX))));
    }

    /// Adds a word of this module's own.
    pub(crate) fn word(&mut self, key: &'static str, value: &'static str) {
        self.fields.push((key, Value::Word(value)));
    }

    /// Adds untrusted text, if there is any.
    pub(crate) fn text(&mut self, key: &'static str, value: Option<impl AsRef<str>>) {
        if let Some(value) = value {
            self.fields.push((key, Value::Text(value.as_ref().chars().take(MOST_CHARS).collect())));
        }
    }

    /// `key=value key="text"`, one line.
    pub(crate) fn to_line(&self) -> String {
        let mut out = String::new();
        for (key, value) in &self.fields {
            let gap = if out.is_empty() { "" } else { " " };
            out.push_str(gap);
            out.push_str(key);
            out.push('=');
            push_value(&mut out, value, false);
        }
        out
    }

    /// A JSON object, one line.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (key, value) in &self.fields {
            let gap = if out.len() == 1 { "" } else { "," };
            let _ = write!(out, "{gap}\"{key}\":");
            push_value(&mut out, value, true);
        }
        out.push('}');
        out
    }
}

fn push_value(out: &mut String, value: &Value, quote_words: bool) {
    match value {
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Word(word) if quote_words => push_quoted(out, word),
        Value::Word(word) => out.push_str(word),
        Value::Text(text) => push_quoted(out, text),
    }
}

/// JSON's own escapes; beyond what JSON asks for, also everything that a terminal or a log reader could take for
/// layout.
fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            plain if !plain.is_control() && !is_invisible(plain) => out.push(plain),
            odd => {
                let mut units = [0; 2];
                for unit in odd.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Line separators and marks that reverse the direction of reading.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        let mut record = Record::default();
        record.word("decision", "refuse");
        record.text("user", Some("ana\" decision=admit\n\u{202e}\\"));
        record.text("tty", None::<&str>);
        record.number("uid", 70_001_u32);
        record
    }

    #[test]
    fn given_a_hostile_name_then_the_line_has_no_field_more() {
        assert_eq!(sample().to_line(), r#"decision=refuse user="ana\" decision=admit\u000a\u202e\\" uid=70001"#);
    }

    #[test]
    fn given_a_hostile_name_then_the_object_stays_one_object() {
        assert_eq!(
            sample().to_json(),
            r#"{"decision":"refuse","user":"ana\" decision=admit\u000a\u202e\\","uid":70001}"#
        );
    }

    #[test]
    fn given_an_endless_field_then_it_is_cut() {
        let mut record = Record::default();
        record.text("rhost", Some("x".repeat(100_000)));
        assert_eq!(record.to_line().len(), "rhost=\"\"".len() + MOST_CHARS);
    }
}
