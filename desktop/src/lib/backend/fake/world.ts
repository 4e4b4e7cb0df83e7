/** What the in-memory practice holds, and the one it starts with: two sites, four people, a full morning. */
import { addDays, addMinutes, today, type Clock } from "../../clock";
import type { BackupPlan } from "../types/BackupPlan";
import type { AlarmView } from "../types/AlarmView";
import type { AuditRow } from "../types/AuditRow";
import type { ClientSummary } from "../types/ClientSummary";
import type { ErasureView } from "../types/ErasureView";
import type { HomePhase } from "../types/HomePhase";
import type { InvitationView } from "../types/InvitationView";
import type { MaskedView } from "../types/MaskedView";
import type { LeasePhase } from "../types/LeasePhase";
import type { LinkState } from "../types/LinkState";
import type { LocationView } from "../types/LocationView";
import type { RestrictionView } from "../types/RestrictionView";
import type { RetentionRule } from "../types/RetentionRule";
import type { RoomView } from "../types/RoomView";
import type { SeatView } from "../types/SeatView";
import type { ServiceView } from "../types/ServiceView";
import type { StaffRole } from "../types/StaffRole";
import type { StaffView } from "../types/StaffView";
import type { Standing } from "../types/Standing";
import type { VisitState } from "../types/VisitState";
import type { FakeNote } from "./cards";
import { KINDS } from "./retention";

export interface FakeVisit {
	id: string;
	kind: "visit" | "block";
	location: string;
	start: string;
	minutes: number;
	/** The person of a visit; a block lists what it takes in `resources`. */
	staff: string;
	room?: string;
	resources: string[];
	service?: string;
	client?: string;
	pets: string[];
	note: string;
	title: string;
	state: VisitState;
	standing: Standing;
	source: "desk" | "account" | "api" | "import";
	madeBy: string;
	madeAt: string;
	reasons: string[];
	/** Visits it may lie beside although they share something. */
	allowed: string[];
}

export interface FakeClient extends ClientSummary {
	note: string;
	hold?: string;
	restriction?: RestrictionView;
}

/** Everything undo has to bring back. */
export interface Book {
	name: string;
	locations: LocationView[];
	staff: StaffView[];
	rooms: RoomView[];
	services: ServiceView[];
	clients: FakeClient[];
	retention: RetentionRule[];
	visits: FakeVisit[];
	notes: FakeNote[];
	/** What seats are called, by id. */
	seatNames: Record<string, string>;
	leaseDays?: number;
	next: number;
}

export interface FakePerson {
	id: string;
	name?: string;
	role: StaffRole;
	here: boolean;
	passphrase: boolean;
	pin?: string;
	tries: number;
}

export interface World {
	phase: HomePhase;
	passphrase: string;
	words: string[];
	relay?: string;
	link: LinkState;
	outbox: number;
	backupAt?: string;
	drilledAt?: string;
	freshWords?: string[];
	managersReadClinical?: boolean;
	plan?: BackupPlan;
	backupWaits?: string;
	inStepAt?: string;
	alarms: AlarmView[];
	seats: SeatView[];
	/** People at this computer. */
	here: FakePerson[];
	/** Locked, and a PIN opens it. */
	paused: boolean;
	/** Whether the keys need the keystore, and whether that does not answer. */
	keystore: boolean;
	keystoreSilent: boolean;
	leasePhase: LeasePhase;
	invitations: InvitationView[];
	masked: MaskedView[];
	/** What was done since it began, the latest first. */
	audit: AuditRow[];
	erasures: ErasureView[];
	book: Book;
}

export const WORDS =
	"anchor basket candle damp early fabric garden harbor island jacket kitchen ladder magnet napkin orange paddle quiz radar saddle table umbrella valley walnut zebra".split(
		" ",
	);

const nine: [string, string][] = [["09:00", "17:30"]];
const split: [string, string][] = [
	["08:30", "13:00"],
	["14:00", "18:30"],
];

export function emptyBook(name: string): Book {
	return {
		name,
		locations: [],
		staff: [],
		rooms: [],
		services: [],
		clients: [],
		retention: KINDS.map((kept) => ({ kept })),
		visits: [],
		notes: [],
		seatNames: {},
		next: 1,
	};
}

