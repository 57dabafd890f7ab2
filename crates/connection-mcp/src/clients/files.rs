//! The paths at which clients look for their configurations.

use std::path::{Path, PathBuf};

use super::client::Client;

/// The platform that decides where a configuration is.
///
/// ```
/// use connection_mcp::clients::Platform;
///
/// assert_eq!(Platform::current(), Platform::current());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Linux and other systems with the directories of XDG.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// Returns the platform for which this crate was built.
    pub fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }
}

/// The directories below which configurations are. The caller takes them from the environment.
///
/// ```
/// use std::path::Path;
///
/// use connection_mcp::clients::{Client, Locations, Platform};
///
/// let locations = Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config").project("/home/ada/shop");
/// let files = Client::VsCode.files(&locations);
/// assert_eq!(files[0].path, Path::new("/home/ada/.config/Code/User/mcp.json"));
/// assert_eq!(files[2].path, Path::new("/home/ada/shop/.vscode/mcp.json"));
/// ```
#[derive(Clone, Debug)]
pub struct Locations {
    platform: Platform,
    home: PathBuf,
    config: PathBuf,
    project: Option<PathBuf>,
    claude_code: Option<PathBuf>,
    codex: Option<PathBuf>,
}

impl Locations {
    /// Creates locations from the home directory and the directory of the platform for configurations:
    /// `$XDG_CONFIG_HOME` or `~/.config` on Linux, `~/Library/Application Support` on macOS, `%APPDATA%` on Windows.
    pub fn new(platform: Platform, home: impl Into<PathBuf>, config: impl Into<PathBuf>) -> Self {
        let (home, config) = (home.into(), config.into());
        Self { platform, home, config, project: None, claude_code: None, codex: None }
    }

    /// Adds the directory of a project.
    #[must_use]
    pub fn project(mut self, directory: impl Into<PathBuf>) -> Self {
        self.project = Some(directory.into());
        self
    }

    /// Sets the directory that `CLAUDE_CONFIG_DIR` names, in which Claude Code keeps `.claude.json`.
    #[must_use]
    pub fn claude_config_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.claude_code = Some(directory.into());
        self
    }

    /// Sets the directory that `CODEX_HOME` names.
    #[must_use]
    pub fn codex_home(mut self, directory: impl Into<PathBuf>) -> Self {
        self.codex = Some(directory.into());
        self
    }
}

/// The audience of a configuration.
///
/// ```
/// use connection_mcp::clients::{Client, Locations, Platform, Scope};
///
/// let locations = Locations::new(Platform::Linux, "/home/ada", "/home/ada/.config").project("/home/ada/shop");
/// let scopes: Vec<Scope> = Client::Cursor.files(&locations).iter().map(|file| file.scope).collect();
/// assert_eq!(scopes, [Scope::User, Scope::Project]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// The file is in the directory of a project, which may be shared through version control. Other people then get
    /// an entry that needs Connections.
    Project,
    /// The file is of one user.
    User,
}

/// A file in which a client looks for servers. It need not exist.
///
/// ```
/// use connection_mcp::clients::{Client, Locations, Platform};
///
/// let locations = Locations::new(Platform::MacOs, "/home/ada", "/home/ada/Library/Application Support");
/// let file = &Client::Codex.files(&locations)[0];
/// assert!(file.path.ends_with(".codex/config.toml"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigFile {
    /// The client that reads the file.
    pub client: Client,
    /// The path of the file.
    pub path: PathBuf,
    /// The audience of the file.
    pub scope: Scope,
}

impl Client {
    /// Returns the files in which the client looks for servers. Files of the user come first.
    pub fn files(self, locations: &Locations) -> Vec<ConfigFile> {
        let user = self.user_files(locations).into_iter();
        let user = user.map(|path| ConfigFile { client: self, path, scope: Scope::User });
        let project = locations
            .project
            .iter()
            .flat_map(|directory| self.project_files().iter().map(|file| directory.join(file)).collect::<Vec<_>>());
        let project = project.map(|path| ConfigFile { client: self, path, scope: Scope::Project });
        user.chain(project).collect()
    }

    fn user_files(self, locations: &Locations) -> Vec<PathBuf> {
        let Locations { home, config, .. } = locations;
        match self {
            Self::ClaudeCode => vec![locations.claude_code.as_deref().unwrap_or(home).join(".claude.json")],
            Self::ClaudeDesktop => vec![below(config, &["Claude", "claude_desktop_config.json"])],
            Self::Codex => {
                let directory = locations.codex.clone().unwrap_or_else(|| home.join(".codex"));
                vec![directory.join("config.toml")]
            }
            Self::Cursor => vec![below(home, &[".cursor", "mcp.json"])],
            Self::GeminiCli => vec![below(home, &[".gemini", "settings.json"])],
            Self::OpenCode => {
                // opencode uses the directories of XDG on every platform.
                let config = match locations.platform {
                    Platform::Linux => config.clone(),
                    Platform::MacOs | Platform::Windows => home.join(".config"),
                };
                vec![below(&config, &["opencode", "opencode.json"]), below(&config, &["opencode", "opencode.jsonc"])]
            }
            Self::VsCode => vec![
                below(config, &["Code", "User", "mcp.json"]),
                below(config, &["Code - Insiders", "User", "mcp.json"]),
            ],
            Self::Windsurf => vec![
                below(home, &[".codeium", "windsurf", "mcp_config.json"]),
                below(home, &[".codeium", "mcp_config.json"]),
            ],
        }
    }

    fn project_files(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[".mcp.json"],
            Self::ClaudeDesktop | Self::Windsurf => &[],
            Self::Codex => &[".codex/config.toml"],
            Self::Cursor => &[".cursor/mcp.json"],
            Self::GeminiCli => &[".gemini/settings.json"],
            Self::OpenCode => {
                &["opencode.json", "opencode.jsonc", ".opencode/opencode.json", ".opencode/opencode.jsonc"]
            }
            Self::VsCode => &[".vscode/mcp.json"],
        }
    }
}

fn below(directory: &Path, parts: &[&str]) -> PathBuf {
    parts.iter().fold(directory.to_owned(), |path, part| path.join(part))
}
