//! Reads the bytes of a snapshot file, checking every bound before anything is believed.
//!
//! A [`Snapshot`] keeps the bytes as they are: looking somebody up is a binary search over records, so loading costs
//! one pass whatever is asked later.

use std::fmt;

use super::contents::{ClusterFacts, Kind, RecentJob, memory_from};
use super::layout::{
    AccountKey, AccountRecord, BODY_AT, CHECKSUM_AT, COVERED_FROM, EdgeRecord, FORMAT, GrantRecord, GroupRecord,
    HeadRecord, HomeRecord, JobRecord, MAGIC, PartitionRecord, PersonKey, PersonRecord, RecentRecord, SECTIONS,
    Section, TABLE_AT,
};
use super::view::{AccountRef, CurrentPeriod, GroupRef, LiveJobRef, PartitionRef, PersonRef};
use super::wire::{Span, Text, Wire};
use crate::job::Shape;
use crate::time::{Period, PeriodKind, Timestamp};

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
        let snapshot = Self { bytes, places, head: record };
        snapshot.check()?;
        Ok(snapshot)
    }

    fn section(&self, section: Section) -> &[u8] {
        let (at, len) = self.places.get(section as usize).copied().unwrap_or_default();
        self.bytes.get(at..at + len).unwrap_or_default()
    }

    fn count<R: Wire>(&self, section: Section) -> usize {
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
        let place = text_place(text).and_then(|place| self.section(Section::Strings).get(place));
        place.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The first fields of a record, which are what it is found by; the rest of it is not looked at.
    fn key<R: Wire, K: Wire>(&self, section: Section, index: usize) -> Option<K> {
        debug_assert!(K::SIZE <= R::SIZE);
        let mut bytes = self.section(section).get(index.checked_mul(R::SIZE)?..)?;
        K::take(&mut bytes)
    }

    /// The record with the wanted key in a section that is sorted by it, and its position.
    fn find<R: Wire, K: Wire>(
        &self,
        section: Section,
        mut compare: impl FnMut(K) -> std::cmp::Ordering,
    ) -> Option<(usize, R)> {
        let (mut low, mut high) = (0, self.count::<R>(section));
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
        let texts = [head.cluster, head.contact].iter().all(|text| try_text(*text).is_some());
        let spans = [head.day, head.week, head.month];
        let edges = spans.iter().all(|span| self.check_span::<EdgeRecord>(Section::Edges, *span).is_some());
        if !texts || !edges {
            return Err(DecodeError::Section("head"));
        }
        self.check_section(Section::Partitions, "partitions", |_, partition: PartitionRecord| {
            try_text(partition.name).map(drop)
        })?;
        self.check_section(Section::Edges, "edges", |_, edge: EdgeRecord| try_text(edge.text).map(drop))?;
        let mut previous = "";
        self.check_section(Section::Accounts, "accounts", |index, account: AccountRecord| {
            let name = try_text(account.name)?;
            let sorted = index == 0 || previous < name;
            previous = name;
            account_exists(account.parent).filter(|()| sorted)
        })?;
        let mut previous = None;
        self.check_section(Section::People, "people", |_, person: PersonRecord| {
            try_text(person.name)?;
            self.check_span::<GrantRecord>(Section::Grants, person.grants)?;
            account_exists(person.default_account)?;
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
            memory_from(job.memory_tag, job.memory_mib).map(drop)
        })
    }

    /// The file's content, checked.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Which reader it is for.
    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// Its number; grows with every snapshot of a store.
    pub fn generation(&self) -> u64 {
        self.head.generation
    }

    /// When it was compiled.
    pub fn made_at(&self) -> Timestamp {
        self.head.made_at
    }

    /// The instant whose jobs it shows.
    pub fn as_of(&self) -> Timestamp {
        self.head.as_of
    }

    /// Whether it is too old at `now` to let anybody in on its word alone.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        !self.head.last_known && now.seconds_since(self.head.made_at) > self.head.hard_limit
    }

    /// Seconds before a grant's end from which its holder is told.
    pub fn notice(&self) -> u64 {
        self.head.notice
    }

    /// Slurm's name of the cluster.
    pub fn cluster(&self) -> &str {
        self.text(self.head.cluster)
    }

    /// Whom a refused person may ask.
    pub fn contact(&self) -> &str {
        self.text(self.head.contact)
    }

    /// How the cluster hands out CPUs.
    pub fn facts(&self) -> ClusterFacts {
        let head = &self.head;
        ClusterFacts {
            granule: head.granule,
            threads_per_core: head.threads_per_core,
            whole_nodes: head.whole_nodes,
            one_task_per_core: head.one_task_per_core,
            slack: head.slack,
            running_limit_refuses: head.running_limit_refuses,
        }
    }

    /// The period of `kind` that `at` falls into; `None` before the first edge and after the last.
    pub fn period(&self, kind: PeriodKind, at: Timestamp) -> Option<CurrentPeriod<'_>> {
        let span = match kind {
            PeriodKind::Day => self.head.day,
            PeriodKind::Week => self.head.week,
            PeriodKind::Month => self.head.month,
        };
        let mut edges = self.span::<EdgeRecord>(Section::Edges, span);
        let mut start = edges.next()?;
        if at < start.at {
            return None;
        }
        for (ordinal, end) in edges.enumerate() {
            if at < end.at {
                let period = Period { start: start.at, end: end.at };
                return Some(CurrentPeriod { period, ordinal, end_text: self.text(end.text) });
            }
            start = end;
        }
        None
    }

    /// The seconds of the longest known period of `kind` that begins after the one `at` falls into; 0 where none is.
    pub fn longest_after(&self, kind: PeriodKind, at: Timestamp) -> u64 {
        let span = match kind {
            PeriodKind::Day => self.head.day,
            PeriodKind::Week => self.head.week,
            PeriodKind::Month => self.head.month,
        };
        let mut edges = self.span::<EdgeRecord>(Section::Edges, span).map(|edge| edge.at).filter(|edge| *edge > at);
        let Some(mut start) = edges.next() else { return 0 };
        let mut longest = 0;
        for end in edges {
            longest = longest.max(end.seconds_since(start));
            start = end;
        }
        longest
    }

    /// The partition with this name.
    pub fn partition(&self, name: &str) -> Option<PartitionRef<'_>> {
        self.find(Section::Partitions, |key: Text| self.text(key).cmp(name))
            .map(|(_, record)| self.partition_of(record))
    }

    /// Every partition.
    pub fn partitions(&self) -> impl Iterator<Item = PartitionRef<'_>> {
        (0..self.count::<PartitionRecord>(Section::Partitions))
            .filter_map(|at| self.record(Section::Partitions, at))
            .map(|record| self.partition_of(record))
    }

    fn partition_of(&self, record: PartitionRecord) -> PartitionRef<'_> {
        PartitionRef {
            name: self.text(record.name),
            default: record.default,
            whole_nodes: record.whole_nodes,
            default_minutes: record.default_minutes,
            max_minutes: record.max_minutes,
            over_minutes: record.over_minutes,
            max_nodes: record.max_nodes,
            cpus_per_node: record.cpus_per_node,
            max_mem_per_cpu: record.max_mem_per_cpu,
        }
    }

    /// The account with this name, in lower case.
    pub fn account(&self, name: &str) -> Option<AccountRef<'_>> {
        self.find(Section::Accounts, |key: Text| self.text(key).cmp(name))
            .map(|(at, record)| self.account_of(at, record))
    }

    /// The account at this position.
    pub fn account_at(&self, at: u32) -> Option<AccountRef<'_>> {
        self.record(Section::Accounts, at as usize).map(|record| self.account_of(at as usize, record))
    }

    /// The account at this position and its ancestors, from below.
    pub fn account_line(&self, at: u32) -> impl Iterator<Item = AccountRef<'_>> {
        // A line longer than the number of accounts would be a cycle, which no encoder writes.
        let most = self.count::<AccountRecord>(Section::Accounts);
        std::iter::successors(self.account_at(at), |account| account.parent.and_then(|at| self.account_at(at)))
            .take(most)
    }

    /// The positions of the accounts that [`Self::account_line`] gives.
    pub fn account_line_positions(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let most = self.count::<AccountRecord>(Section::Accounts);
        let exists = usize::try_from(at).is_ok_and(|at| at < most).then_some(at);
        let parent = |at: &u32| self.key::<AccountRecord, AccountKey>(Section::Accounts, *at as usize)?.parent;
        std::iter::successors(exists, parent).take(most)
    }

    fn account_of(&self, at: usize, record: AccountRecord) -> AccountRef<'_> {
        AccountRef {
            position: u32::try_from(at).unwrap_or(u32::MAX),
            name: self.text(record.name),
            parent: record.parent,
            limits: record.limits,
            usage: record.usage,
        }
    }

    /// The person with this uid.
    pub fn person(&self, uid: u32) -> Option<PersonRef<'_>> {
        self.find(Section::People, |key: u32| key.cmp(&uid)).map(|(at, record)| PersonRef {
            snapshot: self,
            position: at,
            record,
        })
    }

    /// The person with this POSIX name.
    pub fn person_named(&self, name: &str) -> Option<PersonRef<'_>> {
        let (_, position) = self.find::<u32, u32>(Section::Names, |position| {
            let person = self.key::<PersonRecord, PersonKey>(Section::People, position as usize);
            person.map(|person| self.text(person.name)).unwrap_or_default().cmp(name)
        })?;
        self.person_at(position as usize)
    }

    fn person_at(&self, position: usize) -> Option<PersonRef<'_>> {
        let record = self.record(Section::People, position)?;
        Some(PersonRef { snapshot: self, position, record })
    }

    /// Everybody, by uid.
    pub fn people(&self) -> impl Iterator<Item = PersonRef<'_>> {
        (0..self.count::<PersonRecord>(Section::People)).filter_map(|at| self.person_at(at))
    }

    /// The groups other than the private ones.
    pub fn groups(&self) -> impl Iterator<Item = GroupRef<'_>> {
        (0..self.count::<GroupRecord>(Section::Groups)).filter_map(|at| self.record(Section::Groups, at)).map(
            |record: GroupRecord| GroupRef {
                gid: record.gid,
                name: self.text(record.name),
                members: self
                    .span::<u32>(Section::Members, record.members)
                    .filter_map(|at| self.record::<PersonRecord>(Section::People, at as usize))
                    .map(|person| self.text(person.name))
                    .collect(),
            },
        )
    }

    /// Jobs submitted not long before [`Self::as_of`].
    pub fn recent(&self) -> impl Iterator<Item = RecentJob> {
        (0..self.count::<RecentRecord>(Section::Recent)).filter_map(|at| self.record(Section::Recent, at)).map(
            |record: RecentRecord| RecentJob {
                job_id: record.job_id,
                uid: record.uid,
                account: record.account,
                submitted: record.submitted,
            },
        )
    }

    /// The records of a live job: one for a plain job, several for an array or by its tasks' ids.
    pub fn live_jobs(&self, id: u32) -> impl Iterator<Item = LiveJobRef<'_>> {
        (0..self.count::<JobRecord>(Section::Jobs))
            .filter_map(|at| self.record(Section::Jobs, at))
            .filter(move |job: &JobRecord| job.job_id == id || job.array_job_id == id)
            .map(|record| self.live_job_of(record))
    }

    fn live_job_of(&self, record: JobRecord) -> LiveJobRef<'_> {
        LiveJobRef {
            job_id: record.job_id,
            uid: record.uid,
            account: self.text(record.account),
            partition: self.text(record.partition),
            running: record.running,
            begin_at: record.begin_at,
            minutes: record.minutes,
            tasks: record.tasks,
            shape: Shape {
                min_cpus: record.min_cpus,
                min_nodes: record.min_nodes,
                max_nodes: record.max_nodes,
                tasks: record.shape_tasks,
                cpus_per_task: record.cpus_per_task,
                tasks_per_node: record.tasks_per_node,
                cpus_per_node: record.cpus_per_node,
                memory: memory_from(record.memory_tag, record.memory_mib).unwrap_or(crate::job::Memory::Unset),
                whole_nodes: record.whole_nodes,
                one_per_core: record.one_per_core,
                open_ended: record.open_ended,
            },
        }
    }
}
