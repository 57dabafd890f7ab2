//! The entries of remote servers that a configuration contains.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{address::Address, secret::SecretText};

/// An entry for a remote server in a configuration, or for one of ours.
///
/// ```
/// use connection_mcp::clients::{Client, Server, Transport, find};
///
/// let config = br#"{ "mcpServers": { "linear": { "url": "https://mcp.linear.app/mcp" } } }"#;
/// let entries = find(Client::Cursor, config)?;
/// assert_eq!(entries[0].name, "linear");
/// let Server::Remote(remote) = &entries[0].server else { panic!("it is not ours yet") };
/// assert_eq!(remote.transport, Transport::Http);
/// assert_eq!(remote.obstacle, None);
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The place of the entry in the file.
    pub place: Place,
    /// The name that the client uses for the server.
    pub name: String,
    /// `true` if this file says that the client does not use the entry. Clients also keep such choices elsewhere.
    pub disabled: bool,
    /// The server.
    pub server: Server,
}

/// The place of an entry in its file.
///
/// ```
/// use connection_mcp::clients::{Client, Place, find};
///
/// let config = br#"{ "projects": { "/home/ada/shop": { "mcpServers": {
///     "linear": { "type": "http", "url": "https://mcp.linear.app/mcp" }
/// } } } }"#;
/// assert_eq!(find(Client::ClaudeCode, config)?[0].place, Place::Project("/home/ada/shop".to_owned()));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// The list of the whole file.
    File,
    /// The list of the project with this path, in the file of a user.
    Project(String),
}

impl Place {
    /// Returns the place as the end of a sentence.
    pub(super) fn after(&self) -> String {
        match self {
            Self::File => String::new(),
            Self::Project(path) => format!(" of the project {path}"),
        }
    }
}

/// The server of an entry.
///
/// ```
/// use connection_mcp::clients::{Client, Server, find};
///
/// let config = br#"{ "mcpServers": { "linear": {
///     "command": "connections", "args": ["mcp", "proxy", "linear:work"]
/// } } }"#;
/// let entries = find(Client::ClaudeDesktop, config)?;
/// assert!(matches!(&entries[0].server, Server::Ours { connection: Some(name) } if name == "linear:work"));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Server {
    /// The entry already runs `connections mcp proxy`.
    Ours {
        /// The connection that the command names.
        connection: Option<String>,
    },
    /// The entry leads to a remote server.
    Remote(Remote),
}

/// A remote server, as the configuration describes it.
///
/// ```
/// use connection_mcp::clients::{Client, Obstacle, Server, find};
///
/// let config = br#"{ "servers": { "events": { "type": "sse", "url": "https://mcp.example.com/sse" } } }"#;
/// let entries = find(Client::VsCode, config)?;
/// let Server::Remote(remote) = &entries[0].server else { panic!("it is not ours") };
/// assert_eq!(remote.obstacle, Some(Obstacle::Sse));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Remote {
    /// The address of the server.
    pub address: Address,
    /// The way in which the client reaches the server.
    pub transport: Transport,
    /// The headers that the client adds to each request.
    pub headers: Vec<Header>,
    /// The first reason why the entry is shown and not adopted.
    pub obstacle: Option<Obstacle>,
}

/// The way in which a client reaches a remote server.
///
/// ```
/// use connection_mcp::clients::{Client, Server, Transport, find};
///
/// let config = br#"{ "mcpServers": { "linear": {
///     "command": "npx", "args": ["-y", "mcp-remote", "https://mcp.linear.app/mcp"]
/// } } }"#;
/// let entries = find(Client::ClaudeDesktop, config)?;
/// assert!(matches!(&entries[0].server, Server::Remote(remote) if remote.transport == Transport::McpRemote));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// The client sends HTTP requests by the current transport of MCP.
    Http,
    /// The client runs the program `mcp-remote`, which sends the requests.
    McpRemote,
    /// The client uses server-sent events, the transport that MCP deprecated in 2025.
    Sse,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::McpRemote => "mcp-remote",
            Self::Sse => "sse",
        })
    }
}

/// A header that a client adds to each request.
///
/// ```
/// use connection_mcp::clients::{Client, HeaderValue, Server, find};
///
/// let config = br#"{ "mcpServers": { "tickets": {
///     "url": "https://mcp.example.com/mcp", "headers": { "Authorization": "Bearer s3cret" }
/// } } }"#;
/// let entries = find(Client::Cursor, config)?;
/// let Server::Remote(remote) = &entries[0].server else { panic!("it is not ours") };
/// assert_eq!(remote.headers[0].name, "Authorization");
/// assert!(matches!(&remote.headers[0].value, HeaderValue::Fixed(value) if value.expose() == "Bearer s3cret"));
/// assert!(!format!("{entries:?}").contains("s3cret"));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Header {
    /// The name of the header.
    pub name: String,
    /// The value of the header.
    pub value: HeaderValue,
}

/// The value of a header.
///
/// ```
/// use connection_mcp::clients::{Client, HeaderValue, Server, find};
///
/// let config = b"[mcp_servers.docs]\nurl = 'https://mcp.example.com/mcp'\nbearer_token_env_var = 'DOCS_TOKEN'\n";
/// let entries = find(Client::Codex, config)?;
/// let Server::Remote(remote) = &entries[0].server else { panic!("it is not ours") };
/// assert!(matches!(&remote.headers[0].value, HeaderValue::Computed(names) if names == &["DOCS_TOKEN"]));
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum HeaderValue {
    /// The client computes the value when it runs, from these variables, questions or files.
    Computed(Vec<String>),
    /// The value is in the file. It may be a secret.
    Fixed(SecretText),
}

/// The reason why an entry is shown and not adopted.
///
/// ```
/// use connection_mcp::clients::Obstacle;
///
/// assert_eq!(
///     Obstacle::Sse.to_string(),
///     "it uses server-sent events, which MCP has deprecated; ask the provider for its HTTP address",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Obstacle {
    /// The text is not an address of HTTP.
    #[error("its address is not an address of HTTP")]
    Address,
    /// The client authenticates in a way of its own, which this member configures.
    #[error("the client authenticates in its own way (\"{0}\")")]
    Authentication(&'static str),
    /// `mcp-remote` has an option that a proxy cannot honor.
    #[error("mcp-remote has the option {0}, which would be lost")]
    Option(&'static str),
    /// The client computes the address when it runs, from these variables, questions or files.
    #[error("its address depends on {}", .0.join(", "))]
    Placeholder(Vec<String>),
    /// The server uses server-sent events, the transport that MCP deprecated in 2025. An address that ends with `/sse`
    /// counts as such unless the entry says `http`.
    #[error("it uses server-sent events, which MCP has deprecated; ask the provider for its HTTP address")]
    Sse,
    /// The entry names a transport that is neither HTTP nor server-sent events.
    #[error("it uses a transport that is not supported")]
    Transport,
    /// The address begins with `http:` and is not of this machine, so that a token would be sent without encryption.
    #[error("its address is not encrypted (http:)")]
    Unencrypted,
    /// `mcp-remote` has an option that is not known here.
    #[error("mcp-remote has an option that is not known")]
    UnknownOption,
    /// A user name or password is part of the address.
    #[error("its address contains a user name or password")]
    User,
}
