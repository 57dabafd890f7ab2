//! Runs a setup by replay, as a real host does, and proves that it may be interrupted after any of its effects.
//!
//! Every wait drops the plugin's future. The end of the wait runs the setup again from its start over the recorded
//! effects.

use connection_contract::{
    Clock, ConnectionDefinition, GrantedDirectory, Link, NotLive, Notice, Origin, Prompt, Reason, Secret, SetupContext,
    SetupFailure, SetupResult, Timestamp, VerifyResult, reason,
};
use connection_replay::{self as replay, Effect, Effects, Fault, Host as _, Stop, Suspended, limits};

use crate::{
    FakeHost, Input, check,
    fault::fail,
    input::duplicates,
    journal::{AskedEffect, Entry},
    memory::{Memory, Run, services},
    offline,
    poll::{poll_and_drop, poll_until},
};

/// The code of a setup that waits after the last input of its script.
pub(crate) const WAITS: &str = "waits";

/// A step that a user would see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// The prompt, if the step has one.
    pub prompt: Option<Prompt>,
    /// The address to open in the browser, if the step has one.
    pub open: Option<Link>,
    /// The notices on the page: earlier ones first, then those of the step.
    pub notices: Vec<Notice>,
}

/// The outcome of a scripted setup.
#[derive(Debug)]
#[non_exhaustive]
pub struct SetupRun<C> {
    /// The result that the plugin returned.
    pub result: Result<SetupResult<C>, SetupFailure>,
    /// The steps that a user would see.
    pub steps: Vec<Step>,
    /// The number of effects, including waits.
    pub effects: usize,
    /// The number of inputs before each request.
    pub(crate) requests: Vec<usize>,
    /// `true` for each request that spent something.
    pub(crate) spends: Vec<bool>,
}

pub(crate) struct Drive<'a, D: ConnectionDefinition> {
    pub(crate) host: &'a FakeHost<D>,
    pub(crate) inputs: &'a [Input],
    /// `true` if the setup may wait after the last input.
    pub(crate) may_wait: bool,
}

/// The outcome of driving a setup to its end.
struct DriveResult<C> {
    result: Result<SetupResult<C>, SetupFailure>,
    journal: Vec<Entry>,
    steps: Vec<Step>,
    input: usize,
    now: Timestamp,
}

