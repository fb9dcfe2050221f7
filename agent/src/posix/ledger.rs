//! The ownership ledger: which accounts and groups of this host bursar wrote.
//!
//! The managed range alone does not say who made a line, since an administrator can make one by hand inside it.
//! Claims are written before the lines they stand for, so a crash between the two never makes our own line foreign.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::error::Error;
use super::install;
use super::root::Root;

const HEADING: &str =
    "# Written by bursar-node: the accounts and groups it made. Without a line here it touches none.\n";

/// Names and numbers that bursar wrote, never forgotten again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    users: Owned,
    groups: Owned,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Owned {
    by_name: BTreeMap<String, u32>,
    by_id: HashMap<u32, String>,
}

impl Owned {
    fn add(&mut self, name: &str, id: u32) {
        self.by_name.insert(name.to_owned(), id);
        self.by_id.insert(id, name.to_owned());
    }
}

/// Which of the two lists an entry stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person with the private group of the same name and number.
    User,
    /// A shared group.
    Group,
}

impl Ledger {
    /// Reads the ledger; a host without one owns nothing yet.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::read(path)(error)),
        };
        let mut ledger = Self::default();
        for (at, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = line.split_once(':').and_then(|(kind, rest)| {
                let (name, id) = rest.split_once(':')?;
                let kind = match kind {
                    "user" => Kind::User,
                    "group" => Kind::Group,
                    _ => return None,
                };
                Some((kind, name, id.parse().ok()?))
            });
            let (kind, name, id) = entry.ok_or_else(|| Error::Ledger { path: path.to_owned(), line: at + 1 })?;
            ledger.add(kind, name, id);
        }
        Ok(ledger)
    }

    /// The ledger as text, sorted by kind and name.
    pub fn render(&self) -> Vec<u8> {
        let mut text = String::from(HEADING);
        for (word, owned) in [("user", &self.users), ("group", &self.groups)] {
            for (name, id) in &owned.by_name {
                text.push_str(&format!("{word}:{name}:{id}\n"));
            }
        }
        text.into_bytes()
    }

    /// Notes that bursar owns `name` with `id`.
    pub fn add(&mut self, kind: Kind, name: &str, id: u32) {
        match kind {
            Kind::User => self.users.add(name, id),
            Kind::Group => self.groups.add(name, id),
        }
    }

    /// The number owned under `name`.
    pub fn id_of(&self, kind: Kind, name: &str) -> Option<u32> {
        self.of(kind).by_name.get(name).copied()
    }

    /// The name owned under `id`.
    pub fn name_of(&self, kind: Kind, id: u32) -> Option<&str> {
        self.of(kind).by_id.get(&id).map(String::as_str)
    }

    /// Whether bursar owns exactly this pair.
    pub fn owns(&self, kind: Kind, name: &str, id: u32) -> bool {
        self.id_of(kind, name) == Some(id)
    }

    /// All entries of a kind, sorted by name.
    pub fn iter(&self, kind: Kind) -> impl Iterator<Item = (&str, u32)> {
        self.of(kind).by_name.iter().map(|(name, id)| (name.as_str(), *id))
    }

    fn of(&self, kind: Kind) -> &Owned {
        match kind {
            Kind::User => &self.users,
            Kind::Group => &self.groups,
        }
    }
}

/// Adopts an entry that somebody made by hand, so that later passes treat it as bursar's own: the explicit command.
pub fn adopt(root: &Root, kind: Kind, name: &str, id: u32) -> Result<(), Error> {
    let path = root.ledger();
    let _alone = super::lock::FileLock::acquire(&root.state.join(".lock"), root.lock_wait)?;
    let mut ledger = Ledger::read(&path)?;
    ledger.add(kind, name, id);
    install::replace(&path, &ledger.render(), 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_written_ledger_then_it_reads_back_and_a_bad_line_is_named() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("owned");
        assert_eq!(Ledger::read(&path)?, Ledger::default());
        let mut ledger = Ledger::default();
        ledger.add(Kind::User, "ana", 65536);
        ledger.add(Kind::Group, "phys", 65600);
        std::fs::write(&path, ledger.render())?;
        assert_eq!(Ledger::read(&path)?, ledger);
        std::fs::write(&path, "user:ana:65536\nana 65536\n")?;
        assert!(matches!(Ledger::read(&path), Err(Error::Ledger { line: 2, .. })));
        Ok(())
    }
}
