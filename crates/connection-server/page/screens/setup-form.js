/**
 * The form of a prompt: fields with their guide beside them, checked before they are sent.
 */
import { html, useEffect, useRef, useState } from '../vendor/preact-htm.js';
import { sentence } from '../format.js';
import { texts } from '../texts.js';
import { Button, Field, Note, ProviderSays } from '../ui/parts.js';
import { firstAnswers } from './setup-loop.js';
import { Guide } from './setup-parts.js';

const t = texts.setup;

/** Returns the first value of a field: what the setup was begun with, or its default. */
function initial(field, first) {
  const value = first?.[field.name] ?? field.default;
  return field.input === 'bool' ? value === 'true' : (value ?? '');
}

/** Returns the values of a field that takes many: one from each line. */
const linesOf = (text) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** Returns `true` if the whole text matches. A pattern that this browser cannot read is left to the server. */
function matches(pattern, text) {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(text);
  } catch {
    return true;
  }
}

/**
 * Returns the problem with an answer, or `null`.
 * @param {object} field
 * @param {string | boolean} value
 */
export function problemOf(field, value) {
  if (field.input === 'bool') return field.required && !value ? t.requiredField(field.label) : null;
  const values = field.many ? linesOf(value) : [value.trim()].filter(Boolean);
  if (!values.length) return field.required ? t.requiredField(field.label) : null;
  for (const each of values) {
    if (field.input === 'url' && !isUrl(each)) return t.urlField;
    if (field.input === 'number' && Number.isNaN(Number(each))) return t.numberField;
    if (field.pattern && !matches(field.pattern, each)) return t.patternField;
  }
  return null;
}

