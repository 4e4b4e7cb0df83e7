/** A service as the form has it, turned into parts the program understands. Pure. */
import type { ServicePart } from "../backend/types/ServicePart";
import type { ServiceView } from "../backend/types/ServiceView";
import { money, t } from "../messages";

/** One piece of work with cleaning after it. */
export function inOnePiece(minutes: number, cleaning: number, room: boolean): ServicePart[] {
	const parts: ServicePart[] = [{ offset_minutes: 0, minutes, staff: true, room, buffer: false }];
	if (cleaning > 0)
		parts.push({ offset_minutes: minutes, minutes: cleaning, staff: !room, room, buffer: true });
	return parts;
}

/** Where the next part begins: after all that are there. */
export function nextPart(parts: readonly ServicePart[]): ServicePart {
	const end = Math.max(0, ...parts.map((part) => part.offset_minutes + part.minutes));
	return { offset_minutes: end, minutes: 15, staff: true, room: true, buffer: false };
}

/** What is wrong with the parts, in a sentence. */
export function partsError(parts: readonly ServicePart[]): string | undefined {
	const whole = (n: number, least: number) => Number.isInteger(n) && n >= least && n <= 1440;
	if (!parts.some((part) => !part.buffer)) return t.services.noWork;
	if (!parts.every((part) => whole(part.minutes, 1) && whole(part.offset_minutes, 0)))
		return t.services.minutesWrong;
	if (!parts.every((part) => part.staff || part.room)) return t.services.takesNothing;
	return undefined;
}

/** `90 min, 20 min pause · £55.00` */
export function serviceFacts(service: ServiceView): string {
	const facts = [t.services.total(service.minutes)];
	const cleaning = service.parts
		.filter((part) => part.buffer)
		.reduce((sum, part) => sum + part.minutes, 0);
	if (cleaning > 0) facts.push(t.services.cleaningAfter(cleaning));
	if (service.price_minor) facts.push(money(service.price_minor, service.currency ?? "EUR"));
	return facts.join(" · ");
}
