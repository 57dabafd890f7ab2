//! The explored cases: designs, the faults against which they run, and the expected results.

use super::{
    designs::{
        Courier, Design, Grace, PROTOCOL, Proof, Quarantine, Replays, Rescue, Scope, Semantics, Unclear, Withdrawn,
    },
    refresh::Invariant,
    state::Budget,
};

/// A design and a scope to explore.
#[derive(Clone, Debug)]
pub struct Case {
    /// The name of the design in the document.
    pub name: &'static str,
    /// The result that the exploration must have.
    pub expected: Expected,
    pub(crate) design: Design,
    pub(crate) scope: Scope,
}

/// The result that an exploration must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Every invariant holds in every state.
    Holds,
    /// At least this invariant does not hold.
    Breaks(Invariant),
}

impl Case {
    /// Returns the case in which the protocol runs against the same faults.
    #[must_use]
    pub fn mended(&self) -> Self {
        // The contract does not count a provider that accepts only the last token as one with grace.
        let grace = if self.scope.semantics == Semantics::GraceLast { Grace::Everything } else { PROTOCOL.grace };
        let courier = if self.design.courier == Courier::Off { Courier::Off } else { Courier::Right };
        Self { expected: Expected::Holds, design: Design { grace, courier, ..PROTOCOL }, ..self.clone() }
    }

    /// Returns `true` if the provider's refresh tokens are never spent.
    #[must_use]
    pub fn is_stable(&self) -> bool {
        self.scope.semantics == Semantics::Stable
    }

    fn runs(self, runs: u8, goal: u8) -> Self {
        Self { scope: Scope { runs, goal, ..self.scope }, ..self }
    }
}

const NONE: Budget = Budget {
    crashes: 0,
    pauses: 0,
    unclear: 0,
    unread: 0,
    failures: 0,
    cuts: 0,
    refusals: 0,
    unopened: 0,
    renewals: 0,
};
const CRASH: Budget = Budget { crashes: 1, ..NONE };
const UNCLEAR: Budget = Budget { unclear: 1, ..NONE };
const PAUSE: Budget = Budget { pauses: 1, ..NONE };
const THREE: Budget = Budget { crashes: 1, pauses: 1, unclear: 1, ..NONE };
const EACH: Budget = Budget { failures: 1, refusals: 1, ..THREE };
const TWO: &[usize] = &[0, 0];
const APART: &[usize] = &[0, 1];

fn holds(name: &'static str, design: Design, semantics: Semantics, nodes: &'static [usize], budget: Budget) -> Case {
    Case { name, expected: Expected::Holds, design, scope: Scope { semantics, nodes, budget, runs: 2, goal: 1 } }
}

fn breaks(name: &'static str, invariant: Invariant, design: Design, nodes: &'static [usize], budget: Budget) -> Case {
    let expected = Expected::Breaks(invariant);
    Case { expected, ..holds(name, design, Semantics::Strict, nodes, budget) }
}

