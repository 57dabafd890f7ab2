//! Talks a setup to its end: asks, shows, and says what was made.
//!
//! Whatever ends the talk before the setup does, control-C included, cancels the setup, so that nothing is left behind.
//! Only a setup that waits for something else than an answer stays, and says how to go on; and one that was begun before,
//! when nothing was brought to go on with.

use connection_contract::{Field, Notice, Prompt, Reason, Way};
use connection_core::{AdvanceError, ConnectionRegistry, Outcome, SetupSession, SetupStep, StepNo};

use super::{
    finish::{self, Finish},
    kinds,
    made::{self, Made},
};
use crate::{
    Error, Exit,
    cli::Program,
    inbound::Endpoint,
    input::{Cancelled, Inputs},
    output::short_id,
    platform::Terminal,
};

/// A setup, and who talks to it.
pub(super) struct Dialogue<'a> {
    pub(super) program: &'a Program,
    pub(super) registry: &'a ConnectionRegistry,
    pub(super) endpoint: &'a Endpoint,
    pub(super) session: &'a SetupSession,
    pub(super) finish: Finish,
    pub(super) begun: Begun,
    pub(super) made: Made,
}

/// When the setup was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// By an earlier command.
    Before,
    /// By this one.
    Now,
}

type Step = Option<(StepNo, SetupStep)>;

/// What was shown so far: a page stays, and a terminal scrolls.
#[derive(Default)]
struct Shown {
    greeted: bool,
    notices: usize,
    code: bool,
    link: Option<String>,
}

enum Ended {
    Outcome,
    /// The provider cannot be asked now.
    Waiting(Reason),
}

