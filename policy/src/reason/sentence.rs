//! What a person reads of a cause: one sentence.

use std::fmt;

use super::amount::{Amount, Bare, Bytes, Consumption};
use super::cause::{Owner, Reason};
use super::code::Within;
use crate::time::PeriodKind;

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Unavailable => f.write_str("the access service is unavailable, so nothing can be granted"),
            Self::Starting => {
                f.write_str("slurmctld has just started and its jobs are being counted; try again shortly")
            }
            Self::NoGrant => f.write_str("you hold no grant on this cluster"),
            Self::GrantNotYet(from) => write!(f, "your access begins {from}"),
            Self::GrantExpired(when) => write!(f, "your access ended {when}; ask for a renewal"),
            Self::GrantRevoked(when) => write!(f, "your access was withdrawn {when}"),
            Self::Disabled => f.write_str("your account is disabled in the directory"),
            Self::Removed => f.write_str("your account is no longer in the directory"),
            Self::Observer => f.write_str("you are an observer here: you may look, but not submit jobs"),
            Self::AccountNotGranted(account, None) => {
                write!(f, "you hold no grant for account {}", Shown(account))
            }
            Self::AccountNotGranted(account, Some(other)) => {
                write!(f, "you hold no grant for account {}, but you do for {other}", Shown(account))
            }
            Self::NoAccount => f.write_str("name an account with -A: you have no default account"),
            Self::BeginsAfterGrant(when) => write!(f, "the job would begin after your access ends, {when}"),
            Self::NoTimeLimit("") => f.write_str("name a time limit with -t"),
            Self::NoTimeLimit(partition) => {
                write!(f, "name a time limit with -t: partition {} has none of its own", Shown(partition))
            }
            Self::RunningJobs { owner, asked, present, limit } => {
                write!(
                    f,
                    "{} may have {limit} jobs running: {present} are running or waiting, and this asks for {asked} more",
                    Subject(owner)
                )
            }
            Self::QueuedJobs { owner, asked, present, limit } => {
                write!(
                    f,
                    "{} may have {limit} jobs waiting: {present} wait already, and this asks for {asked} more",
                    Subject(owner)
                )
            }
            Self::AtOnce { owner, what, alone, asked, present, limit } => {
                let amount = |amount| Amount { what, amount };
                let subject = Subject(owner);
                if alone {
                    write!(
                        f,
                        "{subject} may have {} at the same time, and one job asks for {}",
                        amount(limit),
                        Bare(amount(asked))
                    )
                } else {
                    write!(
                        f,
                        "{subject} may have {} at the same time: running and waiting jobs take {}, and this asks for {} more",
                        amount(limit),
                        Bare(amount(present)),
                        Bare(amount(asked))
                    )
                }
            }
            Self::Consumed { owner, what, within, next, asked, used, in_flight, limit, ends } => {
                let amount = |amount| Consumption { what, amount };
                write!(f, "{} may use {} {}", Subject(owner), amount(limit), Span { within, next })?;
                match (within, next, ends) {
                    (Within::Grant, _, "") => f.write_str(", which has no end")?,
                    (_, true, _) => write!(f, ", which begins {ends}")?,
                    (_, false, _) => write!(f, ", which ends {ends}")?,
                }
                write!(
                    f,
                    ": {} are used, {} are in flight, and this job may use {}",
                    Bare(amount(used)),
                    Bare(amount(in_flight)),
                    Bare(amount(asked))
                )
            }
            Self::QueueNotGranted(queue, names) => {
                write!(f, "queue {} is not yours to use; you may use: {names}", Shown(queue))
            }
            Self::QueueTime { queue, minutes } => {
                write!(
                    f,
                    "a job in queue {} may run for {minutes} minutes at most; name a shorter time limit with -t",
                    Shown(queue)
                )
            }
            Self::CostCenterMissing(names) => {
                write!(f, "name a cost centre with --wckey; known are: {names}")
            }
            Self::CostCenterUnknown(name, names) => {
                write!(f, "cost centre {} cannot be charged here; known are: {names}", Shown(name))
            }
            Self::Storage { owner, used, limit, place } => {
                write!(
                    f,
                    "{} may store {} on {}, and {} are stored; remove some before submitting",
                    Subject(owner),
                    Bytes(limit),
                    Shown(place),
                    Bytes(used)
                )
            }
            Self::WindowClosed { window, until, at_once } => {
                let when = if at_once { "now" } else { "then" };
                match until {
                    Some(until) => write!(f, "{window} is closed {when}: this job could begin {until}"),
                    None => {
                        write!(f, "{window} is closed {when}, and no opening is known at which this job could begin")
                    }
                }
            }
            Self::EndsOutside { window, closes, seconds, until } => write!(
                f,
                "{window} closes {closes}, and this job may run for {}: it could begin {until}",
                Duration(seconds)
            ),
            Self::LongerThanWindow { window, seconds, longest } => write!(
                f,
                "this job may run for {}, and {window} is never open for so long: {} at most",
                Duration(seconds),
                Duration(longest)
            ),
            Self::NotYetSeen => f.write_str("the job is too new to be enlarged; try again in a few seconds"),
            Self::Input(what) => write!(f, "the request's {what} cannot be read"),
        }
    }
}