/** A practice in the middle of a working week. */
export function samplePractice(clock: Clock): Book {
	const zone = "Europe/London";
	const day = today(clock, zone);
	const week = (d: [string, string][], saturday: [string, string][] = []) => [
		d,
		d,
		d,
		d,
		d,
		saturday,
		[],
	];
	// The sample must show a working day whenever it is opened, so its first site never closes.
	const everyDay = [split, split, split, split, split, split, split];
	const book = emptyBook("Riverside Animal Care");
	book.locations = [
		{ id: "loc_river", name: "Riverside", zone, weekly: everyDay, closed: [addDays(day, 34)] },
		{
			id: "loc_north",
			name: "North branch",
			zone,
			weekly: week(nine, [["09:00", "12:30"]]),
			closed: [],
		},
	];
	const person = (
		id: string,
		name: string,
		role: StaffView["role"],
		colour: number,
		locations = ["loc_river"],
	): StaffView => ({ id, name, role, colour, locations, retired: false, hours: {}, closed: [] });
	book.staff = [
		person("res_amin", "Dr Leila Amin", "vet", 0, ["loc_river", "loc_north"]),
		person("res_cole", "Dr Tom Cole", "vet", 1),
		person("res_ruiz", "Dr Ana Ruiz", "vet", 3),
		person("res_park", "Jin Park", "groomer", 2),
		person("res_hall", "Dr Sam Hall", "vet", 6, ["loc_north"]),
	];
	const room = (id: string, name: string, location: string, capacity = 1): RoomView => ({
		id,
		name,
		location,
		capacity,
		retired: false,
	});
	book.rooms = [
		room("res_room1", "Room 1", "loc_river"),
		room("res_room2", "Room 2", "loc_river"),
		room("res_theatre", "Theatre", "loc_river"),
		room("res_tub", "Grooming table", "loc_river"),
		room("res_kennel", "Recovery kennels", "loc_river", 4),
		room("res_north1", "North 1", "loc_north"),
	];
	const vets = ["res_amin", "res_cole", "res_ruiz", "res_hall"];
	const service = (
		id: string,
		name: string,
		parts: [number, number, boolean, boolean, boolean][],
		staff: string[],
		rooms: string[],
		price: number,
	): ServiceView => ({
		id,
		name,
		minutes: Math.max(...parts.filter((p) => !p[4]).map((p) => p[0] + p[1])),
		parts: parts.map(([offset_minutes, minutes, s, r, buffer]) => ({
			offset_minutes,
			minutes,
			staff: s,
			room: r,
			buffer,
		})),
		staff,
		rooms,
		price_minor: price,
		currency: "GBP",
		retired: false,
	});
	const consult = ["res_room1", "res_room2", "res_north1"];
	book.services = [
		service("svc_consult", "Consultation", [[0, 20, true, true, false]], vets, consult, 4800),
		service("svc_vaccine", "Vaccination", [[0, 15, true, true, false]], vets, consult, 5200),
		service("svc_nurse", "Check after surgery", [[0, 10, true, false, false]], vets, [], 0),
		service(
			"svc_dental",
			"Dental cleaning",
			[
				[0, 60, true, true, false],
				[60, 15, false, true, true],
			],
			["res_cole", "res_ruiz"],
			["res_theatre"],
			28000,
		),
		service(
			"svc_groom",
			"Bath, dry and trim",
			[
				[0, 30, true, true, false],
				[30, 20, false, true, false],
				[50, 40, true, true, false],
				[90, 10, false, true, true],
			],
			["res_park"],
			["res_tub"],
			5500,
		),
	];
	const household = (
		id: string,
		name: string,
		phone: string,
		pets: [string, string, string][],
		note = "",
	): void => {
		book.clients.push({
			id: `cli_${id}`,
			name,
			phones: [phone],
			email: `${id}@example.org`,
			note,
			pets: pets.map(([pet, species, breed], at) => ({
				id: `pet_${id}${at}`,
				name: pet,
				species,
				breed,
				microchip: at === 0 ? `9850000${String(1000000 + book.clients.length * 7919)}` : "",
			})),
		});
	};
	household(
		"okafor",
		"Grace Okafor",
		"020 7946 0112",
		[["Biscuit", "dog", "Beagle"]],
		"Prefers mornings.",
	);
	household("lindqvist", "Erik Lindqvist", "020 7946 0158", [["Saga", "cat", "Norwegian forest"]]);
	household("marsh", "Priya Marsh", "020 7946 0199", [
		["Toffee", "rabbit", "Lop"],
		["Mint", "rabbit", "Lop"],
	]);
	household(
		"doyle",
		"Siobhan Doyle",
		"020 7946 0127",
		[["Rex", "dog", "German shepherd"]],
		"Rex bites: muzzle.",
	);
	household("tanaka", "Hiro Tanaka", "020 7946 0143", [["Momo", "cat", "Shorthair"]]);
	household("novak", "Petra Nováková", "020 7946 0171", [["Bára", "dog", "Pointer"]]);
	household("adeyemi", "Tunde Adeyemi", "020 7946 0186", [["Simba", "cat", "Maine coon"]]);
	household("weber", "Lena Weber", "020 7946 0134", [["Fips", "dog", "Dachshund"]]);
	household("costa", "Rui Costa", "020 7946 0165", [["Luna", "dog", "Water dog"]]);
	household("bell", "Marion Bell", "020 7946 0102", [["Pepper", "dog", "Poodle"]]);
	household("haddad", "Nour Haddad", "020 7946 0148", [["Zaytoun", "cat", ""]]);
	household("ivers", "Joan Ivers", "020 7946 0119", [["Duke", "dog", "Labrador"]]);

	const visit = (
		start: string,
		staff: string,
		roomId: string | undefined,
		serviceId: string,
		client: string,
		more: Partial<FakeVisit> = {},
	): FakeVisit => {
		const id = `apt_${String(book.next++).padStart(4, "0")}`;
		const what = book.services.find((one) => one.id === serviceId);
		const who = book.clients.find((one) => one.id === `cli_${client}`);
		const made: FakeVisit = {
			id,
			kind: "visit",
			location: "loc_river",
			start: `${day}T${start}`,
			minutes: what?.minutes ?? 20,
			staff,
			...(roomId ? { room: roomId } : {}),
			resources: [],
			service: serviceId,
			client: `cli_${client}`,
			pets: who?.pets.slice(0, 1).map((pet) => pet.id) ?? [],
			note: "",
			title: who?.name ?? "",
			state: "booked",
			standing: "confirmed",
			source: "desk",
			madeBy: "Front desk, Riverside",
			madeAt: new Date(clock.now().getTime() - 86_400_000).toISOString(),
			reasons: [],
			allowed: [],
			...more,
		};
		book.visits.push(made);
		return made;
	};
	visit("08:40", "res_amin", "res_room1", "svc_consult", "okafor", { state: "done" });
	visit("09:00", "res_amin", "res_room1", "svc_vaccine", "lindqvist", { state: "in_progress" });
	visit("09:20", "res_amin", "res_room1", "svc_consult", "tanaka", {
		state: "arrived",
		note: "Not eating since Sunday.",
	});
	visit("10:00", "res_amin", "res_room1", "svc_consult", "adeyemi");
	visit("11:10", "res_amin", "res_room2", "svc_vaccine", "haddad", { standing: "tentative" });
	visit("14:20", "res_amin", "res_room1", "svc_consult", "weber");
	visit("09:00", "res_cole", "res_theatre", "svc_dental", "doyle", {
		state: "in_progress",
		note: "Bites: muzzle.",
	});
	visit("10:30", "res_cole", "res_room2", "svc_consult", "novak");
	visit("11:30", "res_cole", "res_room2", "svc_consult", "marsh");
	visit("15:00", "res_cole", "res_theatre", "svc_dental", "ivers");
	visit("08:30", "res_ruiz", "res_room2", "svc_consult", "costa", { state: "no_show" });
	visit("09:40", "res_ruiz", "res_room2", "svc_vaccine", "weber", {
		state: "cancelled",
		reasons: ["Owner is ill"],
	});
	// Two desks gave the same quarter of an hour away while the line was down.
	visit("11:00", "res_ruiz", "res_room1", "svc_consult", "bell", {
		madeAt: new Date(clock.now().getTime() - 42 * 60_000).toISOString(),
	});
	visit("11:10", "res_ruiz", "res_room1", "svc_consult", "ivers", {
		standing: "tentative",
		madeBy: "Reception tablet, North branch",
		madeAt: new Date(clock.now().getTime() - 35 * 60_000).toISOString(),
	});
	visit("16:00", "res_ruiz", "res_room2", "svc_consult", "okafor");
	visit("09:00", "res_park", "res_tub", "svc_groom", "bell");
	visit("14:00", "res_park", "res_tub", "svc_groom", "costa");
	visit("10:00", "res_hall", "res_north1", "svc_consult", "tanaka", { location: "loc_north" });
	visit("15:30", "res_amin", "res_north1", "svc_consult", "adeyemi", { location: "loc_north" });
	visit("10:00", "res_amin", "res_room1", "svc_vaccine", "weber", {
		start: `${addDays(day, 1)}T10:00`,
	});
	visit("09:20", "res_cole", "res_room2", "svc_consult", "okafor", {
		start: `${addDays(day, -8)}T09:20`,
		state: "done",
	});
	const block = visit("13:00", "res_cole", undefined, "", "", {
		kind: "block",
		minutes: 60,
		title: "Team meeting",
	});
	block.resources = ["res_cole", "res_ruiz"];
	block.pets = [];
	delete block.service;
	delete block.client;
	return book;
}

