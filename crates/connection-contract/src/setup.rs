//! The prompts, notices, waits and callbacks of a setup.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::{fmt, time::Duration};

use crate::{Answers, BoxFuture, DisplayText, Link, Origin, ProviderText, Reason, Secret, SetupFailure, Text};

/// Questions to the user, by the names of declared fields. A prompt without fields is a confirmation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prompt {
    /// Heading that is shown above the questions.
    pub title: DisplayText,
    /// Description of what was wrong with the previous answer.
    pub problem: Option<DisplayText>,
    /// The provider's own words about the previous answer, as in [`Reason::provider_text`]. Set by the host.
    pub provider_text: Option<ProviderText>,
    /// `true` if the problem is that of an attempt with the previous answer.
    pub(crate) follows_attempt: bool,
    /// Names of fields of the descriptor, in the order in which they are asked.
    pub fields: Vec<Text>,
}

impl Prompt {
    /// Creates a prompt without fields.
    pub fn new(title: impl Into<DisplayText>) -> Self {
        Self { title: title.into(), problem: None, provider_text: None, follows_attempt: false, fields: Vec::new() }
    }

    /// Adds a field of the descriptor by its name, after the others.
    #[must_use]
    pub fn field(mut self, name: impl Into<Text>) -> Self {
        self.fields.push(name.into());
        self
    }

    /// Sets the description of what was wrong with the previous answer, if anything.
    #[must_use]
    pub fn problem(mut self, text: Option<DisplayText>) -> Self {
        self.problem = text;
        self
    }
}

/// An address to which the user's browser is sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Redirect {
    /// The address, which the host opens or shows as a link.
    pub link: Link,
}

impl Redirect {
    /// Creates a redirect to this address.
    pub fn new(link: Link) -> Self {
        Self { link }
    }
}

/// Information that is shown beside the steps of a setup.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notice {
    /// One sentence that a person reads.
    pub message: DisplayText,
    /// Address that the person can open.
    pub link: Option<Link>,
    /// Code to enter at that address.
    pub user_code: Option<DisplayText>,
    /// Reason why the provider cannot be asked now, which the host sets while a setup waits for the provider, or why one of
    /// several ways to go on has ended, which a plugin sets.
    pub reason: Option<Reason>,
}

impl Notice {
    /// Creates a notice with one sentence.
    pub fn new(message: impl Into<DisplayText>) -> Self {
        Self { message: message.into(), link: None, user_code: None, reason: None }
    }

    /// Creates the notice that a setup waits because the provider cannot be asked now. Only hosts call this.
    pub fn offline(reason: Reason) -> Self {
        Self { reason: Some(reason.clone()), ..Self::new(reason.message) }
    }

    /// Sets an address to open, and a code to enter there.
    #[must_use]
    pub fn device_code(mut self, link: Link, code: impl Into<DisplayText>) -> Self {
        self.link = Some(link);
        self.user_code = Some(code.into());
        self
    }
}

/// A wait of a setup: what it shows, and every input that may end it. The first input wins.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// Notices shown during the wait, beside earlier notices.
    pub notices: Vec<Notice>,
    /// Address opened in the browser.
    pub open: Option<Redirect>,
    /// Prompt whose answer ends the wait.
    pub prompt: Option<Prompt>,
    /// Callback that ends the wait.
    pub callback: Option<&'a CallbackHandle>,
    /// Time after which the wait ends.
    pub elapsed: Option<Duration>,
}

impl<'a> Wait<'a> {
    /// Creates a wait that shows nothing and that nothing ends.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens this address in the browser.
    #[must_use]
    pub fn open(mut self, link: Link) -> Self {
        self.open = Some(Redirect::new(link));
        self
    }

    /// Shows an address and a code to enter there.
    #[must_use]
    pub fn device_code(self, link: Link, code: impl Into<DisplayText>) -> Self {
        self.notice(Notice::new("Open this address and type the code").device_code(link, code))
    }

    /// Adds a notice that is shown during the wait.
    #[must_use]
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }

    /// Ends the wait when the user answers this prompt.
    #[must_use]
    pub fn answer(mut self, prompt: Prompt) -> Self {
        self.prompt = Some(prompt);
        self
    }

    /// Ends the wait when this callback arrives. Takes `&handle`, or `handle.as_ref()` of an optional handle.
    #[must_use]
    pub fn callback(mut self, handle: impl Into<Option<&'a CallbackHandle>>) -> Self {
        self.callback = handle.into();
        self
    }

    /// Ends the wait after this time.
    #[must_use]
    pub fn elapsed(mut self, duration: Duration) -> Self {
        self.elapsed = Some(duration);
        self
    }
}

