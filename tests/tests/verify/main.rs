//! `bursar verify` on a real slurmdbd: every awkward life of a job is explained to the second, and nothing else is.
//!
//! slurmdbd sums up whole hours that have passed, so the lives are not waited for: their rows are put into past hours as
//! `history.sql` tells them, in the shapes that slurmdbd itself gave such jobs; those of `lived` were lived a moment ago. From
//! there on everything is real: slurmdbd rolls them up, bursard reads them into its ledger, and sreport is what the ledger
//! is held against.

mod lived;
mod past;

use bursar_tests::scenario::host_now;
use bursar_tests::{Error, Output, Result};

use past::{HOUR, past};

/// A run of ana's like others of `history.sql`, which bursard has not read.
const LATE: &str = "\
insert into demo_job_table (id_job, time_submit, time_eligible, time_start, time_end, state, id_assoc, account, id_user,
    tres_alloc, nodelist, nodes_alloc, id_resv, het_job_id, het_job_offset, cpus_req, job_name, id_qos, id_wckey, id_group,
    state_reason_prev, `partition`, priority)
select 201, @h + 50, @h + 50, @h + 100, @h + 400, 3, id_assoc, acct, @ana, '1=2,2=200,4=1,5=2', 'n1', 1, 0, 0, 4294967294,
    1, 'late', 1, 0, 100, 0, 'main', 1 from demo_assoc_table where user = 'ana' and deleted = 0;
";

/// A run of ana's that has just ended, and began before this hour.
const JUST_NOW: &str = "\
insert into demo_job_table (id_job, time_submit, time_eligible, time_start, time_end, state, id_assoc, account, id_user,
    tres_alloc, nodelist, nodes_alloc, id_resv, het_job_id, het_job_offset, cpus_req, job_name, id_qos, id_wckey, id_group,
    state_reason_prev, `partition`, priority)
select 202, @h + 13000, @h + 13000, @h + 13100, unix_timestamp(), 3, id_assoc, acct, @ana, '1=3,2=300,4=1,5=3', 'n1', 1, 0,
    0, 4294967294, 1, 'now', 1, 0, 100, 0, 'main', 1 from demo_assoc_table where user = 'ana' and deleted = 0;
";

#[test]
fn given_awkward_lives_of_jobs_then_every_second_that_differs_has_its_cause() -> Result<()> {
    let (past, _alone) = past();
    let seen = past.stories()?;
    println!("{}{}", seen.output.stdout, seen.output.stderr);
    seen.assert_explained();
    // A reservation for an account is charged to the account, one for a person besides to them, too.
    assert_eq!(seen.of("optics", "", "cpu", "reserved"), 4 * (3_600 - 1_000));
    assert_eq!(seen.of("physics", "", "cpu", "reserved"), 300 + 2_701);
    assert_eq!(seen.of("physics", "ana", "cpu", "reserved"), 300 + 2_701);
    // 2,800 s of what is left of the resized job are counted twice, of everything that it holds.
    assert_eq!(seen.of("optics", "ben", "cpu", "resize"), 2 * 2_800);
    assert_eq!(seen.of("optics", "ben", "mem", "resize"), 200 * 2_800);
    // Of 1,800 suspended seconds 800 lie before the end of the period for slurmdbd, and for the ledger none.
    assert_eq!(seen.of("optics", "ben", "cpu", "suspended"), -4 * 800);
    // Of 1,000 suspended seconds 400 lie after its beginning, and for the ledger all.
    assert_eq!(seen.of("physics", "ana", "cpu", "suspended"), 600);
    assert_eq!(seen.of("physics", "ana", "mem", "suspended"), 0);
    // The job whose end was lost goes on for slurmdbd.
    assert_eq!(seen.of("physics", "ana", "cpu", "open"), 3 * HOUR - 1_200);
    for cause in ["current-hour", "late"] {
        assert!(seen.lines.keys().all(|(account, user, tres)| seen.of(account, user, tres, cause) == 0), "{cause}");
    }
    let gpus = ("optics".to_owned(), "ben".to_owned(), "gres/gpu".to_owned());
    assert!(!seen.lines.contains_key(&gpus), "what does not differ is not shown");

    // The lost end is set right: slurmdbd takes all of it back, and forgets its sums of the month until they are made anew.
    past.site.cluster().sacctmgr(&["show", "runawayjobs"])?.ok()?;
    past.roll_up()?;
    let seen = past.stories()?;
    seen.assert_explained();
    assert_eq!(seen.of("physics", "ana", "cpu", "open"), 0, "{}", seen.output.stdout);
    Ok(())
}

#[test]
fn given_any_hours_around_them_then_every_second_that_differs_has_its_cause() -> Result<()> {
    let (past, _alone) = past();
    for (first, last) in [(-3, 0), (-3, 4), (0, 1), (1, 2), (2, 3), (3, 4), (1, 4)] {
        past.verify(past.from + first * HOUR, past.from + last * HOUR)?.assert_explained();
    }
    Ok(())
}

#[test]
fn given_no_times_then_it_is_yesterday() -> Result<()> {
    let (past, _alone) = past();
    let output = past.site.cluster().host().run(&["bursar", "verify", "all"])?;
    assert_eq!(output.status, 0, "{}{}", output.stdout, output.stderr);
    assert!(output.stderr.contains(" sums differ"), "{}", output.stderr);
    Ok(())
}

