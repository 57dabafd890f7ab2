//! The wait of a run, as it is stored and as it is shown.

use super::{SetupStep, System, codec::Waiting};

/// A run that waits: the wait that is stored, and the step that is shown.
pub(super) struct Suspended {
    pub(super) waiting: Waiting,
    pub(super) step: SetupStep,
}

impl Suspended {
    /// Returns the state of a run at a wait of the plugin.
    pub(super) fn of(shared: &System, suspended: connection_replay::Suspended) -> Self {
        let connection_replay::Suspended {
            step: no, seq, what, ways, state, until, prompt, fields, open, beside, ..
        } = suspended;
        let waiting = Waiting {
            no,
            seq: Some(seq),
            what,
            fields: ways.answer.then(|| fields.iter().map(|field| field.name.to_string()).collect()),
            state: state.map(|state| shared.state_hash(&state)),
            until,
            paused: None,
            account: None,
        };
        let step = match (prompt, open) {
            (Some(prompt), open) => SetupStep::Prompt { prompt, fields, open, beside },
            (None, Some(redirect)) => SetupStep::Redirect { redirect, beside },
            (None, None) => SetupStep::Notice { beside },
        };
        Self { waiting, step }
    }
}
