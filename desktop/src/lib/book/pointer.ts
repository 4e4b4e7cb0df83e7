/**
 * The pointer on the day grid: click, drag to move, drag an edge to resize, drag over empty time to
 * draw a booking.
 *
 * Pointer Events only. Positions are worked out once a frame from one rectangle; the grid is never
 * laid out in between. Nothing is taken up before the pointer has moved a few pixels, so a click
 * stays a click.
 */
import type { Book } from "./book.svelte";
import { lengthOf } from "./carry.svelte";
import { onDay } from "./civil";
import type { Block, DayModel } from "./day-model";
import { cellAt, cursorOn } from "./keyboard";
import { holdsTime } from "./states";

const SLACK = 4;
const EDGE = 36;
const SCROLL = 14;

export interface Surroundings {
	model(): DayModel;
	book(): Book;
	/** The element that holds the columns, as tall as the axis. */
	body(): HTMLElement;
	scroller(): HTMLElement;
}

interface Press {
	readonly pointer: number;
	readonly x: number;
	readonly y: number;
	readonly minute: number;
	readonly column: string;
	readonly block: Block | undefined;
	readonly resize: boolean;
	/** How far below its start a visit was taken. */
	readonly grip: number;
	started: boolean;
}

export class GridPointer {
	#press: Press | undefined;
	#last: { x: number; y: number } | undefined;
	#frame = 0;

	constructor(private readonly around: Surroundings) {}

