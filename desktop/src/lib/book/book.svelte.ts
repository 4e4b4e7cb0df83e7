/**
 * The book: the day in view, the cursor, what is in the hand, and the panel beside the grid.
 *
 * Holds state and renders nothing. The replica is the truth: after every change the day is read
 * again, and what arrives from other desks comes the same way. Only the newest day asked for is ever
 * shown.
 *
 * Start with `start`, then `press` for keys and `carryTo`/`drop` for the pointer.
 */
import { untrack } from "svelte";
import { asRefusal, type Backend } from "../backend/backend";
import type { ClientSummary } from "../backend/types/ClientSummary";
import type { DayView } from "../backend/types/DayView";
import type { PracticeView } from "../backend/types/PracticeView";
import type { SlotView } from "../backend/types/SlotView";
import type { VisitView } from "../backend/types/VisitView";
import { addDays, civilAt as civilNow, dateOf, minutesOfDay, timeOf, type Clock } from "../clock";
import type { Tell } from "../search/clients.svelte";
import { Attempt } from "./attempt.svelte";
import { BlockTime } from "./block-time.svelte";
import { Carry, lengthOf, type CarryFrom } from "./carry.svelte";
import { clock as sayMinute, onDay } from "./civil";
import { dayModel, type Block, type Mode, type Step } from "./day-model";
import { Draft, type Place } from "./draft.svelte";
import { FindFree } from "./find.svelte";
import {
	blockUnder,
	cellAt,
	cursorOn,
	meaning,
	settle,
	step,
	type Cursor,
	type Key,
} from "./keyboard";
import { roomOf, staffOf } from "./people";
import { holdsTime, nextState } from "./states";
import { TakenSlots, type Taken } from "./taken.svelte";
import { VisitPanel } from "./visit-panel.svelte";

export interface BookOptions extends Tell {
	readonly clock: Clock;
	/** Opens the review queue at a case. */
	openReview?(id: string): void;
}

/** A drop that the replica did not take at once. */
export interface Trouble {
	readonly attempt: Attempt;
	readonly carry: Carry;
}

export type Panel =
	| { readonly type: "booking"; readonly draft: Draft }
	| { readonly type: "visit"; readonly visit: VisitPanel }
	| { readonly type: "block"; readonly block: BlockTime }
	| { readonly type: "find"; readonly find: FindFree }
	| { readonly type: "trouble"; readonly trouble: Trouble };

/** What is drawn over the grid before anything is changed. */
export interface Ghost {
	readonly column: string;
	readonly minute: number;
	readonly minutes: number;
	readonly title: string;
	readonly state: "asking" | "free" | "warned" | "taken";
	readonly by: string;
	readonly floating: boolean;
}

/** Most minutes of a visit. */
const LONGEST = 24 * 60;

export class Book {
	practice = $state.raw<PracticeView>();
	location = $state("");
	date = $state("");
	day = $state.raw<DayView>();
	mode = $state<Mode>("staff");
	step = $state<Step>(15);
	hidden = $state.raw<ReadonlySet<string>>(new Set());
	showCancelled = $state(false);
	wholeDay = $state(false);
	cursor = $state.raw<Cursor>();
	carry = $state.raw<Carry>();
	panel = $state.raw<Panel>();
	/** A half-made booking whose panel was closed. */
	parked = $state.raw<Draft>();
	/** The clock of the site, to the minute. */
	now = $state("");
	/** Spoken by the live region of the grid. */
	spoken = $state("");
	/** Counts the wishes that the grid takes the focus. */
	focusWish = $state(0);

	readonly taken: TakenSlots;

	readonly model = $derived.by(() =>
		this.day && this.practice
			? dayModel(this.day, this.practice, {
					mode: this.mode,
					step: this.step,
					hidden: this.hidden,
					showCancelled: this.showCancelled,
					wholeDay: this.wholeDay,
				})
			: undefined,
	);

	readonly zone = $derived.by(
		() => this.practice?.locations.find((one) => one.id === this.location)?.zone ?? "Etc/UTC",
	);

