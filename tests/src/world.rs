//! The people, accounts and rules that the demo and the tests share.

use std::fmt::Write as _;

use crate::{Files, Host, Login, Result, in_the_morning};

/// A person of the directory, with the key they log in with.
#[derive(Debug)]
pub struct Inhabitant {
    /// The POSIX name.
    pub name: &'static str,
    /// The key pair, outside of the host.
    pub login: Login,
}

/// A small institute: who there is, and what they may.
///
/// Ana leads physics and has a day's allowance of ten CPU-hours; Ben is her colleague; Chi is a guest without a grant
/// yet; Eva may look; Kim runs the cluster.
#[derive(Debug)]
pub struct World {
    /// Everybody.
    pub people: Vec<Inhabitant>,
}

const PEOPLE: &[(&str, &str, &str, &str, &str)] = &[
    ("p-01", "ana", "Ana Almeida", "member", "g-physics"),
    ("p-02", "ben", "Ben Brandt", "member", "g-physics"),
    ("p-03", "chi", "Chi Chen", "guest", "g-school"),
    ("p-04", "eva", "Eva Ek", "member", "g-audit"),
    ("p-05", "kim", "Kim Kos", "member", "g-admins"),
];

const BURSAR: &str = "\
cluster = \"demo\"
roles = [\"controller\", \"database\", \"login\", \"compute\"]

[[source]]
name = \"directory\"
kind = \"directory\"
path = \"/etc/bursar/directory.toml\"

[intervals]
source-seconds = 5
jobs-seconds = 1
runs-seconds = 2
";

/// The rules of the institute, without its zone.
const RULES: &str = "\
week-start = \"monday\"
contact = \"Ask the HPC team, hpc@example.org.\"

[limits.default]
queued-jobs = 1000

[limits.person.ana]
cpu-hours-per-day = 10

[[account]]
name = \"science\"
description = \"Faculty of science\"
cost-center = \"CC-1000\"

[[account]]
name = \"physics\"
parent = \"science\"
description = \"Department of physics\"
cost-center = \"CC-1100\"
[account.limits]
cpu-hours-per-month = 2000

[[mapping]]
group = \"g-admins\"
role = \"cluster-admin\"
scope = \"cluster\"

[[mapping]]
group = \"g-admins\"
role = \"compute-user\"
account = \"science\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-audit\"
role = \"observer\"
scope = \"cluster\"
";

impl World {
    /// Makes everybody a key for logins to `host`.
    pub fn new(host: &Host) -> Result<Self> {
        let people = PEOPLE
            .iter()
            .map(|(_, name, ..)| Ok(Inhabitant { name, login: host.new_login(name)? }))
            .collect::<Result<_>>()?;
        Ok(Self { people })
    }

    /// The key of one person.
    pub fn login(&self, name: &str) -> Option<&Login> {
        self.people.iter().find(|person| person.name == name).map(|person| &person.login)
    }

    /// The configuration of this world, with everybody in the directory.
    ///
    /// It is early in the morning there, so that what the story tells of Ana's day is so in the evening, too.
    pub fn files(&self) -> Files {
        Files {
            bursar: BURSAR.to_owned(),
            policy: in_the_morning(RULES),
            directory: self.directory(&[]),
            contact: "Ask the HPC team, hpc@example.org.".to_owned(),
        }
    }

    /// The directory file without the people named.
    pub fn directory(&self, without: &[&str]) -> String {
        let mut text = String::new();
        for (id, name) in
            [("g-physics", "physicists"), ("g-school", "school"), ("g-audit", "audit"), ("g-admins", "hpcadmins")]
        {
            let _ = write!(text, "[[group]]\nid = \"{id}\"\nname = \"{name}\"\n\n");
        }
        for (id, name, display, kind, group) in PEOPLE.iter().filter(|(_, name, ..)| !without.contains(name)) {
            let key = self.login(name).map(|login| login.public().trim().to_owned()).unwrap_or_default();
            let _ = write!(
                text,
                "[[person]]\nid = \"{id}\"\nuser-name = \"{name}\"\ndisplay-name = \"{display}\"\nkind = \"{kind}\"\n\
                 ssh-keys = [\"{key}\"]\ngroups = [\"{group}\"]\n\n"
            );
        }
        text
    }
}
