//! Lays contents out as the bytes of a snapshot file.

use std::collections::HashMap;
use std::fmt;

use super::contents::{Contents, Governs, OverStorage, Person, Window, memory_parts};
use super::layout::{
    AccountRecord, AssociationRecord, BODY_AT, CHECKSUM_AT, COVERED_FROM, CalendarRecord, CostCenterRecord, EdgeRecord,
    FORMAT, GrantRecord, GroupRecord, HeadRecord, HomeRecord, JobRecord, LineRecord, MAGIC, OpeningRecord,
    PartitionRecord, PersonRecord, QueueRecord, RecentRecord, SECTIONS, Section, StorageRecord, TABLE_AT, WindowRecord,
};
use super::wire::{Span, Text, Wire};
use crate::limit::Line;
use crate::role::Role;
use crate::tres::GPU_TYPES;
use crate::window::Outside;

/// Why contents cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodeError {
    /// More than 2^32 - 1 of something, or as many bytes of text.
    TooLarge,
    /// A position that points outside its list; the text says whose.
    Dangling(String),
    /// Two of the same key; the text says which.
    Twice(String),
    /// The account's line of parents never ends.
    Cycle(String),
    /// Openings of this window that do not ascend.
    Openings(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the snapshot would be too large"),
            Self::Dangling(whose) => write!(f, "{whose} refers to something that is not in the snapshot"),
            Self::Twice(what) => write!(f, "{what} stands twice in the snapshot"),
            Self::Cycle(account) => write!(f, "account {account} is its own ancestor"),
            Self::Openings(window) => write!(f, "the openings of window {window} do not ascend"),
        }
    }
}

impl std::error::Error for EncodeError {}

/// The bytes of the snapshot file that holds `contents`.
pub fn encode(contents: &Contents) -> Result<Vec<u8>, EncodeError> {
    let mut writer = Writer::default();
    let accounts = AccountOrder::of(contents)?;
    writer.head(contents)?;
    writer.calendars(contents)?;
    writer.partitions(contents)?;
    writer.queues(contents, &accounts)?;
    writer.accounts(contents, &accounts)?;
    writer.people(contents, &accounts)?;
    writer.recent(contents, &accounts)?;
    writer.jobs(contents)?;
    for window in &contents.windows {
        writer.window(window, &accounts)?;
    }
    writer.finish()
}

/// Accounts are written by name, so positions change.
struct AccountOrder {
    by_name: Vec<usize>,
    written_at: Vec<u32>,
}

impl AccountOrder {
    fn of(contents: &Contents) -> Result<Self, EncodeError> {
        let accounts = &contents.accounts;
        let mut by_name: Vec<usize> = (0..accounts.len()).collect();
        by_name.sort_by_key(|&at| accounts.get(at).map(|account| account.name.as_str()));
        let mut written_at = vec![0; accounts.len()];
        for (new, &old) in by_name.iter().enumerate() {
            if let Some(slot) = written_at.get_mut(old) {
                *slot = small(new)?;
            }
        }
        let mut previous: Option<&str> = None;
        for account in by_name.iter().filter_map(|&at| accounts.get(at)) {
            if previous == Some(&account.name) {
                return Err(EncodeError::Twice(format!("account {}", account.name)));
            }
            previous = Some(&account.name);
            let mut above = account.parent;
            let mut steps = 0;
            while let Some(parent) = above {
                let parent = accounts
                    .get(parent as usize)
                    .ok_or_else(|| EncodeError::Dangling(format!("account {}", account.name)))?;
                above = parent.parent;
                steps += 1;
                if steps > accounts.len() {
                    return Err(EncodeError::Cycle(account.name.clone()));
                }
            }
        }
        Ok(Self { by_name, written_at })
    }

    fn position(&self, old: Option<u32>, whose: &str) -> Result<Option<u32>, EncodeError> {
        old.map(|old| self.written_at.get(old as usize).copied().ok_or_else(|| EncodeError::Dangling(whose.to_owned())))
            .transpose()
    }
}

#[derive(Default)]
struct Writer {
    sections: [Vec<u8>; SECTIONS],
    strings: HashMap<String, Text>,
}

