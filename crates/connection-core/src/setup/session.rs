//! The host's handle of a setup session, and the inputs that end a wait.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use connection_contract::{BoxFuture, Kind, Secret};
use connection_replay::Effect;
use futures_core::Stream;

use super::{
    FieldProblem, Outcome, SetupStep, StepNo, System,
    answerer::Answerer,
    answers, cancel,
    codec::Waiting,
    directories::{self, GrantedDirectories},
    follow::follow,
    input::{Source, record},
    row::open_header,
    run,
    slot::Slot,
};
use crate::{
    Error, KindInfo, SessionId, StoreError,
    store::{ConflictRetries, rows::SetupState},
};

/// An error of [`SetupSession::advance`]. The session is unchanged.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdvanceError {
    /// The session has ended, with or without a connection.
    #[error("this setup has ended")]
    Ended,
    /// The answer could not be taken now.
    #[error(transparent)]
    Error(#[from] Error),
    /// The answers are invalid; holds the problem of each field. The plugin has not seen the answers.
    #[error("{}", problems(.0))]
    Invalid(Vec<FieldProblem>),
    /// The current step asks for no answer.
    #[error("this setup requests no answer now")]
    NoPrompt,
    /// The answer is for a step other than the current one.
    #[error("this setup is at step {current} now")]
    WrongStep {
        /// Number of the current step.
        current: StepNo,
    },
}

crate::error::table::codes_and_remedies! {
    AdvanceError {
        Self::Ended => "setup_ended", "begin a new setup";
        Self::Error(error) => error.code(), error.remedy();
        Self::Invalid(_) => "answers_invalid", "correct the named fields";
        Self::NoPrompt => "setup_no_prompt", "read the current step";
        Self::WrongStep { .. } => "setup_wrong_step", "read the current step";
    }
}

fn problems(problems: &[FieldProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A handle of a setup session. Dropping it only detaches: the session stays and can be resumed by its id.
pub struct SetupSession {
    pub(super) system: Arc<System>,
    pub(super) slot: Arc<Slot>,
    /// Version of the view that this handle has returned last.
    pub(super) seen: Arc<AtomicU64>,
    pub(super) ephemeral: Option<Arc<Ephemeral>>,
}

/// Cancels a session that was begun as ephemeral when its last handle is dropped.
pub(super) struct Ephemeral {
    pub(super) system: Arc<System>,
    pub(super) slot: Arc<Slot>,
}

impl Drop for Ephemeral {
    fn drop(&mut self) {
        drop(cancel::cancel(&self.system, &self.slot));
    }
}

impl Clone for SetupSession {
    fn clone(&self) -> Self {
        Self {
            system: self.system.clone(),
            slot: self.slot.clone(),
            seen: Arc::new(AtomicU64::new(self.seen.load(Ordering::Relaxed))),
            ephemeral: self.ephemeral.clone(),
        }
    }
}

impl fmt::Debug for SetupSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetupSession({} {})", self.slot.kind, self.slot.id)
    }
}

impl SetupSession {
    /// Creates a handle that has returned no step yet.
    pub(super) fn at(system: &Arc<System>, slot: Arc<Slot>) -> Self {
        Self { system: system.clone(), slot, seen: Arc::new(AtomicU64::new(0)), ephemeral: None }
    }

    /// Returns the id of the session, with which [`resume`](crate::Setups::resume) finds it in
    /// any process.
    pub fn id(&self) -> SessionId {
        self.slot.id
    }

    /// Returns the kind of the connection that the session is for.
    pub fn kind(&self) -> &Kind {
        &self.slot.kind
    }

