//! What bursard makes of its files in the store, on the host and in slurmdbd, and what it leaves alone.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bursar_tests::{Citizen, Cluster, Governed, NODE_SNAPSHOT, Result, directory, scenario};

const POLICY: &str = "\
time-zone = \"Europe/Berlin\"
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
running-jobs = 20
queued-jobs = 100

[[account]]
name = \"physics\"
description = \"Physics\"
cost-center = \"CC-2\"

[[account]]
name = \"optics\"
description = \"Optics\"
cost-center = \"CC-3\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-both\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-both\"
role = \"compute-user\"
account = \"optics\"

[[mapping]]
group = \"g-optics\"
role = \"compute-user\"
account = \"optics\"
";

/// What is the directory now; tests add to it and take from it.
type People = Vec<Citizen>;

fn people() -> People {
    let named =
        [("ana", "g-physics"), ("ben", "g-both"), ("cara", "g-physics"), ("dan", "g-physics"), ("olga", "g-optics")];
    let crowd = (0..60).map(|n| Citizen::new(&format!("crowd{n:02}"), "g-physics"));
    let named = named.iter().map(|(name, group)| Citizen::new(name, group));
    named.chain(crowd).chain([Citizen::new("zoe", "g-physics")]).collect()
}

struct Realm {
    governed: Governed,
    people: Mutex<People>,
}

impl Realm {
    fn up() -> Result<Self> {
        let people = people();
        let governed = Governed::up(Cluster::builder(), POLICY, &directory(&people), "zoe")?;
        Ok(Self { governed, people: Mutex::new(people) })
    }

    fn sh(&self, text: &str) -> Result<String> {
        self.governed.cluster().host().sh(text)?.ok()
    }

    /// Changes the directory file.
    fn change(&self, change: impl FnOnce(&mut People)) -> Result<()> {
        let mut people = self.people.lock().unwrap();
        change(&mut people);
        self.governed.write_directory(&directory(&people))
    }

    fn wait_for_passes(&self) -> Result<()> {
        scenario::wait_for_passes(&self.governed)
    }

    /// The last change that slurmdbd knows of, and how many there are.
    fn transactions(&self) -> Result<String> {
        self.sh("sacctmgr -nP list transactions format=TimeStamp,Action,Actor,Where,Info")
    }

    fn association(&self, user: &str, account: &str) -> Result<Vec<Vec<String>>> {
        let (user, account) = (format!("user={user}"), format!("account={account}"));
        let args = ["-nP", "show", "association", &user, &account, "format=MaxJobs,MaxSubmitJobs"];
        Ok(self.governed.cluster().sacctmgr(&args)?.rows())
    }

    fn wait_for_association(&self, user: &str, account: &str, wanted: &[&str]) -> Result<()> {
        self.governed.wait_for(&format!("the association of {user} in {account}"), 30, || {
            let rows = self.association(user, account)?;
            Ok(if rows == [wanted] { Ok(()) } else { Err(format!("{rows:?}")) })
        })
    }

    fn wait_for_suspension(&self, user: &str) -> Result<()> {
        self.governed.wait_for(&format!("{user} to be suspended on the host"), 30, || {
            let shadow = self.sh(&format!("getent shadow {user}"))?;
            let expires = shadow.trim().split(':').nth(7).unwrap_or_default().parse::<u64>();
            Ok(if expires.is_ok() { Ok(()) } else { Err(shadow) })
        })
    }

    fn default_account(&self, user: &str) -> Result<String> {
        self.sh(&format!("sacctmgr -nP show user {user} format=DefaultAccount"))
    }
}

