//! Heals associations that slurmctld holds without a uid because the POSIX account came later.
//!
//! slurmctld looks a missing uid up again only once an hour and refuses every job of that person until then
//! ("Invalid account or account/partition combination"). On 22.05.8 such a user shows as `UserName=dee(4294967294)`
//! in `scontrol -o show assoc_mgr flags=users` (any user may ask), and `scontrol reconfigure` (30 ms) resolves it; it
//! needs root, SlurmUser or AdminLevel Administrator. 24.11.5 and 26.05.5 do the same; there it starts a new slurmctld, whose
//! plugin lets jobs wait until it has been given a list.

use std::collections::{BTreeMap, BTreeSet};

use bursar_policy::UserName;

use super::command::{CommandError, SlurmCommands, Tool, words};

/// The uid slurmctld shows when it has none (NO_VAL).
const NO_UID: u32 = 0xffff_fffe;

/// What was missing and what is now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healed {
    /// People who had no uid in slurmctld and have one now.
    pub healed: BTreeSet<UserName>,
    /// People who still have none, most likely for want of a POSIX account on slurmctld's host.
    pub missing: BTreeSet<UserName>,
}

/// The uids that slurmctld holds by user name; `None` is a user without one.
pub async fn uids_in_slurmctld(commands: &SlurmCommands) -> Result<BTreeMap<String, Option<u32>>, CommandError> {
    let text = commands.read(Tool::Scontrol, &words(&["-o", "show", "assoc_mgr", "flags=users"])).await?;
    Ok(parse(&text))
}

fn parse(text: &str) -> BTreeMap<String, Option<u32>> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("UserName=")?.split_whitespace().next()?.strip_suffix(')'))
        .filter_map(|word| word.rsplit_once('('))
        .filter_map(|(name, uid)| uid.parse().ok().map(|uid: u32| (name.to_owned(), (uid != NO_UID).then_some(uid))))
        .collect()
}

/// Reconfigures slurmctld once if one of `people` has no uid there although `has_account` says the host knows them.
///
/// The controller's accounts are this host's, so a person without an account here cannot be healed and causes nothing.
pub async fn heal_missing_uids(
    commands: &SlurmCommands,
    people: &BTreeSet<UserName>,
    has_account: impl Fn(&UserName) -> bool,
) -> Result<Healed, CommandError> {
    let without = |held: &BTreeMap<String, Option<u32>>| -> BTreeSet<UserName> {
        people.iter().filter(|name| held.get(name.as_str()) == Some(&None)).cloned().collect()
    };
    let missing = without(&uids_in_slurmctld(commands).await?);
    if !missing.iter().any(has_account) {
        return Ok(Healed { healed: BTreeSet::new(), missing });
    }
    tracing::info!(count = missing.len(), "slurmctld holds people without a uid, reconfiguring it");
    commands.read(Tool::Scontrol, &words(&["reconfigure"])).await?;
    let still = without(&uids_in_slurmctld(commands).await?);
    Ok(Healed { healed: missing.difference(&still).cloned().collect(), missing: still })
}

/// Whether this host knows a POSIX account of that name.
pub fn host_knows(name: &UserName) -> bool {
    matches!(nix::unistd::User::from_name(name.as_str()), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_slurmctlds_recorded_user_list_then_users_without_a_uid_are_told_apart() {
        let text = "Current Association Manager state\n\nUser Records\n\n\
            UserName=ana(1001) DefAccount=lasers DefWckey=(null) AdminLevel=Operator\n\
            UserName=dee(4294967294) DefAccount=newsub DefWckey= AdminLevel=None\n";
        let held = parse(text);
        assert_eq!(held.len(), 2);
        assert_eq!(held["ana"], Some(1001));
        assert_eq!(held["dee"], None);
    }
}
