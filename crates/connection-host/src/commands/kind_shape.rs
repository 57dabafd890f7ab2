//! The JSON shape of a kind.

use std::time::Duration;

use connection_api::{DirectoryProbe, KindDescription, KindSummary, Reason};
use connection_contract::{Text, ToolSpec};
use connection_server::convert;
use serde::Serialize;

use super::tool::Detected;
use crate::{backend::OwnKind, kind_entry::KindSource, output::json::reason};

/// A kind as a command prints it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum PrintedKind<S> {
    Own(Box<KindBody>),
    /// The shape of the API in which a server has the kind.
    Server(S),
}

/// A kind of this program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KindBody {
    #[serde(flatten)]
    summary: KindSummary,
    #[serde(flatten)]
    description: KindDescription,
    needs: Vec<&'static str>,
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
    /// Returns the shape of a kind, with its tool, and with the time for which its provider caches a prompt.
    pub(crate) fn of(kind: OwnKind, tool: Option<ToolBody>, cache_ttl: Option<Duration>) -> Self {
        let OwnKind { summary, description, entry } = kind;
        Self {
            summary,
            description,
            needs: entry.descriptor.needs.iter().copied().map(convert::need_word).collect(),
            tool,
            permission_modes: entry.descriptor.permission_modes.iter().map(ToString::to_string).collect(),
            cache_ttl: cache_ttl.map(|ttl| ttl.as_secs()),
            image: entry.sandbox.as_ref().map(|sandbox| sandbox.default_image.to_string()),
            credential_page: entry.credential_page,
            file: match entry.source {
                KindSource::File(path) => Some(path.display().to_string()),
                KindSource::Catalogue | KindSource::Program => None,
            },
        }
    }
}
