//! Partitions that are out of service outside their windows.

use bursar_tests::scenario::windows::{daily as window, minute, partition_state, wait_for_partition};
use bursar_tests::scenario::{host_now, wait_for_list_after};
use bursar_tests::{Governed, Result};

use super::{governed, rule};

fn doors(site: &Governed) -> Result<Vec<Vec<String>>> {
    site.store("select partition_name, state from door")
}

#[test]
fn given_a_partition_that_is_drained_outside_then_bursar_acts_once_at_each_edge_and_leaves_others_work_alone()
-> Result<()> {
    let (site, _alone) = governed();
    let cluster = site.cluster();
    let now = host_now(site)?;
    let drain = "outside = \"wait\"\ndrain = true\npower-down = true";
    let closed = [window("cloud", "partition = \"cloud\"", minute(now, 180), minute(now, 240), drain)];
    let open = [window("cloud", "partition = \"cloud\"", minute(now, -180), minute(now, 240), drain)];
    let set = |state: &str| cluster.scontrol("root", &["update", "partitionname=cloud", &format!("state={state}")]);
    cluster.host().run(&["systemctl", "start", "slurmd@c1"])?.ok()?;
    let wait_for_node = |word: &str| {
        site.wait_for(&format!("node c1 to be {word}"), 60, || {
            let node = cluster.scontrol("root", &["-o", "show", "node", "c1"])?.ok()?;
            let state = node.split_whitespace().find_map(|word| word.strip_prefix("State=")).unwrap_or_default();
            Ok(if state.contains(word) { Ok(()) } else { Err(state.to_owned()) })
        })
    };
    wait_for_node("IDLE")?;
    rule(site, &closed)?;
    wait_for_partition(site, "cloud", "DOWN")?;
    wait_for_node("POWER")?;
    assert_eq!(partition_state(site, "main")?, "UP");

    // Neither a restart of bursard nor the passing of time makes it act again.
    set("UP")?.ok()?;
    cluster.restart("bursard.service")?;
    site.wait_for("bursard to look at its doors", 30, || {
        let status = cluster.host().run(&["bursar", "-nP", "status", "format=part,state,detail"])?;
        Ok(if status.stdout.contains("doors|ok|") { Ok(()) } else { Err(status.stdout + &status.stderr) })
    })?;
    wait_for_list_after(site, host_now(site)? + 3)?;
    assert_eq!(partition_state(site, "cloud")?, "UP", "somebody has opened it");

    // slurmctld forgets the state at a restart, which is nobody's wish.
    set("DOWN")?.ok()?;
    cluster.restart("slurmctld.service")?;
    assert_eq!(partition_state(site, "cloud")?, "UP", "slurmctld has forgotten");
    wait_for_partition(site, "cloud", "DOWN")?;
    rule(site, &open)?;
    wait_for_partition(site, "cloud", "UP")?;
    assert_eq!(doors(site)?, [["cloud", "open"]]);

    // What somebody took out of service before stays out of it.
    set("INACTIVE")?.ok()?;
    rule(site, &closed)?;
    site.wait_for("the door to be left alone", 30, || {
        let doors = doors(site)?;
        Ok(if doors == [["cloud", "left-alone"]] { Ok(()) } else { Err(format!("{doors:?}")) })
    })?;
    rule(site, &open)?;
    site.wait_for("the door to be open", 30, || {
        let doors = doors(site)?;
        Ok(if doors == [["cloud", "open"]] { Ok(()) } else { Err(format!("{doors:?}")) })
    })?;
    assert_eq!(partition_state(site, "cloud")?, "INACTIVE");

    // A window that is gone gives its partition back.
    set("UP")?.ok()?;
    rule(site, &closed)?;
    wait_for_partition(site, "cloud", "DOWN")?;
    rule(site, &[])?;
    wait_for_partition(site, "cloud", "UP")
}
