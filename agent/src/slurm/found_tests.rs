//! Recorded listings of sacctmgr, as `found` reads them.

use super::*;

// Recorded from sacctmgr 22.05.8.
const ASSOC: &str = "lab|root||||||1000||||normal|\nlab|root|root||||||||||\nlab|chem|||root||||||||\n\
    lab|chem|ana|||3|||||||\nlab|phys|||root|||50||cpu=16,mem=8G|||\nlab|phys|ana|short|||||||||\n\
    lab|phys|ana||||||||||\nlab|phys|cy|||4|9||||cpu=20,gres/gpu:a100=5|high,low|low\n";

#[test]
fn given_recorded_listings_then_own_limits_parents_defaults_and_levels_are_read() {
    let cluster = ClusterName::new("lab").unwrap();
    let mut found = FoundCluster::default();
    assert!(found.take_associations(&cluster, ASSOC));
    found.take_accounts(" Database is busy or waiting for lock from other user.\nchem|cc1|physics, dept\n");
    found.take_qos("normal|0||cluster|00:00:00|1.000000|||||normal qos default\n");
    found.take_tres("cpu|\nfs|disk\ngres|gpu:a100\n");
    found.take_wckeys("ana|cc-1\nana|*cc-2\n");
    found.take_users("ana|lasers|Operator\ncy|phys|Not Set\ndee||None\nroot|root|Administrator\n");
    assert_eq!(found.unreadable, Vec::<String>::new());
    assert_eq!(found.associations[&("cy".into(), "phys".into())], JobLimits { max_jobs: Some(4), max_submit: Some(9) });
    assert_eq!(found.associations[&("ana".into(), "phys".into())], JobLimits::default());
    assert!(found.partition_associations.contains(&("ana".into(), "phys".into(), "short".into())));
    assert_eq!(found.accounts["phys"].grp_jobs, Some(50));
    let of_account = &found.limits[&(String::new(), "phys".into())];
    assert_eq!(of_account[&NativeKind::GrpJobs], 50);
    assert_eq!(of_account[&NativeKind::GrpTres(Resource::Memory)], 8_192);
    assert_eq!(found.limits[&("cy".into(), "phys".into())][&NativeKind::GrpTresRunMins(Resource::Cpu)], 20);
    assert_eq!(found.access.len(), 2);
    let access = &found.access[&("cy".into(), "phys".into())];
    assert_eq!((access.list.len(), access.default.as_deref()), (2, Some("low")));
    assert_eq!(found.accounts["chem"].description, "physics, dept");
    assert_eq!(found.users["ana"].admin, AdminLevel::Operator);
    assert_eq!(found.users["dee"].default_account, None);
    assert!(found.qos.contains_key("normal") && found.tres.contains("gres/gpu:a100") && found.tres.contains("cpu"));
    assert_eq!(found.wckeys["ana"], BTreeSet::from(["cc-1".to_owned(), "cc-2".to_owned()]));
}

#[test]
fn given_a_listing_without_the_root_association_then_the_cluster_is_unknown() {
    let mut found = FoundCluster::default();
    assert!(!found.take_associations(&ClusterName::new("other").unwrap(), ""));
    assert!(!found.take_associations(&ClusterName::new("other").unwrap(), "lab|root|||||||||||\n"));
    assert!(!found.take_associations(&ClusterName::new("lab").unwrap(), "lab|a|b\nlab|phys|cy|||x|9||||||\n"));
    assert_eq!(found.unreadable.len(), 2);
}
