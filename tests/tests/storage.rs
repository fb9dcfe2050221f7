//! Storage in a real cluster: what a site's command says decides within seconds who is warned and who is refused.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bursar_tests::{CONTROLLER_SNAPSHOT, Citizen, Cluster, Governed, Output, Result, directory};

/// What the commands of the two places print.
const WARNING: &str = "/srv/usage/home";
const REFUSING: &str = "/srv/usage/scratch";

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[[account]]
name = \"science\"
description = \"Science\"

[[account]]
name = \"physics\"
parent = \"science\"
description = \"Physics\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[storage]]
name = \"/home\"
from = \"command\"
command = [\"/usr/bin/cat\", \"/srv/usage/home\"]
every-seconds = 1
over = \"warn\"
person-gb = \"1.5\"

[[storage]]
name = \"/scratch\"
from = \"command\"
command = [\"/usr/bin/cat\", \"/srv/usage/scratch\"]
every-seconds = 1
over = \"refuse\"
limit-from = \"source\"
account-gb = 10
";

/// Nobody is over.
const LITTLE: &str = "user ana 10\nuser ben 10\n";

fn governed() -> (&'static Governed, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static GOVERNED: OnceLock<Result<Governed>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let governed = GOVERNED.get_or_init(|| {
        let people = ["ana", "ben"].map(|name| Citizen::new(name, "g-physics"));
        let site = Governed::up(Cluster::builder(), POLICY, &directory(&people), "ben")?;
        says(&site, WARNING, LITTLE)?;
        says(&site, REFUSING, LITTLE)?;
        Ok(site)
    });
    (governed.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

/// Lets the command of a place print this from now on.
fn says(site: &Governed, path: &str, text: &str) -> Result<()> {
    site.cluster().host().write_file(path, text, 0o644)
}

fn submit(site: &Governed, user: &str) -> Result<Output> {
    site.cluster().sbatch(user, &["--time=1", "--output=/dev/null", "--wrap", "true"])
}

/// Waits until a submission of `user` is as it should be.
fn wait_until(site: &Governed, what: &str, user: &str, fits: impl Fn(&Output) -> bool) -> Result<Output> {
    site.wait_for(what, 30, || {
        let output = submit(site, user)?;
        let seen = format!("{} {:?}", output.status, output.stderr);
        Ok(if fits(&output) { Ok(output) } else { Err(seen) })
    })
}

fn is_refused(output: &Output) -> bool {
    !output.success() && output.stderr.contains("BSR-240: Ask the HPC team.")
}

fn is_quiet(output: &Output) -> bool {
    output.success() && !output.stderr.contains("stored")
}

#[test]
fn given_a_person_over_at_a_place_that_warns_then_the_job_enters_with_a_word() -> Result<()> {
    let (site, _alone) = governed();
    says(site, WARNING, "user ana 1610612737\nuser ben 1610612736\n")?;
    let warning = "more is stored on /home than is allowed; remove some before jobs are refused for it";
    wait_until(site, "ana to be warned", "ana", |output| output.success() && output.stderr.contains(warning))?;
    assert!(is_quiet(&submit(site, "ben")?), "what is allowed may be stored to the last byte");
    says(site, WARNING, LITTLE)?;
    wait_until(site, "ana to hear nothing", "ana", is_quiet).map(drop)
}

#[test]
fn given_a_person_over_at_a_place_that_refuses_then_submissions_wait_for_less_to_be_stored() -> Result<()> {
    let (site, _alone) = governed();
    says(site, REFUSING, "user ana 4294967296 3221225472\nuser ben 4294967296\n")?;
    let refused = wait_until(site, "ana to be refused", "ana", is_refused)?;
    let sentence = "you may store 3.00 GiB on /scratch, and 4.00 GiB are stored; remove some before submitting";
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    assert!(submit(site, "ben")?.success(), "the source states no limit of ben's");

    let host = site.cluster().host();
    let shown = host.run_as("ana", &["bursar", "-n", "-P", "show", "storage", "place=/scratch"])?.ok()?;
    assert!(shown.starts_with("ana||/scratch|4.00|3.00|yes|"), "{shown}");
    assert_eq!(shown.lines().count(), 1, "ben's is not ana's to see: {shown}");
    let explained =
        host.run_as("ana", &["bursar", "-n", "-P", "explain", "job", "user=ana", "cpus=1", "time-limit=1"])?;
    let row = explained.stdout.lines().find(|line| line.starts_with("storage /scratch ana|"));
    assert!(row.is_some_and(|row| row.contains("refuse|BSR-240|3.00|4.00|")), "{}", explained.stdout);

    // A reading that is none leaves the last good one in force, and says so.
    says(site, REFUSING, "user ana 0 3221225472\nuser ben 4K\n")?;
    site.wait_for("the bad line in bursar status", 30, || {
        let status = host.run(&["bursar", "-n", "-P", "status"])?.ok()?;
        let line = status.lines().find(|line| line.starts_with("storage /scratch|failed|")).map(str::to_owned);
        Ok(line.filter(|line| line.contains("line 2 has bytes")).ok_or(status))
    })?;
    assert!(is_refused(&submit(site, "ana")?), "the last good reading is in force");
    let before = site.snapshot(CONTROLLER_SNAPSHOT)?.generation();
    host.run(&["systemctl", "restart", "bursard"])?.ok()?;
    site.judges_by("a snapshot of the bursard that started anew", 30, |snapshot| {
        let generation = snapshot.generation();
        if generation > before { Ok(()) } else { Err(format!("generation {generation}")) }
    })?;
    assert!(is_refused(&submit(site, "ana")?), "and outlasts a restart");

    says(site, REFUSING, "user ana 3221225472 3221225472\n")?;
    wait_until(site, "ana to be admitted", "ana", is_quiet).map(drop)
}

#[test]
fn given_an_account_over_then_jobs_of_the_accounts_below_it_are_refused() -> Result<()> {
    let (site, _alone) = governed();
    says(site, REFUSING, "account science 11811160064\naccount physics 1\n")?;
    let refused = wait_until(site, "ben to be refused", "ben", is_refused)?;
    let sentence = "account science may store 10.00 GiB on /scratch, and 11.00 GiB are stored";
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    // policy.toml decides what follows, as soon as it is read anew.
    let without = POLICY.replace("over = \"refuse\"", "over = \"warn\"");
    site.write_policy(&without)?;
    wait_until(site, "ben to be warned only", "ben", |output| output.success() && output.stderr.contains("/scratch"))?;
    site.write_policy(POLICY)?;
    wait_until(site, "ben to be refused again", "ben", is_refused)?;
    says(site, REFUSING, LITTLE)?;
    wait_until(site, "ben to be admitted", "ben", is_quiet).map(drop)
}

/// A file system in an image of the host's, with quota where the kernel has that on ext4.
const QUARTERS: &str = "set -e; mknod -m 660 /dev/loop-control c 10 237
for i in $(seq 0 15); do mknod -m 660 /dev/loop$i b 7 $i; done
mkdir -p /quarters; truncate -s 32M /srv/image
mkfs.ext4 -q -O quota -E quotatype=usrquota:grpquota /srv/image
mount -o loop,usrquota,grpquota /srv/image /quarters && exit
mkfs.ext4 -qF /srv/image; mount -o loop /srv/image /quarters";

#[test]
fn given_a_place_read_by_quota_then_bursard_may_ask_the_kernel_only_with_the_drop_in() -> Result<()> {
    let (site, _alone) = governed();
    let host = site.cluster().host();
    host.sh(QUARTERS)?.ok()?;
    let place = "\n[[storage]]\nname = \"/quarters\"\nfrom = \"quota\"\npath = \"/quarters\"\nevery-seconds = 1\n\
        over = \"warn\"\nlimit-from = \"source\"\n";
    site.write_policy(&format!("{POLICY}{place}"))?;
    let told = |what: &str, fits: &dyn Fn(&str) -> bool| {
        site.wait_for(what, 45, || {
            let status = host.run(&["bursar", "-n", "-P", "status"])?.ok()?;
            let line = status.lines().find(|line| line.starts_with("storage /quarters|")).map(str::to_owned);
            Ok(line.filter(|line| fits(line)).ok_or(status))
        })
    };
    told("bursard to say what it needs", &|line| line.contains("install packaging/systemd/bursard-quota.conf"))?;
    let drop_in = include_str!("../../packaging/systemd/bursard-quota.conf");
    host.write_file("/etc/systemd/system/bursard.service.d/quota.conf", drop_in, 0o644)?;
    host.sh("systemctl daemon-reload && systemctl restart bursard")?.ok()?;
    // Where the kernel has no quota on ext4, its own word on that shows that it was asked.
    let asked =
        told("the kernel to be asked", &|line| line.contains("people and") || line.contains("is not turned on"))?;
    println!("{asked}");
    site.write_policy(POLICY)?;
    host.sh("rm -r /etc/systemd/system/bursard.service.d && systemctl daemon-reload && systemctl restart bursard")?
        .ok()?;
    host.run(&["umount", "/quarters"])?.ok()?;
    site.wait_until_submitting("ben")
}
