/** The keys of the book, for the list that `?` shows. What they do is in `keyboard.ts`. */
export const KEYS: readonly { readonly keys: readonly string[]; readonly text: string }[] = [
	{ keys: ["↑", "↓", "←", "→"], text: "Go to another time, person or room" },
	{ keys: ["Page Up", "Page Down"], text: "Previous or next day" },
	{ keys: ["Home"], text: "Now" },
	{ keys: ["End"], text: "The end of this column" },
	{ keys: ["N"], text: "New booking at this cell" },
	{ keys: ["Enter"], text: "Open the visit, or book at an empty cell" },
	{ keys: ["M"], text: "Move: then arrows and Enter" },
	{ keys: ["C"], text: "Check in, then with the vet, then done" },
	{ keys: ["B"], text: "Block time" },
	{ keys: ["X", "Delete"], text: "Cancel the visit" },
	{
		keys: ["Shift ↓", "Shift ↑"],
		text: "Longer or shorter, also + and −; then Enter",
	},
	{ keys: ["F"], text: "Find the next free slot" },
	{ keys: ["Esc"], text: "Leave what was begun, or show all columns" },
];

/** The keys of the review queue. */
export const REVIEW_KEYS: readonly { readonly keys: readonly string[]; readonly text: string }[] = [
	{ keys: ["↑", "↓", "J"], text: "Next or previous case" },
	{ keys: ["←", "→"], text: "The other visit of the case" },
	{ keys: ["1"], text: "Apply what the rule suggests" },
	{
		keys: ["K"],
		text: "Keep this visit; the other one moves, or is cancelled where nothing is free",
	},
	{ keys: ["M"], text: "Move this visit to the chosen slot" },
	{ keys: ["X"], text: "Cancel this visit" },
	{ keys: ["O"], text: "Let both stand" },
	{ keys: ["U"], text: "Undo the last decision" },
];

/** The keys of panels and of the calendar. */
export const PANEL_KEYS: readonly { readonly keys: readonly string[]; readonly text: string }[] = [
	{ keys: ["↓", "↑"], text: "Choose a client or a free slot" },
	{ keys: ["Enter"], text: "Take the chosen one; on Book, book" },
	{ keys: ["Ctrl Enter"], text: "Save the note of a visit" },
	{ keys: ["Esc"], text: "Empty the field, then close the panel" },
];

export const CALENDAR_KEYS: readonly { readonly keys: readonly string[]; readonly text: string }[] =
	[
		{ keys: ["←", "→"], text: "A day back or on" },
		{ keys: ["↑", "↓"], text: "A week back or on" },
		{ keys: ["Page Up", "Page Down"], text: "A month back or on" },
		{ keys: ["Home"], text: "Today" },
		{ keys: ["Enter"], text: "Go there" },
	];
