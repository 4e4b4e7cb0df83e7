/**
 * Who works at this computer, and who of them is at the desk.
 *
 * The list is known while the computer is open or paused; a locked one tells no names.
 */
import type { Backend } from "../backend/backend";
import type { SeatHere } from "../backend/types/SeatHere";
import type { StaffRole } from "../backend/types/StaffRole";
import { t } from "../messages";

export class PeopleHere {
	list = $state<readonly SeatHere[]>([]);
	readonly here = $derived(this.list.find((one) => one.here));
	/** Others who can take the desk with a PIN. */
	readonly others = $derived(this.list.filter((one) => !one.here && one.pin));

	constructor(private readonly backend: Backend) {}

	readonly load = async (): Promise<void> => {
		this.list = (await this.backend.home({ type: "seats" })).seats;
	};

	async add(name: string, role: StaffRole, pin: string): Promise<void> {
		this.list = (await this.backend.home({ type: "add_seat", name, role, pin })).seats;
	}

	async join(code: string, name: string, pin: string): Promise<void> {
		this.list = (await this.backend.home({ type: "join_seat", code, name, pin })).seats;
	}

	async setPin(pin: string): Promise<void> {
		this.list = (await this.backend.home({ type: "set_pin", pin })).seats;
	}

	async setPassphrase(passphrase: string): Promise<void> {
		this.list = (await this.backend.home({ type: "set_passphrase", passphrase })).seats;
	}
}

/** What somebody is called: the name, else the role. */
export function called(seat: SeatHere | undefined): string {
	if (!seat) return "";
	return seat.name ?? (seat.role ? t.staff.roles[seat.role] : t.seats.nobody);
}