impl Writer {
    fn section(&mut self, section: Section) -> &mut Vec<u8> {
        // The array has one place per section, so the last is only ever chosen for the last.
        let [first @ .., last] = &mut self.sections;
        first.get_mut(section as usize).unwrap_or(last)
    }

    fn put(&mut self, section: Section, record: &impl Wire) {
        record.put(self.section(section));
    }

    /// Equal texts are written once: most people share a shell, many grants an end.
    fn text(&mut self, text: &str) -> Result<Text, EncodeError> {
        if let Some(known) = self.strings.get(text) {
            return Ok(*known);
        }
        let heap = self.section(Section::Strings);
        let place = Text { at: small(heap.len())?, len: small(text.len())? };
        heap.extend_from_slice(text.as_bytes());
        small(heap.len())?;
        self.strings.insert(text.to_owned(), place);
        Ok(place)
    }

    fn span<R: Wire>(&mut self, section: Section, len: usize) -> Result<Span, EncodeError> {
        Ok(Span { first: small(self.section(section).len() / R::SIZE)?, len: small(len)? })
    }

    fn calendars(&mut self, contents: &Contents) -> Result<(), EncodeError> {
        for calendar in &contents.calendars {
            let mut record = CalendarRecord { kinds: Default::default() };
            for (span, edges) in record.kinds.iter_mut().zip(calendar) {
                *span = self.span::<EdgeRecord>(Section::Edges, edges.len())?;
                for edge in edges {
                    let text = self.text(&edge.text)?;
                    self.put(Section::Edges, &EdgeRecord { at: edge.at, text });
                }
            }
            self.put(Section::Calendars, &record);
        }
        Ok(())
    }

    fn lines(&mut self, lines: &[Line]) -> Result<Span, EncodeError> {
        let span = self.span::<LineRecord>(Section::Lines, lines.len())?;
        for line in lines {
            let Line { measure, limit, used, in_flight, next, total } = *line;
            self.put(Section::Lines, &LineRecord { measure, limit, used, in_flight, next, total });
        }
        Ok(span)
    }

    fn storage(&mut self, all: &[OverStorage]) -> Result<Span, EncodeError> {
        let span = self.span::<StorageRecord>(Section::Storage, all.len())?;
        for over in all {
            let place = self.text(&over.place)?;
            let record = StorageRecord { place, used: over.used, limit: over.limit, refuses: over.refuses };
            self.put(Section::Storage, &record);
        }
        Ok(span)
    }

    fn scopes(&mut self, accounts: &[u32], order: &AccountOrder, whose: &str) -> Result<Span, EncodeError> {
        let span = self.span::<u32>(Section::Scopes, accounts.len())?;
        for &account in accounts {
            let position = order.position(Some(account), whose)?;
            self.put(Section::Scopes, &position);
        }
        Ok(span)
    }

    fn queues(&mut self, contents: &Contents, order: &AccountOrder) -> Result<(), EncodeError> {
        let mut sorted: Vec<_> = contents.queues.iter().collect();
        sorted.sort_by_key(|queue| &queue.qos);
        let mut previous = None;
        for queue in sorted {
            if previous == Some(&queue.qos) {
                return Err(EncodeError::Twice(format!("the queue with QOS {}", queue.qos)));
            }
            previous = Some(&queue.qos);
            let bits = Role::ALL.iter().zip(0..).filter(|(role, _)| queue.roles.contains(role));
            let record = QueueRecord {
                qos: self.text(&queue.qos)?,
                name: self.text(&queue.name)?,
                default: queue.default,
                roles: bits.fold(0, |all, (_, at)| all | 1_u8 << at),
                accounts: self.scopes(&queue.accounts, order, &queue.name)?,
                factor: queue.factor,
                max_minutes: queue.max_minutes,
                caps: self.lines(&queue.caps)?,
            };
            self.put(Section::Queues, &record);
        }
        let mut sorted: Vec<_> = contents.cost_centers.iter().collect();
        sorted.sort_by_key(|center| &center.name);
        let mut previous = None;
        for center in sorted {
            if previous == Some(&center.name) {
                return Err(EncodeError::Twice(format!("cost centre {}", center.name)));
            }
            previous = Some(&center.name);
            let accounts = self.scopes(&center.accounts, order, &center.name)?;
            let name = self.text(&center.name)?;
            self.put(Section::CostCenters, &CostCenterRecord { name, accounts });
        }
        Ok(())
    }

