//! What the model counts, in its own numbers: amounts of each thing at one instant, and what an hour of them costs.

/// How many things are counted.
pub(crate) const THINGS: usize = 7;

/// The names by which things are reported, in the order of [`Amounts`].
pub(crate) const NAMES: [&str; THINGS] = ["cpu", "gpu", "memory", "node", "money", "a100", "h100"];

/// Positions in [`Amounts`].
pub(crate) const CPU: usize = 0;
/// GPUs of any type.
pub(crate) const GPU: usize = 1;
/// MiB.
pub(crate) const MEMORY: usize = 2;
/// Nodes.
pub(crate) const NODE: usize = 3;
/// The price of an hour, in millionths.
pub(crate) const MONEY: usize = 4;
/// The first type of GPU; the others follow.
pub(crate) const TYPED: usize = 5;

/// The types of GPU.
pub(crate) const GPU_TYPES: [&str; 2] = ["a100", "h100"];

/// One amount of each thing.
pub(crate) type Amounts = [u64; THINGS];

/// What an hour costs in a partition, in millionths: a CPU, a GiB, a node, a GPU of each type.
struct Rates {
    cpu: u64,
    gib: u64,
    node: u64,
    gpu: [u64; GPU_TYPES.len()],
}

/// `policy.toml`'s prices, and below what the model makes of them. All divide evenly, so that nothing is rounded.
pub(crate) const PRICES: &str = "
[prices]
currency = \"EUR\"
cpu-hour = \"0.010240\"
memory-gb-hour = \"0.002048\"
node-hour = \"0.020480\"
gpu-hour = \"0.512000\"
h100-gpu-hour = \"2.048000\"
[prices.partition.free]
cpu-hour = 0
memory-gb-hour = 0
node-hour = 0
[prices.partition.long]
memory-gb-hour = \"0.008192\"
";

/// Queues that multiply the price, with their factors in quarters; the first is the one of jobs that name none.
pub(crate) const QUEUES: [(&str, u64); 3] = [("normal", 4), ("high", 10), ("low", 1)];

/// [`QUEUES`] as `policy.toml` has them.
pub(crate) fn queues() -> String {
    QUEUES
        .map(|(name, quarters)| {
            let (whole, part) = (quarters / 4, quarters % 4 * 25);
            format!(
                "\n[[queue]]\nname = \"{name}\"\ncharge-factor = \"{whole}.{part:02}\"\ndefault = {}\n",
                name == "normal"
            )
        })
        .concat()
}

/// What an hour of `held` costs in a partition and a queue.
pub(crate) fn price(held: &Amounts, partition: &str, queue: usize) -> u64 {
    let rates = match partition {
        "free" => Rates { cpu: 0, gib: 0, node: 0, gpu: [512_000, 2_048_000] },
        "long" => Rates { cpu: 10_240, gib: 8_192, node: 20_480, gpu: [512_000, 2_048_000] },
        _ => Rates { cpu: 10_240, gib: 2_048, node: 20_480, gpu: [512_000, 2_048_000] },
    };
    let gpus: u64 = rates.gpu.iter().zip(&held[TYPED..]).map(|(price, count)| price * count).sum();
    let sum = held[CPU] * rates.cpu + held[MEMORY] * rates.gib / 1_024 + held[NODE] * rates.node + gpus;
    sum * QUEUES[queue].1 / 4
}
