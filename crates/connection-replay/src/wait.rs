//! Waits: checks the request of a plugin, numbers the step, and suspends the run.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::time::Duration;

use connection_contract::{CallbackHandle, Descriptor, Field, Link, Notice, Prompt, Text, Wait, WaitOutcome, host};

use crate::{Effect, Fault, Run, Stop, Suspended, WaitEndings, limits::MAX_TEXT_LENGTH};

const MAX_FIELDS: usize = 32;
const MAX_NOTICES: usize = 32;
const MAX_STEPS: u64 = 64;

/// A wait whose request is within the limits and names only declared fields.
pub(crate) struct Plan {
    pub(crate) ways: WaitEndings,
    pub(crate) fields: Vec<Field>,
    /// `true` if a notice of the wait has a code for the person to type at the provider.
    pub(crate) shows_code: bool,
    /// Text that stands for the page that a person sees.
    pub(crate) look: String,
}

/// Checks a wait against the limits and the declared fields.
pub(crate) fn plan(wait: &Wait<'_>, descriptor: &Descriptor) -> Result<Plan, Fault> {
    let ways = WaitEndings::of(wait);
    if !(ways.answer || ways.callback || ways.elapsed) {
        return Err(Fault::endless_wait());
    }
    if wait.notices.len() > MAX_NOTICES {
        return Err(Fault::too_long(TOO_MANY_NOTICES));
    }
    let links = wait.notices.iter().filter_map(|notice| notice.link.as_ref());
    if links.chain(wait.open.iter().map(|redirect| &redirect.link)).any(is_long) {
        return Err(Fault::too_long(LONG_LINK));
    }
    let prompt = |prompt: &Prompt| {
        if prompt.fields.len() > MAX_FIELDS {
            return Err(Fault::too_many_fields());
        }
        let declared = |name: &Text| descriptor.fields.iter().find(|field| field.name == *name).cloned();
        prompt.fields.iter().map(|name| declared(name).ok_or_else(|| Fault::undeclared_field(name))).collect()
    };
    let fields = wait.prompt.as_ref().map(prompt).transpose()?.unwrap_or_default();
    let link = wait.open.as_ref().map(|redirect| redirect.link.as_str());
    let shows_code = wait.notices.iter().any(has_code);
    Ok(Plan { ways, fields, shows_code, look: format!("{:?} {link:?} {:?}", wait.prompt, wait.notices) })
}

const TOO_MANY_NOTICES: &str = "it shows more than 32 notices at once";
const LONG_LINK: &str = "it shows a link of more than 16 KiB";

fn has_code(notice: &Notice) -> bool {
    notice.user_code.is_some()
}

/// Returns `true` if the link is too long. Other text for people needs no check, because it is cut when it is created.
fn is_long(link: &Link) -> bool {
    link.as_str().len() > MAX_TEXT_LENGTH
}

impl<H> Run<H> {
    /// Numbers the step, also in a replay.
    ///
    /// A wait that looks like the previous one, which ended because its time passed, is the same step. An open page
    /// thus stays valid while a plugin polls every five seconds.
    fn number(&mut self, look: &str) {
        if !(self.elapsed && self.look == look) {
            self.step += 1;
            if self.step > MAX_STEPS {
                self.fail(Fault::too_long("it has had 64 steps"));
            }
        }
        look.clone_into(&mut self.look);
    }

    /// Returns the input that ended a recorded wait. Returns `None` and stops for a fault if the wait cannot end so.
    pub(crate) fn outcome(&mut self, effect: Effect, plan: &Plan, is_opened: bool) -> Option<WaitOutcome> {
        self.number(&plan.look);
        self.elapsed = matches!(effect, Effect::Elapsed);
        match effect {
            Effect::Answered(answers) if plan.ways.answer => {
                // The person pasted the address on which the browser ended.
                self.has_signed_in |= is_opened;
                Some(WaitOutcome::Answered(host::answers(answers)))
            }
            Effect::Callback(parameters) if plan.ways.callback => {
                self.has_signed_in = true;
                Some(WaitOutcome::Callback(host::callback_request(parameters)))
            }
            Effect::Elapsed if plan.ways.elapsed => {
                // Somebody may have typed the code at the provider in the meantime.
                self.has_signed_in |= plan.shows_code || self.notices.iter().any(has_code);
                Some(WaitOutcome::Elapsed)
            }
            _ => {
                self.fail(Fault::changed());
                None
            }
        }
    }

    /// Suspends the run at a wait.
    pub(crate) fn suspend(&mut self, what: String, plan: Plan, wait: Wait<'_>) {
        self.number(&plan.look);
        let mut beside = self.notices.clone();
        beside.extend(wait.notices);
        // The time of the last effect is recorded, so the deadline is the same in every replay.
        let seconds = |d: Duration| d.as_secs().saturating_add(u64::from(d.subsec_nanos() > 0));
        let suspended = Suspended {
            step: self.step,
            seq: self.next,
            what,
            ways: plan.ways,
            state: wait.callback.map(CallbackHandle::state).map(str::to_owned),
            until: wait.elapsed.map(|duration| self.now.after(seconds(duration))),
            prompt: wait.prompt,
            fields: plan.fields,
            open: wait.open,
            beside,
        };
        self.stop.get_or_insert(Stop::Wait(suspended.into()));
    }

    /// Adds a notice. Returns the notices to show, unless the run replays or stops.
    pub(crate) fn show(&mut self, notice: Notice) -> Option<Vec<Notice>> {
        let is_long = notice.link.as_ref().is_some_and(is_long);
        self.notices.push(notice);
        if is_long {
            self.fail(Fault::too_long(LONG_LINK));
        } else if self.notices.len() > MAX_NOTICES {
            self.fail(Fault::too_long(TOO_MANY_NOTICES));
        }
        (!self.is_replaying() && self.stop.is_none()).then(|| self.notices.clone())
    }
}
