//! Listeners to changes of extensions, as a host adds them.

use crate::{Events, ExtensionChange, ExtensionChanges, ExtensionListener};

impl Events<'_> {
    /// Calls `listener` with each change of this owner's extensions that this process commits, before any
    /// [stream](Self::extension_changes) receives it. The listener runs on the core's own thread, so it must not block.
    pub fn on_extension_change(self, listener: impl Fn(&ExtensionChange) + Send + Sync + 'static) -> ExtensionListener {
        self.registry.shared.announcements.listen(&self.registry.owner, listener)
    }

    /// Returns a stream of the changes of this owner's extensions that this process commits. Each change arrives after
    /// every [listener](Self::on_extension_change) was called with it.
    pub fn extension_changes(self) -> ExtensionChanges {
        self.registry.shared.announcements.stream(&self.registry.owner)
    }
}
