//! The two phases in which something happens: the account is judged, the session is written down.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bursar_policy::{Clock, SystemClock};

use crate::args::{self, Args};
use crate::code::{
    PAM_ERROR_MSG, PAM_IGNORE, PAM_SERVICE_ERR, PAM_SILENT, PAM_SUCCESS, PAM_TEXT_INFO, PAM_USER_UNKNOWN,
};
use crate::decide::{Decision, Person, decide, whose};
use crate::ffi::handle::{Handle, Level};
use crate::key;
use crate::name;
use crate::record::Record;

/// sshd's and libpam's bound on one message is 512 bytes with the NUL.
const MOST_LINE: usize = 480;
/// A datagram larger than this is not sent.
const MOST_DATAGRAM: usize = 8 * 1024;

/// Who stands at the door: a name worth looking up.
struct Caller {
    name: String,
    args: Args,
}

/// The checks that both phases begin with; an error is the answer to libpam.
fn caller(handle: &Handle, words: &[&[u8]]) -> Result<Caller, i32> {
    let name = handle.user().unwrap_or_default();
    if name == b"root" {
        // Before anything else, even before a wrong argument: root repairs what is wrong.
        return Err(PAM_IGNORE);
    }
    let args = args::parse(words.iter().copied()).map_err(|args::BadArg(word)| {
        let mut record = Record::default();
        record.text("bad-argument", Some(word));
        handle.log(Level::Error, &format!("{}: only conf=/PATH and debug are known", record.to_line()));
        PAM_SERVICE_ERR
    })?;
    match name::check(&name) {
        Some(name) => Ok(Caller { name: name.to_owned(), args }),
        None => {
            let mut record = Record::default();
            record.text("user", Some(String::from_utf8_lossy(&name)));
            record.text("rhost", handle.rhost());
            handle.log(Level::Warning, &format!("no account can have this name: {}", record.to_line()));
            Err(PAM_USER_UNKNOWN)
        }
    }
}

/// `pam_sm_acct_mgmt`.
pub(crate) fn account(handle: &Handle, flags: i32, words: &[&[u8]]) -> i32 {
    let begun = Instant::now();
    let Caller { name, args } = match caller(handle, words) {
        Ok(caller) => caller,
        Err(code) => return code,
    };
    let service = handle.service();
    let person = whose(&name, &args.conf);
    let decision = decide(&name, &service, &person, SystemClock.now());
    if matches!(person, Person::Foreign(_) | Person::Unknown) {
        if args.debug {
            let mut record = Record::default();
            record.text("user", Some(&name));
            handle.log(Level::Debug, &format!("not managed by bursar: {}", record.to_line()));
        }
        return decision.code;
    }
    // The line may stand in the stack twice; then the second one decides alike and keeps quiet.
    if handle.is_first(&format!("bursar-account-{name}")) {
        let event = event_id();
        if flags & PAM_SILENT == 0 {
            tell(handle, &decision, &event);
        }
        let mut record = opening("account", &event, handle, &service, &name, &person);
        conclude(&mut record, &decision);
        let level = match &decision {
            Decision { fault: Some(_), .. } => Level::Error,
            Decision { code: PAM_SUCCESS, .. } => Level::Info,
            _ => Level::Notice,
        };
        report(handle, level, &person, record, begun);
    }
    decision.code
}

/// `pam_sm_open_session`. Says nothing and refuses nobody: a failing session would be a refused login.
pub(crate) fn session(handle: &Handle, words: &[&[u8]]) -> i32 {
    let begun = Instant::now();
    let Caller { name, args } = match caller(handle, words) {
        Ok(caller) => caller,
        Err(code) => return code,
    };
    let person = whose(&name, &args.conf);
    if !matches!(person, Person::Managed(..)) {
        return PAM_IGNORE;
    }
    if handle.is_first(&format!("bursar-session-{name}")) {
        let record = opening("session", &event_id(), handle, &handle.service(), &name, &person);
        report(handle, Level::Info, &person, record, begun);
    }
    PAM_SUCCESS
}

fn tell(handle: &Handle, decision: &Decision, event: &str) {
    let Some(text) = &decision.text else { return };
    let refused = decision.code != PAM_SUCCESS;
    let style = if refused { PAM_ERROR_MSG } else { PAM_TEXT_INFO };
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        let end = line.floor_char_boundary(MOST_LINE - 32);
        let line = line.get(..end).unwrap_or_default();
        if refused && lines.peek().is_none() {
            handle.say(style, &format!("{line} (reference {event})"));
        } else {
            handle.say(style, line);
        }
    }
}

/// The fields that every record begins with.
fn opening(phase: &'static str, event: &str, handle: &Handle, service: &str, name: &str, person: &Person) -> Record {
    let mut record = Record::default();
    record.word("phase", phase);
    record.text("event", Some(event));
    record.number("at", SystemClock.now().0);
    record.text("service", Some(service));
    record.text("user", Some(name));
    if let Person::Managed(uid, _) | Person::Unclear(Some(uid), _) | Person::Foreign(uid) = person {
        record.number("uid", *uid);
    }
    record.text("rhost", handle.rhost());
    record.text("tty", handle.tty());
    if let Some(info) = handle.env(c"SSH_AUTH_INFO_0") {
        let proof = key::parse(&info);
        // During the account phase sshd has not yet entered the method that just succeeded, only those before it; the
        // session's record, with the same pid, has them all.
        record.text("auth", Some(proof.methods).filter(|methods| !methods.is_empty()));
        record.text("key-type", proof.key_type);
        record.text("key", proof.fingerprint);
    }
    record.number("pid", std::process::id());
    record
}

fn conclude(record: &mut Record, decision: &Decision) {
    record.word("decision", if decision.code == PAM_SUCCESS { "admit" } else { "refuse" });
    record.number("pam", decision.code);
    if let Some(reason) = decision.reason {
        record.word("code", reason.as_str());
    }
    if let Some((grant, role)) = decision.grant {
        record.number("grant", grant);
        record.word("role", role.word());
    }
    if let Some(basis) = decision.basis {
        record.number("generation", basis.generation);
        record.number("age", basis.age);
    }
    record.text("fault", decision.fault.as_deref());
}

fn report(handle: &Handle, level: Level, person: &Person, mut record: Record, begun: Instant) {
    record.number("micros", begun.elapsed().as_micros());
    handle.log(level, &record.to_line());
    if let Person::Managed(_, conf) = person {
        send(&conf.login_socket, record.to_json().as_bytes());
    }
}

/// Tells bursard, if it listens. Never waits, and nothing depends on it: the journal has the same record.
fn send(socket: &Path, bytes: &[u8]) {
    if bytes.len() > MOST_DATAGRAM {
        return;
    }
    let Ok(sender) = UnixDatagram::unbound() else { return };
    if sender.set_nonblocking(true).is_ok() {
        let _ = sender.send_to(bytes, socket);
    }
}

/// Names one event in the journal, in bursard's store and in what the user is told.
fn event_id() -> String {
    let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    format!("{micros:x}-{:x}", std::process::id())
}
