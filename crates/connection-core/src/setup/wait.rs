//! The one suspending effect: checks what a plugin asks, numbers the step, and stops the run.

use std::{future::pending, time::Duration};

use connection_contract::{
    BoxFuture, Field, InboundHttpService, Link, Notice, Prompt, SetupFailure, SetupService, Text, Wait, Woken, host,
};
use connection_replay::Effect;

use super::{
    SetupStep,
    codec::Waiting,
    effects::{Effects, Inner, Stop, Turn, changed, too_long},
};

const MOST_STEPS: u64 = 64;
const MOST_FIELDS: usize = 32;
const MOST_NOTICES: usize = 32;
const LONGEST_TEXT: usize = 16 * 1024;

/// A run that waits: what is stored, and what is shown.
pub(super) struct Suspended {
    pub(super) waiting: Waiting,
    pub(super) step: SetupStep,
}

/// What is asked, with the declared fields.
struct Plan {
    what: String,
    look: String,
    fields: Vec<Field>,
}

impl Effects {
    fn plan(&self, wait: &Wait<'_>) -> Result<Plan, SetupFailure> {
        if wait.prompt.is_none() && wait.callback.is_none() && wait.elapsed.is_none() {
            return Err(SetupFailure::new("wait_without_end", "the plugin waits for nothing"));
        }
        if wait.notices.len() > MOST_NOTICES || wait.open.iter().any(|r| is_long(&r.link)) {
            return Err(too_long());
        }
        if wait.notices.iter().any(|notice| notice.link.iter().any(is_long)) {
            return Err(too_long());
        }
        let prompt = |prompt: &Prompt| {
            if prompt.fields.len() > MOST_FIELDS {
                return Err(SetupFailure::new("too_many_fields", "the plugin asks too much at once"));
            }
            let declared = |name: &Text| self.kind.descriptor.fields.iter().find(|f| f.name == *name).cloned();
            let undeclared = |name: &Text| {
                SetupFailure::new("undeclared_field", format!("the plugin asks for '{name}', which it did not declare"))
            };
            prompt.fields.iter().map(|name| declared(name).ok_or_else(|| undeclared(name))).collect()
        };
        let fields: Vec<Field> = wait.prompt.as_ref().map(prompt).transpose()?.unwrap_or_default();
        // Names and ways only: a corrected label or interval must not end the sessions that are under way.
        let names: Vec<_> = fields.iter().map(|f| &*f.name).collect();
        let what = format!("1 wait {:?} {}", ways(wait), names.join(" "));
        let link = wait.open.as_ref().map(|r| r.link.as_str());
        Ok(Plan { what, look: format!("{:?} {link:?} {:?}", wait.prompt, wait.notices), fields })
    }

    /// Numbers the step, also while replaying. A wait that looks like the one before it, which ended by itself (a poll
    /// every five seconds), is the same step: an open page stays good.
    fn number(&self, inner: &mut Inner, look: &str) {
        if !(inner.elapsed && inner.look == look) {
            inner.step += 1;
            if inner.step > MOST_STEPS {
                inner.fail(too_long());
            }
        }
        look.clone_into(&mut inner.look);
    }

    /// What a recorded wait gives; `None`, and a fault, for a way that was not asked for.
    fn recorded(&self, effect: Effect, ways: (bool, bool, bool), look: &str) -> Option<Woken> {
        let mut inner = self.lock();
        self.number(&mut inner, look);
        inner.elapsed = matches!(effect, Effect::Elapsed);
        match (effect, ways) {
            (Effect::Answered(answers), (true, ..)) => Some(Woken::Answered(host::answers(answers))),
            (Effect::Callback(parameters), (_, true, _)) => Some(Woken::Callback(host::callback_request(parameters))),
            (Effect::Elapsed, (.., true)) => Some(Woken::Elapsed),
            _ => {
                inner.fail(changed());
                None
            }
        }
    }

    fn suspend_at(&self, plan: Plan, wait: Wait<'_>) {
        let mut inner = self.lock();
        self.number(&mut inner, &plan.look);
        let mut beside = inner.notices.clone();
        beside.extend(wait.notices);
        let names = wait.prompt.as_ref().map(|_| plan.fields.iter().map(|f| f.name.to_string()).collect());
        let step = match (wait.prompt, wait.open) {
            (Some(prompt), open) => SetupStep::Prompt { prompt, fields: plan.fields, open, beside },
            (None, Some(redirect)) => SetupStep::Redirect { redirect, beside },
            (None, None) => SetupStep::Notice { beside },
        };
        // The time of the last effect is recorded, so the deadline is the same in every replay.
        let seconds = |d: Duration| d.as_secs().saturating_add(u64::from(d.subsec_nanos() > 0));
        let waiting = Waiting {
            no: inner.step,
            seq: Some(inner.next),
            what: plan.what,
            fields: names,
            state: wait.callback.map(|handle| self.shared.state_hash(handle.state())),
            until: wait.elapsed.map(|d| inner.now.after(seconds(d))),
            paused: None,
            account: None,
        };
        inner.stop.get_or_insert(Stop::Wait(Box::new(Suspended { waiting, step })));
    }
}

/// Other texts that people see are bounded by their type.
fn is_long(link: &Link) -> bool {
    link.as_str().len() > LONGEST_TEXT
}

/// Answer, callback, time.
fn ways(wait: &Wait<'_>) -> (bool, bool, bool) {
    (wait.prompt.is_some(), wait.callback.is_some(), wait.elapsed.is_some())
}

impl SetupService for Effects {
    fn wait<'b>(&'b self, wait: Wait<'b>) -> BoxFuture<'b, Woken> {
        Box::pin(async move {
            let plan = match self.plan(&wait) {
                Ok(plan) => plan,
                Err(failure) => return self.fail(failure).await,
            };
            match self.begin(&plan.what).await {
                Turn::Replay(effect) => match self.recorded(effect, ways(&wait), &plan.look) {
                    Some(woken) => {
                        let is_pasted = wait.open.is_some() && matches!(woken, Woken::Answered(_));
                        self.lock().in_browser |= is_pasted || matches!(woken, Woken::Callback(_));
                        woken
                    }
                    None => pending().await,
                },
                Turn::Live(busy) => {
                    self.suspend_at(plan, wait);
                    // Held, so that a second effect, or dropping this one, is noticed before the run suspends.
                    let _busy = busy;
                    pending().await
                }
            }
        })
    }

    fn show(&self, notice: Notice) {
        let mut inner = self.lock();
        let is_long = notice.link.iter().any(is_long);
        inner.notices.push(notice);
        if is_long || inner.notices.len() > MOST_NOTICES {
            inner.fail(too_long());
        }
        if inner.replay.is_empty() && inner.stop.is_none() {
            let step = (inner.step, SetupStep::Notice { beside: inner.notices.clone() });
            drop(inner);
            self.slot.show(step);
        }
    }

    fn inbound_http(&self) -> Option<&dyn InboundHttpService> {
        self.shared.inbound.as_ref().map(|_| self as &dyn InboundHttpService)
    }
}