    fn head(&mut self, contents: &Contents) -> Result<(), EncodeError> {
        if contents.gpu_types.len() > GPU_TYPES {
            return Err(EncodeError::TooLarge);
        }
        for name in &contents.gpu_types {
            let name = self.text(name)?;
            self.put(Section::GpuTypes, &name);
        }
        let header = &contents.header;
        let facts = &contents.facts;
        let head = HeadRecord {
            kind: header.kind,
            generation: header.generation,
            made_at: header.made_at,
            as_of: header.as_of,
            hard_limit: header.hard_limit,
            last_known: header.last_known,
            notice: header.notice,
            cluster: self.text(&header.cluster)?,
            contact: self.text(&header.contact)?,
            granule: facts.granule,
            threads_per_core: facts.threads_per_core,
            whole_nodes: facts.whole_nodes,
            one_task_per_core: facts.one_task_per_core,
            slack: facts.slack,
            running_limit_refuses: facts.running_limit_refuses,
            tells_cost: facts.tells_cost,
            cost_centers: facts.cost_centers,
            currency: self.text(&header.currency)?,
        };
        self.put(Section::Head, &head);
        Ok(())
    }

    fn partitions(&mut self, contents: &Contents) -> Result<(), EncodeError> {
        let mut sorted: Vec<_> = contents.partitions.iter().collect();
        sorted.sort_by_key(|partition| &partition.name);
        for partition in sorted {
            let (default_memory_tag, default_memory_mib) = memory_parts(partition.default_memory);
            let record = PartitionRecord {
                name: self.text(&partition.name)?,
                default: partition.default,
                whole_nodes: partition.whole_nodes,
                default_minutes: partition.default_minutes,
                max_minutes: partition.max_minutes,
                over_minutes: partition.over_minutes,
                max_nodes: partition.max_nodes,
                cpus_per_node: partition.cpus_per_node,
                max_mem_per_cpu: partition.max_mem_per_cpu,
                default_memory_tag,
                default_memory_mib,
                memory_per_node: partition.memory_per_node,
                sockets_per_node: partition.sockets_per_node,
                gpus_per_node: partition.gpus_per_node,
                cpus_per_gpu: partition.cpus_per_gpu,
                memory_per_gpu: partition.memory_per_gpu,
                prices: partition.prices,
            };
            self.put(Section::Partitions, &record);
        }
        Ok(())
    }

    fn accounts(&mut self, contents: &Contents, order: &AccountOrder) -> Result<(), EncodeError> {
        for account in order.by_name.iter().filter_map(|&at| contents.accounts.get(at)) {
            let record = AccountRecord {
                name: self.text(&account.name)?,
                parent: order.position(account.parent, &account.name)?,
                calendar: contents
                    .calendars
                    .get(account.calendar as usize)
                    .map(|_| account.calendar)
                    .ok_or_else(|| EncodeError::Dangling(format!("account {}", account.name)))?,
                lines: self.lines(&account.lines)?,
                cost_center: self.text(&account.cost_center)?,
                storage: self.storage(&account.storage)?,
            };
            self.put(Section::Accounts, &record);
        }
        Ok(())
    }

