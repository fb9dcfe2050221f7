//! `--explain`: says what each field of a report is, from its declaration and without the daemon.

use std::io::{self, Write};

use super::entity::{Field, Key, Report, Schema};
use super::format::Layout;
use super::options::{Options, Style};
use super::table;
use crate::wire::Table;

/// The columns of definitions, for those who read them by program.
static DEFINITIONS: Schema = Schema {
    name: "definitions",
    aliases: &[],
    about: "What the fields of a report are",
    can_add: false,
    can_modify: false,
    can_delete: false,
    instead: "",
    bare: None,
    flags: &[],
    keys: NO_KEYS,
    fields: &[Field::new("field", -20, "field"), Field::new("definition", -100, "what it is")],
};

const NO_KEYS: &[Key] = &[];

/// No line of text is longer, where words allow it.
const WIDTH: usize = 100;

/// Writes the definitions of the fields that `layout` names, or of all.
pub(super) fn write(report: Report, layout: &Layout, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let schema = report.schema();
    let wanted = |field: &&Field| layout.is_empty() || layout.iter().any(|of| of.field == field.name);
    let fields = schema.fields.iter().filter(wanted);
    if options.style == Style::Columns {
        if !options.no_header {
            writeln!(out, "{}\n{}", report.command(), indented(schema.about))?;
        }
        for field in fields {
            writeln!(out, "\n{}\n{}", field.name, indented(&definition(field)))?;
        }
        return Ok(());
    }
    let names = DEFINITIONS.default_fields();
    let rows = Table::build(&DEFINITIONS, &names, "UTC", fields, |field, column| match column {
        "field" => field.name.into(),
        _ => definition(field).into(),
    });
    table::write(&rows, &Layout::new(), options, out)
}

/// The phrase of the help, and what it means exactly.
fn definition(field: &Field) -> String {
    format!("{}. {}", field.about, field.meaning).trim_end().to_owned()
}

/// The text in lines that begin with four blanks.
fn indented(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("    {word}")),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(report: Report, layout: &Layout, options: &Options) -> String {
        let mut out = Vec::new();
        write(report, layout, options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn given_any_report_then_every_field_is_defined_in_lines_of_bounded_length() {
        for report in Report::ALL {
            let text = told(report, &Layout::new(), &Options::default());
            for field in report.schema().fields {
                assert!(text.contains(&format!("\n{}\n    ", field.name)), "{}: {text}", field.name);
                let ends_well = field.meaning.is_empty() || field.meaning.ends_with('.');
                assert!(ends_well && !field.about.ends_with('.'), "{} {}", report.command(), field.name);
            }
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn given_fields_and_a_style_then_only_these_are_defined_and_a_program_can_read_them() {
        let layout = super::super::format::parse("runs,wait-max", Report::Waits.schema(), "report waits").unwrap();
        let options = Options { style: Style::Parsable { trailing: false }, no_header: true, ..Options::default() };
        let text = told(Report::Waits, &layout, &options);
        let names: Vec<_> = text.lines().filter_map(|line| line.split_once('|')).map(|(name, _)| name).collect();
        assert_eq!(names, ["runs", "wait-max"]);
        assert!(text.contains("wait-max|the longest wait, from submission. Start - submit, in seconds"), "{text}");
    }
}