	readonly ghost = $derived.by((): Ghost | undefined => {
		const carry = this.carry;
		if (carry) {
			return {
				column: carry.column,
				minute: carry.minute,
				minutes: carry.minutes,
				title: carry.visit?.details?.title ?? "",
				...this.#verdict(carry.check, carry.moved && carry.kind !== "create"),
				floating: true,
			};
		}
		if (this.panel?.type !== "booking") return undefined;
		const draft = this.panel.draft;
		if (draft.date !== this.date || draft.time === "") return undefined;
		const column = this.mode === "staff" ? draft.staff : draft.room;
		return {
			column,
			minute: draft.minuteOn(this.date),
			minutes: draft.length,
			title: draft.title,
			...this.#verdict(draft.check, draft.place !== undefined),
			floating: false,
		};
	});

	#loading = 0;
	#fresh: Promise<void> | undefined;
	#again = false;

	constructor(
		private readonly backend: Backend,
		private readonly options: BookOptions,
	) {
		this.taken = new TakenSlots(backend);
	}

	/** Listens to other desks and to the clock until the returned function is called. */
	listen(): () => void {
		const stop = this.backend.onEvent((event) => {
			this.taken.hear(event);
			if (event.type === "changed" && (event.schedule || event.records || event.practice)) {
				void this.refresh();
			}
		});
		const ticking = setInterval(() => {
			this.tick();
		}, 15_000);
		return () => {
			stop();
			clearInterval(ticking);
		};
	}

	async start(practice: PracticeView, location: string): Promise<void> {
		this.practice = practice;
		this.location = location;
		this.tick();
		await this.goTo(dateOf(this.now));
		this.cursorToNow();
	}

	usePractice(practice: PracticeView): void {
		this.practice = practice;
		this.#settleCursor();
	}

	tick(): void {
		this.now = civilNow(this.options.clock.now(), this.zone);
	}

	async goToSite(location: string): Promise<void> {
		this.location = location;
		this.hidden = new Set();
		this.cursor = undefined;
		this.carry = undefined;
		this.panel = undefined;
		this.tick();
		await this.goTo(this.date === "" ? dateOf(this.now) : this.date);
	}

	async goTo(date: string): Promise<void> {
		this.date = date;
		// A length belongs to the day where the visit is.
		if (this.carry?.kind === "resize") this.carry = undefined;
		await this.#load();
		if (this.carry) this.carry.to({ date });
	}

