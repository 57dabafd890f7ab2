//! What a kind is, and what it may ask.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{DisplayText, Kind, Text, ToolSpec};

/// How a kind proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthType {
    /// An API key.
    ApiKey,
    /// User name and password.
    Basic,
    /// Something else.
    Custom,
    /// Nothing.
    None,
    /// OAuth.
    OAuth,
    /// A personal access token.
    PersonalAccessToken,
}
/// What an integration supports and so needs from a host; a host without it still lists the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Files below granted roots.
    Files,
    /// Callbacks.
    InboundHttp,
    /// A local tool that the host runs.
    Tools,
}
/// One part of a guide for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guide {
    /// An `https` address, and what it is called.
    Link(DisplayText, Text),
    /// Words.
    Text(DisplayText),
}
/// How a person finishes a setup that leads elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// In a browser, which comes back by itself.
    Browser,
    /// With a code that is typed at the provider, on any machine.
    Device,
    /// In any browser; where it ends is pasted.
    Paste,
}
/// How a field is asked and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// Yes or no.
    Bool,
    /// One of these values, each with a label.
    Choice(Vec<(Text, DisplayText)>),
    /// A directory; the answer is the grant.
    Directory,
    /// A whole number.
    Number,
    /// Not echoed, not kept outside the credential.
    Secret,
    /// One line.
    Text,
    /// An absolute `http(s)` address; the answer is the grant.
    Url,
}
/// One question. Every field that a setup may ask is declared in the descriptor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Field {
    /// The key of the answer: `accessToken`.
    pub name: Text,
    /// For people.
    pub label: DisplayText,
    /// How it is asked.
    pub input: Input,
    /// Refused when empty.
    pub required: bool,
    /// The question by which a person chooses to answer an optional field: "GitHub Enterprise?". A host that asks one
    /// field after another asks an optional field only after a yes, and one without a question only on demand.
    pub offer: Option<DisplayText>,
    /// Takes one or more values: the name is repeated in the answers.
    pub many: bool,
    /// Where to find it.
    pub help: Option<DisplayText>,
    /// Shown while empty.
    pub placeholder: Option<DisplayText>,
    /// Used when not answered.
    pub default: Option<Text>,
    /// A regular expression for the whole text (the `regex` crate's); checked at registration.
    pub pattern: Option<Text>,
    /// Asked only of who finishes this way, which the descriptor names; of everybody unless set.
    pub way: Option<Way>,
    /// Asked once: what was accepted is kept among the secret values of the kind, under this key
    /// ([`KvService`](crate::KvService)). A host that gives a value of its own there is not asked.
    pub kept: Option<Text>,
    /// The field of the same prompt with whose `true` a person confirms an address without encryption, for a device at an
    /// address of a private network. Without it only `https` is taken, and `http` on this machine.
    pub plain_http: Option<Text>,
}
impl Field {
    /// A field of any input.
    pub fn new(name: impl Into<Text>, label: impl Into<DisplayText>, input: Input) -> Self {
        let (name, label) = (name.into(), label.into());
        let (offer, help, placeholder, default, pattern, way, kept, plain_http) = Default::default();
        let (required, many) = (true, false);
        Self { name, label, input, required, offer, many, help, placeholder, default, pattern, way, kept, plain_http }
    }
    /// One line of text.
    pub fn text(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Text)
    }
    /// A secret.
    pub fn secret(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Secret)
    }
    /// An absolute address.
    pub fn url(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Url)
    }
    /// A directory; the answer is the grant.
    pub fn directory(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Directory)
    }
    /// Takes one or more values.
    #[must_use]
    pub fn many(mut self) -> Self {
        self.many = true;
        self
    }
    /// May be left empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }
    /// May be left empty, and is asked after a yes to this question. Fields with the same question share its answer.
    #[must_use]
    pub fn offer(mut self, question: impl Into<DisplayText>) -> Self {
        self.required = false;
        self.offer = Some(question.into());
        self
    }
    /// Where to find it.
    #[must_use]
    pub fn help(mut self, text: impl Into<DisplayText>) -> Self {
        self.help = Some(text.into());
        self
    }
    /// Shown while empty.
    #[must_use]
    pub fn placeholder(mut self, text: impl Into<DisplayText>) -> Self {
        self.placeholder = Some(text.into());
        self
    }
    /// Used when not answered.
    #[must_use]
    pub fn default(mut self, text: impl Into<Text>) -> Self {
        self.default = Some(text.into());
        self
    }
    /// What the whole text must match.
    #[must_use]
    pub fn pattern(mut self, regex: impl Into<Text>) -> Self {
        self.pattern = Some(regex.into());
        self
    }
    /// Asked only of who finishes this way.
    #[must_use]
    pub fn way(mut self, way: Way) -> Self {
        self.way = Some(way);
        self
    }
    /// Asked once, and kept under this key.
    #[must_use]
    pub fn kept(mut self, key: impl Into<Text>) -> Self {
        self.kept = Some(key.into());
        self
    }
    /// Takes `http` at an address of a private network, such as `http://192.168.1.20`, where the answer to this
    /// [`Input::Bool`] field of the same prompt confirms it. The address must be a number: a name may lead anywhere.
    #[must_use]
    pub fn plain_http(mut self, confirmed_by: impl Into<Text>) -> Self {
        self.plain_http = Some(confirmed_by.into());
        self
    }
}
/// What a kind is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Descriptor {
    /// Its stable name.
    pub kind: Kind,
    /// Whose it is; the kind's own name unless several kinds share a provider.
    pub provider: Kind,
    /// For people.
    pub display_name: DisplayText,
    /// How it proves who it is.
    pub auth: AuthType,
    /// Addresses that it talks to, each an origin with an optional path; the first is the base unless setup gives one. One
    /// that begins with `https://*.` stands for every host that is one label below the rest, and is no base.
    pub origins: Vec<Text>,
    /// Everything that setup may ask.
    pub fields: Vec<Field>,
    /// What [`NamedSecrets`](crate::NamedSecrets) hands out.
    pub secret_names: Vec<Text>,
    /// How to get a credential, for people.
    pub guide: Vec<Guide>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// How its setup may be finished where it leads elsewhere; none, when it does not.
    pub ways: Vec<Way>,
    /// Local tools that it looks for.
    pub tools: Vec<ToolSpec>,
    /// How far its tool may go unasked, by the tool's own names, in the order in which a person cycles through them. A mode
    /// that is not here may be accepted all the same.
    pub permission_modes: Vec<Text>,
    /// For how long its provider keeps a prompt warm, as a hint to show a countdown; a user may say another time, or none.
    pub cache_ttl: Option<Duration>,
}
impl Descriptor {
    /// A kind with a name for people.
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
            cache_ttl: None,
        }
    }
    /// Whose it is.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = provider;
        self
    }
    /// An address that it talks to.
    #[must_use]
    pub fn origin(mut self, address: impl Into<Text>) -> Self {
        self.origins.push(address.into());
        self
    }
    /// Something that setup may ask.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }
    /// A name that `NamedSecrets` knows.
    #[must_use]
    pub fn secret_name(mut self, name: impl Into<Text>) -> Self {
        self.secret_names.push(name.into());
        self
    }
    /// Words for people.
    #[must_use]
    pub fn guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.guide.push(Guide::Text(text.into()));
        self
    }
    /// An address for people.
    #[must_use]
    pub fn guide_link(mut self, text: impl Into<DisplayText>, url: impl Into<Text>) -> Self {
        self.guide.push(Guide::Link(text.into(), url.into()));
        self
    }
    /// How its setup may be finished.
    #[must_use]
    pub fn way(mut self, way: Way) -> Self {
        self.ways.push(way);
        self
    }
    /// A local tool that it looks for.
    #[must_use]
    pub fn tool(mut self, tool: ToolSpec) -> Self {
        self.tools.push(tool);
        self
    }
    /// How far its tool may go unasked; the order is that of a person's cycle.
    #[must_use]
    pub fn permission_mode(mut self, name: impl Into<Text>) -> Self {
        self.permission_modes.push(name.into());
        self
    }
    /// For how long its provider keeps a prompt warm.
    #[must_use]
    pub fn cache_ttl(mut self, ttl: Duration) -> Self {
        self.cache_ttl = Some(ttl);
        self
    }
    /// What it needs from the host.
    #[must_use]
    pub fn needs(mut self, need: Need) -> Self {
        self.needs.push(need);
        self
    }
}
