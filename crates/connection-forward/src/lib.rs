//! The forward door: a proxy on loopback for programs that cannot be pointed to another address.
//!
//! A program such as `gh`, `curl` or `pip` runs with `HTTPS_PROXY` set to this proxy, for as long as one run of an
//! agent lasts. Its requests to the origins of granted connections are passed on to the reverse door of Connections,
//! which decides about them and attaches the credential. Everything else is tunnelled to public addresses, or refused.
//!
//! ```
//! use std::time::Duration;
//!
//! use connection_contract::host;
//! use connection_egress::SystemClock;
//! use connection_forward::{ForwardDoor, ForwardSettings, bundle, variables};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #   let program = async {};
//! #   // region: readme
//!     let origin = host::origin("https://api.github.com").ok_or("no origin")?;
//!     let settings = ForwardSettings::new("http://127.0.0.1:8745/use", Duration::from_secs(12 * 60 * 60))
//!         .connection("0198c5a2-7d3e-7c41-9a55-0e6f1f6f2b10", [origin])
//!         .only_granted();
//!     let door = ForwardDoor::open(settings, &SystemClock::new()).await?;
//!
//!     // The program gets these variables. The file holds the authority of this run, and the roots of the system.
//!     let file = bundle(door.authority_pem(), None);
//!     let variables = variables(&door.proxy_url(), "/run/user/1000/roots.pem", door.direct_host());
//!
//!     // The door serves until the program has ended.
//!     tokio::select! {
//!         () = program => {}
//!         never = door.serve() => match never {},
//!     }
//! #   // end: readme
//! #   assert!(file.starts_with("-----BEGIN CERTIFICATE-----") && variables.len() > 10);
//!     Ok(())
//! }
//! ```
//!
//! # What the door guarantees
//!
//! - Only a program that knows the random credential of this run can use the door.
//! - The hosts of `CONNECT`, of TLS and of `Host` are equal, so a request reaches the connection that it was opened
//!   for.
//! - A request arrives at the reverse door with the bytes of path and query that the program sent, or it is refused.
//!   The HTTP library cuts off a fragment (`#…`), which no request may have.
//! - TLS is opened for the origins of granted connections alone. The authority that signs their certificates is
//!   constrained to their hosts, and its key is dropped before the door serves.
//! - A tunnel leads to the address that was checked. It leads to no address that is not public, unless the settings
//!   name it, and never to the reverse door.
//!
//! # What this crate is not
//!
//! It knows neither the core nor a credential of a provider, and decides about no request: the program sends the token
//! of its agent, and the reverse door takes it. The crate writes no file.
//!
//! # Stability
//!
//! May change without notice.
#![forbid(unsafe_code)]

mod certificates;
mod connect;
mod credential;
mod door;
mod error;
mod granted;
mod headers;
mod host_port;
mod links;
mod passing;
mod refusal;
mod reverse_door;
mod settings;
mod tunnel;
mod variables;

pub use door::ForwardDoor;
pub use error::ForwardError;
pub use settings::ForwardSettings;
pub use variables::{SYSTEM_ROOTS, bundle, variables};
