/**
 * Numbers and times as people read them. All through Intl in one fixed locale, the language of the page; units stand
 * behind a narrow no-break space, so that a figure never parts from its unit at a line's end.
 */

const LOCALE = "en";
const NARROW = "\u202f";
const MINUS = "\u2212";

/** A share of traffic: whole percent, since nobody acts on a tenth of one. */
export function share(x: number): string {
  if (x > 0 && x < 0.005) return `<1${NARROW}%`;
  if (x < 1 && x > 0.995) return `>99${NARROW}%`;
  return `${fixed(x * 100, 0)}${NARROW}%`;
}

/** A rate: one decimal, two below one percent, so that a column of them lines up. */
export function rate(x: number): string {
  const digits = Math.abs(x) > 0 && Math.abs(x) < 0.01 ? 2 : 1;
  return `${fixed(x * 100, digits, digits)}${NARROW}%`;
}

/** A difference of rates, signed, in percentage points. */
export function points(x: number): string {
  return `${signed(x * 100, 1)}${NARROW}points`;
}

export function money(x: number, currency: string): string {
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency }).format(x).replace("-", MINUS);
}

/** Sums: nobody reads the cents of thousands. */
export function wholeMoney(x: number, currency: string): string {
  const options: Intl.NumberFormatOptions = { style: "currency", currency, maximumFractionDigits: 0 };
  return new Intl.NumberFormat(LOCALE, options).format(x).replace("-", MINUS);
}

export function signedMoney(x: number, currency: string): string {
  return (x >= 0 ? "+" : "") + money(x, currency);
}

export function amount(x: number): string {
  return fixed(x, 2);
}

export function signedAmount(x: number): string {
  return signed(x, 2);
}

/** Whole numbers; from a million on in short form. */
export function count(n: number): string {
  if (Math.abs(n) >= 1e6) {
    return new Intl.NumberFormat(LOCALE, { notation: "compact", maximumFractionDigits: 1 }).format(n);
  }
  return fixed(n, 0);
}

/** The length of a time, in the one unit that fits it. */
export function duration(ms: number): string {
  const at = (n: number, digits: number, unit: string) => `${fixed(n, digits)}${NARROW}${unit}`;
  if (ms < 10) return at(ms, ms > 0 ? 1 : 0, "ms");
  if (ms < 1000) return at(ms, 0, "ms");
  if (ms < 10_000) return at(ms / 1000, Number.isInteger(ms / 1000) ? 0 : 1, "s");
  if (ms < 60_000) return at(ms / 1000, 0, "s");
  if (ms < 3_600_000) return at(ms / 60_000, 0, "min");
  if (ms < 48 * 3_600_000) return at(ms / 3_600_000, 0, "h");
  return at(ms / 86_400_000, 0, "days");
}

/** Time since something, as it ticks: tenths of seconds while it is young. Clocks that disagree never make it negative. */
export function age(ms: number): string {
  const past = Math.max(0, ms);
  return past < 10_000 ? `${fixed(past / 1000, 1, 1)}${NARROW}s` : duration(past);
}

export function bytes(n: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3));
  const options = { style: "unit", unit: units[step], unitDisplay: "short", maximumFractionDigits: step < 2 ? 0 : 1 } as const;
  return new Intl.NumberFormat(LOCALE, options as Intl.NumberFormatOptions).format(n / 1000 ** step).replace(" ", NARROW);
}

/** A moment on the axis; how much of it is said depends on the distance between two ticks. */
export function moment(ms: number, stepMs: number): string {
  const options: Intl.DateTimeFormatOptions =
    stepMs < 60_000
      ? { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }
      : stepMs < 86_400_000
        ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }
        : { day: "numeric", month: "short" };
  return new Intl.DateTimeFormat(LOCALE, options).format(ms);
}

/** "sign_up" as an event name is "sign up" to a reader. */
export function words(name: string): string {
  return name.replaceAll(/[_-]+/g, " ");
}

/** A variant's or an event's name at the start of a phrase. */
export function title(name: string): string {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function fixed(x: number, digits: number, least = 0): string {
  const text = new Intl.NumberFormat(LOCALE, { minimumFractionDigits: least, maximumFractionDigits: digits }).format(x);
  return text === "-0" ? "0" : text.replace("-", MINUS);
}

function signed(x: number, digits: number): string {
  const options: Intl.NumberFormatOptions = {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "exceptZero",
  };
  return new Intl.NumberFormat(LOCALE, options).format(x).replace("-", MINUS);
}
