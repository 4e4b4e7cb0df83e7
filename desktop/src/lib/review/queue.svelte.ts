/**
 * Clashes and the like that wait for a person, read like mail. Holds state, renders nothing.
 *
 * A decision is one command and can be undone; whoever is moved or cancelled by it goes on the list
 * of calls to make. That list lives in memory only: it holds names and phone numbers.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { Command } from "../backend/types/Command";
import type { Refusal } from "../backend/types/Refusal";
import type { ReviewView } from "../backend/types/ReviewView";
import type { ReviewVisit } from "../backend/types/ReviewVisit";
import type { SlotView } from "../backend/types/SlotView";
import type { VerdictWish } from "../backend/types/VerdictWish";
import type { VisitState } from "../backend/types/VisitState";
import { sayTime } from "../book/civil";
import { words } from "../book/messages";
import { titleOf } from "../book/states";
import type { Tell } from "../search/clients.svelte";
import { cancelThis, keepThis, letAllStand, mayCancel, mayOverlap, moveThis } from "./verdicts";

/** Someone to call after a decision. */
export interface Call {
	readonly appointment: string;
	readonly who: string;
	readonly phone: string;
	/** In words: moved from where to where, or cancelled. */
	readonly what: string;
	readonly decision: string;
}

interface Taken {
	readonly decision: string;
	readonly step: number | undefined;
}

export class ReviewQueue {
	reviews = $state.raw<readonly ReviewView[]>([]);
	selected = $state<string>();
	/** Which visit of the case the keys speak of. */
	focused = $state(0);
	/** Which alternative of which visit is chosen. */
	slots = $state.raw<Readonly<Record<number, number>>>({});
	reason = $state("");
	calls = $state.raw<readonly Call[]>([]);
	refusal = $state.raw<Refusal>();
	busy = $state(false);
	loaded = $state(false);

	readonly count = $derived(this.reviews.length);
	readonly current = $derived(this.reviews.find((one) => one.id === this.selected));
	readonly mayUndo = $derived.by(() => this.#decided.length > 0);

	#decided = $state.raw<readonly Taken[]>([]);
	#loading = 0;

	constructor(
		private readonly backend: Backend,
		private readonly tell: Tell,
	) {}

	listen(): () => void {
		return this.backend.onEvent((event) => {
			if (event.type === "changed" && (event.schedule || event.records)) void this.load();
		});
	}

	async load(): Promise<void> {
		const loading = ++this.#loading;
		try {
			const { reviews } = await this.backend.query({ type: "reviews" });
			if (loading !== this.#loading) return;
			const at = this.reviews.findIndex((one) => one.id === this.selected);
			this.reviews = reviews;
			this.loaded = true;
			if (reviews.some((one) => one.id === this.selected)) return;
			// The case is settled: go on with the one that took its place.
			this.select(reviews[Math.min(Math.max(at, 0), reviews.length - 1)]?.id);
		} catch (error) {
			this.tell.refused(asRefusal(error));
		}
	}

	select(id: string | undefined): void {
		if (id === this.selected) return;
		this.selected = id;
		this.focused = 0;
		this.slots = {};
		this.reason = "";
		this.refusal = undefined;
	}

	step(by: number): void {
		const at = this.reviews.findIndex((one) => one.id === this.selected);
		const next = this.reviews[Math.min(Math.max(at + by, 0), this.reviews.length - 1)];
		if (next) this.select(next.id);
	}

	focus(index: number): void {
		const count = this.current?.visits.length ?? 0;
		if (count > 0) this.focused = (index + count) % count;
	}

	chooseSlot(visit: number, slot: number): void {
		this.slots = { ...this.slots, [visit]: slot };
	}

	slotOf(index: number): SlotView | undefined {
		return this.current?.visits[index]?.alternatives[this.slots[index] ?? 0];
	}

	// One key each.

	async apply(): Promise<void> {
		const suggestion = this.current?.suggestion;
		if (suggestion) await this.decide(suggestion.verdicts);
	}

	async keep(index = this.focused): Promise<void> {
		const states = this.current?.states;
		if (states) await this.say(states.stands);
		else if (this.current) await this.decide(keepThis(this.current, index));
	}

	async move(index = this.focused): Promise<void> {
		const slot = this.slotOf(index);
		if (this.current && !this.current.states && slot)
			await this.decide(moveThis(this.current, index, slot));
	}

	async cancel(index = this.focused): Promise<void> {
		if (!this.current) return;
		if (this.current.states?.next.includes("cancelled")) await this.say("cancelled");
		else if (mayCancel(this.current, index)) await this.decide(cancelThis(this.current, index));
	}

	async overlap(): Promise<void> {
		if (this.current && mayOverlap(this.current)) await this.decide(letAllStand(this.current));
	}

	/** Says how far the visit has come: no decision, a state settles such a case. */
	async say(state: VisitState): Promise<void> {
		const review = this.current;
		const visit = review?.visits[0]?.visit;
		if (!review?.states || !visit) return;
		await this.#answer(review, { type: "set_state", appointment: visit.id, state }, () =>
			state === "cancelled" ? [{ type: "cancel", appointment: visit.id }] : [],
		);
	}

	async decide(verdicts: readonly VerdictWish[]): Promise<void> {
		const review = this.current;
		if (!review || verdicts.length === 0 || !review.may_decide) return;
		const reason = this.reason.trim() || null;
		await this.#answer(review, { type: "decide", verdicts: [...verdicts], reason }, () => verdicts);
	}

	async #answer(
		review: ReviewView,
		command: Command,
		told: () => readonly VerdictWish[],
	): Promise<void> {
		if (this.busy) return;
		this.busy = true;
		this.refusal = undefined;
		try {
			const reply = await this.backend.execute(command);
			// States that met cannot meet again: to confirm the one that stands is not taken back.
			if (command.type !== "set_state" || command.state !== review.states?.stands)
				this.#decided = [...this.#decided, { decision: reply.id, step: reply.undo }];
			this.calls = [...this.calls, ...callsOf(review, told(), reply.id)];
			this.tell.said(reply);
			await this.load();
		} catch (error) {
			this.refusal = asRefusal(error);
		} finally {
			this.busy = false;
		}
	}

