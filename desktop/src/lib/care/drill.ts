/**
 * When the desk asks to try the recovery words: quietly, and not again for two weeks once somebody
 * said "not now". Kept on this computer.
 */
const KEY = "drill-later";
const PAUSE = 14 * 24 * 60 * 60 * 1000;

/** Not now. */
export function later(now: Date): void {
	localStorage.setItem(KEY, now.toISOString());
}

/** Whether somebody said so lately. */
export function askedLater(now: Date): boolean {
	const at = Date.parse(localStorage.getItem(KEY) ?? "");
	const since = now.getTime() - at;
	return since >= 0 && since < PAUSE;
}
