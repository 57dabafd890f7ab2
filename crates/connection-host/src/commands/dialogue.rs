//! Conducts a setup to its end: asks questions, shows notices, and reports the result.
//!
//! If the dialogue ends before the setup does, for example by control-C, the setup is cancelled, so that nothing is
//! left over. There are two exceptions, in which the setup stays and a message says how to continue it: it waits for
//! something other than an answer, or for the confirmation of its account and no person can be asked. A setup of an
//! earlier command also stays if no answer was given.

use connection_api::Connection;
use connection_contract::{DisplayText, Field, Identity, Notice, Prompt, Reason, SetupFailure, SetupMethod, reason};
use connection_core::{SetupStep, StepNo, sentence};

use super::{
    confirm,
    finish::{self, FinishMethod},
    kinds,
    setup_port::{Advanced, NextStep, SetupEnd, SetupPort},
    setup_report::{self, ReportedAction},
};
use crate::{
    Error, Exit,
    common::Common,
    input::{Cancelled, Inputs},
    output::{account, name, provider_says, short_id, tls_remedy},
    platform::Terminal,
    platform::without_line,
};

/// A setup, and everything that the dialogue needs.
pub(super) struct Dialogue<'a> {
    common: &'a Common,
    setup: &'a dyn SetupPort,
    finish: FinishMethod,
    begun: BeginningCommand,
    made: ReportedAction,
    /// The origin that replaces that of the provider's pages, for a test server of an author.
    pages: Option<&'a str>,
}

/// The command that began the setup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BeginningCommand {
    /// An earlier command began the setup.
    Before,
    /// The command that is running began the setup.
    Now,
}

/// The parts of a step that have been shown. The steps repeat them, but a terminal shows them only once.
#[derive(Default)]
struct Shown {
    greeted: bool,
    notices: usize,
    code: bool,
    link: Option<String>,
}

enum DialogueEnd {
    /// The setup has ended. What was typed may be needed for another one.
    Outcome(Inputs),
    /// The account waits for confirmation, but no person can be asked.
    Unconfirmed(String),
    /// The provider cannot be reached now.
    Waiting(Reason),
}

/// The end of a setup at which a person can begin again.
pub(super) enum Conducted {
    /// The result has been reported.
    Ended(Exit),
    /// Access was refused at the provider, and the person wants to sign in again with these answers.
    Again(Inputs),
}

impl<'a> Dialogue<'a> {
    /// Returns the dialogue of a setup that the running command began.
    pub(super) fn new(
        common: &'a Common,
        setup: &'a dyn SetupPort,
        finish: FinishMethod,
        made: ReportedAction,
    ) -> Self {
        Self { common, setup, finish, begun: BeginningCommand::Now, made, pages: None }
    }

    /// Makes this the dialogue of a setup that an earlier command began.
    pub(super) fn begun_before(self) -> Self {
        Self { begun: BeginningCommand::Before, ..self }
    }

    /// Leads to the pages of the provider at another origin.
    pub(super) fn pages_at(self, origin: &'a str) -> Self {
        Self { pages: Some(origin), ..self }
    }

    /// Conducts the setup to its end.
    pub(super) async fn run(self, inputs: Inputs) -> Result<Exit, Error> {
        match self.conduct(inputs, Refusal::Reported).await? {
            Conducted::Ended(exit) => Ok(exit),
            Conducted::Again(_) => Err(Error::new(Exit::Unexpected, "crashed", "the setup did not end")),
        }
    }

    /// Conducts the setup to its end. If access was refused at the provider, a person is asked whether to begin again.
    pub(super) async fn run_or_begin_again(self, inputs: Inputs) -> Result<Conducted, Error> {
        self.conduct(inputs, Refusal::AsksToBeginAgain).await
    }

