/** Weekly hours as people type them: parsing, checking and summing up. Pure. */
import { t } from "../messages";

/** Seven days, Monday first; `00:00` as an end means midnight. */
export type Week = [string, string][][];

/** `9`, `930`, `9:30`, `9.30`, `24` as `09:30`; `undefined` when it is no time. */
export function parseTime(text: string): string | undefined {
	const match = /^\s*(\d{1,2})(?:[:.h]?(\d{2}))?\s*$/.exec(text);
	if (!match) return undefined;
	const hour = Number(match[1]);
	const minute = Number(match[2] ?? "0");
	if (hour === 24 && minute === 0) return "00:00";
	if (hour > 23 || minute > 59) return undefined;
	return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/** What is wrong with a week, by day; empty when it can be saved. */
export function weekErrors(week: Week): Map<number, string> {
	const errors = new Map<number, string>();
	week.forEach((day, at) => {
		let before = "";
		for (const [from, until] of day) {
			if (until !== "00:00" && until <= from) errors.set(at, t.sites.backwards);
			else if (before === "00:00" || from < before) errors.set(at, t.sites.overlap);
			before = until;
		}
	});
	return errors;
}

/** The next range to offer on a day: after a lunch break, or a usual day. */
export function nextRange(day: readonly [string, string][]): [string, string] {
	const last = day.at(-1)?.[1];
	if (last === undefined) return ["09:00", "17:00"];
	const hour = Number(last.slice(0, 2));
	if (last === "00:00" || hour >= 21) return ["23:00", "00:00"];
	const two = (n: number) => String(n).padStart(2, "0");
	return [`${two(hour + 1)}:00`, `${two(Math.min(23, hour + 4))}:00`];
}

/** Days with the same hours in one line: `Mon–Fri 09:00–17:00`. */
export function weekLines(week: Week): { days: string; hours: string }[] {
	const said = (day: readonly [string, string][]) =>
		day.map(([from, until]) => `${from}–${until === "00:00" ? "24:00" : until}`).join(", ") ||
		t.sites.closed;
	const short = (at: number) => (t.hours.days[at] ?? "").slice(0, 3);
	const lines: { days: string; hours: string; first: number; last: number }[] = [];
	week.forEach((day, at) => {
		const hours = said(day);
		const line = lines.at(-1);
		if (line?.hours === hours) line.last = at;
		else lines.push({ days: "", hours, first: at, last: at });
	});
	return lines.map(({ hours, first, last }) => ({
		days: first === last ? short(first) : `${short(first)}–${short(last)}`,
		hours,
	}));
}
