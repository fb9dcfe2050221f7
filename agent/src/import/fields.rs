//! What the columns of a dump are, from its header or from what the caller says.

/// The columns that a run is made from, by sacct's names for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is sacct's own name")]
pub enum Field {
    JobIdRaw,
    JobId,
    DbIndex,
    Cluster,
    User,
    Uid,
    Account,
    WcKey,
    Partition,
    Qos,
    State,
    Submit,
    Eligible,
    Start,
    End,
    Elapsed,
    ElapsedRaw,
    Suspended,
    TimeLimit,
    TimeLimitRaw,
    Nodes,
    Cpus,
    AllocTres,
    NodeList,
    Reservation,
    Priority,
}

/// sacct's names in small letters, where two mean the same both.
const NAMES: [(&str, Field); 28] = [
    ("jobidraw", Field::JobIdRaw),
    ("jobid", Field::JobId),
    ("dbindex", Field::DbIndex),
    ("cluster", Field::Cluster),
    ("user", Field::User),
    ("uid", Field::Uid),
    ("account", Field::Account),
    ("wckey", Field::WcKey),
    ("partition", Field::Partition),
    ("qos", Field::Qos),
    ("state", Field::State),
    ("submit", Field::Submit),
    ("eligible", Field::Eligible),
    ("start", Field::Start),
    ("end", Field::End),
    ("elapsed", Field::Elapsed),
    ("elapsedraw", Field::ElapsedRaw),
    ("suspended", Field::Suspended),
    ("timelimit", Field::TimeLimit),
    ("timelimitraw", Field::TimeLimitRaw),
    ("nnodes", Field::Nodes),
    ("allocnodes", Field::Nodes),
    ("ncpus", Field::Cpus),
    ("alloccpus", Field::Cpus),
    ("alloctres", Field::AllocTres),
    ("nodelist", Field::NodeList),
    ("reservation", Field::Reservation),
    ("priority", Field::Priority),
];

/// Columns that may hold anything, the separator and line breaks included, because sacct escapes nothing.
const FREE_TEXT: [&str; 10] = [
    "jobname",
    "comment",
    "admincomment",
    "systemcomment",
    "submitline",
    "workdir",
    "constraints",
    "extra",
    "stdout",
    "wckey",
];

/// Why the columns of a dump are not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldsError {
    /// The first line is a row already, or names fields that sacct does not have.
    #[error("the dump has no header: name its columns as sacct was asked for them, fields=JobIDRaw,Cluster,…")]
    NoHeader,
    /// A column is missing that a run cannot be made without.
    #[error("the dump has no column {0}, without which no run can be charged")]
    Missing(&'static str),
    /// A column stands there twice.
    #[error("column {0} stands there twice")]
    Twice(String),
}

/// Where each column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    separator: char,
    places: Vec<(Field, usize)>,
    /// The columns of free text.
    free: Vec<usize>,
    count: usize,
}

