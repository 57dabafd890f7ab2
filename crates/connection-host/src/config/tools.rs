//! The tables `[sandbox]` and `[usage]`: the limits of containers, and the interval between usage requests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use connection_agent::{SandboxAccess, SandboxEngine, SandboxNetwork, SandboxPolicy, SandboxWritable, UsageBounds};
use connection_contract::{Descriptor, Kind, PathBase, PathSpec};

use super::{Source, value::Value};
use crate::Error;

/// The configuration keys below `sandbox`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SandboxSettings {
    pub(super) copy_bytes: Option<u64>,
    pub(super) copy_entries: Option<u64>,
    /// The limit of processor time, in thousandths of a processor.
    pub(super) cpus: Option<u32>,
    pub(crate) engine: Option<SandboxEngine>,
    /// The images, by the kind's name.
    pub(super) images: BTreeMap<String, String>,
    pub(super) memory: Option<u64>,
    pub(super) pids: Option<u32>,
    pub(super) network: Option<SandboxNetwork>,
    pub(super) volumes: Vec<Volume>,
    /// The writable parts, by the kind's name.
    pub(super) writable: BTreeMap<String, SandboxWritable>,
}

/// A shared directory of this machine, or a shared volume of the engine.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    source: VolumeSource,
    target: String,
    access: SandboxAccess,
}

#[derive(Clone, Debug)]
enum VolumeSource {
    Directory(PathBuf),
    Named(String),
}

/// The configuration keys below `usage`.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageSettings {
    pub(super) interval: Option<Duration>,
    /// The lifetimes by the kind's name; `None` for a kind whose lifetime is off.
    pub(super) cache_ttls: BTreeMap<String, Option<Duration>>,
}

impl SandboxSettings {
    /// Returns the policy for a kind's containers. A configured engine takes precedence over the one that was found.
    pub(crate) fn policy(&self, kind: &Kind, here: Option<SandboxEngine>) -> SandboxPolicy {
        let engine = self.engine.or(here).unwrap_or_default();
        let policy = SandboxPolicy::new().engine(engine).image(self.images.get(kind.as_str()).cloned());
        let policy = self.cpus.into_iter().fold(policy, SandboxPolicy::millicpus);
        let policy = self.memory.into_iter().fold(policy, SandboxPolicy::memory);
        let policy = self.pids.into_iter().fold(policy, SandboxPolicy::pids);
        let policy = self.network.clone().into_iter().fold(policy, SandboxPolicy::network);
        let policy = self.copy_bytes.into_iter().fold(policy, SandboxPolicy::copy_size);
        let policy = self.copy_entries.into_iter().fold(policy, SandboxPolicy::copy_entries);
        let policy = self.writable.get(kind.as_str()).cloned().into_iter().fold(policy, SandboxPolicy::writable);
        self.volumes.iter().cloned().fold(policy, |policy, Volume { source, target, access }| match source {
            VolumeSource::Directory(path) => policy.shared_directory(path, target, access),
            VolumeSource::Named(name) => policy.shared_volume(name, target, access),
        })
    }

    fn kinds(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let images = self.images.keys().map(|kind| ("sandbox.image", kind));
        images.chain(self.writable.keys().map(|kind| ("sandbox.writable", kind)))
    }
}

impl UsageSettings {
    /// Returns the bounds of the interval. A configured interval takes precedence over the one that a kind recommends.
    pub(crate) fn bounds(&self) -> UsageBounds {
        let exactly =
            |bounds: UsageBounds, interval| bounds.shortest(interval).longest(interval).default_interval(interval);
        self.interval.into_iter().fold(UsageBounds::new(), exactly)
    }

    /// Returns how long a prompt stays in the provider's cache; `None` if no countdown is shown.
    pub(crate) fn cache_ttl(&self, kind: &Descriptor) -> Option<Duration> {
        match self.cache_ttls.get(kind.kind.as_str()) {
            Some(wanted) => *wanted,
            None => kind.cache_ttl,
        }
    }

    fn kinds(&self) -> impl Iterator<Item = (&'static str, &String)> {
        self.cache_ttls.keys().map(|kind| ("usage.cache_ttl", kind))
    }
}

