//! One `sacctmgr` call of a plan, and the words it is made of.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use bursar_policy::{AccountName, UserName};

use super::command::words;
use super::desired::{AdminLevel, ClusterName, JobLimits, Label};
use super::qos::QosName;
use super::queue_action::QueueAction;

/// An account to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its name.
    pub name: AccountName,
    /// The account above it, present or earlier in the same document; `None` is root.
    pub parent: Option<AccountName>,
    /// Slurm's Description.
    pub description: Label,
    /// Slurm's Organization.
    pub organization: Label,
}

/// An association to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAssociation {
    /// The person.
    pub user: UserName,
    /// The account.
    pub account: AccountName,
    /// The limits it starts with.
    pub limits: JobLimits,
    /// When slurmdbd does not know the person yet: their default account and level.
    pub creates_user: Option<(AccountName, AdminLevel)>,
    /// The QOS of its own; none is those of the account.
    pub qos: Vec<QosName>,
    /// The QOS of jobs that name none.
    pub default_qos: Option<QosName>,
}

/// One `sacctmgr` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Makes accounts, users and associations that do not exist (`sacctmgr load` of a document on standard input).
    Load {
        /// Top-down.
        accounts: Vec<NewAccount>,
        /// In any order; the document groups them by account.
        associations: Vec<NewAssociation>,
    },
    /// Changes an account's texts.
    DescribeAccount {
        /// The account.
        account: AccountName,
        /// Slurm's Description.
        description: Label,
        /// Slurm's Organization.
        organization: Label,
    },
    /// Hangs an account under another.
    MoveAccount {
        /// The account.
        account: AccountName,
        /// Its new parent; `None` is root.
        parent: Option<AccountName>,
    },
    /// Points people's default account to one they have.
    SetDefault {
        /// The default.
        account: AccountName,
        /// The people.
        users: Vec<UserName>,
    },
    /// Sets both job limits of every existing association of these people in these accounts.
    SetLimits {
        /// The people.
        users: Vec<UserName>,
        /// The accounts.
        accounts: Vec<AccountName>,
        /// The limits; `None` clears one.
        limits: JobLimits,
    },
    /// Sets people's level in Slurm.
    SetAdmin {
        /// The level.
        level: AdminLevel,
        /// The people.
        users: Vec<UserName>,
    },
    /// What concerns QOS, limits that slurmctld holds, and cost centres.
    Queue(QueueAction),
}

/// The arguments and the standard input of one `sacctmgr` call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The arguments, `-i` first.
    pub args: Vec<String>,
    /// What is written to its standard input.
    pub input: Option<String>,
}

impl Action {
    /// The call for `cluster`.
    pub fn invocation(&self, cluster: &ClusterName) -> Invocation {
        let of_cluster = format!("cluster={cluster}");
        let args = match self {
            Self::Load { accounts, associations } => {
                return Invocation {
                    args: words(&["-i", "load", "/dev/stdin"]),
                    input: Some(load_document(cluster, accounts, associations)),
                };
            }
            Self::DescribeAccount { account, description, organization } => words(&[
                "-i",
                "modify",
                "account",
                "where",
                &format!("name={account}"),
                &of_cluster,
                "set",
                &format!("description={}", description.as_str()),
                &format!("organization={}", organization.as_str()),
            ]),
            Self::MoveAccount { account, parent } => words(&[
                "-i",
                "modify",
                "account",
                "where",
                &format!("name={account}"),
                &of_cluster,
                "set",
                &format!("parent={}", parent.as_ref().map_or("root", AccountName::as_str)),
            ]),
            Self::SetDefault { account, users } => words(&[
                "-i",
                "modify",
                "user",
                "where",
                &format!("name={}", commas(users)),
                &of_cluster,
                "set",
                &format!("defaultaccount={account}"),
            ]),
            // An empty partition keeps the associations of single partitions out; they are not bursar's.
            Self::SetLimits { users, accounts, limits } => words(&[
                "-i",
                "modify",
                "user",
                "where",
                &format!("name={}", commas(users)),
                &format!("account={}", commas(accounts)),
                &of_cluster,
                "partition=",
                "set",
                &format!("maxjobs={}", number(limits.max_jobs)),
                &format!("maxsubmitjobs={}", number(limits.max_submit)),
            ]),
            Self::SetAdmin { level, users } => words(&[
                "-i",
                "modify",
                "user",
                "where",
                &format!("name={}", commas(users)),
                "set",
                &format!("adminlevel={}", level.word()),
            ]),
            Self::Queue(action) => action.args(cluster),
        };
        Invocation { args, input: None }
    }
}

