//! The built module in the real libpam: every answer, every text, every record.

mod host;
mod pam;

use std::os::unix::fs::{PermissionsExt, chown};
use std::time::{Duration, Instant};

use bursar_policy::role::PersonState;
use bursar_policy::snapshot::Kind;
use bursar_policy::{Clock as _, SystemClock};

use host::{IGNORED, contents, module, on_host};
use pam::Transaction;

const SUCCESS: i32 = 0;
const SERVICE_ERR: i32 = 3;
const PERM_DENIED: i32 = 6;
const AUTHINFO_UNAVAIL: i32 = 9;
const USER_UNKNOWN: i32 = 10;
const ACCT_EXPIRED: i32 = 13;
const SILENT: i32 = 0x8000;
const ERROR_MSG: i32 = 3;
const TEXT_INFO: i32 = 4;

#[test]
fn given_root_then_the_login_is_ignored_whatever_is_broken() {
    on_host(|host| {
        host.conf("nonsense");
        host.stack(&format!("{} no-such-argument", module().display()));
        assert_eq!(host.login("root"), (IGNORED, vec![]));
        host.stack(&format!("{} conf={}", module().display(), host.path("node.conf").display()));
        assert_eq!(host.login("toor"), (IGNORED, vec![]));
    });
}

#[test]
fn given_a_local_account_then_the_login_is_ignored_with_and_without_a_snapshot() {
    on_host(|host| {
        assert_eq!(host.login("local"), (IGNORED, vec![]));
        host.publish(&contents());
        assert_eq!(host.login("local"), (IGNORED, vec![]));
        host.conf("nonsense");
        assert_eq!(host.login("local"), (IGNORED, vec![]));
        assert!(host.records().is_empty());
    });
}

#[test]
fn given_a_name_that_no_account_has_then_the_user_is_unknown() {
    on_host(|host| {
        host.publish(&contents());
        let long = "a".repeat(5_000);
        let names: [&[u8]; 7] =
            [b"../../etc", b"ana\nroot", b"an\xffa", b"ana ", b"Ana", b"nobody-here", long.as_bytes()];
        for name in names {
            assert_eq!(host.login(name), (USER_UNKNOWN, vec![]), "{name:?}");
        }
        assert!(host.records().is_empty());
    });
}

#[test]
fn given_an_active_grant_then_the_login_is_admitted_and_recorded_with_the_key() {
    on_host(|host| {
        host.publish(&contents());
        let mut login = host.transaction("ana");
        login.put(
            "SSH_AUTH_INFO_0",
            "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n",
        );
        assert_eq!(login.account(0), SUCCESS);
        assert_eq!(login.said(), []);
        let records = host.records();
        let [record] = &records[..] else { panic!("{records:?}") };
        for (key, value) in [
            ("phase", "account"),
            ("decision", "admit"),
            ("user", "ana"),
            ("service", "bursar-test"),
            ("rhost", "192.0.2.7"),
            ("tty", "ssh"),
            ("role", "compute-user"),
            ("auth", "publickey"),
            ("key-type", "ssh-ed25519"),
        ] {
            assert_eq!(record[key], value, "{record}");
        }
        for (key, value) in [("uid", 70_001), ("grant", 4), ("generation", 17), ("pam", 0)] {
            assert_eq!(record[key], value, "{record}");
        }
        assert_eq!(record["pid"], std::process::id());
        assert!(record["key"].as_str().is_some_and(|key| key.starts_with("SHA256:") && key.len() == 50), "{record}");
        assert!(record["age"].as_i64().is_some_and(|age| (0..600).contains(&age)), "{record}");
        assert!(!record.to_string().contains("AAAAC3"), "{record}");
    });
}

#[test]
fn given_an_sshd_that_has_not_yet_said_how_then_the_record_leaves_it_out() {
    on_host(|host| {
        host.publish(&contents());
        let mut login = host.transaction("ana");
        login.put("SSH_AUTH_INFO_0", "");
        assert_eq!(login.account(0), SUCCESS);
        login.put("SSH_AUTH_INFO_0", "publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n");
        assert_eq!(login.open(), SUCCESS);
        let records = host.records();
        assert_eq!((&records[0]["phase"], records[0].get("auth")), (&"account".into(), None), "{records:?}");
        assert_eq!(
            (&records[1]["phase"], &records[1]["auth"]),
            (&"session".into(), &"publickey".into()),
            "{records:?}"
        );
    });
}

