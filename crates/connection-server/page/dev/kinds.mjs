/** The kinds of the mock server: `[kind, provider, title, auth]`. */
const NAMES = `
airtable|airtable|Airtable|oauth
airtable-token|airtable|Airtable (personal access token)|personalAccessToken
algolia|algolia|Algolia|apiKey
anthropic|anthropic|Anthropic|apiKey
asana|asana|Asana|oauth
aws|aws|AWS|custom
bitbucket|bitbucket|Bitbucket|basic
box|box|Box|oauth
calendly|calendly|Calendly|personalAccessToken
claude|claude|Claude Code|custom
clickup|clickup|ClickUp|personalAccessToken
cloudflare|cloudflare|Cloudflare|apiKey
codex|codex|Codex|custom
datadog|datadog|Datadog|apiKey
deepseek|deepseek|DeepSeek|apiKey
digitalocean|digitalocean|DigitalOcean|personalAccessToken
discord|discord|Discord|oauth
dropbox|dropbox|Dropbox|oauth
elevenlabs|elevenlabs|ElevenLabs|apiKey
figma|figma|Figma|personalAccessToken
filesystem|filesystem|Directories of this machine|none
github|github|GitHub|personalAccessToken
github-oauth|github|GitHub (OAuth application)|oauth
gitlab|gitlab|GitLab|personalAccessToken
gmail|google|Gmail|oauth
google-calendar|google|Google Calendar|oauth
google-drive|google|Google Drive|oauth
grafana|grafana|Grafana|apiKey
groq|groq|Groq|apiKey
heroku|heroku|Heroku|oauth
hubspot|hubspot|HubSpot|oauth
huggingface|huggingface|Hugging Face|personalAccessToken
intercom|intercom|Intercom|oauth
jira|jira|Jira|oauth
linear|linear|Linear (API key)|apiKey
linear-oauth|linear|Linear (OAuth application)|oauth
mailchimp|mailchimp|Mailchimp|apiKey
mailgun|mailgun|Mailgun|apiKey
microsoft-outlook|microsoft|Microsoft Outlook|oauth
mistral|mistral|Mistral|apiKey
monday|monday|monday.com|personalAccessToken
netlify|netlify|Netlify|personalAccessToken
notion|notion|Notion|oauth
openai|openai|OpenAI|apiKey
openrouter|openrouter|OpenRouter|apiKey
pagerduty|pagerduty|PagerDuty|apiKey
pipedrive|pipedrive|Pipedrive|apiKey
postmark|postmark|Postmark|apiKey
render|render|Render|apiKey
salesforce|salesforce|Salesforce|oauth
sendgrid|sendgrid|SendGrid|apiKey
sentry|sentry|Sentry|personalAccessToken
shopify|shopify|Shopify|oauth
slack|slack|Slack|oauth
spotify|spotify|Spotify|oauth
stripe|stripe|Stripe|apiKey
supabase|supabase|Supabase|personalAccessToken
telegram|telegram|Telegram|apiKey
todoist|todoist|Todoist|personalAccessToken
trello|trello|Trello|apiKey
twilio|twilio|Twilio|basic
twitch|twitch|Twitch|oauth
typeform|typeform|Typeform|personalAccessToken
vercel|vercel|Vercel|personalAccessToken
webflow|webflow|Webflow|personalAccessToken
xero|xero|Xero|oauth
zendesk|zendesk|Zendesk|basic
zoom|zoom|Zoom|oauth
`;

const field = (name, label, input, more = {}) => ({
  name,
  label,
  input,
  required: true,
  many: false,
  help: null,
  placeholder: null,
  default: null,
  pattern: null,
  choices: [],
  way: null,
  once: false,
  ...more,
});

