//! A large institute as the files of an administrator, and as a document of `sacctmgr load`.

use std::fmt::Write as _;

use bursar_tests::Files;

/// How many people in how many accounts; each person is in one group, and each group maps to one account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Institute {
    /// People.
    pub(crate) people: usize,
    /// Groups, and accounts.
    pub(crate) accounts: usize,
}

const BURSAR: &str = "\
cluster = \"demo\"
roles = [\"controller\", \"database\", \"login\", \"compute\"]

[[source]]
name = \"directory\"
kind = \"directory\"
path = \"/etc/bursar/directory.toml\"
";

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team, hpc@example.org.\"

[limits.default]
running-jobs = 50
queued-jobs = 100000
cpu-hours-per-month = 100000

";

impl Institute {
    /// The POSIX name of a person.
    pub(crate) fn person(n: usize) -> String {
        format!("person{n:05}")
    }

    fn account(&self, person: usize) -> usize {
        person % self.accounts
    }

    /// bursar's configuration.
    pub(crate) fn files(&self) -> Files {
        let mut policy = POLICY.to_owned();
        let mut directory = String::new();
        for n in 0..self.accounts {
            let _ = write!(
                policy,
                "[[account]]\nname = \"account{n:03}\"\ndescription = \"Group {n}\"\ncost-center = \"cc-{n}\"\n\
                 [[mapping]]\ngroup = \"g-{n}\"\nrole = \"compute-user\"\naccount = \"account{n:03}\"\n\n"
            );
            let _ = write!(directory, "[[group]]\nid = \"g-{n}\"\nname = \"group{n:03}\"\n\n");
        }
        for n in 0..self.people {
            let name = Self::person(n);
            let _ = write!(
                directory,
                "[[person]]\nid = \"p-{n}\"\nuser-name = \"{name}\"\ndisplay-name = \"Person {n}\"\n\
                 mail = \"{name}@example.org\"\ngroups = [\"g-{}\"]\n\
                 ssh-keys = [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4 {name}\"]\n\n",
                self.account(n)
            );
        }
        let contact = "Ask the HPC team, hpc@example.org.".to_owned();
        Files { bursar: BURSAR.to_owned(), policy, directory, contact }
    }

    /// The same associations for `sacctmgr load`.
    pub(crate) fn document(&self) -> String {
        let mut text = "Cluster - 'demo'\nParent - 'root'\n".to_owned();
        for n in 0..self.accounts {
            let _ = writeln!(text, "Account - 'account{n:03}':Description='group {n}':Organization='cc-{n}'");
        }
        for n in 0..self.accounts {
            let _ = writeln!(text, "Parent - 'account{n:03}'");
            for person in (n..self.people).step_by(self.accounts) {
                let name = Self::person(person);
                let _ =
                    writeln!(text, "User - '{name}':DefaultAccount='account{n:03}':MaxJobs=50:MaxSubmitJobs=100050");
            }
        }
        text
    }

    /// Lines of `/etc/passwd` for everybody.
    pub(crate) fn passwd(&self) -> String {
        let line = |n| format!("{name}:x:{id}:{id}::/home/{name}:/bin/bash\n", name = Self::person(n), id = 65_536 + n);
        (0..self.people).map(line).collect()
    }
}
