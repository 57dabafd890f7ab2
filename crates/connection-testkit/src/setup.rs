//! A scripted setup: what it showed, what it waited for, and what came of it.

use std::{fmt, future::pending, time::Duration};

use connection_contract::{
    BoxFuture, ConnectionDefinition, Established, Field, InboundHttpService, Link, Notice, Prompt, SetupFailure,
    SetupService, Timestamp, Wait, Woken,
};

use crate::{
    FakeHost, Input,
    drive::Drive,
    effects::{Effects, Inner, MOST_FIELDS, MOST_STEPS, Stop, Turn},
    journal::Effect,
    world::Inbound,
};

/// A step that a user would have seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What is asked, if anything.
    pub prompt: Option<Prompt>,
    /// What is opened in the browser, if anything.
    pub open: Option<Link>,
    /// What stays on the page: earlier notices, then those of this step.
    pub notices: Vec<Notice>,
}
/// How a scripted setup went.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetupRun<C> {
    /// What it made, or why it made nothing.
    pub result: Result<Established<C>, SetupFailure>,
    /// What a user would have seen.
    pub steps: Vec<Step>,
    /// How many effects it had, waits included.
    pub effects: usize,
    /// Per request, how many inputs came before it.
    pub(crate) requests: Vec<usize>,
    /// Per request, whether it spent something.
    pub(crate) spends: Vec<bool>,
}
/// A setup that is ready to run.
#[derive(Debug)]
#[must_use = "call `run` or `trace`"]
pub struct Setup<'h, D: ConnectionDefinition> {
    pub(crate) host: &'h FakeHost<D>,
    pub(crate) inputs: Vec<Input>,
}
impl<D: ConnectionDefinition> Setup<'_, D> {
    /// Runs it, and again from every effect. A [`SetupFailure`] is a result; a fault of the plugin fails the test.
    ///
    /// # Errors
    /// As the plugin's setup.
    #[track_caller]
    pub fn run(self) -> Result<Established<D::Credential>, SetupFailure> {
        self.trace().result
    }
    /// As [`run`](Self::run), and tells what was shown.
    #[track_caller]
    pub fn trace(self) -> SetupRun<D::Credential> {
        Drive { host: self.host, inputs: &self.inputs }.run()
    }
}

/// A wait that stops a run.
pub(crate) struct Plan {
    pub(crate) what: String,
    pub(crate) shown: String,
    pub(crate) no: usize,
    pub(crate) fields: Vec<Field>,
    pub(crate) ways: Ways,
    pub(crate) until: Option<Timestamp>,
    pub(crate) step: Step,
}
/// The ways in which a wait may end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    pub(crate) answer: bool,
    pub(crate) callback: bool,
    pub(crate) elapsed: bool,
}
impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ways = [(self.answer, "an answer"), (self.callback, "a callback"), (self.elapsed, "a time")];
        let ways: Vec<_> = ways.iter().filter(|(given, _)| *given).map(|(_, name)| *name).collect();
        write!(f, "wait for {}", ways.join(" or "))
    }
}
impl Effects<'_> {
    fn fields(&self, prompt: &Prompt) -> Result<Vec<Field>, String> {
        if prompt.fields.len() > MOST_FIELDS {
            return Err(format!("the plugin asks {} fields at once; {MOST_FIELDS} are allowed", prompt.fields.len()));
        }
        let declared = &self.world.descriptor.fields;
        let field = |name| declared.iter().find(|field| field.name == name).cloned();
        let undeclared =
            |name| format!("the plugin asks for the field '{name}', which its descriptor does not declare");
        prompt.fields.iter().map(|name| field(name.clone()).ok_or_else(|| undeclared(name))).collect()
    }
    /// Numbers the step, also while replaying.
    fn number(inner: &mut Inner, look: &str) {
        if !(inner.elapsed && inner.look == look) {
            inner.step += 1;
            if inner.step > MOST_STEPS {
                inner.fault(format!("the plugin asks without end: it has had {MOST_STEPS} steps"));
            }
        }
        look.clone_into(&mut inner.look);
    }
    fn replayed(&self, effect: Effect, look: &str) -> Option<Woken> {
        let mut inner = self.lock();
        Self::number(&mut inner, look);
        let woken = effect.woken();
        inner.elapsed = matches!(woken, Some(Woken::Elapsed));
        woken
    }
    /// What a person sees while it waits: the earlier notices and this wait's; a signature counts as what it signs.
    fn shown(&self, look: &str) -> String {
        let text = format!("{look} {:?}", self.lock().notices);
        String::from_utf8_lossy(self.crypto.settled(text.as_bytes()).expose()).into_owned()
    }
    fn suspend(&self, (what, shown): (String, String), look: &str, fields: Vec<Field>, ways: Ways, wait: Wait<'_>) {
        let mut inner = self.lock();
        Self::number(&mut inner, look);
        let mut notices = inner.notices.clone();
        notices.extend(wait.notices);
        let seconds = |d: Duration| d.as_secs() + u64::from(d.subsec_nanos() > 0);
        let until = wait.elapsed.map(|duration| inner.now.after(seconds(duration)));
        let step = Step { prompt: wait.prompt, open: wait.open.map(|redirect| redirect.link), notices };
        let plan = Plan { what, shown, no: inner.step, fields, ways, until, step };
        inner.stop.get_or_insert(Stop::Wait(Box::new(plan)));
    }
}
impl SetupService for Effects<'_> {
    fn wait<'a>(&'a self, wait: Wait<'a>) -> BoxFuture<'a, Woken> {
        Box::pin(async move {
            let ways = Ways {
                answer: wait.prompt.is_some(),
                callback: wait.callback.is_some(),
                elapsed: wait.elapsed.is_some(),
            };
            if !(ways.answer || ways.callback || ways.elapsed) {
                return self.fault("the plugin waits for nothing").await;
            }
            let fields = match wait.prompt.as_ref().map_or(Ok(Vec::new()), |prompt| self.fields(prompt)) {
                Ok(fields) => fields,
                Err(problem) => return self.fault(problem).await,
            };
            // Names and ways only: a corrected label must not end the sessions that are under way.
            let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
            let what = format!("{ways} [{}]", names.join(" "));
            let link = wait.open.as_ref().map(|redirect| redirect.link.as_str());
            let look = format!("{:?} {link:?} {:?}", wait.prompt, wait.notices);
            let shown = self.shown(&look);
            match self.begin(&what, &shown).await {
                Turn::Replay(effect) => match self.replayed(effect, &look) {
                    Some(woken) => woken,
                    None => self.fault("the plugin asks something else in a replay").await,
                },
                Turn::Live(busy) => {
                    self.suspend((what, shown), &look, fields, ways, wait);
                    // Held, so that a second effect, or dropping this one, is noticed before the run stops.
                    let _busy = busy;
                    pending().await
                }
            }
        })
    }
    fn show(&self, notice: Notice) {
        let mut inner = self.lock();
        inner.notices.push(notice);
        if inner.notices.len() > MOST_FIELDS {
            inner.fault("the plugin shows without end");
        }
    }
    fn inbound_http(&self) -> Option<&dyn InboundHttpService> {
        if matches!(self.world.inbound, Inbound::Absent) { None } else { Some(self) }
    }
}
