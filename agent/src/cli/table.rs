//! Prints tables as sacctmgr does, or as JSON.
//!
//! In columns, each cell is followed by one space and a text longer than its column ends in `+`; numbers and times
//! are never cut, they push the row to the right instead, because a cut number is another number. A character counts
//! as one column wide whatever the terminal makes of it: East Asian wide and combining characters may misalign.
//! Control characters, the bidirectional ones among them, are printed as `\x1b`; with `-p` and `-P` so is `|`, so
//! that a name cannot add a field. Only JSON is exact.

use std::io::{self, Write};

use crate::cli::amount::show_decimal;

use bursar_policy::Timestamp;
use jiff::tz::TimeZone;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::amount::Unit;
use super::format::Layout;
use super::options::{Options, Style};
use crate::wire::table::{Cell, Column, Table};

/// Writes `table` to `out`; of a layout that is not empty, its fields in its order and widths.
pub fn write(table: &Table, layout: &Layout, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let shown = Shown::new(table, layout, options);
    match options.style {
        Style::Columns => shown.columns(options.no_header, out),
        Style::Parsable { trailing } => shown.parsable(options.no_header, trailing, out),
        Style::Csv => shown.csv(options.no_header, out),
        Style::Json => shown.json(out),
    }
}

/// The columns that are shown: where each lies in a row, and how wide it is.
struct Shown<'a> {
    table: &'a Table,
    columns: Vec<(usize, &'a Column, i16)>,
    unit: Unit,
    /// The site's zone; without zone files on this machine UTC, which then shows as a `Z`.
    zone: Option<TimeZone>,
}

static ABSENT: Cell = Cell::Absent;

impl<'a> Shown<'a> {
    fn new(table: &'a Table, layout: &Layout, options: &Options) -> Self {
        let all = table.columns.iter().enumerate();
        let columns = if layout.is_empty() {
            all.map(|(at, column)| (at, column, column.width)).collect()
        } else {
            layout
                .iter()
                .filter_map(|wanted| {
                    let (at, column) = all.clone().find(|(_, column)| column.name == wanted.field)?;
                    Some((at, column, wanted.width.unwrap_or(column.width)))
                })
                .collect()
        };
        Self { table, columns, unit: options.unit, zone: TimeZone::get(&table.zone).ok() }
    }

