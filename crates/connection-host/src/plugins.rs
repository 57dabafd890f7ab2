//! The kinds that our own binary has, one line each; the only place of this crate that names a plugin.

use connection_contract::Kind;
use connection_plugin_agent_cli::AgentCli;

use crate::Cli;

pub(crate) fn register(cli: Cli) -> Cli {
    images(cli)
        .kind(AgentCli::claude())
        .kind(AgentCli::codex())
        .kind(AgentCli::gemini())
        .kind(connection_plugin_filesystem::Filesystem)
        .kind(connection_plugin_github::GitHub)
        .kind(connection_plugin_gmail::gmail())
        .kind(connection_plugin_notion::Notion)
        .kind(connection_plugin_twilio::Twilio)
}

/// The files of which `sandbox build` makes images: those of the plugins, here since a plugin reads no file.
fn images(cli: Cli) -> Cli {
    cli.image(Kind::from_static("claude"), include_str!("../images/claude/Containerfile"))
        .image(Kind::from_static("codex"), include_str!("../images/codex/Containerfile"))
        .image(Kind::from_static("gemini"), include_str!("../images/gemini/Containerfile"))
}
