#!/usr/bin/env node
/**
 * Writes `vendor/simple-icons.js` from the current version of the package `simple-icons`.
 *
 * Run it in a directory with the package: `npm install simple-icons@latest`, then `node PAGE/dev/logos.mjs LICENCE…`
 * with the licences that `deny.toml` allows. An icon with another licence of its own is left out, and so is one that the
 * package has withdrawn.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const directory = join(process.cwd(), 'node_modules/simple-icons');
const read = (name) => readFileSync(join(directory, name), 'utf8');
const { version } = JSON.parse(read('package.json'));
const icons = new Map(JSON.parse(read('data/simple-icons.json')).map((icon) => [icon.slug, icon]));
const allowed = process.argv.slice(2);

/** The providers and kinds whose icons have the same name, without its hyphens. */
const SAME = `airtable algolia anthropic asana atlassian aws bitbucket box brevo calendly claude clickup cloudflare
  codex cohere datadog deepgram deepseek digitalocean discord dropbox elevenlabs figma freshdesk github gitlab gmail google
  google-calendar google-drive grafana groq heroku hubspot huggingface intercom jira linear mailchimp mailgun mailjet
  microsoft netlify new-relic notion openai openrouter pagerduty perplexity pipedrive plivo postmark quickbooks render
  replicate resend salesforce sendgrid sentry shopify slack spotify stripe supabase telegram todoist trello twilio
  twitch typeform vercel vonage webflow xero zendesk zoho zoom`;
/** The others, by the names of their icons. */
const OTHERS = {
  'app-store-connect': 'appstore', fly: 'flydotio', gemini: 'googlegemini', 'gemini-api': 'googlegemini',
  'google-gmail': 'gmail', 'jira-token': 'jira', mistral: 'mistralai', monday: 'mondaydotcom',
};
const names = { ...Object.fromEntries(SAME.split(/\s+/).map((name) => [name, name.replaceAll('-', '')])), ...OTHERS };

const isFree = ({ license }) => !license || allowed.includes(license.type);
const found = Object.entries(names).filter(([, slug]) => icons.has(slug) && isFree(icons.get(slug)));
const lines = found.sort().map(([name, slug]) => {
  const path = read(`icons/${slug}.svg`).match(/ d="([^"]+)"/)[1];
  return `  '${name}': '${path}',`;
});
writeFileSync(
  join(ROOT, 'vendor/simple-icons.js'),
  `/**
 * The logos of providers and kinds, from simple-icons ${version} (CC0-1.0), each in a square of 24.
 * \`dev/logos.mjs\` writes this file. The logos are trademarks of their owners; see \`README.md\`.
 */
export const LOGOS = {
${lines.join('\n')}
};
`,
);
const missing = Object.keys(names).filter((name) => !found.some(([each]) => each === name));
console.log(`${found.length} logos of simple-icons ${version}; initials stay for ${missing.join(', ')}`);