    fn people(&mut self, contents: &Contents, order: &AccountOrder) -> Result<(), EncodeError> {
        let people = &contents.people;
        let mut by_uid: Vec<usize> = (0..people.len()).collect();
        by_uid.sort_by_key(|&at| people.get(at).map(|person| person.uid));
        let mut written_at: Vec<u32> = vec![0; people.len()];
        let mut by_name = Vec::with_capacity(people.len());
        let mut previous = None;
        for (new, &old) in by_uid.iter().enumerate() {
            let Some(person) = people.get(old) else { continue };
            if previous == Some(person.uid) {
                return Err(EncodeError::Twice(format!("uid {}", person.uid)));
            }
            previous = Some(person.uid);
            let position = small(new)?;
            if let Some(slot) = written_at.get_mut(old) {
                *slot = position;
            }
            by_name.push((person.name.as_str(), position));
            let associations = self.associations(person, order)?;
            // The grants' own lines first: a span is of records that stand together.
            let mut lines_of_grants = Vec::with_capacity(person.grants.len());
            for grant in &person.grants {
                lines_of_grants.push(self.lines(&grant.lines)?);
            }
            let grants = self.span::<GrantRecord>(Section::Grants, person.grants.len())?;
            for (grant, lines) in person.grants.iter().zip(lines_of_grants) {
                let record = GrantRecord {
                    id: grant.id,
                    role: grant.role,
                    account: order.position(grant.account, &person.name)?,
                    from: grant.from,
                    until: grant.until,
                    revoked: grant.revoked,
                    until_text: self.text(&grant.until_text)?,
                    lines,
                    lifts: grant.lifts,
                };
                self.put(Section::Grants, &record);
            }
            let record = PersonRecord {
                uid: person.uid,
                gid: person.gid,
                name: self.text(&person.name)?,
                state: person.state,
                kind: person.kind,
                default_account: order.position(person.default_account, &person.name)?,
                lines: self.lines(&person.lines)?,
                associations,
                storage: self.storage(&person.storage)?,
                grants,
            };
            self.put(Section::People, &record);
            if let Some(home) = &person.home {
                let keys = self.span::<Text>(Section::Keys, home.keys.len())?;
                for key in &home.keys {
                    let key = self.text(key)?;
                    self.put(Section::Keys, &key);
                }
                let record = HomeRecord {
                    gecos: self.text(&home.gecos)?,
                    directory: self.text(&home.directory)?,
                    shell: self.text(&home.shell)?,
                    keys,
                };
                self.put(Section::Homes, &record);
            }
        }
        by_name.sort_unstable();
        let mut previous = None;
        for (name, position) in by_name {
            if previous == Some(name) {
                return Err(EncodeError::Twice(format!("the name {name}")));
            }
            previous = Some(name);
            self.put(Section::Names, &position);
        }
        for group in &contents.groups {
            let members = self.span::<u32>(Section::Members, group.members.len())?;
            for &member in &group.members {
                let position = written_at
                    .get(member as usize)
                    .ok_or_else(|| EncodeError::Dangling(format!("group {}", group.name)))?;
                self.put(Section::Members, position);
            }
            let record = GroupRecord { gid: group.gid, name: self.text(&group.name)?, members };
            self.put(Section::Groups, &record);
        }
        Ok(())
    }

    fn associations(&mut self, person: &Person, order: &AccountOrder) -> Result<Span, EncodeError> {
        let mut records = Vec::with_capacity(person.associations.len());
        for association in &person.associations {
            let account = order
                .position(Some(association.account), &person.name)?
                .ok_or_else(|| EncodeError::Dangling(person.name.clone()))?;
            records.push(AssociationRecord { account, lines: self.lines(&association.lines)? });
        }
        records.sort_by_key(|record| record.account);
        if records.windows(2).any(|pair| matches!(pair, [a, b] if a.account == b.account)) {
            return Err(EncodeError::Twice(format!("an account of {}", person.name)));
        }
        let span = self.span::<AssociationRecord>(Section::Associations, records.len())?;
        for record in &records {
            self.put(Section::Associations, record);
        }
        Ok(span)
    }

    fn recent(&mut self, contents: &Contents, order: &AccountOrder) -> Result<(), EncodeError> {
        for job in &contents.recent {
            let account = order.position(job.account, "a recent job")?;
            let record = RecentRecord { job_id: job.job_id, uid: job.uid, account, submitted: job.submitted };
            self.put(Section::Recent, &record);
        }
        Ok(())
    }

