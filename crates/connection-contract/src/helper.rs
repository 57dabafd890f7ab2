//! Programs that ask their environment for a credential, such as `git`.

use alloc::vec::Vec;

use crate::Text;

/// A protocol by which a program asks another program for a credential.
///
/// ```
/// use connection_contract::HelperProtocol;
///
/// assert_eq!(HelperProtocol::Aws.as_str(), "aws");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HelperProtocol {
    /// The [`credential_process`](https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html) of the
    /// AWS SDKs. It names no host.
    Aws,
    /// A [credential provider](https://doc.rust-lang.org/cargo/reference/credential-provider-protocol.html) of cargo.
    Cargo,
    /// A [credential helper](https://github.com/docker/docker-credential-helpers) of docker.
    Docker,
    /// A [credential helper](https://git-scm.com/docs/git-credential) of git.
    Git,
}

impl HelperProtocol {
    /// Returns the name, such as `git`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Cargo => "cargo",
            Self::Docker => "docker",
            Self::Git => "git",
        }
    }
}

/// What a kind answers to a program that asks for a credential by one protocol.
///
/// The program gets the secret itself, so a host answers only if a person has permitted it, and only for the host names
/// of the kind. `{NAME}` in a text stands for a value of the connection.
///
/// ```
/// use connection_contract::{AuthType, CredentialHelper, Descriptor, HelperProtocol, Kind};
///
/// let git = CredentialHelper::new(HelperProtocol::Git, "{accessToken}").user("x-access-token").host("git.acme.example");
/// let kind = Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::ApiKey)
///     .origin("https://api.acme.example")
///     .secret_name("accessToken")
///     .helper(git.clone());
/// assert_eq!(kind.helpers, [git]);
/// assert!(kind.helpers[0].is_valid(&kind.secret_names));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialHelper {
    /// Protocol by which the program asks.
    pub protocol: HelperProtocol,
    /// Hosts for which the kind answers, such as `github.com`, if the base address of the connection has the
    /// [first origin](crate::Descriptor::origins) of the kind. A connection with another base address, and one of a kind that
    /// names no host here, answers for the origin of its base address alone.
    pub hosts: Vec<Text>,
    /// User name, as fixed text, `{account}` for the label of the account, or `{NAME}` for a public value of the connection.
    /// Cargo takes none.
    pub user: Option<Text>,
    /// Secret, with `{NAME}` once for one of the [secret names](crate::Descriptor::secret_names) of the kind.
    pub secret: Text,
    /// Session token of AWS, as `{NAME}` for a secret name. A connection may lack this secret.
    pub session: Option<Text>,
}

impl CredentialHelper {
    /// Creates an answer without a user name, for the origin of the base address.
    pub fn new(protocol: HelperProtocol, secret: impl Into<Text>) -> Self {
        Self { protocol, hosts: Vec::new(), user: None, secret: secret.into(), session: None }
    }

    /// Adds a host for which the kind answers.
    #[must_use]
    pub fn host(mut self, host: impl Into<Text>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Sets the user name.
    #[must_use]
    pub fn user(self, user: impl Into<Text>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Sets the session token.
    #[must_use]
    pub fn session(self, session: impl Into<Text>) -> Self {
        Self { session: Some(session.into()), ..self }
    }

    /// Returns the texts before and after `{NAME}`, and the name between them, if a text has exactly one.
    ///
    /// ```
    /// use connection_contract::CredentialHelper;
    ///
    /// assert_eq!(CredentialHelper::placeholder("Bearer {token}"), Some(("Bearer ", "token", "")));
    /// assert_eq!(CredentialHelper::placeholder("x-access-token"), None);
    /// ```
    pub fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
        let (before, rest) = text.split_once('{')?;
        let (name, after) = rest.split_once('}')?;
        let is_only = !before.contains('}') && !name.contains('{') && !after.contains(['{', '}']);
        (is_only && !name.is_empty()).then_some((before, name, after))
    }

    /// Returns `true` if a host can answer with this for a kind with these secret names: at most 8 host names in small
    /// letters, texts of at most 128 visible characters and spaces of ASCII, secrets that the kind names, a user name for
    /// every protocol but that of cargo, and hosts and a session token only where the protocol has them.
    pub fn is_valid(&self, secret_names: &[Text]) -> bool {
        let Self { protocol, hosts, user, secret, session } = self;
        let is_secret = |name: &str| secret_names.iter().any(|known| **known == *name);
        let is_plain = |text: &str| text.len() <= 128 && text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
        let is_user = |user: &Text| {
            let names = Self::placeholder(user).is_some_and(|(_, name, _)| !is_secret(name));
            is_plain(user) && !user.trim().is_empty() && (names || !user.contains(['{', '}']))
        };
        let is_of_secret =
            |text: &Text| is_plain(text) && Self::placeholder(text).is_some_and(|(_, name, _)| is_secret(name));
        let is_host = |host: &Text| {
            let is_label = |label: &str| {
                let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                (1..=63).contains(&label.len())
                    && label.bytes().all(is_part)
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            };
            host.len() <= 253 && host.contains('.') && host.split('.').all(is_label)
        };
        let is_aws = *protocol == HelperProtocol::Aws;
        let has_user = *protocol != HelperProtocol::Cargo;
        is_of_secret(secret)
            && user.is_some() == has_user
            && user.iter().all(is_user)
            && session.iter().all(|session| is_aws && is_of_secret(session))
            && hosts.len() <= 8
            && hosts.iter().all(is_host)
            && (hosts.is_empty() || !is_aws)
    }
}
