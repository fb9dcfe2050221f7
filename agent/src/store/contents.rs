//! Everything a snapshot is compiled from, read as of one moment.

use super::subjects::{Keys, all_groups, all_identities, all_keys, all_memberships, all_subjects};
use super::{Account, Error, Grant, Group, GroupId, Identity, Limit, Store, Subject, SubjectId};

/// People, groups, accounts, grants and limits as they stood together; tombstones and revoked grants included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// Everybody, by name.
    pub subjects: Vec<Subject>,
    /// What the sources call them.
    pub identities: Vec<Identity>,
    /// Their SSH keys.
    pub keys: Keys,
    /// All groups, by name.
    pub groups: Vec<Group>,
    /// Who is in which group.
    pub memberships: Vec<(GroupId, SubjectId)>,
    /// All accounts, by name.
    pub accounts: Vec<Account>,
    /// All grants, by number.
    pub grants: Vec<Grant>,
    /// All limits.
    pub limits: Vec<Limit>,
}

impl Store {
    /// Reads it all in eight statements of one transaction.
    pub async fn contents(&self) -> Result<Contents, Error> {
        let mut tx = self.read().await?;
        Ok(Contents {
            subjects: all_subjects(&mut tx).await?,
            identities: all_identities(&mut tx).await?,
            keys: all_keys(&mut tx).await?,
            groups: all_groups(&mut tx).await?,
            memberships: all_memberships(&mut tx).await?,
            accounts: super::accounts::all_accounts(&mut tx).await?,
            grants: super::grants::all_grants(&mut tx).await?,
            limits: super::limits::all_limits(&mut tx).await?,
        })
    }
}
