//! A partition that is taken out of service while its window is closed: what to do next, from what was done last.
//!
//! Bursar acts once at each edge. What it is about to do is remembered before it is done, so that after a crash it is
//! known whose work a closed partition is. A partition that somebody else has closed is left alone, and so is one that
//! somebody has opened again.

use crate::store::doors::DoorState;

/// What the windows want of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// In service.
    Open,
    /// Out of service.
    Closed,
}

/// A partition's State as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// UP.
    Up,
    /// DOWN: jobs may queue, none starts.
    Down,
    /// DRAIN, INACTIVE, or gone: nothing that bursar sets.
    Other,
}

impl Seen {
    /// Reads `State=`.
    pub fn parse(state: &str) -> Self {
        match state {
            "UP" => Self::Up,
            "DOWN" => Self::Down,
            _ => Self::Other,
        }
    }
}

/// What to tell slurmctld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// `State=DOWN`.
    Down,
    /// `State=UP`.
    Up,
}

impl Tell {
    /// Slurm's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Up => "UP",
        }
    }
}

/// The next step at a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is remembered before anything is told.
    pub before: DoorState,
    /// What is told, if anything.
    pub tell: Option<Tell>,
    /// What is remembered once that is done.
    pub after: DoorState,
}

impl Step {
    const fn quiet(state: DoorState) -> Self {
        Self { before: state, tell: None, after: state }
    }

    const CLOSE: Self = Self { before: DoorState::Closing, tell: Some(Tell::Down), after: DoorState::Closed };
    const OPEN: Self = Self { before: DoorState::Opening, tell: Some(Tell::Up), after: DoorState::Open };
}

/// Whether there is anything to do at a door, before the partition has been looked at.
pub fn is_settled(remembered: Option<DoorState>, wish: Wish) -> bool {
    match wish {
        Wish::Open => remembered == Some(DoorState::Open),
        Wish::Closed => matches!(remembered, Some(DoorState::Closed | DoorState::LeftAlone)),
    }
}

/// The next step at a door that is not settled.
pub fn step(remembered: Option<DoorState>, wish: Wish, seen: Seen) -> Step {
    match (wish, remembered, seen) {
        (Wish::Closed, Some(DoorState::Closed | DoorState::LeftAlone), _) => {
            Step::quiet(remembered.unwrap_or(DoorState::Closed))
        }
        // Only what is in service is taken out of it.
        (Wish::Closed, _, Seen::Up) => Step::CLOSE,
        // Told and not yet remembered, or never opened again: it is bursar's doing.
        (Wish::Closed, Some(DoorState::Closing | DoorState::Opening), _) => Step::quiet(DoorState::Closed),
        (Wish::Closed, _, _) => Step::quiet(DoorState::LeftAlone),
        // Only what bursar closed, and nobody has changed since, is opened.
        (Wish::Open, Some(DoorState::Closed | DoorState::Closing | DoorState::Opening), Seen::Down) => Step::OPEN,
        (Wish::Open, _, _) => Step::quiet(DoorState::Open),
    }
}

/// Whether a closed door stands open because slurmctld is known to have read its configuration anew since it was closed,
/// which puts every partition back to what slurm.conf says.
pub fn is_undone(remembered: Option<DoorState>, closed_at: i64, seen: Seen, configured_at: i64) -> bool {
    remembered == Some(DoorState::Closed) && seen == Seen::Up && closed_at < configured_at
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Option<DoorState>; 6] = [
        None,
        Some(DoorState::Closing),
        Some(DoorState::Closed),
        Some(DoorState::LeftAlone),
        Some(DoorState::Opening),
        Some(DoorState::Open),
    ];

    #[test]
    fn given_a_day_then_the_partition_is_closed_once_and_opened_once() {
        let closing = step(Some(DoorState::Open), Wish::Closed, Seen::Up);
        assert_eq!(closing, Step::CLOSE);
        assert!(is_settled(Some(closing.after), Wish::Closed));
        let opening = step(Some(closing.after), Wish::Open, Seen::Down);
        assert_eq!(opening, Step::OPEN);
        assert!(is_settled(Some(opening.after), Wish::Open));
    }

    #[test]
    fn given_a_partition_that_somebody_closed_before_then_it_stays_closed_when_the_window_opens() {
        for seen in [Seen::Down, Seen::Other] {
            let closing = step(Some(DoorState::Open), Wish::Closed, seen);
            assert_eq!(closing, Step::quiet(DoorState::LeftAlone));
            assert_eq!(step(Some(closing.after), Wish::Open, seen), Step::quiet(DoorState::Open));
        }
    }

    #[test]
    fn given_a_partition_that_somebody_opened_again_or_made_inactive_then_it_stays_so() {
        assert!(is_settled(Some(DoorState::Closed), Wish::Closed));
        for seen in [Seen::Up, Seen::Other] {
            assert_eq!(step(Some(DoorState::Closed), Wish::Open, seen), Step::quiet(DoorState::Open));
        }
    }

    #[test]
    fn given_a_crash_between_remembering_and_telling_then_the_edge_is_made_up_for() {
        // Before slurmctld was told, and after.
        assert_eq!(step(Some(DoorState::Closing), Wish::Closed, Seen::Up), Step::CLOSE);
        assert_eq!(step(Some(DoorState::Closing), Wish::Closed, Seen::Down), Step::quiet(DoorState::Closed));
        assert_eq!(step(Some(DoorState::Opening), Wish::Open, Seen::Down), Step::OPEN);
        assert_eq!(step(Some(DoorState::Opening), Wish::Open, Seen::Up), Step::quiet(DoorState::Open));
        // And the next edge came before the restart.
        assert_eq!(step(Some(DoorState::Closing), Wish::Open, Seen::Down), Step::OPEN);
        assert_eq!(step(Some(DoorState::Opening), Wish::Closed, Seen::Down), Step::quiet(DoorState::Closed));
    }

    #[test]
    fn given_a_first_look_then_an_open_window_changes_nothing_and_a_closed_one_closes_what_is_up() {
        assert_eq!(step(None, Wish::Open, Seen::Down), Step::quiet(DoorState::Open));
        assert_eq!(step(None, Wish::Closed, Seen::Up), Step::CLOSE);
        assert_eq!(step(None, Wish::Closed, Seen::Down), Step::quiet(DoorState::LeftAlone));
    }

    #[test]
    fn given_any_state_then_one_step_settles_the_door() {
        for remembered in ALL {
            for wish in [Wish::Open, Wish::Closed] {
                for seen in [Seen::Up, Seen::Down, Seen::Other] {
                    let step = step(remembered, wish, seen);
                    assert!(is_settled(Some(step.after), wish), "{remembered:?} {wish:?} {seen:?}: {step:?}");
                }
            }
        }
    }

    #[test]
    fn given_a_slurmctld_that_was_restarted_then_only_that_undoes_a_closed_door() {
        assert!(is_undone(Some(DoorState::Closed), 100, Seen::Up, 101));
        assert!(!is_undone(Some(DoorState::Closed), 100, Seen::Up, 99), "somebody has opened it");
        assert!(!is_undone(Some(DoorState::Closed), 100, Seen::Down, 101));
        assert!(!is_undone(Some(DoorState::LeftAlone), 100, Seen::Up, 101));
    }
}
