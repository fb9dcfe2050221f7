//! What a snapshot is asked: who, which account, which period, which queue.
//!
//! Every list that is looked up by a key is sorted by it, so an answer is a binary search over the file's bytes.

use super::contents::{ClusterFacts, Kind, RecentJob, memory_from};
use super::decode::Snapshot;
use super::layout::{
    AccountKey, AccountRecord, CalendarRecord, CostCenterRecord, EdgeRecord, GroupRecord, JobRecord, PartitionRecord,
    PersonKey, PersonRecord, QueueRecord, RecentRecord, Section,
};
use super::view::{
    AccountRef, CostCenterRef, CurrentPeriod, GroupRef, LinesRef, LiveJobRef, PartitionRef, PersonRef, QueueRef,
    StorageRef,
};
use super::wire::{Span, Text};
use crate::job::{GpusBy, Memory, Shape};
use crate::time::{Period, PeriodKind, Timestamp};

impl Snapshot {
    /// Which reader it is for.
    pub fn kind(&self) -> Kind {
        self.head().kind
    }

    /// Its number; grows with every snapshot of a store.
    pub fn generation(&self) -> u64 {
        self.head().generation
    }

    /// When it was compiled.
    pub fn made_at(&self) -> Timestamp {
        self.head().made_at
    }

    /// The instant whose jobs it shows.
    pub fn as_of(&self) -> Timestamp {
        self.head().as_of
    }

