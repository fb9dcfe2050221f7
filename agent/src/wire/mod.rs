//! How `bursar` and `bursard` speak: one request, one response, over a local stream socket.
//!
//! A frame is a length (`u32`, big-endian) and that many bytes of JSON ([`frame`]). The kernel tells the server who
//! is at the other end ([`Peer`]); what that person may do is the handler's to decide. [`request`] and [`response`]
//! are what travels, [`import`] the parts of a dump, [`table`] the rows in a response, [`server`] and [`client`] the two ends.

pub mod client;
pub mod frame;
pub mod import;
pub mod request;
pub mod response;
pub mod server;
pub mod table;
pub mod values;

pub use client::{ClientError, Deadlines, call};
pub use request::{Change, Explained, Query, Request};
pub use response::Response;
pub use server::{BindError, Handler, Limits, Peer, bind, serve};
pub use table::{Cell, Column, Table};
pub use values::Values;