/// Returns the kinds that the settings of tools name, each with its table.
pub(crate) fn kinds<'a>(
    sandbox: &'a SandboxSettings,
    usage: &'a UsageSettings,
) -> impl Iterator<Item = (&'static str, &'a String)> {
    sandbox.kinds().chain(usage.kinds())
}

/// Refuses settings for kinds that are not known, since such a limit or image would have no effect.
pub(crate) fn check<'a>(
    sandbox: &SandboxSettings,
    usage: &UsageSettings,
    known: impl Iterator<Item = &'a Kind>,
    has_catalogue: bool,
) -> Result<(), Error> {
    let known: Vec<_> = known.map(Kind::as_str).collect();
    match kinds(sandbox, usage).find(|(_, kind)| !known.contains(&kind.as_str())) {
        None => Ok(()),
        Some((table, kind)) => Err(Error::configuration(format!("{table}.{kind}: unknown kind '{kind}'"))
            .remedy(known_kinds(&known, has_catalogue))),
    }
}

/// Returns the sentence that names the kinds.
pub(crate) fn known_kinds(known: &[&str], has_catalogue: bool) -> String {
    let all = if has_catalogue { "; `connections kinds --all` lists more" } else { "" };
    format!("the kinds are {}{all}", known.join(", "))
}

/// Returns the network with this name.
pub(super) fn network(name: String) -> SandboxNetwork {
    match &*name {
        "default" => SandboxNetwork::EngineDefault,
        "none" => SandboxNetwork::None,
        _ => SandboxNetwork::Named(name),
    }
}

/// Returns an interval. A number outside of the bounds would be changed silently.
pub(super) fn interval(value: &Value<'_>) -> Result<Duration, Error> {
    let UsageBounds { shortest, longest, .. } = UsageBounds::new();
    value.seconds(shortest.as_secs(), longest.as_secs())
}

/// Returns the lifetime of a prompt; `None` if it is off. The environment provides the number as text.
pub(super) fn cache_ttl(value: &Value<'_>) -> Result<Option<Duration>, Error> {
    let seconds = match value.toml.as_str() {
        Some("off") => return Ok(None),
        Some(text) => text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds)),
        None => return value.seconds(1, 86_400).map(Some),
    };
    value.valid(seconds.map(|seconds| Some(Duration::from_secs(seconds))))
}

/// Parses one of the words, or a list of subdirectories.
pub(super) fn writable(value: &toml::Value) -> Option<SandboxWritable> {
    match value.as_str() {
        Some("nothing") => return Some(SandboxWritable::Nothing),
        Some("declared") => return Some(SandboxWritable::Declared),
        Some("everything") => return Some(SandboxWritable::Everything),
        _ => {}
    }
    let is_plain = |name: &&str| !name.is_empty() && PathSpec::new(PathBase::Home, (*name).to_owned()).is_some();
    let name = |name: &toml::Value| name.as_str().filter(is_plain).map(str::to_owned);
    Some(SandboxWritable::Subdirectories(value.as_array()?.iter().map(name).collect::<Option<_>>()?))
}

/// Parses a number of processors. No engine starts a container with less than a hundredth of one.
pub(super) fn thousandths(value: &toml::Value) -> Option<u32> {
    let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the bounds")]
    let rounded = |number: f64| (number * 1000.0).round() as u32;
    (0.01..=4096.0).contains(&number).then(|| rounded(number))
}

/// Parses a volume: `NAME` or a path, and its path in the container, with `:ro` at the end if it is read-only.
pub(super) fn volume(from: &str, to: &str, source: &Source) -> Option<Volume> {
    let (target, access) = match to.strip_suffix(":ro") {
        Some(target) => (target, SandboxAccess::ReadOnly),
        None => (to, SandboxAccess::Writable),
    };
    let is_path = from.contains('/') || Path::new(from).is_absolute();
    let from = match is_path {
        true => VolumeSource::Directory(source.path(from)),
        false => VolumeSource::Named(Some(from).filter(|from| !from.is_empty())?.to_owned()),
    };
    target.starts_with('/').then(|| Volume { source: from, target: target.to_owned(), access })
}