#[test]
fn given_a_grant_that_ends_soon_then_its_holder_is_told_and_admitted() {
    on_host(|host| {
        let mut contents = contents();
        contents.people[0].grants[0].until = SystemClock.now().plus(3_600);
        contents.people[0].grants[0].until_text = "2026-12-31 18:00 CET".into();
        host.publish(&contents);
        let text = "Access ends 2026-12-31 18:00 CET. Ask hpc@example.org.";
        assert_eq!(host.login("ana"), (SUCCESS, vec![(TEXT_INFO, text.to_owned())]));
    });
}

#[test]
fn given_an_expired_grant_then_the_login_is_refused_as_expired_with_date_contact_and_reference() {
    on_host(|host| {
        let mut contents = contents();
        contents.people[0].grants[0].until = SystemClock.now();
        contents.people[0].grants[0].until_text = "2026-03-31 18:00 CET".into();
        host.publish(&contents);
        let (code, said) = host.login("ana");
        assert_eq!(code, ACCT_EXPIRED);
        let records = host.records();
        let event = records[0]["event"].as_str().unwrap();
        assert_eq!(
            said,
            [
                (ERROR_MSG, "Access denied: your access ended 2026-03-31 18:00 CET; ask for a renewal".to_owned()),
                (ERROR_MSG, format!("BSR-112: Ask hpc@example.org. (reference {event})")),
            ]
        );
        assert_eq!(
            (records.len(), &records[0]["decision"], &records[0]["code"]),
            (1, &"refuse".into(), &"BSR-112".into())
        );
    });
}

#[test]
fn given_no_right_to_be_here_then_the_login_is_refused_as_denied() {
    on_host(|host| {
        let mut contents = contents();
        host.publish(&contents);
        assert_eq!(host.login("bob").0, PERM_DENIED, "managed uid, unknown to the snapshot");
        contents.people[0].state = PersonState::Disabled;
        host.publish(&contents);
        assert_eq!(host.login("ana").0, PERM_DENIED, "disabled");
        contents.people[0].state = PersonState::Removed;
        host.publish(&contents);
        assert_eq!(host.login("ana").0, PERM_DENIED, "removed");
        contents.people[0].state = PersonState::Active;
        contents.people[0].grants.clear();
        host.publish(&contents);
        assert_eq!(host.login("ana").0, PERM_DENIED, "never granted");
    });
}

