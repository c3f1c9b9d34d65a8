/**
 * `set` and `show` in the shell of -i: options of the command line under the names that SystemTap's
 * shell has for them. What a value may be, and what excludes what, the command line knows.
 */
import { bug } from "../base/assert.js";
import { UsageError } from "./getopt.js";
import { OPTION_TABLE } from "./option-table.js";
import { type Draft, defaultOptions, type Options } from "./options.js";
import { checkOptions } from "./parse-options.js";

/** How often the option is given for a setting, and with which value. */
type SettingUse = "switch" | "count" | "value" | "seconds";

interface Setting {
  readonly name: string;
  readonly use: SettingUse;
  /** The option that sets it. */
  readonly option: string;
  readonly member: keyof Options;
}

function setting(
  name: string,
  option: string,
  member: keyof Options,
  use: SettingUse = "value",
): Setting {
  return { name, option, member, use };
}

const SETTINGS: readonly Setting[] = [
  setting("buffer_size", "s", "bufferMegabytes"),
  setting("cmd", "c", "command"),
  setting("color", "color", "color"),
  setting("compatible", "compatible", "compatible"),
  setting("guru_mode", "g", "guru", "switch"),
  setting("keep_tmpdir", "k", "keepDirectory", "switch"),
  setting("last_pass", "p", "lastPass"),
  setting("module_name", "m", "moduleName"),
  setting("monitor", "monitor", "monitorMs", "seconds"),
  setting("no_global_var_display", "no-global-var-display", "globalVariableDisplay", "switch"),
  setting("output_file", "o", "output"),
  setting("panic_warnings", "W", "warningsAreErrors", "switch"),
  setting("prologue_searching", "prologue-searching", "prologueSearching"),
  setting("skip_badvars", "skip-badvars", "skipBadVariables", "switch"),
  setting("suppress_handler_errors", "suppress-handler-errors", "suppressHandlerErrors", "switch"),
  setting("suppress_time_limits", "suppress-time-limits", "suppressTimeLimits", "switch"),
  setting("suppress_warnings", "w", "noWarnings", "switch"),
  setting("target_pid", "x", "pid"),
  setting("timeout", "T", "timeoutMs", "seconds"),
  setting("timing", "t", "timing", "switch"),
  setting("unoptimized", "u", "unoptimized", "switch"),
  setting("verbose", "v", "verbosity", "count"),
];

/** Names of all settings, sorted. */
export const SETTING_NAMES: readonly string[] = SETTINGS.map(({ name }) => name);

/**
 * `options` with the setting `name` changed to `text`; an empty one stands for what holds when
 * the option is not given. Throws UsageError.
 */
export function changeSetting(options: Options, name: string, text: string): Options {
  const { option, member, use } = findSetting(name);
  const { apply } =
    OPTION_TABLE.find(({ names }) => names.includes(option)) ?? bug(`no option ${option}`);
  const draft: Draft = { ...options, [member]: defaultOptions()[member] };
  for (const value of optionValues(use, text)) apply(draft, value, option);
  checkOptions(draft);
  return draft;
}

/** `name = value`. Throws UsageError. */
export function showSetting(options: Options, name: string): string {
  const found = findSetting(name);
  return `${found.name} = ${shownValue(found, options)}`.trimEnd();
}

function findSetting(name: string): Setting {
  const wanted = name.replaceAll("-", "_");
  const found = SETTINGS.find((each) => each.name === wanted);
  if (found !== undefined) return found;
  throw new UsageError(`Undefined option: "${name}". Try "show".`);
}

/** The values of the options that stand for `text`. */
function optionValues(use: SettingUse, text: string): readonly (string | null)[] {
  if (text === "") return [];
  switch (use) {
    case "switch":
      return isOn(text) ? [null] : [];
    case "count":
      return Array.from({ length: times(text) }, () => null);
    case "value":
    case "seconds":
      return [text];
  }
}

function isOn(text: string): boolean {
  if (["on", "yes", "1"].includes(text)) return true;
  if (["off", "no", "0"].includes(text)) return false;
  throw new UsageError(`Expected "on" or "off", not "${text}".`);
}

function times(text: string): number {
  if (/^\d$/.test(text)) return Number(text);
  throw new UsageError(`Expected a digit, not "${text}".`);
}

function shownValue({ member, use }: Setting, options: Options): string {
  const value = options[member];
  switch (use) {
    case "switch":
      return value === defaultOptions()[member] ? "off" : "on";
    case "count":
      return [...new Set(options.verbosity)].length === 1
        ? String(options.verbosity[0])
        : options.verbosity.join("");
    case "seconds":
      return typeof value === "number" ? String(value / 1000) : "";
    case "value":
      return value === null ? "" : String(value);
  }
}
