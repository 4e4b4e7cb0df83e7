/**
 * Minutes on the axis of a day, and how the book says dates and times.
 *
 * Builds on `lib/clock`: civil text in, never an instant. What the replica answers is already on the
 * clock of the site, and adding minutes within a day stays on that clock.
 */
import { addMinutes, dateOf, minutesBetween, timeOf } from "../clock";

export const DAY_MINUTES = 24 * 60;

/**
 * Where a civil time lies on the axis of a day: below 0 for earlier days and beyond 1440 for later
 * ones, so that a visit over midnight keeps its length. A mere time of day counts on the day itself.
 */
export function onDay(time: string, date: string): number {
	return minutesBetween(`${date}T00:00`, time.includes("T") ? time : `${date}T${time}`);
}

/** The civil time at a minute of a day; minutes beyond midnight fall on the next day. */
export function civilAt(date: string, minute: number): string {
	return addMinutes(`${date}T00:00`, minute);
}

/** `09:05` for 545, whatever the day. */
export function clock(minute: number): string {
	return timeOf(civilAt("2000-01-03", minute));
}

/** `2026-03-02T09:00`, however many seconds the replica wrote behind it. */
export function toMinute(time: string): string {
	return time.slice(0, 16);
}

const short = new Intl.DateTimeFormat("en-GB", {
	timeZone: "UTC",
	weekday: "short",
	day: "numeric",
	month: "short",
});

/** `Mon 2 Mar 09:00`, or only `09:00` on the day in view. */
export function sayTime(time: string, shownDate?: string): string {
	const date = dateOf(time);
	if (date === shownDate) return timeOf(time);
	return `${short.format(new Date(`${date}T12:00Z`))} ${timeOf(time)}`;
}
