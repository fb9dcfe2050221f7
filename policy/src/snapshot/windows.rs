//! Windows in a snapshot: whose work each governs, and its openings, looked up in the bytes as they are.

use std::fmt;

use super::decode::Snapshot;
use super::layout::{OpeningKey, OpeningRecord, Section, WindowRecord};
use crate::role::Role;
use crate::time::{Period, Timestamp};
use crate::window::{Outside, Rule, Window};

/// Whose work a window governs; see [`super::Governs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are those of `Governs`")]
pub enum GovernsRef<'s> {
    Partition(&'s str),
    Queue(&'s str),
    Role(Role),
    /// The account's position.
    Account(u32),
}

/// A window, for one of those whose work it governs.
#[derive(Clone, Copy)]
pub struct WindowRef<'s> {
    snapshot: &'s Snapshot,
    position: u32,
    record: WindowRecord,
}

impl fmt::Debug for WindowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "window {}", self.name())
    }
}

impl PartialEq for WindowRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.position, self.record) == (other.position, other.record)
    }
}

impl Snapshot {
    /// Every window, once for each of those whose work it governs.
    pub fn windows(&self) -> impl Iterator<Item = WindowRef<'_>> + Clone {
        let count = u32::try_from(self.count::<WindowRecord>(Section::Windows)).unwrap_or(u32::MAX);
        (0..count).filter_map(|at| self.window_at(at))
    }

    /// The window at this position.
    pub fn window_at(&self, position: u32) -> Option<WindowRef<'_>> {
        let record = self.record(Section::Windows, position as usize)?;
        Some(WindowRef { snapshot: self, position, record })
    }
}

impl<'s> WindowRef<'s> {
    /// Its place among [`Snapshot::windows`].
    pub fn position(&self) -> u32 {
        self.position
    }

    /// What people call it.
    pub fn name(&self) -> &'s str {
        self.snapshot.text(self.record.name)
    }

    /// Whose work it governs.
    pub fn governs(&self) -> GovernsRef<'s> {
        match (self.record.kind, self.record.account) {
            (0, _) => GovernsRef::Partition(self.snapshot.text(self.record.target)),
            (1, _) => GovernsRef::Queue(self.snapshot.text(self.record.target)),
            (3, Some(account)) => GovernsRef::Account(account),
            _ => GovernsRef::Role(self.record.role),
        }
    }

    /// Whether jobs that still wait when it closes are moved to its next opening.
    pub fn moves(&self) -> bool {
        self.record.moves
    }

    /// The name of whose work it governs, for people.
    pub fn target(&self) -> &'s str {
        match self.governs() {
            GovernsRef::Partition(name) | GovernsRef::Queue(name) => name,
            GovernsRef::Role(role) => role.word(),
            GovernsRef::Account(at) => self.snapshot.account_at(at).map_or("", |account| account.name),
        }
    }

    /// The instant at which it opens, in its own zone; UTC where it does not open then.
    pub fn opens_text(&self, at: Timestamp) -> When<'s> {
        let record = self.at(self.first_after(at)).filter(|record| record.start == at);
        When { at, text: record.map_or("", |record| self.snapshot.text(record.opens)) }
    }

    /// The instant at which it closes, in its own zone; UTC where it does not close then.
    pub fn closes_text(&self, at: Timestamp) -> When<'s> {
        let record = self.at(self.first_after(Timestamp(at.0.saturating_sub(1)))).filter(|record| record.end == at);
        When { at, text: record.map_or("", |record| self.snapshot.text(record.closes)) }
    }

    /// The place of the first opening that ends after `at`.
    fn first_after(&self, at: Timestamp) -> usize {
        let (first, len) = (self.record.openings.first as usize, self.record.openings.len as usize);
        let (mut low, mut high) = (first, first.saturating_add(len));
        while low < high {
            let middle = low + (high - low) / 2;
            let key = self.snapshot.key::<OpeningRecord, OpeningKey>(Section::Openings, middle);
            if key.is_some_and(|key| key.end <= at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The opening at a place, if it is one of this window's.
    fn at(&self, place: usize) -> Option<OpeningRecord> {
        let end = (self.record.openings.first as usize).saturating_add(self.record.openings.len as usize);
        if place < end { self.snapshot.record(Section::Openings, place) } else { None }
    }
}

impl Window for WindowRef<'_> {
    fn rule(&self) -> Rule {
        let outside = if self.record.refuses { Outside::Refuse } else { Outside::Wait };
        Rule { outside, ends_inside: self.record.ends_inside }
    }

    fn opening_after(&self, at: Timestamp) -> Option<Period> {
        self.at(self.first_after(at)).map(|record| Period { start: record.start, end: record.end })
    }

    fn known_until(&self) -> Timestamp {
        self.record.known_until
    }
}

/// An instant for people: in a zone where the snapshot knows it, otherwise in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When<'s> {
    /// The instant.
    pub at: Timestamp,
    /// The same in a zone; empty where that is not known.
    pub text: &'s str,
}

impl fmt::Display for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() { self.at.fmt(f) } else { f.write_str(self.text) }
    }
}
