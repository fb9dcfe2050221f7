//! Without bursard the plugin goes on with what it has, and with nothing when it has nothing good.

use bursar_tests::scenario::{assert_sbatch_refused, cancel_all, sbatch};
use bursar_tests::{Governed, Result};

use crate::governed;

/// bursard, stopped until this is dropped.
struct WithoutBursard(&'static Governed);

impl WithoutBursard {
    fn new(site: &'static Governed) -> Result<Self> {
        site.cluster().host().run(&["systemctl", "stop", "bursard"])?.ok()?;
        Ok(Self(site))
    }
}

impl Drop for WithoutBursard {
    fn drop(&mut self) {
        self.0.cluster().host().run(&["systemctl", "start", "bursard"]).unwrap().ok().unwrap();
    }
}

#[test]
fn given_no_bursard_then_submissions_go_on_being_judged() -> Result<()> {
    let (site, _alone) = governed();
    let _gone = WithoutBursard::new(site)?;
    sbatch(site, "milo", 1, &["--hold"])?.ok()?;
    assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")?;
    assert_sbatch_refused(site, "eva", &["--time=1"], "BSR-120", "you are an observer here")?;
    cancel_all(site, "milo")
}

/// What can be wrong with a snapshot: a name, and the commands that make it from `good`.
const DAMAGES: &[(&str, &str)] = &[
    ("truncated", "head -c 200 good >bad; chmod 640 bad; chown bursar:slurm bad"),
    ("garbage", "head -c 5000 /dev/urandom >bad; chmod 640 bad; chown bursar:slurm bad"),
    ("foreign", "cp good bad; chown nobody:slurm bad; chmod 640 bad"),
    ("writable", "cp good bad; chown bursar:slurm bad; chmod 660 bad"),
];

#[test]
fn given_a_damaged_snapshot_then_the_last_good_one_holds_or_everybody_is_refused_and_the_log_says_why_once()
-> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let host = cluster.host();
    let _gone = WithoutBursard::new(site)?;
    let shell = |text: &str| host.sh(&format!("cd /var/lib/bursar/publish && {text}"))?.ok();
    let lines = || Ok::<_, bursar_tests::Error>(cluster.slurmctld_log()?.matches("controller.snap").count());
    let pid = || host.run(&["pidof", "slurmctld"])?.ok();
    sbatch(site, "milo", 1, &["--hold"])?.ok()?;
    shell("cp -p controller.snap good")?;

    let before = pid()?;
    for (name, damage) in DAMAGES {
        let known = lines()?;
        shell(&format!("{damage} && mv bad controller.snap"))?;
        for _ in 0..3 {
            let output = sbatch(site, "milo", 1, &["--hold"])?;
            assert!(output.success(), "{name}: {}", output.stderr);
        }
        assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant")?;
        let log = cluster.slurmctld_log()?;
        let last = log.lines().rfind(|line| line.contains("controller.snap")).unwrap_or_default();
        println!("{name}: {last}");
        assert!(last.contains("the last good one stays in force"), "{name}: {last}");
        assert_eq!(lines()?, known + 1, "{name}");
    }
    shell("rm controller.snap")?;
    sbatch(site, "milo", 1, &["--hold"])?.ok()?;
    assert_eq!(pid()?, before, "slurmctld did not live through it");

    // slurmctld forgets the good one only when it starts anew.
    cluster.restart("slurmctld")?;
    let before = pid()?;
    assert_sbatch_refused(site, "milo", &["--time=1"], "BSR-100", "the access service is unavailable")?;
    for (name, damage) in DAMAGES {
        let known = lines()?;
        shell(&format!("{damage} && mv bad controller.snap"))?;
        for _ in 0..2 {
            assert_sbatch_refused(site, "milo", &["--time=1"], "BSR-100", "the access service is unavailable")?;
        }
        sbatch(site, "root", 1, &["--hold"])?.ok()?;
        let log = cluster.slurmctld_log()?;
        let last = log.lines().rfind(|line| line.contains("controller.snap")).unwrap_or_default();
        assert!(last.contains("without one every job is refused"), "{name}: {last}");
        assert_eq!(lines()?, known + 1, "{name}");
    }
    assert_eq!(pid()?, before, "slurmctld did not live through it");
    shell("mv good controller.snap")?;
    // The good one is from before the restart; without a bursard it has to do after half a minute.
    site.wait_for("milo to be let in again", 40, || {
        let output = sbatch(site, "milo", 1, &["--hold"])?;
        Ok(output.ok().map(drop).map_err(|error| error.to_string()))
    })?;
    cancel_all(site, "root")?;
    cancel_all(site, "milo")
}
