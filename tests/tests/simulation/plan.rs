//! What people will do: every submission with its fate, laid out before anything happens.

use bursar_agent::accounting::Calendar;
use bursar_policy::Timestamp;
use bursar_policy::job::{GpuAsk, Memory, Request, Shape, TimeLimit};

use super::random::Random;
use super::site::{ACCOUNTS, FIRST_UID, PEOPLE, Site};
use super::things::{GPU_TYPES, QUEUES};

/// By what GPUs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GpuPlace {
    /// `--gpus`.
    Job,
    /// `--gres`, `--gpus-per-node`.
    Node,
    /// `--gpus-per-socket`, which goes with `--sockets-per-node`.
    Socket,
    /// `--gpus-per-task`.
    Task,
}

/// GPUs that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GpuWish {
    /// By what.
    pub(crate) place: GpuPlace,
    /// Of which type.
    pub(crate) of: Option<usize>,
    /// How many.
    pub(crate) count: u32,
    /// `--sockets-per-node`, where sockets matter.
    pub(crate) sockets: u32,
    /// `--cpus-per-gpu`.
    pub(crate) cpus: Option<u32>,
    /// `--mem-per-gpu`, in MiB.
    pub(crate) memory: Option<u64>,
}

impl GpuWish {
    /// As sbatch of one release or the other writes it.
    pub(crate) fn text(&self) -> String {
        let (count, of) = (self.count, self.of.map(|of| GPU_TYPES[of]));
        match (of, self.count.is_multiple_of(2)) {
            (None, true) => format!("gres/gpu={count}"),
            (None, false) => format!("gres:gpu:{count}"),
            (Some(of), true) => format!("gres/gpu:{of}={count}"),
            (Some(of), false) => format!("gres:gpu:{of}:{count}"),
        }
    }

    /// What each of them brings, likewise: CPUs and memory.
    pub(crate) fn brought(&self) -> [Option<String>; 2] {
        [self.cpus.map(|count| format!("gres:gpu:{count}")), self.memory.map(|mib| format!("gres/gpu:{mib}"))]
    }

    /// The same in the place that it stands in.
    pub(crate) fn ask<'t>(&self, text: &'t str, brought: &'t [Option<String>; 2]) -> GpuAsk<'t> {
        let [cpus_per_gpu, memory_per_gpu] = brought.each_ref().map(Option::as_deref);
        let (text, none) = (Some(text), GpuAsk { cpus_per_gpu, memory_per_gpu, ..GpuAsk::default() });
        match self.place {
            GpuPlace::Job => GpuAsk { per_job: text, ..none },
            GpuPlace::Node => GpuAsk { per_node: text, ..none },
            GpuPlace::Socket => GpuAsk { per_socket: text, ..none },
            GpuPlace::Task => GpuAsk { per_task: text, ..none },
        }
    }

    /// How many slurmctld reckons with while the job waits: those of the least nodes and the tasks that were named.
    pub(crate) fn requested(&self, ask: &Ask) -> u64 {
        let factor = match self.place {
            GpuPlace::Job => 1,
            GpuPlace::Node => ask.least_nodes(),
            GpuPlace::Socket => ask.least_nodes() * self.sockets,
            GpuPlace::Task => ask.tasks.unwrap_or(1),
        };
        u64::from(self.count * factor)
    }
}

/// What is asked for, in sbatch's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ask {
    /// `-n`.
    pub(crate) tasks: Option<u32>,
    /// `-c`.
    pub(crate) cpus_per_task: Option<u32>,
    /// `-N a-b`.
    pub(crate) nodes: Option<(u32, u32)>,
    /// `--mincpus`.
    pub(crate) min_cpus_per_node: Option<u32>,
    /// `--exclusive`.
    pub(crate) exclusive: bool,
    /// `--mem`, `--mem-per-cpu`.
    pub(crate) memory: Memory,
    /// GPUs.
    pub(crate) gpus: Option<GpuWish>,
}

impl Ask {
    /// The least nodes.
    pub(crate) fn least_nodes(&self) -> u32 {
        self.nodes.map_or(1, |(least, _)| least)
    }

    /// Tasks as slurmctld fills them in.
    pub(crate) fn task_count(&self) -> u32 {
        self.tasks.unwrap_or(1).max(self.least_nodes())
    }

    /// `min_cpus` as sbatch sends it.
    pub(crate) fn min_cpus(&self) -> u32 {
        (self.task_count() * self.cpus_per_task.unwrap_or(1)).max(self.least_nodes())
    }

    /// The most nodes without `-N`: one for each task, or for each GPU of the whole job.
    pub(crate) fn spread(&self) -> u32 {
        self.task_count().max(self.forced_nodes())
    }

