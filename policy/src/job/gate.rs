//! The gate in front of slurmctld: fresh snapshot, verdict and booking as one step.
//!
//! slurmctld asks from several threads at once (from 23.02 on). Judging and booking happen under one lock, so that no
//! two jobs are admitted against the same room; it is held for microseconds and never while waiting for others.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::edit::judge_edit;
use super::judge::{Terms, Verdict, judge};
use super::ledger::Ledger;
use super::notice;
use super::request::{Edit, Request};
use crate::id::AccountName;
use crate::node_conf::NodeConf;
use crate::reason::{Code, Reason};
use crate::snapshot::file::{self, Stamp};
use crate::snapshot::{Kind, LiveJobRef, Snapshot};
use crate::time::Timestamp;

/// How loud a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth looking into.
    Warning,
    /// Somebody must act.
    Error,
}

/// Seconds after slurmctld's start for which a list of its jobs from after the start is waited for.
///
/// What was booked before is lost with the process, so until such a list comes a job of the last moments counts
/// nowhere. An agent that lives brings the list sooner; without one, what was published last has to do.
const SETTLING: u64 = 30;

/// What slurmctld is told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Answer {
    /// The job may enter or change.
    Admit {
        /// The account it runs in; to be written into a request that names none, because users can change their
        /// default account in Slurm and the charge must go where the verdict looked.
        account: Option<AccountName>,
        /// The QOS to be written into a request that names none.
        qos: Option<String>,
        /// The cost centre to be written into a request that names none.
        cost_center: Option<String>,
        /// The earliest begin to be written into the request, where a window makes it wait.
        begin_at: Option<Timestamp>,
        /// Lines for the user.
        text: Option<String>,
    },
    /// It may not.
    Refuse {
        /// The stable name of the cause.
        code: Code,
        /// One or two lines for the user.
        text: String,
    },
}

impl Answer {
    /// A yes that leaves the request as it is.
    pub const ADMITTED: Self = Self::Admit { account: None, qos: None, cost_center: None, begin_at: None, text: None };

    /// A yes on these terms.
    fn on(terms: &Terms<'_>, snapshot: &Snapshot) -> Self {
        Self::Admit {
            account: AccountName::new(terms.account).ok(),
            qos: terms.qos.map(str::to_owned),
            cost_center: terms.cost_center.map(str::to_owned),
            begin_at: terms.waits.map(|waits| waits.until),
            text: notice::of(terms, snapshot),
        }
    }
}

/// Judge, bookings and snapshot behind one lock.
#[derive(Debug)]
pub struct Gate {
    conf: NodeConf,
    started_at: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    main: Watched,
    jobs: Watched,
    ledger: Ledger,
}

/// A snapshot file and what was last read from it.
#[derive(Debug, Default)]
struct Watched {
    snapshot: Option<Snapshot>,
    /// What the file looked like when it was last tried; `Some(None)` is "not there".
    tried: Option<Option<Stamp>>,
}

impl Watched {
    /// Reads the file again if it has changed. Whatever is wrong with a newer file, the last good one stays.
    fn refresh(
        &mut self,
        path: &std::path::Path,
        owners: &[u32],
        kind: Kind,
        log: &mut dyn FnMut(Severity, &str),
    ) -> bool {
        let stamp = Stamp::of(path);
        if self.tried == Some(stamp) {
            return false;
        }
        self.tried = Some(stamp);
        match file::read(path, owners) {
            Ok((snapshot, _)) if snapshot.kind() != kind => {
                let error = file::ReadError { path: path.to_owned(), fault: file::Fault::Kind };
                log(Severity::Error, &format!("{error}; the last good one stays in force"));
            }
            Ok((snapshot, read)) => {
                let known = self.snapshot.as_ref().map_or(0, Snapshot::generation);
                if snapshot.generation() < known {
                    log(
                        Severity::Error,
                        &format!(
                            "snapshot {} has generation {}, older than {known}; it is not used",
                            path.display(),
                            snapshot.generation()
                        ),
                    );
                    return false;
                }
                self.tried = Some(Some(read));
                self.snapshot = Some(snapshot);
                return true;
            }
            Err(error) if self.snapshot.is_some() => {
                log(Severity::Error, &format!("{error}; the last good one stays in force"));
            }
            Err(error) => log(Severity::Error, &format!("{error}; without one every job is refused")),
        }
        false
    }
}

impl Gate {
    /// A gate that finds its snapshots where `conf` says, and has no bookings from before `started_at`.
    pub fn new(conf: NodeConf, started_at: Timestamp) -> Self {
        Self { conf, started_at, state: Mutex::default() }
    }

    /// Whether jobs may be live that neither the snapshot nor the bookings count.
    fn is_settling(&self, snapshot: &Snapshot, now: Timestamp) -> bool {
        snapshot.as_of() <= self.started_at && now < self.started_at.plus(SETTLING)
    }