pub(super) fn commas<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",")
}

fn number(limit: Option<u32>) -> String {
    limit.map_or_else(|| "-1".to_owned(), |value| value.to_string())
}

/// The document of `sacctmgr load`: it names nothing that exists except as a parent.
fn load_document(cluster: &ClusterName, accounts: &[NewAccount], associations: &[NewAssociation]) -> String {
    let mut text = format!("Cluster - '{cluster}'\n");
    for account in accounts {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Parent - '{}'", account.parent.as_ref().map_or("root", AccountName::as_str));
        let _ = writeln!(
            text,
            "Account - '{}':Description='{}':Organization='{}'",
            account.name,
            account.description.as_str(),
            account.organization.as_str()
        );
    }
    let mut by_account: BTreeMap<&AccountName, Vec<&NewAssociation>> = BTreeMap::new();
    for association in associations {
        by_account.entry(&association.account).or_default().push(association);
    }
    for (account, members) in by_account {
        let _ = writeln!(text, "Parent - '{account}'");
        for member in members {
            let _ = write!(text, "User - '{}'", member.user);
            if let Some((default, admin)) = &member.creates_user {
                let _ = write!(text, ":DefaultAccount='{default}'");
                if *admin != AdminLevel::None {
                    let _ = write!(text, ":AdminLevel='{}'", admin.word());
                }
            }
            if let Some(jobs) = member.limits.max_jobs {
                let _ = write!(text, ":MaxJobs={jobs}");
            }
            if let Some(jobs) = member.limits.max_submit {
                let _ = write!(text, ":MaxSubmitJobs={jobs}");
            }
            if !member.qos.is_empty() {
                let _ = write!(text, ":QOS='{}'", commas(&member.qos));
            }
            if let Some(qos) = &member.default_qos {
                let _ = write!(text, ":DefaultQOS='{qos}'");
            }
            text.push('\n');
        }
    }
    text
}

/// The first names and how many more there are.
pub(super) fn some<T: AsRef<str>>(names: &[T]) -> String {
    let first = commas(names.get(..3).unwrap_or(names));
    if names.len() > 3 { format!("{first} and {} more", names.len() - 3) } else { first }
}

impl fmt::Display for Action {
    /// One line for people, as `bursar sync --dry-run` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load { accounts, associations } => {
                let names: Vec<&AccountName> = accounts.iter().map(|account| &account.name).collect();
                let members: Vec<String> = associations.iter().map(|a| format!("{}@{}", a.user, a.account)).collect();
                match (names.is_empty(), members.is_empty()) {
                    (false, true) => write!(f, "add accounts {}", some(&names)),
                    (true, _) => write!(f, "add associations {}", some(&members)),
                    _ => write!(f, "add accounts {}; add associations {}", some(&names), some(&members)),
                }
            }
            Self::DescribeAccount { account, description, organization } => {
                write!(f, "describe account {account} as {:?} of {:?}", description.as_str(), organization.as_str())
            }
            Self::MoveAccount { account, parent } => {
                write!(f, "move account {account} under {}", parent.as_ref().map_or("root", AccountName::as_str))
            }
            Self::SetDefault { account, users } => write!(f, "make {account} the default account of {}", some(users)),
            Self::SetLimits { users, accounts, limits } if *limits == JobLimits::REVOKED => {
                write!(f, "revoke {} in {}", some(users), some(accounts))
            }
            Self::SetLimits { users, accounts, limits } => {
                let word = |limit: Option<u32>| limit.map_or_else(|| "unlimited".to_owned(), |n| n.to_string());
                let (jobs, submit) = (word(limits.max_jobs), word(limits.max_submit));
                write!(f, "set max-jobs {jobs}, max-submit {submit} for {} in {}", some(users), some(accounts))
            }
            Self::SetAdmin { level, users } => write!(f, "set admin level {} for {}", level.word(), some(users)),
            Self::Queue(action) => action.fmt(f),
        }
    }
}
