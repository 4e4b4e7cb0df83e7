/** The audit of the in-memory practice: the commands since it began. */
import type { AuditQuery } from "../types/AuditQuery";
import type { AuditRow } from "../types/AuditRow";
import type { AuditView } from "../types/AuditView";
import type { Command } from "../types/Command";
import type { Book, World } from "./world";

const PAGE = 50;

/** What a command did to the book as it was before. */
export function auditRow(
	world: World,
	book: Book,
	command: Command,
	id: string,
	at: string,
): AuditRow {
	const seat = world.seats.find((one) => one.here);
	const of = "client" in command && command.client ? command.client : id;
	const client = book.clients.find((one) => one.id === of);
	const what =
		command.type === "edit_client" && command.phones
			? {
					text: `The phone numbers of ${client?.name ?? of}`,
					of,
					old: client?.phones.join(", ") ?? "",
					new: command.phones.join(", "),
				}
			: { text: command.type.replaceAll("_", " "), of };
	return {
		id: `${String(world.audit.length)}.${at}`,
		at,
		...(seat ? { seat: seat.id, role: seat.role, device: seat.device } : {}),
		here: true,
		refused: false,
		what: [what],
	};
}

export function auditView(world: World, query: AuditQuery): AuditView {
	const { of, from, until, before } = query;
	const fits = (row: AuditRow) =>
		(!of || row.seat === of || row.what.some((one) => one.of === of)) &&
		(!from || row.at.slice(0, 10) >= from) &&
		(!until || row.at.slice(0, 10) <= until);
	const rows = world.audit.filter(fits);
	const start = before ? rows.findIndex((row) => row.id === before) + 1 : 0;
	const limit = query.limit ?? PAGE;
	const page = rows.slice(start, start + limit);
	const last = page.at(-1);
	return {
		rows: page,
		waiting: 0,
		...(last && start + limit < rows.length ? { next: last.id } : {}),
	};
}
