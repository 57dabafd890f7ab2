//! The configurations of programs that use servers of MCP: reading and replacing their entries of remote servers.
//!
//! `connections mcp adopt` replaces an entry that names the address of a remote server by one that runs
//! `connections mcp proxy NAME`, so that the program no longer holds a credential. All functions here take and return
//! bytes: the caller reads and writes the files.
//!
//! 1. [`Client::files`] names the files, for directories that the caller passes.
//! 2. [`find`] returns the remote servers in the content of one file.
//! 3. [`Adoption::plan`] returns the record of a replacement, which the caller stores before it writes the file.
//!    [`Adoption::next`] then says what to do, also after a kill.
//! 4. [`undo`] compares the contents, and [`Adoption::undo`] returns the record that restores the original.
//!
//! # Formats
//!
//! | Client | Servers | Address | Headers | Disabled by |
//! |---|---|---|---|---|
//! | Claude Code | `mcpServers`, `projects.PATH.mcpServers` | `url` | `headers` | `disabledMcpServers` |
//! | Claude Desktop | `mcpServers` | commands only | | |
//! | Codex | `mcp_servers` | `url` | see below | `enabled` |
//! | Cursor | `mcpServers` | `url` | `headers` | |
//! | Gemini CLI | `mcpServers` | `httpUrl`, `url` | `headers` | `mcp.excluded`, `mcp.allowed` |
//! | opencode 1 | `mcp` | `url` | `headers` | `enabled` |
//! | opencode 2 | `mcp.servers` | `url` | `headers` | `disabled` |
//! | VS Code | `servers` | `url` | `headers` | |
//! | Windsurf | `mcpServers` | `serverUrl`, `url` | `headers` | `disabled` |
//! | `mcp-remote` | in any of them | first argument | `--header` | |
//!
//! Codex has `http_headers`, `env_http_headers` with names of variables, and `bearer_token_env_var`.
//! Claude Code, Gemini CLI and VS Code name the transport in `type`.
//!
//! The formats were read in the documentation of [Claude Code][claude-code], [Claude Desktop][claude-desktop],
//! [Cursor][cursor], [Gemini CLI][gemini], [opencode 2][opencode-2], [VS Code][vscode], [Windsurf][windsurf] and
//! [`mcp-remote`][mcp-remote], and in the source of [Codex][codex], [Gemini CLI][gemini-source],
//! [opencode 1][opencode-1], [VS Code][vscode-source] and [`mcp-remote`][mcp-remote-source].
//!
//! [claude-code]: https://code.claude.com/docs/en/mcp
//! [claude-desktop]: https://modelcontextprotocol.io/quickstart/user
//! [codex]: https://github.com/openai/codex/blob/main/codex-rs/config/src/mcp_types.rs
//! [cursor]: https://cursor.com/docs/mcp
//! [gemini]: https://github.com/google-gemini/gemini-cli/blob/main/docs/reference/configuration.md
//! [gemini-source]: https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/tools/mcp-client.ts
//! [opencode-1]: https://github.com/anomalyco/opencode/blob/dev/packages/opencode/src/config/mcp.ts
//! [opencode-2]: https://opencode.ai/v2/docs/mcp-servers/
//! [vscode]: https://code.visualstudio.com/docs/copilot/reference/mcp-configuration
//! [vscode-source]: https://github.com/microsoft/vscode/blob/main/src/vs/platform/mcp/common/mcpPlatformTypes.ts
//! [windsurf]: https://docs.windsurf.com/windsurf/cascade/mcp
//! [mcp-remote]: https://github.com/geelen/mcp-remote
//! [mcp-remote-source]: https://github.com/geelen/mcp-remote/blob/main/src/lib/utils.ts

mod address;
mod adoption;
mod client;
mod command;
mod decode;
mod difference;
mod entry;
mod error;
mod files;
mod find;
mod json;
mod placeholder;
mod read;
mod replace;
mod secret;
mod toml;
mod undo;
mod value;

pub use address::Address;
pub use adoption::{AdoptedEntry, Adoption, Conflict, RecordError, Stage, Step};
pub use client::{Client, Format};
pub use difference::Difference;
pub use entry::{Entry, Header, HeaderValue, Obstacle, Place, Remote, Server, Transport};
pub use error::ConfigError;
pub use files::{ConfigFile, Locations, Platform, Scope};
pub use find::find;
pub use replace::{Replacement, replace};
pub use secret::SecretText;
pub use undo::{Undo, undo};
