//! One account's or group's lines as they should read.

use bursar_policy::time::Timestamp;

use super::parse::fields;

/// The shell of whoever may not log in.
pub const NOLOGIN: &str = "/usr/sbin/nologin";

const DAY: i64 = 86_400;

/// The day number of an instant, as shadow counts: days since 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.0.div_euclid(DAY)
}

/// A passwd line; `id` is both uid and gid.
pub fn passwd(name: &str, id: u32, gecos: &[u8], home: &[u8], shell: &[u8]) -> Vec<u8> {
    let mut line = format!("{name}:x:{id}:{id}:").into_bytes();
    for part in [gecos, b":", home, b":", shell] {
        line.extend_from_slice(part);
    }
    line
}

/// The passwd line of a suspended account: as it stands, but with a shell that lets nobody in.
pub fn passwd_suspended(existing: &[u8], name: &str, id: u32) -> Vec<u8> {
    match fields::<7>(existing) {
        Some([_, _, _, _, gecos, home, _]) => passwd(name, id, gecos, home, NOLOGIN.as_bytes()),
        None => passwd(name, id, b"", b"/nonexistent", NOLOGIN.as_bytes()),
    }
}

/// When an account stops by itself in the shadow file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Open, where the grant has an end until then.
    Open(Option<Timestamp>),
    /// Shut.
    Shut,
}

/// A shadow line. A password that an administrator set survives, locked while the account is shut; the ageing fields
/// stay as they are. `today` becomes the day of the last change where there is none: 0 would force a password change.
pub fn shadow(existing: Option<&[u8]>, name: &str, access: Access, today: i64) -> Vec<u8> {
    let [_, password, changed, min, max, warn, inactive, _, flag] =
        existing.and_then(fields::<9>).unwrap_or([b"", b"", b"", b"0", b"99999", b"7", b"", b"", b""]);
    let open = password.iter().position(|byte| *byte != b'!').and_then(|at| password.get(at..)).unwrap_or(b"*");
    let mut line = name.as_bytes().to_vec();
    line.push(b':');
    if access == Access::Shut {
        line.push(b'!');
    }
    line.extend_from_slice(open);
    line.push(b':');
    let changed = std::str::from_utf8(changed).ok().and_then(|text| text.parse().ok()).filter(|day| *day > 0);
    line.extend_from_slice(changed.unwrap_or(today).max(1).to_string().as_bytes());
    for part in [min, max, warn, inactive] {
        line.push(b':');
        line.extend_from_slice(part);
    }
    line.extend_from_slice(format!(":{}:", expiry(access)).as_bytes());
    line.extend_from_slice(flag);
    line
}

/// The expiry field: the first whole UTC day after the grant's end, since `pam_unix` denies from that day on and the
/// minute is the PAM module's; 1 for a shut account, because 0 has two meanings.
fn expiry(access: Access) -> String {
    match access {
        Access::Open(None | Some(Timestamp::NEVER)) => String::new(),
        Access::Open(Some(until)) => (day_of(until) + 1).max(1).to_string(),
        Access::Shut => "1".to_owned(),
    }
}

/// A group line.
pub fn group(name: &str, gid: u32, members: &[&str]) -> Vec<u8> {
    format!("{name}:x:{gid}:{}", members.join(",")).into_bytes()
}

/// A gshadow line: no password, no group administrators.
pub fn gshadow(name: &str, members: &[&str]) -> Vec<u8> {
    format!("{name}:!::{}", members.join(",")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_new_account_then_it_has_a_star_and_a_real_day_of_change() {
        assert_eq!(shadow(None, "ana", Access::Open(None), 20_000), b"ana:*:20000:0:99999:7:::");
        assert_eq!(shadow(None, "ana", Access::Shut, 20_000), b"ana:!*:20000:0:99999:7::1:");
        assert_eq!(
            shadow(Some(b"ana:*:0:0:99999:7:::"), "ana", Access::Open(None), 20_000),
            b"ana:*:20000:0:99999:7:::"
        );
    }

    #[test]
    fn given_a_dated_grant_then_the_backstop_is_the_first_whole_day_after_it() {
        let until = |seconds| Access::Open(Some(Timestamp(seconds)));
        assert_eq!(shadow(None, "ana", until(20_500 * 86_400), 20_000), b"ana:*:20000:0:99999:7::20501:");
        assert_eq!(shadow(None, "ana", until(20_501 * 86_400 - 1), 20_000), b"ana:*:20000:0:99999:7::20501:");
        assert_eq!(shadow(None, "ana", until(-5 * 86_400), 20_000), b"ana:*:20000:0:99999:7::1:");
    }

    #[test]
    fn given_a_password_set_by_hand_then_suspending_locks_it_and_reactivating_gives_it_back() {
        let set = b"ana:$y$abc:19000:0:90:7:30::";
        let shut = shadow(Some(set), "ana", Access::Shut, 20_000);
        assert_eq!(shut, b"ana:!$y$abc:19000:0:90:7:30:1:");
        assert_eq!(shadow(Some(&shut), "ana", Access::Open(None), 20_000), set);
        assert_eq!(shadow(Some(b"ana::19000::::::"), "ana", Access::Open(None), 20_000), b"ana:*:19000::::::");
    }
}
