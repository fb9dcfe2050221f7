//! The gate in front of slurmctld: fresh snapshot, verdict and booking as one step.
//!
//! slurmctld asks from several threads at once (from 23.02 on). Judging and booking happen under one lock, so that no
//! two jobs are admitted against the same room; it is held for microseconds and never while a file is read. Files are
//! read by [`Gate::refresh`], which a thread of the plugin calls; a gate that nobody refreshes looks at them itself.

use std::path::{Path, PathBuf};

use super::desk::{Aside, Desk};
use super::edit::judge_edit;
use super::edits::Earlier;
use super::judge::{Terms, Verdict, judge};
use super::notice;
use super::request::{Edit, Request};
use crate::id::AccountName;
use crate::node_conf::NodeConf;
use crate::reason::{Code, Reason};
use crate::snapshot::file::{self, Stamp};
use crate::snapshot::{Kind, LiveJobRef, Snapshot};
use crate::sync::{Arc, AtomicI64, Mutex, Ordering, lock, try_lock};
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

/// The generations of what a look at the files has put in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fresh {
    /// Of the snapshot that jobs are judged by.
    pub controller: Option<u64>,
    /// Of the list of live jobs that edits are looked up in.
    pub jobs: Option<u64>,
}

/// Judge, bookings and snapshot as slurmctld meets them.
#[derive(Debug)]
pub struct Gate {
    conf: NodeConf,
    started_at: Timestamp,
    /// Seconds for which a look at the files holds.
    trust: u64,
    /// When the files were last looked at, in seconds; [`NEVER_LOOKED`] before the first time.
    looked_at: AtomicI64,
    files: Mutex<Files>,
    desk: Desk,
}

const NEVER_LOOKED: i64 = i64::MIN;

/// Seconds after which decisions no longer rely on somebody else's looking at the files: that thread may have died.
const TRUST: u64 = 2;

/// What whoever reads the files keeps.
#[derive(Debug, Default)]
struct Files {
    main: Watched,
    jobs: Watched,
    aside: Aside,
}

/// A file, by what was last read from it.
#[derive(Debug, Default)]
struct Watched {
    /// What the file looked like when it was last tried; `Some(None)` is "not there".
    tried: Option<Option<Stamp>>,
    /// The generation of the last good one.
    known: Option<u64>,
}

impl Watched {
    /// Reads the file again if it has changed. Whatever is wrong with a newer file, the last good one stays.
    fn read(
        &mut self,
        path: &Path,
        owners: &[u32],
        kind: Kind,
        log: &mut dyn FnMut(Severity, &str),
    ) -> Option<Arc<Snapshot>> {
        let stamp = Stamp::of(path);
        if self.tried == Some(stamp) {
            return None;
        }
        self.tried = Some(stamp);
        let (snapshot, read) = match file::read(path, owners) {
            Ok((snapshot, _)) if snapshot.kind() != kind => {
                let error = file::ReadError { path: path.to_owned(), fault: file::Fault::Kind };
                log(Severity::Error, &format!("{error}; the last good one stays in force"));
                return None;
            }
            Ok(read) => read,
            Err(error) => {
                let then = match self.known {
                    Some(_) => "the last good one stays in force",
                    None if kind == Kind::Jobs => "without one users cannot raise what waiting jobs ask for",
                    None => "without one every job is refused",
                };
                log(Severity::Error, &format!("{error}; {then}"));
                return None;
            }
        };
        let generation = snapshot.generation();
        if let Some(known) = self.known.filter(|known| generation < *known) {
            let path = path.display();
            let line = format!("snapshot {path} has generation {generation}, older than {known}; it is not used");
            log(Severity::Error, &line);
            return None;
        }
        self.tried = Some(Some(read));
        self.known = Some(generation);
        Some(Arc::new(snapshot))
    }
}

impl Gate {
    /// A gate that finds its snapshots where `conf` says, and has no bookings from before `started_at`. Every decision
    /// looks at the files first.
    pub fn new(conf: NodeConf, started_at: Timestamp) -> Self {
        Self {
            conf,
            started_at,
            trust: 0,
            looked_at: AtomicI64::new(NEVER_LOOKED),
            files: Mutex::default(),
            desk: Desk::default(),
        }
    }

    /// The same gate, for somebody who calls [`Self::refresh`] many times a second: then decisions read no file.
    #[must_use]
    pub fn refreshed_by_others(self) -> Self {
        Self { trust: TRUST, ..self }
    }

    /// Whether jobs may be live that neither the snapshot nor the bookings count.
    fn is_settling(&self, snapshot: &Snapshot, now: Timestamp) -> bool {
        snapshot.as_of() <= self.started_at && now < self.started_at.plus(SETTLING)
    }

    /// The list of live jobs lies beside the snapshot.
    fn jobs_path(&self) -> PathBuf {
        self.conf.controller_snapshot.with_file_name("jobs.snap")
    }

    fn refuse(&self, snapshot: Option<&Snapshot>, reason: &Reason<'_>) -> Answer {
        let contact = snapshot.map_or(self.conf.contact.as_str(), Snapshot::contact);
        Answer::Refuse { code: reason.code(), text: reason.text(contact) }
    }

