//! Parts of the page: the logos of providers, and the times below a plot.

use connection_faults::browser::Browser;
use serde_json::{Value, json};

use super::{enter, go};
use crate::{
    serve::{Serving, machine},
    visit::visit,
};

#[test]
fn providers_have_logos_or_initials_and_a_plot_has_dates() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(1280, 800).await;
        enter(browser, &serving).await;
        known_providers_have_their_logos_and_the_others_initials(browser, &serving).await;
        the_plot_of_a_week_has_dates(browser).await;
    });
}

async fn known_providers_have_their_logos_and_the_others_initials(browser: &Browser, serving: &Serving) {
    let row = "return document.querySelector('.row .tile.logo path') !== null";
    browser.until("the row has a logo", row, Vec::new()).await;
    let script = "
        const picks = [...document.querySelectorAll('.kind-pick')];
        const pick = picks.find((each) => each.querySelector('strong').innerText === arguments[0]);
        return pick ? (pick.querySelector('.tile.logo') !== null) === arguments[1] : false";
    for (search, title, has_logo) in [
        ("linear", "Linear (API key)", true),
        ("slack", "Slack (bot)", false),
        ("openai", "OpenAI", false),
        ("aws", "Amazon Web Services", false),
    ] {
        go(browser, serving, &format!("/connect?search={search}")).await;
        browser.until(&format!("the tile of {title}"), script, vec![json!(title), json!(has_logo)]).await;
    }
}

async fn the_plot_of_a_week_has_dates(browser: &Browser) {
    let load = "
        const main = document.querySelector('script[type=module]').src;
        import(new URL('ui/plot.js', main).href).then((plot) => (window.plot = plot))";
    browser.run(load, Vec::new()).await;
    browser.until("the module is loaded", "return window.plot !== undefined", Vec::new()).await;
    let script = "
        const label = (hour, step) => window.plot.timeLabel(new Date(2026, 10, 25, hour).getTime(), step);
        return [label(0, 43200), label(12, 43200), label(6, 86400)]";
    let labels: Value = browser.run(script, Vec::new()).await;
    let has_day = |label: &Value| label.as_str().expect("a text").contains("25");
    assert!(has_day(&labels[0]) && has_day(&labels[2]) && !has_day(&labels[1]), "{labels}");
    // The marks of a week are at least a day apart, so that no label is a time of day.
    let script = "return [window.plot.markSpace(7 * 86400, 840), window.plot.markSpace(86400, 840)]";
    assert_eq!(browser.run(script, Vec::new()).await, json!([120, 50]));
}
