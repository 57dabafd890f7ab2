//! The fields that a setup may ask for, and the methods by which it can be finished.

use alloc::vec::Vec;

use crate::{DisplayText, Text};

/// A method by which a person can finish a setup that continues outside the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupMethod {
    /// A browser that returns to the host by itself.
    Browser,
    /// A code that a person enters at the provider, on any machine.
    Device,
    /// Any browser; a person pastes the address on which it ends.
    Paste,
}

/// The input type of a field, which decides how its answer is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input {
    /// A choice between yes and no.
    Bool,
    /// One of these values, each with a label.
    Choice(Vec<(Text, DisplayText)>),
    /// A directory. The answer is the grant to read it.
    Directory,
    /// A whole number, which may be negative.
    Number,
    /// A secret. It is neither echoed nor stored outside the credential.
    Secret,
    /// One line of text, which is no secret.
    Text,
    /// An absolute `http(s)` address. The answer is the grant to use it.
    Url,
}

/// A question of a setup. The descriptor declares every field that a setup may ask for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Field {
    /// The key of the answer: `accessToken`.
    pub name: Text,
    /// Label that a person reads.
    pub label: DisplayText,
    /// Input type of the answer.
    pub input: Input,
    /// `true` if an empty answer is rejected.
    pub required: bool,
    /// The question that lets a person choose to answer an optional field: "GitHub Enterprise?". A host that asks for
    /// one field after another asks for an optional field only after a yes to its question, and for one without a
    /// question only on demand.
    pub offer: Option<DisplayText>,
    /// `true` if the field takes one or more values. The answers then repeat its name.
    pub many: bool,
    /// Help text that tells a person where to find the value.
    pub help: Option<DisplayText>,
    /// Text shown while the field is empty.
    pub placeholder: Option<DisplayText>,
    /// Value used if the field is not answered.
    pub default: Option<Text>,
    /// A regular expression of the `regex` crate that the whole text must match. It is checked at registration.
    pub pattern: Option<Text>,
    /// The setup method for which this field is asked; the descriptor must declare that method. A field without a
    /// method is always asked.
    pub way: Option<SetupMethod>,
    /// Key under which the plugin keeps an accepted answer among its secret or shared values
    /// ([`KvService`](crate::KvService)), so that it asks only once. The field is not asked if the host supplies a
    /// value under this key.
    pub kept: Option<Text>,
    /// Name of the field of the same prompt that a person answers with `true` to confirm an address without encryption,
    /// for a device in a private network. Without it, only `https` is accepted, and `http` on this machine.
    pub plain_http: Option<Text>,
    /// `true` for a key or token that the provider made, as opposed to a password that a person chose. A host removes what
    /// comes along when one is copied: white space, line breaks, quotation marks and invisible characters around it, and
    /// what stands before it in a header or in a line of variables, such as `Bearer` or `export TOKEN=`. It refuses one with
    /// such a character inside.
    pub is_key: bool,
    /// `true` for a private key as PKCS#8 in PEM (RFC 7468). A host takes the key out of the text, restores its lines if they
    /// became spaces or `\n` or were lost, and refuses every other text.
    pub is_private_key: bool,
    /// Name of the [`Input::Secret`] field whose answer is the query of the address, because a query may hold a key.
    /// Without it, an address with a query is refused.
    pub query: Option<Text>,
}

impl Field {
    /// Creates a required field with this input type.
    pub fn new(name: impl Into<Text>, label: impl Into<DisplayText>, input: Input) -> Self {
        let name = name.into();
        let label = label.into();
        Self {
            name,
            label,
            input,
            required: true,
            offer: None,
            many: false,
            help: None,
            placeholder: None,
            default: None,
            pattern: None,
            way: None,
            kept: None,
            plain_http: None,
            is_key: false,
            is_private_key: false,
            query: None,
        }
    }

    /// Creates a required field for one line of text.
    pub fn text(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Text)
    }

    /// Creates a required field for a secret.
    pub fn secret(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Secret)
    }

    /// Creates a required field for an absolute address.
    pub fn url(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Url)
    }

    /// Creates a required field for a directory. The answer is the grant to read it.
    pub fn directory(name: impl Into<Text>, label: impl Into<DisplayText>) -> Self {
        Self::new(name, label, Input::Directory)
    }

    /// Accepts one or more values.
    #[must_use]
    pub fn many(mut self) -> Self {
        self.many = true;
        self
    }

    /// Allows the user to leave the field empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Allows an empty answer, and asks for the field only after a yes to this question. Fields with the same question
    /// share the answer to it.
    #[must_use]
    pub fn offer(mut self, question: impl Into<DisplayText>) -> Self {
        self.required = false;
        self.offer = Some(question.into());
        self
    }

    /// Sets the help text that tells a person where to find the value.
    #[must_use]
    pub fn help(mut self, text: impl Into<DisplayText>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the text shown while the field is empty.
    #[must_use]
    pub fn placeholder(mut self, text: impl Into<DisplayText>) -> Self {
        self.placeholder = Some(text.into());
        self
    }

    /// Sets the value used if the field is not answered.
    #[must_use]
    pub fn default(mut self, text: impl Into<Text>) -> Self {
        self.default = Some(text.into());
        self
    }

    /// Sets a regular expression that the whole text must match.
    #[must_use]
    pub fn pattern(mut self, regex: impl Into<Text>) -> Self {
        self.pattern = Some(regex.into());
        self
    }

    /// Asks for the field only in a setup that is finished by this method.
    #[must_use]
    pub fn setup_method(mut self, way: SetupMethod) -> Self {
        self.way = Some(way);
        self
    }

    /// Asks for the field only once, and keeps the answer under this key.
    #[must_use]
    pub fn kept(mut self, key: impl Into<Text>) -> Self {
        self.kept = Some(key.into());
        self
    }

    /// Accepts `http` at an address of a private network, such as `http://192.168.1.20`, if a person confirms it with
    /// the answer to this [`Input::Bool`] field of the same prompt. The host of the address must be an IP address,
    /// because a name may resolve to anything.
    #[must_use]
    pub fn plain_http(mut self, confirmed_by: impl Into<Text>) -> Self {
        self.plain_http = Some(confirmed_by.into());
        self
    }

    /// Declares that the answer is a key or token that the provider made. See [`is_key`](Self::is_key).
    #[must_use]
    pub fn key(mut self) -> Self {
        self.is_key = true;
        self
    }

    /// Declares that the answer is a private key as PKCS#8 in PEM, which has several lines. See
    /// [`is_private_key`](Self::is_private_key).
    #[must_use]
    pub fn private_key(mut self) -> Self {
        self.is_private_key = true;
        self
    }

    /// Takes the address as the exact one of an endpoint: a slash at its end is kept, and it may have a query, which becomes
    /// the answer to this declared [`Input::Secret`] field. The prompt does not name that field.
    #[must_use]
    pub fn exact(mut self, query: impl Into<Text>) -> Self {
        self.query = Some(query.into());
        self
    }
}
