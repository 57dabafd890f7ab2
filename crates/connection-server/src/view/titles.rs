//! The titles and providers of kinds. Those of kinds that extensions bring are read for the owner, if there are any.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use connection_contract::{Descriptor, Kind};
use connection_core::{ConnectionRegistry, Error, KindInfo};

/// The title and the provider of a kind.
#[derive(Clone)]
struct Named {
    title: String,
    provider: String,
}

impl From<KindInfo> for Named {
    fn from(info: KindInfo) -> Self {
        let Descriptor { display_name, provider, .. } = info.descriptor;
        Self { title: display_name.to_string(), provider: provider.to_string() }
    }
}

/// The titles of the kinds of an owner.
pub(crate) struct Titles<'a> {
    registry: &'a ConnectionRegistry,
    /// Those of the kinds of the owner's extensions, once they were read.
    own: Mutex<Option<HashMap<Kind, Named>>>,
}

impl<'a> Titles<'a> {
    pub(crate) fn new(registry: &'a ConnectionRegistry) -> Self {
        Self { registry, own: Mutex::new(None) }
    }

    /// Returns the titles of at least these kinds.
    pub(crate) async fn of(
        registry: &'a ConnectionRegistry,
        kinds: impl IntoIterator<Item = &Kind>,
    ) -> Result<Self, Error> {
        let titles = Self::new(registry);
        titles.learn(kinds).await?;
        Ok(titles)
    }

    /// Reads the titles that these kinds need.
    pub(crate) async fn learn(&self, kinds: impl IntoIterator<Item = &Kind>) -> Result<(), Error> {
        let is_known = self.own.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_known || !kinds.into_iter().any(|kind| kind.extension().is_some()) {
            return Ok(());
        }
        let own = self.registry.kinds().own().await?;
        let own = own.into_iter().map(|info| (info.descriptor.kind.clone(), info.into())).collect();
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = Some(own);
        Ok(())
    }

    /// Returns the title of a kind, or its name if this host does not have it.
    pub(crate) fn title(&self, kind: &Kind) -> String {
        self.named(kind).map_or_else(|| kind.to_string(), |named| named.title)
    }

    /// Returns the provider of a kind; `None` if this host does not have the kind.
    pub(crate) fn provider(&self, kind: &Kind) -> Option<String> {
        self.named(kind).map(|named| named.provider)
    }

    /// Returns the name of the provider of a kind: that of the kind which has the name of the provider, or else the one of
    /// this kind, without what tells it from other kinds of the provider, such as `(OAuth)`.
    pub(crate) fn provider_title(&self, kind: &Kind) -> String {
        let provider = self.provider(kind).and_then(|provider| Kind::parse(&provider));
        if let Some(named) = provider.and_then(|provider| self.named(&provider)) {
            return named.title;
        }
        let title = self.title(kind);
        title.split_once(" (").map_or(title.as_str(), |(name, _)| name).to_owned()
    }

    fn named(&self, kind: &Kind) -> Option<Named> {
        let own = || self.own.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.get(kind).cloned();
        self.registry.kinds().get(kind).map(Named::from).or_else(own)
    }
}
