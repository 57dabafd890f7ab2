//! The tables `[sandbox]` and `[usage]`: the limits of containers, and the interval between usage requests.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use connection_agent::{SandboxAccess, SandboxEngine, SandboxNetwork, SandboxPolicy, SandboxWritable, UsageBounds};
use connection_contract::{Descriptor, Kind, PathBase, PathSpec};

use super::{Key, Source};
use crate::Error;

const MEBIBYTE: u64 = 1 << 20;

/// The configuration keys below `sandbox`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SandboxSettings {
    copy_bytes: Option<u64>,
    copy_entries: Option<u64>,
    /// The limit of processor time, in thousandths of a processor.
    cpus: Option<u32>,
    pub(crate) engine: Option<SandboxEngine>,
    /// The images, by the kind's name.
    images: BTreeMap<String, String>,
    memory: Option<u64>,
    pids: Option<u32>,
    network: Option<SandboxNetwork>,
    volumes: Vec<Volume>,
    /// The writable parts, by the kind's name.
    writable: BTreeMap<String, SandboxWritable>,
}

/// A shared directory of this machine, or a shared volume of the engine.
#[derive(Clone, Debug)]
struct Volume {
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
    interval: Option<Duration>,
    /// The lifetimes by the kind's name; `None` for a kind whose lifetime is off.
    cache_ttls: BTreeMap<String, Option<Duration>>,
}

impl SandboxSettings {
    /// Applies one value; `None` if it is not valid for the key.
    pub(super) fn apply(&mut self, key: &Key, name: &str, value: &toml::Value, source: &Source) -> Option<()> {
        let text = || value.as_str().filter(|text| !text.is_empty());
        match key.name {
            "sandbox.copy_entries" => self.copy_entries = Some(number(value, 1, 1 << 22)?),
            "sandbox.copy_size" => self.copy_bytes = Some(number(value, 16, 1 << 24)? * MEBIBYTE),
            "sandbox.cpus" => self.cpus = Some(thousandths(value)?),
            "sandbox.engine" => {
                self.engine = Some(match text()? {
                    "docker" => SandboxEngine::Docker,
                    "podman" => SandboxEngine::Podman,
                    _ => return None,
                });
            }
            "sandbox.image.KIND" => drop(self.images.insert(kind(name), text()?.to_owned())),
            "sandbox.memory" => self.memory = Some(number(value, 16, 1 << 24)? * MEBIBYTE),
            "sandbox.network" => {
                self.network = Some(match text()? {
                    "default" => SandboxNetwork::EngineDefault,
                    "none" => SandboxNetwork::None,
                    name => SandboxNetwork::Named(name.to_owned()),
                });
            }
            "sandbox.pids" => self.pids = u32::try_from(number(value, 1, 1 << 22)?).ok(),
            "sandbox.volumes" => {
                let volume = |(from, to): (&String, &toml::Value)| volume(from, to.as_str()?, source);
                self.volumes = value.as_table()?.iter().map(volume).collect::<Option<_>>()?;
            }
            "sandbox.writable.KIND" => drop(self.writable.insert(kind(name), writable(value)?)),
            _ => return None,
        }
        Some(())
    }

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

    /// Applies one value; `None` if it is not valid for the key.
    pub(super) fn apply(&mut self, key: &Key, name: &str, value: &toml::Value) -> Option<()> {
        match key.name {
            "usage.interval" => {
                // A number outside these bounds would be changed silently.
                let UsageBounds { shortest, longest, .. } = UsageBounds::new();
                let seconds = number(value, shortest.as_secs(), longest.as_secs())?;
                self.interval = Some(Duration::from_secs(seconds));
            }
            "usage.cache_ttl.KIND" => {
                let ttl = match value.as_str() {
                    Some("off") => None,
                    _ => Some(Duration::from_secs(number(value, 1, 86_400)?)),
                };
                self.cache_ttls.insert(kind(name), ttl);
            }
            _ => return None,
        }
        Some(())
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

/// Refuses settings for kinds that are not registered, since such a limit or image would have no effect.
pub(crate) fn check<'a>(
    sandbox: &SandboxSettings,
    usage: &UsageSettings,
    known: impl Iterator<Item = &'a Kind>,
) -> Result<(), Error> {
    let known: Vec<_> = known.map(Kind::as_str).collect();
    match sandbox.kinds().chain(usage.kinds()).find(|(_, kind)| !known.contains(&kind.as_str())) {
        None => Ok(()),
        Some((table, kind)) => Err(Error::configuration(format!("{table}.{kind}: unknown kind '{kind}'"))
            .remedy(format!("the kinds are {}", known.join(", ")))),
    }
}

/// Parses one of the words, or a list of subdirectories.
fn writable(value: &toml::Value) -> Option<SandboxWritable> {
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

/// Returns the kind at the end of a key's name.
fn kind(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

/// Returns a whole number within these bounds. The environment provides it as text.
fn number(value: &toml::Value, least: u64, most: u64) -> Option<u64> {
    let number = match value {
        toml::Value::String(text) => text.parse().ok()?,
        value => u64::try_from(value.as_integer()?).ok()?,
    };
    (least..=most).contains(&number).then_some(number)
}

/// Parses a number of processors. No engine starts a container with less than a hundredth of one.
fn thousandths(value: &toml::Value) -> Option<u32> {
    let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the bounds")]
    let rounded = |number: f64| (number * 1000.0).round() as u32;
    (0.01..=4096.0).contains(&number).then(|| rounded(number))
}

/// Parses a volume: `NAME` or a path, and its path in the container, with `:ro` at the end if it is read-only.
fn volume(from: &str, to: &str, source: &Source) -> Option<Volume> {
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
