/**
 * A booking or a move that may be refused once and tried again with a person's word.
 *
 * `needs_confirmation` is asked once: the second try carries `despite_warnings`. `slot_taken` offers
 * other slots, or double booking with a reason. Start with `run`.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { Booking } from "../backend/types/Booking";
import type { MoveVisit } from "../backend/types/MoveVisit";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";

export type Wish = ({ type: "book" } & Booking) | ({ type: "move" } & MoveVisit);

export class Attempt {
	refusal = $state.raw<Refusal>();
	busy = $state(false);
	reason = $state("");

	readonly warnings = $derived(
		this.refusal?.code === "needs_confirmation" ? (this.refusal.warnings ?? []) : [],
	);
	readonly taken = $derived(this.refusal?.code === "slot_taken");
	readonly alternatives = $derived(this.refusal?.alternatives ?? []);

	#confirmed = false;

	constructor(private readonly backend: Backend) {}

	/** Tries it; a refusal stays in `refusal` for the panel to show. */
	async run(wish: Wish): Promise<Reply | undefined> {
		if (this.busy) return undefined;
		this.busy = true;
		const reason = this.reason.trim();
		try {
			const reply = await this.backend.execute({
				...wish,
				despite_warnings: wish.despite_warnings || this.#confirmed,
				...(reason === "" ? {} : { double_book: reason }),
			});
			this.forget();
			return reply;
		} catch (error) {
			this.refusal = asRefusal(error);
			return undefined;
		} finally {
			this.busy = false;
		}
	}

	/** The person has read the warnings and means it. */
	confirm(): void {
		this.#confirmed = true;
	}

	/** Another place is another question. */
	forget(): void {
		this.refusal = undefined;
		this.reason = "";
		this.#confirmed = false;
	}
}
