//! Reads the bytes of a snapshot file, checking every bound before anything is believed.
//!
//! A [`Snapshot`] keeps the bytes as they are: looking somebody up is a binary search over records, so loading costs
//! one pass whatever is asked later.

use std::fmt;
use std::ops::Range;

use super::contents::memory_from;
use super::layout::{
    AccountRecord, AssociationRecord, BODY_AT, CHECKSUM_AT, COVERED_FROM, CalendarRecord, CostCenterRecord, EdgeRecord,
    FORMAT, GrantRecord, GroupRecord, HeadRecord, HomeRecord, JobKey, JobRecord, LineRecord, MAGIC, OpeningRecord,
    PartitionRecord, PersonKey, PersonRecord, QueueRecord, RecentRecord, SECTIONS, Section, StorageRecord, TABLE_AT,
    WindowRecord,
};
use super::wire::{Span, Text, Wire};
use crate::tres::GPU_TYPES;

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeError {
    /// They do not begin as a snapshot does.
    NotASnapshot,
    /// They are of another layout; the number is theirs.
    Format(u32),
    /// Fewer or more bytes than the head says.
    Length,
    /// The checksum does not fit.
    Checksum,
    /// A record of this section is impossible.
    Section(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("is not a bursar snapshot"),
            Self::Format(theirs) => write!(f, "has format {theirs}, this reader takes {FORMAT}; install one version"),
            Self::Length => f.write_str("is cut short or has something behind its end"),
            Self::Checksum => f.write_str("has a checksum that does not fit its content"),
            Self::Section(name) => write!(f, "has an impossible record among its {name}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Where a text stands among the strings.
fn text_place(text: Text) -> Option<std::ops::Range<usize>> {
    let at = text.at as usize;
    Some(at..at.checked_add(text.len as usize)?)
}

/// A snapshot that has passed every check.
#[derive(Clone)]
pub struct Snapshot {
    bytes: Vec<u8>,
    places: [(usize, usize); SECTIONS],
    head: HeadRecord,
    /// Ids of live jobs and of their arrays, with the job's position; sorted. The one thing that is built: the list
    /// comes in Slurm's order, and a job is found by either id.
    job_ids: Vec<(u32, u32)>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("kind", &self.head.kind)
            .field("generation", &self.head.generation)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Checks `bytes` through and through.
    pub fn decode(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let mut rest = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::NotASnapshot)?;
        let format = u32::take(&mut rest).ok_or(DecodeError::Length)?;
        if format != FORMAT {
            return Err(DecodeError::Format(format));
        }
        let checksum = u32::take(&mut rest).ok_or(DecodeError::Length)?;
        let length = u64::take(&mut rest).ok_or(DecodeError::Length)?;
        if length != bytes.len() as u64 || bytes.len() < BODY_AT {
            return Err(DecodeError::Length);
        }
        debug_assert_eq!(CHECKSUM_AT + 4, COVERED_FROM);
        if crc32fast::hash(bytes.get(COVERED_FROM..).unwrap_or_default()) != checksum {
            return Err(DecodeError::Checksum);
        }
        let mut table = bytes.get(TABLE_AT..BODY_AT).ok_or(DecodeError::Length)?;
        let mut places = [(0, 0); SECTIONS];
        for place in &mut places {
            let at = u64::take(&mut table).and_then(|at| usize::try_from(at).ok()).ok_or(DecodeError::Length)?;
            let len = u64::take(&mut table).and_then(|len| usize::try_from(len).ok()).ok_or(DecodeError::Length)?;
            let end = at.checked_add(len).ok_or(DecodeError::Length)?;
            if at < BODY_AT || end > bytes.len() {
                return Err(DecodeError::Length);
            }
            *place = (at, len);
        }
        let [(head_at, head_len), ..] = places;
        let mut head = bytes.get(head_at..head_at + head_len).unwrap_or_default();
        let record = HeadRecord::take(&mut head).filter(|_| head.is_empty()).ok_or(DecodeError::Section("head"))?;
        let mut snapshot = Self { bytes, places, head: record, job_ids: Vec::new() };
        snapshot.check()?;
        snapshot.job_ids = snapshot.index_jobs();
        Ok(snapshot)
    }

    fn index_jobs(&self) -> Vec<(u32, u32)> {
        let mut ids = Vec::with_capacity(self.count::<JobRecord>(Section::Jobs));
        for (at, position) in (0..self.count::<JobRecord>(Section::Jobs)).zip(0..) {
            let Some(key) = self.key::<JobRecord, JobKey>(Section::Jobs, at) else { continue };
            ids.push((key.job_id, position));
            if key.array_job_id != 0 && key.array_job_id != key.job_id {
                ids.push((key.array_job_id, position));
            }
        }
        ids.sort_unstable();
        ids
    }

    /// The positions of the live jobs that an id names.
    pub(super) fn job_positions(&self, id: u32) -> impl Iterator<Item = u32> + '_ {
        let first = self.job_ids.partition_point(|(known, _)| *known < id);
        let rest = self.job_ids.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(known, _)| *known == id).map(|(_, position)| *position)
    }

    pub(super) fn head(&self) -> &HeadRecord {
        &self.head
    }

    /// The file's content, checked.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn section(&self, section: Section) -> &[u8] {
        let (at, len) = self.places.get(section as usize).copied().unwrap_or_default();
        self.bytes.get(at..at + len).unwrap_or_default()
    }

    pub(super) fn count<R: Wire>(&self, section: Section) -> usize {
        self.section(section).len() / R::SIZE
    }

    pub(super) fn record<R: Wire>(&self, section: Section, index: usize) -> Option<R> {
        let at = index.checked_mul(R::SIZE)?;
        let mut bytes = self.section(section).get(at..)?;
        R::take(&mut bytes)
    }

    pub(super) fn span<R: Wire>(&self, section: Section, span: Span) -> impl Iterator<Item = R> + '_ {
        let first = span.first as usize;
        (first..first.saturating_add(span.len as usize)).map_while(move |at| self.record(section, at))
    }

    /// The text at a place that [`Self::check`] has passed.
    pub(super) fn text(&self, text: Text) -> &str {
        std::str::from_utf8(self.text_bytes(text)).unwrap_or_default()
    }

    /// The same as bytes, for comparing: whether they are text was checked once and for all.
    pub(super) fn text_bytes(&self, text: Text) -> &[u8] {
        text_place(text).and_then(|place| self.section(Section::Strings).get(place)).unwrap_or_default()
    }

    /// The first fields of a record, which are what it is found by; the rest of it is not looked at.
    pub(super) fn key<R: Wire, K: Wire>(&self, section: Section, index: usize) -> Option<K> {
        debug_assert!(K::SIZE <= R::SIZE);
        let mut bytes = self.section(section).get(index.checked_mul(R::SIZE)?..)?;
        K::take(&mut bytes)
    }

    /// The record with the wanted key in a section that is sorted by it, and its position.
    pub(super) fn find<R: Wire, K: Wire>(
        &self,
        section: Section,
        compare: impl FnMut(K) -> std::cmp::Ordering,
    ) -> Option<(usize, R)> {
        self.find_within(section, 0..self.count::<R>(section), compare)
    }

    fn find_within<R: Wire, K: Wire>(
        &self,
        section: Section,
        Range { start: mut low, end: mut high }: Range<usize>,
        mut compare: impl FnMut(K) -> std::cmp::Ordering,
    ) -> Option<(usize, R)> {
        while low < high {
            let middle = low + (high - low) / 2;
            match compare(self.key::<R, K>(section, middle)?) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.record(section, middle).map(|record| (middle, record)),
            }
        }
        None
    }

    /// The same by a number, which is first looked for where it would be if the numbers were spread evenly.
    ///
    /// uids often are, more or less; then a few places are touched instead of a dozen, each of which is a wait for memory.
    pub(super) fn find_number<R: Wire>(&self, section: Section, wanted: u32) -> Option<(usize, R)> {
        let mut range = 0..self.count::<R>(section);
        for _ in 0..3 {
            let Some(at) = self.guess::<R>(section, &range, wanted) else { break };
            match self.key::<R, u32>(section, at)?.cmp(&wanted) {
                std::cmp::Ordering::Less => range.start = at + 1,
                std::cmp::Ordering::Greater => range.end = at,
                std::cmp::Ordering::Equal => return self.record(section, at).map(|record| (at, record)),
            }
        }
        self.find_within(section, range, |key: u32| key.cmp(&wanted))
    }

    /// Where `wanted` would be in a long range of numbers that are spread evenly.
    fn guess<R: Wire>(&self, section: Section, range: &Range<usize>, wanted: u32) -> Option<usize> {
        const SHORT: usize = 8;
        let last = range.end.checked_sub(1).filter(|last| last.saturating_sub(range.start) > SHORT)?;
        let key = |at| self.key::<R, u32>(section, at).map(u64::from);
        let (lowest, highest) = (key(range.start)?, key(last)?);
        let (ahead, span) = (u64::from(wanted).checked_sub(lowest)?, highest.checked_sub(lowest)?);
        let steps = (last - range.start) as u64;
        let guess = ahead.checked_mul(steps)?.checked_div(span).filter(|guess| *guess <= steps)?;
        Some(range.start + usize::try_from(guess).ok()?)
    }

    /// Checks every record of `section` and that nothing but records is in it.
    fn check_section<R: Wire>(
        &self,
        section: Section,
        name: &'static str,
        mut check: impl FnMut(usize, R) -> Option<()>,
    ) -> Result<(), DecodeError> {
        let mut bytes = self.section(section);
        let mut index = 0;
        while !bytes.is_empty() {
            R::take(&mut bytes).and_then(|record| check(index, record)).ok_or(DecodeError::Section(name))?;
            index += 1;
        }
        Ok(())
    }

    fn check_span<R: Wire>(&self, section: Section, span: Span) -> Option<()> {
        let end = (span.first as usize).checked_add(span.len as usize)?;
        (end <= self.count::<R>(section)).then_some(())
    }

    fn check(&self) -> Result<(), DecodeError> {
        let accounts = self.count::<AccountRecord>(Section::Accounts);
        let people = self.count::<PersonRecord>(Section::People);
        let account_exists = |at: Option<u32>| at.is_none_or(|at| (at as usize) < accounts).then_some(());
        let head = &self.head;
        // All texts at once, which takes a tenth of the time of one by one.
        let strings =
            std::str::from_utf8(self.section(Section::Strings)).map_err(|_| DecodeError::Section("strings"))?;
        let try_text = |text: Text| text_place(text).and_then(|place| strings.get(place));
        let texts = [head.cluster, head.contact, head.currency].iter().all(|text| try_text(*text).is_some());
        if !texts {
            return Err(DecodeError::Section("head"));
        }
        let mut types = 0;
        self.check_section(Section::GpuTypes, "GPU types", |_, name: Text| {
            types += 1;
            try_text(name).filter(|_| types <= GPU_TYPES).map(drop)
        })?;
        self.check_section(Section::Calendars, "calendars", |_, calendar: CalendarRecord| {
            calendar.kinds.into_iter().try_for_each(|span| self.check_span::<EdgeRecord>(Section::Edges, span))
        })?;
        let calendars = self.count::<CalendarRecord>(Section::Calendars);
        self.check_section(Section::Lines, "limits", |_, _: LineRecord| Some(()))?;
        let lines_exist = |span| self.check_span::<LineRecord>(Section::Lines, span);
        self.check_section(Section::Storage, "storage", |_, over: StorageRecord| try_text(over.place).map(drop))?;
        let storage_exists = |span| self.check_span::<StorageRecord>(Section::Storage, span);
        self.check_section(Section::Scopes, "scopes", |_, at: u32| account_exists(Some(at)))?;
        let scopes_exist = |span| self.check_span::<u32>(Section::Scopes, span);
        let mut previous = None;
        self.check_section(Section::Queues, "queues", |_, queue: QueueRecord| {
            try_text(queue.name)?;
            let qos = Some(try_text(queue.qos)?);
            let sorted = previous < qos;
            previous = qos;
            scopes_exist(queue.accounts)?;
            lines_exist(queue.caps).filter(|()| sorted)
        })?;
        let mut previous = None;
        self.check_section(Section::CostCenters, "cost centres", |_, center: CostCenterRecord| {
            let name = Some(try_text(center.name)?);
            let sorted = previous < name;
            previous = name;
            scopes_exist(center.accounts).filter(|()| sorted)
        })?;
        self.check_section(Section::Partitions, "partitions", |_, partition: PartitionRecord| {
            memory_from(partition.default_memory_tag, partition.default_memory_mib)?;
            try_text(partition.name).map(drop)
        })?;
        self.check_section(Section::Edges, "edges", |_, edge: EdgeRecord| try_text(edge.text).map(drop))?;
        let mut previous = "";
        self.check_section(Section::Accounts, "accounts", |index, account: AccountRecord| {
            let name = try_text(account.name)?;
            let sorted = index == 0 || previous < name;
            previous = name;
            try_text(account.cost_center)?;
            lines_exist(account.lines)?;
            storage_exists(account.storage)?;
            account_exists(account.parent).filter(|()| sorted && (account.calendar as usize) < calendars)
        })?;
        self.check_section(Section::Associations, "associations", |_, association: AssociationRecord| {
            lines_exist(association.lines)?;
            account_exists(Some(association.account))
        })?;
        let mut previous = None;
        self.check_section(Section::People, "people", |_, person: PersonRecord| {
            try_text(person.name)?;
            self.check_span::<GrantRecord>(Section::Grants, person.grants)?;
            account_exists(person.default_account)?;
            lines_exist(person.lines)?;
            storage_exists(person.storage)?;
            self.check_span::<AssociationRecord>(Section::Associations, person.associations)?;
            let sorted = previous < Some(person.uid);
            previous = Some(person.uid);
            sorted.then_some(())
        })?;
        let person_exists = |at: u32| ((at as usize) < people).then_some(());
        let mut previous = None;
        self.check_section(Section::Names, "names", |_, position: u32| {
            person_exists(position)?;
            let name = try_text(self.key::<PersonRecord, PersonKey>(Section::People, position as usize)?.name)?;
            let sorted = previous < Some(name);
            previous = Some(name);
            sorted.then_some(())
        })?;
        if self.count::<u32>(Section::Names) != people {
            return Err(DecodeError::Section("names"));
        }
        self.check_section(Section::Grants, "grants", |_, grant: GrantRecord| {
            try_text(grant.until_text)?;
            account_exists(grant.account)
        })?;
        self.check_section(Section::Homes, "homes", |_, home: HomeRecord| {
            for text in [home.gecos, home.directory, home.shell] {
                try_text(text)?;
            }
            self.check_span::<Text>(Section::Keys, home.keys)
        })?;
        let homes = self.count::<HomeRecord>(Section::Homes);
        if homes != 0 && homes != people {
            return Err(DecodeError::Section("homes"));
        }
        self.check_section(Section::Keys, "keys", |_, key: Text| try_text(key).map(drop))?;
        self.check_section(Section::Groups, "groups", |_, group: GroupRecord| {
            try_text(group.name)?;
            self.check_span::<u32>(Section::Members, group.members)
        })?;
        self.check_section(Section::Members, "members", |_, member: u32| person_exists(member))?;
        self.check_section(Section::Recent, "recent jobs", |_, job: RecentRecord| account_exists(job.account))?;
        self.check_section(Section::Jobs, "jobs", |_, job: JobRecord| {
            try_text(job.account)?;
            try_text(job.partition)?;
            try_text(job.qos)?;
            memory_from(job.memory_tag, job.memory_mib).map(drop)
        })?;
        self.check_section(Section::Openings, "openings", |_, opening: OpeningRecord| {
            try_text(opening.opens)?;
            try_text(opening.closes)?;
            (opening.start < opening.end).then_some(())
        })?;
        self.check_section(Section::Windows, "windows", |_, window: WindowRecord| {
            try_text(window.name)?;
            try_text(window.target)?;
            account_exists(window.account)?;
            self.check_span::<OpeningRecord>(Section::Openings, window.openings)?;
            let openings = || self.span::<OpeningRecord>(Section::Openings, window.openings);
            let apart = openings().zip(openings().skip(1)).all(|(one, next)| one.end < next.start);
            (apart && window.kind <= 3).then_some(())
        })
    }
}