function isUrl(text) {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** Returns the answer to send, or `undefined` for an empty one. Secrets are sent as they were typed. */
function answerOf(field, value) {
  if (field.input === 'bool') return value;
  if (field.many) return linesOf(value).length ? linesOf(value) : undefined;
  const text = field.input === 'secret' ? value.replace(/\r?\n$/, '') : value.trim();
  return text === '' ? undefined : text;
}

function Secret({ control, field, value, onInput }) {
  const [isShown, setIsShown] = useState(false);
  return html`<div class="with-button">
    <input ...${control} type=${isShown ? 'text' : 'password'} value=${value} onInput=${onInput}
      placeholder=${field.placeholder}
      autocomplete="off" autocapitalize="off" spellcheck="false" required=${field.required} data-1p-ignore="true" />
    <${Button} onClick=${() => setIsShown(!isShown)} aria-pressed=${isShown ? 'true' : 'false'}
      aria-label=${isShown ? t.hideSecret : t.showSecret}>${isShown ? texts.common.hide : texts.common.show}<//>
  </div>`;
}

function Control({ control, field, value, onChange }) {
  const onInput = (event) => onChange(event.target.value);
  if (field.input === 'secret' && !field.many) return html`<${Secret} ...${{ control, field, value, onInput }} />`;
  if (field.many) {
    return html`<textarea ...${control} value=${value} onInput=${onInput} placeholder=${field.placeholder}
      spellcheck="false"
      required=${field.required}></textarea>`;
  }
  if (field.input === 'choice') {
    return html`<select ...${control} onChange=${onInput} required=${field.required}>
      ${(!field.required || !field.default) && html`<option value="" selected=${value === ''}>${t.choose}</option>`}
      ${field.choices.map((choice) => html`<option key=${choice.value} value=${choice.value}
        selected=${choice.value === value}>${choice.label}</option>`)}
    </select>`;
  }
  const mode = { url: 'url', number: 'decimal' }[field.input] ?? 'text';
  return html`<input ...${control} type="text" inputmode=${mode} value=${value} onInput=${onInput}
    placeholder=${field.placeholder}
    autocomplete="off" autocapitalize="off" spellcheck="false" required=${field.required} />`;
}

/** One field, with its help and its problem. */
export function FormField({ field, value, problem, onChange }) {
  if (field.input === 'bool') {
    return html`<div class=${`field ${problem ? 'wrong' : ''}`}>
      <label class="tick"><input type="checkbox" data-field=${field.name} checked=${value}
        onChange=${(event) => onChange(event.target.checked)} />
        <span><strong>${field.label}</strong>${field.help && html`<span class="help"><br />${sentence(field.help)}</span>`}
          ${problem && html`<span class="problem">${problem}</span>`}</span></label>
    </div>`;
  }
  const help = [sentence(field.help), field.many && t.manyHelp, field.input === 'secret' && t.secretHelp]
    .filter(Boolean)
    .join(' ');
  return html`<${Field} label=${field.label} help=${help} problem=${problem} isOptional=${!field.required}>
    ${(control) => html`<${Control} control=${{ ...control, 'data-field': field.name }} field=${field} value=${value}
      onChange=${onChange} />`}
  <//>`;
}

/**
 * @param {{prompt: object, onSend: (answers: object) => void, isBusy: boolean,
 *   problems: {field: string, message: string}[], title: string, children?: any}} props `title` is that of the screen,
 *   which the form does not repeat; `children` are shown before the fields
 */
export function SetupForm({ prompt, onSend, isBusy, problems, title, children }) {
  const { fields } = prompt;
  const [values, setValues] = useState(() => {
    const first = firstAnswers(prompt.id);
    return Object.fromEntries(fields.map((field) => [field.name, initial(field, first)]));
  });
  const [own, setOwn] = useState({});
  const form = useRef(null);
  const focusOn = (name) => form.current?.querySelector(`[data-field="${CSS.escape(name)}"]`)?.focus();

  useEffect(() => {
    if (!problems.length) return;
    setOwn(Object.fromEntries(problems.map(({ field, message }) => [field, sentence(message)])));
    focusOn(problems[0].field);
  }, [problems]);
  useEffect(() => {
    // A step with an address is answered there in most cases, so the address has the focus.
    if (prompt.open && !prompt.problem) return;
    if (window.matchMedia('(min-width: 60rem)').matches && fields[0]) focusOn(fields[0].name);
  }, []);

  const onSubmit = (event) => {
    event.preventDefault();
    const found = fields.map((field) => [field.name, problemOf(field, values[field.name])]).filter(([, text]) => text);
    setOwn(Object.fromEntries(found));
    if (found.length) return focusOn(found[0][0]);
    const answers = fields.map((field) => [field.name, answerOf(field, values[field.name])]);
    return onSend(Object.fromEntries(answers.filter(([, answer]) => answer !== undefined)));
  };
  const change = (field) => (value) => {
    setValues((was) => ({ ...was, [field.name]: value }));
    if (own[field.name]) setOwn((was) => ({ ...was, [field.name]: problemOf(field, value) }));
  };
  // A re-authorization runs the same steps, whose title says that they connect.
  const repeated = [title, t.title(prompt.kindTitle ?? prompt.kind), t.title(prompt.providerTitle)];
  return html`<div class=${`prompt ${prompt.guide.length ? 'with-guide' : ''}`}>
    <form class="form" ref=${form} onSubmit=${onSubmit} aria-label=${prompt.title} noValidate>
      ${!repeated.includes(prompt.title) && html`<h2>${prompt.title}</h2>`}
      ${prompt.problem && html`<${Note} tone="bad" icon="alert" title=${t.refused} role="alert"><p>${sentence(prompt.problem)}</p>
        <${ProviderSays} of=${prompt} />
        <//>`}
      ${children}
      ${fields.map(
        (field) => html`<${FormField} key=${field.name} field=${field} value=${values[field.name]}
        problem=${own[field.name]} onChange=${change(field)} />`,
      )}
      <p class="actions"><${Button} type="submit" tone="primary" isBusy=${isBusy}>${isBusy ? t.sending : t.next}<//></p>
    </form>
    ${prompt.guide.length > 0 && html`<aside aria-labelledby="guide-title"><h2 id="guide-title">${t.guide}</h2><${Guide}
      parts=${prompt.guide} /></aside>`}
  </div>`;
}