/** The fields of kinds that show every form of input. */
export const FIELDS = {
  github: [
    field('accessToken', 'Personal access token', 'secret', {
      help: 'A fine-grained token works, too.',
      placeholder: 'github_pat_…',
      pattern: '(ghp|github_pat)_[A-Za-z0-9_]+',
    }),
    field('apiBaseUrl', 'Address of GitHub Enterprise', 'url', {
      required: false,
      help: 'Only for a server of your own.',
      placeholder: 'https://github.example.com/api/v3',
    }),
  ],
  datadog: [
    field('site', 'Site', 'choice', {
      default: 'datadoghq.com',
      choices: [
        'datadoghq.com',
        'us3.datadoghq.com',
        'us5.datadoghq.com',
        'datadoghq.eu',
        'ddog-gov.com',
        'ap1.datadoghq.com',
      ].map((value) => ({ value, label: value })),
    }),
    field('apiKey', 'API key', 'secret'),
    field('applicationKey', 'Application key', 'secret'),
  ],
  xero: [
    field('clientId', 'Client ID', 'text', { once: true }),
    field('clientSecret', 'Client secret', 'secret', { once: true }),
  ],
  filesystem: [
    field('roots', 'Directories', 'directory', {
      many: true,
      help: 'The server reads below these directories and nowhere else.',
      placeholder: '/home/ada/projects',
    }),
    field('write', 'Programs may also write', 'bool', { required: false, default: 'false' }),
    field('depth', 'Levels to list', 'number', { required: false, placeholder: '8' }),
  ],
  twilio: [
    field('accountSid', 'Account SID', 'text', { placeholder: 'AC…', pattern: 'AC[0-9a-f]{32}' }),
    field('authToken', 'Auth token', 'secret'),
    field('region', 'Region', 'choice', {
      required: false,
      default: 'us1',
      choices: [
        ['us1', 'United States'],
        ['ie1', 'Ireland'],
        ['au1', 'Australia'],
      ].map(([value, label]) => ({ value, label })),
    }),
  ],
};

const link = (text, open) => ({ text, open });

/** The guides of kinds, part by part. */
export const GUIDES = {
  github: [
    link('Open the page of fine-grained tokens and create one for the repositories that you want to use.', null),
    link('New fine-grained token', 'https://github.com/settings/personal-access-tokens/new'),
    link('Give it the permissions Contents and Issues, then copy it.', null),
    link('About personal access tokens', 'https://docs.github.com/authentication'),
  ],
  datadog: [
    link('In Datadog, open Organization Settings, then API Keys, and create a key. Then open Application Keys.', null),
    link('API keys', 'https://app.datadoghq.com/organization-settings/api-keys'),
    link('Choose the site that you see in the address of your Datadog.', null),
  ],
  xero: [],
  zoom: [],
};

/** All kinds in the shape of the list. */
export const KINDS = NAMES.trim()
  .split('\n')
  .map((line) => {
    const [kind, provider, title, auth] = line.split('|');
    const profiles = ['claude', 'codex'].includes(kind);
    return { kind, provider, title, auth, own: kind === 'grafana', profiles, connections: 0 };
  });

/** Returns the shape of one kind. A field of a kind does not say how an answer looks. */
export function kindDetail(known) {
  const shape = kindShape(known);
  const fields = shape.fields.map(({ placeholder, pattern, ...field }) => ({ ...field, offer: null }));
  return { ...shape, fields };
}

/** Returns one kind with the fields that a setup asks for. */
export function kindShape(known) {
  const fallback =
    known.auth === 'oauth'
      ? []
      : [field(known.auth === 'apiKey' ? 'apiKey' : 'token', known.auth === 'apiKey' ? 'API key' : 'Token', 'secret')];
  return {
    ...known,
    extension: null,
    guide: GUIDES[known.kind] ?? [
      link(`Open the settings of ${known.title} and create a key for this server.`, null),
      link(`Settings of ${known.title}`, `https://${known.provider}.example/settings`),
    ],
    fields: FIELDS[known.kind] ?? fallback,
    capabilities:
      known.auth === 'oauth'
        ? ['send', 'secrets', 'refresh']
        : ['send', 'secrets', ...(known.kind === 'claude' ? ['usage', 'profiles'] : [])],
    ways: known.auth === 'oauth' ? ['browser', 'device'] : [],
    redirectUri: known.auth === 'oauth' ? 'http://127.0.0.1:8745/callback' : null,
  };
}
