/** Dates, times, sizes and money in the reader's own way of writing. Civil text in, words out. */
import { civilAt } from "../clock";

let locale = "en-GB";
const made = new Map<string, Intl.DateTimeFormat>();

/** Tests and the language switch set it. */
export function useLocale(tag: string): void {
	locale = tag;
	made.clear();
}

function dates(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	let format = made.get(name);
	if (!format) {
		format = new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
		made.set(name, format);
	}
	return format;
}

const noon = (date: string) => new Date(`${date.slice(0, 10)}T12:00Z`);

/** `Mon 2 March`, with the year when it is another. */
export function dayName(date: string, todayIs?: string): string {
	const otherYear = todayIs !== undefined && todayIs.slice(0, 4) !== date.slice(0, 4);
	return dates(otherYear ? "day-year" : "day", {
		weekday: "short",
		day: "numeric",
		month: "long",
		...(otherYear ? { year: "numeric" } : {}),
	}).format(noon(date));
}

/** `Monday 2 March 2026`, for screen readers and headings. */
export function longDay(date: string): string {
	return dates("long", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(
		noon(date),
	);
}

/** How long ago an instant was: `just now`, `12 min ago`, `today 08:15`, `2 Mar 08:15`. */
export function ago(instant: string, now: Date, zone: string): string {
	const then = new Date(instant);
	const minutes = Math.floor((now.getTime() - then.getTime()) / 60_000);
	if (Number.isNaN(minutes)) return instant;
	if (minutes < 1) return "just now";
	if (minutes < 60) return `${minutes} min ago`;
	return moment(instant, now, zone);
}

/** An instant on a zone's clock: `today 08:15` or `2 Mar 08:15`. */
export function moment(instant: string, now: Date, zone: string): string {
	const at = new Date(instant);
	if (Number.isNaN(at.getTime())) return instant;
	const civil = civilAt(at, zone);
	const time = civil.slice(11, 16);
	if (civil.slice(0, 10) === civilAt(now, zone).slice(0, 10)) return `today ${time}`;
	return `${dates("short", { day: "numeric", month: "short" }).format(noon(civil))} ${time}`;
}

/** `1.4 MB`. */
export function fileSize(bytes: number): string {
	const units = ["B", "kB", "MB", "GB"];
	let value = bytes;
	let unit = 0;
	while (value >= 1000 && unit < units.length - 1) {
		value /= 1000;
		unit += 1;
	}
	return `${new Intl.NumberFormat(locale, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 }).format(value)} ${units[unit]}`;
}

/** `€49.50`; minor units stay whole numbers until here. */
export function money(minor: number, currency: string): string {
	const format = new Intl.NumberFormat(locale, { style: "currency", currency });
	return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

/** What a person wrote as a price, in minor units; `null` when it is not one. */
export function parseMoney(text: string, currency: string): number | null {
	const digits =
		new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions()
			.maximumFractionDigits ?? 2;
	const match = /^\s*(\d{1,9})(?:[.,](\d{1,3}))?\s*$/.exec(text);
	if (!match) return null;
	const fraction = match[2] ?? "";
	if (fraction.length > digits) return null;
	return Number(match[1]) * 10 ** digits + Number(fraction.padEnd(digits, "0") || "0");
}

/** `March 2026`. */
export function monthName(date: string): string {
	return dates("month", { month: "long", year: "numeric" }).format(noon(`${date.slice(0, 7)}-01`));
}
