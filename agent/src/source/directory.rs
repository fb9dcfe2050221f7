//! The identity source `directory`: a TOML file of people and groups, read all or nothing.
//!
//! The file as a whole is refused, with every problem, when a key is unknown, missing or of the wrong type, or when a
//! person is in a group that is not there. A name or an SSH key that bursar does not accept, and a second record with
//! an id that was there already, are that record's own affair: the read stands, and [`super::merge`] reports them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Problem;
use crate::config::read::{Table, Value, read_file};
use crate::store::SubjectKind;

/// Everything that the file says, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The people.
    pub people: Vec<DirectoryPerson>,
    /// The groups.
    pub groups: Vec<DirectoryGroup>,
}

/// One `[[person]]`; names and keys are as written, not yet accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryPerson {
    /// The immutable id.
    pub id: String,
    /// The user name.
    pub user_name: String,
    /// The full name.
    pub display_name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// Member or guest.
    pub kind: SubjectKind,
    /// Whether the person may use anything at all.
    pub enabled: bool,
    /// SSH public keys.
    pub ssh_keys: Vec<String>,
    /// Immutable ids of the groups.
    pub groups: BTreeSet<String>,
}

/// One `[[group]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// The immutable id.
    pub id: String,
    /// The name.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// Reads the file; the error holds every problem in it, and then nothing of the file counts.
pub fn read(path: &Path) -> Result<Directory, Vec<Problem>> {
    read_file(path, directory)
}

fn directory(root: &Table<'_>) -> Option<Directory> {
    let group_tables = root.tables("group");
    let groups: Vec<_> = group_tables.iter().filter_map(group).collect();
    let sound = groups.len() == group_tables.len();
    let ids: BTreeSet<&str> = groups.iter().map(|group| group.id.as_str()).collect();
    let person_tables = root.tables("person");
    // A group that could not be read is a problem already; its members need not be one each.
    let known = sound.then_some(&ids);
    let people: Vec<_> = person_tables.iter().filter_map(|table| person(table, known)).collect();
    (sound && people.len() == person_tables.len()).then_some(Directory { people, groups })
}

fn group(table: &Table<'_>) -> Option<DirectoryGroup> {
    let id = table.parsed("id", immutable_id);
    let name = table.text("name");
    let description = match table.value("description") {
        None => Some(String::new()),
        Some(value) => value.text().map(str::to_owned),
    };
    table.finish();
    Some(DirectoryGroup { id: id?, name: name?.to_owned(), description: description? })
}

fn person(table: &Table<'_>, groups: Option<&BTreeSet<&str>>) -> Option<DirectoryPerson> {
    let id = table.parsed("id", immutable_id);
    let user_name = table.text("user-name");
    let display_name = table.text("display-name");
    let mail = table.maybe_parsed("mail", mail);
    let kind = match table.value("kind") {
        None => Some(SubjectKind::Member),
        Some(value) => value.parsed(|word| SubjectKind::parse(word).ok_or("is no kind; write member or guest")),
    };
    let enabled = table.boolean_or("enabled", true);
    let ssh_keys = all(&table.list("ssh-keys"), |value| value.raw_text().map(str::to_owned));
    let memberships = all(&table.list("groups"), |value| membership(value, groups));
    table.finish();
    Some(DirectoryPerson {
        id: id?,
        user_name: user_name?.to_owned(),
        display_name: display_name?.to_owned(),
        mail: mail?,
        kind: kind?,
        enabled: enabled?,
        ssh_keys: ssh_keys?,
        groups: memberships?.into_iter().collect(),
    })
}

/// What `read` makes of each value, nothing if it failed for any; every value is tried.
fn all<'d, T>(values: &[Value<'d>], read: impl Fn(&Value<'d>) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<T> = values.iter().filter_map(read).collect();
    (read.len() == values.len()).then_some(read)
}

fn membership(value: &Value<'_>, groups: Option<&BTreeSet<&str>>) -> Option<String> {
    let id = value.text()?;
    if groups.is_some_and(|groups| !groups.contains(id)) {
        value.bad(format!("names group {id}, which no [[group]] has as its id; add it or correct the id"));
        return None;
    }
    Some(id.to_owned())
}

fn immutable_id(text: &str) -> Result<String, &'static str> {
    match text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("is no id; use at most 128 visible ASCII characters without spaces"),
    }
}

fn mail(text: &str) -> Result<String, &'static str> {
    let plain = text.len() <= 254 && !text.contains(char::is_whitespace);
    match text.split_once('@') {
        Some((local, domain)) if plain && !local.is_empty() && !domain.is_empty() => Ok(text.to_owned()),
        _ => Err("is no mail address; correct it or leave mail out"),
    }
}
