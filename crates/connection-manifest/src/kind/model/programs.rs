//! What programs of the provider need that use a connection: at a door, or as they ask for a credential.

use connection_contract::{CredentialHelper, HelperProtocol};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Pairs;

/// What a program needs that sends its own token in place of the provider's secret.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DoorModel {
    /// Form of the token, with `{token}` once, such as `xoxb-{token}`: for SDKs that check the form of a key.
    pub(crate) token: Option<String>,
    /// Variables that direct the usual programs of the provider to a host, by their names. A value holds `{door}` for the
    /// address of the connection at the host, `{token}` for the token, or both.
    pub(crate) variables: Pairs<String>,
    /// The public page that shows the form that an SDK expects, or the variables that it reads.
    pub(crate) source: Option<String>,
}

/// What a program gets that asks for a credential, by protocol.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HelpersModel {
    /// The `credential_process` of the AWS SDKs, with `user` for the key id and no hosts.
    pub(crate) aws: Option<HelperModel>,
    /// A credential provider of cargo, without `user`.
    pub(crate) cargo: Option<HelperModel>,
    /// A credential helper of docker.
    pub(crate) docker: Option<HelperModel>,
    /// A credential helper of git.
    pub(crate) git: Option<HelperModel>,
}

/// What a program gets that asks for a credential.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HelperModel {
    /// Hosts for which the kind answers if the connection has the first base address of the file. Without them, and for any
    /// other base address, it answers for the origin of the base address alone.
    pub(crate) hosts: Vec<String>,
    /// User name: a text, `{account}` for the label of the account, or `{NAME}` for a public value.
    pub(crate) user: Option<String>,
    /// Secret, with `{NAME}` once for one of the secrets of the kind, such as `Bearer {token}`.
    pub(crate) secret: Option<String>,
    /// Session token of AWS, as `{NAME}` for a secret that a connection may lack.
    pub(crate) session: Option<String>,
    /// The public page that shows what the program expects.
    pub(crate) source: Option<String>,
}

impl HelpersModel {
    /// Returns the tables of the file with their protocols, in the order of the names.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (HelperProtocol, &HelperModel)> {
        let Self { aws, cargo, docker, git } = self;
        let all = [
            (HelperProtocol::Aws, aws),
            (HelperProtocol::Cargo, cargo),
            (HelperProtocol::Docker, docker),
            (HelperProtocol::Git, git),
        ];
        all.into_iter().filter_map(|(protocol, table)| Some((protocol, table.as_ref()?)))
    }
}

impl HelperModel {
    /// Returns what the kind answers.
    pub(crate) fn helper(&self, protocol: HelperProtocol) -> CredentialHelper {
        let mut helper = CredentialHelper::new(protocol, self.secret.clone().unwrap_or_default());
        helper.hosts = self.hosts.iter().cloned().map(Into::into).collect();
        helper.user = self.user.clone().map(Into::into);
        helper.session = self.session.clone().map(Into::into);
        helper
    }
}
