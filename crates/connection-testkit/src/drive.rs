//! Runs a setup as a real host does: every wait drops the plugin's future, and its end runs the setup again from the
//! start over the recorded effects. Then proves that it may be interrupted after any of them.

use connection_contract::{
    Clock, ConnectionDefinition, Established, Reach, Secret, SetupContext, SetupFailure, Timestamp, reason,
};

use crate::{
    FakeHost, Input, SetupRun, Step, check,
    effects::{Effects, Stop},
    fault::fail,
    input::duplicates,
    journal::{Effect, Entry},
    offline,
    poll::{poll_and_drop, poll_until},
    setup::Plan,
};

pub(crate) struct Drive<'a, D: ConnectionDefinition> {
    pub(crate) host: &'a FakeHost<D>,
    pub(crate) inputs: &'a [Input],
}
/// How one run from some journal went.
struct Ended<C> {
    result: Result<Established<C>, SetupFailure>,
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
                Err(failure) => format!("as {}", world.told(failure)),
            };
            fail(&format!("the setup ended {how}; the script still has {}", left.name()));
        }
        let logged = world.events().len();
        self.repeat(&ended, started);
        world.events().truncate(logged);
        world.set_now(ended.now);
        let is_request = |entry: &&Entry| matches!(entry.effect, Effect::Http(_));
        let requests = ended.journal.iter().filter(is_request).map(|entry| entry.input).collect();
        let spends = ended.journal.iter().filter(is_request).map(|entry| entry.what.starts_with("spend ")).collect();
        SetupRun { result: ended.result, steps: ended.steps, effects: ended.journal.len(), requests, spends }
    }
    /// Runs again over the whole journal, as a host that died before the end was stored; then from every effect, as one
    /// that died after it ran and before it was recorded. The last of these runs begins anew and ends as the first did,
    /// so that the fakes stand where they stood.
    #[track_caller]
    fn repeat(&self, ended: &Ended<D::Credential>, started: Timestamp) {
        let world = &self.host.world;
        let first = self.parts(&ended.result, &ended.journal);
        for n in (0..=ended.journal.len()).rev() {
            let (mut place, mut input) = ("run again over all its effects: ".to_owned(), ended.input);
            if let Some(lost) = ended.journal.get(n) {
                (place, input) = (format!("run again from effect {n} ({}): ", lost.what), lost.input);
                world.script.seek(lost.script);
                world.restore(lost.kv.clone());
                self.drop_in(ended.journal.iter().take(n), started, input);
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
    /// Drops the plugin's future in the middle of the effect after these, as a host that shuts down does.
    fn drop_in<'e>(&self, recorded: impl Iterator<Item = &'e Entry>, started: Timestamp, input: usize) {
        let effects = Effects::new(&self.host.world, recorded.map(Entry::duplicate).collect(), started, input);
        effects.end();
        let context = SetupContext::new(effects.services(), &effects);
        poll_and_drop(self.host.definition.setup(&context), 1);
    }
    /// What the user gave to secret fields; messages do not show it.
    fn secrets(&self) -> Vec<Secret> {
        let is_secret = |name: &str| self.host.is_secret_field(name);
        let given = self.inputs.iter().flat_map(|input| match input {
            Input::Answers(pairs) => duplicates(pairs),
            _ => Vec::new(),
        });
        given.filter(|(name, value)| is_secret(name) && !value.is_empty()).map(|(_, value)| value).collect()
    }
    #[track_caller]
    fn drive(&self, recorded: Vec<Entry>, started: Timestamp, input: usize, place: &str) -> Ended<D::Credential> {
        let world = &self.host.world;
        let (mut journal, mut input, mut steps, mut last) = (recorded, input, Vec::new(), 0);
        loop {
            let replay = journal.iter().map(Entry::duplicate).collect();
            let effects = Effects::new(world, replay, started, input);
            let result = {
                let context = SetupContext::new(effects.services(), &effects);
                poll_until(self.host.definition.setup(&context), || effects.stopped())
            };
            let run = effects.into_inner();
            journal.extend(run.live);
            match (run.stop, result) {
                (Some(Stop::Fault(message)), _) => fail(&format!("{place}{message}")),
                (Some(Stop::Wait(plan)), _) => {
                    let entry = self.answered(&plan, run.now, input, place);
                    journal.push(entry);
                    input += 1;
                    if plan.no > last {
                        last = plan.no;
                        steps.push(plan.step);
                    }
                }
                (None, None) => {
                    fail(&format!("{place}the plugin waits for something that is none of the host's services"))
                }
                (None, Some(_)) if !run.replay.is_empty() => {
                    fail(&format!("{place}the plugin ends earlier in a replay than before"))
                }
                (None, Some(Err(failure)))
                    if offline(&failure).is_some() && matches!(self.inputs.get(input), Some(Input::Resume)) =>
                {
                    // The request that met the bad network is not kept, so it is asked again.
                    journal.pop();
                    input += 1;
                }
                (None, Some(result)) => {
                    self.sane(&result, &journal, place);
                    return Ended { result, journal, steps, input, now: run.now };
                }
            }
        }
    }
    /// What ended the wait, as the script says.
    #[track_caller]
    fn answered(&self, plan: &Plan, now: Timestamp, input: usize, place: &str) -> Entry {
        let (effect, at) = match self.inputs.get(input) {
            Some(Input::Answers(raw)) if plan.ways.answer => match check::answers(&plan.fields, raw) {
                Ok(answers) => (Effect::Answered(answers), now),
                Err(problem) => fail(&format!("{place}the host refuses the answers: {problem}")),
            },
            Some(Input::Callback(parameters)) if plan.ways.callback => (Effect::Callback(duplicates(parameters)), now),
            Some(Input::Elapsed) if plan.ways.elapsed => (Effect::Elapsed, plan.until.unwrap_or(now)),
            Some(other) => {
                fail(&format!("{place}the script gives {}, and the setup has a {}", other.name(), plan.what))
            }
            None => fail(&format!("{place}the script is at its end, and the setup has a {}", plan.what)),
        };
        let world = &self.host.world;
        let kv = world.kv.as_ref().map(|kv| kv.state());
        let (what, shown) = (plan.what.clone(), plan.shown.clone());
        Entry { what, shown, effect, at, script: world.script.next(), input, kv }
    }
    /// What a real host would not take from a plugin.
    #[track_caller]
    fn sane(&self, result: &Result<Established<D::Credential>, SetupFailure>, journal: &[Entry], place: &str) {
        match result {
            Ok(made) => {
                if let Some(problem) = self.out_of_reach(&made.reach, journal) {
                    fail(&format!("{place}the setup {problem}"));
                }
                drop(self.host.reparsed(&made.credential));
            }
            Err(failure) if failure.code == reason::PLUGIN_FAULT => {
                fail(&format!("{place}{}", self.host.world.told(failure)))
            }
            Err(_) => {}
        }
    }
    fn out_of_reach(&self, reach: &Reach, journal: &[Entry]) -> Option<&'static str> {
        use connection_contract::Answer::{Directory, Url};
        let answers = || journal.iter().flat_map(Entry::answers);
        let mut named: Vec<_> = self.host.world.addresses.iter().map(|(_, base)| base.origin()).collect();
        named.extend(answers().filter_map(|answer| if let Url(base) = answer { Some(base.origin()) } else { None }));
        let origins = reach.origins.iter().chain(reach.base_url.as_ref().map(|base| base.origin()));
        let own = self.host.world.directory.as_ref();
        let granted =
            |root| own == Some(root) || answers().any(|answer| matches!(answer, Directory(answer) if answer == root));
        let wildcards = &self.host.world.wildcards;
        let below = |origin| wildcards.iter().any(|wildcard| connection_contract::host::matches(wildcard, origin));
        if origins.into_iter().any(|origin| !named.contains(&origin) && !below(origin)) {
            return Some("reaches an address that neither the descriptor nor the user named");
        }
        (!reach.roots.iter().all(granted)).then_some("reaches a directory that the user did not grant")
    }
    /// Everything of a result that must be the same in a replay, by name.
    #[track_caller]
    fn parts(
        &self,
        result: &Result<Established<D::Credential>, SetupFailure>,
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
        let questions: Vec<_> = journal.iter().map(|entry| entry.what.as_str()).collect();
        parts.push(("questions", questions.join("\n").into_bytes()));
        parts
    }
}