    /// Reads what has changed of the files and puts it in force, while decisions go on by what there was.
    pub fn refresh(&self, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Fresh {
        let mut files = lock(&self.files);
        let fresh = self.load(&mut files, true, now, log);
        files.aside.catch_up(&self.desk);
        fresh
    }

    fn load(&self, files: &mut Files, with_jobs: bool, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Fresh {
        let mut fresh = Fresh::default();
        let owners = self.conf.trusted_publishers();
        let Files { main, jobs, aside } = files;
        // The list is read after the snapshot and in force before it, so it is never the older of the two.
        let snapshot = main.read(&self.conf.controller_snapshot, &owners, Kind::Controller, log);
        if with_jobs && let Some(listed) = jobs.read(&self.jobs_path(), &owners, Kind::Jobs, log) {
            fresh.jobs = Some(listed.generation());
            self.desk.renew_jobs(listed);
        }
        if let Some(snapshot) = snapshot {
            fresh.controller = Some(snapshot.generation());
            aside.renew(&self.desk, snapshot, now);
        }
        self.looked_at.store(now.0, Ordering::Release);
        fresh
    }

    /// Sees to it that the files were looked at. Of several that find a new snapshot, one reads it; the others go on by
    /// what there was, unless there was nothing yet. The list of live jobs is only looked at for an edit.
    fn look(&self, edit: bool, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) {
        let looked_at = || self.looked_at.load(Ordering::Acquire);
        if looked_at() == NEVER_LOOKED {
            let mut files = lock(&self.files);
            if looked_at() == NEVER_LOOKED {
                let _ = self.load(&mut files, edit || self.trust > 0, now, log);
            }
        }
        if self.trust == 0 || now.seconds_since(Timestamp(looked_at())) > self.trust {
            let files = if edit { Some(lock(&self.files)) } else { try_lock(&self.files) };
            if let Some(mut files) = files {
                let _ = self.load(&mut files, edit || self.trust > 0, now, log);
            }
        }
    }

    /// Judges a job that wants to enter, and books it if it may.
    pub fn submit(&self, request: &Request<'_>, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        self.look(false, now, log);
        let mut emergency = None;
        let answer = self.desk.decide(now, |sight| {
            let Some(mut sight) = sight else { return self.refuse(None, &Reason::Unavailable) };
            let snapshot = sight.snapshot;
            match judge(snapshot, sight.ledger, request, now) {
                Verdict::Admit(_) if self.is_settling(snapshot, now) => self.refuse(Some(snapshot), &Reason::Starting),
                Verdict::Admit(terms) => {
                    sight.book(&terms, false, now);
                    emergency = of_emergency(&terms, "enters");
                    Answer::on(&terms, snapshot)
                }
                Verdict::Refuse(reason) => self.refuse(Some(snapshot), &reason),
            }
        });
        emergency.iter().for_each(|line: &String| log(Severity::Info, line));
        answer
    }

    /// Judges a change of a job, and books what it adds if it may be made.
    ///
    /// slurmctld 22.05 asks before it has checked whether `editor` may touch the job at all, so only the owner's own
    /// edits are judged and booked; anybody else is either an operator, who may override, or refused by slurmctld.
    pub fn modify(&self, edit: &Edit<'_>, editor: u32, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        if !edit.may_raise() {
            return Answer::ADMITTED;
        }
        self.look(true, now, log);
        // The log is written when nobody waits for the lock.
        let mut told = Vec::new();
        let answer = self.desk.decide(now, |sight| {
            let Some(mut sight) = sight else {
                // What waits was let in once, and taking a hold off adds nothing to it.
                return if edit.only_releases() { Answer::ADMITTED } else { self.refuse(None, &Reason::Unavailable) };
            };
            let snapshot = sight.snapshot;
            let id = edit
                .job
                .bytes()
                .take_while(u8::is_ascii_digit)
                .fold(0_u32, |id, digit| id.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
            // The list of live jobs is published before the snapshot, and only where it has changed.
            sight.edits.forget(snapshot.as_of());
            let jobs: Vec<LiveJobRef<'_>> = sight.jobs.iter().flat_map(|snapshot| snapshot.live_jobs(id)).collect();
            if jobs.is_empty() {
                // Operators' work does not wait for the list; a user's does, for seconds.
                if snapshot.person(editor).is_some() && !edit.only_releases() {
                    return self.refuse(Some(snapshot), &Reason::NotYetSeen);
                }
                sight.edits.keep(id, Earlier { edit: *edit, booked: false }, now);
                return Answer::ADMITTED;
            }
            if jobs.iter().any(|job| job.uid != editor) {
                let owner = jobs.first().map_or(0, |job| job.uid);
                told.push(format!("uid {editor} edits job {id} of uid {owner}"));
                // What the owner's next edit starts from.
                sight.edits.keep(id, Earlier { edit: *edit, booked: false }, now);
                return Answer::ADMITTED;
            }
            if sight.edits.are_too_many(id) {
                return self.refuse(Some(snapshot), &Reason::NotYetSeen);
            }
            let earlier: Vec<Earlier<'_>> = sight.edits.of(id).collect();
            let judged = judge_edit(snapshot, sight.ledger, &jobs, edit, &earlier, now);
            match judged {
                // What adds nothing need not wait for a list.
                Ok(terms) if !terms.is_empty() && self.is_settling(snapshot, now) => {
                    self.refuse(Some(snapshot), &Reason::Starting)
                }
                Ok(terms) => {
                    for terms in &terms {
                        sight.book(terms, true, now);
                        told.extend(of_emergency(terms, "is changed"));
                    }
                    sight.edits.keep(id, Earlier { edit: *edit, booked: true }, now);
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
        });
        told.iter().for_each(|line: &String| log(Severity::Info, line));
        answer
    }
}

/// That a job does what it does only because of an emergency grant.
fn of_emergency(terms: &Terms<'_>, does: &str) -> Option<String> {
    let Terms { uid, account, emergency, .. } = terms;
    emergency.map(|grant| format!("a job of uid {uid} on account {account} {does} by emergency grant G{grant}"))
}

#[cfg(all(test, not(loom)))]
mod tests;
#[cfg(all(test, loom))]
mod threads;
