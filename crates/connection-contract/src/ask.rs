//! Asks a person again until an attempt with the answers succeeds.

use alloc::boxed::Box;
use core::future::Future;

use crate::{Answers, DisplayText, Prompt, SetupContext, SetupFailure, reason};

impl SetupContext<'_> {
    /// Asks the user until `attempt` succeeds with the answers, at most `tries` times, and returns its result.
    ///
    /// The user is asked again if the attempt fails because the provider refuses the credential
    /// ([`reason::UNAUTHORIZED`]), or with a failure that [says so](SetupFailure::ask_again). The next prompt shows the
    /// message of the failure. Every other failure ends the setup or leaves it waiting, as it does outside of an
    /// attempt, so that an attempt can use `?` after each of its steps.
    ///
    /// ```
    /// use connection_contract::prelude::*;
    ///
    /// const NO_KEY: &str = "acme_no_key";
    ///
    /// # struct Acme;
    /// # impl Acme {
    /// #     async fn account(&self, key: &Secret, _: &Context<'_>) -> Result<Identity, NotLive> {
    /// #         Ok(Identity::new(key.expose_str().unwrap_or_default().to_owned(), "Acme"))
    /// #     }
    /// async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Secret>, SetupFailure> {
    ///     let prompt = Prompt::new("Connect Acme").field("apiKey");
    ///     let made = ctx.ask_until(3, prompt, |mut answers| async move {
    ///         let key = answers.secret("apiKey")?;
    ///         if !key.expose().starts_with(b"ak_") {
    ///             // Nothing was sent.
    ///             let failure = SetupFailure::new(NO_KEY, "Acme's keys begin with ak_").remedy("copy it again");
    ///             return Err(failure.ask_again("this is no key of Acme: they begin with ak_"));
    ///         }
    ///         // If Acme refuses the key, the user is asked again. If Acme cannot be reached, the host keeps the key and
    ///         // asks Acme again later.
    ///         let identity = self.account(&key, ctx).await?;
    ///         let found = VerifyResult::live().identity(identity.clone());
    ///         Ok(SetupResult::new(key, identity).measured(found))
    ///     });
    ///     made.await.map_err(|failure| failure.when_refused("Acme accepted none of the keys", "make a new key"))
    /// }
    /// # }
    /// ```
    ///
    /// # Repetition
    ///
    /// Each prompt is an effect, and so is each request of an attempt. A replay runs the same attempts with the same
    /// answers, in the same order.
    ///
    /// # Errors
    ///
    /// The failure of the last attempt.
    pub async fn ask_until<T, A>(
        &self,
        tries: usize,
        mut prompt: Prompt,
        mut attempt: impl FnMut(Answers) -> A,
    ) -> Result<T, SetupFailure>
    where
        A: Future<Output = Result<T, SetupFailure>>,
    {
        let mut left = tries;
        loop {
            let answers = self.prompt(prompt.clone()).await;
            left = left.saturating_sub(1);
            let mut failure = match attempt(answers).await {
                Ok(made) => return Ok(made),
                Err(failure) => failure,
            };
            prompt.follows_attempt = true;
            match failure.problem.take() {
                Some(problem) if left > 0 => prompt.problem = Some(*problem),
                None if left > 0 && failure.code == reason::UNAUTHORIZED => prompt.problem = Some(failure.message),
                _ => return Err(failure),
            }
        }
    }
}

impl SetupFailure {
    /// Lets [`ask_until`](SetupContext::ask_until) ask the user again, with this description of what was wrong. The
    /// failure itself ends the setup after the last attempt.
    #[must_use]
    pub fn ask_again(mut self, problem: impl Into<DisplayText>) -> Self {
        self.problem = Some(Box::new(problem.into()));
        self
    }

    /// Replaces the message and the remedy if the provider refused the credential ([`reason::UNAUTHORIZED`]). Any other
    /// failure stays as it is.
    #[must_use]
    pub fn when_refused(self, message: impl Into<DisplayText>, remedy: impl Into<DisplayText>) -> Self {
        if self.code == reason::UNAUTHORIZED { Self::new(self.code, message).remedy(remedy) } else { self }
    }
}
