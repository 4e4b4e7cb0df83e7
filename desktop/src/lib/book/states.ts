/** Words, icons and the way forward of a visit's states. Colour is never the only sign. */
import type { Standing } from "../backend/types/Standing";
import type { VisitState } from "../backend/types/VisitState";
import type { VisitView } from "../backend/types/VisitView";
import { words } from "./messages";

export interface Sign {
	/** One glyph, decorative: the word says the same. */
	readonly icon: string;
	readonly word: string;
}

export const STATE_SIGNS: Readonly<Record<VisitState, Sign>> = {
	booked: { icon: "○", word: words.state.booked },
	arrived: { icon: "◐", word: words.state.arrived },
	in_progress: { icon: "▶", word: words.state.in_progress },
	done: { icon: "✓", word: words.state.done },
	no_show: { icon: "∅", word: words.state.no_show },
	cancelled: { icon: "✕", word: words.state.cancelled },
};

export const STANDING_SIGNS: Readonly<Record<Standing, Sign>> = {
	tentative: { icon: "◌", word: words.standing.tentative },
	confirmed: { icon: "●", word: words.standing.confirmed },
	refused: { icon: "⊘", word: words.standing.refused },
};

/** The order in which a visit goes through the day. */
const LADDER: readonly VisitState[] = ["booked", "arrived", "in_progress", "done"];

/** What `C` does next, or nothing at the end of the ladder. */
export function nextState(state: VisitState): VisitState | undefined {
	const at = LADDER.indexOf(state);
	return at === -1 ? undefined : LADDER[at + 1];
}

/** Whether it stands in the book, so that it can be moved or lengthened. */
export function holdsTime({ state }: VisitView): boolean {
	return state !== "cancelled" && state !== "no_show";
}

/** What a visit is called on the grid. */
export function titleOf(visit: VisitView): string {
	if (!visit.details) return visit.kind === "block" ? words.block : words.detailsOnTheWay;
	const { title, pets } = visit.details;
	const names = pets.map((pet) => pet.name).join(", ");
	if (names === "") return title || (visit.kind === "block" ? words.block : words.visit);
	return title === "" ? names : `${names} · ${title}`;
}
