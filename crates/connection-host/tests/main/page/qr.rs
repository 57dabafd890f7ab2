//! The QR codes of the page, read by a decoder that others wrote.

use std::{fs, path::Path};

use connection_faults::skip_notice;
use serde_json::json;

use super::{click, enter, go};
use crate::{real::Real, serve::Serving, visit::visit};

/// The decoder `jsQR`, one of the packages with which `cargo xtask setup` prepares tests.
const DECODER: &str = "../connection-faults/servers/node_modules/jsqr/dist/jsQR.js";

/// Chooses to type a code on another device.
const CHOOSE: &str = "
    const select = document.querySelector('form select');
    if (select === null) return false;
    select.value = 'device';
    select.dispatchEvent(new Event('change', { bubbles: true }));
    return true";

/// Returns the text of the code that the page shows.
const SHOWN: &str = "
    const drawing = document.querySelector('.qr svg').cloneNode(true);
    const size = drawing.viewBox.baseVal.width * 4;
    drawing.setAttribute('width', size);
    drawing.setAttribute('height', size);
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(drawing))}`;
    return image.decode().then(() => {
        const context = new OffscreenCanvas(size, size).getContext('2d');
        context.drawImage(image, 0, 0);
        return jsQR(context.getImageData(0, 0, size, size).data, size, size)?.data ?? null;
    })";

/// Encodes texts with the module of the page, and returns the texts that the decoder reads.
const ENCODED: &str = "
    const read = (modules) => {
        const size = (modules.length + 8) * 4;
        const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
        for (let at = 0; at < size * size; at += 1) {
            const [x, y] = [at % size, Math.floor(at / size)].map((place) => Math.floor(place / 4) - 4);
            if (modules[y]?.[x]) pixels.fill(0, at * 4, at * 4 + 3);
        }
        return jsQR(pixels, size, size)?.data ?? null;
    };
    return import(new URL('qr.js', document.querySelector('script[src]').src))
        .then(({ encode }) => arguments[0].map((text) => read(encode(text))))";

#[test]
fn a_decoder_reads_the_code_of_a_device_step_and_codes_of_every_form() {
    let Ok(decoder) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(DECODER)) else {
        skip_notice::say("of QR codes", "the packages of `servers/` are not here");
        return;
    };
    let Some(mut real) = Real::start(json!({})) else { return };
    real.machine.set("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let serving = Serving::of(real.command(&["serve", "--json", "--print-page"]));
    // A code states its version from 107 characters on, and its length in two bytes from 181 on.
    let long = format!("https://provider.example/device?code={}", "aZ09-_~%&=".repeat(230));
    let lengths = [1, 14, 15, 106, 107, 180, 181].into_iter().chain((231..=2331).step_by(300));
    let mut texts: Vec<_> = lengths.map(|length| &long[..length]).collect();
    texts.push("https://münchen.example/gerät?ä=ö");
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, "/connect/real-chosen").await;
        click(browser, "Begin").await;
        browser.until("the way is chosen", CHOOSE, Vec::new()).await;
        browser.click("form button[type=submit]").await;
        browser.shows("Enter this code").await;
        let drawn = "return document.querySelector('.qr svg') !== null";
        browser.until("the code is drawn", drawn, Vec::new()).await;
        browser.run(&decoder, Vec::new()).await;
        let address = browser.property(".device a.primary", "href").await;
        assert_eq!(browser.run(SHOWN, Vec::new()).await, address);
        assert_eq!(browser.run(ENCODED, vec![json!(texts)]).await, json!(texts));
    });
}
