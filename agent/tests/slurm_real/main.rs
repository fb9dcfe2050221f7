//! The Slurm parts against real daemons: run inside a throwaway host whose slurm.conf is in force, as root.
//!
//! `cargo test -p bursar-agent --test slurm_real -- --ignored --test-threads 1`, with slurmdbd, slurmctld and the
//! cluster of `BURSAR_TEST_CLUSTER` (default `lab`). They add accounts and people of their own and leave them.

mod queues;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bursar_agent::slurm::command::SlurmCommands;
use bursar_agent::slurm::desired::{
    AdminLevel, AssociationState, ClusterName, DesiredAccount, DesiredCluster, DesiredUser, JobLimits, Label,
};
use bursar_agent::slurm::facts::ClusterFacts;
use bursar_agent::slurm::found::{FoundCluster, FoundError};
use bursar_agent::slurm::live::{self, Phase};
use bursar_agent::slurm::settled::{self, EndedIn, WckeyColumn};
use bursar_agent::slurm::{apply, uids};
use bursar_policy::{AccountName, Clock, SystemClock, UserName};

fn cluster() -> ClusterName {
    ClusterName::new(&std::env::var("BURSAR_TEST_CLUSTER").unwrap_or_else(|_| "lab".to_owned())).unwrap()
}

fn account(name: &str, parent: Option<&str>) -> DesiredAccount {
    let name = AccountName::new(name).unwrap();
    let parent = parent.map(|parent| AccountName::new(parent).unwrap());
    DesiredAccount { description: Label::from(&name), organization: Label::new("CC 12").unwrap(), name, parent }
}

fn person(name: &str, accounts: &[(&str, AssociationState)]) -> DesiredUser {
    DesiredUser {
        name: UserName::new(name).unwrap(),
        admin: AdminLevel::None,
        default_account: None,
        associations: accounts.iter().map(|(name, state)| (AccountName::new(name).unwrap(), *state)).collect(),
    }
}

async fn settle(commands: &SlurmCommands, desired: &DesiredCluster) -> Vec<String> {
    let synced = apply::sync(commands, desired).await.unwrap();
    assert!(synced.applied.failed.is_none(), "{:?}", synced.applied.failed);
    assert_eq!(synced.drift, []);
    synced.applied.done.iter().map(ToString::to_string).collect()
}

const ACTIVE: AssociationState = AssociationState::Active(JobLimits { max_jobs: Some(4), max_submit: Some(9) });
const FREE: AssociationState = AssociationState::Active(JobLimits { max_jobs: None, max_submit: None });

#[tokio::test]
#[ignore = "needs a running slurmdbd"]
async fn given_a_real_slurmdbd_then_every_kind_of_change_settles_in_one_pass_and_spares_what_is_foreign() {
    let commands = SlurmCommands::default();
    let mut desired = DesiredCluster {
        accounts: vec![account("zsub", Some("ztop")), account("ztop", None)],
        people: vec![
            person("zana", &[("zsub", ACTIVE), ("ztop", FREE)]),
            person("zben", &[("zsub", ACTIVE)]),
            person("zcy", &[("ztop", FREE), ("zsub", AssociationState::Revoked)]),
        ],
        ..DesiredCluster::of(cluster())
    };
    desired.people[0].default_account = Some(AccountName::new("ztop").unwrap());
    desired.people[1].admin = AdminLevel::Operator;
    let before = FoundCluster::read(&commands, &desired.cluster).await.unwrap();
    assert_eq!(settle(&commands, &desired).await.len(), 1);
    assert_eq!(settle(&commands, &desired).await, Vec::<String>::new());

    // Everything moves: default revoked, limits changed, level lost, account described anew and moved, a person gone.
    desired.people[0].associations.insert(AccountName::new("ztop").unwrap(), AssociationState::Revoked);
    desired.people[0].default_account = None;
    desired.people[1].admin = AdminLevel::None;
    desired.people[1].associations = BTreeMap::from([(AccountName::new("znew").unwrap(), ACTIVE)]);
    desired.accounts[0].parent = Some(AccountName::new("znew").unwrap());
    desired.accounts[0].description = Label::new("Sub, (Ärzte) 2").unwrap();
    desired.accounts.push(account("znew", None));
    let gone = desired.people.pop().unwrap();
    desired.former_people.insert(gone.name);
    assert_eq!(
        settle(&commands, &desired).await,
        [
            "make zsub the default account of zana",
            "revoke zana,zcy in ztop",
            "set admin level None for zben",
            "add accounts znew; add associations zben@znew",
            "describe account zsub as \"Sub, (Ärzte) 2\" of \"CC 12\"",
            "move account zsub under znew",
            "make znew the default account of zben",
            "revoke zben in zsub",
        ]
    );
    assert_eq!(settle(&commands, &desired).await, Vec::<String>::new());

    let after = FoundCluster::read(&commands, &desired.cluster).await.unwrap();
    let foreign = |found: &FoundCluster| -> BTreeMap<_, _> {
        found
            .associations
            .iter()
            .filter(|((user, _), _)| !user.starts_with('z'))
            .map(|(k, v)| (k.clone(), *v))
            .collect()
    };
    assert_eq!(foreign(&after), foreign(&before));
    let nobody = DesiredCluster { cluster: ClusterName::new("nosuch").unwrap(), ..desired };
    let refused = apply::sync(&commands, &nobody).await.unwrap_err();
    assert!(matches!(refused, FoundError::UnknownCluster(_)), "{refused}");
}

