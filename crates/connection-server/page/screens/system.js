/**
 * The server: what the doctor finds, its key and database, the visitor's own access, and tokens.
 */
import { html, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useCanManage, useHas, useMe } from '../me.js';
import { at, sentence, withTimes } from '../format.js';
import { useAction, useResource } from '../resource.js';
import { forgetToken } from '../session.js';
import { texts } from '../texts.js';
import { Icon } from '../ui/icons.js';
import { Button, Copy, Dialog, Loading, Note, Problem, Time, Title } from '../ui/parts.js';
import { Freezes } from './freeze.js';
import { Tokens } from './tokens.js';

const t = texts.system;

/** Returns the message of a check, with times that a person reads. */
function messageOf({ check, message, ok }) {
  const text = withTimes(message);
  if (!ok) return sentence(text);
  return check === 'clock' ? t.clock(text) : text;
}

/** The checks of the doctor, the problems first. */
function Doctor() {
  const [report, setReport] = useState(null);
  const run = useAction(async () => setReport(await api.post('/doctor', {})));
  const checks = report ? [...report.checks].sort((a, b) => Number(a.ok) - Number(b.ok)) : [];
  const problems = checks.filter((check) => !check.ok).length;
  return html`<section class="panel" aria-labelledby="doctor-title">
    <header><div><h2 id="doctor-title">${t.doctor}</h2><p class="quiet-text">${t.doctorIntro}</p></div>
      <${Button} tone=${report ? '' : 'primary'} isBusy=${run.isBusy} onClick=${run.run}>
        ${run.isBusy ? t.running : t.run}<//></header>
    <${Problem} error=${run.error} />
    ${
      report &&
      html`<${Note} tone=${problems ? 'bad' : 'live'} icon=${problems ? 'alert' : 'check'}
        title=${problems ? t.notOk(problems) : t.ok} role="status" />
      <ul class="checks">${checks.map(
        (check, index) => html`<li key=${index} class=${check.ok ? 'ok' : 'not-ok'}>
        <${Icon} name=${check.ok ? 'check' : 'alert'} /><div><strong>${t.checks[check.check] ?? check.check}</strong><p>
          ${messageOf(check)}</p>
        ${check.remedy && html`<p class="quiet-text">${sentence(check.remedy)}</p>`}</div></li>`,
      )}</ul>
      ${
        report.redirectUris?.length > 0 &&
        html`<details><summary>${t.redirects}</summary><ul class="list-plain">
        ${report.redirectUris.map(
          ({
            kind,
            redirectUri,
          }) => html`<li key=${kind}><div><strong>${kind}</strong><p class="mono small">${redirectUri ?? t.anyPort}</p>
            </div>
          ${redirectUri && html`<${Copy} text=${redirectUri} />`}</li>`,
        )}</ul></details>`
      }`
    }
  </section>`;
}

function Server() {
  const { data, error, reload } = useResource('/system');
  const fact = (name, value) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<section class="panel" aria-labelledby="server-title"><h2 id="server-title">${t.server}</h2>
    <${Problem} error=${error} onRetry=${reload} />
    ${!data && !error && html`<${Loading} lines=${2} />`}
    ${
      data &&
      html`<dl class="facts">
      ${fact(t.version, data.version)}
      ${fact(t.started, html`<${Time} of=${data.startedAt} />`)}
      ${data.database && fact(t.engine, data.database)}
      ${
        data.key &&
        fact(t.key, html`${data.key.source}<br /><span class="quiet-text">
        ${t.keyHelp} ${t.keyId(data.key.wrappedBy)}</span>`)
      }
      ${
        data.certificate &&
        fact(t.certificate, html`<span class="mono small">${data.certificate.file}</span><br /><span class="quiet-text">
        ${t.certificateEnds(at(data.certificate.endsAt))}</span>`)
      }
      ${fact(t.publicUrl, data.publicUrl ? html`<span class="mono small">${data.publicUrl}</span>` : t.noPublicUrl)}
      ${data.doorsUrl && fact(t.doorsUrl, html`<span class="mono small">${data.doorsUrl}</span>`)}
    </dl>
    ${
      data.certificate?.remedy &&
      html`<${Note} tone="bad" icon="alert" title=${t.certificateProblem(
        at(data.certificate.endsAt),
        new Date(data.certificate.endsAt) <= new Date(),
      )}><p>${t.renewCertificate}</p><//>`
    }`
    }
  </section>`;
}

/** The visitor's own token. */
function Access({ me }) {
  const [isAsking, setIsAsking] = useState(false);
  const leave = useAction(async () => {
    if (me.token) await api.delete(`/tokens/${part(me.token)}`);
    forgetToken();
    location.reload();
  });
  return html`<section class="panel" aria-labelledby="access-title">
    <header><h2 id="access-title">${t.you}</h2><${Button} onClick=${() => setIsAsking(true)}>${t.signOut}<//></header>
    <dl class="facts">
      <div><dt>${t.role}</dt><dd>${t.roles[me.role] ?? me.role}<br /><span class="quiet-text">
        ${t.roleHelp[me.role]}</span></dd></div>
      <div><dt>${t.owner}</dt><dd>${me.owner ?? t.everyOwner}</dd></div>
      ${me.expiresAt && html`<div><dt>${t.until}</dt><dd>${at(me.expiresAt)}</dd></div>`}
    </dl>
    ${
      isAsking &&
      html`<${Dialog} title=${t.signOut} onClose=${() => setIsAsking(false)} actions=${html`
      <${Button} tone="danger" isBusy=${leave.isBusy} onClick=${leave.run}>${t.signOut}<//>
      <${Button} tone="quiet" onClick=${() => setIsAsking(false)}>${texts.common.cancel}<//>`}>
      <p>${t.signOutHelp}</p><${Problem} error=${leave.error} />
    <//>`
    }
  </section>`;
}

/** The system screen. */
export default function System() {
  const me = useMe();
  const canManage = useCanManage();
  const hasDoctor = useHas('doctor');
  return html`<div class="screen">
    <${Title}>${t.title}<//>
    ${canManage && hasDoctor && html`<${Doctor} />`}
    <${Server} />
    ${me && html`<${Access} me=${me} />`}
    ${me && html`<${Freezes} />`}
    ${me && canManage && html`<${Tokens} role=${me.role} ownToken=${me.token} />`}
  </div>`;
}
