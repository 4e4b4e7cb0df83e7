/** Time to keep free: lunch, a meeting, a repair. */
import { asRefusal, type Backend } from "../backend/backend";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";

export class BlockTime {
	title = $state("");
	date = $state("");
	time = $state("");
	minutes = $state(30);
	resource = $state("");
	busy = $state(false);
	refusal = $state.raw<Refusal>();

	constructor(
		private readonly backend: Backend,
		readonly location: string,
		place: { date: string; time: string; resource: string; minutes?: number },
		private readonly said: (reply: Reply) => void,
	) {
		this.date = place.date;
		this.time = place.time;
		this.resource = place.resource;
		if (place.minutes !== undefined) this.minutes = place.minutes;
	}

	async save(): Promise<Reply | undefined> {
		if (this.busy) return undefined;
		this.busy = true;
		this.refusal = undefined;
		try {
			const reply = await this.backend.execute({
				type: "block",
				location: this.location,
				resources: [this.resource],
				start: `${this.date}T${this.time}`,
				minutes: this.minutes,
				title: this.title.trim() || null,
			});
			this.said(reply);
			return reply;
		} catch (error) {
			this.refusal = asRefusal(error);
			return undefined;
		} finally {
			this.busy = false;
		}
	}
}