#[tokio::test]
#[ignore = "needs a running slurmctld and slurmdbd"]
async fn given_a_real_cluster_then_every_line_of_its_jobs_nodes_and_users_can_be_read() {
    let commands = SlurmCommands::default();
    let facts = ClusterFacts::read(&commands).await.unwrap();
    assert_eq!(facts.cluster, cluster().as_str());
    assert!(facts.partitions.iter().all(|partition| partition.largest.cpus > 0), "{:?}", facts.partitions);
    let live = live::read(&commands).await.unwrap();
    assert_eq!(live.unreadable, []);
    // Which jobs take whole nodes is told by another field in another version.
    for partition in &facts.partitions {
        assert_eq!(partition.exclusive, partition.name == "whole", "{}", partition.name);
    }
    let sharing = |name: &str| -> BTreeSet<_> {
        live.jobs.iter().filter(|job| job.partitions == [name]).map(|job| format!("{:?}", job.sharing)).collect()
    };
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    if facts.partitions.iter().any(|partition| partition.name == "whole") {
        assert_eq!(sharing("whole"), set(&["WholeNodes"]));
        assert_eq!(sharing("open"), set(&["Normal"]));
        let main = sharing("main");
        assert!(main.is_superset(&set(&["Normal", "OwnersNodes"])) && !main.contains("WholeNodes"), "{main:?}");
    }
    settled::check_rights(&commands, &cluster()).await.unwrap();
    let unknown = settled::check_rights(&commands, &ClusterName::new("nosuch").unwrap()).await;
    assert!(unknown.is_err());
    let window = EndedIn::since(None, 0, SystemClock.now(), WckeyColumn::Untrusted);
    let (mut runs, mut kept) = (Vec::new(), Vec::new());
    let each = |line| match line {
        Ok(run) => runs.push(run),
        Err(bad) => kept.push(bad),
    };
    settled::read(&commands, &cluster(), window, each).await.unwrap();
    assert_eq!(kept, []);
    let ended = live.jobs.iter().filter(|job| job.phase == Phase::Ended);
    for job in ended.filter(|job| job.state != "COMPLETING") {
        let run = runs.iter().find(|run| run.job_id == job.job_id && run.submit == job.submit);
        let Some(run) = run else { panic!("job {} is not settled", job.job_id) };
        assert_eq!((run.end, run.uid), (job.end.unwrap(), job.uid));
        if run.interval().is_some() {
            assert_eq!((run.elapsed, run.alloc.get("cpu")), (job.used, job.tres.get("cpu")), "job {}", job.job_id);
            assert_eq!(run.cpu_seconds(), run.elapsed * run.alloc["cpu"]);
        }
    }
    println!("{} live lines, {} settled runs, {} partitions", live.jobs.len(), runs.len(), facts.partitions.len());
    assert!(uids::uids_in_slurmctld(&commands).await.unwrap().contains_key("root"));
}

#[tokio::test]
#[ignore = "needs a running slurmctld and slurmdbd, and adds a POSIX account"]
async fn given_an_association_before_its_posix_account_then_one_reconfigure_heals_it() {
    let commands = SlurmCommands::default();
    let desired = DesiredCluster {
        accounts: vec![account("zlate", None)],
        people: vec![person("zlate-user", &[("zlate", FREE)])],
        ..DesiredCluster::of(cluster())
    };
    settle(&commands, &desired).await;
    let people = BTreeSet::from([desired.people[0].name.clone()]);
    let waiting = uids::heal_missing_uids(&commands, &people, uids::host_knows).await.unwrap();
    assert_eq!((waiting.healed.len(), waiting.missing.len()), (0, 1));
    assert!(std::process::Command::new("useradd").arg("zlate-user").status().unwrap().success());
    let healed = uids::heal_missing_uids(&commands, &people, uids::host_knows).await.unwrap();
    assert_eq!((healed.healed, healed.missing.len()), (people, 0));
}

#[tokio::test]
#[ignore = "takes a minute; needs a running slurmdbd"]
async fn given_ten_thousand_people_in_200_accounts_then_one_load_makes_them_and_a_second_pass_only_reads() {
    let commands = SlurmCommands::default();
    let names: Vec<String> = (0..200).map(|n| format!("big{n:03}")).collect();
    let people = (0..10_000).map(|n| person(&format!("zu{n:05}"), &[(&names[n / 50], ACTIVE)])).collect();
    let accounts = names.iter().map(|name| account(name, None)).collect();
    let desired = DesiredCluster { accounts, people, ..DesiredCluster::of(cluster()) };
    let start = Instant::now();
    assert_eq!(settle(&commands, &desired).await.len(), 1);
    println!("first pass with both reads {:?}", start.elapsed());
    let start = Instant::now();
    assert_eq!(settle(&commands, &desired).await, Vec::<String>::new());
    println!("pass without changes {:?}", start.elapsed());
    let mut tightened = desired.clone();
    for person in &mut tightened.people {
        person.associations.values_mut().for_each(|state| *state = FREE);
    }
    let start = Instant::now();
    println!("{} calls lift every limit, {:?}", settle(&commands, &tightened).await.len(), start.elapsed());
}