/// "you" or "account x", at the start of a sentence.
struct Subject<'s>(Owner<'s>);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Owner::You => f.write_str("you"),
            Owner::YouIn(name) => write!(f, "you in account {name}"),
            Owner::YouInQueue(name) => write!(f, "you in queue {name}"),
            Owner::Grant(id) => write!(f, "you by grant G{id}"),
            Owner::Account(name) => write!(f, "account {name}"),
        }
    }
}

/// A name that came from outside: cut, and free of what a terminal would obey.
pub(super) struct Shown<'s>(pub(super) &'s str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(64) {
            if character.is_control() {
                f.write_str("?")?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if self.0.chars().nth(64).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// Seconds as hours, minutes and seconds.
struct Duration(u64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:02}:{:02}", self.0 / 3_600, self.0 / 60 % 60, self.0 % 60)
    }
}

/// "this month", "next month", "under the grant".
struct Span {
    within: Within,
    next: bool,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.within, self.next) {
            (Within::Period(PeriodKind::Day), false) => f.write_str("today"),
            (Within::Period(PeriodKind::Day), true) => f.write_str("tomorrow"),
            (Within::Period(kind), false) => write!(f, "this {}", kind.word()),
            (Within::Period(kind), true) => write!(f, "next {}", kind.word()),
            (Within::Grant, _) => f.write_str("under it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MONEY, Names, What};
    use super::*;
    use crate::tres::Resource;

    #[test]
    fn given_a_quota_then_the_sentence_has_every_number() {
        let reason = Reason::Consumed {
            owner: Owner::Account("physics"),
            what: What { resource: Resource::Cpu, name: "" },
            within: Within::Period(PeriodKind::Month),
            next: false,
            asked: 57_600,
            used: 324_000,
            in_flight: 28_800,
            limit: 360_000,
            ends: "2026-12-01 00:00 CET",
        };
        assert_eq!(
            reason.text("Ask hpc@example.org."),
            "account physics may use 100.00 CPU-hours this month, which ends 2026-12-01 00:00 CET: 90.00 are used, 8.00 are \
             in flight, and this job may use 16.00\nBSR-152: Ask hpc@example.org."
        );
    }

    #[test]
    fn given_each_resource_then_its_amounts_have_its_unit() {
        let consumed = |resource, name, scale: u64| {
            let (what, within, limit) = (What { resource, name }, Within::Grant, 12 * scale);
            let (owner, ends) = (Owner::Grant(7), "");
            Reason::Consumed { owner, what, within, next: false, asked: scale / 2, used: 0, in_flight: 0, limit, ends }
                .to_string()
        };
        assert_eq!(
            consumed(Resource::Money, "EUR", MONEY),
            "you by grant G7 may use 12.00 EUR under it, which has no end: 0.00 are used, 0.00 are in flight, and this job \
             may use 0.50"
        );
        assert!(consumed(Resource::Memory, "", 3_600 * 1_024).contains(" 12.00 GB-hours of memory "));
        assert!(consumed(Resource::GpuType(3), "a100", 3_600).contains(" 12.00 a100 GPU-hours "));
        let what = What { resource: Resource::Memory, name: "" };
        let alone = Reason::AtOnce { owner: Owner::You, what, alone: true, asked: 3_072, present: 0, limit: 2_560 };
        assert_eq!(alone.to_string(), "you may have 2.50 GB of memory at the same time, and one job asks for 3.00");
    }

    #[test]
    fn given_many_names_then_the_list_is_cut() {
        let many = ["q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9"];
        let text = Reason::QueueNotGranted("high", many.into_iter().collect()).to_string();
        assert_eq!(text, "queue high is not yours to use; you may use: q0, q1, q2, q3, q4 and 5 more");
        assert!(Reason::CostCenterMissing(Names::default()).to_string().ends_with("known are: none"));
    }

    #[test]
    fn given_a_hostile_name_then_the_sentence_stays_one_short_line() {
        let name = "x\n\u{1b}[2J".repeat(100);
        let text = Reason::AccountNotGranted(&name, None).to_string();
        assert!(text.len() < 150 && !text.contains(char::is_control), "{text:?}");
    }
}
