/**
 * What time it is, and civil dates and times as text (`2026-03-02`, `2026-03-02T09:00`).
 *
 * The clock of the machine is read here and nowhere else in the front end; screens take a `Clock`,
 * tests hand in a fixed one. Civil text is computed with in UTC, where every day has 24 hours, and is
 * never taken for an instant: the program alone knows what a local time means at a site.
 */
export interface Clock {
	/** The present instant. */
	now(): Date;
	/** Milliseconds that go on only while the computer is awake, where it can tell. */
	steady?(): number;
}

export const systemClock: Clock = { now: () => new Date(), steady: () => performance.now() };

export function fixedClock(instant: string): Clock {
	const at = new Date(instant);
	return { now: () => at };
}

/** The wall clock of a zone at an instant, as `2026-03-02T09:00`. */
export function civilAt(instant: Date, zone: string): string {
	const parts: Record<string, string> = {};
	for (const part of formatter(zone).formatToParts(instant)) parts[part.type] = part.value;
	return `${parts["year"]}-${parts["month"]}-${parts["day"]}T${parts["hour"]}:${parts["minute"]}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();
function formatter(zone: string): Intl.DateTimeFormat {
	let found = formatters.get(zone);
	if (!found) {
		found = new Intl.DateTimeFormat("en-CA", {
			timeZone: zone,
			year: "numeric",
			month: "2-digit",
			day: "2-digit",
			hour: "2-digit",
			minute: "2-digit",
			hourCycle: "h23",
		});
		formatters.set(zone, found);
	}
	return found;
}

/** The machine's own zone. */
export function machineZone(): string {
	return Intl.DateTimeFormat().resolvedOptions().timeZone || "Etc/UTC";
}

/** Today at a site, as `2026-03-02`. */
export function today(clock: Clock, zone: string): string {
	return civilAt(clock.now(), zone).slice(0, 10);
}

/** Minutes from midnight to a civil time (`09:30` or `2026-03-02T09:30`). */
export function minutesOfDay(civil: string): number {
	const time = civil.includes("T") ? civil.slice(11) : civil;
	return Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
}

/** `09:30` for 570; 1440 is `24:00`. */
export function timeOfMinutes(minutes: number): string {
	const whole = Math.round(minutes);
	return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

/** A civil time so many minutes later, on the paper clock (24-hour days). */
export function addMinutes(civil: string, minutes: number): string {
	const later = new Date(Date.parse(`${civil.slice(0, 16)}Z`) + minutes * 60_000);
	return later.toISOString().slice(0, 16);
}

/** A date so many days later. */
export function addDays(date: string, days: number): string {
	return addMinutes(`${date}T00:00`, days * 1440).slice(0, 10);
}

/** Minutes from one civil time to another, on the paper clock. */
export function minutesBetween(from: string, until: string): number {
	return (Date.parse(`${until.slice(0, 16)}Z`) - Date.parse(`${from.slice(0, 16)}Z`)) / 60_000;
}

/** `09:30` of `2026-03-02T09:30`. */
export function timeOf(civil: string): string {
	return civil.slice(11, 16);
}

/** `2026-03-02` of `2026-03-02T09:30`. */
export function dateOf(civil: string): string {
	return civil.slice(0, 10);
}

/** Monday 0 to Sunday 6. */
export function weekday(date: string): number {
	return (new Date(`${date}T00:00Z`).getUTCDay() + 6) % 7;
}

/** Whether text is a date that exists. */
export function isDate(text: string): boolean {
	if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
	const parsed = new Date(`${text}T00:00Z`);
	return !Number.isNaN(parsed.getTime()) && parsed.toISOString().slice(0, 10) === text;
}

/** The same day so many months later; the last day of a shorter month. */
export function addMonths(date: string, months: number): string {
	const [year, month, day] = date.split("-").map(Number) as [number, number, number];
	const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate();
	return new Date(Date.UTC(year, month - 1 + months, Math.min(day, last)))
		.toISOString()
		.slice(0, 10);
}

/** The weeks a month touches, Monday first, as dates. */
export function monthGrid(date: string): string[][] {
	const first = `${date.slice(0, 7)}-01`;
	let monday = addDays(first, -weekday(first));
	const weeks: string[][] = [];
	while (weeks.length === 0 || monday.slice(0, 7) === date.slice(0, 7)) {
		const start = monday;
		weeks.push([0, 1, 2, 3, 4, 5, 6].map((n) => addDays(start, n)));
		monday = addDays(monday, 7);
	}
	return weeks;
}
