//! What of a kind works on this host, and why the rest does not. Three words that are never one: what an integration
//! needs, what a host has, and which features a kind's code has.

use connection_contract::{Kind, Need};

use super::{ConnectionRegistry, KindEntry, Shared};
use crate::{ToolNotAllowed, ToolPolicy};

/// Something that this host has for kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HostService {
    /// What was made of files.
    FileCache,
    /// Files below granted directories.
    Files,
    /// Callbacks.
    InboundHttp,
    /// Values of a kind's own.
    Kv,
    /// Windows to log in.
    LoginWindow,
    /// Local tools.
    Tools,
}

/// Something that a kind's code can do; see [`Capabilities`](crate::Capabilities), which says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Feature {
    /// Its tool is pointed at isolated identities.
    Profiles,
    /// It renews its credential.
    Refresh,
    /// Its tool runs in a container.
    Sandbox,
    /// It hands out named secrets.
    Secrets,
    /// It attaches its credential to requests.
    Send,
    /// It tells how much of an account is used.
    Usage,
    /// It receives what its provider sends by itself.
    Webhooks,
}

/// What becomes of a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NeedState {
    /// This host does not have it.
    Absent,
    /// Declared, there, and granted.
    Effective,
    /// This host has it, and its policy does not allow what the descriptor declares.
    NotAllowed,
    /// This host has it, and the descriptor grants nothing of it.
    NotGranted,
}

/// What of a kind works here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindSupport {
    /// What the integration declares that it needs, and what becomes of it here.
    pub needs: Vec<(Need, NeedState)>,
    /// What this host has for it, in the order of the names.
    pub services: Vec<HostService>,
    /// What its code can do, read off what there is of it, in the order of the names.
    pub features: Vec<Feature>,
    /// What the kind declares of local tools, profiles and its container and this host's
    /// [policy](crate::ToolPolicy) does not allow. The other parts of the kind work.
    pub not_allowed: Vec<ToolNotAllowed>,
}

impl KindSupport {
    /// Whether all that it needs is there.
    pub fn is_complete(&self) -> bool {
        self.needs.iter().all(|(_, state)| *state == NeedState::Effective)
    }
}

impl ConnectionRegistry {
    /// What of a kind works on this host, and why the rest does not; `None` for one that is not registered.
    pub fn support(&self, kind: &Kind) -> Option<KindSupport> {
        let entry = self.shared.kinds.entry(kind)?;
        let services = services(&self.shared);
        let needs = entry.descriptor.needs.iter();
        let needs = needs.map(|need| (*need, state(&self.shared, &entry, &services, *need))).collect();
        let not_allowed = not_allowed(&self.shared.lent.tools, &entry);
        Some(KindSupport { needs, services, features: features(&entry), not_allowed })
    }
}

fn services(shared: &Shared) -> Vec<HostService> {
    let there = [
        (HostService::FileCache, true),
        (HostService::Files, true),
        (HostService::InboundHttp, shared.inbound.is_some()),
        (HostService::Kv, true),
        (HostService::LoginWindow, shared.lent.window.is_some()),
        (HostService::Tools, !shared.lent.tools.is_empty()),
    ];
    there.into_iter().filter(|(_, is_there)| *is_there).map(|(service, _)| service).collect()
}

fn features(entry: &KindEntry) -> Vec<Feature> {
    let capabilities = entry.capabilities;
    let there = [
        (Feature::Profiles, capabilities.profiles),
        (Feature::Refresh, capabilities.refresh.is_some()),
        (Feature::Sandbox, capabilities.sandbox),
        (Feature::Secrets, capabilities.secrets),
        (Feature::Send, capabilities.send),
        (Feature::Usage, capabilities.usage),
        (Feature::Webhooks, capabilities.webhooks),
    ];
    there.into_iter().filter(|(_, is_there)| *is_there).map(|(feature, _)| feature).collect()
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

fn state(shared: &Shared, entry: &KindEntry, services: &[HostService], need: Need) -> NeedState {
    let (service, is_granted) = match need {
        // Which directories, a person grants for each connection.
        Need::Files => (HostService::Files, true),
        Need::InboundHttp => (HostService::InboundHttp, true),
        Need::Tools => (HostService::Tools, !entry.descriptor.tools.is_empty()),
        _ => return NeedState::Absent,
    };
    match (services.contains(&service), is_granted) {
        (false, _) => NeedState::Absent,
        (true, false) => NeedState::NotGranted,
        (true, true) if need == Need::Tools => {
            let policy = &shared.lent.tools;
            let is_allowed = entry.descriptor.tools.iter().all(|tool| policy.check_tool(tool).is_ok());
            if is_allowed { NeedState::Effective } else { NeedState::NotAllowed }
        }
        (true, true) => NeedState::Effective,
    }
}
