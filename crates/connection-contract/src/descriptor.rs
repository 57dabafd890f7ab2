//! The descriptor: what a kind is, and what it needs from its host.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{CredentialHelper, DisplayText, DoorVariable, Field, Kind, RulePreset, SetupMethod, Text, ToolSpec};

/// The form of authentication of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthType {
    /// An API key of the provider.
    ApiKey,
    /// A user name with a password.
    Basic,
    /// A form of authentication that no other variant describes.
    Custom,
    /// The kind needs no authentication.
    None,
    /// OAuth, with tokens from an authorization server.
    OAuth,
    /// A personal access token, which the user creates at the provider.
    PersonalAccessToken,
}

/// A capability that a kind needs from its host. A host without it still lists the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Access to files below directories that the user has granted.
    Files,
    /// Callbacks over HTTP, which the host receives.
    InboundHttp,
    /// A local tool that the host runs.
    Tools,
}

/// One part of a guide for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guide {
    /// An `https` address, preceded by its link text.
    Link(DisplayText, Text),
    /// A paragraph of plain text.
    Text(DisplayText),
}

/// The description of a kind, which a host checks at registration and shows to people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Descriptor {
    /// Stable name of the kind.
    pub kind: Kind,
    /// Name of the provider: the name of the kind, unless several kinds share a provider.
    pub provider: Kind,
    /// Name of the kind that a person reads.
    pub display_name: DisplayText,
    /// Form of authentication of the kind.
    pub auth: AuthType,
    /// Addresses that the kind sends requests to, each an origin with an optional path. The first is the base address,
    /// unless setup supplies another. An address that begins with `https://*.` stands for every host that is one label
    /// below the rest, and cannot be the base.
    pub origins: Vec<Text>,
    /// Every field that a setup may ask for.
    pub fields: Vec<Field>,
    /// Names of the secrets that [`NamedSecrets`](crate::NamedSecrets) hands out.
    pub secret_names: Vec<Text>,
    /// Instructions for people on how to get a credential.
    pub guide: Vec<Guide>,
    /// Capabilities that the kind needs from its host.
    pub needs: Vec<Need>,
    /// Methods by which a setup that continues outside the host can be finished. Empty if no setup does.
    pub ways: Vec<SetupMethod>,
    /// Local tools that the kind looks for.
    pub tools: Vec<ToolSpec>,
    /// Permission modes of the kind's tool, which say how far it may go without asking. They have the tool's own names,
    /// in the order in which a person cycles through them. The tool may accept modes that are not listed.
    pub permission_modes: Vec<Text>,
    /// Scopes that a re-authorization may ask for in addition to those that every setup asks for; see
    /// [`SetupContext::further_scopes`](crate::SetupContext::further_scopes).
    pub optional_scopes: Vec<Text>,
    /// `true` if the provider lists scopes of which one suffices when it refuses a request for lack of a scope. Otherwise it
    /// lists scopes that are all needed (RFC 6750, section 3.1).
    pub alternative_scopes: bool,
    /// Time for which the provider caches a prompt: a hint for showing a countdown. A user may set another time, or
    /// none.
    pub cache_ttl: Option<Duration>,
    /// Where the kind sends secrets and how: every address, the places of secrets in a request, and the client
    /// authentication, one fact per line in a stable order. The text holds no secret. A kind whose code cannot change
    /// without a new program has none.
    ///
    /// A host keeps the terms under which an account was connected. If the terms of the kind differ later, nothing is
    /// sent until a person accepts them, shown beside the old ones. Lines that begin with `helpers.` say only for which
    /// hosts [programs get the secret](Self::helpers): if nothing but such lines differ, a connection is used as before,
    /// and no program gets the secret until a person accepts the new terms.
    pub terms: Option<Text>,
    /// The beginnings of those lines of the terms that say only how a credential is revoked.
    ///
    /// If nothing but such lines differ, a connection is used as before. A removal revokes nothing until a person accepts
    /// the new terms.
    pub revocation_facts: Vec<Text>,
    /// `true` if the provider can only end everything that an account has granted to an application, and not a single
    /// credential. The kind names the grant in its [verification](crate::VerifyResult::grant), and a host revokes nothing
    /// while another connection of the provider depends on the same grant.
    pub revocation_ends_grant: bool,
    /// The only extension that may use connections of this kind. Such a connection is never the default of its
    /// provider.
    pub extension: Option<Text>,
    /// `true` if a setup may learn addresses from the provider itself; see
    /// [`SetupContext::discovered`](crate::SetupContext::discovered).
    pub discovers: bool,
    /// Presets of rules for programs that use a connection of the kind. Every kind has `ask` in addition.
    pub rules: Vec<RulePreset>,
    /// `true` if no `GET` and no `HEAD` changes anything at the provider. A host sends such a request once more if its
    /// connection had been closed.
    pub gets_only_read: bool,
    /// `true` if the kind identifies accounts by their e-mail address, in which capital letters make no difference. An import
    /// asks no provider, so it knows this from here; an answer of the provider says it in the identity
    /// ([`Identity::email`](crate::Identity::email)).
    pub account_is_email: bool,
    /// `true` if the provider takes an encoded `/` or `\` in a path as a part of its segment. Otherwise a request with
    /// one is refused wherever rules decide, because some servers decode it first.
    pub encoded_slash_is_data: bool,
    /// `true` if the provider takes an empty segment in the middle of a path as a segment like others. Otherwise a
    /// request with one is refused wherever rules decide, because some servers leave it out.
    pub empty_segment_is_data: bool,
    /// The form of the token that a program sends in place of the provider's secret, with `{token}` once, such as
    /// `xoxb-{token}`: for SDKs that check the form of a key before they send it. Without it, the token has no other
    /// form than its own.
    pub door_token: Option<Text>,
    /// Variables that direct the usual programs of the provider to a door of the host.
    pub door_variables: Vec<DoorVariable>,
    /// What the kind answers to programs that ask for a credential, each with a protocol of its own.
    pub helpers: Vec<CredentialHelper>,
}

