/** One visit opened beside the grid: its details, note, states and cancelling. */
import { asRefusal, type Backend } from "../backend/backend";
import type { Command } from "../backend/types/Command";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";
import type { VisitDetails } from "../backend/types/VisitDetails";
import type { VisitState } from "../backend/types/VisitState";

export class VisitPanel {
	details = $state.raw<VisitDetails>();
	refusal = $state.raw<Refusal>();
	note = $state("");
	/** Whether somebody wants to cancel; before the visit is read it is not known if that may be. */
	asked = $state(false);
	reason = $state("");
	busy = $state(false);

	readonly mayCancel = $derived.by(() => this.details?.next_states.includes("cancelled") ?? false);
	/** Whether the reason for cancelling is being asked. */
	readonly cancelling = $derived(this.asked && this.mayCancel);
	/** Whether cancelling was asked for where it cannot be. */
	readonly cannotCancel = $derived.by(
		() => this.asked && this.details !== undefined && !this.mayCancel,
	);
	readonly noteChanged = $derived.by(
		() => this.note.trim() !== (this.details?.visit.details?.note ?? ""),
	);

	constructor(
		private readonly backend: Backend,
		readonly appointment: string,
		private readonly said: (reply: Reply) => void,
	) {}

	/** Reads it again; a note that is being written stays as it is. */
	async load(): Promise<void> {
		const keep = this.details !== undefined && this.noteChanged;
		try {
			this.details = await this.backend.query({
				type: "visit",
				appointment: this.appointment,
			});
			if (!keep) this.note = this.details.visit.details?.note ?? "";
		} catch (error) {
			this.refusal = asRefusal(error);
		}
	}

	async setState(state: VisitState): Promise<boolean> {
		if (state === "cancelled") {
			this.asked = true;
			return false;
		}
		return this.#run({ type: "set_state", appointment: this.appointment, state });
	}

	async saveNote(): Promise<boolean> {
		return this.#run({
			type: "edit_visit",
			appointment: this.appointment,
			note: this.note.trim(),
			// The second time it is meant.
			despite_warnings: this.refusal?.code === "needs_confirmation",
		});
	}

	async cancel(): Promise<boolean> {
		const done = await this.#run({
			type: "cancel",
			appointment: this.appointment,
			reason: this.reason.trim() || null,
		});
		if (done) {
			this.asked = false;
			this.reason = "";
		}
		return done;
	}

	async #run(command: Command): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.refusal = undefined;
		try {
			this.said(await this.backend.execute(command));
			await this.load();
			return true;
		} catch (error) {
			this.refusal = asRefusal(error);
			return false;
		} finally {
			this.busy = false;
		}
	}
}
