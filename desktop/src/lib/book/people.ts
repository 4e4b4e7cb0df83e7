/** Who and what a visit occupies, by the practice's lists. */
import type { PracticeView } from "../backend/types/PracticeView";
import type { StaffRole } from "../backend/types/StaffRole";
import type { StaffView } from "../backend/types/StaffView";
import type { VisitView } from "../backend/types/VisitView";

/** The member of staff a visit is with; a block on a room has none. */
export function staffOf(visit: VisitView, practice: PracticeView): string | undefined {
	return visit.parts.find((part) => practice.staff.some((one) => one.id === part.resource))
		?.resource;
}

export function roomOf(visit: VisitView, practice: PracticeView): string | undefined {
	return visit.parts.find((part) => practice.rooms.some((one) => one.id === part.resource))
		?.resource;
}

/** Who stands in the book: whoever treats, and a receptionist only where a service names them. */
export function takesVisits(staff: StaffView, practice: PracticeView): boolean {
	return (
		staff.role !== "receptionist" ||
		practice.services.some((one) => !one.retired && one.staff.includes(staff.id))
	);
}

/** Who can be booked at a site. */
export function bookableAt(practice: PracticeView, location: string): StaffView[] {
	return practice.staff.filter(
		(one) => !one.retired && one.locations.includes(location) && takesVisits(one, practice),
	);
}

export function nameOf(id: string | undefined, practice: PracticeView): string {
	const all = [...practice.staff, ...practice.rooms];
	return all.find((one) => one.id === id)?.name ?? "";
}

/** Double booking is a right of a role. */
export function mayDoubleBook(role: StaffRole): boolean {
	return role === "owner" || role === "manager" || role === "vet";
}
