//! Reports which parts of a kind work on this host, and why the others do not.
//!
//! The needs of a kind and the means of a host are kept apart. The [`Capabilities`](crate::Capabilities) of a kind list
//! what its code can do.

use connection_contract::{Kind, Need};

use super::{Kinds, Systems};
use crate::{ToolNotAllowed, ToolPolicy, kinds::KindEntry};

/// A service that this host can provide to kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HostService {
    /// A cache of values computed from files.
    FileCache,
    /// Access to files below directories that the user has granted.
    Files,
    /// Receipt of callbacks from providers over HTTP.
    InboundHttp,
    /// The key-value store of a kind.
    Kv,
    /// Browser windows in which a person logs in.
    LoginWindow,
    /// A search for the local tools that a kind declares, and for their versions.
    Tools,
}

/// The state of a need on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeedState {
    /// This host does not provide it.
    Absent,
    /// It is declared, provided and granted.
    Effective,
    /// This host provides it, but the host's policy does not allow what the descriptor declares.
    NotAllowed,
    /// This host provides it, but the descriptor declares nothing to grant.
    NotGranted,
}

/// The parts of a kind that work on this host.
///
/// The [`Capabilities`](crate::Capabilities) list what the code of the kind can do, whichever host it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindSupport {
    /// The declared needs of the integration, each with its state on this host.
    pub needs: Vec<(Need, NeedState)>,
    /// The services that this host provides, in alphabetical order.
    pub services: Vec<HostService>,
    /// The declared tools, profiles and containers that this host's [policy](crate::ToolPolicy) does not allow. The
    /// other parts of the kind work.
    pub not_allowed: Vec<ToolNotAllowed>,
}

impl KindSupport {
    /// Returns `true` if every need is met.
    pub fn is_complete(&self) -> bool {
        self.needs.iter().all(|(_, state)| *state == NeedState::Effective)
    }
}

impl Kinds<'_> {
    /// Returns which parts of a kind work on this host, and why the others do not; `None` for a kind that is not
    /// registered.
    pub fn support(self, kind: &Kind) -> Option<KindSupport> {
        let entry = self.registry.systems.ground.kinds.entry(kind)?;
        let services = services(&self.registry.systems);
        let needs = entry.descriptor.needs.iter();
        let needs = needs.map(|need| (*need, state(&self.registry.systems, &entry, &services, *need))).collect();
        let not_allowed = not_allowed(&self.registry.systems.ground.local_services.tools, &entry);
        Some(KindSupport { needs, services, not_allowed })
    }
}

fn services(systems: &Systems) -> Vec<HostService> {
    let there = [
        (HostService::FileCache, true),
        (HostService::Files, true),
        (HostService::InboundHttp, systems.inbound.is_some()),
        (HostService::Kv, true),
        (HostService::LoginWindow, systems.ground.local_services.window.is_some()),
        (HostService::Tools, !systems.ground.local_services.tools.is_empty()),
    ];
    there.into_iter().filter(|(_, is_there)| *is_there).map(|(service, _)| service).collect()
}

fn not_allowed(policy: &ToolPolicy, entry: &KindEntry) -> Vec<ToolNotAllowed> {
    let descriptor = &entry.descriptor;
    let tools = descriptor.tools.iter().map(|tool| policy.check_tool(tool));
    let profiles = entry.profiles.iter().map(|spec| policy.check_profiles(descriptor, spec));
    let sandbox = entry.sandbox.iter().map(|spec| policy.check_sandbox(descriptor, spec));
    let mut found = Vec::new();
    for refused in tools.chain(profiles).chain(sandbox).filter_map(Result::err) {
        if !found.contains(&refused) {
            found.push(refused);
        }
    }
    found
}

fn state(systems: &Systems, entry: &KindEntry, services: &[HostService], need: Need) -> NeedState {
    let (service, is_granted) = match need {
        // A person grants the directories for each connection.
        Need::Files => (HostService::Files, true),
        Need::InboundHttp => (HostService::InboundHttp, true),
        Need::Tools => (HostService::Tools, !entry.descriptor.tools.is_empty()),
        _ => return NeedState::Absent,
    };
    match (services.contains(&service), is_granted) {
        (false, _) => NeedState::Absent,
        (true, false) => NeedState::NotGranted,
        (true, true) if need == Need::Tools => {
            let policy = &systems.ground.local_services.tools;
            let is_allowed = entry.descriptor.tools.iter().all(|tool| policy.check_tool(tool).is_ok());
            if is_allowed { NeedState::Effective } else { NeedState::NotAllowed }
        }
        (true, true) => NeedState::Effective,
    }
}
