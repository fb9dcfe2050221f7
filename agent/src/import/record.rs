//! Which lines of a dump make a row: a line break in a job's name breaks its row in two.

use super::fields::Columns;

/// No row is broken into more lines than this; what goes on longer is no row.
const MOST_LINES: usize = 64;

/// Puts rows together from lines that come one after another.
#[derive(Debug)]
pub struct Records<'c> {
    columns: &'c Columns,
    pending: String,
    lines: usize,
    /// Whether the line before was a row whose last column may go on.
    after_row: bool,
}

impl<'c> Records<'c> {
    /// At the start of a row.
    pub const fn new(columns: &'c Columns) -> Self {
        Self { columns, pending: String::new(), lines: 0, after_row: false }
    }

    /// Takes a line; gives rows that are whole now, among them what turned out to be none.
    pub fn take(&mut self, line: &str, mut each: impl FnMut(&str)) {
        let enough = |text: &str| text.split(self.columns.separator()).count() >= self.columns.count();
        if enough(line) && self.begins_a_row(line) {
            self.flush(&mut each);
            each(line);
            self.after_row = self.columns.ends_free();
            return;
        }
        if self.pending.is_empty() && self.after_row && !self.begins_a_row(line) {
            // The rest of the free text of the row before.
            return;
        }
        self.after_row = false;
        if self.lines > 0 {
            self.pending.push('\n');
        }
        self.pending.push_str(line);
        self.lines += 1;
        if enough(&self.pending) || self.lines >= MOST_LINES || !self.columns.has_one_free() {
            self.flush(&mut each);
        }
    }

    /// Gives what is left at the end of the dump, or where it makes no row with what follows.
    pub fn flush(&mut self, mut each: impl FnMut(&str)) {
        if self.lines > 0 {
            each(&std::mem::take(&mut self.pending));
            self.lines = 0;
        }
    }

    /// Whether nothing waits for its other lines.
    pub const fn is_between_rows(&self) -> bool {
        self.lines == 0
    }

    /// Whether the column of the job's number holds one.
    fn begins_a_row(&self, line: &str) -> bool {
        self.columns.job_id_of(line).is_some_and(|id| id.starts_with(|first: char| first.is_ascii_digit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(header: &str, lines: &[&str]) -> Vec<String> {
        let columns = Columns::of_header(header, false).unwrap();
        let mut records = Records::new(&columns);
        let mut rows = Vec::new();
        for line in lines {
            records.take(line, |row| rows.push(row.to_owned()));
        }
        records.flush(|row| rows.push(row.to_owned()));
        rows
    }

    const LEAST: &str = "JobIDRaw|Cluster|User|Account|State|Submit|Start|End|AllocTRES";

    #[test]
    fn given_a_line_break_in_the_last_column_then_the_row_is_whole_and_the_rest_is_left() {
        let lines = ["17|lab|ana|chem|COMPLETED|1|2|3|cpu=1|a", "b|c", "18|lab|ana|chem|COMPLETED|1|2|3|cpu=1|d"];
        assert_eq!(rows(&format!("{LEAST}|JobName"), &lines), [lines[0], lines[2]]);
    }

    #[test]
    fn given_a_line_break_in_a_column_before_then_the_lines_make_one_row() {
        let header = format!("JobIDRaw|JobName|{}", LEAST.replace("JobIDRaw|", ""));
        let got =
            rows(&header, &["17|a", "b|lab|ana|chem|COMPLETED|1|2|3|cpu=1", "18|c|lab|ana|chem|FAILED|1|2|3|cpu=1"]);
        assert_eq!(got, ["17|a\nb|lab|ana|chem|COMPLETED|1|2|3|cpu=1", "18|c|lab|ana|chem|FAILED|1|2|3|cpu=1"]);
    }

    #[test]
    fn given_lines_that_are_no_rows_then_each_comes_out_to_be_set_aside() {
        let got = rows(LEAST, &["garbage", "17|lab|ana|chem|COMPLETED|1|2|3|cpu=1", "17|lab"]);
        assert_eq!(got, ["garbage", "17|lab|ana|chem|COMPLETED|1|2|3|cpu=1", "17|lab"]);
    }
}
