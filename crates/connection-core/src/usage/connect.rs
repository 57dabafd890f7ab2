//! Connects an account of a profile: a setup session as any other, seen as ready, to be chosen, failed or cancelled.

use connection_contract::{DisplayText, Field, Identity, Input, Secret, SetupFailure, Text};

use super::Usage;
use crate::{AdvanceError, Error, Outcome, ProfileId, SetupSession, SetupStep, StepNo};

/// The connecting of one account and profile. A clone is another handle to the same session.
#[derive(Clone, Debug)]
pub struct UsageConnect {
    session: SetupSession,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageOption {
    /// For [`select_option`](UsageConnect::select_option).
    pub id: Text,
    /// For people.
    pub label: DisplayText,
}

/// Where connecting stands. None of this is an error of the program.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new answer must break a host until it is handled")]
pub enum UsageConnecting {
    /// It was cancelled; nothing is kept.
    Cancelled,
    /// A person chooses; the session waits.
    Choose(Vec<UsageOption>),
    /// It failed, or what was chosen is none of what there is.
    Error(SetupFailure),
    /// It is connected and stored.
    Ready(Identity),
    /// Something else is to be shown or answered, as in any setup: by [the session](UsageConnect::session).
    Step(StepNo, Box<SetupStep>),
}

impl Usage {
    /// Begins to connect an account for that profile. One that is connected, or the one that is named, is authorized again in
    /// place, also as another account; the old credential serves until then.
    ///
    /// # Repetition
    ///
    /// Several may be under way. A profile that has no account gets one: who ends after another one is told so, as data.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch), but for a profile that has no connection.
    pub async fn connect(&self, profile: Option<ProfileId>) -> Result<UsageConnect, Error> {
        let target = self.target(profile).await?;
        let session = match self.connected(&target).await? {
            Some(connection) => connection.reauthorize().another_account().await?,
            None if self.connection.is_some() => return Err(self.nothing()),
            None => {
                // The same account may be behind two profiles.
                let begin = self.registry.begin_setup(&self.kind).again().alone();
                match target.profile {
                    Some(id) => begin.profile(id).await?,
                    None => begin.await?,
                }
            }
        };
        Ok(UsageConnect::of(session))
    }
}

impl UsageConnect {
    /// Of a session that was [resumed](crate::ConnectionRegistry::resume_setup).
    pub fn of(session: SetupSession) -> Self {
        Self { session }
    }

    /// The session, for what is asked as in any setup, and to cancel it.
    pub fn session(&self) -> &SetupSession {
        &self.session
    }

    /// Where it stands next. Each handle is told each step once.
    ///
    /// # Cancellation
    ///
    /// Dropped, the session goes on.
    ///
    /// # Errors
    ///
    /// The session cannot go on now, and is where it was.
    pub async fn next(&self) -> Result<UsageConnecting, Error> {
        self.behind(None).await
    }

    /// Chooses, in the same session and so for the same profile, and says where it stands then.
    ///
    /// Without anything to choose, and for what is not among it, that is [`UsageConnecting::Error`], and the session is where
    /// it was.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn select_option(&self, option: &str) -> Result<UsageConnecting, Error> {
        let refused =
            |code: &'static str, message: &'static str| Ok(UsageConnecting::Error(SetupFailure::new(code, message)));
        let asked = self.session.current_step();
        let Some((no, (field, options))) = asked.and_then(|(no, step)| Some((no, choice(&step)?))) else {
            return refused("no_choice", "nothing is to be chosen now");
        };
        if !options.iter().any(|known| known.id == option) {
            return refused("unknown_option", "that is not among what can be chosen");
        }
        match self.session.advance(no, &[(field.to_string(), Secret::from(option))]).await {
            Ok(()) => self.behind(Some(no)).await,
            Err(AdvanceError::Error(error)) => Err(error),
            Err(_) => refused("no_choice", "that was chosen already, or is not asked any more"),
        }
    }

    /// What comes behind a step: a handle that was not told of it yet would be told of that first.
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

/// A prompt that asks for one choice and nothing else.
fn choice(step: &SetupStep) -> Option<(Text, Vec<UsageOption>)> {
    let SetupStep::Prompt { fields, open: None, .. } = step else { return None };
    let [Field { name, input: Input::Choice(choices), many: false, .. }] = fields.as_slice() else { return None };
    let options = choices.iter().map(|(id, label)| UsageOption { id: id.clone(), label: label.clone() });
    Some((name.clone(), options.collect()))
}
