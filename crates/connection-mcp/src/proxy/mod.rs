//! A server over standard input and output that passes messages to one remote server.
//!
//! [`Proxy`] is the logic of the protocol: it makes the headers that each revision of MCP asks for, keeps the session,
//! reads streams of events and continues them, and answers what the remote server does not. The caller implements
//! [`Upstream`], which knows the address of the remote server and attaches the credential.
//!
//! A client of revision 2026-07-28 sends the version of the protocol in each request. All other requests belong to a
//! session, which begins with `initialize`; revisions 2025-03-26, 2025-06-18 and 2025-11-25 are supported.
//!
//! Messages are passed on as they are, with three exceptions: line breaks between tokens become spaces, tools with an
//! invalid `x-mcp-header` are left out of lists, and an error without an id gets the id of the request that it answers.
//!
//! The proxy has these limits: a message has at most 16 MiB, and at most 256 requests wait for an answer.

mod body;
mod challenge;
mod diagnostic;
mod dispatch;
mod exchange;
mod failure;
mod header_value;
mod input;
mod link;
mod listen;
mod message;
mod outgoing;
mod own;
mod serve;
mod session;
mod sse;
mod tools;
mod upstream;

pub use diagnostic::{Diagnostic, DiagnosticLevel};
pub use failure::{BAD_ANSWER, OVER_LIMIT, REFUSED, UNREACHABLE};
pub use header_value::encode_header_value;
pub use serve::{Proxy, ProxyError};
pub use sse::{Event, EventParser, EventTooLarge};
pub use upstream::{Body, BoxFuture, Method, Refusal, Upstream, UpstreamAnswer, UpstreamError, UpstreamRequest};

/// The maximum number of bytes of a message.
const MAX_MESSAGE: usize = 16 * 1024 * 1024;
