import { readFileSync } from 'node:fs';
import { LineCounter, isNode, parseDocument } from 'yaml';
import { settingsSchema, unsafe } from './settings.js';
/** Settings that cannot be used; `problems` says where each stands and why. */
export class ConfigurationError extends Error {
    problems;
    name = 'ConfigurationError';
    constructor(problems) {
        super(problems.join('\n'));
        this.problems = problems;
    }
}
/** Environment variables, the setting that each overrides, and whether it is a number. */
const variables = [
    { name: 'SIP_HOST', path: ['sip', 'host'], type: 'text' },
    { name: 'SIP_PORT', path: ['sip', 'port'], type: 'number' },
    { name: 'SIP_ADVERTISE', path: ['sip', 'advertise'], type: 'text' },
    { name: 'SIP_DOMAIN', path: ['sip', 'domain'], type: 'text' },
    { name: 'HTTP_HOST', path: ['http', 'host'], type: 'text' },
    { name: 'HTTP_PORT', path: ['http', 'port'], type: 'number' },
    { name: 'RTP_PORTS', path: ['rtp', 'ports'], type: 'text' },
    { name: 'RTP_ADVERTISE', path: ['rtp', 'advertise'], type: 'text' },
    { name: 'DATA_DIR', path: ['data'], type: 'text' },
    { name: 'DEMO_PASSWORD', path: ['demo', 'password'], type: 'text' },
    { name: 'MEDIA_WORKERS', path: ['media', 'workers'], type: 'number' },
    { name: 'DRAIN_SECONDS', path: ['drainSeconds'], type: 'number' },
    { name: 'PROMPT_LANGUAGE', path: ['language'], type: 'text' },
];
/** A YAML file that was read: its values, and where each stands. */
class SettingsFile {
    name;
    #lines = new LineCounter();
    #document;
    constructor(name, text) {
        this.name = name;
        this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
        const problems = this.#document.errors.map(error => `${name}:${this.#lines.linePos(error.pos[0]).line}: ${error.message}`);
        if (problems.length > 0)
            throw new ConfigurationError(problems);
    }
    get values() {
        return this.#document.toJS();
    }
    /** `FILE:LINE` of the value at `path`, or of the nearest one that contains it. */
    place(path) {
        for (let length = path.length; length > 0; length--) {
            const node = this.#document.getIn(path.slice(0, length), true);
            if (isNode(node) && node.range)
                return `${this.name}:${this.#lines.linePos(node.range[0]).line}`;
        }
        return `${this.name}:1`;
    }
    /** `FILE:LINE` of the key itself: for keys that nobody knows. */
    placeOfKey(path, key) {
        const parent = path.length === 0 ? this.#document.contents : this.#document.getIn(path, true);
        const items = parent?.items ?? [];
        const offset = items.find(item => item.key.value === key)?.key.range?.[0];
        return offset === undefined ? this.place(path) : `${this.name}:${this.#lines.linePos(offset).line}`;
    }
}
/** A copy of `values` with `value` at `path`. A parent that is no map is left for the schema to refuse. */
const placed = (values, [key, ...rest], value) => {
    if (key === undefined)
        return value;
    if (values !== undefined && values !== null && typeof values !== 'object')
        return values;
    const map = values;
    return { ...map, [key]: placed(map?.[key], rest, value) };
};
const describe = (issue, file, given) => {
    const setting = issue.path.join('.');
    const variable = given.get(setting);
    if (variable !== undefined)
        return [`${variable}: ${issue.message}`];
    if (file === undefined)
        return [`${setting}: ${issue.message}`];
    if (issue.code === 'unrecognized_keys') {
        return issue.keys.map(key => `${file.placeOfKey(issue.path, key)}: ${[...issue.path, key].join('.')}: no such setting`);
    }
    return [`${file.place(issue.path)}: ${setting === '' ? 'the file' : setting}: ${issue.message}`];
};
/** Reads settings from the text of a YAML file (none: all defaults), overridden by the environment. @throws ConfigurationError */
export const parseSettings = (environment, yaml) => {
    const file = yaml === undefined ? undefined : new SettingsFile(yaml.name, yaml.text);
    const given = new Map();
    let values = file?.values;
    for (const { name, path, type } of variables) {
        const text = environment[name];
        if (text === undefined || text === '')
            continue;
        given.set(path.join('.'), name);
        values = placed(values, path, type === 'number' ? Number(text) : text);
    }
    const parsed = settingsSchema.safeParse(values ?? {});
    if (!parsed.success)
        throw new ConfigurationError(parsed.error.issues.flatMap(issue => describe(issue, file, given)));
    const danger = unsafe(parsed.data);
    if (danger !== undefined)
        throw new ConfigurationError([danger]);
    return parsed.data;
};
/** Reads the settings of this process: the file that `CONFIG_FILE` names, if any, and the environment. @throws ConfigurationError */
export const readSettings = (environment) => {
    const name = environment['CONFIG_FILE'];
    if (name === undefined || name === '')
        return parseSettings(environment);
    let text;
    try {
        text = readFileSync(name, 'utf8');
    }
    catch (error) {
        throw new ConfigurationError([`CONFIG_FILE: ${error.message}`]);
    }
    return parseSettings(environment, { name, text });
};
