//! One `sacctmgr` call of a plan that concerns QOS, limits that slurmctld holds, or cost centres.
//!
//! Findings on 22.05.8: a list of QOS without the association's default among them is refused, with exit 0 and nothing
//! done, so both are always set in one call. `add user ... wckeys=` adds to people who exist, but makes those who do not;
//! the first wckey of a person becomes their default. `load` takes a wckey as a default only. With wckeys enforced a job
//! that names none runs under the default, one that names another is refused; capitals do not count.

use std::fmt;

use bursar_policy::{AccountName, UserName};

use super::action::{commas, some};
use super::command::words;
use super::desired::ClusterName;
use super::native::{self, NativeLimits};
use super::qos::{QosName, made_description};

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueAction {
    /// Makes a QOS, marked as bursar's.
    AddQos(QosName),
    /// Changes values of a QOS, and the mark in its description where that changes.
    SetQos {
        /// Its name, as slurmdbd has it.
        qos: String,
        /// The words after `set`.
        words: Vec<String>,
        /// Its new description.
        description: Option<String>,
    },
    /// Removes a QOS that bursar made and nobody needs.
    DropQos(String),
    /// Sets the QOS of every existing association of these people in these accounts.
    SetAccess {
        /// The people.
        users: Vec<UserName>,
        /// The accounts.
        accounts: Vec<AccountName>,
        /// The whole list; empty is that of the account above.
        list: Vec<String>,
        /// The QOS of jobs that name none.
        default: Option<String>,
    },
    /// Sets limits that slurmctld holds.
    SetNative {
        /// The people in the accounts; none means the accounts' own associations.
        users: Vec<UserName>,
        /// The accounts.
        accounts: Vec<AccountName>,
        /// The limits.
        limits: NativeLimits,
    },
    /// Gives people cost centres beside those they have.
    AddWckeys {
        /// The people, who all exist.
        users: Vec<UserName>,
        /// The cost centres.
        wckeys: Vec<String>,
    },
}

impl QueueAction {
    /// The arguments of `sacctmgr` for `cluster`.
    pub fn args(&self, cluster: &ClusterName) -> Vec<String> {
        let of_cluster = format!("cluster={cluster}");
        let of_people = |users: &[UserName], accounts: &[AccountName]| {
            let (names, accounts) = (format!("name={}", commas(users)), format!("account={}", commas(accounts)));
            // An empty partition keeps the associations of single partitions out; they are not bursar's.
            words(&["-i", "modify", "user", "where", &names, &accounts, &of_cluster, "partition=", "set"])
        };
        match self {
            Self::AddQos(name) => {
                words(&["-i", "add", "qos", name.as_str(), &format!("description={}", made_description(name))])
            }
            Self::SetQos { qos, words: set, description } => {
                let mut args = words(&["-i", "modify", "qos", "where", &format!("name={qos}"), "set"]);
                args.extend(set.iter().cloned());
                args.extend(description.iter().map(|text| format!("description={text}")));
                args
            }
            Self::DropQos(name) => words(&["-i", "delete", "qos", "where", &format!("name={name}")]),
            Self::SetAccess { users, accounts, list, default } => {
                let mut args = of_people(users, accounts);
                args.push(format!("qos={}", list.join(",")));
                args.push(format!("defaultqos={}", default.as_deref().unwrap_or("-1")));
                args
            }
            Self::SetNative { users, accounts, limits } if users.is_empty() => {
                let names = format!("name={}", commas(accounts));
                let mut args = words(&["-i", "modify", "account", "where", &names, &of_cluster, "set"]);
                args.extend(native::words(limits));
                args
            }
            Self::SetNative { users, accounts, limits } => {
                let mut args = of_people(users, accounts);
                args.extend(native::words(limits));
                args
            }
            Self::AddWckeys { users, wckeys } => words(&[
                "-i",
                "add",
                "user",
                &format!("name={}", commas(users)),
                &of_cluster,
                &format!("wckeys={}", wckeys.join(",")),
            ]),
        }
    }
}

impl fmt::Display for QueueAction {
    /// One line for people, as `bursar sync --dry-run` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddQos(name) => write!(f, "add qos {name}"),
            Self::SetQos { qos, words, description: None } => write!(f, "set {} of qos {qos}", words.join(", ")),
            Self::SetQos { qos, words, description: Some(text) } if words.is_empty() => {
                write!(f, "describe qos {qos} as {text:?}")
            }
            Self::SetQos { qos, words, description: Some(text) } => {
                write!(f, "set {} of qos {qos}, described as {text:?}", words.join(", "))
            }
            Self::DropQos(name) => write!(f, "remove qos {name}"),
            Self::SetAccess { users, accounts, list, default } => {
                let list = if list.is_empty() { "those of the account above".to_owned() } else { list.join(",") };
                write!(f, "open qos {list} to {} in {}", some(users), some(accounts))?;
                default.iter().try_for_each(|name| write!(f, ", {name} by default"))
            }
            Self::SetNative { users, accounts, limits } if users.is_empty() => {
                write!(f, "limit {} to {}", some(accounts), native::sentence(limits))
            }
            Self::SetNative { users, accounts, limits } => {
                write!(f, "limit {} in {} to {}", some(users), some(accounts), native::sentence(limits))
            }
            Self::AddWckeys { users, wckeys } => write!(f, "add cost centres {} to {}", wckeys.join(","), some(users)),
        }
    }
}