/// Returns the cases in which the protocol runs against every combination of faults, all of which must hold.
#[must_use]
pub fn protocol() -> Vec<Case> {
    let twice = Budget { crashes: 1, pauses: 2, unclear: 2, failures: 2, ..NONE };
    let outage = Budget { crashes: 1, unclear: 4, ..NONE };
    let unopened = Budget { unclear: 2, unopened: 1, ..NONE };
    let unread = Budget { unread: 2, failures: 1, ..THREE };
    let case = |semantics, nodes, budget| holds("the protocol", PROTOCOL, semantics, nodes, budget);
    let last = Design { grace: Grace::Everything, ..PROTOCOL };
    let courier = Design { courier: Courier::Right, ..PROTOCOL };
    let carried = |semantics, nodes, budget| holds("the protocol, with couriers", courier, semantics, nodes, budget);
    vec![
        case(Semantics::Strict, TWO, Budget { renewals: 1, ..EACH }),
        case(Semantics::Strict, TWO, twice),
        case(Semantics::Strict, APART, outage),
        case(Semantics::Strict, TWO, Budget { crashes: 1, failures: 1, ..unopened }),
        case(Semantics::Strict, TWO, unread),
        case(Semantics::Strict, APART, Budget { crashes: 1, unread: 2, ..NONE }),
        Case { name: "the protocol, two refreshes", ..case(Semantics::Strict, TWO, THREE) }.runs(3, 2),
        case(Semantics::Strict, APART, EACH),
        case(Semantics::Strict, &[0, 0, 0], EACH),
        case(Semantics::Strict, &[0, 0, 1], EACH),
        case(Semantics::GraceSame, TWO, EACH),
        case(Semantics::GraceSame, APART, outage),
        case(Semantics::GraceSame, TWO, unopened),
        case(Semantics::GraceSame, TWO, unread),
        case(Semantics::GraceSame, &[0, 0, 1], THREE),
        case(Semantics::GraceEach, APART, EACH),
        holds("the protocol, declared strict", last, Semantics::GraceLast, TWO, EACH),
        case(Semantics::Stable, TWO, EACH),
        case(Semantics::Stable, APART, outage),
        case(Semantics::Stable, TWO, unopened),
        case(Semantics::Stable, TWO, unread),
        case(Semantics::Stable, APART, EACH),
        carried(Semantics::Strict, TWO, Budget { crashes: 2, ..EACH }),
        carried(Semantics::Strict, APART, EACH),
    ]
}

