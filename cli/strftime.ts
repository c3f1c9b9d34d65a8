/** strftime(3) for names of output files, in the C locale and local time. */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY_MS = 86_400_000;

const pad = (value: number, width = 2, fill = "0"): string => `${value}`.padStart(width, fill);

/** Conversions that stand for one value. */
const VALUES: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => (DAYS[date.getDay()] ?? "").slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? "",
  b: (date) => (MONTHS[date.getMonth()] ?? "").slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? "",
  C: (date) => pad(Math.floor(date.getFullYear() / 100)),
  d: (date) => pad(date.getDate()),
  e: (date) => pad(date.getDate(), 2, " "),
  H: (date) => pad(date.getHours()),
  I: (date) => pad(date.getHours() % 12 || 12),
  j: (date) => pad(dayOfYear(date) + 1, 3),
  k: (date) => pad(date.getHours(), 2, " "),
  l: (date) => pad(date.getHours() % 12 || 12, 2, " "),
  m: (date) => pad(date.getMonth() + 1),
  M: (date) => pad(date.getMinutes()),
  n: () => "\n",
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  s: (date) => `${Math.floor(date.getTime() / 1000)}`,
  S: (date) => pad(date.getSeconds()),
  t: () => "\t",
  u: (date) => `${date.getDay() || 7}`,
  U: (date) => pad(Math.floor((dayOfYear(date) + 7 - date.getDay()) / 7)),
  w: (date) => `${date.getDay()}`,
  W: (date) => pad(Math.floor((dayOfYear(date) + 7 - ((date.getDay() + 6) % 7)) / 7)),
  y: (date) => pad(date.getFullYear() % 100),
  Y: (date) => `${date.getFullYear()}`,
  z: (date) => zone(-date.getTimezoneOffset()),
  "%": () => "%",
};

/** Conversions that stand for others. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  h: "%b",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

/** `format` with its conversions replaced; an unknown one stays as it is. */
export function formatTime(format: string, date: Date): string {
  return format.replace(/%([A-Za-z%])/g, (written, letter: string) => {
    const composed = Object.hasOwn(COMPOSED, letter) ? COMPOSED[letter] : undefined;
    if (composed !== undefined) return formatTime(composed, date);
    const value = Object.hasOwn(VALUES, letter) ? VALUES[letter] : undefined;
    return value === undefined ? written : value(date);
  });
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return (day - Date.UTC(date.getFullYear(), 0, 1)) / DAY_MS;
}

function zone(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}${pad(size % 60)}`;
}
