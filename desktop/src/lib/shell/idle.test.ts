import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IdleLock } from "./idle.svelte";

const start = Date.parse("2026-03-04T08:00:00Z");
let now: number;
let kept: Map<string, string>;
let locked: ReturnType<typeof vi.fn<() => void>>;
let heard: string[];
let stop: () => void;

const clock = { now: () => new Date(now) };
const store = {
	getItem: (key: string) => kept.get(key) ?? null,
	setItem: (key: string, value: string) => void kept.set(key, value),
};
const hear = (event: Event) => heard.push((event as KeyboardEvent).key);

function watch(): IdleLock {
	const idle = new IdleLock(clock, store);
	stop = idle.listen(locked);
	window.addEventListener("keydown", hear);
	return idle;
}

/** Time goes by, second by second. */
function wait(seconds: number): void {
	for (let second = 0; second < seconds; second += 1) {
		now += 1000;
		vi.advanceTimersByTime(1000);
	}
}

const press = (key: string) =>
	window.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));

beforeEach(() => {
	vi.useFakeTimers();
	now = start;
	kept = new Map();
	locked = vi.fn<() => void>();
	heard = [];
});
afterEach(() => {
	stop();
	window.removeEventListener("keydown", hear);
	vi.useRealTimers();
});

describe("locking by itself", () => {
	it("warns after four minutes and locks after five, once", () => {
		const idle = watch();
		wait(239);
		expect(idle.left).toBeUndefined();
		wait(1);
		expect(idle.left).toBe(60);
		wait(59);
		expect(idle.left).toBe(1);
		expect(locked).not.toHaveBeenCalled();
		wait(1);
		expect(locked).toHaveBeenCalledOnce();
		wait(10);
		expect(locked).toHaveBeenCalledOnce();
	});

	it("begins anew with every key and movement, and passes them on", () => {
		const idle = watch();
		wait(230);
		press("n");
		expect(heard).toEqual(["n"]);
		wait(230);
		window.dispatchEvent(new Event("pointermove"));
		wait(230);
		expect(idle.left).toBeUndefined();
		expect(locked).not.toHaveBeenCalled();
	});

	it("takes the key that ends the warning for itself", () => {
		const idle = watch();
		wait(250);
		expect(press("x")).toBe(false);
		expect(heard).toEqual([]);
		expect(idle.left).toBeUndefined();
		wait(230);
		expect(idle.left).toBeUndefined();
		expect(locked).not.toHaveBeenCalled();
	});

	it("locks a computer that slept too long before its first key does anything", () => {
		watch();
		wait(5);
		now += 8 * 3600 * 1000;
		press("x");
		expect(locked).toHaveBeenCalledOnce();
		expect(heard).toEqual([]);
	});

	it("is not put off by a clock that is set back, and passes the key on", () => {
		watch();
		wait(10);
		now -= 3600 * 1000;
		press("n");
		expect(heard).toEqual(["n"]);
		wait(300);
		expect(locked).toHaveBeenCalledOnce();
	});

	it("keeps the choice on this computer, and never is never", () => {
		watch().choose(0);
		wait(7200);
		expect(locked).not.toHaveBeenCalled();
		expect(new IdleLock(clock, store).minutes).toBe(0);
		kept.set("lock-after-minutes", "7");
		expect(new IdleLock(clock, store).minutes).toBe(5);
	});

	it("ends with the desk", () => {
		watch();
		stop();
		wait(600);
		expect(locked).not.toHaveBeenCalled();
	});

	it("locks for good when the computer has slept, however short", () => {
		let awake = 0;
		const idle = new IdleLock({ ...clock, steady: () => awake }, store);
		const slept = vi.fn<() => void>();
		stop = idle.listen(locked, window, slept);
		for (let second = 0; second < 20; second += 1) {
			awake += 1000;
			wait(1);
		}
		expect(slept).not.toHaveBeenCalled();
		now += 30_000;
		awake += 1000;
		vi.advanceTimersByTime(1000);
		expect(slept).toHaveBeenCalledOnce();
		expect(locked).not.toHaveBeenCalled();
		// Also where it never locks by itself, and a clock set back is no sleep.
		idle.choose(0);
		now -= 3_600_000;
		vi.advanceTimersByTime(1000);
		expect(slept).toHaveBeenCalledOnce();
		now += 60_000;
		vi.advanceTimersByTime(1000);
		expect(slept).toHaveBeenCalledTimes(2);
	});
});
