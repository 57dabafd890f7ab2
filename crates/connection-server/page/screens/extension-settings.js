/**
 * The settings of an extension, as it declares them.
 */
import { html, useEffect, useState } from '../vendor/preact-htm.js';
import { api, part } from '../api.js';
import { useAction, useResource } from '../resource.js';
import { texts } from '../texts.js';
import { announce, Button, Choices, Field, Loading, Problem } from '../ui/parts.js';

const t = texts.extensions;

/** One setting. A form of input that the page does not know is a text. */
function Setting({ declared, value, problem, isOverridden, onChange, canManage }) {
  const { title, name, description, type, required, choices } = declared;
  const label = title ?? name;
  const help = [description, isOverridden && t.overridden].filter(Boolean).join(' ');
  if (type === 'checkbox') {
    return html`<div class="field"><label class="tick"><input type="checkbox" checked=${value === true}
      disabled=${!canManage}
      onChange=${(event) => onChange(event.target.checked)} /><span><strong>${label}</strong>
      ${help && html`<span class="help"><br />${help}</span>`}</span></label></div>`;
  }
  const onInput = (event) => onChange(event.target.value);
  return html`<${Field} label=${label} help=${help} problem=${problem} isOptional=${!required}>${(control) =>
    type === 'dropdown'
      ? html`<select ...${control} disabled=${!canManage} onChange=${onInput}>${choices.map(
          (choice) => html`<option key=${choice.value}
        value=${choice.value} selected=${choice.value === value}>${choice.label}</option>`,
        )}</select>`
      : html`<input ...${control} type=${type === 'password' ? 'password' : 'text'} autocomplete="off"
        disabled=${!canManage}
        value=${value ?? ''} onInput=${onInput} />`}<//>`;
}

function Form({ extension, command, canManage }) {
  const path = `/extensions/${part(extension.name)}/preferences`;
  const { data, error, reload, setData } = useResource(path, { query: { command } });
  const [values, setValues] = useState(null);
  const [problems, setProblems] = useState({});
  useEffect(() => {
    if (data) setValues(data.values);
  }, [data]);
  const save = useAction(async () => {
    const changed = data.declared.map(({ name }) => name).filter((name) => values[name] !== data.values[name]);
    const sent = Object.fromEntries(changed.map((name) => [name, values[name]]));
    const saved = await api.put(path, { values: sent }, { query: { command } });
    setData({ declared: data.declared, ...saved });
    announce(t.saved);
  });
  if (error) return html`<${Problem} error=${error} onRetry=${reload} />`;
  if (!data || !values) return html`<${Loading} lines=${2} />`;
  if (!data.declared?.length) return html`<p class="quiet-text">${t.noSettings}</p>`;
  const onSubmit = (event) => {
    event.preventDefault();
    const isEmpty = ({ name, required }) =>
      required && (values[name] === undefined || values[name] === null || values[name] === '');
    const found = data.declared.filter(isEmpty).map(({ name }) => [name, t.missing]);
    setProblems(Object.fromEntries(found));
    if (!found.length) void save.run();
  };
  return html`<form class="form" onSubmit=${onSubmit}>
    ${data.declared.map(
      (
        declared,
      ) => html`<${Setting} key=${declared.name} declared=${declared} value=${values[declared.name]}
        problem=${problems[declared.name]}
      canManage=${canManage} isOverridden=${data.overridden.includes(declared.name)}
      onChange=${(value) => setValues((was) => ({ ...was, [declared.name]: value }))} />`,
    )}
    <${Problem} error=${save.error} />
    ${canManage && html`<p class="actions"><${Button} type="submit" tone="primary" isBusy=${save.isBusy}>
      ${texts.common.save}<//></p>`}
  </form>`;
}

/** @param {{extension: object, command: string | null, canManage: boolean}} props */
export function Settings({ extension, command: first, canManage }) {
  const [command, setCommand] = useState(first ?? '');
  const commands = Object.fromEntries([['', t.wholeExtension], ...extension.commands.map((name) => [name, name])]);
  return html`<section class="panel" aria-labelledby="settings-title">
    <header><h2 id="settings-title">${t.settings}</h2>
      ${extension.commands.length > 0 && html`<${Choices} label=${t.settingsFor} choices=${commands} value=${command}
        onChange=${setCommand} />`}</header>
    <${Form} key=${command} extension=${extension} command=${command || null} canManage=${canManage} />
  </section>`;
}
