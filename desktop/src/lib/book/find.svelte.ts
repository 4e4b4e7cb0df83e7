/** "First with Dr A / anyone / after 16:00": free slots as a list, not as a hunt. */
import { asRefusal, type Backend } from "../backend/backend";
import type { PracticeView } from "../backend/types/PracticeView";
import type { Refusal } from "../backend/types/Refusal";
import type { SlotView } from "../backend/types/SlotView";

export class FindFree {
	service = $state("");
	minutes = $state(15);
	staff = $state("");
	from = $state("");
	after = $state("");
	slots = $state.raw<readonly SlotView[]>([]);
	looked = $state(false);
	busy = $state(false);
	refusal = $state.raw<Refusal>();

	#question = 0;

	constructor(
		private readonly backend: Backend,
		readonly practice: PracticeView,
		readonly location: string,
		/** From when: a civil time. */
		start: string,
		staff: string,
	) {
		this.from = start;
		this.staff = staff;
	}

	/** Asks; only the newest question's answer is shown. */
	async look(): Promise<void> {
		const question = ++this.#question;
		this.busy = true;
		this.refusal = undefined;
		try {
			const answer = await this.backend.query({
				type: "free",
				location: this.location,
				service: this.service || null,
				minutes: this.service === "" ? this.minutes : null,
				staff: this.staff || null,
				from: this.from || null,
				days: 14,
				limit: this.after === "" ? 20 : 200,
			});
			if (question !== this.#question) return;
			this.slots = answer.slots
				.filter((slot) => this.after === "" || slot.start.slice(11, 16) >= this.after)
				.slice(0, 20);
			this.looked = true;
		} catch (error) {
			if (question === this.#question) this.refusal = asRefusal(error);
		} finally {
			if (question === this.#question) this.busy = false;
		}
	}
}
