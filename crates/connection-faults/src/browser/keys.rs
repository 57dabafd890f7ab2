//! A person who uses a page with the keyboard alone.

use fantoccini::{
    actions::{InputSource as _, KeyAction, KeyActions},
    key::Key,
};

use super::{Browser, must};

impl Browser {
    /// Presses a key and releases it. The page passes it to the element that has the focus.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn press(&self, key: Key) {
        self.strike([KeyAction::Down { value: key.into() }, KeyAction::Up { value: key.into() }]).await;
    }

    /// Presses a key while the key Shift is held.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`press`](Self::press).
    pub async fn press_with_shift(&self, key: Key) {
        let shift = Key::Shift.into();
        let struck = [KeyAction::Down { value: key.into() }, KeyAction::Up { value: key.into() }];
        let held = [KeyAction::Down { value: shift }].into_iter().chain(struck);
        self.strike(held.chain([KeyAction::Up { value: shift }])).await;
    }

    /// Presses the key of each character in turn, without choosing an element first.
    ///
    /// # Panics
    ///
    /// Panics in the same cases as [`press`](Self::press).
    pub async fn type_text(&self, text: &str) {
        let strokes = text.chars().flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        self.strike(strokes).await;
    }

    async fn strike(&self, strokes: impl IntoIterator<Item = KeyAction>) {
        let keyboard = strokes.into_iter().fold(KeyActions::new("keyboard".to_owned()), KeyActions::then);
        must("the keyboard", self.client.perform_actions(keyboard).await);
    }
}