    /// The nodes that the plugin's own reading of the request reckons with because of GPUs.
    pub(crate) fn forced_nodes(&self) -> u32 {
        match self.gpus {
            Some(GpuWish { place: GpuPlace::Job, count, .. }) if self.nodes.is_none() => count,
            _ => 0,
        }
    }

    /// The shape that the plugin sees.
    pub(crate) fn shape(&self) -> Shape {
        let place = self.gpus.map(|wish| wish.place);
        let forced = self.forced_nodes();
        Shape {
            min_cpus: self.min_cpus(),
            min_nodes: self.nodes.map(|(least, _)| least).or((forced > 0).then_some(forced)),
            max_nodes: self.nodes.map(|(_, most)| most),
            tasks: self.tasks,
            cpus_per_task: self.cpus_per_task,
            cpus_per_node: self.min_cpus_per_node,
            whole_nodes: self.exclusive,
            memory: self.memory,
            open_ended: place == Some(GpuPlace::Socket) || place == Some(GpuPlace::Task) && self.tasks.is_none(),
            ..Shape::default()
        }
    }
}

/// What slurmctld does with a job that the plugin has let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is created after this many seconds.
    Created(u64),
    /// It is refused after all.
    Refused,
    /// It was only `--test-only`.
    TestOnly,
}

/// One job, or one component of a heterogeneous one.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// `-A`; `None` is the person's default account.
    pub(crate) account: Option<usize>,
    /// `-p`, positions in the cluster's partitions; empty is none named.
    pub(crate) partitions: Vec<usize>,
    /// `-t` in minutes.
    pub(crate) minutes: Option<u32>,
    /// The CPUs.
    pub(crate) ask: Ask,
    /// `--array=1-N`.
    pub(crate) array: Option<u32>,
    /// `--begin`, seconds after the submission.
    pub(crate) begin: Option<u64>,
    /// `-q`, a position among the queues; `None` is the default one.
    pub(crate) queue: Option<usize>,
}

/// The texts of a part's request.
pub(crate) struct Texts {
    partition: Option<String>,
    array: Option<String>,
    gpus: Option<String>,
    brought: [Option<String>; 2],
}

/// One call of sbatch.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Its number; its random stream hangs on it.
    pub(crate) number: usize,
    /// When.
    pub(crate) at: Timestamp,
    /// By whom: a position among the people.
    pub(crate) person: usize,
    /// The jobs: one, or a heterogeneous job's components.
    pub(crate) parts: Vec<Part>,
    /// What becomes of it.
    pub(crate) fate: Fate,
}

impl Plan {
    /// The texts of one part.
    pub(crate) fn texts(site: &Site, part: &Part) -> Texts {
        let names: Vec<&str> = part.partitions.iter().map(|at| site.cluster.partitions[*at].name.as_str()).collect();
        Texts {
            partition: (!names.is_empty()).then(|| names.join(",")),
            array: part.array.map(|tasks| format!("1-{tasks}")),
            gpus: part.ask.gpus.map(|wish| wish.text()),
            brought: part.ask.gpus.map(|wish| wish.brought()).unwrap_or_default(),
        }
    }

    /// The request of one part as the plugin gets it.
    pub(crate) fn request<'a>(&self, part: &Part, texts: &'a Texts) -> Request<'a> {
        Request {
            uid: FIRST_UID + self.person as u32,
            account: part.account.map(|at| ACCOUNTS[at].0),
            partition: texts.partition.as_deref(),
            time_limit: part.minutes.map_or(TimeLimit::Unset, TimeLimit::Minutes),
            begin_at: part.begin.map(|seconds| self.at.plus(seconds)),
            array: texts.array.as_deref(),
            shape: part.ask.shape(),
            gpus: part
                .ask
                .gpus
                .zip(texts.gpus.as_deref())
                .map_or_else(GpuAsk::default, |(wish, text)| wish.ask(text, &texts.brought)),
            qos: part.queue.map(|queue| QUEUES[queue].0),
            ..Request::default()
        }
    }
}

/// The submissions of one simulation: bursts at any time, and often around the ends of periods.
pub(crate) fn plans(site: &Site, seed: u64, from: Timestamp, to: Timestamp, count: usize) -> Vec<Plan> {
    let mut random = Random::of(seed, 2);
    let mut plans = Vec::new();
    while plans.len() < count {
        let start = burst_start(&site.calendar, &mut random, from, to);
        let size = random.magnitude(1, 80);
        let spread = random.pick(&[0, 5, 30, 120, 600]);
        let alone = random.chance(50).then(|| random.between(0, PEOPLE as u64 - 1) as usize);
        for _ in 0..size {
            let at = start.plus(random.between(0, spread));
            let person = alone.unwrap_or_else(|| random.between(0, PEOPLE as u64 - 1) as usize);
            plans.push((at, plan(site, &mut random, at, person)));
        }
    }
    plans.truncate(count);
    plans.sort_by_key(|(at, _)| *at);
    plans.into_iter().enumerate().map(|(number, (_, plan))| Plan { number, ..plan }).collect()
}

