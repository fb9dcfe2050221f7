//! The quota system call on a real file system, mounted from an image in mount namespaces of the test's own, as root.
//!
//! Where the kernel has quota on ext4 (`CONFIG_QFMT_V2`), usage and limits are read; where it has not, the file system
//! is mounted without, and the kernel's own no is what is tested.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bursar_agent::storage::{Stored, quota};
use nix::sys::quota::{Dqblk, QuotaType, QuotaValidFlags, quotactl_set};

/// Where the outer test says that the inner ones work.
const FOLDER: &str = "BURSAR_TEST_QUOTA";
const ANA: u32 = 65_541;
const BEN: u32 = 65_542;
const PHYSICS: u32 = 65_900;

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim())),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).expect("this test is started by the others of this file"))
}

/// Another test of this file, in a process of its own.
fn this_file(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--nocapture"]);
    command
}

fn assert_passed(output: &Output) {
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    print!("{said}");
}

fn owners() -> (BTreeMap<String, u32>, BTreeMap<String, u32>) {
    let people = BTreeMap::from([("ana".to_owned(), ANA), ("ben".to_owned(), BEN)]);
    (people, BTreeMap::from([("physics".to_owned(), PHYSICS)]))
}

#[test]
fn given_a_real_file_system_then_its_quota_is_read_or_the_kernels_no_says_what_to_do() {
    assert!(nix::unistd::geteuid().is_root(), "this test mounts a file system; run it as root");
    let dir = tempfile::tempdir().unwrap();
    let exe = std::env::current_exe().unwrap();
    let mut inner = Command::new("unshare");
    inner.args(["--mount", "--propagation", "private"]).arg(exe);
    inner.args(["--ignored", "--exact", "in_a_mount_namespace", "--nocapture"]).env(FOLDER, dir.path());
    assert_passed(&inner.output().unwrap());
}

#[test]
#[ignore = "started by the test above in a mount namespace of its own"]
fn in_a_mount_namespace() {
    let (image, mounted) = (folder().join("image"), folder().join("scratch"));
    fs::create_dir(&mounted).unwrap();
    let (image, at) = (image.to_str().unwrap(), mounted.to_str().unwrap());
    let make = |more: &[&str], options: &str| {
        File::create(image).unwrap().set_len(32 << 20).unwrap();
        run("mkfs.ext4", &[&["-q"], more, &[image]].concat())?;
        run("mount", &["-o", options, image, at])
    };
    match make(&["-O", "quota", "-E", "quotatype=usrquota:grpquota"], "loop,usrquota,grpquota") {
        Ok(()) => usage_is_read(&mounted),
        Err(why) => {
            println!("no quota on ext4 here, so only the kernel's no is tested: {why}");
            make(&[], "loop").unwrap();
            let (people, accounts) = owners();
            let error = quota::read(&mounted, &people, &accounts).unwrap_err().to_string();
            assert!(error.starts_with("cannot read the quota of user ana on /dev/loop"), "{error}");
            assert!(error.contains("it is not turned on; mount the file system with usrquota"), "{error}");
        }
    }
    // Nobody but CAP_SYS_ADMIN is told of others, whatever the file system has.
    let mut other = this_file("as_somebody_else");
    assert_passed(&other.uid(BEN).gid(BEN).current_dir("/").output().unwrap());
    run("umount", &[at]).unwrap();
}

fn usage_is_read(mounted: &Path) {
    for (name, kib, uid, gid) in [("a", 300, ANA, PHYSICS), ("b", 100, BEN, PHYSICS), ("c", 50, BEN, BEN)] {
        let path = mounted.join(name);
        File::create(&path).unwrap().write_all(&vec![1; kib << 10]).unwrap();
        chown(&path, Some(uid), Some(gid)).unwrap();
    }
    // Delayed allocation counts a block when it is written.
    nix::unistd::sync();
    let source = Command::new("findmnt").args(["-no", "SOURCE"]).arg(mounted).output().unwrap();
    let device = String::from_utf8(source.stdout).unwrap();
    let mut limits = Dqblk::default();
    limits.set_blocks_soft_limit(200);
    let limits_only = QuotaValidFlags::QIF_BLIMITS;
    quotactl_set(QuotaType::USRQUOTA, device.trim(), ANA.cast_signed(), &limits, limits_only).unwrap();
    let (people, accounts) = owners();
    let usages = quota::read(mounted, &people, &accounts).unwrap();
    assert_eq!(usages.people["ana"], Stored { used: 300 << 10, limit: Some(200 << 10) });
    assert_eq!(usages.people["ben"], Stored { used: 150 << 10, limit: None });
    assert_eq!(usages.accounts["physics"], Stored { used: 400 << 10, limit: None });
}

#[test]
#[ignore = "started by the test above as another user"]
fn as_somebody_else() {
    let (people, accounts) = owners();
    let error = quota::read(&folder().join("scratch"), &people, &accounts).unwrap_err().to_string();
    assert!(error.contains("bursard may not; install packaging/systemd/bursard-quota.conf"), "{error}");
}