/** The machine that shows the sample. */
export function sampleWorld(clock: Clock, phase: HomePhase): World {
	const now = clock.now().getTime();
	const founded = phase !== "empty";
	return {
		phase,
		passphrase: "daybook-demo",
		words: WORDS,
		link: founded ? "in_step" : "no_relay",
		outbox: 0,
		alarms: [],
		...(founded
			? { relay: "wss://relay.example.org", inStepAt: new Date(now - 20_000).toISOString() }
			: {}),
		seats: [
			{ id: "seat_1", role: "owner", device: "dev_1", here: true, removed: false, keys: true },
			...(founded
				? [
						{
							id: "seat_2",
							role: "receptionist" as const,
							device: "dev_2",
							here: false,
							removed: false,
							keys: true,
						},
					]
				: []),
		],
		here: [{ id: "seat_1", role: "owner", here: phase === "open", passphrase: true, tries: 0 }],
		paused: false,
		keystore: false,
		keystoreSilent: false,
		leasePhase: "holds",
		masked: [],
		audit: [],
		erasures: [],
		invitations: founded
			? [
					{
						id: "inv_1",
						role: "vet",
						expires: addMinutes(new Date(now).toISOString(), 3 * 1440) + ":00Z",
						used: false,
						revoked: false,
					},
				]
			: [],
		book: founded ? samplePractice(clock) : emptyBook(""),
	};
}