impl Columns {
    /// Columns by their names; `has_cluster` says that the cluster is known without a column.
    pub fn of<'a>(
        names: impl Iterator<Item = &'a str>,
        separator: char,
        has_cluster: bool,
    ) -> Result<Self, FieldsError> {
        let mut columns = Self { separator, places: Vec::new(), free: Vec::new(), count: 0 };
        for name in names {
            // `JobName%30`: sacct takes a width with a field.
            let name = name.trim().split('%').next().unwrap_or_default().to_ascii_lowercase();
            if FREE_TEXT.contains(&name.as_str()) {
                columns.free.push(columns.count);
            }
            if let Some((_, field)) = NAMES.iter().find(|(known, _)| *known == name) {
                if columns.place(*field).is_some() {
                    return Err(FieldsError::Twice(name));
                }
                columns.places.push((*field, columns.count));
            }
            columns.count += 1;
        }
        columns.complete(has_cluster)?;
        Ok(columns)
    }

    /// Columns from the first line of a dump; `trailing` separators, as `sacct -p` writes them, are no column.
    pub fn of_header(line: &str, has_cluster: bool) -> Result<Self, FieldsError> {
        let separator = ['|', '\u{1f}', '\t', ';', ','].into_iter().find(|mark| line.contains(*mark)).unwrap_or('|');
        let names = line.trim_end_matches(separator).split(separator);
        let is_header = names.clone().any(|name| name.trim().eq_ignore_ascii_case("submit"));
        if is_header { Self::of(names, separator, has_cluster) } else { Err(FieldsError::NoHeader) }
    }

    fn complete(&self, has_cluster: bool) -> Result<(), FieldsError> {
        let has = |fields: &[Field]| fields.iter().any(|field| self.place(*field).is_some());
        let needed: [(&[Field], &str); 9] = [
            (&[Field::JobIdRaw, Field::JobId], "JobIDRaw"),
            (&[Field::User, Field::Uid], "User"),
            (&[Field::Account], "Account"),
            (&[Field::State], "State"),
            (&[Field::Submit], "Submit"),
            (&[Field::Start], "Start"),
            (&[Field::End], "End"),
            (&[Field::AllocTres, Field::Cpus], "AllocTRES"),
            (&[Field::Cluster], "Cluster (or name it: cluster=NAME)"),
        ];
        let given = |fields: &[Field]| has(fields) || (has_cluster && *fields == [Field::Cluster]);
        let missing = needed.iter().find(|(fields, _)| !given(fields));
        missing.map_or(Ok(()), |(_, name)| Err(FieldsError::Missing(name)))
    }

    fn place(&self, field: Field) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == field).map(|(_, place)| *place)
    }

    /// The mark between columns.
    pub const fn separator(&self) -> char {
        self.separator
    }

    /// How many columns there are.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether the last column is free text, which may go on on the next line.
    pub fn ends_free(&self) -> bool {
        self.free.last().is_some_and(|last| *last + 1 == self.count)
    }

    /// Whether there is exactly one column of free text, so that a row with too many separators can still be read.
    pub const fn has_one_free(&self) -> bool {
        self.free.len() == 1
    }

    /// The texts of a row, column by column; nothing where the separators cannot be told apart from the text.
    ///
    /// A row of `sacct -p` ends with a separator, which is no column.
    pub fn split<'r>(&self, row: &'r str) -> Option<Vec<&'r str>> {
        let mut texts: Vec<&str> = row.split(self.separator).collect();
        if texts.len() == self.count + 1 && texts.last().is_some_and(|last| last.is_empty()) && !self.ends_free() {
            texts.pop();
        }
        if texts.len() > self.count {
            let (&free, extra) = (self.free.first().filter(|_| self.has_one_free())?, texts.len() - self.count);
            texts.drain(free + 1..=free + extra);
        }
        (texts.len() == self.count).then_some(texts)
    }

    /// The text where the job's number stands if the row has it before any free text; nothing where it cannot be told.
    pub fn job_id_of<'r>(&self, line: &'r str) -> Option<&'r str> {
        let place = self.place(Field::JobIdRaw).or_else(|| self.place(Field::JobId))?;
        // After free text the columns are counted from the end.
        if self.free.first().is_some_and(|free| *free < place) {
            line.rsplit(self.separator).nth(self.count - 1 - place)
        } else {
            line.split(self.separator).nth(place)
        }
    }

    /// The text of a column among those of a row; empty where there is no such column.
    pub fn text<'r>(&self, texts: &[&'r str], field: Field) -> &'r str {
        self.place(field).and_then(|place| texts.get(place)).map_or("", |text| text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "JobIDRaw|Cluster|User|Account|State|Submit|Start|End|AllocTRES";

    #[test]
    fn given_a_header_then_columns_are_found_in_any_order_and_case() {
        let columns = Columns::of_header("alloctres|END|Start|Submit|State|Account|UID|JobID|cluster|Layout\n", false);
        let columns = columns.unwrap();
        let texts = columns.split("cpu=1|4|3|2|COMPLETED|chem|7|12|lab|x").unwrap();
        assert_eq!(columns.text(&texts, Field::Uid), "7");
        assert_eq!(columns.text(&texts, Field::Qos), "");
    }

    #[test]
    fn given_a_dump_without_header_or_without_a_needed_column_then_it_says_so() {
        assert_eq!(Columns::of_header("17|lab|ana|chem|COMPLETED|1|2|3|cpu=1", false), Err(FieldsError::NoHeader));
        let without = |name: &str| Columns::of_header(&LEAST.replace(name, "X"), false);
        assert_eq!(without("AllocTRES"), Err(FieldsError::Missing("AllocTRES")));
        assert!(Columns::of_header(&LEAST.replace("Cluster|", ""), true).is_ok());
        assert!(matches!(Columns::of_header(&format!("{LEAST}|End"), false), Err(FieldsError::Twice(_))));
    }

    #[test]
    fn given_a_separator_in_the_only_free_text_then_the_other_columns_are_still_found() {
        let columns = Columns::of_header(&format!("JobName|{LEAST}"), false).unwrap();
        let texts = columns.split("a|b|c|17|lab|ana|chem|COMPLETED|1|2|3|cpu=1").unwrap();
        assert_eq!(columns.text(&texts, Field::JobIdRaw), "17");
        assert_eq!(columns.text(&texts, Field::AllocTres), "cpu=1");
        let two = Columns::of_header(&format!("JobName|{LEAST}|Comment"), false).unwrap();
        assert_eq!(two.split("a|b|17|lab|ana|chem|COMPLETED|1|2|3|cpu=1|x"), None, "whose it is cannot be told");
    }

    #[test]
    fn given_rows_with_a_separator_at_their_end_then_it_is_no_column() {
        let columns = Columns::of_header(&format!("{LEAST}|"), false).unwrap();
        assert_eq!(columns.split("17|lab|ana|chem|COMPLETED|1|2|3|cpu=1|").unwrap().len(), 9);
    }
}
