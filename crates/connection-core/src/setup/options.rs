//! The host's choices for a session, which the builders of both purposes collect.

use std::sync::Arc;

use connection_contract::Secret;

use super::{Applicant, answerer::Answerer};

/// The host's choices for a session.
#[derive(Debug, Default)]
pub(super) struct SetupOptions {
    pub(super) ephemeral: bool,
    pub(super) browser: Option<Secret>,
    pub(super) led: bool,
    pub(super) confirm: bool,
    pub(super) answerer: Answerer,
    pub(super) extension: Option<Arc<dyn Applicant>>,
}

/// Defines the methods that set these choices, for a builder with the field `options`.
macro_rules! choices {
    () => {
        /// Cancels the session when its last handle is dropped.
        pub fn ephemeral(mut self) -> Self {
            self.options.ephemeral = true;
            self
        }

        /// Accepts callbacks from one browser only: the one that has `proof` in a cookie. The host gave the browser these
        /// 256 random bits.
        ///
        /// The person who ends the setup is then the one who began it, and a link that is sent to another person connects
        /// nothing.
        pub fn browser(mut self, proof: Secret) -> Self {
            self.options.browser = Some(proof);
            self
        }

        /// Leads the browser through an address of the host; see [`SetupSession::start_address`].
        ///
        /// Callbacks are accepted from one browser only: the first one that proved there that it belongs to the setup, or
        /// whose person agreed to continue. A session with a [`browser`](Self::browser) is bound to that browser already,
        /// and is not led.
        ///
        /// ```no_run
        /// # use connection_core::{ConnectionRegistry, Error, SetupStep};
        /// # async fn leads(registry: &ConnectionRegistry, kind: &connection_contract::Kind) -> Result<(), Error> {
        /// let session = registry.setups().begin(kind).use_start_address().confirm_account().await?;
        /// if let Some((_, SetupStep::Redirect { redirect, .. })) = session.next_step().await? {
        ///     let address = session.start_address().await?.unwrap_or_else(|| redirect.link.as_str().to_owned());
        ///     println!("Open {address}");
        /// }
        /// # Ok(())
        /// # }
        /// ```
        pub fn use_start_address(mut self) -> Self {
            self.options.led = true;
            self
        }

        /// Stops at [`SetupStep::Confirm`](super::SetupStep::Confirm) before the setup stores an account to which a person
        /// signed in at the provider, or changes the connection to another one: with a browser that came back by itself
        /// or whose address was pasted, or by typing a code there.
        pub fn confirm_account(mut self) -> Self {
            self.options.confirm = true;
            self
        }

        /// Lets the visitor of a setup link answer the setup.
        ///
        /// The visitor enters no directory of this computer, and no address in the network of the host, whoever owns the
        /// setup: `opened` are the exceptions, which the maker of the link entered. An address that leads into that network
        /// later is refused as well, for as long as the connection lives.
        pub fn visitor(mut self, opened: impl IntoIterator<Item = Origin>) -> Self {
            self.options.answerer = $crate::setup::answerer::Answerer::Visitor(opened.into_iter().collect());
            self
        }

        /// Makes the connection for an extension, unless the extension belongs to another owner.
        pub(crate) fn applicant(mut self, extension: Arc<dyn $crate::setup::Applicant>) -> Self {
            self.options.extension = Some(extension);
            self
        }
    };
}
pub(super) use choices;