	/** Reads the day again; many wishes while one is under way become one more reading. */
	async refresh(): Promise<void> {
		if (this.#fresh) {
			this.#again = true;
			return this.#fresh;
		}
		this.#fresh = (async () => {
			do {
				this.#again = false;
				await this.#load();
				if (this.panel?.type === "visit") await this.panel.visit.load();
			} while (this.#again);
		})();
		await this.#fresh.finally(() => {
			this.#fresh = undefined;
		});
	}

	// Views and filters.

	setMode(mode: Mode): void {
		if (mode === this.mode) return;
		this.leave();
		this.mode = mode;
		this.hidden = new Set();
		this.cursor = undefined;
		this.#settleCursor();
	}

	setStep(minutes: Step): void {
		this.step = minutes;
		this.#settleCursor();
	}

	toggleColumn(id: string): void {
		const hidden = new Set(this.hidden);
		if (!hidden.delete(id)) hidden.add(id);
		this.hidden = hidden;
		this.#settleCursor();
	}

	showAll(): void {
		this.hidden = new Set();
		this.#settleCursor();
	}

	// The cursor and keys.

	cursorToNow(): void {
		const model = this.model;
		if (!model) return;
		const column = this.cursor?.column ?? model.columns[0]?.id ?? "";
		this.cursor = cellAt(model, column, minutesOfDay(this.now));
	}

	place(cursor: Cursor): void {
		this.cursor = cursor;
		if (this.carry?.by === "keyboard" && this.carry.kind === "move") this.#follow();
	}

	/** Carries out a key of the grid; `false` when it means nothing here. */
	press(event: Key, rightToLeft = false): boolean {
		const wish = meaning(event, rightToLeft);
		const model = this.model;
		if (!wish || !model) return false;
		switch (wish.type) {
			case "length":
				return this.lengthen(wish.rows);
			case "move":
				if (this.carry?.kind === "resize") {
					if (wish.direction === "down") this.lengthen(1);
					if (wish.direction === "up") this.lengthen(-1);
				} else if (this.cursor) {
					this.place(step(model, this.cursor, wish.direction, this.carry !== undefined));
				}
				return true;
			case "day":
				void this.goTo(addDays(this.date, wish.days));
				return true;
			case "now":
				void this.#goToNow();
				return true;
			case "escape":
				return this.leave();
			case "find":
				this.findFree();
				return true;
			case "new":
				this.newHere();
				return true;
			case "block":
				this.blockHere();
				return true;
			case "open":
				if (this.carry) void this.drop();
				else if (this.#visit) this.open(this.#visit);
				else this.newHere();
				return true;
			case "cut":
				this.cut();
				return true;
			case "advance":
				void this.advance();
				return true;
			case "cancel":
				this.askCancel();
				return true;
		}
	}

	// Booking.

	newHere(): void {
		this.openBooking(this.#placeHere());
	}

	newFor(client: ClientSummary): void {
		const draft = this.openBooking(this.#placeHere(), false);
		void draft?.pick(client);
	}

	newAt(slot: SlotView, service = "", minutes?: number): void {
		this.openBooking({
			date: dateOf(slot.start),
			time: timeOf(slot.start),
			staff: slot.staff,
			room: slot.room,
			...(service === "" ? { minutes } : { service }),
		});
	}

	/** Opens the booking panel; a parked booking goes on at the new place. */
	openBooking(place: Place, resume = true): Draft | undefined {
		if (!this.practice) return undefined;
		this.#park();
		const parked = resume ? this.parked : undefined;
		if (parked) parked.moveTo(place);
		const draft =
			parked ??
			new Draft(this.backend, this.practice, this.location, place, (reply) => {
				this.options.said(reply);
			});
		if (parked) this.parked = undefined;
		this.panel = { type: "booking", draft };
		return draft;
	}

	async book(draft: Draft): Promise<boolean> {
		const booking = draft.booking();
		const reply = await draft.book();
		if (!reply) return false;
		this.taken.remember(reply.id, booking);
		this.panel = undefined;
		if (draft.date === this.date) await this.refresh();
		else await this.goTo(draft.date);
		this.#cursorTo(reply.id);
		this.focusGrid();
		return true;
	}

	async rebook(taken: Taken, slot: SlotView): Promise<void> {
		const reply = await this.taken.rebook(taken, slot);
		if (!reply) return;
		this.options.said(reply);
		await this.goTo(dateOf(slot.start));
		this.#cursorTo(reply.id);
	}

	blockHere(): void {
		const cursor = this.cursor;
		if (!cursor) return;
		const place = { date: this.date, time: sayMinute(cursor.minute), resource: cursor.column };
		const block = new BlockTime(this.backend, this.location, place, (reply) => {
			this.options.said(reply);
		});
		this.panel = { type: "block", block };
	}

	async block(block: BlockTime): Promise<void> {
		const reply = await block.save();
		if (!reply) return;
		this.panel = undefined;
		await this.refresh();
		this.#cursorTo(reply.id);
		this.focusGrid();
	}

	findFree(): void {
		if (!this.practice) return;
		const here = `${this.date}T${sayMinute(this.cursor?.minute ?? 0)}`;
		const from = here > this.now ? here : this.now;
		const staff = this.mode === "staff" ? (this.cursor?.column ?? "") : "";
		const find = new FindFree(this.backend, this.practice, this.location, from, staff);
		this.panel = { type: "find", find };
		void find.look();
	}

	// Visits.

	open(visit: VisitView | string): void {
		const id = typeof visit === "string" ? visit : visit.id;
		const panel = new VisitPanel(this.backend, id, (reply) => {
			this.options.said(reply);
			void this.refresh();
		});
		this.#park();
		this.panel = { type: "visit", visit: panel };
		void panel.load();
	}

	async show(appointment: string, start: string, location?: string): Promise<void> {
		if (location !== undefined && location !== this.location) await this.goToSite(location);
		await this.goTo(dateOf(start));
		this.#cursorTo(appointment);
		this.open(appointment);
	}

	/** Check in, then with the vet, then done. */
	async advance(): Promise<void> {
		const visit = this.#visit;
		const state = visit && visit.kind === "visit" ? nextState(visit.state) : undefined;
		if (!visit || !state) return;
		try {
			this.options.said(
				await this.backend.execute({ type: "set_state", appointment: visit.id, state }),
			);
			await this.refresh();
		} catch (error) {
			this.options.refused(asRefusal(error));
		}
	}

	askCancel(): void {
		const visit = this.#visit;
		if (!visit || visit.state === "cancelled") return;
		this.open(visit);
		if (this.panel?.type === "visit") this.panel.visit.asked = true;
	}

	review(id: string): void {
		this.options.openReview?.(id);
	}

	// Carrying.

	/** Takes the visit under the cursor into the hand. */
	cut(visit: VisitView | undefined = this.#visit): void {
		const column = this.cursor?.column;
		if (!visit || column === undefined || !holdsTime(visit)) return;
		this.pickUp({
			kind: "move",
			by: "keyboard",
			visit,
			column: this.#columnOf(visit) ?? column,
			minute: onDay(visit.start, this.date),
			minutes: lengthOf(visit),
		});
		this.panel = undefined;
		if (this.cursor) this.cursor = { column, minute: this.cursor.minute };
		this.focusGrid();
	}

	/** One row more or less for the visit under the cursor; Enter keeps it. */
	lengthen(rows: 1 | -1): boolean {
		const model = this.model;
		if (!model) return false;
		if (!this.carry) {
			const block = this.cursor && blockUnder(model, this.cursor);
			// As by pointer: the stretch before a gap has no end to pull.
			if (!block || block.gap || !holdsTime(block.visit)) return false;
			this.pickUp({
				kind: "resize",
				by: "keyboard",
				visit: block.visit,
				column: block.column,
				minute: onDay(block.visit.start, this.date),
				minutes: lengthOf(block.visit),
			});
			this.#park();
			this.panel = undefined;
		}
		const carry = this.carry;
		if (carry?.kind !== "resize" || carry.by !== "keyboard") return false;
		// Onto the rows of the grid, and never to nothing.
		const { step } = model;
		const end = carry.minute + carry.minutes;
		const next =
			rows > 0 ? (Math.floor(end / step) + 1) * step : (Math.ceil(end / step) - 1) * step;
		if (next > carry.minute) carry.to({ minutes: Math.min(next - carry.minute, LONGEST) });
		return true;
	}

	/** Gives a visit this length, as typed in its panel. */
	async resizeTo(visit: VisitView, minutes: number): Promise<void> {
		const column = this.#columnOf(visit) ?? "";
		const minute = onDay(visit.start, this.date);
		const from = { column, minute, minutes: lengthOf(visit), visit };
		const carry = this.pickUp({ kind: "resize", by: "keyboard", ...from });
		carry?.to({ minutes: Math.round(minutes) });
		await this.drop();
	}

	pickUp(from: CarryFrom): Carry | undefined {
		if (!this.practice) return undefined;
		this.carry = new Carry(this.backend, this.practice, this.location, this.mode, this.date, from);
		return this.carry;
	}

	/** Puts down what is in the hand: a move, a resize, or a new booking. */
	async drop(): Promise<void> {
		const carry = this.carry;
		this.carry = undefined;
		if (!carry) return;
		if (carry.kind === "create") {
			this.openBooking({
				date: this.date,
				time: sayMinute(carry.minute),
				minutes: carry.minutes,
				...this.#columnAs(carry.column),
			});
			return;
		}
		await this.#move({ attempt: new Attempt(this.backend), carry });
	}

	/** Tries a refused move again, with what the person has said since. */
	async retry(trouble: Trouble, slot?: SlotView): Promise<void> {
		await this.#move(trouble, slot);
	}

	/** Escape: out of the hand, then the panel, then the filter. */
	leave(): boolean {
		if (this.carry) {
			this.carry = undefined;
			return true;
		}
		if (this.panel) {
			this.closePanel();
			return true;
		}
		if (this.hidden.size > 0) {
			this.showAll();
			return true;
		}
		return false;
	}

	closePanel(): void {
		this.#park();
		this.panel = undefined;
		this.focusGrid();
	}

	focusGrid(): void {
		this.focusWish += 1;
	}

	// Inside.

	get #visit(): VisitView | undefined {
		const model = this.model;
		return model && this.cursor ? blockUnder(model, this.cursor)?.visit : undefined;
	}

	#park(): void {
		if (this.panel?.type === "booking" && this.panel.draft.begun) this.parked = this.panel.draft;
	}

	async #load(): Promise<void> {
		const loading = ++this.#loading;
		const { location, date } = this;
		// Nothing to read before there is a site: a computer that waits for its keys knows of none.
		if (location === "" || date === "") return;
		try {
			const day = await this.backend.query({ type: "day", location, date });
			if (loading !== this.#loading) return;
			this.day = day;
			this.#settleCursor();
		} catch (error) {
			if (loading === this.#loading) this.options.refused(asRefusal(error));
		}
	}

	async #goToNow(): Promise<void> {
		this.tick();
		if (this.date !== dateOf(this.now)) await this.goTo(dateOf(this.now));
		this.cursorToNow();
	}

	async #move({ attempt, carry }: Trouble, slot?: SlotView): Promise<void> {
		const wish = carry.wish();
		if (!wish) return;
		const there = slot
			? {
					...wish,
					start: slot.start.slice(0, 16),
					staff: slot.staff,
					...(slot.room === undefined ? {} : { room: slot.room }),
				}
			: wish;
		const reply = await attempt.run({ type: "move", ...there });
		if (!reply) {
			this.panel = { type: "trouble", trouble: { attempt, carry } };
			return;
		}
		this.options.said(reply);
		if (this.panel?.type === "trouble") this.panel = undefined;
		if (slot && dateOf(slot.start) !== this.date) await this.goTo(dateOf(slot.start));
		else await this.refresh();
		this.#cursorTo(wish.appointment);
		this.focusGrid();
	}

	#verdict(
		check: { seen?: unknown; busy: boolean } & Pick<Draft["check"], "seen" | "refusal">,
		asked: boolean,
	): Pick<Ghost, "state" | "by"> {
		if (!asked) return { state: "free", by: "" };
		const { seen, refusal } = check;
		if (refusal) return { state: "taken", by: refusal.message };
		if (!seen) return { state: "asking", by: "" };
		if (seen.clashes.length > 0) {
			const claims = new Set(seen.clashes.flatMap((clash) => clash.claims));
			const names = (this.day?.visits ?? [])
				.filter((visit) => claims.has(visit.id) && visit.id !== this.carry?.visit?.id)
				.map((visit) => visit.details?.title ?? "")
				.filter((name) => name !== "");
			return { state: "taken", by: [...new Set(names)].join(", ") };
		}
		return { state: seen.warnings.length > 0 ? "warned" : "free", by: "" };
	}

	#follow(): void {
		const { carry, cursor } = this;
		if (carry && cursor) carry.to({ column: cursor.column, minute: cursor.minute });
	}

	#settleCursor(): void {
		untrack(() => {
			if (this.model) this.cursor = settle(this.model, this.cursor);
		});
	}

	#cursorTo(appointment: string): void {
		const block = this.#blocks().find((one) => one.visit.id === appointment);
		if (block && this.model) this.cursor = cursorOn(this.model, block);
	}

	#blocks(): Block[] {
		return (this.model?.columns ?? []).flatMap((column) => column.blocks);
	}

	#placeHere(): Place {
		const minute = this.cursor?.minute ?? minutesOfDay(this.now);
		const column = this.cursor?.column;
		return {
			date: this.date,
			time: sayMinute(minute),
			...(column === undefined ? {} : this.#columnAs(column)),
		};
	}

	#columnAs(column: string): Pick<Place, "staff" | "room"> {
		return this.mode === "staff" ? { staff: column } : { room: column };
	}

	#columnOf(visit: VisitView): string | undefined {
		if (!this.practice) return undefined;
		return this.mode === "staff" ? staffOf(visit, this.practice) : roomOf(visit, this.practice);
	}
}
