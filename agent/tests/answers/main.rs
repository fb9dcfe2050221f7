//! What bursard answers, asked of a real store and, where it matters who asks, over a real socket.

mod changes;
mod charges;
mod check;
mod explained;
mod fared;
mod fields;
mod imports;
mod peers;
mod queues;
mod real;
mod rights;
mod stored;
mod sums;
mod told;
mod world;