/// One cluster for the whole file, and one test at a time on it.
fn realm() -> (&'static Realm, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static REALM: OnceLock<Result<Realm>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    (REALM.get_or_init(Realm::up).as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

#[test]
fn given_nothing_new_then_further_passes_and_a_fresh_comparison_change_nothing() -> Result<()> {
    let (realm, _alone) = realm();
    scenario::a_further_pass_changes_nothing(&realm.governed)
}

#[test]
fn given_objects_made_by_hand_then_bursar_leaves_them_alone() -> Result<()> {
    let (realm, _alone) = realm();
    let cluster = realm.governed.cluster();
    cluster.add_user("lena")?.ok()?;
    for command in [
        &["add", "account", "foreign", "description=by hand", "fairshare=3"][..],
        &["add", "qos", "gold", "priority=7"],
        &["add", "user", "lena", "account=foreign"],
        &["add", "user", "lena", "account=physics"],
        &["modify", "user", "lena", "account=foreign", "set", "maxjobs=5"],
        &["modify", "user", "ana", "account=physics", "set", "fairshare=9"],
        &["modify", "account", "physics", "set", "grptres=cpu=12"],
    ] {
        cluster.sacctmgr(command)?.ok()?;
    }
    let shown = || {
        realm.sh("sacctmgr -nP show association account=foreign format=account,user,maxjobs,fairshare
             sacctmgr -nP show association user=lena format=account,user,maxjobs,maxsubmit,defaultqos
             sacctmgr -nP show association user=ana account=physics format=fairshare
             sacctmgr -nP show association account=physics user= format=account,grptres,fairshare
             sacctmgr -nP show qos gold format=name,priority
             sacctmgr -nP show account foreign format=account,descr,org; getent passwd lena")
    };
    let before = shown()?;
    assert!(before.contains("foreign|lena|5"), "{before}");
    realm.change(|people| people.push(Citizen::new("hanna", "g-physics")))?;
    realm.wait_for_association("hanna", "physics", &["20", "120"])?;
    realm.sh("systemctl restart bursard")?;
    realm.wait_for_passes()?;
    assert_eq!(shown()?, before);
    let own: Vec<String> = realm
        .transactions()?
        .lines()
        .filter(|line| line.contains("|bursar|"))
        .filter(|line| ["foreign", "gold", "lena"].iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect();
    assert_eq!(own, Vec::<String>::new());
    Ok(())
}

#[test]
fn given_a_person_who_leaves_a_group_then_its_account_is_closed_to_them_and_another_becomes_the_default() -> Result<()>
{
    let (realm, _alone) = realm();
    realm.wait_for_association("ben", "physics", &["20", "120"])?;
    realm.wait_for_association("ben", "optics", &["20", "120"])?;
    let default = realm.default_account("ben")?.trim().to_owned();
    let (gone, stays) = if default == "optics" { ("optics", "physics") } else { ("physics", "optics") };
    let group = format!("g-{stays}");
    realm.change(|people| people.iter_mut().filter(|p| p.name == "ben").for_each(|p| p.group.clone_from(&group)))?;
    realm.wait_for_association("ben", gone, &["0", "0"])?;
    realm.wait_for_association("ben", stays, &["20", "120"])?;
    assert_eq!(realm.default_account("ben")?.trim(), stays);
    let account = format!("--account={gone}");
    realm.governed.wait_for("a refusal in the account that is gone", 10, || {
        let refused = realm.governed.cluster().sbatch("ben", &["--time=1", &account, "--wrap", "true"])?;
        Ok(if refused.stderr.contains("BSR-121: ") { Ok(()) } else { Err(refused.stderr) })
    })?;
    realm.governed.cluster().submit("ben", &["--time=1", "--wrap", "true"]).map(drop)
}

#[test]
fn given_a_person_who_leaves_every_group_then_they_are_suspended_but_not_deleted() -> Result<()> {
    let (realm, _alone) = realm();
    let before = realm.sh("getent passwd cara")?;
    realm.change(|people| people.iter_mut().filter(|p| p.name == "cara").for_each(|p| p.group = "g-none".into()))?;
    realm.wait_for_association("cara", "physics", &["0", "0"])?;
    realm.wait_for_suspension("cara")?;
    let after = realm.sh("getent passwd cara")?;
    let uid = |line: &str| line.split(':').nth(2).map(str::to_owned);
    assert_eq!(uid(&after), uid(&before));
    realm.sh("test -d /home/cara")?;
    let refused = realm.governed.cluster().sbatch("cara", &["--time=1", "--wrap", "true"])?;
    assert!(refused.stderr.contains("BSR-110: Ask the HPC team."), "{}", refused.stderr);

    realm.change(|people| people.iter_mut().filter(|p| p.name == "cara").for_each(|p| p.group = "g-physics".into()))?;
    realm.wait_for_association("cara", "physics", &["20", "120"])?;
    realm.governed.wait_until_submitting("cara")
}

#[test]
fn given_a_person_gone_from_the_directory_then_a_tombstone_keeps_uid_and_name() -> Result<()> {
    let (realm, _alone) = realm();
    let query = "select state, uid from subject where name = 'dan'";
    let before = realm.governed.store(query)?.concat();
    assert_eq!(before[0], "active");
    realm.change(|people| people.retain(|person| person.name != "dan"))?;
    realm.wait_for_association("dan", "physics", &["0", "0"])?;
    realm.wait_for_suspension("dan")?;
    assert_eq!(realm.governed.store(query)?.concat(), ["removed".to_owned(), before[1].clone()]);
    realm.sh("test -d /home/dan")?;
    let audit = "select count(*) from audit where reason = 'source' and after like '%removed%'";
    assert_ne!(realm.governed.store(audit)?.concat(), ["0"]);
    // The next one in line gets another number.
    realm.change(|people| people.push(Citizen::new("dirk", "g-physics")))?;
    realm.wait_for_association("dirk", "physics", &["20", "120"])?;
    let dirk = realm.governed.store("select uid from subject where name = 'dirk'")?.concat();
    assert_ne!(dirk[0], before[1]);
    Ok(())
}

#[test]
fn given_a_directory_that_lost_many_people_then_bursard_stops_with_an_alarm_and_nobody_loses_anything() -> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for_passes()?;
    let state = || -> Result<_> {
        let subjects = realm.governed.store("select state, count(*) from subject group by state order by state")?;
        Ok((subjects, realm.transactions()?, realm.sh(&format!("sha256sum {NODE_SNAPSHOT} /etc/passwd"))?))
    };
    let before = state()?;
    let log = realm.governed.log()?.lines().count();
    let whole = realm.people.lock().unwrap().clone();
    realm.change(|people| people.retain(|person| !person.name.starts_with("crowd")))?;
    let alarm = realm.governed.wait_for("the alarm", 20, || {
        let said = realm.governed.log()?;
        let alarm = said.lines().skip(log).find(|line| line.contains("ERROR") || line.contains("60 of"));
        Ok(alarm.map(str::to_owned).ok_or_else(|| said.lines().last().unwrap_or_default().to_owned()))
    })?;
    println!("{alarm}");
    assert!(alarm.contains("60"), "{alarm}");
    realm.wait_for_passes()?;
    assert_eq!(state()?, before);
    // A few may go, as long as it is not more than a tenth.
    realm.change(|people| *people = whole)?;
    realm.governed.wait_for("bursard to be content again", 20, || {
        let said = realm.governed.log()?;
        Ok(if said.lines().skip(log).any(|line| line.contains("works again")) { Ok(()) } else { Err(said) })
    })?;
    realm.wait_for_passes()?;
    assert_eq!(state()?, before);
    Ok(())
}

#[test]
fn given_a_new_person_with_a_new_account_then_the_first_job_runs_within_half_a_minute() -> Result<()> {
    let (realm, _alone) = realm();
    let more = "\n[[account]]\nname = \"lasers\"\nparent = \"optics\"\ndescription = \"Lasers\"\ncost-center = \"CC-4\"\n\n\
                [[mapping]]\ngroup = \"g-lasers\"\nrole = \"compute-user\"\naccount = \"lasers\"\n";
    realm.governed.write_policy(&format!("{POLICY}{more}"))?;
    let start = Instant::now();
    realm.change(|people| people.push(Citizen::new("leo", "g-lasers")))?;
    let cluster = realm.governed.cluster();
    let job = realm.governed.wait_for("leo's first job", 30, || {
        let output = cluster.sbatch("leo", &["--parsable", "--time=1", "--output=/dev/null", "--wrap", "true"])?;
        Ok(output.ok().map_err(|error| error.to_string()))
    })?;
    println!("leo submitted {:?} after the directory was changed", start.elapsed());
    cluster.wait_for_accounted_state(job.trim().parse().unwrap(), "COMPLETED", Duration::from_secs(20))?;
    let row = cluster.sacct("root", &["-X", "-n", "-P", "--format=User,Account", "--jobs", job.trim()])?.rows();
    assert_eq!(row, [["leo", "lasers"]]);
    Ok(())
}

#[test]
fn given_a_mistake_in_policy_toml_then_the_old_one_stays_in_force_and_the_log_has_file_line_and_key() -> Result<()> {
    let (realm, _alone) = realm();
    realm.wait_for_passes()?;
    let before = (realm.transactions()?, realm.governed.store("select count(*) from audit")?);
    let good = realm.sh("cat /etc/bursar/policy.toml")?;
    let log = realm.governed.log()?.lines().count();
    realm.governed.write_policy(&good.replace("running-jobs = 20", "runing-jobs = 1"))?;
    let said = realm.governed.wait_for("the mistake in the log", 20, || {
        let said = realm.governed.log()?;
        let line = said.lines().skip(log).find(|line| line.contains("policy.toml:6"));
        Ok(line.map(str::to_owned).ok_or(said))
    })?;
    println!("{said}");
    assert!(said.contains("runing-jobs"), "{said}");
    realm.wait_for_passes()?;
    assert_eq!((realm.transactions()?, realm.governed.store("select count(*) from audit")?), before);
    realm.governed.cluster().submit("ana", &["--time=1", "--wrap", "true"])?;
    realm.governed.write_policy(&good.replace("running-jobs = 20", "running-jobs = 21"))?;
    realm.wait_for_association("ana", "physics", &["21", "121"])?;
    realm.governed.write_policy(&good)?;
    realm.wait_for_association("ana", "physics", &["20", "120"])
}
