//! What happens to the plugin with slurmctld: checked, loaded, restarted, reconfigured, and replaced by a wrong one.

use super::{assert_sbatch_refused, cancel_all, host_now, sbatch, wait_for_list_after, wait_until_counted};
use crate::{BuildDir, Error, Governed, Result, SlurmVersion};

/// Where the plugin is installed.
const PLUGIN: &str = "/usr/lib/bursar/slurm/job_submit_bursar.so";

/// slurmctld's version to the micro, as in `24.11.5`.
fn slurmctld_version(site: &Governed) -> Result<String> {
    let said = site.cluster().host().run(&["slurmctld", "-V"])?.ok()?;
    said.split_whitespace()
        .next_back()
        .map(str::to_owned)
        .ok_or_else(|| Error::Machine(format!("slurmctld -V: {said}")))
}

/// `bursar check plugin` finds nothing wrong, and slurmctld, which is of the version asked for, has the plugin loaded.
pub fn the_plugin_is_checked_and_loaded(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let version = slurmctld_version(site)?;
    assert!(version.starts_with(&cluster.host().slurm().to_string()), "slurmctld is {version}");
    let checked = cluster.host().run(&["bursar", "check", "plugin"])?;
    assert!(checked.success(), "{}{}", checked.stdout, checked.stderr);
    assert!(checked.stdout.contains(&format!("slurmctld {version} can load the plugin")), "{}", checked.stdout);
    let config = cluster.scontrol("root", &["show", "config"])?.ok()?;
    assert!(config.lines().any(|line| line.starts_with("JobSubmitPlugins") && line.ends_with("= bursar")), "{config}");
    assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")
}

/// After a restart of slurmctld the limit still holds for what waited, ran, or was too new for any list.
pub fn a_restarted_slurmctld_goes_on_judging(site: &Governed) -> Result<()> {
    limits_outlive(site, "liv", || site.cluster().restart("slurmctld"))
}

/// The same after `scontrol reconfigure`, which from 23.11 on starts a new slurmctld in the place of the old one.
pub fn a_reconfigured_slurmctld_goes_on_judging(site: &Governed) -> Result<()> {
    limits_outlive(site, "lou", || site.cluster().scontrol("root", &["reconfigure"])?.ok().map(drop))
}

fn limits_outlive(site: &Governed, user: &str, change: impl Fn() -> Result<()>) -> Result<()> {
    sbatch(site, user, 60, &["--hold"])?.ok()?;
    sbatch(site, user, 60, &[])?.ok()?;
    wait_for_list_after(site, host_now(site)?)?;
    // This one is in no list yet when slurmctld, and the plugin's bookings with it, go down.
    sbatch(site, user, 60, &["--hold"])?.ok()?;
    change()?;
    let output = sbatch(site, user, 60, &["--hold"])?;
    assert!(!output.success(), "a fourth hour was let in right after");
    wait_until_counted(site, "milo")?;
    wait_for_list_after(site, host_now(site)?)?;
    assert_sbatch_refused(site, user, &["--time=60"], "BSR-150", "3.00 are in flight")?;
    cancel_all(site, user)
}

/// With the plugin of another Slurm in its place slurmctld is not started, and its unit's journal says what to install.
pub fn a_wrong_plugin_is_told_before_slurmctld_starts(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let host = cluster.host();
    let build = BuildDir::debug()?;
    let own = host.slurm();
    let other = if own == SlurmVersion::V22_05 { SlurmVersion::V24_11 } else { SlurmVersion::V22_05 };

    host.run(&["systemctl", "stop", "slurmctld"])?.ok()?;
    host.copy_in(&build.plugin(other)?, PLUGIN, 0o644)?;
    assert!(!host.run(&["systemctl", "start", "slurmctld"])?.success(), "slurmctld was started with a wrong plugin");
    let told = host.run(&["journalctl", "--unit=slurmctld", "--output=cat", "--no-pager", "--lines=20"])?.ok()?;
    let version = slurmctld_version(site)?;
    assert!(told.contains(&format!("install the plugin for {version} before slurmctld is restarted")), "{told}");

    host.copy_in(&build.plugin(own)?, PLUGIN, 0o644)?;
    host.run(&["systemctl", "reset-failed", "slurmctld"])?;
    cluster.restart("slurmctld")?;
    wait_until_counted(site, "milo")
}

/// With the plugin of another Slurm in its place `bursar check plugin` says so, a reconfiguration is refused (22.05 does not
/// look at a plugin twice), and the one that is loaded goes on judging.
pub fn a_broken_plugin_does_not_end_the_judging(site: &Governed) -> Result<()> {
    let cluster = site.cluster();
    let host = cluster.host();
    let build = BuildDir::debug()?;
    let own = host.slurm();
    let other = if own == SlurmVersion::V22_05 { SlurmVersion::V24_11 } else { SlurmVersion::V22_05 };

    host.copy_in(&build.plugin(other)?, PLUGIN, 0o644)?;
    let checked = host.run(&["bursar", "check", "plugin"])?;
    let version = slurmctld_version(site)?;
    let told = format!("and slurmctld is {version}: install the plugin for {version} before slurmctld is restarted");
    assert!(!checked.success() && format!("{}{}", checked.stdout, checked.stderr).contains(&told), "{checked:?}");
    let reconfigured = cluster.scontrol("root", &["reconfigure"])?;
    assert_eq!(reconfigured.success(), own == SlurmVersion::V22_05, "{}", reconfigured.stderr);
    for _ in 0..2 {
        assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")?;
        sbatch(site, "milo", 1, &["--hold"])?.ok()?;
    }

    host.copy_in(&build.plugin(own)?, PLUGIN, 0o644)?;
    host.run(&["bursar", "check", "plugin"])?.ok()?;
    cluster.scontrol("root", &["reconfigure"])?.ok()?;
    wait_until_counted(site, "milo")?;
    assert_sbatch_refused(site, "nora", &["--time=1"], "BSR-110", "you hold no grant on this cluster")?;
    cancel_all(site, "milo")
}
