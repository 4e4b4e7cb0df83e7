//! What the demo practice is made of. The phone numbers are of ranges kept free for stories.

/// One member of staff: name, role, sites (by number), working hours.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) role: &'static str,
    pub(super) sites: &'static [usize],
    pub(super) from: &'static str,
    pub(super) until: &'static str,
    pub(super) saturday: bool,
}

const fn member(
    name: &'static str,
    role: &'static str,
    sites: &'static [usize],
    from: &'static str,
    until: &'static str,
    saturday: bool,
) -> Member {
    Member {
        name,
        role,
        sites,
        from,
        until,
        saturday,
    }
}

pub(super) const STAFF: [Member; 8] = [
    member("Dr Hale", "vet", &[0], "08:30:00", "17:00:00", true),
    member("Dr Okoro", "vet", &[0], "09:30:00", "18:30:00", false),
    member("Dr Lindqvist", "vet", &[0, 1], "09:00:00", "17:00:00", true),
    member("Dr Marsh", "vet", &[1], "08:30:00", "17:30:00", true),
    member("Bea", "groomer", &[0], "09:00:00", "17:00:00", true),
    member("Noor", "groomer", &[1], "09:00:00", "17:00:00", true),
    member("Wren", "receptionist", &[0], "08:30:00", "18:30:00", true),
    member("Ivo", "receptionist", &[1], "08:30:00", "17:30:00", true),
];

/// Rooms of each site, with how many visits they hold at once.
pub(super) const ROOMS: [&[(&str, u16)]; 2] = [
    &[("Consulting 1", 1), ("Consulting 2", 1), ("Grooming", 2)],
    &[("Consulting", 1), ("Treatment", 1), ("Grooming", 1)],
];

/// Offset and length in minutes; whether it needs staff, a room, and is a buffer.
pub(super) type Part = (u32, u32, bool, bool, bool);

#[derive(Debug)]
pub(super) struct Offer {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    pub(super) for_vets: bool,
    pub(super) price: u32,
}

const fn offer(name: &'static str, parts: &'static [Part], for_vets: bool, price: u32) -> Offer {
    Offer {
        name,
        parts,
        for_vets,
        price,
    }
}

pub(super) const SERVICES: [Offer; 7] = [
    offer("Consultation", &[(0, 20, true, true, false)], true, 5_200),
    offer("Vaccination", &[(0, 15, true, true, false)], true, 6_400),
    offer("Recheck", &[(0, 10, true, true, false)], true, 3_100),
    // The anaesthetic works while the vet sees somebody else; the room stays taken, then is cleaned.
    offer(
        "Dental cleaning",
        &[
            (0, 20, true, true, false),
            (20, 25, false, true, false),
            (45, 30, true, true, false),
            (75, 15, false, true, true),
        ],
        true,
        28_500,
    ),
    offer("Nail trim", &[(0, 15, true, true, false)], false, 1_800),
    offer(
        "Bath and brush",
        &[(0, 45, true, true, false)],
        false,
        3_900,
    ),
    // Drying needs the table, not the groomer.
    offer(
        "Full groom",
        &[
            (0, 60, true, true, false),
            (60, 20, false, true, false),
            (80, 25, true, true, false),
        ],
        false,
        6_800,
    ),
];

pub(super) const FIRST: &[&str] = &[
    "Ada", "Amir", "Anouk", "Bilal", "Carys", "Chidi", "Clara", "Dafydd", "Deepa", "Elif", "Emeka",
    "Esme", "Farah", "Felix", "Gwen", "Hana", "Idris", "Imani", "Jonas", "Kasia", "Leila",
    "Lorcan", "Magda", "Mei", "Milo", "Niamh", "Olek", "Orla", "Priya", "Rafe", "Rosa", "Saoirse",
    "Sven", "Tamsin", "Theo", "Uma", "Viktor", "Yara", "Zofia", "Zsófia",
];

pub(super) const LAST: &[&str] = &[
    "Abbott",
    "Adeyemi",
    "Ashdown",
    "Banerjee",
    "Brandt",
    "Calloway",
    "Castellan",
    "Dacre",
    "Demir",
    "Eriksen",
    "Fairley",
    "Farouk",
    "Gallagher",
    "Grzelak",
    "Hargreave",
    "Ito",
    "Jansen",
    "Kowalska",
    "Lachance",
    "Lindsay",
    "Mbeki",
    "Moreau",
    "Nakata",
    "Ng",
    "O'Dowd",
    "Osei",
    "Pellegrin",
    "Petrov",
    "Quill",
    "Rahimi",
    "Rowntree",
    "Sandoval",
    "Sørby",
    "Tanaka",
    "Thorne",
    "Underhill",
    "Vance",
    "Whitlock",
    "Yildiz",
    "Zamora",
];

pub(super) const PETS: &[&str] = &[
    "Acorn",
    "Biscuit",
    "Bramble",
    "Clover",
    "Cosmo",
    "Domino",
    "Ember",
    "Fig",
    "Fudge",
    "Gizmo",
    "Hazel",
    "Indie",
    "Juno",
    "Kipper",
    "Luna",
    "Mabel",
    "Marmalade",
    "Nimbus",
    "Noodle",
    "Olive",
    "Otis",
    "Pebble",
    "Pickle",
    "Poppy",
    "Quince",
    "Rolo",
    "Rufus",
    "Sage",
    "Smudge",
    "Tango",
    "Teasel",
    "Truffle",
    "Waffle",
    "Willow",
    "Ziggy",
];

pub(super) const SPECIES: &[(&str, &[&str])] = &[
    (
        "dog",
        &[
            "Labrador",
            "Border collie",
            "Cockapoo",
            "Whippet",
            "Springer spaniel",
            "Dachshund",
        ],
    ),
    (
        "dog",
        &["Lurcher", "French bulldog", "Greyhound", "Poodle", "Mixed"],
    ),
    (
        "cat",
        &["Domestic shorthair", "Maine coon", "Siamese", "Ragdoll"],
    ),
    ("cat", &["Domestic longhair", "Bengal", "British shorthair"]),
    ("rabbit", &["Lop", "Dutch", "Lionhead"]),
    ("guinea pig", &["Abyssinian", "American"]),
];
