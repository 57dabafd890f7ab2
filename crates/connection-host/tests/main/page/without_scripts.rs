//! What the page says when JavaScript is off.

use super::{enter, first_start};
use crate::{serve::Serving, visit::visit};

#[test]
fn without_javascript_the_page_says_at_its_top_what_it_needs() {
    let machine = first_start();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(1280, 800).await;
        enter(browser, &serving).await;
        browser.without_scripts().await;
        browser.open(&serving.url).await;
        browser.shows("This page needs JavaScript").await;
        let script = "
            const { top, bottom } = document.querySelector('noscript h1').getBoundingClientRect();
            return top >= 0 && bottom < innerHeight / 2";
        assert_eq!(browser.run(script, Vec::new()).await, true, "it is at the top");
    });
}
