//! Connects an account of a profile: an ordinary setup session, reduced to its choices and its outcome.

use connection_contract::{BoxFuture, DisplayText, Field, Identity, Input, Secret, SetupFailure, Text};
use connection_core::{AdvanceError, Error, Outcome, ProfileId, SetupSession, SetupStep, StepNo};

use super::Usage;

/// A session that connects one account and profile. A clone is another handle to the same session.
///
/// # Examples
///
/// ```
/// use connection_agent::{Usage, UsageConnecting};
/// use connection_core::Error;
///
/// /// Connects the default profile, and takes the first option of each choice.
/// async fn connect(usage: &Usage) -> Result<(), Error> {
///     let connecting = usage.connect(None).await?;
///     let mut state = connecting.next().await?;
///     loop {
///         state = match state {
///             UsageConnecting::Cancelled => return Ok(()),
///             UsageConnecting::Choose(options) => connecting.select_option(&options[0].id).await?,
///             UsageConnecting::Error(failure) => {
///                 println!("not connected: {}", failure.message);
///                 return Ok(());
///             }
///             UsageConnecting::Ready(identity) => {
///                 println!("connected as {}", identity.label);
///                 return Ok(());
///             }
///             // A page shows the step and answers it through the session.
///             UsageConnecting::Step(number, step) => {
///                 println!("step {number}: {step:?}");
///                 connecting.next().await?
///             }
///         };
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UsageConnect {
    session: SetupSession,
}

/// An option that a person can choose.
///
/// [`UsageConnect`] has an example.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageOption {
    /// The id of the option, to be passed to [`select_option`](UsageConnect::select_option).
    pub id: Text,
    /// The label of the option, which people read.
    pub label: DisplayText,
}

/// The state of connecting. Each of them is data, not an error of the program.
///
/// [`UsageConnect`] has an example.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new answer must break a host until it is handled")]
pub enum UsageConnecting {
    /// The session was cancelled; nothing is kept.
    Cancelled,
    /// The session waits until a person chooses an option.
    Choose(Vec<UsageOption>),
    /// The session failed, or the choice was not valid.
    Error(SetupFailure),
    /// The account is connected and stored.
    Ready(Identity),
    /// The session needs something else, which is shown or answered through [the session](UsageConnect::session).
    Step(StepNo, Box<SetupStep>),
}

impl Usage {
    /// Begins to connect an account for this profile.
    ///
    /// If the profile or the [named connection](Self::connection) is connected already, it is re-authorized in
    /// place, also for another account. The old credential stays in use until then.
    ///
    /// # Repetition
    ///
    /// Several sessions may run at once. If the profile had no account, the first one to end connects it; the
    /// others end with a [`SetupFailure`].
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch), except that a profile without a connection is not an error.
    pub fn connect(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<UsageConnect, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let session = match self.connected(&target).await? {
                Some(connection) => connection.reauthorize().another_account().await?,
                None if self.connection.is_some() => return Err(self.nothing()),
                None => {
                    // Two profiles may use the same account.
                    let begin = self.monitor.registry.setups().begin(&self.kind).again().alone();
                    match target.profile {
                        Some(id) => begin.profile(id).await?,
                        None => begin.await?,
                    }
                }
            };
            Ok(UsageConnect::of(session))
        })
    }
}

impl UsageConnect {
    /// Returns a handle for a session that was [resumed](connection_core::Setups::resume).
    pub fn of(session: SetupSession) -> Self {
        Self { session }
    }

    /// Returns the session, to answer its other steps or to cancel it.
    pub fn session(&self) -> &SetupSession {
        &self.session
    }

    /// Returns the next state. Each handle returns each step once.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the session continues.
    ///
    /// # Errors
    ///
    /// The session cannot continue now, and is unchanged.
    pub fn next(&self) -> BoxFuture<'_, Result<UsageConnecting, Error>> {
        Box::pin(self.behind(None))
    }

    /// Chooses an option, and returns the state that follows. The session stays the same, and so does its profile.
    ///
    /// If there is nothing to choose, or the option is not offered, this returns [`UsageConnecting::Error`] and the
    /// session is unchanged.
    ///
    /// # Errors
    ///
    /// The errors of [`next`](Self::next).
    pub fn select_option<'a>(&'a self, option: &'a str) -> BoxFuture<'a, Result<UsageConnecting, Error>> {
        Box::pin(async move {
            let refused = |code: &'static str, message: &'static str| {
                Ok(UsageConnecting::Error(SetupFailure::new(code, message)))
            };
            let step = self.session.current_step();
            let Some((no, (field, options))) = step.and_then(|(no, step)| Some((no, choice(&step)?))) else {
                return refused("no_choice", "there is nothing to choose now");
            };
            if !options.iter().any(|known| known.id == option) {
                return refused("unknown_option", "this option is not offered");
            }
            match self.session.advance(no, &[(field.to_string(), Secret::from(option))]).await {
                Ok(()) => self.behind(Some(no)).await,
                Err(AdvanceError::Error(error)) => Err(error),
                Err(_) => refused("no_choice", "an option was already chosen, or the choice is no longer offered"),
            }
        })
    }

    /// Returns the first state after the answered step. A handle that has not seen that step yet would return it
    /// first.
    async fn behind(&self, answered: Option<StepNo>) -> Result<UsageConnecting, Error> {
        loop {
            let Some((no, step)) = self.session.next_step().await? else {
                return Ok(ended(self.session.terminal().await?));
            };
            if answered.is_some_and(|answered| no <= answered) {
                continue;
            }
            return Ok(match step {
                SetupStep::Done { .. } | SetupStep::Failed(_) => ended(self.session.terminal().await?),
                step => match choice(&step) {
                    Some((_, options)) => UsageConnecting::Choose(options),
                    None => UsageConnecting::Step(no, Box::new(step)),
                },
            });
        }
    }
}

fn ended(outcome: Outcome) -> UsageConnecting {
    match outcome {
        Outcome::Cancelled => UsageConnecting::Cancelled,
        Outcome::Done(done) => UsageConnecting::Ready(done.identity),
        // A person closed the plugin's window.
        Outcome::Failed(failure) if *failure.code == *"cancelled" => UsageConnecting::Cancelled,
        Outcome::Failed(failure) => UsageConnecting::Error(failure),
    }
}

/// Returns the options of a prompt that has a single choice and nothing else.
fn choice(step: &SetupStep) -> Option<(Text, Vec<UsageOption>)> {
    let SetupStep::Prompt { fields, open: None, .. } = step else { return None };
    let [Field { name, input: Input::Choice(choices), many: false, .. }] = fields.as_slice() else { return None };
    let options = choices.iter().map(|(id, label)| UsageOption { id: id.clone(), label: label.clone() });
    Some((name.clone(), options.collect()))
}
