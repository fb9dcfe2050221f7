//! What the host's accounts should be: the part of the snapshot that concerns the local files.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use bursar_policy::id::{Gid, Uid, UserName};
use bursar_policy::time::Timestamp;

/// Everybody and every group bursar wants on this host; whoever bursar wrote earlier and is missing here is treated
/// as [`PersonState::Removed`].
#[derive(Debug, Clone)]
pub struct Desired {
    /// The people, tombstones included.
    pub people: Vec<DesiredPerson>,
    /// The shared groups; private groups are implied by the people.
    pub groups: Vec<DesiredGroup>,
    /// The uids and gids that bursar may write; a line outside is never touched.
    pub managed: RangeInclusive<u32>,
}

/// One person as the local files should show them.
#[derive(Debug, Clone)]
pub struct DesiredPerson {
    /// The uid, allocated once in the store.
    pub uid: Uid,
    /// The gid of the private group; must be the same number as the uid.
    pub gid: Gid,
    /// The login name, also the name of the private group.
    pub name: UserName,
    /// The full name; written as empty when it has a colon or a control character.
    pub gecos: String,
    /// The home, absolute and below one of [`super::Root::home_bases`].
    pub home: PathBuf,
    /// The login shell wanted, absolute; replaced where the host lacks it.
    pub shell: PathBuf,
    /// Whether the person may use the account.
    pub state: PersonState,
    /// SSH public keys, one `type base64 [comment]` each.
    pub keys: Vec<String>,
}

/// Whether a person may use the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonState {
    /// May log in, where a grant has an end until that instant.
    Active {
        /// The first instant at which the grant no longer holds; none when it has no end.
        until: Option<Timestamp>,
    },
    /// The last grant ended then. The account is shut, but the keys stay for a while: a key that is refused is refused
    /// without a word, and whoever had access is owed the sentence that the account phase has for them.
    Ended {
        /// The first instant at which no grant held.
        since: Timestamp,
    },
    /// May not log in for now; everything stays in place.
    Suspended,
    /// Gone at the source; the line stays so that the uid keeps its name and is never given again.
    Removed,
}

impl PersonState {
    /// Whether the account may be used.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Active { .. })
    }
}

/// One shared group.
#[derive(Debug, Clone)]
pub struct DesiredGroup {
    /// The gid, from the same number space as the uids.
    pub gid: Gid,
    /// The group's name.
    pub name: UserName,
    /// Names of people; whoever has no account of ours on this host is left out.
    pub members: Vec<UserName>,
}
