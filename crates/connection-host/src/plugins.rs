//! The kinds that our own binary has, one line each; the only place of this crate that names a plugin.

use crate::Cli;

pub(crate) fn register(cli: Cli) -> Cli {
    cli.kind(connection_plugin_filesystem::Filesystem)
        .kind(connection_plugin_github::GitHub)
        .kind(connection_plugin_gmail::gmail())
        .kind(connection_plugin_notion::Notion)
        .kind(connection_plugin_twilio::Twilio)
}
