//! A person who wants no motion sees none.

use connection_faults::browser::{Browser, Theme};

use super::{click, enter, go, screens};
use crate::{serve::Serving, visit::visit_with_failing_requests};

/// Returns the elements that move by themselves or when they change, and their styles before and after them.
const MOVING: &str = "
    return [...document.querySelectorAll('*')].flatMap((element) => [null, '::before', '::after'].filter((part) => {
        const style = getComputedStyle(element, part);
        const lasts = style.transitionDuration.split(',').some((duration) => parseFloat(duration) > 0);
        return style.animationName !== 'none' || lasts || style.scrollBehavior === 'smooth';
    }).map((part) => `${element.tagName}.${element.className}${part ?? ''}`))";

async fn moving(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run(MOVING, Vec::new()).await).unwrap()
}

#[test]
fn nothing_moves_on_any_screen_if_a_person_wants_no_motion() {
    let machine = screens::furnished();
    let visits = screens::visits(&machine);
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        enter(browser, &serving).await;
        assert_ne!(moving(browser).await, [""; 0], "buttons change their colour by and by for others");
        browser.set_theme(Theme::Light).await;
        for (path, shown) in &visits {
            go(browser, &serving, path).await;
            browser.shows(shown).await;
            assert_eq!(moving(browser).await, [""; 0], "{path}");
        }
        go(browser, &serving, "/system").await;
        click(browser, "New token").await;
        browser.shows("What the token is for").await;
        assert_eq!(moving(browser).await, [""; 0], "a dialog");
    });
}
