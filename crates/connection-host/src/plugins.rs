//! The kinds of the binary `connections`, one line each. This is the only file of this crate that names a plugin.

use connection_contract::{Kind, PathBase, PathSpec};
use connection_core::AllowedTool;
use connection_plugin_agent_cli::AgentCli;

use crate::Cli;

impl Cli {
    /// Returns a command line with the kinds of the binary `connections`.
    pub fn shipped() -> Self {
        register(Self::new())
    }
}

fn register(cli: Cli) -> Cli {
    tools(images(cli))
        .usual(&USUAL)
        // region: agent-cli
        .kind(AgentCli::claude())
        .kind(AgentCli::codex())
        .kind(AgentCli::gemini())
        // end: agent-cli
        // region: filesystem
        .kind(connection_plugin_filesystem::Filesystem)
        // end: filesystem
        // region: github
        .kind(connection_plugin_github::GitHub)
        // end: github
        // region: gmail
        .kind(connection_plugin_gmail::gmail())
        // end: gmail
        // region: mcp
        .kind(connection_plugin_mcp::Mcp)
        // end: mcp
        // region: notion
        .kind(connection_plugin_notion::Notion)
        // end: notion
        // region: twilio
        .kind(connection_plugin_twilio::Twilio)
        // end: twilio
        .catalogue()
}

/// Allows the programs that these kinds may look for and run, with the variables and paths that a profile may set.
fn tools(cli: Cli) -> Cli {
    let tool = |program: &str, variables: &[&str], paths: &'static [&'static str]| {
        let paths = paths.iter().filter_map(|path| PathSpec::new(PathBase::Home, *path));
        variables.iter().fold(AllowedTool::new(program).paths(paths), |tool, name| tool.variable(*name))
    };
    cli.allow_tool(tool(
        "claude",
        &["ANTHROPIC_API_KEY", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_OAUTH_TOKEN"],
        &[".local/bin", ".claude/local", ".claude", ".claude.json"],
    ))
    .allow_tool(
        tool("codex", &["CODEX_API_KEY", "CODEX_HOME"], &[".local/bin", ".codex"])
            .argument("-c")
            .argument("features.shell_snapshot=false")
            .argument("model_provider=\"connections\"")
            .argument(
                "model_providers.connections={name=\"OpenAI\",base_url=\"https://api.openai.com/v1\",\
                 env_key=\"CODEX_API_KEY\",wire_api=\"responses\"}",
            ),
    )
    .allow_tool(tool(
        "gemini",
        &["GEMINI_API_KEY", "GEMINI_CONFIG_DIR", "GEMINI_CLI_HOME"],
        &[".local/bin", ".gemini"],
    ))
}

/// Adds the files from which `sandbox build` makes images. A plugin reads no file, so they are here.
fn images(cli: Cli) -> Cli {
    cli.image(Kind::from_static("claude"), include_str!("../images/claude/Containerfile"))
        .image(Kind::from_static("codex"), include_str!("../images/codex/Containerfile"))
        .image(Kind::from_static("gemini"), include_str!("../images/gemini/Containerfile"))
}

/// The kinds that most people connect, with which a list to choose from begins. The others follow by name.
const USUAL: [&str; 10] = [
    "github",
    "gmail",
    "google-drive",
    "google-calendar",
    "slack",
    "notion",
    "microsoft-outlook",
    "linear",
    "openai",
    "anthropic",
];
