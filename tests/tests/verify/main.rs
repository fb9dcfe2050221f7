//! `bursar verify` on a real slurmdbd: every awkward life of a job is explained to the second, and nothing else is.
//!
//! slurmdbd sums up whole hours that have passed, so the lives are not waited for: their rows are put into past hours as
//! `history.sql` tells them, in the shapes that slurmdbd itself gave such jobs; those of `lived` were lived a moment ago. From
//! there on everything is real: slurmdbd rolls them up, bursard reads them into its ledger, and sreport is what the ledger
//! is held against.

mod lived;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bursar_tests::scenario::host_now;
use bursar_tests::{Citizen, Cluster, Error, Governed, Output, Result, directory, in_the_morning};

const RULES: &str = "\
week-start = \"monday\"
contact = \"Ask the HPC team.\"

[limits.default]
cpu-hours-per-month = 1000

[[account]]
name = \"physics\"
description = \"Physics\"

[[account]]
name = \"optics\"
parent = \"physics\"
description = \"Optics\"

[[mapping]]
group = \"g-physics\"
role = \"compute-user\"
account = \"physics\"

[[mapping]]
group = \"g-optics\"
role = \"compute-user\"
account = \"optics\"
";

const HOUR: i64 = 3_600;

/// Runs of `history.sql` that have ended; one has not.
const ENDED: &str = "19";

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

/// The causes, in the order of the columns.
const CAUSES: [&str; 6] = ["reserved", "suspended", "resize", "current-hour", "open", "late"];

/// A governed cluster with a past.
struct Past {
    site: Governed,
    /// The first instant of the period that the stories lie in, three hours long.
    from: i64,
}

/// One cluster for the whole file, and one test at a time on it.
fn past() -> (&'static Past, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static PAST: OnceLock<Result<Past>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let past = PAST.get_or_init(Past::new);
    (past.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

/// What `verify` said.
struct Verified {
    output: Output,
    /// What is shown of each account, user and TRES: the difference, each cause, and what is left.
    lines: BTreeMap<(String, String, String), Vec<i64>>,
}

impl Verified {
    /// One cause of a line; 0 where the line does not differ.
    fn of(&self, account: &str, user: &str, tres: &str, cause: &str) -> i64 {
        let column = CAUSES.iter().position(|known| *known == cause).expect("a cause");
        let key = (account.to_owned(), user.to_owned(), tres.to_owned());
        self.lines.get(&key).and_then(|line| line.get(column + 1)).copied().unwrap_or(0)
    }

    /// What is left of a line without a cause.
    fn left(&self, account: &str, user: &str, tres: &str) -> i64 {
        let key = (account.to_owned(), user.to_owned(), tres.to_owned());
        self.lines.get(&key).and_then(|line| line.last()).copied().unwrap_or(0)
    }

    /// Seconds without a cause, by user.
    fn unexplained(&self) -> BTreeMap<&str, i64> {
        let left = self.lines.iter().map(|((_, user, _), line)| (user.as_str(), line[CAUSES.len() + 1]));
        left.filter(|(_, seconds)| *seconds != 0).collect()
    }

    fn assert_explained(&self) {
        assert_eq!(self.output.status, 0, "{}{}", self.output.stdout, self.output.stderr);
        assert_eq!(self.unexplained(), BTreeMap::new(), "{}", self.output.stdout);
        for (whose, line) in &self.lines {
            assert_eq!(line[0], line[1..=CAUSES.len()].iter().sum::<i64>(), "{whose:?} of {}", self.output.stdout);
        }
    }
}

impl Past {
    fn new() -> Result<Self> {
        let people = [("ana", "g-physics"), ("ben", "g-optics")].map(|(name, group)| Citizen::new(name, group));
        let cluster = Cluster::builder().gpus("a100", 4);
        let site = Governed::up(cluster, &in_the_morning(RULES), &directory(&people), "ben")?;
        let now = host_now(&site)?;
        let past = Self { site, from: now - now.rem_euclid(HOUR) - 4 * HOUR };
        past.sql(include_str!("history.sql"))?;
        past.roll_up()?;
        // The first reading of bursard goes back for weeks.
        past.site.cluster().restart("bursard")?;
        past.site.wait_for("the past in the ledger", 30, || {
            let runs = past.site.store("select count(*) from run where ended_at is not null")?.concat().concat();
            Ok(if runs == ENDED { Ok(()) } else { Err(format!("{runs} runs")) })
        })?;
        Ok(past)
    }

    /// Lets slurmdbd's database take statements, with @h as the beginning and the uids of the two people.
    fn sql(&self, statements: &str) -> Result<()> {
        let uid = |name: &str| self.site.cluster().host().run(&["id", "--user", name])?.ok();
        let (ana, ben) = (uid("ana")?, uid("ben")?);
        let set = format!("set @h = {}, @ana = {}, @ben = {};\n", self.from, ana.trim(), ben.trim());
        let input = [set.as_str(), statements].concat();
        self.site.cluster().host().run_as_with("root", &["mysql", "slurm_acct_db"], input.as_bytes())?.ok().map(drop)
    }

    /// Makes slurmdbd sum up the hours of the stories and those around them.
    fn roll_up(&self) -> Result<()> {
        let (from, until) = (format!("uts{}", self.from - 6 * HOUR), format!("uts{}", self.from + 4 * HOUR));
        self.site.cluster().sacctmgr(&["rollup", &from, &until])?.ok().map(drop)
    }

    fn verify(&self, from: i64, until: i64) -> Result<Verified> {
        let format = format!("format=account,user,tres,difference,{},unexplained", CAUSES.join(","));
        let (start, end) = (format!("start=uts{from}"), format!("end=uts{until}"));
        let output = self.site.cluster().host().run(&["bursar", "-n", "-P", "verify", &start, &end, &format])?;
        let lines = output.rows().into_iter().map(|row| {
            let [account, user, tres, numbers @ ..] = row.as_slice() else {
                return Err(Error::Machine(format!("{row:?} is no line of verify")));
            };
            let numbers: std::result::Result<Vec<i64>, _> = numbers.iter().map(|number| number.parse()).collect();
            let numbers = numbers.map_err(|_| Error::Machine(format!("{row:?} has no numbers")))?;
            Ok(((account.clone(), user.clone(), tres.clone()), numbers))
        });
        Ok(Verified { lines: lines.collect::<Result<_>>()?, output })
    }

    /// What `verify` says of the three hours of the stories.
    fn stories(&self) -> Result<Verified> {
        self.verify(self.from, self.from + 3 * HOUR)
    }

    /// What `verify` says of the stories while postings are changed behind bursard's back, and set right afterwards.
    fn tampered(&self, change: &str, back: &str, which: &str) -> Result<Verified> {
        let tamper = |set: &str| {
            // The store itself forbids it.
            let statements = format!(
                "begin immediate; drop trigger posting_is_fixed; update posting set {set} where {which};
                 create trigger posting_is_fixed before update on posting
                 begin select raise(abort, 'a posting never changes'); end; commit;"
            );
            let args = ["sqlite3", "-bail", "-cmd", ".timeout 5000", "/var/lib/bursar/store.db", &statements];
            self.site.cluster().host().run_as("bursar", &args)?.ok()
        };
        tamper(change)?;
        let seen = self.stories();
        tamper(back)?;
        seen
    }
}

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
