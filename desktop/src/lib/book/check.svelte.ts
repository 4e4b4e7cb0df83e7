/**
 * Asks the replica what would happen at a place, while a ghost moves over the grid.
 *
 * At most one question is in flight; while it is, only the newest wish is kept. `seen` always belongs
 * to the newest place asked for: an answer to an older one is dropped.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { CheckQuery } from "../backend/types/CheckQuery";
import type { CheckView } from "../backend/types/CheckView";
import type { Refusal } from "../backend/types/Refusal";

export class PlaceCheck {
	/** What the replica said of the newest place, once it has. */
	seen = $state.raw<CheckView>();
	refusal = $state.raw<Refusal>();
	busy = $state(false);

	#asked: string | undefined;
	#waiting: CheckQuery | undefined;
	#flying = false;

	constructor(private readonly backend: Backend) {}

	ask(place: CheckQuery): void {
		const key = JSON.stringify(place);
		if (key === this.#asked) return;
		this.#asked = key;
		this.seen = undefined;
		this.refusal = undefined;
		this.busy = true;
		this.#waiting = place;
		if (!this.#flying) void this.#fly();
	}

	/** Forgets everything; an answer under way is dropped. */
	clear(): void {
		this.#asked = undefined;
		this.#waiting = undefined;
		this.seen = undefined;
		this.refusal = undefined;
		this.busy = false;
	}

	async #fly(): Promise<void> {
		this.#flying = true;
		while (this.#waiting) {
			const place = this.#waiting;
			this.#waiting = undefined;
			const key = JSON.stringify(place);
			try {
				const answer = await this.backend.query({ type: "check", ...place });
				if (key === this.#asked) this.#settle(answer, undefined);
			} catch (error) {
				if (key === this.#asked) this.#settle(undefined, asRefusal(error));
			}
		}
		this.#flying = false;
	}

	#settle(seen: CheckView | undefined, refusal: Refusal | undefined): void {
		this.seen = seen;
		this.refusal = refusal;
		this.busy = false;
	}
}
