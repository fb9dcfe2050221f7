//! QOS, access, limits that slurmctld holds and cost centres against a real slurmdbd.

use std::collections::BTreeSet;

use bursar_agent::slurm::command::SlurmCommands;
use bursar_agent::slurm::desired::{DesiredCluster, DesiredQos, QosAccess};
use bursar_agent::slurm::found::FoundCluster;
use bursar_agent::slurm::native::{NativeKind, NativeLimits, Place, Resource};
use bursar_agent::slurm::qos::{PreemptMode, QosName, QosOwner, QosSettings};
use bursar_policy::{AccountName, UserName};

use super::{ACTIVE, FREE, account, cluster, person, settle};

async fn sacctmgr(commands: &SlurmCommands, line: &str) {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    commands.change(&args, None).await.unwrap();
}

fn open(names: &[&str], default: Option<&str>) -> QosAccess {
    let qos = |name: &&str| QosName::new(name).unwrap();
    QosAccess { allowed: names.iter().map(qos).collect(), default: default.map(|name| qos(&name)) }
}

fn limits(value: Option<u64>) -> NativeLimits {
    let mut limits = NativeLimits::from([(NativeKind::GrpJobs, value), (NativeKind::GrpSubmitJobs, value)]);
    for resource in [Resource::Cpu, Resource::Memory, Resource::Node, Resource::Gpu] {
        limits.insert(NativeKind::GrpTres(resource.clone()), value);
        limits.insert(NativeKind::GrpTresRunMins(resource), value);
    }
    limits
}

#[tokio::test]
#[ignore = "needs a running slurmdbd"]
async fn given_queues_on_a_real_slurmdbd_then_they_settle_in_one_pass_and_leave_no_trace_when_they_go() {
    let commands = SlurmCommands::default();
    let bare = DesiredCluster {
        accounts: vec![account("zq", None), account("zr", None)],
        people: vec![person("zqa", &[("zq", ACTIVE), ("zr", FREE)]), person("zqb", &[("zq", FREE)])],
        ..DesiredCluster::of(cluster())
    };
    settle(&commands, &bare).await;
    sacctmgr(&commands, "-i add qos zgold priority=7 maxwall=60").await;
    sacctmgr(&commands, "-i modify user where name=zqb account=zq set qos+=zgold,normal").await;
    let before = FoundCluster::read(&commands, &cluster()).await.unwrap();

    let mut desired = bare.clone();
    let name = |text| QosName::new(text).unwrap();
    let key = |user, account| (UserName::new(user).unwrap(), AccountName::new(account).unwrap());
    let mut high = QosSettings {
        priority: 1_000,
        preempts: BTreeSet::from(["normal".to_owned()]),
        usage_per_mille: 1_125,
        max_jobs: Some(3),
        max_submit: Some(9),
        max_minutes: Some(3_600),
        ..QosSettings::default()
    };
    high.per_person.extend([(Resource::Cpu, 4), (Resource::Memory, 10_241), (Resource::Node, 2), (Resource::Gpu, 1)]);
    let normal = QosSettings { preempt_mode: PreemptMode::Requeue, grace_seconds: 90, ..QosSettings::default() };
    desired.qos =
        vec![DesiredQos { name: name("zhigh"), settings: high }, DesiredQos { name: name("normal"), settings: normal }];
    desired.access.insert(key("zqa", "zq"), open(&["zhigh", "normal"], Some("normal")));
    desired.access.insert(key("zqa", "zr"), open(&["zhigh"], Some("zhigh")));
    desired.access.insert(key("zqb", "zq"), open(&["normal"], Some("normal")));
    for place in [Place::Account(key("zqa", "zq").1), Place::Person(key("zqa", "zq").0, key("zqa", "zq").1)] {
        desired.limits.insert(place, limits(Some(10_241)));
    }
    desired.wckeys.insert(key("zqa", "zq").0, BTreeSet::from(["CC-1".to_owned(), "x/2".to_owned()]));
    for line in settle(&commands, &desired).await {
        println!("{line}");
    }
    assert_eq!(settle(&commands, &desired).await, Vec::<String>::new());
    let found = FoundCluster::read(&commands, &cluster()).await.unwrap();
    assert_eq!(found.unreadable, Vec::<String>::new());
    assert_eq!(found.qos["zgold"], before.qos["zgold"]);
    assert_eq!(found.qos["zhigh"].owner(), QosOwner::Made);
    let of = |user: &str, account: &str| found.access[&(user.to_owned(), account.to_owned())].clone();
    assert_eq!(of("zqb", "zq").list, BTreeSet::from(["normal".to_owned(), "zgold".to_owned()]));
    assert_eq!(of("zqa", "zr").default.as_deref(), Some("zhigh"));

    // The default moves to a QOS that was not in the list before, and away from one that goes.
    desired.access.insert(key("zqa", "zr"), open(&["normal"], Some("normal")));
    desired.qos[0].settings.per_person.remove(&Resource::Memory);
    desired.qos[0].settings.max_minutes = None;
    desired.limits.values_mut().for_each(|of_place| *of_place = limits(None));
    settle(&commands, &desired).await;
    settle(&commands, &bare).await;
    assert_eq!(settle(&commands, &bare).await, Vec::<String>::new());
    let after = FoundCluster::read(&commands, &cluster()).await.unwrap();
    let mut as_it_was = before.qos.clone();
    // slurmdbd folds the description that comes back.
    as_it_was.values_mut().for_each(|qos| qos.description.make_ascii_lowercase());
    assert_eq!(after.qos, as_it_was);
    assert_eq!(after.limits, before.limits);
    let lists = |found: &FoundCluster| {
        let mut access = found.access.clone();
        access.remove(&("zqb".to_owned(), "zq".to_owned()));
        access
    };
    assert_eq!(lists(&after), lists(&before));
    assert!(after.wckeys["zqa"].contains("cc-1"), "cost centres stay");
}