#[test]
fn given_a_posting_changed_in_the_ledgers_favour_then_it_is_unexplained_and_the_exit_status_tells() -> Result<()> {
    let (past, _alone) = past();
    let second_run = "jobid = 101 and state = 'COMPLETED'";
    let seen = past.tampered("ended_at = ended_at + 60", "ended_at = ended_at - 60", second_run)?;
    assert_eq!(seen.output.status, 1, "{}{}", seen.output.stdout, seen.output.stderr);
    assert_eq!(
        ["cpu", "mem", "node", "billing"].map(|tres| seen.left("physics", "ana", tres)),
        [-120, -12_000, -60, -120]
    );
    assert_eq!(seen.unexplained().into_keys().collect::<Vec<_>>(), ["ana"], "nobody else is suspected");
    assert!(seen.output.stderr.contains("4 sums are not explained, the first is"), "{}", seen.output.stderr);
    past.stories()?.assert_explained();
    Ok(())
}

#[test]
fn given_a_run_that_the_ledger_took_back_then_it_does_not_pass_for_one_that_is_late() -> Result<()> {
    let (past, _alone) = past();
    let seen = past.tampered("sign = -1", "sign = 1", "jobid = 116")?;
    assert_eq!(seen.output.status, 1, "{}{}", seen.output.stdout, seen.output.stderr);
    assert_eq!(seen.left("optics", "ben", "cpu"), 2 * 2 * 1_000);
    assert_eq!(seen.of("optics", "ben", "cpu", "late"), 0);
    Ok(())
}

#[test]
fn given_a_run_that_was_not_read_yet_then_it_is_late() -> Result<()> {
    let (past, _alone) = past();
    // It ended hours ago, where bursard looks but once a day.
    past.sql(LATE)?;
    past.roll_up()?;
    let seen = past.stories()?;
    past.sql("delete from demo_job_table where id_job = 201;")?;
    past.roll_up()?;
    seen.assert_explained();
    assert_eq!(seen.of("physics", "ana", "cpu", "late"), 2 * 300, "{}", seen.output.stdout);
    Ok(())
}

#[test]
fn given_somebody_who_was_removed_from_slurm_then_what_they_used_is_still_theirs() -> Result<()> {
    let (past, _alone) = past();
    let cluster = past.site.cluster();
    cluster.add_user("nora")?.ok()?;
    cluster.sacctmgr(&["add", "account", "visitors", "parent=root"])?.ok()?;
    cluster.sacctmgr(&["add", "user", "nora", "account=visitors"])?.ok()?;
    past.sql(&LATE.replace("201", "203").replace("@ana", "65000").replace("'ana'", "'nora'"))?;
    cluster.sacctmgr(&["delete", "user", "nora"])?.ok()?;
    past.roll_up()?;
    cluster.restart("bursard")?;
    past.site.wait_for("the run in the ledger", 30, || {
        let found = past.site.store("select count(*) from posting where jobid = 203")?.concat().concat();
        Ok(if found == "1" { Ok(()) } else { Err(format!("{found} postings")) })
    })?;
    let seen = past.stories()?;
    cluster.sacctmgr(&["delete", "account", "visitors"])?.ok()?;
    for seen in [seen, past.stories()?] {
        seen.assert_explained();
        assert!(seen.lines.keys().all(|(account, ..)| account != "visitors"), "{}", seen.output.stdout);
    }
    Ok(())
}

#[test]
fn given_a_run_of_this_hour_then_it_is_the_current_hours() -> Result<()> {
    let (past, _alone) = past();
    past.sql(JUST_NOW)?;
    past.site.wait_for("the run in the ledger", 30, || {
        let found = past.site.store("select count(*) from posting where jobid = 202")?.concat().concat();
        Ok(if found == "1" { Ok(()) } else { Err(format!("{found} postings")) })
    })?;
    // It went on when the last hour was full.
    past.roll_up()?;
    let now = host_now(&past.site)?;
    let seen = past.verify(past.from + 3 * HOUR, now - now.rem_euclid(HOUR) + HOUR)?;
    seen.assert_explained();
    let ended = past.site.store("select ended_at from posting where jobid = 202")?.concat().concat();
    let ended: i64 = ended.parse().map_err(|_| Error::Machine(format!("{ended} is no instant")))?;
    let beyond = ended - (now - now.rem_euclid(HOUR));
    assert_eq!(seen.of("physics", "ana", "cpu", "current-hour"), -3 * beyond.max(0), "{}", seen.output.stdout);
    assert!(seen.output.stderr.contains("slurmdbd has rolled up until"), "{}", seen.output.stderr);
    Ok(())
}

#[test]
fn given_what_cannot_be_answered_then_it_is_said_and_no_zero_is_shown() -> Result<()> {
    let (past, _alone) = past();
    let host = past.site.cluster().host();
    let told = |output: Output, status: i32, sentence: &str| {
        assert_eq!((output.status, output.stdout.as_str()), (status, ""), "{}", output.stderr);
        assert!(output.stderr.contains(sentence), "{}", output.stderr);
    };
    let odd = format!("start=uts{}", past.from + 1_800);
    told(host.run(&["bursar", "verify", &odd])?, 2, "is no whole hour of UTC, and slurmdbd sums up whole hours only");
    told(host.run(&["bursar", "verify", "end=now"])?, 2, "end= needs start=");
    let this_hour = host_now(&past.site)? / HOUR * HOUR;
    told(past.verify(this_hour, this_hour + HOUR)?.output, 3, "slurmdbd has rolled up nothing of this period");
    told(host.run_as("ana", &["bursar", "verify"])?, 1, "verify is for administrators and observers of the cluster");
    // Without rights slurmdbd might show a part only, and would not say so.
    let level = |level: &str| past.site.cluster().sacctmgr(&["modify", "user", "bursar", "set", level])?.ok().map(drop);
    level("adminlevel=None")?;
    let seen = past.stories()?.output;
    level("adminlevel=Administrator")?;
    told(seen, 3, "bursar may not see everybody's jobs");
    Ok(())
}
