/**
 * A booking while it is being made: client, pets, service, staff, time.
 *
 * Nothing is asked that can be inferred: the last visit gives service and staff, the cell gives the
 * time and the column, a single pet comes by itself. What a person chose by hand is never replaced.
 */
import { asRefusal, type Backend } from "../backend/backend";
import type { AlertView } from "../backend/types/AlertView";
import type { Booking } from "../backend/types/Booking";
import type { CheckQuery } from "../backend/types/CheckQuery";
import type { ClientSummary } from "../backend/types/ClientSummary";
import type { PracticeView } from "../backend/types/PracticeView";
import type { Reply } from "../backend/types/Reply";
import type { SlotView } from "../backend/types/SlotView";
import { dateOf, timeOf } from "../clock";
import { QuickAdd } from "../search/quick-add.svelte";
import { ClientSearch } from "../search/search.svelte";
import { Attempt } from "./attempt.svelte";
import { PlaceCheck } from "./check.svelte";
import { onDay } from "./civil";
import { bookableAt, nameOf } from "./people";

/** Where the booking starts out: a cell, a drawn range, a slot. */
export interface Place {
	readonly date: string;
	readonly time: string;
	readonly staff?: string | undefined;
	readonly room?: string | undefined;
	readonly minutes?: number | undefined;
	readonly service?: string | undefined;
}

const PLAIN_MINUTES = 15;

export class Draft {
	client = $state.raw<ClientSummary>();
	/** What to be careful about with that client and the pets. */
	alerts = $state.raw<readonly AlertView[]>([]);
	pets = $state<string[]>([]);
	service = $state("");
	staff = $state("");
	room = $state("");
	date = $state("");
	time = $state("");
	minutes = $state(PLAIN_MINUTES);
	note = $state("");
	adding = $state.raw<QuickAdd>();

	readonly search: ClientSearch;
	readonly check: PlaceCheck;
	readonly attempt: Attempt;

