//! What happens on each call of slurmctld: who is excepted, what is judged, what is answered.
//!
//! Nothing in here is unsafe and nothing in here knows C: the calls come in as [`Desc`], the answers go out as
//! [`Outcome`]. Where no verdict can be had the answer is no.

use bursar_policy::job::{Answer, Edit, Gate, Request, Severity};
use bursar_policy::reason::{Code, Kind, Reason};
use bursar_policy::{NodeConf, Timestamp};

use crate::convert::{self, Unjudged};
use crate::ffi::desc::{Desc, Written};
use crate::ffi::log;
use crate::ffi::sys;

/// Who judges; the tests bring their own.
pub(crate) trait Bench {
    /// See [`Gate::submit`].
    fn submit(&self, request: &Request<'_>, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer;
    /// See [`Gate::modify`].
    fn modify(&self, edit: &Edit<'_>, editor: u32, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer;
}

impl Bench for Gate {
    fn submit(&self, request: &Request<'_>, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        Self::submit(self, request, now, log)
    }

    fn modify(&self, edit: &Edit<'_>, editor: u32, now: Timestamp, log: &mut dyn FnMut(Severity, &str)) -> Answer {
        Self::modify(self, edit, editor, now, log)
    }
}

/// What slurmctld is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) struct Outcome {
    /// 0, or one of Slurm's error numbers.
    pub(crate) rc: i32,
    /// Lines for the user.
    pub(crate) text: Option<String>,
    /// What is written into a job that does not say it.
    pub(crate) written: Written,
}

impl Outcome {
    const ADMITTED: Self =
        Self { rc: 0, text: None, written: Written { account: None, qos: None, cost_center: None, begin_at: None } };

    fn refused(code: Code, text: String) -> Self {
        Self { rc: rc(code.kind()), text: Some(text), written: Written::default() }
    }

    /// The answer when there is no verdict; an allocation less than any other, since it also follows a panic.
    pub(crate) fn unavailable(contact: &str) -> Self {
        Self::refused(Code::Unavailable, Reason::Unavailable.text(contact))
    }
}

/// All that the plugin keeps between calls.
pub(crate) struct Plugin<B> {
    /// `None` when node.conf could not be used: then there is nobody to judge.
    bench: Option<B>,
    /// Whom to ask.
    contact: String,
    /// slurmctld's own uid.
    slurm_uid: u32,
}

impl Plugin<Gate> {
    /// The plugin of a slurmctld that runs as `slurm_uid`. `conf` unusable is no reason to stop slurmctld, but every
    /// job is refused until it has been restarted with a usable one.
    pub(crate) fn new(
        conf: Result<NodeConf, bursar_policy::node_conf::NodeConfError>,
        slurm_uid: u32,
        now: Timestamp,
    ) -> Self {
        match conf {
            Ok(conf) => Self {
                contact: conf.contact.clone(),
                bench: Some(Gate::new(conf, now).refreshed_by_others()),
                slurm_uid,
            },
            Err(fault) => {
                log::line(Severity::Error, &format!("{fault}; every job is refused until slurmctld is restarted"));
                Self { contact: NodeConf::default().contact, bench: None, slurm_uid }
            }
        }
    }
}

impl Plugin<Gate> {
    /// Puts in force what was published; the loader's work.
    pub(crate) fn refresh(&self, now: Timestamp) {
        if let Some(gate) = &self.bench {
            let fresh = gate.refresh(now, &mut log::line);
            for (what, generation) in [("controller", fresh.controller), ("jobs", fresh.jobs)] {
                if let Some(generation) = generation {
                    log::debug(&format!("{what} snapshot {generation} is in force"));
                }
            }
        }
    }
}

impl<B: Bench> Plugin<B> {
    /// Whom to ask, as a phrase.
    pub(crate) fn contact(&self) -> &str {
        &self.contact
    }