    async fn conduct(self, inputs: Inputs, refusal: Refusal) -> Result<Conducted, Error> {
        let keeps = match self.made {
            ReportedAction::Reauthorized | ReportedAction::ReauthorizedFor => self.setup.reauthorized().await?,
            _ => None,
        };
        let ended = tokio::select! {
            ended = self.converse(inputs, keeps.as_ref()) => ended,
            // A process that is killed in another way leaves the setup, which can be resumed.
            () = self.common.interrupts.next() => Err(Cancelled.into()),
        };
        match ended {
            Ok(DialogueEnd::Waiting(reason)) => Err(waiting(self.setup, &reason)),
            Ok(DialogueEnd::Unconfirmed(account)) => {
                self.setup.settle().await;
                Err(unconfirmed(self.setup, &account))
            }
            Ok(DialogueEnd::Outcome(mut inputs)) => {
                let end = self.setup.end().await;
                if let Ok(SetupEnd::Failed(failure)) = &end
                    && refusal == Refusal::AsksToBeginAgain
                    && is_refused_at_provider(failure)
                    && inputs.person()
                    && !self.common.output.json
                {
                    self.common.output.note(sentence(failure.message.as_str()));
                    if confirm::agreed(SIGN_IN_AGAIN.to_owned()).await? {
                        inputs.begin_again();
                        return Ok(Conducted::Again(inputs));
                    }
                }
                let reported = end.and_then(|end| setup_report::report(&self.common.output, end, self.made));
                self.setup.settle().await;
                reported.map(Conducted::Ended)
            }
            // A person who resumes a setup and gives no answer may still want it.
            Err(error) if self.begun == BeginningCommand::Before && error.exit == Exit::Usage => Err(error),
            Err(error) => {
                let ended = match self.setup.cancel().await {
                    Ok(()) => self.setup.end().await,
                    Err(error) => Err(error),
                };
                match ended {
                    // Another process has just finished the setup.
                    Ok(end @ SetupEnd::Done(_)) => {
                        setup_report::report(&self.common.output, end, self.made).map(Conducted::Ended)
                    }
                    // The error that ended the dialogue matters more than an error of the cleanup.
                    _ => Err(match &keeps {
                        Some(connection) => still_in_use(error, connection),
                        None => error,
                    }),
                }
            }
        }
    }

    async fn converse(&self, mut inputs: Inputs, keeps: Option<&Connection>) -> Result<DialogueEnd, Error> {
        let mut shown = Shown::default();
        let mut next = None;
        loop {
            let step = match next.take() {
                Some(step) => step,
                None => {
                    let provider = self.common.provider(self.setup.kind());
                    self.common.output.waiting(provider, self.setup.next_step()).await?
                }
            };
            let Some((number, step)) = step else { return Ok(DialogueEnd::Outcome(inputs)) };
            let kind = self.common.known_kind(self.setup.kind());
            let guide = kind.map(|kind| kinds::guide(step.guide(&kind.descriptor))).unwrap_or_default();
            match step {
                SetupStep::Prompt { prompt, fields, open: None, beside } => {
                    if inputs.asks(&fields) {
                        self.greet(&mut shown, &prompt, &guide, keeps);
                    }
                    self.notices(&mut shown, &beside);
                    (inputs, next) = self.answer(&mut shown, number, prompt, fields, inputs).await?;
                }
                SetupStep::Prompt { prompt, fields, open: Some(redirect), beside } => {
                    let asks = self.finish.asks(&inputs, &fields, self.ways(), &self.setup.given());
                    self.notices(&mut shown, &beside);
                    self.lead(&mut shown, &redirect, &beside, asks).await?;
                    if asks {
                        if prompt.problem.is_none() {
                            self.common.output.note(prompt.title.as_str());
                        }
                        (inputs, next) = self.answer(&mut shown, number, prompt, fields.clone(), inputs).await?;
                        inputs.forget_typed(&fields);
                    }
                }
                SetupStep::Confirm { identity } => {
                    let account = self.account(&identity);
                    // If another method ended a question, that question still occupies the terminal.
                    if !(self.finish.agrees() || inputs.person()) {
                        return Ok(DialogueEnd::Unconfirmed(account));
                    }
                    self.confirm(number, &account).await?;
                }
                SetupStep::Redirect { redirect, beside } => {
                    self.notices(&mut shown, &beside);
                    self.lead(&mut shown, &redirect, &beside, false).await?;
                }
                SetupStep::Notice { beside } => match beside.iter().find_map(|notice| notice.reason.clone()) {
                    // The error reports both the reason and the notice.
                    Some(reason) => return Ok(DialogueEnd::Waiting(reason)),
                    None => self.notices(&mut shown, &beside),
                },
                SetupStep::Done { .. } | SetupStep::Failed(_) => return Ok(DialogueEnd::Outcome(inputs)),
            }
        }
    }

