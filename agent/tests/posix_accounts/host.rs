//! A host in a directory, with the files every Debian has.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bursar_agent::posix::{
    Desired, DesiredGroup, DesiredPerson, Error, Outcome, PersonState, Root, bring_in_step, ledger,
};
use bursar_policy::id::{Gid, Uid, UserName};
use bursar_policy::time::{Clock, Timestamp};

pub(crate) const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
/// Day 20 530 since 1970.
pub(crate) const NOW: Timestamp = Timestamp(20_530 * 86_400 + 3_600);
pub(crate) const ACTIVE: PersonState = PersonState::Active { until: None };

pub(crate) struct At(pub(crate) Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(crate) struct Host {
    dir: tempfile::TempDir,
    pub(crate) root: Root,
}

impl Host {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["etc", "home", "skel/.config"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("skel/.profile"), "umask 027\n").unwrap();
        std::fs::write(at("skel/.config/tool"), "x\n").unwrap();
        std::os::unix::fs::symlink(".profile", at("skel/.bash_profile")).unwrap();
        let root = Root {
            etc: at("etc"),
            state: at("state"),
            skel: at("skel"),
            home_bases: vec![at("home")],
            create_homes: true,
            chown: nix::unistd::geteuid().is_root(),
            live: false,
            lock_wait: Duration::from_millis(200),
        };
        let host = Self { dir, root };
        host.put("passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n");
        host.put("group", "root:x:0:\ndaemon:x:1:\n");
        host.put("shadow", "root:*:20000:0:99999:7:::\ndaemon:*:20000:0:99999:7:::\n");
        host.put("gshadow", "root:*::\ndaemon:*::\n");
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn put(&self, file: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.root.etc.join(file), text).unwrap();
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.root.etc.join(file)).unwrap()).into_owned()
    }

    /// The line of `name`, empty when there is none.
    pub(crate) fn line(&self, file: &str, name: &str) -> String {
        let text = self.text(file);
        let found = text.lines().find(|line| line.split(':').next() == Some(name));
        found.unwrap_or_default().to_owned()
    }

    pub(crate) fn key(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.root.keys().join(name)).ok()
    }

    pub(crate) fn own(&self, name: &str, id: u32) {
        std::fs::create_dir_all(&self.root.state).unwrap();
        ledger::adopt(&self.root, ledger::Kind::User, name, id).unwrap();
    }

    pub(crate) fn person(&self, name: &str, id: u32, state: PersonState) -> DesiredPerson {
        DesiredPerson {
            uid: Uid::new(id).unwrap(),
            gid: Gid::new(id).unwrap(),
            name: UserName::new(name).unwrap(),
            gecos: format!("{name} the person"),
            home: self.path("home").join(name),
            shell: PathBuf::from("/bin/bash"),
            state,
            keys: vec![format!("{KEY} {name}@laptop")],
        }
    }

    pub(crate) fn run(&self, desired: &Desired) -> Result<Outcome, Error> {
        bring_in_step(&self.root, desired, &At(NOW))
    }

    /// Runs a pass and then another, which must change nothing at all.
    pub(crate) fn settle(&self, desired: &Desired) -> Outcome {
        let outcome = self.run(desired).unwrap();
        let before = self.everything();
        let second = self.run(desired).unwrap();
        assert!(second.wrote_nothing(), "{second:?}");
        assert_eq!(before, self.everything(), "the second pass wrote something");
        assert_eq!(second.refusals, outcome.refusals, "the second pass judged otherwise");
        outcome
    }

    /// Every path of the host with its inode, size and times.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, (u64, u64, i64, i64, i64, i64)> {
        let mut found = BTreeMap::new();
        let mut open = vec![self.dir.path().to_owned()];
        while let Some(path) = open.pop() {
            let meta = path.symlink_metadata().unwrap();
            if meta.is_dir() {
                open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            let times = (meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec());
            found.insert(path, times);
        }
        found
    }

    /// The distribution's own checkers find nothing wrong.
    pub(crate) fn checkers_are_content(&self) {
        let at = |file: &str| self.root.etc.join(file).into_os_string();
        let pwck = vec!["-q".into(), "-r".into(), at("passwd"), at("shadow")];
        // grpck looks members up as a whole host would, so it needs this one as its root.
        let grpck = vec!["-r".into(), "-R".into(), self.dir.path().into()];
        for (program, arguments) in [("pwck", pwck), ("grpck", grpck)] {
            let output = Command::new(Path::new("/usr/sbin").join(program)).args(arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{program}: {}", said.lines().take(10).collect::<Vec<_>>().join("\n"));
        }
    }
}

pub(crate) fn desired(people: Vec<DesiredPerson>, groups: Vec<DesiredGroup>) -> Desired {
    Desired { people, groups, managed: 65_536..=99_999 }
}

pub(crate) fn group(name: &str, gid: u32, members: &[&str]) -> DesiredGroup {
    DesiredGroup {
        gid: Gid::new(gid).unwrap(),
        name: UserName::new(name).unwrap(),
        members: members.iter().map(|member| UserName::new(member).unwrap()).collect(),
    }
}
