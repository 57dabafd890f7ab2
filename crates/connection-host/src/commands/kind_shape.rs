//! The JSON shape of a kind.

use std::time::Duration;

use connection_api::{AuthType, Capability, DirectoryProbe, Guide, KindField, Reason, Way};
use connection_contract::{Need, Text, ToolSpec};
use connection_server::convert;
use serde::Serialize;

use super::tool::Detected;
use crate::{
    kind_entry::{KindEntry, KindSource},
    output::json::reason,
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KindBody {
    kind: String,
    provider: String,
    title: String,
    auth: AuthType,
    /// The only extension that may use connections of the kind.
    extension: Option<String>,
    guide: Vec<Guide>,
    fields: Vec<KindField>,
    capabilities: Vec<Capability>,
    needs: Vec<&'static str>,
    ways: Vec<Way>,
    redirect_uri: Option<String>,
    tool: Option<ToolBody>,
    permission_modes: Vec<String>,
    cache_ttl: Option<u64>,
    image: Option<String>,
    credential_page: Option<String>,
    file: Option<String>,
}

/// The local tool of a kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolBody {
    binary: String,
    path: Option<String>,
    version: Option<String>,
    probed: Vec<String>,
    reason: Option<Reason>,
    install: Option<String>,
    docs: Option<String>,
    sign_in: Option<Vec<String>>,
    sign_in_hint: Option<String>,
    sign_in_docs: Option<String>,
    token_variable: Option<String>,
    found: Option<DirectoryProbe>,
}

impl ToolBody {
    pub(crate) fn of(tool: &ToolSpec, found: &Detected) -> Self {
        let words = |words: &Vec<Text>| words.iter().map(ToString::to_string).collect();
        let sign_in = tool.sign_in.as_ref();
        Self {
            binary: tool.binary.to_string(),
            path: found.path.clone(),
            version: found.version.clone(),
            probed: found.probed.clone(),
            reason: found.missing(tool).as_ref().map(reason),
            install: tool.install_command.as_ref().map(ToString::to_string),
            docs: tool.docs_url.as_ref().map(ToString::to_string),
            sign_in: sign_in.map(|sign_in| words(&sign_in.command)),
            sign_in_hint: sign_in.and_then(|sign_in| sign_in.hint.as_ref()).map(ToString::to_string),
            sign_in_docs: sign_in.and_then(|sign_in| sign_in.docs_url.as_ref()).map(ToString::to_string),
            token_variable: sign_in.and_then(|sign_in| sign_in.token_env_var.as_ref()).map(ToString::to_string),
            found: found.found.as_ref().map(|(directory, probe)| convert::probe(directory, probe)),
        }
    }
}

impl KindBody {
    /// Returns the capabilities of a kind, from the facets that it has, and `files` if it needs them.
    pub(crate) fn capabilities(info: &KindEntry) -> Vec<Capability> {
        let present = [
            (Capability::Send, info.send),
            (Capability::Secrets, info.secrets),
            (Capability::Refresh, info.refresh),
            (Capability::Webhooks, info.webhooks),
            (Capability::Usage, info.usage),
            (Capability::Profiles, info.profiles.is_some()),
            (Capability::Sandbox, info.sandbox.is_some()),
            (Capability::Files, info.descriptor.needs.contains(&Need::Files)),
        ];
        present.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
    }
}

impl KindBody {
    /// Returns the shape of a kind, with its redirect address if browsers return to it, and its tool.
    pub(crate) fn of(
        info: &KindEntry,
        redirect_uri: Option<String>,
        tool: Option<ToolBody>,
        cache_ttl: Option<Duration>,
    ) -> Self {
        let descriptor = &info.descriptor;
        Self {
            kind: descriptor.kind.to_string(),
            provider: descriptor.provider.to_string(),
            title: descriptor.display_name.to_string(),
            auth: convert::auth(descriptor.auth),
            extension: descriptor.extension.as_ref().map(ToString::to_string),
            guide: descriptor.guide.iter().filter_map(convert::guide).collect(),
            fields: descriptor.fields.iter().map(convert::kind_field).collect(),
            capabilities: Self::capabilities(info),
            needs: descriptor.needs.iter().copied().map(convert::need_word).collect(),
            ways: descriptor.ways.iter().copied().map(convert::way).collect(),
            redirect_uri,
            tool,
            permission_modes: descriptor.permission_modes.iter().map(ToString::to_string).collect(),
            cache_ttl: cache_ttl.map(|ttl| ttl.as_secs()),
            image: info.sandbox.as_ref().map(|sandbox| sandbox.default_image.to_string()),
            credential_page: info.credential_page.clone(),
            file: match &info.source {
                KindSource::File(path) => Some(path.display().to_string()),
                KindSource::Catalogue | KindSource::Program => None,
            },
        }
    }
}
