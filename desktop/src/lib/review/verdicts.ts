/**
 * What each answer to a review means for every visit in it. Pure.
 *
 * An answer always speaks of all visits concerned, so that one decision settles the whole case. Start
 * with `keepThis`, `moveThis`, `cancelThis` and `letAllStand`.
 */
import type { ReviewView } from "../backend/types/ReviewView";
import type { ReviewVisit } from "../backend/types/ReviewVisit";
import type { SlotView } from "../backend/types/SlotView";
import type { VerdictWish } from "../backend/types/VerdictWish";

/** Keeps one; each other one goes to its first free slot, or is cancelled where there is none. */
export function keepThis(review: ReviewView, index: number): VerdictWish[] {
	const kept = review.visits[index];
	if (!kept) return [];
	if (review.kind === "two_places") return [settleAt(kept)];
	const others = unique(review).filter((one) => one.visit.id !== kept.visit.id);
	return [
		{ type: "keep", appointment: kept.visit.id },
		...others.map((other): VerdictWish => {
			const slot = other.alternatives[0];
			return slot ? toSlot(other, slot) : { type: "cancel", appointment: other.visit.id };
		}),
	];
}

/** Moves one to a free slot; the others stay. */
export function moveThis(review: ReviewView, index: number, slot: SlotView): VerdictWish[] {
	const moved = review.visits[index];
	return moved ? [toSlot(moved, slot), ...keepOthers(review, moved)] : [];
}

/** Cancels one; the others stay. */
export function cancelThis(review: ReviewView, index: number): VerdictWish[] {
	const gone = review.visits[index];
	if (!gone) return [];
	return [{ type: "cancel", appointment: gone.visit.id }, ...keepOthers(review, gone)];
}

/** Every pair may overlap. */
export function letAllStand(review: ReviewView): VerdictWish[] {
	const ids = unique(review).map((one) => one.visit.id);
	return ids.flatMap((a, index) =>
		ids.slice(index + 1).map((b): VerdictWish => ({ type: "allow_overlap", a, b })),
	);
}

/** Whether letting both stand is an answer to this kind of case. */
export function mayOverlap(review: ReviewView): boolean {
	return review.kind === "clash" && unique(review).length > 1;
}

/** Whether a visit of the case can still be called off: not twice, and not once it has begun. */
export function mayCancel(review: ReviewView, index: number): boolean {
	const state = review.visits[index]?.visit.state;
	return !review.states && (state === "booked" || state === "arrived");
}

/** A claim in two places is settled by naming the place where it stays. */
function settleAt({ visit }: ReviewVisit): VerdictWish {
	return {
		type: "move",
		appointment: visit.id,
		start: visit.start.slice(0, 16),
		staff: visit.parts[0]?.resource ?? null,
	};
}

function toSlot({ visit }: ReviewVisit, slot: SlotView): VerdictWish {
	return {
		type: "move",
		appointment: visit.id,
		start: slot.start.slice(0, 16),
		staff: slot.staff,
		room: slot.room ?? null,
	};
}

function keepOthers(review: ReviewView, but: ReviewVisit): VerdictWish[] {
	return unique(review)
		.filter((one) => one.visit.id !== but.visit.id)
		.map((one) => ({ type: "keep", appointment: one.visit.id }));
}

/** Each visit once, although a doubled one is shown at every place it has. */
function unique(review: ReviewView): ReviewVisit[] {
	const seen = new Set<string>();
	return review.visits.filter(({ visit }) => !seen.has(visit.id) && seen.add(visit.id));
}