impl Dialogue<'_> {
    pub(super) async fn run(self, inputs: Inputs) -> Result<Exit, Error> {
        let ended = tokio::select! {
            ended = self.talk(inputs) => ended,
            // Whoever is killed otherwise leaves the setup, to go on with.
            () = self.program.interrupts.next() => Err(Cancelled.into()),
        };
        match ended {
            Ok(Ended::Waiting(reason)) => Err(waiting(self.session, &reason)),
            Ok(Ended::Outcome) => {
                let told = made::told(self.program, self.registry, self.session, self.made).await;
                self.endpoint.settle().await;
                told
            }
            // Whoever goes on with a setup and brings no answer has not given it up.
            Err(error) if self.begun == Begun::Before && error.exit == Exit::Usage => Err(error),
            Err(error) => match self.session.cancel().await {
                // It was finished elsewhere just now.
                Ok(()) if matches!(self.session.terminal().await, Ok(Outcome::Done(_))) => {
                    made::told(self.program, self.registry, self.session, self.made).await
                }
                // The error that ended the talk matters more than one of the clean-up.
                _ => Err(error),
            },
        }
    }

    async fn talk(&self, mut inputs: Inputs) -> Result<Ended, Error> {
        let mut shown = Shown::default();
        let mut next = None;
        loop {
            let step = match next.take() {
                Some(step) => step,
                None => self.session.next_step().await?,
            };
            let Some((number, step)) = step else { return Ok(Ended::Outcome) };
            match step {
                SetupStep::Prompt { prompt, fields, open: None, beside } => {
                    self.greet(&mut shown, &prompt, &inputs);
                    self.notices(&mut shown, &beside);
                    (inputs, next) = self.answer(&mut shown, number, prompt, fields, inputs).await?;
                }
                SetupStep::Prompt { prompt, fields, open: Some(redirect), beside } => {
                    let asks = self.finish.asks(&inputs, &fields, self.ways(), self.endpoint);
                    self.notices(&mut shown, &beside);
                    self.lead(&mut shown, &redirect, &beside, asks).await?;
                    if asks {
                        if prompt.problem.is_none() {
                            self.program.output.note(prompt.title.as_str());
                        }
                        (inputs, next) = self.answer(&mut shown, number, prompt, fields, inputs).await?;
                    }
                }
                SetupStep::Redirect { redirect, beside } => {
                    self.notices(&mut shown, &beside);
                    self.lead(&mut shown, &redirect, &beside, false).await?;
                }
                SetupStep::Notice { beside } => {
                    self.notices(&mut shown, &beside);
                    if let Some(reason) = beside.into_iter().find_map(|notice| notice.reason) {
                        return Ok(Ended::Waiting(reason));
                    }
                }
                SetupStep::Done { .. } | SetupStep::Failed(_) => return Ok(Ended::Outcome),
            }
        }
    }

    /// Answers one prompt; a person whose answer is malformed is asked again. Where another way ends the wait first, gives
    /// the step that came of it.
    async fn answer(
        &self,
        shown: &mut Shown,
        mut number: StepNo,
        prompt: Prompt,
        fields: Vec<Field>,
        mut inputs: Inputs,
    ) -> Result<(Inputs, Option<Step>), Error> {
        if let Some(problem) = prompt.problem.as_ref().filter(|_| inputs.person()) {
            self.program.output.note(format!("{problem}"));
        }
        loop {
            let kind = self.session.kind().clone();
            let (prompt, fields, rest) = (prompt.clone(), fields.clone(), inputs.without_person());
            let terminal = Terminal::now();
            // Asking a person blocks its thread.
            let names = names_of(&fields);
            let mut asking = tokio::task::spawn_blocking(move || {
                let answers = inputs.answer(kind.as_str(), &prompt, &fields);
                (inputs, answers)
            });
            let asked = loop {
                let step = tokio::select! {
                    biased;
                    asked = &mut asking => break asked,
                    step = self.other(number) => step?,
                };
                match step {
                    // The same question with another link or code beside it: whoever is being asked goes on.
                    Some((again, SetupStep::Prompt { fields, open, beside, .. })) if names_of(&fields) == names => {
                        number = again;
                        self.notices(shown, &beside);
                        if let Some(redirect) = open {
                            self.lead(shown, &redirect, &beside, true).await?;
                        }
                    }
                    step => {
                        // Nobody reads the answer any more; the terminal is as it was before the question.
                        drop(terminal);
                        self.program.output.note("");
                        return Ok((rest, Some(step)));
                    }
                }
            };
            drop(terminal);
            let answers;
            (inputs, answers) = asked.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?;
            match self.session.advance(number, &answers?).await {
                Ok(()) => return Ok((inputs, None)),
                Err(invalid @ AdvanceError::Invalid(_)) => {
                    if !inputs.ask_again() {
                        return Err(Error::from(invalid).exit(Exit::SetupFailed));
                    }
                    self.program.output.note(invalid.to_string());
                }
                // Another way was first: what it led to comes next.
                Err(AdvanceError::Ended | AdvanceError::NoPrompt | AdvanceError::WrongStep { .. }) => {
                    return Ok((inputs, None));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The next step that is another than this one.
    async fn other(&self, number: StepNo) -> Result<Step, Error> {
        loop {
            match self.session.next_step().await? {
                // Polled meanwhile.
                Some((same, SetupStep::Prompt { .. })) if same == number => {}
                step => return Ok(step),
            }
        }
    }

    async fn lead(
        &self,
        shown: &mut Shown,
        redirect: &connection_contract::Redirect,
        beside: &[Notice],
        asks: bool,
    ) -> Result<(), Error> {
        if self.finish.is_device() {
            return match (beside.iter().any(|notice| notice.user_code.is_some()), shown.code) {
                (true, _) => Ok(()),
                (false, true) => Err(finish::code_over()),
                (false, false) => Err(finish::no_code(self.session.kind().as_str())),
            };
        }
        let link = redirect.link.as_str();
        match shown.link.replace(link.to_owned()) {
            None => self.finish.lead(self.program, redirect, self.endpoint, asks).await,
            // One whose life is over gives way to another. No second browser is opened for it.
            Some(before) if before != link => {
                self.program.output.note(format!("Open {link} instead, if it is not open yet"))
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// What a person reads before the first question.
    fn greet(&self, shown: &mut Shown, prompt: &Prompt, inputs: &Inputs) {
        if shown.greeted || !inputs.person() {
            return;
        }
        shown.greeted = true;
        let output = &self.program.output;
        output.note(prompt.title.as_str());
        let kind = self.session.kind();
        if let Ok(entry) = self.program.kind(kind.as_str()) {
            for line in kinds::guide(entry) {
                output.note(format!("  {line}"));
            }
        }
    }

    /// The notices that were not shown yet.
    fn notices(&self, shown: &mut Shown, beside: &[Notice]) {
        for notice in beside.iter().skip(shown.notices) {
            let mut line = notice.message.to_string();
            if let Some(link) = &notice.link {
                line = format!("{line}: {}", link.as_str());
            }
            if let Some(code) = &notice.user_code {
                line = format!("{line} (code {code})");
                shown.code = true;
            }
            self.program.output.note(line);
        }
        shown.notices = beside.len();
    }

    fn ways(&self) -> &[Way] {
        self.program.kind(self.session.kind().as_str()).map_or(&[], |kind| &kind.descriptor.ways)
    }
}

/// What a question asks.
fn names_of(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.name.to_string()).collect()
}

fn waiting(session: &SetupSession, reason: &Reason) -> Error {
    let id = session.id().to_string();
    Error::new(
        Exit::SetupFailed,
        "setup_waiting",
        format!("{}; the setup {} waits, and the answers are kept", reason.message, short_id(&id)),
    )
    .remedy(format!("go on with `connections setup resume {id}`, or end it with `connections setup cancel {id}`"))
}