/// Returns the rejected designs, each with the fewest faults that show why it was rejected.
#[must_use]
pub fn rejected() -> Vec<Case> {
    use Invariant::{EveryRunEnds, LiveIsLive, NoFlip, NoSecondSpend, NothingIsGivenUp, NothingReceivedIsLost};
    let it = PROTOCOL;
    let unjournaled = Design { journal: false, ..it };
    let on_expiry = Design { proof: Proof::Lease, ..it };
    let failure = Budget { crashes: 1, failures: 1, ..NONE };
    let graceful = |name, semantics, grace, budget| {
        let scope = Scope { semantics, nodes: TWO, budget, runs: 2, goal: 1 };
        Case { name, expected: Expected::Breaks(LiveIsLive), design: Design { grace, ..it }, scope }
    };
    let carried = |courier| Design { courier, ..it };
    let design = |change: fn(&mut Design)| {
        let mut design = it;
        change(&mut design);
        design
    };
    vec![
        breaks("no lock", NoSecondSpend, Design { lease: false, ..unjournaled }, TWO, NONE),
        breaks("a lease alone", LiveIsLive, unjournaled, TWO, CRASH),
        breaks(
            "replay when the lease is over",
            LiveIsLive,
            Design { quarantine: Quarantine::None, ..on_expiry },
            TWO,
            PAUSE,
        ),
        breaks("replay when the lease is over, after a quarantine", LiveIsLive, on_expiry, TWO, PAUSE),
        breaks(
            "replay on death, without a quarantine",
            LiveIsLive,
            design(|it| it.quarantine = Quarantine::None),
            TWO,
            CRASH,
        ),
        breaks("5xx without quarantine", LiveIsLive, design(|it| it.hasty = Some(Unclear::Failed)), TWO, UNCLEAR),
        breaks(
            "a page with a 2xx, without quarantine",
            LiveIsLive,
            design(|it| it.hasty = Some(Unclear::Page)),
            TWO,
            UNCLEAR,
        ),
        breaks("no replay", NothingIsGivenUp, design(|it| it.replays = Replays::Never), TWO, UNCLEAR),
        breaks(
            "final after one replay",
            NothingIsGivenUp,
            design(|it| it.replays = Replays::Once),
            TWO,
            Budget { unclear: 2, ..NONE },
        ),
        breaks("no proof but the lock file", EveryRunEnds, design(|it| it.day = false), APART, CRASH),
        breaks("an old sign of life as proof of death", LiveIsLive, design(|it| it.proof = Proof::Sign), APART, PAUSE),
        breaks(
            "quarantine counted from the intent, one's own attempt",
            LiveIsLive,
            design(|it| it.quarantine = Quarantine::Intent),
            TWO,
            Budget { unclear: 1, ..PAUSE },
        ),
        breaks(
            "quarantine counted from the intent, another's attempt",
            LiveIsLive,
            design(|it| it.quarantine = Quarantine::Intent),
            TWO,
            Budget { crashes: 1, ..PAUSE },
        ),
        breaks(
            "a database session as proof of death",
            LiveIsLive,
            design(|it| it.proof = Proof::Session),
            APART,
            Budget { cuts: 1, ..PAUSE },
        ),
        breaks("rescue files not read", NothingReceivedIsLost, design(|it| it.rescue = Rescue::Unread), TWO, failure),
        breaks(
            "rescue files read before the proof alone",
            NothingReceivedIsLost,
            design(|it| it.rescue = Rescue::BeforeProof),
            TWO,
            Budget { pauses: 1, ..failure },
        ),
        breaks(
            "a refusal believed without reading again",
            NoFlip,
            design(|it| it.reread = false),
            TWO,
            Budget { renewals: 1, ..UNCLEAR },
        ),
        breaks(
            "a replay that is not sent ends the exchange",
            LiveIsLive,
            design(|it| it.withdrawn = Withdrawn::Nothing),
            TWO,
            Budget { unclear: 1, ..PAUSE },
        ),
        breaks(
            "a replay that is turned away ends the exchange",
            LiveIsLive,
            design(|it| it.withdrawn = Withdrawn::Nothing),
            TWO,
            Budget { refusals: 1, ..UNCLEAR },
        ),
        breaks(
            "an answer that cannot be read is erased",
            NothingReceivedIsLost,
            design(|it| it.erases_unread = true),
            TWO,
            Budget { unread: 1, ..NONE },
        ),
        breaks("an answer fenced by the lease", NothingReceivedIsLost, design(|it| it.fenced = true), TWO, PAUSE),
        breaks(
            "an intent that compares nothing, and no look at the deadline",
            NoSecondSpend,
            design(|it| (it.tied, it.check) = (false, false)),
            TWO,
            PAUSE,
        ),
        breaks("a courier, and the intent names its caller", LiveIsLive, carried(Courier::NamesCaller), TWO, CRASH),
        breaks("a courier that needs no word", NoSecondSpend, carried(Courier::NoWord), TWO, CRASH),
        breaks("a courier whose end is a duration", LiveIsLive, carried(Courier::Duration), APART, CRASH),
        breaks("a lease that does not expire", EveryRunEnds, design(|it| it.expires = false), TWO, CRASH),
        graceful("grace without proof", Semantics::GraceSame, Grace::Nothing, Budget { unclear: 1, ..PAUSE }),
        graceful("grace without quarantine where it outlasts the window", Semantics::GraceSame, Grace::Window, UNCLEAR),
        graceful("grace where the last token alone is good", Semantics::GraceLast, Grace::Quarantine, UNCLEAR),
    ]
}

/// Returns the protocol and the alternatives that are also safe, whose final states are compared.
#[must_use]
pub fn compared() -> Vec<Case> {
    let case = |name, design, nodes, budget| holds(name, design, Semantics::Strict, nodes, budget);
    vec![
        case("the protocol", PROTOCOL, TWO, CRASH),
        case("the protocol, no other process on a node", PROTOCOL, APART, CRASH),
        case("the protocol", PROTOCOL, TWO, UNCLEAR),
        case("the protocol", PROTOCOL, TWO, EACH),
        case("the journal without a lease", Design { lease: false, ..PROTOCOL }, TWO, EACH),
        case("no look at the deadline", Design { check: false, ..PROTOCOL }, TWO, EACH),
    ]
}