    /// Returns the kind, as the owner of the session has it; `None` if there is no such kind any longer.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn kind_info(&self) -> BoxFuture<'_, Result<Option<KindInfo>, Error>> {
        Box::pin(async move {
            let found = self.system.ground.find_kind(&self.slot.owner, &self.slot.kind).await?;
            Ok(found.map(|entry| entry.info()))
        })
    }

    /// Returns the current step and its number, or `None` while the plugin works and shows nothing.
    pub fn current_step(&self) -> Option<(StepNo, SetupStep)> {
        self.slot.view().borrow().step.clone()
    }

    /// Waits for a step that this handle has not returned yet.
    ///
    /// The last step is `Done` or `Failed`. After it, and after a cancellation, this returns `None`.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, no step counts as returned, and the session continues.
    ///
    /// # Errors
    ///
    /// The session cannot continue now and is unchanged. Resume it after the cause is fixed.
    pub fn next_step(&self) -> BoxFuture<'_, Result<Option<(StepNo, SetupStep)>, Error>> {
        Box::pin(async move {
            let mut receiver = self.slot.view();
            let mut following = None;
            loop {
                {
                    let view = receiver.borrow_and_update();
                    let new = self.seen.load(Ordering::Relaxed) < view.version;
                    let fresh = || self.seen.store(view.version, Ordering::Relaxed);
                    match (&view.error, &view.step) {
                        (Some(error), _) if new => {
                            fresh();
                            return Err(error.clone());
                        }
                        (None, Some(step)) if new => {
                            fresh();
                            return Ok(Some(step.clone()));
                        }
                        _ if view.outcome.is_some() => return Ok(None),
                        _ => {}
                    }
                }
                following.get_or_insert_with(|| follow(&self.system, &self.slot));
                if receiver.changed().await.is_err() {
                    return Ok(None);
                }
            }
        })
    }

    /// Returns the steps as a stream, each as [`next_step`](Self::next_step) returns it. The stream ends with the
    /// session or after an error.
    pub fn steps(&self) -> SetupSteps {
        SetupSteps { session: Some(self.clone()), next: None }
    }

    /// Answers the step with this number.
    ///
    /// When this returns, the answer is durable and the plugin continues; [`next_step`](Self::next_step) returns the
    /// next step. A field that takes many values is repeated in `answers`.
    ///
    /// The first of two answers to one step counts, and the second one is refused: an answer never reaches a later
    /// step.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the answer may or may not have been taken; the current step shows which.
    ///
    /// # Errors
    ///
    /// See [`AdvanceError`]. The session is unchanged.
    pub fn advance<'a>(
        &'a self,
        step: StepNo,
        answers: &'a [(String, Secret)],
    ) -> BoxFuture<'a, Result<(), AdvanceError>> {
        Box::pin(async move {
            let system = &self.system;
            let slot = &self.slot;
            let mut retries = ConflictRetries::of("wait of a setup session");
            loop {
                retries.begin_attempt().map_err(|_| AdvanceError::NoPrompt)?;
                let (waiting, state) = run::waiting(system, slot).await?;
                if let Some(waiting) = waiting {
                    if self.answer(&waiting, step, answers).await? {
                        return Ok(());
                    }
                    // Another input ended the wait first.
                    continue;
                }
                match state {
                    // A poll is in progress, and the page with the prompt is still open. The run may come to the same step
                    // again.
                    SetupState::Running if slot.shows(step) => drop(slot.running.lock().await),
                    SetupState::Running | SetupState::Waiting => return Err(AdvanceError::NoPrompt),
                    _ => return Err(AdvanceError::Ended),
                }
            }
        })
    }

    /// Answers the wait, and returns `false` if the session is no longer at that wait.
    async fn answer(
        &self,
        waiting: &Waiting,
        step: StepNo,
        answers: &[(String, Secret)],
    ) -> Result<bool, AdvanceError> {
        let system = &self.system;
        let slot = &self.slot;
        if waiting.no != step {
            return Err(AdvanceError::WrongStep { current: waiting.no });
        }
        let (Some(names), Some(_)) = (&waiting.fields, waiting.seq) else { return Err(AdvanceError::NoPrompt) };
        let kind = system.ground.kind(&slot.owner, &slot.kind).await?;
        let declared = |name: &String| kind.descriptor.fields.iter().find(|field| field.name == **name).cloned();
        let fields: Vec<_> = names.iter().filter_map(declared).collect();
        if fields.len() != names.len() {
            // The plugin was replaced by one that asks for other fields. Run the session again, so that the new prompt
            // is shown.
            run::again(system, slot).await;
            return Ok(false);
        }
        let answerer = match directories::depend_on_answerer(&fields, answers) {
            // A session whose header does not open ends at its next run. Nothing is open to its answers.
            true => open_header(system, slot).await?.map_or(Answerer::Visitor(Vec::new()), |(_, of)| of.answerer),
            false => Answerer::Owner,
        };
        let granted = GrantedDirectories::of(system, &slot.owner, &answerer, &fields, answers).await;
        let checked = answers::check(&fields, &kind.checked.patterns, answers, &|text| granted.of_text(text))
            .map_err(AdvanceError::Invalid)?;
        let closed = directories::closed_addresses(system, &slot.owner, &answerer, &checked);
        if !closed.is_empty() {
            return Err(AdvanceError::Invalid(closed));
        }
        Ok(input(system, slot, waiting, Effect::Answered(checked), Source::Host).await?)
    }

    /// Cancels the session: a run in progress is dropped, its callbacks are refused, and nothing is kept. A session
    /// that has ended is left as it is.
    ///
    /// # Errors
    ///
    /// The store failed, and the session may still be open.
    pub fn cancel(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            // The task ends the session even if this future is dropped.
            cancel::cancel(&self.system, &self.slot).await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
        })
    }

    /// Waits until the session has ended, and returns how. A session ends with a connection only after its row is
    /// stored.
    ///
    /// # Errors
    ///
    /// The session cannot continue now and is unchanged.
    pub fn terminal(&self) -> BoxFuture<'_, Result<Outcome, Error>> {
        Box::pin(async move {
            let mut view = self.slot.view();
            let mut following = None;
            loop {
                {
                    let view = view.borrow_and_update();
                    if let Some(outcome) = &view.outcome {
                        return Ok(outcome.clone());
                    }
                    if let Some(error) = &view.error {
                        return Err(error.clone());
                    }
                }
                following.get_or_insert_with(|| follow(&self.system, &self.slot));
                if view.changed().await.is_err() {
                    return Ok(Outcome::Cancelled);
                }
            }
        })
    }
}

