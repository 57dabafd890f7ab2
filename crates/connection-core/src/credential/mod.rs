//! The credential of a connection: its sealed form, reading and opening it, replacing it, and the services for plugin
//! code that runs on it.

mod hot;
pub(crate) mod named_secrets;
mod open;
mod payload;
mod previous_mark;
pub(crate) mod replace;
mod services;

pub(crate) use hot::{HotRow, HotRows, ReadConnection, Stored};
pub(crate) use open::{Opened, Read, ShownConnection, open, open_read, read, unreadable};
pub(crate) use payload::Payload;
pub(crate) use previous_mark::Previous;
pub(crate) use services::{HostServices, Subject};
