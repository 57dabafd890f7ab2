//! What a setup shows, waits for and gets.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, time::Duration};

use crate::{Answers, BoxFuture, DisplayText, Link, Origin, Reason, Secret, Text};

/// Questions to the user, by the names of declared fields. Without any it is a confirmation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Prompt {
    /// Heading.
    pub title: DisplayText,
    /// What was wrong with the previous answer.
    pub problem: Option<DisplayText>,
    /// Names of fields in the descriptor, in order.
    pub fields: Vec<Text>,
}
impl Prompt {
    /// A prompt without fields.
    pub fn new(title: impl Into<DisplayText>) -> Self {
        Self { title: title.into(), problem: None, fields: Vec::new() }
    }
    /// Asks a declared field.
    #[must_use]
    pub fn field(mut self, name: impl Into<Text>) -> Self {
        self.fields.push(name.into());
        self
    }
    /// Says what was wrong with the previous answer, if anything.
    #[must_use]
    pub fn problem(mut self, text: Option<DisplayText>) -> Self {
        self.problem = text;
        self
    }
}
/// Where to send the user's browser.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Redirect {
    /// Opened, or shown as a link.
    pub link: Link,
}
impl Redirect {
    /// To that address.
    pub fn new(link: Link) -> Self {
        Self { link }
    }
}
/// Something to show beside the steps.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Notice {
    /// One sentence.
    pub message: DisplayText,
    /// Where to go.
    pub link: Option<Link>,
    /// What to type there.
    pub user_code: Option<DisplayText>,
    /// Why the provider cannot be asked now; set by the host when a setup waits for better times.
    pub reason: Option<Reason>,
}
impl Notice {
    /// A sentence.
    pub fn new(message: impl Into<DisplayText>) -> Self {
        Self { message: message.into(), link: None, user_code: None, reason: None }
    }
    /// That a setup waits because the provider cannot be asked now. For hosts.
    pub fn offline(reason: Reason) -> Self {
        Self { reason: Some(reason.clone()), ..Self::new(reason.message) }
    }
    /// Where to go, and what to type there.
    #[must_use]
    pub fn device_code(mut self, link: Link, code: impl Into<DisplayText>) -> Self {
        self.link = Some(link);
        self.user_code = Some(code.into());
        self
    }
}
/// What to show, and every way in which the wait may end; the first one wins.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Wait<'a> {
    /// Shown while it waits, beside the earlier notices.
    pub notices: Vec<Notice>,
    /// Opened in the browser.
    pub open: Option<Redirect>,
    /// Ends with an answer.
    pub prompt: Option<Prompt>,
    /// Ends with a callback.
    pub callback: Option<&'a CallbackHandle>,
    /// Ends by itself.
    pub elapsed: Option<Duration>,
}
impl<'a> Wait<'a> {
    /// Shows nothing and never ends yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Opens an address.
    #[must_use]
    pub fn open(mut self, link: Link) -> Self {
        self.open = Some(Redirect::new(link));
        self
    }
    /// Shows a code to type elsewhere.
    #[must_use]
    pub fn device_code(self, link: Link, code: impl Into<DisplayText>) -> Self {
        self.notice(Notice::new("Open this address and type the code").device_code(link, code))
    }
    /// Shows a notice.
    #[must_use]
    pub fn notice(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }
    /// May end with an answer.
    #[must_use]
    pub fn answer(mut self, prompt: Prompt) -> Self {
        self.prompt = Some(prompt);
        self
    }
    /// May end with a callback; takes `&handle`, or `handle.as_ref()` of an optional one.
    #[must_use]
    pub fn callback(mut self, handle: impl Into<Option<&'a CallbackHandle>>) -> Self {
        self.callback = handle.into();
        self
    }
    /// May end after a time.
    #[must_use]
    pub fn elapsed(mut self, duration: Duration) -> Self {
        self.elapsed = Some(duration);
        self
    }
}
/// What ended a wait. Only ways that the plugin asked for come, so a new one is no break: end a `match` with `_`.
#[derive(Debug)]
#[non_exhaustive]
pub enum Woken {
    /// The user answered.
    Answered(Answers),
    /// The browser came back.
    Callback(CallbackRequest),
    /// The time is over.
    Elapsed,
}
/// The host's way to be called back.
pub trait InboundHttpService: Send + Sync {
    /// An address and a fresh `state`, or `None` when there is none to give now.
    ///
    /// # Repetition
    ///
    /// Every call gives another handle; in a replay the same ones in the same order. A handle lives as long as its
    /// session and fires at most once.
    fn allocate_callback(&self) -> BoxFuture<'_, Option<CallbackHandle>>;
}
/// A way to be called back. Plain data; not `Clone`; the host forgets it when the session ends.
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
    /// Stable per host and kind: what one registers at the provider.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }
    /// The address with `state` in its query, for a provider that gives no `state` back.
    pub fn unique_url(&self) -> Secret {
        Secret::from(format!("{}?state={}", self.redirect_uri, self.state))
    }
    /// Returns `true` unless the address is one of this machine alone, to which only a browser on it comes back.
    pub fn reaches_others(&self) -> bool {
        Origin::of(&self.redirect_uri).is_some_and(|origin| !origin.is_loopback())
    }
    /// 256 random bits, one-shot: what to send as `state`. The host has checked it before a [`CallbackRequest`] exists.
    pub fn state(&self) -> &str {
        &self.state
    }
}
impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallbackHandle({})", self.redirect_uri)
    }
}
/// The ways of having no callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoCallback {
    /// The host is called back on its own machine alone, and somebody else has to call.
    LoopbackAlone,
    /// The host has no inbound HTTP at all.
    NoInboundHttp,
    /// It has, but gives no address now.
    NoneLeft,
}
/// What the browser brought back, without `state`.
#[non_exhaustive]
pub struct CallbackRequest {
    /// Decoded query (or form) parameters.
    pub parameters: Vec<(String, Secret)>,
}
impl CallbackRequest {
    /// The parameter, if it came.
    pub fn parameter(&self, name: &str) -> Option<&Secret> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}
impl fmt::Debug for CallbackRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parameters.iter().map(|(n, _)| n)).finish()
    }
}
