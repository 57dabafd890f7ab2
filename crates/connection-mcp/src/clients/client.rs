//! The programs whose configurations are read.

use serde::{Deserialize, Serialize};

/// A program that uses servers of MCP.
///
/// ```
/// use connection_mcp::clients::Client;
///
/// assert_eq!(Client::VsCode.name(), "VS Code");
/// assert_eq!(Client::from_id("vs-code"), Some(Client::VsCode));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Client {
    /// Claude Code, by Anthropic.
    ClaudeCode,
    /// Claude Desktop, by Anthropic.
    ClaudeDesktop,
    /// Codex, by OpenAI.
    Codex,
    /// Cursor, by Anysphere.
    Cursor,
    /// Gemini CLI, by Google.
    GeminiCli,
    /// opencode, by Anomaly.
    #[serde(rename = "opencode")]
    OpenCode,
    /// Visual Studio Code, by Microsoft.
    VsCode,
    /// Windsurf, by Cognition.
    Windsurf,
}

/// The format of a configuration.
///
/// ```
/// use connection_mcp::clients::{Client, Format};
///
/// assert_eq!(Client::Codex.format(), Format::Toml);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// JSON. Comments and trailing commas are accepted, because some clients accept them.
    Json,
    /// TOML.
    Toml,
}

impl Client {
    /// All clients, in the order of their names.
    pub const ALL: &[Self] = &[
        Self::ClaudeCode,
        Self::ClaudeDesktop,
        Self::Codex,
        Self::Cursor,
        Self::GeminiCli,
        Self::OpenCode,
        Self::VsCode,
        Self::Windsurf,
    ];

    /// Returns the name that people know.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Codex => "Codex",
            Self::Cursor => "Cursor",
            Self::GeminiCli => "Gemini CLI",
            Self::OpenCode => "opencode",
            Self::VsCode => "VS Code",
            Self::Windsurf => "Windsurf",
        }
    }

    /// Returns the word that stands for the client in records and arguments.
    pub fn id(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::ClaudeDesktop => "claude-desktop",
            Self::Codex => "codex",
            Self::Cursor => "cursor",
            Self::GeminiCli => "gemini-cli",
            Self::OpenCode => "opencode",
            Self::VsCode => "vs-code",
            Self::Windsurf => "windsurf",
        }
    }

    /// Returns the client with this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|client| client.id() == id)
    }

    /// Returns the format of the client's configurations.
    pub fn format(self) -> Format {
        match self {
            Self::Codex => Format::Toml,
            _ => Format::Json,
        }
    }
}
