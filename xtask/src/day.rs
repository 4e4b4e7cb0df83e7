//! Calendar days, as far as the demo week needs them.

/// One day, counted from 1 January 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(i64);

impl Day {
    pub(crate) const fn from_days_since_1970(days: i64) -> Self {
        Self(days)
    }

    /// Today by this machine's clock, in UTC.
    #[allow(
        clippy::disallowed_methods,
        reason = "a program for the terminal: here the clock is read"
    )]
    pub(crate) fn today() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let days = since.map_or(0, |since| since.as_secs() / 86_400);
        Self::from_days_since_1970(i64::try_from(days).unwrap_or(0))
    }

    /// Days since Monday. 1 January 1970 was a Thursday.
    const fn weekday(self) -> i64 {
        (self.0 + 3).rem_euclid(7)
    }

    pub(crate) const fn monday(self) -> Self {
        Self(self.0 - self.weekday())
    }

    pub(crate) const fn is_saturday(self) -> bool {
        self.weekday() == 5
    }

    pub(crate) const fn plus(self, days: i64) -> Self {
        Self(self.0 + days)
    }

    /// A civil time of this day, `minutes` after midnight.
    pub(crate) fn at(self, minutes: u32) -> String {
        format!("{self}T{:02}:{:02}:00", minutes / 60, minutes % 60)
    }

    /// Year, month, day in the Gregorian calendar: days are counted in eras of 400 years that begin
    /// on 1 March, so that the leap day is the last of its year.
    const fn civil(self) -> (i64, i64, i64) {
        let since_march_0 = self.0 + 719_468;
        let era = since_march_0.div_euclid(146_097);
        let day_of_era = since_march_0.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::Day;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (days, shown, monday) in [
            (0, "1970-01-01", "1969-12-29"),
            (11_016, "2000-02-29", "2000-02-28"),
            (20_514, "2026-03-02", "2026-03-02"),
            (20_515, "2026-03-03", "2026-03-02"),
            (20_452, "2025-12-30", "2025-12-29"),
        ] {
            let day = Day::from_days_since_1970(days);
            assert_eq!(day.to_string(), shown);
            assert_eq!(day.monday().to_string(), monday);
        }
        assert_eq!(
            Day::from_days_since_1970(20_514).at(545),
            "2026-03-02T09:05:00"
        );
        assert!(Day::from_days_since_1970(20_514).plus(5).is_saturday());
    }
}
