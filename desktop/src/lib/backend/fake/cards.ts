/** Cards of the in-memory practice. */
import type { AlertView } from "../types/AlertView";
import type { CardKind } from "../types/CardKind";
import type { CardNoteView } from "../types/CardNoteView";
import type { CardsView } from "../types/CardsView";
import type { StaffRole } from "../types/StaffRole";
import type { Book } from "./world";

export interface FakeNote extends CardNoteView {
	of: string;
	card: CardKind;
}

/** What each role reads (r), adds to (a) and withdraws from (w). */
const RIGHTS: Record<StaffRole, Partial<Record<CardKind, string>>> = {
	owner: { handling: "raw", clinical: "raw", grooming: "raw", payments: "raw" },
	manager: { handling: "raw", grooming: "raw", payments: "raw" },
	vet: { handling: "raw", clinical: "raw", grooming: "r" },
	groomer: { handling: "ra", grooming: "raw" },
	receptionist: { handling: "ra", grooming: "r", payments: "raw" },
};

export function mayOnCard(role: StaffRole, card: CardKind, what: "r" | "a" | "w"): boolean {
	return RIGHTS[role][card]?.includes(what) ?? false;
}

export function cardsView(book: Book, client: string, role: StaffRole): CardsView | undefined {
	const found = book.clients.find((one) => one.id === client);
	if (!found) return undefined;
	const kinds = (["handling", "clinical", "grooming", "payments"] as const).filter((card) =>
		mayOnCard(role, card, "r"),
	);
	const owners = [{ id: found.id, name: found.name }, ...found.pets];
	return {
		client,
		cards: owners.flatMap(({ id, name }) =>
			kinds.map((card) => ({
				of: id,
				name,
				card,
				may_add: mayOnCard(role, card, "a"),
				may_withdraw: mayOnCard(role, card, "w"),
				notes: book.notes
					.filter((note) => note.of === id && note.card === card)
					.map(({ of: _of, card: _card, ...note }) => note)
					.reverse(),
			})),
		),
	};
}

/** What to be careful about with any of these. */
export function alertsOf(book: Book, ids: readonly string[]): AlertView[] {
	const name = (id: string) =>
		book.clients.flatMap((one) => [one, ...one.pets]).find((one) => one.id === id)?.name ?? "";
	return book.notes
		.filter((note) => note.card === "handling" && !note.withdrawn_at && ids.includes(note.of))
		.map((note) => ({ of: note.of, name: name(note.of), text: note.text }));
}
