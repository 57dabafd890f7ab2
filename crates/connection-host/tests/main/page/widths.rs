//! No screen of the page scrolls sideways, neither on a small telephone nor on the widest screen.

use super::{enter, go, screens};
use crate::{serve::Serving, visit::visit_with_failing_requests};

/// Returns the width of the window, and the elements that are wider than their place.
const TOO_WIDE: &str = "
    const root = document.documentElement;
    const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
    const isTooWide = (element) => element.scrollWidth > element.clientWidth + 1;
    const found = [...document.querySelectorAll('#app *')].filter(
        (element) => element.checkVisibility() && scrolls(element) && isTooWide(element));
    if (isTooWide(root)) {
        const end = (element) => element.getBoundingClientRect().right;
        found.push(root, ...[...document.querySelectorAll('#app *')].filter((element) => end(element) > innerWidth + 1));
    }
    return [innerWidth, ...found.map((element) => `${element.tagName}.${element.getAttribute('class')}`)]";

#[test]
fn no_screen_scrolls_sideways_at_any_width() {
    let machine = screens::furnished();
    let visits = screens::visits(&machine);
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        let mut too_wide = Vec::new();
        for width in [360, 3840] {
            browser.set_view(width, 900).await;
            for (path, shown) in &visits {
                go(browser, &serving, path).await;
                browser.shows(shown).await;
                let found = browser.run(TOO_WIDE, Vec::new()).await;
                assert_eq!(found[0], width, "{path}");
                if found[1].is_string() {
                    too_wide.push(format!("{path} at {found}"));
                }
            }
        }
        assert!(too_wide.is_empty(), "{too_wide:#?}");
    });
}