fn burst_start(calendar: &Calendar, random: &mut Random, from: Timestamp, to: Timestamp) -> Timestamp {
    let at = from.plus(random.between(0, to.seconds_since(from)));
    if !random.chance(30) {
        return at;
    }
    let kind = random.pick(&super::site::KINDS);
    let edge = calendar.period(kind, at).expect("an instant of the calendar").end;
    Timestamp(edge.0 - 150 + random.between(0, 200) as i64)
}

fn plan(site: &Site, random: &mut Random, at: Timestamp, person: usize) -> Plan {
    let parts = if random.chance(7) { random.between(2, 3) } else { 1 };
    let het = parts > 1;
    let parts = (0..parts).map(|_| part(site, random, person, het)).collect();
    let fate = match random.between(0, 99) {
        0..4 => Fate::Refused,
        4..7 => Fate::TestOnly,
        _ => Fate::Created(random.pick(&[0, 0, 0, 1, 1, 2, 3])),
    };
    Plan { number: 0, at, person, parts, fate }
}

fn part(site: &Site, random: &mut Random, person: usize, het: bool) -> Part {
    let granted = &site.granted[person];
    let account = match random.between(0, 9) {
        0..4 => None,
        4 => Some(random.between(0, ACCOUNTS.len() as u64 - 1) as usize),
        _ => Some(random.pick(granted)),
    };
    let ask = ask(random);
    let partitions = match random.between(0, 19) {
        _ if ask.gpus.is_some() && random.chance(90) => random.pick(&[&[4][..], &[4], &[4, 0], &[2, 4]]).to_vec(),
        0..10 => vec![],
        10..13 => vec![0],
        13..15 => vec![1],
        15..17 => vec![2],
        17 => vec![0, 1],
        18 => random.pick(&[[2, 0], [0, 4], [4, 1]]).to_vec(),
        _ => vec![3],
    };
    let minutes = (!random.chance(12)).then(|| random.magnitude(1, 600) as u32);
    let array = (!het && random.chance(12)).then(|| random.magnitude(2, 30) as u32);
    let begin = random.chance(10).then(|| random.magnitude(30, 3 * 86_400));
    let queue = random.chance(35).then(|| random.between(0, QUEUES.len() as u64 - 1) as usize);
    Part { account, partitions, minutes, ask, array, begin, queue }
}

/// GPUs as somebody might ask for them.
pub(crate) fn gpu_wish(random: &mut Random) -> GpuWish {
    let place = random.pick(&[GpuPlace::Job, GpuPlace::Node, GpuPlace::Node, GpuPlace::Socket, GpuPlace::Task]);
    let of = random.chance(50).then(|| random.between(0, GPU_TYPES.len() as u64 - 1) as usize);
    let cpus = random.chance(25).then(|| random.magnitude(1, 6) as u32);
    let memory = random.chance(20).then(|| random.magnitude(500, 40_000));
    let (count, sockets) = (random.magnitude(1, 4) as u32, random.between(1, 2) as u32);
    GpuWish { place, of, count, sockets, cpus, memory }
}

/// Memory as somebody might ask for it.
pub(crate) fn memory(random: &mut Random) -> Memory {
    match random.between(0, 9) {
        0 => Memory::PerNode(0),
        1..6 => Memory::PerNode(random.magnitude(200, 60_000)),
        _ => Memory::PerCpu(random.magnitude(100, 6_000)),
    }
}

fn ask(random: &mut Random) -> Ask {
    let some = |random: &mut Random, percent, most| random.chance(percent).then(|| random.magnitude(1, most) as u32);
    let nodes = random.chance(15).then(|| {
        let least = random.magnitude(1, 3) as u32;
        (least, least + random.between(0, 2) as u32)
    });
    let mut ask = Ask {
        tasks: some(random, 50, 12),
        cpus_per_task: some(random, 25, 5),
        nodes,
        min_cpus_per_node: some(random, 5, 4),
        exclusive: random.chance(4),
        memory: if random.chance(35) { memory(random) } else { Memory::Unset },
        gpus: random.chance(25).then(|| gpu_wish(random)),
    };
    // Slurm takes what GPUs bring or what is asked for besides, not both.
    if let Some(wish) = ask.gpus {
        ask.cpus_per_task = ask.cpus_per_task.filter(|_| wish.cpus.is_none());
        ask.memory = if wish.memory.is_some() { Memory::Unset } else { ask.memory };
    }
    // sbatch refuses GPUs by task where no tasks are named.
    if ask.gpus.is_some_and(|wish| wish.place == GpuPlace::Task) && ask.tasks.is_none() {
        ask.tasks = Some(random.magnitude(1, 4) as u32);
    }
    ask
}