    /// Answers one prompt; a person whose answer is malformed is asked again.
    ///
    /// If another method ends the wait first, also returns the step that follows.
    async fn answer(
        &self,
        shown: &mut Shown,
        mut number: StepNo,
        prompt: Prompt,
        fields: Vec<Field>,
        mut inputs: Inputs,
    ) -> Result<(Inputs, Option<NextStep>), Error> {
        if let Some(problem) = prompt.problem.as_ref().filter(|_| inputs.person()) {
            self.common.output.note(sentence(problem.as_str()));
            if let Some(words) = &prompt.provider_text {
                self.common.output.note(provider_says(words.as_str()));
            }
        }
        loop {
            let kind = self.setup.kind().clone();
            let prompt = prompt.clone();
            let fields = fields.clone();
            let rest = inputs.without_person();
            let terminal = Terminal::now();
            let asking_person = without_line();
            // Asking a person blocks a thread.
            let names = names_of(&fields);
            let mut asking = tokio::task::spawn_blocking(move || {
                let answers = inputs.answer(kind.as_str(), &prompt, &fields);
                (inputs, answers)
            });
            let answered = loop {
                let step = tokio::select! {
                    biased;
                    answered = &mut asking => break answered,
                    step = self.other(number) => step?,
                };
                match step {
                    // The question is the same, with another link or code, so the person continues to answer it.
                    Some((again, SetupStep::Prompt { fields, open, beside, .. })) if names_of(&fields) == names => {
                        number = again;
                        self.notices(shown, &beside);
                        if let Some(redirect) = open {
                            self.lead(shown, &redirect, &beside, true).await?;
                        }
                    }
                    step => {
                        // No one reads the answer anymore; the terminal gets the settings it had before the question.
                        drop(terminal);
                        drop(asking_person);
                        self.common.output.note("");
                        return Ok((rest, Some(step)));
                    }
                }
            };
            drop(terminal);
            drop(asking_person);
            let answers;
            (inputs, answers) = answered.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))?;
            let answers = answers?;
            match self.setup.advance(number, &answers).await? {
                Advanced::Taken | Advanced::Elsewhere => return Ok((inputs, None)),
                Advanced::Invalid { fields, error } => {
                    if !inputs.ask_again(fields.iter().map(String::as_str)) {
                        return Err(error.exit(Exit::SetupFailed));
                    }
                    self.common.output.note(sentence(&error.message));
                }
            }
        }
    }

    /// Returns the next step that differs from this one.
    async fn other(&self, number: StepNo) -> Result<NextStep, Error> {
        loop {
            match self.setup.next_step().await? {
                // A poll has changed nothing.
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
            if beside.iter().any(|notice| notice.user_code.is_some()) {
                return Ok(());
            }
            let why = beside.iter().find_map(|notice| notice.reason.as_ref());
            return Err(finish::no_code(self.setup.kind().as_str(), why, shown.code));
        }
        let link = redirect.link.as_str();
        let address = self.finish.address(self.setup, redirect, asks).await?;
        let address = self.pages.map_or(address.clone(), |origin| at_origin(origin, &address));
        match shown.link.replace(link.to_owned()) {
            None => self.finish.lead(self.common, &address, &self.setup.given(), asks).await,
            // An expired address is replaced by another. No second browser is opened for it.
            Some(before) if before != link => {
                self.common.output.note(format!("Open {address} instead, if it is not open yet"))
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Asks whether the account is the right one, and continues if it is.
    async fn confirm(&self, number: StepNo, account: &str) -> Result<(), Error> {
        if !self.finish.agrees() {
            let question = match self.made {
                ReportedAction::Reauthorized | ReportedAction::ReauthorizedFor => format!("Reauthorize as {account}?"),
                _ => format!("Connect {account}?"),
            };
            let terminal = Terminal::now();
            let agreed = confirm::agreed(question).await;
            drop(terminal);
            if !agreed? {
                return Err(refused(account));
            }
        }
        match self.setup.advance(number, &[]).await? {
            Advanced::Taken | Advanced::Elsewhere => Ok(()),
            Advanced::Invalid { error, .. } => Err(error),
        }
    }

    /// Returns the account by its name, and by its id at the provider if that differs, since names may be chosen to
    /// deceive.
    fn account(&self, identity: &Identity) -> String {
        let title = self.common.provider(self.setup.kind());
        let label = &identity.label;
        let id = &identity.account_id;
        match label == id {
            true => format!("the {title} account {label}"),
            false => format!("the {title} account {label} (id {id})"),
        }
    }

    /// Prints the introduction before the first question.
    fn greet(&self, shown: &mut Shown, prompt: &Prompt, guide: &[String], keeps: Option<&Connection>) {
        if shown.greeted {
            return;
        }
        shown.greeted = true;
        let output = &self.common.output;
        match keeps {
            Some(connection) => output.note(format!("Authorize {} again", account(connection))),
            None => output.note(prompt.title.as_str()),
        }
        for line in guide {
            output.note(format!("  {line}"));
        }
        if let Some(entry) = self.common.known_kind(self.setup.kind()) {
            let asks = prompt.fields.iter().any(|name| entry.asks_for_application(name));
            if let Some(address) = self.setup.to_register(entry).filter(|_| asks) {
                output.note(format!("  Redirect address to register: {address}"));
            }
        }
    }

    /// Prints the notices that have not been shown yet.
    fn notices(&self, shown: &mut Shown, beside: &[Notice]) {
        // The reason why a way has ended is the error of whoever chose that way, and does not concern the others.
        for notice in beside.iter().skip(shown.notices).filter(|notice| notice.reason.is_none()) {
            let mut line = notice.message.to_string();
            if let Some(link) = &notice.link {
                line = format!("{line}: {}", link.as_str());
            }
            if let Some(code) = &notice.user_code {
                line = format!("{line} (code {code})");
                shown.code = true;
            }
            self.common.output.note(line);
        }
        shown.notices = beside.len();
    }

    fn ways(&self) -> &[SetupMethod] {
        self.common.known_kind(self.setup.kind()).map_or(&[], |kind| &kind.descriptor.ways)
    }
}

/// The question after a person refused the access at the provider, or was refused it there.
const SIGN_IN_AGAIN: &str = "Sign in again? What you have typed is kept.";

/// What happens after access was refused at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// It is reported like any other failure.
    Reported,
    /// A person is asked whether to begin again.
    AsksToBeginAgain,
}

/// Returns `true` if access was refused at the provider. A kind may put its name before the code.
fn is_refused_at_provider(failure: &SetupFailure) -> bool {
    let code = &*failure.code;
    code.strip_suffix("access_denied").is_some_and(|name| name.is_empty() || name.ends_with('_'))
}

/// Converts the error of a re-authorization that a person ended, whose old credential is still in use.
fn still_in_use(mut error: Error, connection: &Connection) -> Error {
    let ended = match error.code.as_str() {
        "setup_cancelled" => "the re-authorization was cancelled".to_owned(),
        "account_refused" => error.message.trim_end_matches("; nothing was kept").to_owned(),
        _ => return error,
    };
    error.message = format!("{ended}; {} keeps its current credential", name(connection));
    error
}

/// Returns the names of a question's fields.
fn names_of(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.name.to_string()).collect()
}

/// Returns the error for an account that a person did not confirm. It ends the setup, but the command has not failed.
fn refused(account: &str) -> Error {
    Error::new(Exit::Fine, "account_refused", format!("{account} was not confirmed; nothing was kept")).remedy(
        "begin again, and sign in at the provider with the account that you want; if you did not sign in with this \
         one, somebody else did",
    )
}

fn unconfirmed(setup: &dyn SetupPort, account: &str) -> Error {
    let id = setup.id();
    let asks = format!("nobody can be asked whether {account} is the right account");
    let short = short_id(&id);
    Error::new(Exit::Usage, "confirmation_required", format!("{asks}; the setup {short} waits")).remedy(format!(
        "continue with `connections setup resume {short}` at a terminal or with --yes, or give it up with \
             `connections setup cancel {short}`"
    ))
}

/// Returns an address with its path and query at another origin.
fn at_origin(origin: &str, address: &str) -> String {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find(['/', '?']).and_then(|at| rest.get(at..)).unwrap_or_default();
    [origin.trim_end_matches('/'), path].concat()
}

/// The end of the message of a setup that waits, before its id.
const SAVED: &str = "; your answers are saved in the setup ";

/// Converts the error of a setup in a database that is not kept.
pub(super) fn not_kept(mut error: Error) -> Error {
    if let Some((message, _)) = error.message.split_once(SAVED) {
        error.message = message.to_owned();
        error.remedy = None;
    }
    error
}

fn waiting(setup: &dyn SetupPort, reason: &Reason) -> Error {
    let id = setup.id();
    let short = short_id(&id);
    let message = format!("{}{SAVED}{short}", reason.message);
    let way = format!(
        "continue with `connections setup resume {short}`, or give it up with `connections setup cancel {short}`"
    );
    let error = Error::new(Exit::SetupFailed, "setup_waiting", message).remedy(match &*reason.code {
        reason::TLS => format!("{}; then {way}", tls_remedy(reason.remedy.as_ref().map(DisplayText::as_str))),
        _ => way,
    });
    error.provider_text(reason.provider_text.clone())
}
