/**
 * The title of the document, with the number of requests that wait before it.
 */
let count = 0;
let title = '';

function show() {
  document.title = count ? `(${count}) ${title}` : title;
}

/** Sets the title. */
export function setTitle(text) {
  title = text;
  show();
}

/** Sets the number of requests that wait for the visitor. */
export function setWaiting(waiting) {
  count = waiting;
  title ||= document.title;
  show();
}
