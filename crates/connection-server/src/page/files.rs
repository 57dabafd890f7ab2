//! The files of the page. A test fails if a file is missing here.

use super::Asset;

/// The document, in which the path of the assets is filled in.
pub(super) const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/page/index.html"));

macro_rules! assets {
    ($($path:literal,)+) => {
        &[$(Asset { path: $path, bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/page/", $path)) }),+]
    };
}

/// The files that the document loads, by their paths below the assets.
pub(super) const ASSETS: &[Asset] = assets![
    "api.js",
    "checks.js",
    "connection-words.js",
    "format.js",
    "icon.svg",
    "live.js",
    "main.js",
    "me.js",
    "qr.js",
    "resource.js",
    "router.js",
    "screens/activity.js",
    "screens/agent-grant.js",
    "screens/agent-tokens.js",
    "screens/agent.js",
    "screens/agents.js",
    "screens/approval.js",
    "screens/approvals.js",
    "screens/ask-scopes.js",
    "screens/connect-kind.js",
    "screens/connect.js",
    "screens/connection-actions.js",
    "screens/connection-health.js",
    "screens/connection-row.js",
    "screens/connection.js",
    "screens/connections.js",
    "screens/consent.js",
    "screens/entry.js",
    "screens/extension-grants.js",
    "screens/extension-settings.js",
    "screens/extension.js",
    "screens/extensions.js",
    "screens/freeze.js",
    "screens/link-ended.js",
    "screens/link-frame.js",
    "screens/link.js",
    "screens/profiles.js",
    "screens/setup-form.js",
    "screens/setup-loop.js",
    "screens/setup-parts.js",
    "screens/setup.js",
    "screens/system.js",
    "screens/tokens.js",
    "screens/usage.js",
    "screens/uses.js",
    "session.js",
    "style/parts.css",
    "style/screens.css",
    "style/tokens.css",
    "texts.js",
    "title.js",
    "ui/icons.js",
    "ui/parts.js",
    "ui/plot.js",
    "ui/shell.js",
    "ui/timeline.js",
    "ui/virtual-list.js",
    "vendor/LICENSE-hanken-grotesk",
    "vendor/LICENSE-htm",
    "vendor/LICENSE-preact",
    "vendor/LICENSE-simple-icons",
    "vendor/LICENSE-uplot",
    "vendor/hanken-grotesk.woff2",
    "vendor/preact-htm.js",
    "vendor/simple-icons.js",
    "vendor/uplot.css",
    "vendor/uplot.js",
    "waiting.js",
];
