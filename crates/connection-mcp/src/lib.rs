//! Messages of the Model Context Protocol (MCP), and the configurations of the programs that use it.
//!
//! # What this crate is not
//!
//! It opens no connection to a network and holds no credential: a trait stands for the remote server.
//!
//! # Stability
//!
//! May change without notice.
#![forbid(unsafe_code)]

pub mod clients;
pub mod proxy;