	down(event: PointerEvent): void {
		if (event.button !== 0 || !event.isPrimary || !(event.target instanceof Element)) return;
		const column = event.target.closest<HTMLElement>("[data-column]")?.dataset["column"];
		if (column === undefined) return;
		const block = this.#block(event.target.closest<HTMLElement>("[data-block]"), column);
		const minute = this.#minuteAt(event.clientY);
		const model = this.around.model();
		const start = block ? onDay(block.visit.start, model.date) : minute;
		this.#press = {
			pointer: event.pointerId,
			x: event.clientX,
			y: event.clientY,
			minute,
			column,
			block,
			resize: this.#atEnd(event.target.closest<HTMLElement>("[data-block]"), event.clientY),
			grip: minute - start,
			started: false,
		};
	}

	move(event: PointerEvent): void {
		const press = this.#press;
		if (!press || event.pointerId !== press.pointer) return;
		if (!press.started) {
			if (Math.hypot(event.clientX - press.x, event.clientY - press.y) < SLACK) return;
			if (!this.#start(press)) {
				this.#press = undefined;
				return;
			}
			this.around.scroller().setPointerCapture(event.pointerId);
		}
		event.preventDefault();
		this.#last = { x: event.clientX, y: event.clientY };
		if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#follow());
	}

	up(event: PointerEvent): void {
		const press = this.#press;
		if (!press || event.pointerId !== press.pointer) return;
		if (press.started) {
			this.#last = { x: event.clientX, y: event.clientY };
			this.#follow();
		}
		this.stop();
		const book = this.around.book();
		if (press.started) {
			if (book.carry) void book.drop();
			return;
		}
		this.#click(press);
	}

	/** A double click on empty time books there. */
	double(event: MouseEvent): void {
		if (!(event.target instanceof Element) || event.target.closest("[data-block]")) return;
		if (event.target.closest("[data-column]")) this.around.book().newHere();
	}

	cancel(): void {
		if (this.#press?.started) this.around.book().leave();
		this.stop();
	}

	stop(): void {
		cancelAnimationFrame(this.#frame);
		this.#frame = 0;
		this.#press = undefined;
		this.#last = undefined;
	}

	#click(press: Press): void {
		const book = this.around.book();
		const model = this.around.model();
		if (book.carry?.kind === "resize") {
			// A length chosen by keys is kept by Enter only.
			book.leave();
		} else if (book.carry) {
			// A cut visit is also placed by a click.
			book.place(cellAt(model, press.column, press.minute));
			book.carry.to({ column: press.column, minute: this.#floor(press.minute) });
			void book.drop();
			return;
		}
		if (press.block) {
			book.place(cursorOn(model, press.block));
			book.open(press.block.visit);
			return;
		}
		book.place(cellAt(model, press.column, press.minute));
		book.focusGrid();
	}

	#start(press: Press): boolean {
		const book = this.around.book();
		const model = this.around.model();
		const visit = press.block?.visit;
		if (visit && !holdsTime(visit)) return false;
		press.started = true;
		if (!visit) {
			const minute = this.#floor(press.minute);
			book.pickUp({
				kind: "create",
				by: "pointer",
				column: press.column,
				minute,
				minutes: model.step,
			});
			return true;
		}
		book.pickUp({
			kind: press.resize ? "resize" : "move",
			by: "pointer",
			visit,
			column: press.column,
			minute: onDay(visit.start, model.date),
			minutes: lengthOf(visit),
		});
		return true;
	}

	#follow(): void {
		cancelAnimationFrame(this.#frame);
		this.#frame = 0;
		const { carry } = this.around.book();
		const press = this.#press;
		const at = this.#last;
		if (!press || !at) return;
		if (!carry) {
			// Escape has put it back while the button was still down.
			this.stop();
			return;
		}
		const minute = this.#minuteAt(at.y);
		const { step } = this.around.model();
		if (carry.kind === "resize") {
			const end = Math.max(carry.minute + step, Math.round(minute / step) * step);
			carry.to({ minutes: end - carry.minute });
		} else if (carry.kind === "create") {
			const from = this.#floor(Math.min(press.minute, minute));
			const until = this.#floor(Math.max(press.minute, minute)) + step;
			carry.to({ minute: from, minutes: until - from });
		} else {
			const start = Math.round((minute - press.grip) / step) * step;
			carry.to({ column: this.#columnAt(at.x) ?? carry.column, minute: this.#within(start) });
		}
		this.#scroll(at);
	}

	/** Near an edge the grid scrolls along, for as long as the pointer stays there. */
	#scroll(at: { x: number; y: number }): void {
		const scroller = this.around.scroller();
		const box = scroller.getBoundingClientRect();
		const down = pull(at.y, box.top + EDGE, box.bottom);
		const across = pull(at.x, box.left + EDGE, box.right);
		if (down === 0 && across === 0) return;
		const before = scroller.scrollTop + scroller.scrollLeft;
		scroller.scrollBy(across, down);
		if (scroller.scrollTop + scroller.scrollLeft !== before) {
			this.#frame = requestAnimationFrame(() => this.#follow());
		}
	}

	#minuteAt(y: number): number {
		const box = this.around.body().getBoundingClientRect();
		const model = this.around.model();
		const share = box.height === 0 ? 0 : (y - box.top) / box.height;
		return model.from + share * (model.until - model.from);
	}

	#columnAt(x: number): string | undefined {
		for (const column of this.around.body().querySelectorAll<HTMLElement>("[data-column]")) {
			const box = column.getBoundingClientRect();
			if (x >= box.left && x < box.right) return column.dataset["column"];
		}
		return undefined;
	}

	/** On the lower edge, down to its last pixel, which is the border around the handle. */
	#atEnd(block: HTMLElement | null, y: number): boolean {
		const handle = block?.querySelector("[data-handle]");
		return handle != null && y >= handle.getBoundingClientRect().top;
	}

	#block(element: HTMLElement | null, column: string): Block | undefined {
		const key = element?.dataset["block"];
		const found = this.around.model().columns.find((one) => one.id === column);
		return key === undefined ? undefined : found?.blocks.find((block) => block.key === key);
	}

	#floor(minute: number): number {
		const { step } = this.around.model();
		return this.#within(Math.floor(minute / step) * step);
	}

	#within(minute: number): number {
		const model = this.around.model();
		return Math.min(Math.max(minute, model.from), model.until - model.step);
	}
}

function pull(at: number, low: number, high: number): number {
	if (at < low + EDGE / 2) return -SCROLL;
	return at > high - EDGE ? SCROLL : 0;
}
