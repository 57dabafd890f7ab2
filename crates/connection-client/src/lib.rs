//! A client of the HTTP API of Connections.
//!
//! A server, `connections serve`, keeps the accounts of its users and their secrets. With this client a program on any
//! machine lists these accounts, connects and repairs them, and sends requests through them without ever holding a
//! secret of a provider. [`Client`] has a method for each request; the types have the
//! members of the server's OpenAPI document, `/api/v1/openapi.json`.
//!
//! # Examples
//!
//! This program prints which accounts need attention, and sends a request through the first account of GitHub. Its token
//! comes from `connections tokens create NAME --role use`.
//!
//! ```no_run
//! # // region: readme
//! use connection_client::{Client, ConnectionFilter, Error, SendRequest};
//! use secrecy::SecretString;
//!
//! async fn report(token: SecretString) -> Result<(), Error> {
//!     let client = Client::new("https://connections.example", token)?;
//!     let page = client.connections(&ConnectionFilter::new().state("attention")).await?;
//!     for listed in page.items {
//!         let reason = listed.connection.reason.map(|reason| reason.message).unwrap_or_default();
//!         println!("{}:{} {reason}", listed.connection.kind, listed.connection.label);
//!     }
//!     let page = client.connections(&ConnectionFilter::new().kind("github").limit(1)).await?;
//!     if let Some(listed) = page.items.first() {
//!         let answer = client.send(&listed.connection.id, &SendRequest::new("GET", "/user")).await?;
//!         println!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
//!     }
//!     Ok(())
//! }
//! # // end: readme
//! # let _ = report;
//! ```
//!
//! A setup is a loop: [`Client::begin_setup`] begins it, [`Client::next_setup`] waits for its next state, and a person's
//! answers go to [`Client::answer_setup`].
//!
//! # What this crate is not
//!
//! It stores nothing, follows no redirect, reads no proxy from the environment, and repeats no request. It does not depend
//! on the core, and so on no database.
//!
//! The API of the crate may change before 1.0. Members that a later version of the server adds are ignored.

mod address;
mod call;
mod client;
mod connection_filter;
mod connections;
mod error;
mod events;
mod kinds;
mod live;
mod profiles;
mod send;
mod setup_links;
mod setups;
mod tls;

pub use client::{Client, ClientBuilder};
pub use connection_filter::ConnectionFilter;
pub use connections::{
    Account, Connection, ConnectionCounts, ConnectionPage, Grant, ListedConnection, Liveness, Reason, Removal, Removed,
    ShownConnection, Teardown,
};
pub use error::{Error, FieldProblem, Problem};
pub use events::{Event, EventFilter, EventPage};
pub use kinds::{Guide, Kind, KindChoice, KindField, ListedKind};
pub use live::{Change, LiveChanges};
pub use profiles::{DirectoryProbe, Profile};
pub use send::{Answer, Header, SendRequest};
pub use setup_links::{NewSetupLink, SetupLink};
pub use setups::{BeginSetup, OpenAddress, Setup, SetupChoice, SetupField, SetupNotice, SetupState};