#[test]
fn given_no_usable_snapshot_then_managed_people_are_refused_as_unavailable() {
    on_host(|host| {
        let snapshot = host.path("node.snap");
        let refused = |what: &str| {
            let (code, said) = host.login("ana");
            assert_eq!(code, AUTHINFO_UNAVAIL, "{what}");
            assert_eq!(said[0], (ERROR_MSG, "Access service unavailable".to_owned()), "{what}");
            assert!(said[1].1.starts_with("BSR-100: Ask hpc@example.org. (reference "), "{said:?}");
            let records = host.records();
            assert!(records[0]["fault"].as_str().is_some_and(|fault| fault.contains("node.snap")), "{records:?}");
        };
        refused("missing");
        std::fs::write(&snapshot, vec![0xa5; 4_096]).unwrap();
        refused("garbage");
        host.publish(&contents());
        let whole = std::fs::read(&snapshot).unwrap();
        for length in (0..whole.len()).step_by(7) {
            std::fs::write(&snapshot, &whole[..length]).unwrap();
            refused("truncated");
        }
        host.publish(&contents());
        chown(&snapshot, Some(1_000), None).unwrap();
        refused("owned by somebody else");
        chown(&snapshot, Some(0), None).unwrap();
        std::fs::set_permissions(&snapshot, PermissionsExt::from_mode(0o664)).unwrap();
        refused("writable by its group");
        std::fs::set_permissions(&snapshot, PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(host.login("ana").0, SUCCESS);
        let mut controllers = contents();
        controllers.header.kind = Kind::Controller;
        host.records();
        host.publish(&controllers);
        refused("the controller's");
        std::fs::remove_file(&snapshot).unwrap();
        nix::unistd::mkfifo(&snapshot, nix::sys::stat::Mode::S_IRWXU).unwrap();
        refused("a pipe");
    });
}

#[test]
fn given_an_unusable_node_conf_then_only_what_can_be_told_apart_passes() {
    on_host(|host| {
        host.publish(&contents());
        host.conf("managed-uid-min = many");
        let (code, said) = host.login("ana");
        assert_eq!(code, AUTHINFO_UNAVAIL);
        assert!(said[0].1.starts_with("Access service unavailable"), "{said:?}");
        host.conf("");
        std::fs::set_permissions(host.path("node.conf"), PermissionsExt::from_mode(0o666)).unwrap();
        assert_eq!(host.login("ana").0, AUTHINFO_UNAVAIL);
    });
}

#[test]
fn given_a_wrong_argument_then_nobody_but_root_passes_the_line() {
    on_host(|host| {
        host.publish(&contents());
        host.stack(&format!("{} Conf=/etc/x", module().display()));
        assert_eq!(host.login("ana"), (SERVICE_ERR, vec![]));
        assert_eq!(host.login("root"), (IGNORED, vec![]));
    });
}

#[test]
fn given_silence_or_nobody_who_listens_then_the_decision_is_the_same() {
    on_host(|host| {
        let mut login = host.transaction("ana");
        assert_eq!((login.account(SILENT), login.said()), (AUTHINFO_UNAVAIL, vec![]));
        let mut deaf = Transaction::start(host.directory.path(), "bursar-test", b"ana", false);
        assert_eq!((deaf.account(0), deaf.said()), (AUTHINFO_UNAVAIL, vec![]));
        assert_eq!(host.records().len(), 2);
    });
}

#[test]
fn given_the_line_twice_then_there_is_one_record_and_one_text() {
    on_host(|host| {
        let mut contents = contents();
        contents.people[0].grants[0].until = SystemClock.now().plus(3_600);
        contents.people[0].grants[0].until_text = "soon".into();
        host.publish(&contents);
        let line = format!(
            "account [success=ok new_authtok_reqd=ok ignore=ignore user_unknown=ignore default=die] {} conf={}\n",
            module().display(),
            host.path("node.conf").display()
        );
        host.raw_stack(&format!("{line}{line}account sufficient pam_permit.so\n"));
        let (code, said) = host.login("ana");
        assert_eq!((code, said.len(), host.records().len()), (SUCCESS, 1, 1), "{said:?}");
    });
}

#[test]
fn given_the_shipped_line_then_only_refusals_end_the_stack() {
    on_host(|host| {
        host.publish(&contents());
        host.raw_stack(&format!(
            "account [success=ok new_authtok_reqd=ok ignore=ignore user_unknown=ignore default=die] {} conf={}\n\
             account sufficient pam_permit.so\n",
            module().display(),
            host.path("node.conf").display()
        ));
        for (name, code) in [("root", SUCCESS), ("local", SUCCESS), ("ana", SUCCESS), ("bob", PERM_DENIED)] {
            assert_eq!(host.login(name).0, code, "{name}");
        }
    });
}

#[test]
fn given_nobody_at_the_socket_or_a_full_one_then_the_login_does_not_wait() {
    on_host(|host| {
        host.publish(&contents());
        let begun = Instant::now();
        // Far more than a datagram socket queues.
        for _ in 0..100 {
            assert_eq!(host.login("ana").0, SUCCESS);
        }
        std::fs::remove_file(host.path("logins.sock")).unwrap();
        assert_eq!(host.login("ana").0, SUCCESS);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!((1..100).contains(&host.records().len()));
    });
}

#[test]
fn given_a_session_then_its_beginning_is_recorded_and_nothing_is_said() {
    on_host(|host| {
        let mut login = host.transaction("ana");
        assert_eq!((login.open(), login.close()), (SUCCESS, SUCCESS));
        assert_eq!(login.said(), []);
        let records = host.records();
        assert_eq!((records.len(), &records[0]["phase"]), (1, &"session".into()), "{records:?}");
        for name in ["root", "local"] {
            let mut login = host.transaction(name);
            assert_eq!((login.open(), login.close()), (SUCCESS, SUCCESS));
        }
        assert!(host.records().is_empty());
    });
}

#[test]
fn given_many_logins_at_once_then_none_is_refused() {
    on_host(|host| {
        host.publish(&contents());
        let host = &*host;
        std::thread::scope(|scope| {
            for _ in 0..8 {
                // Threads inherit the mount namespace of the one that starts them.
                scope.spawn(|| {
                    for _ in 0..25 {
                        assert_eq!(host.login("ana").0, SUCCESS);
                    }
                });
            }
        });
    });
}