    fn jobs(&mut self, contents: &Contents) -> Result<(), EncodeError> {
        let mut sorted: Vec<_> = contents.jobs.iter().collect();
        sorted.sort_by_key(|job| job.job_id);
        for job in sorted {
            let (memory_tag, memory_mib) = memory_parts(job.shape.memory);
            let record = JobRecord {
                job_id: job.job_id,
                array_job_id: job.array_job_id,
                uid: job.uid,
                account: self.text(&job.account)?,
                partition: self.text(&job.partition)?,
                qos: self.text(&job.qos)?,
                running: job.running,
                begin_at: job.begin_at,
                minutes: job.minutes,
                tasks: job.tasks,
                min_cpus: job.shape.min_cpus,
                min_nodes: job.shape.min_nodes,
                max_nodes: job.shape.max_nodes,
                shape_tasks: job.shape.tasks,
                cpus_per_task: job.shape.cpus_per_task,
                tasks_per_node: job.shape.tasks_per_node,
                cpus_per_node: job.shape.cpus_per_node,
                memory_tag,
                memory_mib,
                whole_nodes: job.shape.whole_nodes,
                one_per_core: job.shape.one_per_core,
                open_ended: job.shape.open_ended,
                gpus: job.shape.gpus,
                cpus_per_gpu: job.shape.cpus_per_gpu,
                memory_per_gpu: job.shape.memory_per_gpu.unwrap_or(0),
                either_memory: job.shape.either_memory,
            };
            self.put(Section::Jobs, &record);
        }
        Ok(())
    }

    /// One record for each of those whose work it governs; they share the openings.
    fn window(&mut self, window: &Window, order: &AccountOrder) -> Result<(), EncodeError> {
        let apart = |pair: &[super::contents::Opening]| matches!(pair, [a, b] if a.period.end < b.period.start);
        let sound = window.openings.iter().all(|opening| opening.period.start < opening.period.end);
        if !sound || !window.openings.windows(2).all(apart) {
            return Err(EncodeError::Openings(window.name.clone()));
        }
        let openings = self.span::<OpeningRecord>(Section::Openings, window.openings.len())?;
        for opening in &window.openings {
            let record = OpeningRecord {
                start: opening.period.start,
                end: opening.period.end,
                opens: self.text(&opening.opens)?,
                closes: self.text(&opening.closes)?,
            };
            self.put(Section::Openings, &record);
        }
        for governs in &window.governs {
            let (kind, target, role, account) = match governs {
                Governs::Partition(name) => (0, name.as_str(), Role::Observer, None),
                Governs::Queue(name) => (1, name.as_str(), Role::Observer, None),
                Governs::Role(role) => (2, "", *role, None),
                Governs::Account(at) => (3, "", Role::Observer, order.position(Some(*at), &window.name)?),
            };
            let record = WindowRecord {
                name: self.text(&window.name)?,
                kind,
                target: self.text(target)?,
                role,
                account,
                refuses: window.rule.outside == Outside::Refuse,
                ends_inside: window.rule.ends_inside,
                moves: window.moves,
                known_until: window.known_until,
                openings,
            };
            self.put(Section::Windows, &record);
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, EncodeError> {
        let length = BODY_AT + self.sections.iter().map(Vec::len).sum::<usize>();
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(&MAGIC);
        FORMAT.put(&mut out);
        0_u32.put(&mut out);
        (length as u64).put(&mut out);
        debug_assert_eq!(out.len(), TABLE_AT);
        let mut at = BODY_AT as u64;
        for section in &self.sections {
            at.put(&mut out);
            (section.len() as u64).put(&mut out);
            at += section.len() as u64;
        }
        for section in &self.sections {
            out.extend_from_slice(section);
        }
        let checksum = crc32fast::hash(out.get(COVERED_FROM..).unwrap_or_default());
        if let Some(place) = out.get_mut(CHECKSUM_AT..COVERED_FROM) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
        Ok(out)
    }
}

/// A length or position that fits the file's 32 bits; the very largest means "none".
fn small(number: usize) -> Result<u32, EncodeError> {
    u32::try_from(number).ok().filter(|&number| number < u32::MAX).ok_or(EncodeError::TooLarge)
}
