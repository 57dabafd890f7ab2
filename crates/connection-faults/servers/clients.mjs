// Calls providers with their own SDKs, unchanged: a line of JSON with the address and the key comes in, the result goes
// out as a line of JSON.
import { createInterface } from "node:readline";
import Anthropic from "@anthropic-ai/sdk";
import { Client as Notion } from "@notionhq/client";
import { Octokit } from "@octokit/rest";
import { WebClient } from "@slack/web-api";
import OpenAI from "openai";
import Stripe from "stripe";

// Without an address and a key, these read them from the variables of the environment.
const direct = ({ url, key }) => (url ? { baseURL: url, apiKey: key } : {});

// The SDK takes no path in an address, so it goes to the provider's own one. Its usual client makes an agent of its own,
// which reads no variables of a proxy; the one that it has for `fetch` does.
const stripe = (key, retries) =>
  new Stripe(key ?? process.env.STRIPE_API_KEY, {
    httpClient: Stripe.createFetchHttpClient(),
    maxNetworkRetries: retries,
    telemetry: false,
  });

async function texts(stream, text) {
  const parts = [];
  for await (const event of stream) {
    const part = text(event);
    if (part) parts.push(part);
  }
  return parts;
}

const call = {
  octokit: async ({ url, key, title }) => {
    const octokit = new Octokit({ baseUrl: url, auth: key });
    const pages = await octokit.paginate(octokit.rest.issues.listForRepo, { owner: "acme", repo: "site", per_page: 1 });
    const made = await octokit.rest.issues.create({ owner: "acme", repo: "site", title });
    return { titles: pages.map((issue) => issue.title), number: made.data.number };
  },
  openai: async (from) => {
    const openai = new OpenAI({ ...direct(from), maxRetries: from.retries ?? 0 });
    const messages = [{ role: "user", content: "Hello" }];
    const request = { model: "model-1", messages, stream: true };
    const stream = await openai.chat.completions.create(request, { headers: from.headers });
    return texts(stream, (chunk) => chunk.choices[0]?.delta?.content);
  },
  anthropic: async (from) => {
    const anthropic = new Anthropic({ ...direct(from), maxRetries: 0 });
    const messages = [{ role: "user", content: "Hello" }];
    const stream = anthropic.messages.stream({ model: "model-1", max_tokens: 10, messages });
    const parts = await texts(stream, (event) => event.delta?.text);
    return { parts, whole: (await stream.finalMessage()).content[0].text };
  },
  notion: async ({ url, key }) => {
    const notion = new Notion({ auth: key, baseUrl: url });
    return (await notion.search({ query: "plan" })).results.map((page) => page.id);
  },
  stripe: async ({ key }) => {
    const customers = await stripe(key, 0).customers.list({ limit: 1 });
    return customers.data.map((customer) => customer.id);
  },
  // The SDK repeats a call by itself, and draws a new `Idempotency-Key` for each call.
  "stripe-create": async ({ key }) => (await stripe(key, 2).customers.create({ email: "ada@example.com" })).id,
  slack: async ({ url, key }) => {
    const slack = new WebClient(key, { slackApiUrl: `${url}/`, retryConfig: { retries: 0 } });
    return (await slack.chat.postMessage({ channel: "C1", text: "Hello & welcome" })).ts;
  },
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = call[request.client](request).then(
    (result) => ({ result }),
    (error) => ({ error: String(error), status: error.status ?? error.code ?? null }),
  );
  console.log(JSON.stringify(await answer));
}
