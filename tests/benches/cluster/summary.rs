//! The table at the end.

/// What was measured, in order.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    rows: Vec<(String, String, String)>,
}

impl Summary {
    /// Adds a line, and shows it at once on stderr, since the rest takes minutes. `bar` is what is wanted, if anything.
    pub(crate) fn add(&mut self, what: impl Into<String>, value: impl Into<String>, bar: &str) {
        let (what, value) = (what.into(), value.into());
        eprintln!("{what}: {value}");
        self.rows.push((what, value, bar.to_owned()));
    }

    /// Prints the table to stdout.
    pub(crate) fn print(&self) {
        let width = |text: fn(&(String, String, String)) -> &String| {
            self.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or_default()
        };
        let (what, value) = (width(|row| &row.0), width(|row| &row.1));
        println!();
        for row in &self.rows {
            println!("{:what$}  {:>value$}  {}", row.0, row.1, row.2);
        }
    }
}
