/**
 * Locks a computer that nobody uses, with a warning one minute before.
 *
 * Time is measured against the clock and not counted in ticks: a computer that slept past its time
 * is locked by the first tick or the first key after it wakes, before that key does anything. Where
 * the clock tells that it slept at all, it is locked for good: whoever wakes it may be anybody. How
 * long it may stand is kept on this computer.
 *
 * Start with `listen`, which holds as long as the desk is open.
 */
import type { Clock } from "../clock";

/** Minutes without input to choose from; 0 is never. */
export const IDLE_CHOICES = [2, 5, 10, 15, 30, 60, 0] as const;
export type IdleMinutes = (typeof IDLE_CHOICES)[number];

export const IDLE_USUAL: IdleMinutes = 5;
const WARNING_SECONDS = 60;
/** The two clocks differ by more only after a sleep, or when somebody set the clock. */
const SLEPT_MS = 5_000;
const KEPT = "lock-after-minutes";
const ACTS = ["keydown", "pointerdown"] as const;
const MOVEMENTS = ["pointermove", "wheel"] as const;

export class IdleLock {
	minutes = $state<IdleMinutes>(IDLE_USUAL);
	/** Seconds until it locks, once the warning stands. */
	left = $state<number>();

	#last: number;
	#onlock: (() => void) | undefined;
	#onsleep: (() => void) | undefined;
	/** What the clock says beyond the time that this computer was awake. */
	#beyond: number | undefined;

	constructor(
		private readonly clock: Clock,
		private readonly store: Pick<Storage, "getItem" | "setItem"> = localStorage,
	) {
		const kept = store.getItem(KEPT);
		this.minutes = IDLE_CHOICES.find((one) => String(one) === kept) ?? IDLE_USUAL;
		this.#last = clock.now().getTime();
	}

	choose(minutes: IdleMinutes): void {
		this.minutes = minutes;
		this.store.setItem(KEPT, String(minutes));
		this.touch();
	}

	/** Watches a window and the clock until the returned function is called. */
	listen(onlock: () => void, target: EventTarget = window, onsleep = onlock): () => void {
		this.#onlock = onlock;
		this.#onsleep = onsleep;
		this.#beyond = undefined;
		this.touch();
		const input = (event: Event) => this.#input(event);
		// First of all listeners, so that nothing else hears a key that comes too late.
		for (const act of ACTS) target.addEventListener(act, input, { capture: true });
		for (const movement of MOVEMENTS)
			target.addEventListener(movement, input, { capture: true, passive: true });
		const ticking = setInterval(() => this.tick(), 1000);
		return () => {
			this.#onlock = undefined;
			this.#onsleep = undefined;
			clearInterval(ticking);
			for (const sign of [...ACTS, ...MOVEMENTS])
				target.removeEventListener(sign, input, { capture: true });
		};
	}

	/** Somebody is here. */
	touch(): void {
		this.#last = this.clock.now().getTime();
		this.left = undefined;
	}

	/** Looks at the clock; says whether the time was over. */
	tick(): boolean {
		if (this.#slept()) {
			this.touch();
			this.#onsleep?.();
			return true;
		}
		if (this.minutes === 0 || !this.#onlock) return false;
		const now = this.clock.now().getTime();
		// A clock that was set back must not keep the desk open for longer.
		if (now < this.#last) this.#last = now;
		const left = Math.ceil((this.#last + this.minutes * 60_000 - now) / 1000);
		if (left > WARNING_SECONDS) {
			this.left = undefined;
			return false;
		}
		this.left = Math.max(0, left);
		if (left > 0) return false;
		const lock = this.#onlock;
		// Once; a lock that was refused is tried again after the same time.
		this.touch();
		lock();
		return true;
	}

	#slept(): boolean {
		const steady = this.clock.steady?.();
		if (steady === undefined || !this.#onsleep) return false;
		const beyond = this.clock.now().getTime() - steady;
		const before = this.#beyond ?? beyond;
		this.#beyond = beyond;
		return beyond - before > SLEPT_MS;
	}

	#input(event: Event): void {
		const late = this.tick();
		const awaited = this.left !== undefined && event.type === "keydown";
		if (late || awaited) {
			// The key that says "I am here" says nothing to the book.
			if (event.type === "keydown") event.preventDefault();
			event.stopImmediatePropagation();
		}
		this.touch();
	}
}
