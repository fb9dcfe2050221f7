//! The decision on one login, from the host's account database, node.conf and snapshot.
//!
//! What matters most is who is *not* decided on: root and the host's own people must never depend on bursar, and
//! bursar's people must never pass because something is missing. The managed range of uids in node.conf tells the two
//! apart without a snapshot.

use std::path::Path;

use bursar_policy::login::{self, LoginRequest, Verdict};
use bursar_policy::reason::{Code, Kind};
use bursar_policy::role::Role;
use bursar_policy::snapshot::{self, Snapshot};
use bursar_policy::{NodeConf, Timestamp};

use crate::code::{PAM_ACCT_EXPIRED, PAM_AUTHINFO_UNAVAIL, PAM_IGNORE, PAM_PERM_DENIED, PAM_SUCCESS, PAM_USER_UNKNOWN};
use crate::ffi::passwd;

/// Where Debian and others stop giving uids to the host's own people. While node.conf cannot be read, these pass and
/// everybody above is refused.
const LAST_LOCAL_UID: u32 = 60_000;

/// Who comes in here, and whether that is bursar's business.
#[derive(Debug)]
pub(crate) enum Person {
    /// Root, the host's own people, people of other services.
    Foreign(u32),
    /// The host knows no such account.
    Unknown,
    /// One of bursar's people.
    Managed(u32, Box<NodeConf>),
    /// It cannot be told; the text says why.
    Unclear(Option<u32>, String),
}

/// Finds out whose business `name` is. Root is not even looked up in node.conf.
pub(crate) fn whose(name: &str, conf: &Path) -> Person {
    let uid = match passwd::uid_of(name) {
        Ok(Some(uid)) => uid,
        Ok(None) => return Person::Unknown,
        Err(cause) => return Person::Unclear(None, format!("cannot look up the account: {cause}")),
    };
    if uid == 0 {
        return Person::Foreign(uid);
    }
    match NodeConf::read(conf) {
        Ok(conf) if conf.managed.contains(&uid) => Person::Managed(uid, Box::new(conf)),
        Ok(_) => Person::Foreign(uid),
        Err(_) if uid <= LAST_LOCAL_UID => Person::Foreign(uid),
        Err(fault) => Person::Unclear(Some(uid), fault.to_string()),
    }
}

/// What is known of the snapshot that a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Basis {
    /// Its generation.
    pub(crate) generation: u64,
    /// Seconds since it was compiled; negative when that lies ahead of this host's clock.
    pub(crate) age: i64,
}

/// A decision and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What libpam is answered.
    pub(crate) code: i32,
    /// Why not.
    pub(crate) reason: Option<Code>,
    /// The grant that let them in, and its role.
    pub(crate) grant: Option<(u64, Role)>,
    /// Lines for the user.
    pub(crate) text: Option<String>,
    /// What went wrong, for the log.
    pub(crate) fault: Option<String>,
    /// What the decision rests on.
    pub(crate) basis: Option<Basis>,
}

impl Decision {
    /// Nothing that could be said and nothing that must be.
    pub(crate) fn silent(code: i32) -> Self {
        Self { code, reason: None, grant: None, text: None, fault: None, basis: None }
    }

    /// Nobody can tell, so nobody comes in.
    pub(crate) fn unavailable(contact: &str, fault: String) -> Self {
        Self {
            reason: Some(Code::Unavailable),
            text: Some(format!("Access service unavailable\n{}: {contact}", Code::Unavailable)),
            fault: Some(fault),
            ..Self::silent(PAM_AUTHINFO_UNAVAIL)
        }
    }
}

/// Decides on the login of `name` to `service`.
pub(crate) fn decide(name: &str, service: &str, person: &Person, now: Timestamp) -> Decision {
    match person {
        Person::Foreign(_) => Decision::silent(PAM_IGNORE),
        Person::Unknown => Decision::silent(PAM_USER_UNKNOWN),
        Person::Unclear(_, fault) => Decision::unavailable(&NodeConf::default().contact, fault.clone()),
        // root alone may own the file: whoever writes it decides who comes in.
        Person::Managed(uid, conf) => match snapshot::file::read(&conf.snapshot, &[0]) {
            Ok((snapshot, _)) if snapshot.kind() == snapshot::Kind::Node => {
                judged(&snapshot, &LoginRequest { uid: *uid, name, service }, now)
            }
            Ok(_) => {
                let fault = format!("snapshot {} is not one for hosts", conf.snapshot.display());
                Decision::unavailable(&conf.contact, fault)
            }
            Err(fault) => Decision::unavailable(&conf.contact, fault.to_string()),
        },
    }
}

fn judged(snapshot: &Snapshot, request: &LoginRequest<'_>, now: Timestamp) -> Decision {
    let age = now.0.saturating_sub(snapshot.made_at().0);
    let basis = Some(Basis { generation: snapshot.generation(), age });
    match login::judge(snapshot, request, now) {
        Verdict::Admit(terms) => Decision {
            grant: Some((terms.grant, terms.role)),
            text: terms.notice,
            basis,
            ..Decision::silent(PAM_SUCCESS)
        },
        Verdict::Refuse(refusal) => Decision {
            reason: Some(refusal.code),
            text: Some(refusal.text),
            basis,
            ..Decision::silent(refused(refusal.code))
        },
    }
}

/// The number for a refusal. Never PAM_AUTH_ERR, which reads like a wrong password, and never PAM_NEW_AUTHTOK_REQD,
/// which sshd takes for a yes.
fn refused(code: Code) -> i32 {
    match code {
        Code::GrantExpired => PAM_ACCT_EXPIRED,
        code if code.kind() == Kind::Unavailable => PAM_AUTHINFO_UNAVAIL,
        _ => PAM_PERM_DENIED,
    }
}