/// Records an input, which ends the current wait, and starts a run. Returns `false` if the session is no longer at
/// that wait, or if the callback was used already.
///
/// Dropping the future does not stop the task, because a recorded input must be run without waiting for another call.
pub(super) async fn input(
    system: &Arc<System>,
    slot: &Arc<Slot>,
    waiting: &Waiting,
    effect: Effect,
    source: Source,
) -> Result<bool, Error> {
    let on = system.clone();
    let slot = slot.clone();
    let waiting = waiting.clone();
    let task = system.ground.runtimes.spawn(async move {
        let written = record(&on, &slot, &waiting, effect, source).await?;
        if written {
            slot.working(waiting.seq);
            run::spawn(&on, &slot);
        }
        Ok(written)
    });
    task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}

type Item = Result<(StepNo, SetupStep), Error>;

/// The steps of a session as a stream; see [`SetupSession::steps`].
pub struct SetupSteps {
    session: Option<SetupSession>,
    next: Option<BoxFuture<'static, Option<Item>>>,
}

impl fmt::Debug for SetupSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SetupSteps").field(&self.session).finish()
    }
}

impl Stream for SetupSteps {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(session) = &self.session else { return Poll::Ready(None) };
        // The handle of the future shares its cursor with the handle of the stream, so that each future continues
        // where the last one ended.
        let session = SetupSession { seen: session.seen.clone(), ..session.clone() };
        let next = self.next.get_or_insert_with(|| Box::pin(async move { session.next_step().await.transpose() }));
        let Poll::Ready(item) = Pin::new(next).poll(cx) else { return Poll::Pending };
        self.next = None;
        if !matches!(item, Some(Ok(_))) {
            self.session = None;
        }
        Poll::Ready(item)
    }
}
