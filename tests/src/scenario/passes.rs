//! What bursard's passes make in slurmdbd, and that a further one changes nothing.

use super::{host_now, people};
use crate::{Governed, NODE_SNAPSHOT, Result};

/// Lets several passes go by. bursard looks at its sources every second and tells nobody of a pass that found nothing to
/// do, so the host's clock is all there is to go by.
pub fn wait_for_passes(site: &Governed) -> Result<()> {
    let until = host_now(site)? + 6;
    site.wait_for("several passes", 20, || {
        let now = host_now(site)?;
        Ok(if now >= until { Ok(()) } else { Err(format!("{now} of {until}")) })
    })
}

/// Every account of the policy hangs where it says, and everybody with a grant has their association.
pub fn accounts_and_associations_are_there(site: &Governed) -> Result<()> {
    let show = |format: &str| site.cluster().sacctmgr(&["-nP", "show", "association", "cluster=demo", format])?.ok();
    let accounts = show("format=Account,ParentName")?;
    for line in ["science|root", "physics|science", "optics|science", "lasers|optics"] {
        assert!(accounts.lines().any(|shown| shown == line), "{line} is not in\n{accounts}");
    }
    let members = show("format=Account,User,MaxJobs,MaxSubmitJobs")?;
    for person in people().iter().filter(|person| !["g-audit", "g-temp"].contains(&person.group.as_str())) {
        let account = if person.group == "g-brief" { "physics" } else { person.group.trim_start_matches("g-") };
        let line = format!("{account}|{}|", person.name);
        assert!(members.lines().any(|shown| shown.starts_with(&line)), "{line} is not in\n{members}");
    }
    Ok(())
}

/// Further passes, and one of a new bursard, which compares everything, change nothing in slurmdbd, on the host or in the
/// store.
pub fn a_further_pass_changes_nothing(site: &Governed) -> Result<()> {
    let sh = |text: &str| site.cluster().host().sh(text)?.ok();
    wait_for_passes(site)?;
    let state = || -> Result<_> {
        let transactions = sh("sacctmgr -nP list transactions format=TimeStamp,Action,Actor,Where,Info")?;
        let passwd = sh("cat /etc/passwd /etc/group /etc/shadow | sha256sum; stat --format=%i%Y /etc/passwd")?;
        Ok((transactions, site.store("select count(*), max(id) from audit")?, passwd))
    };
    let snapshot = || sh(&format!("sha256sum {NODE_SNAPSHOT}; stat --format=%i {NODE_SNAPSHOT}"));
    let (before, published) = (state()?, snapshot()?);
    wait_for_passes(site)?;
    assert_eq!(snapshot()?, published);
    assert_eq!(state()?, before);

    // A new bursard compares everything with slurmdbd, where it has nothing to do either.
    sh("systemctl restart bursard")?;
    wait_for_passes(site)?;
    assert_eq!(state()?, before);
    Ok(())
}
