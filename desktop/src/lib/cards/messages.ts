/** The English words of cards and alerts. One place, so that others follow. */
import type { CardKind } from "../backend/types/CardKind";

export const words = {
	careful: "Careful",
	alerts: "To be careful about",
	title: "Cards",
	kinds: {
		handling: "Handling",
		clinical: "Clinical",
		grooming: "Grooming",
		payments: "Payments",
	} satisfies Record<CardKind, string>,
	hints: {
		handling: "Shown in red wherever this animal or client comes up. Everybody reads it.",
		clinical: "Owners and vets read it.",
		grooming: "Everybody reads it.",
		payments: "Owners, managers and the reception read it. Never a card number.",
	} satisfies Record<CardKind, string>,
	add: (kind: string, name: string) => `Add a note: ${kind} of ${name}`,
	writing: (kind: string, name: string) => `${kind} of ${name}`,
	save: "Add note",
	cancel: "Cancel",
	withdraw: "Withdraw",
	withdrawOne: (text: string) => `Withdraw “${text}”`,
	by: (who: string, when: string) => `${who}, ${when}`,
	withdrawn: (who: string, when: string) => `withdrawn by ${who}, ${when}`,
	nothing: "Nothing is written down yet.",
};