impl Descriptor {
    /// Creates a descriptor with a name for people.
    pub fn new(kind: Kind, display_name: impl Into<DisplayText>, auth: AuthType) -> Self {
        Self {
            provider: kind.clone(),
            kind,
            display_name: display_name.into(),
            auth,
            origins: Vec::new(),
            fields: Vec::new(),
            secret_names: Vec::new(),
            guide: Vec::new(),
            needs: Vec::new(),
            ways: Vec::new(),
            tools: Vec::new(),
            permission_modes: Vec::new(),
            optional_scopes: Vec::new(),
            alternative_scopes: false,
            cache_ttl: None,
            terms: None,
            revocation_facts: Vec::new(),
            revocation_ends_grant: false,
            extension: None,
            discovers: false,
            rules: Vec::new(),
            gets_only_read: false,
            account_is_email: false,
            encoded_slash_is_data: false,
            empty_segment_is_data: false,
            door_token: None,
            door_variables: Vec::new(),
            helpers: Vec::new(),
        }
    }

    /// Sets the provider, for kinds that share one.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = provider;
        self
    }

    /// Adds an address that the kind sends requests to.
    #[must_use]
    pub fn origin(mut self, address: impl Into<Text>) -> Self {
        self.origins.push(address.into());
        self
    }

    /// Adds a field that setup may ask for.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds the name of a secret that [`NamedSecrets`](crate::NamedSecrets) hands out.
    #[must_use]
    pub fn secret_name(mut self, name: impl Into<Text>) -> Self {
        self.secret_names.push(name.into());
        self
    }

    /// Adds a text to the guide.
    #[must_use]
    pub fn guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.guide.push(Guide::Text(text.into()));
        self
    }

    /// Adds a link to the guide.
    #[must_use]
    pub fn guide_link(mut self, text: impl Into<DisplayText>, url: impl Into<Text>) -> Self {
        self.guide.push(Guide::Link(text.into(), url.into()));
        self
    }

    /// Adds a method by which a setup can be finished.
    #[must_use]
    pub fn setup_method(mut self, way: SetupMethod) -> Self {
        self.ways.push(way);
        self
    }

    /// Adds a local tool that the kind looks for.
    #[must_use]
    pub fn tool(mut self, tool: ToolSpec) -> Self {
        self.tools.push(tool);
        self
    }

    /// Adds a permission mode. The order is the one in which a person cycles through the modes.
    #[must_use]
    pub fn permission_mode(mut self, name: impl Into<Text>) -> Self {
        self.permission_modes.push(name.into());
        self
    }

    /// Adds a scope that a re-authorization may ask for in addition to those that every setup asks for. Of alternatives, the
    /// narrowest comes first.
    #[must_use]
    pub fn optional_scope(mut self, scope: impl Into<Text>) -> Self {
        self.optional_scopes.push(scope.into());
        self
    }

    /// Says that the provider lists scopes of which one suffices when it refuses a request for lack of a scope.
    #[must_use]
    pub fn alternative_scopes(mut self) -> Self {
        self.alternative_scopes = true;
        self
    }

    /// Sets the time for which the provider caches a prompt.
    #[must_use]
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = Some(ttl);
        self
    }

    /// Sets the facts to which a person agrees by connecting: where the kind sends secrets, and how. See
    /// [`terms`](Self::terms).
    #[must_use]
    pub fn terms(mut self, facts: impl Into<Text>) -> Self {
        self.terms = Some(facts.into());
        self
    }

    /// Adds the beginning of lines of the terms that say only how a credential is revoked, such as `revoke.`.
    #[must_use]
    pub fn revocation_fact(mut self, beginning: impl Into<Text>) -> Self {
        self.revocation_facts.push(beginning.into());
        self
    }

    /// Declares that a revocation ends everything that the account has granted to the application.
    #[must_use]
    pub fn revocation_ends_grant(mut self) -> Self {
        self.revocation_ends_grant = true;
        self
    }

    /// Restricts the kind to one extension, by its name.
    #[must_use]
    pub fn extension(mut self, name: impl Into<Text>) -> Self {
        self.extension = Some(name.into());
        self
    }

    /// Lets a setup learn addresses from the provider itself.
    #[must_use]
    pub fn discovers(mut self) -> Self {
        self.discovers = true;
        self
    }

    /// States that no `GET` and no `HEAD` changes anything at the provider.
    #[must_use]
    pub fn gets_only_read(mut self) -> Self {
        self.gets_only_read = true;
        self
    }

    /// Declares that the kind identifies accounts by their e-mail address.
    #[must_use]
    pub fn account_is_email(mut self) -> Self {
        self.account_is_email = true;
        self
    }

    /// Adds a preset of rules, from its name and its rules as JSON text. See [`RulePreset`].
    #[must_use]
    pub fn rule_preset(mut self, name: impl Into<Text>, rules: impl Into<Text>) -> Self {
        self.rules.push(RulePreset::new(name, rules));
        self
    }

    /// Declares that the provider takes an encoded `/` or `\` in a path as a part of its segment.
    #[must_use]
    pub fn encoded_slash_is_data(mut self) -> Self {
        self.encoded_slash_is_data = true;
        self
    }

    /// Declares that the provider takes an empty segment in the middle of a path as a segment like others.
    #[must_use]
    pub fn empty_segment_is_data(mut self) -> Self {
        self.empty_segment_is_data = true;
        self
    }

    /// Sets the form of the token that a program sends in place of the provider's secret, with `{token}` once. See
    /// [`door_token`](Self::door_token).
    ///
    /// ```
    /// use connection_contract::{AuthType, Descriptor, Kind};
    ///
    /// let kind = Descriptor::new(Kind::from_static("slack"), "Slack", AuthType::OAuth).door_token("xoxb-{token}");
    /// assert_eq!(kind.door_token.as_deref(), Some("xoxb-{token}"));
    /// ```
    #[must_use]
    pub fn door_token(mut self, form: impl Into<Text>) -> Self {
        self.door_token = Some(form.into());
        self
    }

    /// Adds a variable that directs the usual programs of the provider to a door of the host. See [`DoorVariable`].
    #[must_use]
    pub fn door_variable(mut self, name: impl Into<Text>, value: impl Into<Text>) -> Self {
        self.door_variables.push(DoorVariable::new(name, value));
        self
    }

    /// Adds what the kind answers to programs that ask for a credential. See [`CredentialHelper`].
    #[must_use]
    pub fn helper(mut self, helper: CredentialHelper) -> Self {
        self.helpers.push(helper);
        self
    }

    /// Returns `true` for a text that can be the form of a token: at most 128 visible ASCII characters, with `{token}`
    /// once.
    ///
    /// ```
    /// use connection_contract::Descriptor;
    ///
    /// assert!(Descriptor::is_door_token("xoxb-{token}"));
    /// assert!(!Descriptor::is_door_token("xoxb-") && !Descriptor::is_door_token("{token}{token}"));
    /// ```
    pub fn is_door_token(form: &str) -> bool {
        let is_plain = form.len() <= 128 && form.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain && form.matches("{token}").count() == 1
    }

    /// Adds a capability that the kind needs from its host.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }
}
