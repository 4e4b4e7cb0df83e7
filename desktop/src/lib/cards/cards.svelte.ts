/** The cards of the client that is open, and the note being written. Holds state, renders nothing. */
import { asRefusal, type Backend } from "../backend/backend";
import type { CardKind } from "../backend/types/CardKind";
import type { CardNoteView } from "../backend/types/CardNoteView";
import type { CardView } from "../backend/types/CardView";
import type { Command } from "../backend/types/Command";
import type { Refusal } from "../backend/types/Refusal";
import type { Reply } from "../backend/types/Reply";

/** A note while it is written: on whose card, on which. */
export class NoteDraft {
	text = $state("");
	/** Why, although the client's data are restricted. */
	despite = $state("");

	constructor(
		readonly of: string,
		readonly card: CardKind,
	) {}
}

/** The cards of one client or pet. */
export interface Owned {
	readonly of: string;
	readonly name: string;
	readonly cards: readonly CardView[];
}

export class ClientCards {
	cards = $state.raw<readonly CardView[]>([]);
	draft = $state.raw<NoteDraft>();
	refusal = $state.raw<Refusal>();
	busy = $state(false);

	/** By whose they are: the client first, then the pets. */
	readonly owners = $derived.by(() => {
		const owners: { of: string; name: string; cards: CardView[] }[] = [];
		for (const card of this.cards) {
			const known = owners.find((one) => one.of === card.of);
			if (known) known.cards.push(card);
			else owners.push({ of: card.of, name: card.name, cards: [card] });
		}
		return owners satisfies Owned[];
	});

	#client: string | undefined;
	#asked = 0;

	constructor(
		private readonly backend: Backend,
		private readonly said: (reply: Reply) => void,
	) {}

	/** Reads the cards of a client; what is being written on them stays. */
	async show(client: string): Promise<void> {
		const asked = ++this.#asked;
		if (client !== this.#client) {
			this.#client = client;
			this.cards = [];
			this.close();
		}
		try {
			const answer = await this.backend.query({ type: "cards", client });
			if (asked === this.#asked) this.cards = answer.cards;
		} catch (error) {
			if (asked === this.#asked) this.refusal = asRefusal(error);
		}
	}

	write(card: CardView): void {
		this.refusal = undefined;
		this.draft = new NoteDraft(card.of, card.card);
	}

	close(): void {
		this.draft = undefined;
		this.refusal = undefined;
	}

	isWriting(card: CardView): boolean {
		return this.draft?.of === card.of && this.draft.card === card.card;
	}

	async save(): Promise<boolean> {
		const draft = this.draft;
		if (!draft) return false;
		const done = await this.#run({
			type: "add_card_note",
			of: draft.of,
			card: draft.card,
			text: draft.text.trim(),
			...(draft.despite.trim() === "" ? {} : { despite_restriction: draft.despite.trim() }),
		});
		if (done) this.draft = undefined;
		return done;
	}

	/** Where the client's data are restricted, with a reason. */
	async withdraw(card: CardView, note: CardNoteView, despite = ""): Promise<boolean> {
		return this.#run({
			type: "withdraw_card_note",
			of: card.of,
			card: card.card,
			note: note.id,
			...(despite.trim() === "" ? {} : { despite_restriction: despite.trim() }),
		});
	}

	async #run(command: Command): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.refusal = undefined;
		try {
			this.said(await this.backend.execute(command));
			if (this.#client !== undefined) await this.show(this.#client);
			return true;
		} catch (error) {
			this.refusal = asRefusal(error);
			return false;
		} finally {
			this.busy = false;
		}
	}
}