    /// Whether it is too old at `now` to let anybody in on its word alone.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        !self.head().last_known && now.seconds_since(self.head().made_at) > self.head().hard_limit
    }

    /// Seconds before a grant's end from which its holder is told.
    pub fn notice(&self) -> u64 {
        self.head().notice
    }

    /// Slurm's name of the cluster.
    pub fn cluster(&self) -> &str {
        self.text(self.head().cluster)
    }

    /// Whom a refused person may ask.
    pub fn contact(&self) -> &str {
        self.text(self.head().contact)
    }

    /// How the cluster hands out CPUs.
    pub fn facts(&self) -> ClusterFacts {
        let head = self.head();
        ClusterFacts {
            granule: head.granule,
            threads_per_core: head.threads_per_core,
            whole_nodes: head.whole_nodes,
            one_task_per_core: head.one_task_per_core,
            slack: head.slack,
            running_limit_refuses: head.running_limit_refuses,
            tells_cost: head.tells_cost,
            cost_centers: head.cost_centers,
        }
    }

    /// The currency of prices and of limits on money.
    pub fn currency(&self) -> &str {
        self.text(self.head().currency)
    }

    /// The types of GPU that are told apart, in their order.
    pub fn gpu_types(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.count::<Text>(Section::GpuTypes))
            .filter_map(|at| self.record(Section::GpuTypes, at))
            .map(|at| self.text(at))
    }

    /// The edges of one kind of period in one calendar.
    fn edges(&self, calendar: u32, kind: PeriodKind) -> impl Iterator<Item = EdgeRecord> + '_ {
        let calendar: Option<CalendarRecord> = self.record(Section::Calendars, calendar as usize);
        let span = calendar.and_then(|calendar| calendar.kinds.get(kind.index()).copied()).unwrap_or_default();
        self.span(Section::Edges, span)
    }

    /// The period of `kind` that `at` falls into in a calendar; `None` before the first edge and after the last.
    pub fn period(&self, calendar: u32, kind: PeriodKind, at: Timestamp) -> Option<CurrentPeriod<'_>> {
        let (period, ordinal, text) = self.bare_period(calendar, kind, at)?;
        Some(CurrentPeriod { period, ordinal, end_text: self.text(text) })
    }

    /// Its ordinal alone, which needs no text: every limit of every job asks for it.
    pub(crate) fn ordinal(&self, calendar: u32, kind: PeriodKind, at: Timestamp) -> Option<usize> {
        self.bare_period(calendar, kind, at).map(|(_, ordinal, _)| ordinal)
    }

    fn bare_period(&self, calendar: u32, kind: PeriodKind, at: Timestamp) -> Option<(Period, usize, Text)> {
        let mut edges = self.edges(calendar, kind);
        let mut start = edges.next()?;
        if at < start.at {
            return None;
        }
        for (ordinal, end) in edges.enumerate() {
            if at < end.at {
                return Some((Period { start: start.at, end: end.at }, ordinal, end.text));
            }
            start = end;
        }
        None
    }

    /// The seconds of the longest known period of `kind` that begins after the one `at` falls into; 0 where none is.
    pub fn longest_after(&self, calendar: u32, kind: PeriodKind, at: Timestamp) -> u64 {
        let mut edges = self.edges(calendar, kind).map(|edge| edge.at).filter(|edge| *edge > at);
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
        self.find(Section::Partitions, |key: Text| self.text_bytes(key).cmp(name.as_bytes()))
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
            default_memory: memory_from(record.default_memory_tag, record.default_memory_mib).unwrap_or(Memory::Unset),
            memory_per_node: record.memory_per_node,
            sockets_per_node: record.sockets_per_node,
            gpus_per_node: record.gpus_per_node,
            cpus_per_gpu: record.cpus_per_gpu,
            memory_per_gpu: record.memory_per_gpu,
            prices: record.prices,
        }
    }

    /// The queue with this QOS, in lower case.
    pub fn queue(&self, qos: &str) -> Option<QueueRef<'_>> {
        self.find(Section::Queues, |key: Text| self.text_bytes(key).cmp(qos.as_bytes()))
            .map(|(_, record)| QueueRef { snapshot: self, record })
    }

    /// Every queue, by QOS.
    pub fn queues(&self) -> impl Iterator<Item = QueueRef<'_>> {
        (0..self.count::<QueueRecord>(Section::Queues))
            .filter_map(|at| self.record(Section::Queues, at))
            .map(|record| QueueRef { snapshot: self, record })
    }

    /// The cost centre with this name, in lower case.
    pub fn cost_center(&self, name: &str) -> Option<CostCenterRef<'_>> {
        self.find(Section::CostCenters, |key: Text| self.text_bytes(key).cmp(name.as_bytes()))
            .map(|(_, record)| CostCenterRef { snapshot: self, record })
    }

    /// Every cost centre, by name.
    pub fn cost_centers(&self) -> impl Iterator<Item = CostCenterRef<'_>> {
        (0..self.count::<CostCenterRecord>(Section::CostCenters))
            .filter_map(|at| self.record(Section::CostCenters, at))
            .map(|record| CostCenterRef { snapshot: self, record })
    }

    /// Whether one of the accounts in a stretch is in the line of the account at `account`; an empty stretch is all.
    pub(super) fn is_in_scope(&self, scope: Span, account: u32) -> bool {
        scope.len == 0
            || self
                .account_line_positions(account)
                .any(|at| self.span::<u32>(Section::Scopes, scope).any(|one| one == at))
    }

    /// The account with this name, in lower case.
    pub fn account(&self, name: &str) -> Option<AccountRef<'_>> {
        self.find(Section::Accounts, |key: Text| self.text_bytes(key).cmp(name.as_bytes()))
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

    /// The same, each with its calendar.
    pub(crate) fn account_line_calendars(&self, at: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.account_line_positions(at).filter_map(|at| {
            Some((at, self.key::<AccountRecord, AccountKey>(Section::Accounts, at as usize)?.calendar))
        })
    }

    /// The position of the account with this name, in lower case.
    pub(crate) fn account_position(&self, name: &str) -> Option<u32> {
        let found =
            self.find::<AccountRecord, Text>(Section::Accounts, |key| self.text_bytes(key).cmp(name.as_bytes()));
        found.and_then(|(at, _)| u32::try_from(at).ok())
    }

    /// The name of the account at this position.
    pub(crate) fn account_name(&self, at: u32) -> Option<&str> {
        self.key::<AccountRecord, AccountKey>(Section::Accounts, at as usize).map(|key| self.text(key.name))
    }

    fn account_of(&self, at: usize, record: AccountRecord) -> AccountRef<'_> {
        AccountRef {
            position: u32::try_from(at).unwrap_or(u32::MAX),
            name: self.text(record.name),
            parent: record.parent,
            calendar: record.calendar,
            cost_center: self.text(record.cost_center),
            lines: LinesRef { snapshot: self, span: record.lines },
            storage: StorageRef { snapshot: self, span: record.storage },
        }
    }

    /// The person with this uid.
    pub fn person(&self, uid: u32) -> Option<PersonRef<'_>> {
        self.find_number(Section::People, uid).map(|(at, record)| PersonRef { snapshot: self, position: at, record })
    }

    /// The person with this POSIX name.
    pub fn person_named(&self, name: &str) -> Option<PersonRef<'_>> {
        let (_, position) = self.find::<u32, u32>(Section::Names, |position| {
            let person = self.key::<PersonRecord, PersonKey>(Section::People, position as usize);
            person.map(|person| self.text_bytes(person.name)).unwrap_or_default().cmp(name.as_bytes())
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
        self.job_positions(id)
            .filter_map(|at| self.record(Section::Jobs, at as usize))
            .map(|record| self.live_job_of(record))
    }

    fn live_job_of(&self, record: JobRecord) -> LiveJobRef<'_> {
        LiveJobRef {
            job_id: record.job_id,
            uid: record.uid,
            account: self.text(record.account),
            partition: self.text(record.partition),
            qos: self.text(record.qos),
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
                memory: memory_from(record.memory_tag, record.memory_mib).unwrap_or(Memory::Unset),
                whole_nodes: record.whole_nodes,
                one_per_core: record.one_per_core,
                open_ended: record.open_ended,
                gpus: record.gpus,
                gpus_by: GpusBy::Job,
                cpus_per_gpu: record.cpus_per_gpu,
                memory_per_gpu: Some(record.memory_per_gpu).filter(|mib| *mib > 0),
                either_memory: record.either_memory,
            },
        }
    }
}