    fn cells<'r>(&'r self, row: &'r [Cell]) -> impl Iterator<Item = (&'r Cell, &'r Column, i16)> {
        self.columns.iter().map(|(at, column, width)| (row.get(*at).unwrap_or(&ABSENT), *column, *width))
    }

    fn columns(&self, no_header: bool, out: &mut dyn Write) -> io::Result<()> {
        if !no_header {
            for (_, column, width) in &self.columns {
                let title: String = title(&column.name).chars().take(characters(*width)).collect();
                write_padded(&title, *width, out)?;
            }
            writeln!(out)?;
            for (_, _, width) in &self.columns {
                write!(out, "{} ", "-".repeat(characters(*width)))?;
            }
            writeln!(out)?;
        }
        for row in &self.table.rows {
            for (cell, _, width) in self.cells(row) {
                let mut text = self.text(cell, false);
                if matches!(cell, Cell::Text(_)) && text.chars().count() > characters(width) {
                    text = text.chars().take(characters(width) - 1).collect();
                    text.push('+');
                }
                write_padded(&text, width, out)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    fn parsable(&self, no_header: bool, trailing: bool, out: &mut dyn Write) -> io::Result<()> {
        let end = if trailing { "|\n" } else { "\n" };
        if !no_header {
            let titles: Vec<String> = self.columns.iter().map(|(_, column, _)| title(&column.name)).collect();
            write!(out, "{}{end}", titles.join("|"))?;
        }
        for row in &self.table.rows {
            let texts: Vec<String> = self.cells(row).map(|(cell, ..)| self.text(cell, true)).collect();
            write!(out, "{}{end}", texts.join("|"))?;
        }
        Ok(())
    }

    fn csv(&self, no_header: bool, out: &mut dyn Write) -> io::Result<()> {
        if !no_header {
            let titles: Vec<String> = self.columns.iter().map(|(_, column, _)| quoted(&title(&column.name))).collect();
            write!(out, "{}\r\n", titles.join(","))?;
        }
        for row in &self.table.rows {
            let texts: Vec<String> = self.cells(row).map(|(cell, ..)| quoted(&self.text(cell, false))).collect();
            write!(out, "{}\r\n", texts.join(","))?;
        }
        Ok(())
    }

    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "[")?;
        for (number, row) in self.table.rows.iter().enumerate() {
            write!(out, "{}", if number == 0 { "\n  " } else { ",\n  " })?;
            serde_json::to_writer(&mut *out, &JsonRow { shown: self, row })?;
        }
        writeln!(out, "{}]", if self.table.rows.is_empty() { "" } else { "\n" })
    }

    fn text(&self, cell: &Cell, without_bars: bool) -> String {
        match cell {
            Cell::Text(text) | Cell::Decimal(text) => printable(text, without_bars),
            Cell::Count(count) => count.to_string(),
            Cell::Seconds(seconds) => self.unit.show(*seconds),
            Cell::Parts(amount, parts) => show_decimal(*amount, *parts),
            Cell::Instant(seconds) => self.instant(*seconds),
            Cell::Absent => String::new(),
        }
    }

    fn instant(&self, seconds: i64) -> String {
        if seconds == Timestamp::NEVER.0 {
            return "never".to_owned();
        }
        match (jiff::Timestamp::from_second(seconds), &self.zone) {
            (Ok(at), Some(zone)) => {
                let at = at.to_zoned(zone.clone());
                // To the second, as Slurm writes it.
                at.datetime().to_string()
            }
            (Ok(at), None) => at.to_string(),
            (Err(_), _) => format!("uts{seconds}"),
        }
    }
}

/// A row as an object: fields in the order shown, numbers as numbers, CPU time in seconds, instants in UTC.
struct JsonRow<'a> {
    shown: &'a Shown<'a>,
    row: &'a [Cell],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.shown.columns.len()))?;
        for (cell, column, _) in self.shown.cells(self.row) {
            let name = column.name.replace('-', "_");
            match cell {
                // A decimal is a text as well, because a JSON number would be read as a floating-point one.
                Cell::Text(text) | Cell::Decimal(text) => map.serialize_entry(&name, text)?,
                Cell::Count(number) | Cell::Seconds(number) => map.serialize_entry(&name, number)?,
                Cell::Parts(amount, parts) => map.serialize_entry(&name, &show_decimal(*amount, *parts))?,
                Cell::Instant(seconds) => {
                    // What never comes has no date: null, like what is not known.
                    let at = jiff::Timestamp::from_second(*seconds).ok().map(|at| at.to_string());
                    map.serialize_entry(&name, &at)?;
                }
                Cell::Absent => map.serialize_entry(&name, &None::<()>)?,
            }
        }
        map.end()
    }
}

/// `cpu-time` as Slurm would title it: `CpuTime`.
fn title(name: &str) -> String {
    name.split('-')
        .flat_map(|part| {
            let mut rest = part.chars();
            rest.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(rest)
        })
        .collect()
}

/// A field of CSV: in quotes where it would be read as more than one otherwise.
fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn characters(width: i16) -> usize {
    usize::from(width.unsigned_abs()).max(1)
}

fn write_padded(text: &str, width: i16, out: &mut dyn Write) -> io::Result<()> {
    let characters = characters(width);
    if width < 0 { write!(out, "{text:<characters$} ") } else { write!(out, "{text:>characters$} ") }
}

/// `text` with everything escaped that moves the cursor, turns the direction of writing, or, on demand, is a `|`.
pub fn printable(text: &str, without_bars: bool) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || turns || (without_bars && character == '|') {
            printable.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            printable.push(character);
        }
    }
    printable
}