    /// Answers job_submit.
    pub(crate) fn submit(&self, desc: &Desc<'_>, now: Timestamp) -> Outcome {
        // The owner decides, never the submitter: a sibling cluster submits everybody's jobs as 0.
        let owner = desc.numbers().user_id;
        if self.is_excepted(owner) {
            log::line(Severity::Info, &format!("job of uid {owner} is not judged: root and SlurmUser are excepted"));
            return Outcome::ADMITTED;
        }
        let Some(bench) = &self.bench else { return Outcome::unavailable(&self.contact) };
        let request = match convert::request(desc) {
            Ok(request) => request,
            Err(fault) => return self.unjudged(&fault),
        };
        match bench.submit(&request, now, &mut log::line) {
            Answer::Admit { account, qos, cost_center, begin_at, text } => Outcome {
                rc: 0,
                text,
                written: Written {
                    account: account.filter(|_| request.account.is_none()).map(|account| account.as_str().to_owned()),
                    qos: qos.filter(|_| request.qos.is_none()),
                    cost_center: cost_center.filter(|_| request.cost_center.is_none()),
                    begin_at: begin_at.map(|at| at.0),
                },
            },
            Answer::Refuse { code, text } => Outcome::refused(code, text),
        }
    }

    /// Answers job_modify; `editor` is who sent the update, as slurmctld has authenticated them.
    pub(crate) fn modify(&self, desc: &Desc<'_>, editor: u32, now: Timestamp) -> Outcome {
        // Not decided on the description's user_id: in an update that is whatever the sender wrote there.
        let excepted = self.is_excepted(editor);
        let mut number = String::new();
        let edit = match convert::edit(desc, &mut number) {
            Ok(edit) => edit,
            Err(_) if excepted => return Outcome::ADMITTED,
            Err(fault) => return self.unjudged(&fault),
        };
        if excepted {
            if edit.may_raise() {
                let line = format!(
                    "update of job {} by uid {editor} is not judged: root and SlurmUser are excepted",
                    edit.job
                );
                log::line(Severity::Info, &line);
            }
            return Outcome::ADMITTED;
        }
        if !edit.may_raise() {
            // Hold, release, rename and their like pass even when nobody can judge.
            return Outcome::ADMITTED;
        }
        let Some(bench) = &self.bench else { return Outcome::unavailable(&self.contact) };
        match bench.modify(&edit, editor, now, &mut log::line) {
            // An existing job has all that a new one may lack, but a window may put it off.
            Answer::Admit { begin_at, text, .. } => {
                let written = Written { begin_at: begin_at.map(|at| at.0), ..Written::default() };
                Outcome { rc: 0, text, written }
            }
            Answer::Refuse { code, text } => Outcome::refused(code, text),
        }
    }

    fn is_excepted(&self, uid: u32) -> bool {
        uid == 0 || uid == self.slurm_uid
    }

    fn unjudged(&self, fault: &Unjudged) -> Outcome {
        Outcome::refused(Code::Input, format!("{fault}\n{}: {}", Code::Input, self.contact))
    }
}

/// Slurm's number for a kind of refusal. Never one of those that make the client try again.
fn rc(kind: Kind) -> i32 {
    let number = match kind {
        Kind::Access | Kind::Unavailable | Kind::Closed => sys::ESLURM_ACCESS_DENIED,
        Kind::Account => sys::ESLURM_INVALID_ACCOUNT,
        Kind::TimeLimit => sys::ESLURM_MISSING_TIME_LIMIT,
        Kind::TooLong => sys::ESLURM_INVALID_TIME_LIMIT,
        Kind::Quota => sys::ESLURM_ACCOUNTING_POLICY,
        Kind::Queue => sys::ESLURM_INVALID_QOS,
        Kind::CostCenter => sys::ESLURM_INVALID_WCKEY,
        Kind::Input => sys::ESLURM_NOT_SUPPORTED,
    };
    i32::try_from(number).unwrap_or(-1)
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
