/** The list of clients and the one that is open, with pets and visits. Holds state, renders nothing. */
import { asRefusal, type Backend } from "../backend/backend";
import { ClientCards } from "../cards/cards.svelte";
import type { ClientSummary } from "../backend/types/ClientSummary";
import type { ClientView } from "../backend/types/ClientView";
import type { Command } from "../backend/types/Command";
import type { PetSummary } from "../backend/types/PetSummary";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";
import { list, QuickAdd } from "./quick-add.svelte";
import { ClientSearch } from "./search.svelte";

const PAGE = 100;

export interface Tell {
	/** A command was carried out: its sentence and what undoes it. */
	said(reply: Reply): void;
	/** A refusal that no form shows. */
	refused(refusal: Refusal): void;
}

/** What stands in the form of a client. */
export class ClientForm {
	name = $state("");
	phones = $state("");
	email = $state("");
	note = $state("");
	/** Why, although the client's data are restricted. */
	despite = $state("");

	constructor({ client, note }: ClientView) {
		this.name = client.name;
		this.phones = client.phones.join(", ");
		this.email = client.email;
		this.note = note;
	}
}

/** What stands in the form of a pet; without an id it is a new one. */
export class PetForm {
	readonly id: string | undefined;
	name = $state("");
	species = $state("");
	breed = $state("");
	microchip = $state("");
	/** Why, although the client's data are restricted. */
	despite = $state("");

	constructor(pet?: PetSummary) {
		this.id = pet?.id;
		this.name = pet?.name ?? "";
		this.species = pet?.species ?? "";
		this.breed = pet?.breed ?? "";
		this.microchip = pet?.microchip ?? "";
	}
}

function despite(form: { despite: string }): { despite_restriction?: string } {
	const reason = form.despite.trim();
	return reason === "" ? {} : { despite_restriction: reason };
}

export class Clients {
	page = $state.raw<readonly ClientSummary[]>([]);
	total = $state(0);
	open = $state.raw<ClientView>();
	form = $state.raw<ClientForm>();
	pet = $state.raw<PetForm>();
	adding = $state.raw<QuickAdd>();
	refusal = $state.raw<Refusal>();
	loaded = $state(false);

	readonly search: ClientSearch;
	/** Of the client that is open. */
	readonly cards: ClientCards;
	/** What the list shows: matches while something is typed, otherwise everyone by name. */
	readonly shown = $derived.by(() =>
		this.search.text.trim() === "" ? this.page : this.search.found,
	);
	readonly count = $derived.by(() =>
		this.search.text.trim() === "" ? this.total : this.search.total,
	);

	#opening = 0;

	constructor(
		readonly backend: Backend,
		readonly tell: Tell,
	) {
		this.search = new ClientSearch(backend, 50);
		this.cards = new ClientCards(backend, (reply) => {
			tell.said(reply);
		});
	}

	listen(): () => void {
		return this.backend.onEvent((event) => {
			if (event.type === "changed" && event.records) void this.refresh();
		});
	}

	async load(): Promise<void> {
		await this.#page(0, Math.max(PAGE, this.page.length));
	}

	async more(): Promise<void> {
		await this.#page(this.page.length, PAGE);
	}

	async refresh(): Promise<void> {
		await this.load();
		if (this.search.text.trim() !== "") await this.search.type(this.search.text);
		const id = this.open?.client.id;
		if (id !== undefined) await this.show(id);
	}

	async show(client: string): Promise<void> {
		const opening = ++this.#opening;
		try {
			const answer = await this.backend.query({ type: "client", client });
			if (opening !== this.#opening) return;
			if (this.open?.client.id !== client) this.closeForms();
			this.open = answer;
			await this.cards.show(client);
		} catch (error) {
			if (opening !== this.#opening) return;
			const refusal = asRefusal(error);
			// Erased, here or elsewhere, while it was open.
			if (refusal.code === "not_found" && this.open?.client.id === client) {
				this.open = undefined;
				this.closeForms();
			} else this.tell.refused(refusal);
		}
	}

	closeForms(): void {
		this.form = undefined;
		this.pet = undefined;
		this.adding = undefined;
		this.refusal = undefined;
	}

	add(): void {
		this.closeForms();
		this.adding = new QuickAdd(this.backend, this.search.text, (reply) => {
			this.tell.said(reply);
		});
	}

	async saveNew(): Promise<void> {
		const client = await this.adding?.save();
		if (!client) return;
		this.adding = undefined;
		this.search.clear();
		await this.load();
		await this.show(client.id);
	}

	edit(): void {
		if (!this.open) return;
		const form = new ClientForm(this.open);
		this.closeForms();
		this.form = form;
	}

	async save(): Promise<void> {
		if (!this.open || !this.form) return;
		const done = await this.#run({
			type: "edit_client",
			client: this.open.client.id,
			name: this.form.name.trim(),
			phones: list(this.form.phones),
			email: this.form.email.trim(),
			note: this.form.note.trim(),
			...despite(this.form),
		});
		if (done) this.form = undefined;
	}

	editPet(pet?: PetSummary): void {
		this.closeForms();
		this.pet = new PetForm(pet);
	}

	async savePet(): Promise<void> {
		if (!this.open || !this.pet) return;
		const form = this.pet;
		const fields = {
			name: form.name.trim(),
			species: form.species.trim(),
			breed: form.breed.trim(),
			microchip: form.microchip.trim(),
			...despite(form),
		};
		const done = await this.#run(
			form.id === undefined
				? { type: "add_pet", client: this.open.client.id, ...fields }
				: { type: "edit_pet", pet: form.id, ...fields },
		);
		if (done) this.pet = undefined;
	}

	async #run(command: Command): Promise<boolean> {
		this.refusal = undefined;
		try {
			this.tell.said(await this.backend.execute(command));
			await this.refresh();
			return true;
		} catch (error) {
			this.refusal = asRefusal(error);
			return false;
		}
	}

	async #page(skip: number, limit: number): Promise<void> {
		try {
			const answer = await this.backend.query({ type: "clients", skip, limit });
			this.page = skip === 0 ? answer.clients : [...this.page, ...answer.clients];
			this.total = answer.total;
			this.loaded = true;
		} catch (error) {
			this.tell.refused(asRefusal(error));
		}
	}
}
