//! Login records: what the PAM module sends after its decisions, into the store.
//!
//! A datagram is a claim of this host's root, since only root and bursard may open the socket; its content is data all
//! the same. Records that do not arrive are not lost: the journal has them too.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_policy::Timestamp;
use serde::Deserialize;
use tokio::net::UnixDatagram;

use super::site::{Site, chain};
use crate::store::logins::{Login, LoginDecision};

/// The module sends no larger ones.
const MOST_BYTES: usize = 8 * 1024;
/// Records are kept in batches of what arrives within this time.
const GATHERED_FOR: Duration = Duration::from_millis(200);
/// The most records of one batch.
const BATCH: usize = 500;

/// A record as the module spells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Told {
    phase: String,
    event: String,
    at: i64,
    service: String,
    user: String,
    uid: Option<u32>,
    rhost: Option<String>,
    auth: Option<String>,
    key: Option<String>,
    decision: Option<String>,
    code: Option<String>,
}

/// Opens the socket, in place of one that an earlier run left.
pub fn bind(path: &Path) -> std::io::Result<UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixDatagram::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// Keeps what arrives until the daemon ends.
pub async fn run(site: Arc<Site>, socket: UnixDatagram) {
    let node = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut buffer = vec![0; MOST_BYTES];
    let mut failed = Vec::new();
    loop {
        let mut batch = std::mem::take(&mut failed);
        match socket.recv(&mut buffer).await {
            Ok(length) => batch.extend(login(buffer.get(..length).unwrap_or_default(), &node)),
            Err(error) => {
                site.report("logins", Err(format!("cannot receive: {error}")));
                tokio::time::sleep(GATHERED_FOR).await;
                continue;
            }
        }
        let until = tokio::time::Instant::now() + GATHERED_FOR;
        while batch.len() < BATCH
            && let Ok(Ok(length)) = tokio::time::timeout_at(until, socket.recv(&mut buffer)).await
        {
            batch.extend(login(buffer.get(..length).unwrap_or_default(), &node));
        }
        match site.store.add_logins(&batch).await {
            Ok(added) => site.report("logins", Ok(format!("kept {added} more"))),
            Err(error) => {
                site.report("logins", Err(chain(&error)));
                failed = batch;
                failed.truncate(BATCH);
            }
        }
    }
}

/// One datagram; `None`, and a line in the log, for one that is no record.
fn login(bytes: &[u8], node: &str) -> Option<Login> {
    let told: Told = serde_json::from_slice(bytes)
        .inspect_err(|error| tracing::warn!(%error, bytes = bytes.len(), "a datagram is no login record"))
        .ok()?;
    let decision = match (told.phase.as_str(), told.decision.as_deref()) {
        ("session", _) => LoginDecision::Opened,
        (_, Some("admit")) => LoginDecision::Allowed,
        _ => LoginDecision::Refused,
    };
    Some(Login {
        event_id: format!("{node}/{}", told.event),
        at: Timestamp(told.at),
        node: node.to_owned(),
        service: told.service,
        user_name: told.user,
        uid: told.uid,
        decision,
        code: told.code.unwrap_or_default(),
        rhost: told.rhost.unwrap_or_default(),
        method: told.auth.unwrap_or_default(),
        key_fingerprint: told.key.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_the_modules_record_then_it_is_a_login() {
        let bytes = br#"{"phase":"account","event":"6a-1f","at":1795334400,"service":"sshd","user":"ana","uid":70001,
            "rhost":"10.77.0.1","auth":"publickey","key-type":"ssh-ed25519","key":"SHA256:x","pid":7,"decision":"refuse",
            "pam":13,"code":"BSR-112","micros":120}"#;
        let login = login(bytes, "hpc").unwrap();
        assert_eq!((login.event_id.as_str(), login.decision), ("hpc/6a-1f", LoginDecision::Refused));
        assert_eq!(
            (login.code.as_str(), login.key_fingerprint.as_str(), login.uid),
            ("BSR-112", "SHA256:x", Some(70_001))
        );
    }

    #[test]
    fn given_anything_else_then_it_is_none() {
        for bytes in [&b""[..], b"{}", b"\xff\xfe", b"[1]"] {
            assert!(login(bytes, "hpc").is_none());
        }
    }
}