    /// A panic in another thread was caught and reported there; what it left is still a snapshot and a ledger.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list of live jobs lies beside the snapshot.
    fn jobs_path(&self) -> PathBuf {
        self.conf.controller_snapshot.with_file_name("jobs.snap")
    }

    fn refuse(&self, snapshot: Option<&Snapshot>, reason: &Reason<'_>) -> Answer {
        let contact = snapshot.map_or(self.conf.contact.as_str(), Snapshot::contact);
        Answer::Refuse { code: reason.code(), text: reason.text(contact) }
    }

    /// Judges a job that wants to enter, and books it if it may.
    pub fn submit(&self, request: &Request<'_>, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        let state = &mut *self.state();
        self.freshen(state, now, log);
        let Some(snapshot) = &state.main.snapshot else { return self.refuse(None, &Reason::Unavailable) };
        match judge(snapshot, &state.ledger, request, now) {
            Verdict::Admit(_) if self.is_settling(snapshot, now) => self.refuse(Some(snapshot), &Reason::Starting),
            Verdict::Admit(terms) => {
                state.ledger.book(snapshot, &terms, now);
                log_emergency(&terms, "enters", log);
                Answer::on(&terms, snapshot)
            }
            Verdict::Refuse(reason) => self.refuse(Some(snapshot), &reason),
        }
    }

    /// Judges a change of a job, and books what it adds if it may be made.
    ///
    /// slurmctld 22.05 asks before it has checked whether `editor` may touch the job at all, so only the owner's own
    /// edits are judged and booked; anybody else is either an operator, who may override, or refused by slurmctld.
    pub fn modify(&self, edit: &Edit<'_>, editor: u32, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        if !edit.may_raise() {
            return Answer::ADMITTED;
        }
        let state = &mut *self.state();
        self.freshen(state, now, log);
        let path = self.jobs_path();
        state.jobs.refresh(&path, &self.conf.trusted_publishers(), Kind::Jobs, log);
        let Some(snapshot) = &state.main.snapshot else {
            // What waits was let in once, and taking a hold off adds nothing to it.
            return if edit.only_releases() { Answer::ADMITTED } else { self.refuse(None, &Reason::Unavailable) };
        };
        let id = edit
            .job
            .bytes()
            .take_while(u8::is_ascii_digit)
            .fold(0_u32, |id, digit| id.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
        let jobs: Vec<LiveJobRef<'_>> =
            state.jobs.snapshot.iter().flat_map(|snapshot| snapshot.live_jobs(id)).collect();
        if jobs.is_empty() {
            // Operators' work does not wait for the list; a user's does, for seconds.
            return if snapshot.person(editor).is_some() && !edit.only_releases() {
                self.refuse(Some(snapshot), &Reason::NotYetSeen)
            } else {
                Answer::ADMITTED
            };
        }
        if jobs.iter().any(|job| job.uid != editor) {
            log(
                Severity::Info,
                &format!("uid {editor} edits job {id} of uid {}", jobs.first().map_or(0, |job| job.uid)),
            );
            return Answer::ADMITTED;
        }
        match judge_edit(snapshot, &state.ledger, &jobs, edit, now) {
            // What adds nothing need not wait for a list.
            Ok(terms) if !terms.is_empty() && self.is_settling(snapshot, now) => {
                self.refuse(Some(snapshot), &Reason::Starting)
            }
            Ok(terms) => {
                for terms in &terms {
                    state.ledger.book_edit(snapshot, terms, now);
                    log_emergency(terms, "is changed", log);
                }
                // One description serves all records of an array: the last of their begins fits each of them.
                let last = terms.iter().filter_map(|terms| terms.waits).max_by_key(|waits| waits.until);
                Answer::Admit {
                    account: None,
                    qos: None,
                    cost_center: None,
                    begin_at: last.map(|waits| waits.until),
                    text: last.map(|waits| notice::waits(&waits, snapshot)),
                }
            }
            Err(reason) => self.refuse(Some(snapshot), &reason),
        }
    }

    fn freshen(&self, state: &mut State, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) {
        let path = &self.conf.controller_snapshot;
        let renewed = state.main.refresh(path, &self.conf.trusted_publishers(), Kind::Controller, log);
        if let Some(snapshot) = &state.main.snapshot {
            if renewed {
                state.ledger.reconcile(snapshot, now);
            } else {
                state.ledger.roll_over(snapshot, now);
            }
        }
    }
}

/// That a job does what it does only because of an emergency grant.
fn log_emergency(terms: &Terms<'_>, does: &str, log: &mut dyn FnMut(Severity, &str)) {
    if let Some(grant) = terms.emergency {
        let Terms { uid, account, .. } = terms;
        log(Severity::Info, &format!("a job of uid {uid} on account {account} {does} by emergency grant G{grant}"));
    }
}