	/** The whole length of the visit, by its service or as drawn. */
	readonly length = $derived.by(() => this.#ownLength ?? this.#serviceMinutes ?? this.minutes);
	/** Where it would stand, once enough is known to ask. */
	readonly place = $derived.by((): CheckQuery | undefined =>
		this.staff === "" || this.date === "" || this.time === ""
			? undefined
			: {
					location: this.location,
					start: `${this.date}T${this.time}`,
					staff: this.staff,
					room: this.room || null,
					service: this.service || null,
					minutes: this.#sentMinutes,
				},
	);
	/** Worth keeping when the panel is closed. */
	readonly begun = $derived.by(() => this.client !== undefined || this.note.trim() !== "");
	/** Who can do the chosen service, at this site. */
	readonly able = $derived.by(() => {
		const here = bookableAt(this.practice, this.location);
		const service = this.#service;
		return service && service.staff.length > 0
			? here.filter((one) => service.staff.includes(one.id) || one.id === this.staff)
			: here;
	});
	readonly rooms = $derived.by(() => {
		const here = this.practice.rooms.filter(
			(one) => !one.retired && one.location === this.location,
		);
		const service = this.#service;
		return service ? here.filter((one) => service.rooms.includes(one.id)) : here;
	});

	readonly #service = $derived.by(() =>
		this.practice.services.find((one) => one.id === this.service),
	);
	readonly #serviceMinutes = $derived.by(() => this.#service?.minutes);
	/** A length drawn or typed, where it differs from the service's. */
	#ownLength = $state<number>();
	readonly #sentMinutes = $derived.by(() =>
		this.#service ? (this.#ownLength ?? null) : this.length,
	);

	#chosen = new Set<"staff" | "service" | "pets">();

	constructor(
		private readonly backend: Backend,
		readonly practice: PracticeView,
		readonly location: string,
		place: Place,
		private readonly said: (reply: Reply) => void,
	) {
		this.search = new ClientSearch(backend);
		this.check = new PlaceCheck(backend);
		this.attempt = new Attempt(backend);
		this.moveTo(place);
	}

	/** Another cell or slot for the same booking. */
	moveTo(place: Place): void {
		this.date = place.date;
		this.time = place.time;
		if (place.staff !== undefined) {
			this.staff = place.staff;
			this.#chosen.add("staff");
		}
		if (place.room !== undefined) this.room = place.room;
		if (place.service !== undefined) this.chooseService(place.service);
		if (place.minutes !== undefined) this.setMinutes(place.minutes);
		this.attempt.forget();
	}

	take(slot: SlotView): void {
		this.moveTo({
			date: dateOf(slot.start),
			time: timeOf(slot.start),
			staff: slot.staff,
			room: slot.room,
		});
	}

	chooseStaff(staff: string): void {
		this.staff = staff;
		this.#chosen.add("staff");
		this.attempt.forget();
	}

	chooseService(service: string): void {
		this.service = service;
		this.#ownLength = undefined;
		this.#chosen.add("service");
		if (this.room !== "" && !this.rooms.some((one) => one.id === this.room)) this.room = "";
		this.attempt.forget();
	}

	setMinutes(minutes: number): void {
		if (!Number.isFinite(minutes) || minutes < 1) return;
		this.minutes = minutes;
		this.#ownLength = minutes === this.#serviceMinutes ? undefined : minutes;
		this.attempt.forget();
	}

	togglePet(pet: string): void {
		this.#chosen.add("pets");
		this.pets = this.pets.includes(pet)
			? this.pets.filter((one) => one !== pet)
			: [...this.pets, pet];
	}

	/** Takes a client, and from the last visit what was not chosen by hand. */
	async pick(client: ClientSummary): Promise<void> {
		this.client = client;
		this.alerts = [];
		this.adding = undefined;
		const typed = this.search.text.trim().toLowerCase();
		this.search.clear();
		this.pets = petsMeant(client, typed);
		try {
			const answer = await this.backend.query({ type: "client", client: client.id });
			if (this.client.id !== client.id) return;
			this.client = answer.client;
			this.alerts = answer.alerts ?? [];
			const last = answer.last;
			if (!last) return;
			const service = this.practice.services.find((one) => one.id === last.service);
			if (service && !service.retired && !this.#chosen.has("service")) {
				this.service = service.id;
				this.#ownLength = undefined;
			}
			const staff = this.able.find((one) => last.resources.includes(one.id));
			if (staff && !this.#chosen.has("staff")) this.staff = staff.id;
		} catch (error) {
			this.attempt.refusal = asRefusal(error);
		}
	}

	dropClient(): void {
		this.client = undefined;
		this.pets = [];
	}

	startAdding(): void {
		this.adding = new QuickAdd(this.backend, this.search.text, this.said);
	}

	async saveNew(): Promise<void> {
		const client = await this.adding?.save();
		if (client) await this.pick(client);
	}

	/** Adds a pet to the client in hand and takes it along. */
	async addPet(name: string, species: string): Promise<boolean> {
		const client = this.client;
		if (!client || name.trim() === "") return false;
		try {
			const pet = await this.backend.execute({
				type: "add_pet",
				client: client.id,
				name: name.trim(),
				species: species.trim() || null,
			});
			this.said(pet);
			const answer = await this.backend.query({ type: "client", client: client.id });
			this.client = answer.client;
			this.pets = [...this.pets, pet.id];
			return true;
		} catch (error) {
			this.attempt.refusal = asRefusal(error);
			return false;
		}
	}

	/** The first slot that fits from the day in hand on. */
	async findFirst(): Promise<void> {
		try {
			const answer = await this.backend.query({
				type: "free",
				location: this.location,
				service: this.service || null,
				minutes: this.#sentMinutes,
				staff: this.staff || null,
				from: this.date === "" ? null : `${this.date}T${this.time || "00:00"}`,
				limit: 1,
			});
			const slot = answer.slots[0];
			if (slot) this.take(slot);
		} catch (error) {
			this.attempt.refusal = asRefusal(error);
		}
	}

	/** The booking as it would be sent. */
	booking(): Booking {
		return {
			location: this.location,
			start: `${this.date}T${this.time}`,
			staff: this.staff,
			room: this.room || null,
			service: this.service || null,
			minutes: this.#sentMinutes,
			client: this.client?.id ?? null,
			pets: [...this.pets],
			note: this.note.trim() || null,
			despite_warnings: false,
		};
	}

	async book(): Promise<Reply | undefined> {
		if (!this.place) return undefined;
		if (this.attempt.warnings.length > 0) this.attempt.confirm();
		const reply = await this.attempt.run({ type: "book", ...this.booking() });
		if (reply) this.said(reply);
		return reply;
	}

	/** What the ghost on the grid says. */
	readonly title = $derived.by(() => {
		const names = (this.client?.pets ?? [])
			.filter((pet) => this.pets.includes(pet.id))
			.map((pet) => pet.name)
			.join(", ");
		return [names, this.client?.name ?? ""].filter((one) => one !== "").join(" · ");
	});

	readonly staffName = $derived.by(() => nameOf(this.staff, this.practice));

	/** Minute of a day at which it starts. */
	minuteOn(date: string): number {
		return onDay(`${this.date}T${this.time}`, date);
	}
}

/** The pet that was searched for by name, or the only one there is. */
function petsMeant(client: ClientSummary, typed: string): string[] {
	const named = client.pets.filter(
		(pet) => typed.length > 1 && pet.name.toLowerCase().startsWith(typed),
	);
	if (named.length > 0) return named.map((pet) => pet.id);
	return client.pets.length === 1 ? client.pets.map((pet) => pet.id) : [];
}
