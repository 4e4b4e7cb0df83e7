/**
 * Visits of this desk that lost their slot to another desk a moment ago, with the next best slots.
 *
 * One click books again what was withdrawn: from what this desk sent if it is still in memory,
 * otherwise from the details of the withdrawn visit.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { Booking } from "../backend/types/Booking";
import type { Event } from "../backend/types/Event";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";
import type { SlotView } from "../backend/types/SlotView";

export interface Taken {
	readonly appointment: string;
	readonly title: string;
	readonly alternatives: readonly SlotView[];
	readonly refusal?: Refusal;
}

const REMEMBERED = 50;

export class TakenSlots {
	list = $state.raw<readonly Taken[]>([]);

	readonly #sent = new Map<string, Booking>();

	constructor(private readonly backend: Backend) {}

	/** Keeps what was booked, so that it can be booked again elsewhere. */
	remember(appointment: string, booking: Booking): void {
		this.#sent.set(appointment, booking);
		const oldest = this.#sent.keys().next().value;
		if (this.#sent.size > REMEMBERED && oldest !== undefined) this.#sent.delete(oldest);
	}

	hear(event: Event): void {
		if (event.type !== "just_taken") return;
		const { appointment, title, alternatives } = event;
		this.list = [
			...this.list.filter((one) => one.appointment !== appointment),
			{ appointment, title, alternatives },
		];
	}

	dismiss(appointment: string): void {
		this.list = this.list.filter((one) => one.appointment !== appointment);
	}

	/** Books the lost visit at a slot; a slot lost as well brings fresh ones. */
	async rebook(taken: Taken, slot: SlotView): Promise<Reply | undefined> {
		try {
			const booking = {
				...(await this.#booking(taken.appointment)),
				start: slot.start.slice(0, 16),
				staff: slot.staff,
				room: slot.room ?? null,
				despite_warnings: true,
			};
			const reply = await this.backend.execute({ type: "book", ...booking });
			this.remember(reply.id, booking);
			this.dismiss(taken.appointment);
			return reply;
		} catch (error) {
			const refusal = asRefusal(error);
			this.list = this.list.map((one) =>
				one.appointment === taken.appointment
					? { ...one, alternatives: refusal.alternatives ?? one.alternatives, refusal }
					: one,
			);
			return undefined;
		}
	}

	async #booking(appointment: string): Promise<Booking> {
		const sent = this.#sent.get(appointment);
		if (sent) return { ...sent, double_book: null };
		const { visit, location } = await this.backend.query({ type: "visit", appointment });
		const details = visit.details;
		const length =
			Date.parse(`${visit.end.slice(0, 16)}Z`) - Date.parse(`${visit.start.slice(0, 16)}Z`);
		return {
			location,
			start: visit.start,
			staff: "",
			service: details?.service ?? null,
			minutes: details?.service === undefined ? length / 60_000 : null,
			client: details?.client ?? null,
			pets: details?.pets.map((pet) => pet.id) ?? [],
			note: details?.note ?? null,
			despite_warnings: true,
		};
	}
}
