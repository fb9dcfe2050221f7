//! Whom queues preempt: every one must exist, and nobody may preempt itself, not even by way of others.

use std::collections::BTreeSet;

use super::read::Value;
use crate::slurm::qos::QosName;

/// A member of a queue's `preempts`.
pub(super) struct Victim<'d> {
    /// The queue it names.
    pub(super) name: QosName,
    /// Its place in the file.
    pub(super) value: Value<'d>,
}

/// A queue and whom it preempts.
pub(super) struct Preemptor<'d> {
    /// Its name, if that is sound.
    pub(super) name: Option<QosName>,
    /// Whom it names.
    pub(super) victims: Vec<Victim<'d>>,
}

/// Reports every victim that is no queue, or that leads back to the queue that names it.
pub(super) fn check(names: &BTreeSet<QosName>, all: &[Preemptor<'_>]) -> bool {
    let mut sound = true;
    for preemptor in all {
        for Victim { name: victim, value } in &preemptor.victims {
            if !names.contains(victim) {
                value.bad(format!("names queue {victim}, which no [[queue]] has; add it or correct the name"));
                sound = false;
            } else if let Some(own) = &preemptor.name
                && reached_from(victim, all).contains(own)
            {
                value.bad(format!("lets queue {own} preempt itself in the end; leave {victim} out"));
                sound = false;
            }
        }
    }
    sound
}

/// `first` and all that it preempts, directly or by way of others.
fn reached_from<'a>(first: &'a QosName, all: &'a [Preemptor<'_>]) -> BTreeSet<&'a QosName> {
    let (mut reached, mut open) = (BTreeSet::from([first]), vec![first]);
    while let Some(next) = open.pop() {
        let of_next = all.iter().filter(|preemptor| preemptor.name.as_ref() == Some(next));
        let victims = of_next.flat_map(|preemptor| &preemptor.victims).map(|victim| &victim.name);
        open.extend(victims.filter(|name| reached.insert(name)));
    }
    reached
}
