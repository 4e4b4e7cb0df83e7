/** A page-by-page list of who changed what. Holds state, renders nothing. */
import { asRefusal, type Backend } from "../backend/backend";
import type { AuditRow } from "../backend/types/AuditRow";
import type { Refusal } from "../backend/types/Refusal";

/** What the list is cut to; empty means everything. */
export interface AuditFilter {
	/** A client, pet, visit or seat, by id. */
	of: string;
	from: string;
	until: string;
}

export class AuditList {
	rows = $state.raw<readonly AuditRow[]>([]);
	refusal = $state.raw<Refusal>();
	busy = $state(false);
	/** Entries whose keys are still to come. */
	waiting = $state(0);
	/** Whether the first page was read. */
	loaded = $state(false);
	#next = $state<string>();
	readonly more = $derived(this.#next !== undefined);
	#filter: AuditFilter = { of: "", from: "", until: "" };
	#asked = 0;

	constructor(private readonly backend: Backend) {}

	/** Reads the first page of what is wanted. */
	async show(filter: AuditFilter): Promise<void> {
		this.#filter = { ...filter };
		this.#next = undefined;
		await this.#read(false);
	}

	/** Reads the next page, when there is one. */
	async further(): Promise<void> {
		if (this.#next !== undefined && !this.busy) await this.#read(true);
	}

	async #read(append: boolean): Promise<void> {
		const asked = ++this.#asked;
		const { of, from, until } = this.#filter;
		this.busy = true;
		this.refusal = undefined;
		try {
			const page = await this.backend.query({
				type: "audit",
				...(of ? { of } : {}),
				...(from ? { from } : {}),
				...(until ? { until } : {}),
				...(append && this.#next !== undefined ? { before: this.#next } : {}),
			});
			if (asked !== this.#asked) return;
			this.rows = append ? [...this.rows, ...page.rows] : page.rows;
			this.#next = page.next;
			this.waiting = page.waiting;
			this.loaded = true;
		} catch (thrown) {
			if (asked === this.#asked) this.refusal = asRefusal(thrown);
		} finally {
			if (asked === this.#asked) this.busy = false;
		}
	}
}
