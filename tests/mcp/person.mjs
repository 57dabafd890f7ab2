/**
 * The person in a browser: opens the address that the command prints, agrees, and follows every redirect.
 */
import http from 'node:http';

const MAX_HOPS = 12;

/** Returns the answer to a navigation, as a browser sends one. */
function visit(address, method, headers) {
  const site = method === 'POST' ? 'same-origin' : 'none';
  const browser = { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': site };
  return new Promise((resolve, reject) => {
    const request = http.request(address, { method, headers: { ...headers, ...browser } }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += data));
      answer.on('end', () => resolve({ headers: answer.headers, text }));
    });
    request.on('error', reject);
    request.end();
  });
}

/**
 * Opens an address and follows it to its end.
 * @param {string} address
 * @param {(address: string) => string} route where a host is in truth
 */
export async function follow(address, route = (to) => to) {
  let next = route(address);
  // By name alone: hosts and paths are not told apart.
  const cookies = new Map();
  const cookie = () => [...cookies].map((pair) => pair.join('=')).join('; ');
  const keep = (answer) => {
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(name, value);
    }
    return answer;
  };
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    let answer = keep(await visit(next, 'GET', { cookie: cookie() }));
    const action = /<form method="post" action="([^"]+)"/.exec(answer.text)?.[1];
    if (action) {
      next = new URL(action, next).href;
      answer = keep(await visit(next, 'POST', { cookie: cookie(), origin: new URL(next).origin }));
    }
    if (!answer.headers.location) return;
    next = route(new URL(answer.headers.location, next).href);
  }
  throw new Error(`more than ${MAX_HOPS} redirects`);
}