/// The input that ended a wait.
///
/// Only inputs that the [`Wait`] allows occur, so a new variant breaks no plugin. End a `match` with `_`.
#[derive(Debug)]
#[non_exhaustive]
pub enum WaitOutcome {
    /// The user answered the prompt.
    Answered(Answers),
    /// The provider has sent a callback, whose parameters are here.
    Callback(CallbackRequest),
    /// The time to wait for has passed.
    Elapsed,
}

/// The host's service for callbacks.
pub trait InboundHttpService: Send + Sync {
    /// Returns an address and a fresh `state`, or `None` if the host has none to give now.
    ///
    /// # Repetition
    ///
    /// Every call returns another handle. A replay returns the same handles in the same order. A handle is valid for as
    /// long as its session, and receives at most one callback.
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>>;

    /// See [`SetupContext::callback_at`](crate::SetupContext::callback_at). A host without such addresses has none to
    /// give.
    fn allocate_callback_at<'a>(&'a self, part: &'a str) -> BoxFuture<'a, Option<CallbackHandle>> {
        let _ = part;
        Box::pin(async { None })
    }
}

/// The address and the `state` of one callback.
///
/// The handle is plain data and is not `Clone`. The host forgets it when the session ends.
///
/// ```compile_fail,E0599
/// fn twice(handle: &connection_contract::CallbackHandle) -> connection_contract::CallbackHandle {
///     handle.clone()
/// }
/// let _: fn(_) -> connection_contract::CallbackHandle = |handle: connection_contract::CallbackHandle| handle.clone();
/// ```
pub struct CallbackHandle {
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
}

impl CallbackHandle {
    /// Returns the redirect URI to register at the provider. It is stable for a host and a kind.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Returns the address with `state` in its query, for a provider that does not return `state`.
    pub fn unique_url(&self) -> Secret {
        Secret::from(format!("{}?state={}", self.redirect_uri, self.state))
    }

    /// Returns `true` unless the address is a loopback address, which only a browser on this machine can reach.
    pub fn reaches_others(&self) -> bool {
        Origin::of(&self.redirect_uri).is_some_and(|origin| !origin.is_loopback())
    }

    /// Returns the address of a document that describes this program as an OAuth application with this redirect URI
    /// (draft-ietf-oauth-client-id-metadata-document), if the host serves one: for an address with a part, which others
    /// reach with TLS.
    pub fn client_document(&self) -> Option<String> {
        let secure = self.redirect_uri.starts_with("https://") && self.reaches_others();
        let (before, rest) = self.redirect_uri.rsplit_once("/callback/").filter(|_| secure)?;
        let (_, part) = rest.split_once('/')?;
        Some(format!("{before}/oauth/client/{part}.json"))
    }

    /// Returns the value to send as `state`: 256 random bits that work once. The host checks it before it creates a
    /// [`CallbackRequest`].
    pub fn state(&self) -> &str {
        &self.state
    }
}

impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackHandle({})", self.redirect_uri)
    }
}

/// The reason why a host offers no callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallbackUnavailable {
    /// The host receives callbacks only from its own machine, and this callback comes from another one.
    LoopbackOnly,
    /// The host does not support callbacks.
    NoInboundHttp,
    /// The host supports callbacks but has no free address now.
    NoAddress,
}

impl From<CallbackUnavailable> for SetupFailure {
    fn from(e: CallbackUnavailable) -> Self {
        let other = "use a host that receives callbacks, or another kind of this provider";
        let (message, remedy) = match e {
            CallbackUnavailable::LoopbackOnly => (
                "this host receives callbacks only from its own machine, but this provider calls from elsewhere",
                "use a host that can be reached over the network: `connections serve` with inbound.public_url",
            ),
            CallbackUnavailable::NoInboundHttp => ("this host cannot receive callbacks", other),
            CallbackUnavailable::NoAddress => ("this host has no free callback address now", other),
        };
        Self::new("no_callback", message).remedy(remedy)
    }
}

/// The parameters of a callback, without `state`.
///
/// `code`, `error` and `iss` come once at most. A provider may repeat others, so a plugin that reads one of them refuses
/// it if it comes twice.
#[non_exhaustive]
pub struct CallbackRequest {
    /// Decoded parameters of the query or form. A value may be no text.
    pub parameters: Vec<(String, Secret)>,
}

impl CallbackRequest {
    /// Returns the first parameter with this name, if there is one.
    pub fn parameter(&self, name: &str) -> Option<&Secret> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parameters.iter().map(|(n, _)| n)).finish()
    }
}
