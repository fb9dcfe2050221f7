//! The governed cluster with a past, and what `verify` says of it.

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

pub(crate) const HOUR: i64 = 3_600;

/// Runs of `history.sql` that have ended; one has not.
const ENDED: &str = "19";

/// The causes, in the order of the columns.
const CAUSES: [&str; 6] = ["reserved", "suspended", "resize", "current-hour", "open", "late"];

/// A governed cluster with a past.
pub(crate) struct Past {
    pub(crate) site: Governed,
    /// The first instant of the period that the stories lie in, three hours long.
    pub(crate) from: i64,
}

/// One cluster for the whole file, and one test at a time on it.
pub(crate) fn past() -> (&'static Past, MutexGuard<'static, ()>) {
    static ALONE: Mutex<()> = Mutex::new(());
    static PAST: OnceLock<Result<Past>> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let past = PAST.get_or_init(Past::new);
    (past.as_ref().unwrap_or_else(|error| panic!("{error}")), alone)
}

/// What `verify` said.
pub(crate) struct Verified {
    pub(crate) output: Output,
    /// What is shown of each account, user and TRES: the difference, each cause, and what is left.
    pub(crate) lines: BTreeMap<(String, String, String), Vec<i64>>,
}

impl Verified {
    /// One cause of a line; 0 where the line does not differ.
    pub(crate) fn of(&self, account: &str, user: &str, tres: &str, cause: &str) -> i64 {
        let column = CAUSES.iter().position(|known| *known == cause).expect("a cause");
        let key = (account.to_owned(), user.to_owned(), tres.to_owned());
        self.lines.get(&key).and_then(|line| line.get(column + 1)).copied().unwrap_or(0)
    }

    /// What is left of a line without a cause.
    pub(crate) fn left(&self, account: &str, user: &str, tres: &str) -> i64 {
        let key = (account.to_owned(), user.to_owned(), tres.to_owned());
        self.lines.get(&key).and_then(|line| line.last()).copied().unwrap_or(0)
    }

    /// Seconds without a cause, by user.
    pub(crate) fn unexplained(&self) -> BTreeMap<&str, i64> {
        let left = self.lines.iter().map(|((_, user, _), line)| (user.as_str(), line[CAUSES.len() + 1]));
        left.filter(|(_, seconds)| *seconds != 0).collect()
    }

    pub(crate) fn assert_explained(&self) {
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
    pub(crate) fn sql(&self, statements: &str) -> Result<()> {
        let uid = |name: &str| self.site.cluster().host().run(&["id", "--user", name])?.ok();
        let (ana, ben) = (uid("ana")?, uid("ben")?);
        let set = format!("set @h = {}, @ana = {}, @ben = {};\n", self.from, ana.trim(), ben.trim());
        let input = [set.as_str(), statements].concat();
        self.site.cluster().host().run_as_with("root", &["mysql", "slurm_acct_db"], input.as_bytes())?.ok().map(drop)
    }

    /// Makes slurmdbd sum up the hours of the stories and those around them.
    pub(crate) fn roll_up(&self) -> Result<()> {
        let (from, until) = (format!("uts{}", self.from - 6 * HOUR), format!("uts{}", self.from + 4 * HOUR));
        self.site.cluster().sacctmgr(&["rollup", &from, &until])?.ok().map(drop)
    }

    pub(crate) fn verify(&self, from: i64, until: i64) -> Result<Verified> {
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
    pub(crate) fn stories(&self) -> Result<Verified> {
        self.verify(self.from, self.from + 3 * HOUR)
    }

    /// What `verify` says of the stories while postings are changed behind bursard's back, and set right afterwards.
    pub(crate) fn tampered(&self, change: &str, back: &str, which: &str) -> Result<Verified> {
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