	/** Takes back the last decision of this session, with the calls it asked for. */
	async undo(): Promise<void> {
		const last = this.#decided.at(-1);
		if (!last) return;
		try {
			this.tell.said(
				await this.backend.execute({
					type: "undo",
					...(last.step === undefined ? {} : { step: last.step }),
				}),
			);
			this.#decided = this.#decided.slice(0, -1);
			this.calls = this.calls.filter((call) => call.decision !== last.decision);
			await this.load();
		} catch (error) {
			this.refusal = asRefusal(error);
		}
	}

	called(call: Call): void {
		this.calls = this.calls.filter((one) => one !== call);
	}

	/** Carries out a key; `false` when it means nothing here. */
	press(event: { key: string; ctrlKey: boolean; altKey: boolean; metaKey: boolean }): boolean {
		if (event.ctrlKey || event.altKey || event.metaKey) return false;
		const act = this.#act(event.key.length === 1 ? event.key.toLowerCase() : event.key);
		if (!act) return false;
		act();
		return true;
	}

	#act(key: string): (() => void) | undefined {
		switch (key) {
			case "j":
			case "ArrowDown":
				return () => this.step(1);
			case "ArrowUp":
				return () => this.step(-1);
			case "ArrowRight":
				return () => this.focus(this.focused + 1);
			case "ArrowLeft":
				return () => this.focus(this.focused - 1);
			case "1":
				return () => void this.apply();
			case "k":
				return () => void this.keep();
			case "m":
				return () => void this.move();
			case "o":
				return () => void this.overlap();
			case "x":
				return () => void this.cancel();
			case "u":
				return () => void this.undo();
			default:
				return undefined;
		}
	}
}

/** What `K` does to everyone, in words. */
export function sayKeep(review: ReviewView, index: number): string[] {
	if (!review.states) return keepThis(review, index).map((one) => sayVerdict(one, review));
	const visit = review.visits[0]?.visit;
	const who = visit ? titleOf(visit) : words.visit;
	return [words.review.sayStays(who, words.state[review.states.stands])];
}

/** Why there is no suggestion, by kind of case. */
export function sayNoSuggestion({ kind, states }: ReviewView): string {
	if (states) {
		const said = states.said.map((one) => `“${words.state[one]}”`).join(words.review.and);
		return words.review.saidOf(said, words.state[states.stands]);
	}
	if (kind === "acts") return words.review.justKnow;
	return kind === "two_places" ? words.review.noPlace : words.review.noSuggestion;
}

/** A verdict in words, by the names in the case. */
export function sayVerdict(verdict: VerdictWish, review: ReviewView): string {
	if (verdict.type === "allow_overlap") return words.review.overlaps;
	const found = review.visits.find((one) => one.visit.id === verdict.appointment);
	const who = found ? titleOf(found.visit) : words.visit;
	switch (verdict.type) {
		case "keep":
			return words.review.keeps(who);
		case "cancel":
			return words.review.cancels(who);
		case "move":
			return words.review.moves(who, sayTime(verdict.start), personOf(verdict, found));
	}
}

/** Whom a move leads to, where the time alone would not tell: another person than before. */
function personOf(
	verdict: VerdictWish & { type: "move" },
	found: ReviewVisit | undefined,
): string | undefined {
	if (!found || !verdict.staff) return undefined;
	if (found.visit.parts.some((part) => part.resource === verdict.staff)) return undefined;
	return found.alternatives.find((slot) => slot.staff === verdict.staff)?.staff_name;
}

function callsOf(review: ReviewView, verdicts: readonly VerdictWish[], decision: string): Call[] {
	return verdicts.flatMap((verdict) => {
		if (verdict.type !== "cancel" && verdict.type !== "move") return [];
		const found = review.visits.find(({ visit }) => visit.id === verdict.appointment);
		if (!found || found.visit.kind !== "visit") return [];
		return [{ ...callFor(found, verdict), decision }];
	});
}

function callFor({ visit }: ReviewVisit, verdict: VerdictWish): Omit<Call, "decision"> {
	const from = sayTime(visit.start);
	return {
		appointment: visit.id,
		who: titleOf(visit),
		phone: visit.details?.phone ?? "",
		what:
			verdict.type === "move"
				? words.review.callMoved(from, sayTime(verdict.start))
				: words.review.callCancelled(from),
	};
}
