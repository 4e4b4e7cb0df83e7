/**
 * Finding clients while typing: digits of a phone, or letters of a client or pet.
 *
 * One question is in flight at a time and the newest text wins, so results never jump back to those
 * of an older text. `at` is the highlighted result.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { ClientSummary } from "../backend/types/ClientSummary";
import type { Refusal } from "../backend/types/Refusal";

export class ClientSearch {
	text = $state("");
	found = $state.raw<readonly ClientSummary[]>([]);
	total = $state(0);
	at = $state(0);
	refusal = $state.raw<Refusal>();
	/** The text that `found` belongs to. */
	answered = $state("");

	readonly current = $derived(this.found[this.at]);
	/** Whether the results belong to what stands in the field. */
	readonly settled = $derived(this.answered === this.text.trim());

	#waiting: string | undefined;
	#flying = false;

	constructor(
		private readonly backend: Backend,
		private readonly limit = 8,
	) {}

	async type(text: string): Promise<void> {
		this.text = text;
		const wish = text.trim();
		if (wish === "") {
			this.clear(text);
			return;
		}
		this.#waiting = wish;
		if (!this.#flying) await this.#fly();
	}

	/** Moves the highlight, round and round. */
	move(by: number): void {
		const count = this.found.length;
		if (count > 0) this.at = (this.at + by + count) % count;
	}

	clear(text = ""): void {
		this.text = text;
		this.#waiting = undefined;
		this.found = [];
		this.total = 0;
		this.at = 0;
		this.answered = "";
		this.refusal = undefined;
	}

	async #fly(): Promise<void> {
		this.#flying = true;
		try {
			while (this.#waiting !== undefined) {
				const wish = this.#waiting;
				this.#waiting = undefined;
				const answer = await this.backend.query({
					type: "search",
					text: wish,
					limit: this.limit,
				});
				if (this.text.trim() === "") continue;
				this.found = answer.clients;
				this.total = answer.total;
				this.at = 0;
				this.answered = wish;
				this.refusal = undefined;
			}
		} catch (error) {
			this.refusal = asRefusal(error);
			this.#waiting = undefined;
		} finally {
			this.#flying = false;
		}
	}
}
