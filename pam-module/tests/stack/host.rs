//! A host of its own for each test: node.conf, snapshot, stack and accounts in a private mount namespace.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use bursar_policy::role::{PersonState, Role, SubjectKind};
use bursar_policy::snapshot::{Contents, Grant, Header, Kind, Person, encode};
use bursar_policy::{Clock as _, SystemClock, Timestamp};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::pam::Transaction;

/// What the stack of [`Host`] answers when the module ignores a login: pam_debug's answer behind it.
pub(crate) const IGNORED: i32 = 11;

/// What pam_debug says along with it.
const IGNORED_SAYS: &str = "acct=maxtries";

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nlocal:x:1000:1000::/:/bin/sh\n\
                      ana:x:70001:70001::/home/ana:/bin/sh\nbob:x:70002:70002::/home/bob:/bin/sh\n";

/// The host.
pub(crate) struct Host {
    /// Everything lies in here.
    pub(crate) directory: tempfile::TempDir,
    socket: Option<UnixDatagram>,
}

/// Runs `test` on a host of its own.
///
/// Mount namespaces belong to threads, so the accounts that glibc finds in /etc/passwd are this test's alone.
pub(crate) fn on_host(test: impl FnOnce(&mut Host) + Send) {
    assert!(nix::unistd::geteuid().is_root(), "these tests mount their own /etc/passwd: run them as root");
    std::thread::scope(|scope| {
        let outcome = scope.spawn(|| {
            let mut host = Host::new();
            unshare(CloneFlags::CLONE_NEWNS).expect("unshare the mount namespace");
            let none = None::<&str>;
            mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("make / private");
            let passwd = host.path("passwd");
            std::fs::write(&passwd, PASSWD).unwrap();
            mount(Some(&passwd), "/etc/passwd", none, MsFlags::MS_BIND, none).expect("mount /etc/passwd");
            test(&mut host);
        });
        if let Err(panic) = outcome.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

impl Host {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let mut host = Self { directory, socket: None };
        host.conf(&format!(
            "snapshot = {0}/node.snap\nlogin-socket = {0}/logins.sock\ncontact = Ask hpc@example.org.\n",
            path.display()
        ));
        host.stack(&format!("{} conf={}/node.conf debug", module().display(), path.display()));
        host.listen();
        host
    }

    /// A file of this host's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes node.conf.
    pub(crate) fn conf(&self, text: &str) {
        std::fs::write(self.path("node.conf"), text).unwrap();
    }

    /// Writes a stack in which each answer of the module can be told from every other.
    pub(crate) fn stack(&self, line: &str) {
        self.raw_stack(&format!("account [success=done ignore=ignore default=die] {line}\n"));
    }

    /// Writes a stack that ends in [`IGNORED`].
    pub(crate) fn raw_stack(&self, accounts: &str) {
        let module = format!("{} conf={}", module().display(), self.path("node.conf").display());
        let text = format!(
            "{accounts}account required pam_debug.so acct=maxtries\nsession optional {module}\nsession required pam_permit.so\n"
        );
        std::fs::write(self.path("bursar-test"), text).unwrap();
    }

    /// Puts a snapshot in place.
    pub(crate) fn publish(&self, contents: &Contents) {
        std::fs::write(self.path("node.snap"), encode(contents).unwrap()).unwrap();
    }

    /// Binds the socket that bursard would have.
    fn listen(&mut self) {
        let socket = UnixDatagram::bind(self.path("logins.sock")).unwrap();
        socket.set_nonblocking(true).unwrap();
        self.socket = Some(socket);
    }

    /// What bursard would have been told since the last call.
    pub(crate) fn records(&self) -> Vec<serde_json::Value> {
        let mut records = Vec::new();
        let mut space = [0; 16 * 1024];
        loop {
            match self.socket.as_ref().unwrap().recv(&mut space) {
                Ok(length) => records.push(serde_json::from_slice(&space[..length]).unwrap()),
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return records,
                Err(cause) => panic!("{cause}"),
            }
        }
    }

    /// A transaction of this user.
    pub(crate) fn transaction(&self, user: impl AsRef<[u8]>) -> Transaction {
        Transaction::start(self.directory.path(), "bursar-test", user.as_ref(), true)
    }

    /// The account phase of this user: the answer and what was said.
    pub(crate) fn login(&self, user: impl AsRef<[u8]>) -> (i32, Vec<(i32, String)>) {
        let mut transaction = self.transaction(user);
        let code = transaction.account(0);
        let mut said = transaction.said();
        if code == IGNORED {
            said.retain(|(_, line)| line != IGNORED_SAYS);
        }
        (code, said)
    }
}

/// Ana (70001) with an open grant, made just now.
pub(crate) fn contents() -> Contents {
    let now = SystemClock.now();
    let mut contents = Contents::empty(Header {
        kind: Kind::Node,
        generation: 17,
        made_at: now,
        as_of: now,
        hard_limit: 259_200,
        last_known: true,
        notice: 14 * 86_400,
        cluster: "demo".into(),
        contact: "Ask hpc@example.org.".into(),
        currency: String::new(),
    });
    contents.people = vec![Person {
        uid: 70_001,
        gid: 70_001,
        name: "ana".into(),
        state: PersonState::Active,
        kind: SubjectKind::Member,
        default_account: None,
        lines: Vec::new(),
        associations: Vec::new(),
        storage: Vec::new(),
        grants: vec![Grant {
            id: 4,
            role: Role::ComputeUser,
            account: None,
            from: Timestamp(0),
            until: Timestamp::NEVER,
            revoked: false,
            until_text: String::new(),
            lifts: None,
            lines: Vec::new(),
        }],
        home: None,
    }];
    contents
}

/// The library that cargo has built beside this test.
pub(crate) fn module() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let name = Path::new("libpam_bursar.so");
    [deps.join(name), deps.parent().unwrap().join(name)]
        .into_iter()
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{} is not in {}", name.display(), deps.display()))
}