impl<D: ConnectionDefinition> Drive<'_, D> {
    #[track_caller]
    pub(crate) fn run(&self) -> SetupRun<D::Credential> {
        let world = &self.host.world;
        for secret in self.secrets() {
            world.script.hide(&secret);
        }
        let started = world.now();
        let ended = self.drive(Vec::new(), started, 0, "");
        if let Some(left) = self.inputs.get(ended.input) {
            let how = match &ended.result {
                Ok(_) => "with a connection".to_owned(),
                Err(failure) => format!("as {}", world.describe_failure(failure)),
            };
            fail(&format!("the setup ended {how}; the script still has {}", left.name()));
        }
        let logged = world.events().len();
        self.repeat(&ended, started);
        world.events().truncate(logged);
        world.set_now(ended.now);
        let read = ended.journal.iter().map(|entry| (entry.input, entry.read()));
        let requests = read.filter(|(_, entry)| matches!(entry.effect, Effect::Http(_)));
        let (requests, spends) = requests.map(|(input, entry)| (input, entry.is_spend())).unzip();
        SetupRun { result: ended.result, steps: ended.steps, effects: ended.journal.len(), requests, spends }
    }

    /// Runs the setup again over the whole journal, and then from every effect.
    ///
    /// The first run stands for a host that died before it stored the result. Each other run stands for a host that
    /// died after an effect ran and before the effect was recorded. The last of these runs begins with an empty journal
    /// and ends as the original run did, so the fakes end in the same state.
    #[track_caller]
    fn repeat(&self, ended: &DriveResult<D::Credential>, started: Timestamp) {
        let world = &self.host.world;
        let first = self.parts(&ended.result, &ended.journal);
        for n in (0..=ended.journal.len()).rev() {
            let mut place = "run again over all its effects: ".to_owned();
            let mut input = ended.input;
            if let Some(lost) = ended.journal.get(n) {
                (place, input) = (format!("run again from effect {n} ({}): ", lost.request.text), lost.input);
                world.script.seek(lost.request.script);
                world.restore(lost.kv.clone());
                self.drop_in(ended.journal.split_at(n).0, started, input);
            }
            let recorded = ended.journal.iter().take(n).map(Entry::duplicate).collect();
            let again = self.drive(recorded, started, input, &place);
            for ((name, before), (_, now)) in first.iter().zip(self.parts(&again.result, &again.journal)) {
                if *before != now {
                    fail(&format!("{place}the setup ended differently, in its {name}"));
                }
            }
        }
    }

    /// Drops the plugin's future during the effect after the recorded ones, as a host that shuts down does.
    fn drop_in(&self, recorded: &[Entry], started: Timestamp, input: usize) {
        let effects = Effects::new(Memory::new(&self.host.world, recorded, started, input));
        effects.host().with_run(Run::end);
        let context =
            SetupContext::new(services(&effects), &effects).with_further_scopes(&self.host.world.further_scopes);
        poll_and_drop(self.host.definition.setup(&context), 1);
    }

    /// Returns the answers to secret fields, which messages must not show.
    fn secrets(&self) -> Vec<Secret> {
        let is_secret = |name: &str| self.host.is_secret_field(name);
        let given = self.inputs.iter().flat_map(|input| match input {
            Input::Answers(pairs) => duplicates(pairs),
            _ => Vec::new(),
        });
        given.filter(|(name, value)| is_secret(name) && !value.is_empty()).map(|(_, value)| value).collect()
    }

    #[track_caller]
    fn drive(&self, recorded: Vec<Entry>, started: Timestamp, input: usize, place: &str) -> DriveResult<D::Credential> {
        let world = &self.host.world;
        let mut journal = recorded;
        let mut input = input;
        let mut steps = Vec::new();
        let mut last = 0;
        loop {
            let effects = Effects::new(Memory::new(world, &journal, started, input));
            let result = {
                let context = SetupContext::new(services(&effects), &effects)
                    .with_further_scopes(&self.host.world.further_scopes);
                // An effect that is dropped after the run has stopped is not a fault of the plugin.
                let stopped = || {
                    let stopped = effects.stopped();
                    if stopped {
                        effects.host().with_run(Run::end);
                    }
                    stopped
                };
                poll_until(self.host.definition.setup(&context), stopped)
            };
            let ran = effects.into_host().over();
            let run = ran.run;
            let request = ran.request;
            let before = usize::try_from(run.next).ok().and_then(|next| journal.get(next));
            let text = before.map(|entry| entry.request.text.clone()).unwrap_or_default();
            journal.extend(ran.live);
            let last_asked = run.last_asked();
            let is_replaying = run.is_replaying();
            match (run.stop, result) {
                (Some(Stop::Fault(fault)), _) => fail(&format!("{place}{}", named(&fault, &request, &text))),
                (Some(Stop::Halt(never)), _) => match never {},
                (Some(Stop::Wait(_)), _) if self.may_wait && self.inputs.len() == input => {
                    let waits = Reason::new(WAITS, "the setup waits for an input");
                    let result = Err(NotLive::offline(waits).into());
                    return DriveResult { result, journal, steps, input, now: run.now };
                }
                (Some(Stop::Wait(suspended)), _) => {
                    let entry = self.answered(&suspended, request, run.now, input, place);
                    journal.push(entry);
                    input += 1;
                    if suspended.step > last {
                        last = suspended.step;
                        let Suspended { prompt, open, beside, .. } = *suspended;
                        steps.push(Step { prompt, open: open.map(|redirect| redirect.link), notices: beside });
                    }
                }
                (None, None) => {
                    let why = "it waits for something that is not one of the host's services";
                    fail(&format!("{place}the plugin did not finish in time: {why}"))
                }
                (None, Some(_)) if is_replaying => {
                    fail(&format!("{place}{}: it ends earlier in a replay than before", Fault::changed()))
                }
                (None, Some(Err(failure)))
                    if offline(&failure).is_some()
                        && last_asked.is_some()
                        && matches!(self.inputs.get(input), Some(Input::Resume)) =>
                {
                    // The entry of the request that met the bad network is removed, so the request is sent again.
                    journal.pop();
                    input += 1;
                }
                (None, Some(result)) => {
                    self.sane(&result, &run.origins, &run.roots, place);
                    return DriveResult { result, journal, steps, input, now: run.now };
                }
            }
        }
    }

    /// Returns the entry for the next input of the script, which ends the wait.
    #[track_caller]
    fn answered(&self, wait: &Suspended, request: AskedEffect, now: Timestamp, input: usize, place: &str) -> Entry {
        let (effect, at) = match self.inputs.get(input) {
            Some(Input::Answers(raw)) if wait.ways.answer => {
                match check::answers(&wait.fields, &self.host.world.checked.patterns, raw) {
                    Ok(answers) => (Effect::Answered(answers), now),
                    Err(problem) => fail(&format!("{place}the host refuses the answers: {problem}")),
                }
            }
            Some(Input::Callback(parameters)) if wait.ways.callback => (Effect::Callback(duplicates(parameters)), now),
            Some(Input::Elapsed) if wait.ways.elapsed => (Effect::Elapsed, wait.until.unwrap_or(now)),
            Some(other) => {
                fail(&format!("{place}the script gives {}, and the setup has a {}", other.name(), request.text))
            }
            None => fail(&format!("{place}the script is at its end, and the setup has a {}", request.text)),
        };
        let world = &self.host.world;
        let kv = world.kv.as_ref().map(|kv| kv.state());
        Entry::new(replay::Entry::new(wait.what.as_str(), at, effect).encode(), request, input, kv)
    }

    /// Fails the test for a result that a real host refuses, with the same message.
    #[track_caller]
    fn sane(
        &self,
        result: &Result<SetupResult<D::Credential>, SetupFailure>,
        named: &[Origin],
        granted: &[GrantedDirectory],
        place: &str,
    ) {
        let world = &self.host.world;
        match result {
            Ok(made) => {
                let Ok(credential) = self.host.definition.serialize_credential(&made.credential) else {
                    fail(&format!("{place}the plugin could not write the credential"))
                };
                let addresses: Vec<_> = world.checked.addresses.iter().map(|(_, base)| base.origin()).collect();
                let declares = |origin: &Origin| world.checked.declares(origin);
                let bounds = limits::Bounds::new(&addresses, declares, named, granted);
                let checked = limits::setup_result(made, &credential)
                    .and_then(|()| limits::reach(&made.reach, &bounds).map(drop))
                    .and_then(|()| limits::account_id(&made.identity.account_id));
                if let Err(problem) = checked {
                    fail(&format!("{place}{problem}"));
                }
                if let Some(found) = &made.measured {
                    self.measured(made, found, place);
                }
                drop(self.host.reparsed(&made.credential));
            }
            Err(failure) => {
                let checked = limits::failure(failure.clone());
                if checked.code == reason::PLUGIN_FAULT {
                    fail(&format!("{place}{}", world.describe_failure(&checked)));
                }
            }
        }
    }

    /// Checks the verification that the setup did itself. A real host does not verify such a connection again.
    #[track_caller]
    fn measured(&self, made: &SetupResult<D::Credential>, found: &VerifyResult<D::Credential>, place: &str) {
        let fresh = found.credential.as_ref().map(|credential| self.host.serialized(credential));
        if let Err(problem) = limits::verification(found, fresh.as_ref()) {
            fail(&format!("{place}the new connection does not work: {problem}"));
        }
        if found.identity.as_ref().is_some_and(|identity| identity.account_id != made.identity.account_id) {
            fail(&format!("{place}the new connection reaches another account than it was made for"));
        }
    }

    /// Returns the parts of a result that must be the same in a replay, with their names.
    #[track_caller]
    fn parts(
        &self,
        result: &Result<SetupResult<D::Credential>, SetupFailure>,
        journal: &[Entry],
    ) -> Vec<(&'static str, Vec<u8>)> {
        let mut parts = match result {
            Ok(made) => vec![
                ("credential", self.host.serialized(&made.credential).expose().to_vec()),
                ("identity", format!("{:?}", made.identity).into_bytes()),
                ("label", format!("{:?}", made.label).into_bytes()),
                ("reach", format!("{:?}", made.reach).into_bytes()),
                ("configuration", format!("{:?}", made.config).into_bytes()),
                ("scopes", format!("{:?}", made.granted_scopes).into_bytes()),
                ("end of validity", format!("{:?}", made.valid_until).into_bytes()),
                ("liveness", format!("{:?}", made.measured.as_ref().map(|found| found.liveness)).into_bytes()),
            ],
            Err(failure) => vec![("failure", format!("{failure:?}").into_bytes())],
        };
        let questions: Vec<_> = journal.iter().map(|entry| entry.request.what.as_str()).collect();
        parts.push(("questions", questions.join("\n").into_bytes()));
        parts
    }
}

/// Returns the message of a fault. For a replay that differs, it names the requested effect and the recorded one.
fn named(fault: &Fault, now: &AskedEffect, before: &str) -> String {
    if fault.failure.code != Fault::changed().failure.code || before.is_empty() {
        return fault.to_string();
    }
    format!("{fault}: it asks something else in a replay: {}, after it was {before}", now.text)
}
