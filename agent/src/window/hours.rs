//! Hours as an administrator writes them: `mon-fri 08:00-18:00`, `sat,sun 10:00-14:00`, `fri 22:00-06:00`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Weekday;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Opening hours of one day, in minutes of its local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayHours {
    from: u16,
    to: u16,
}

impl DayHours {
    /// The minute at which they begin, 0 to 1439.
    pub const fn from(self) -> u16 {
        self.from
    }

    /// The minute at which they end; from 1440 on it is one of the next day.
    pub const fn to(self) -> u16 {
        self.to
    }
}

/// Hours on some days of every week. Hours over midnight belong to the day on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeekHours {
    /// By the day's distance from Monday.
    days: [bool; 7],
    /// The hours of each of them.
    pub hours: DayHours,
}

impl WeekHours {
    /// Whether they begin on `day`.
    pub fn on(&self, day: Weekday) -> bool {
        self.days.get(position(day)).copied().unwrap_or(false)
    }
}

/// Why a text is no hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not days, a blank and hours.
    #[error("is no line of a week; write days and hours, such as \"mon-fri 08:00-18:00\"")]
    Shape,
    /// A word that is no day.
    #[error("names a day that is none; choose from mon, tue, wed, thu, fri, sat, sun and daily")]
    Day,
    /// Not two times.
    #[error("has hours that are none; write both as hh:mm from 00:00 to 24:00, such as 08:00-18:00")]
    Hours,
    /// From and to are the same.
    #[error("ends when it begins; write 00:00-24:00 for a whole day")]
    Empty,
}

impl FromStr for WeekHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let (named, hours) = text.trim().split_once(' ').ok_or(HoursError::Shape)?;
        let hours = hours.trim().parse()?;
        let mut days = [false; 7];
        for part in named.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (day(first)?, day(last)?),
                None if part == "daily" => (0, 6),
                None => (day(part)?, day(part)?),
            };
            // `fri-mon` goes on over the end of the week.
            let count = (7 + last - first) % 7 + 1;
            for (at, slot) in days.iter_mut().enumerate() {
                *slot |= (7 + at - first) % 7 < count;
            }
        }
        Ok(Self { days, hours })
    }
}

impl FromStr for DayHours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let (from, to) = text.split_once('-').ok_or(HoursError::Hours)?;
        let (from, to) = (minute(from)?, minute(to)?);
        if from == to {
            return Err(HoursError::Empty);
        }
        // 24:00 opens nothing on its own day, and is no time of the next.
        if from == DAY {
            return Err(HoursError::Hours);
        }
        Ok(Self { from, to: if to < from { to + DAY } else { to } })
    }
}

fn day(word: &str) -> Result<usize, HoursError> {
    WORDS.iter().position(|known| *known == word).ok_or(HoursError::Day)
}

/// `hh:mm`, to 24:00.
fn minute(text: &str) -> Result<u16, HoursError> {
    let (hour, minute) = text.split_once(':').ok_or(HoursError::Hours)?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits).ok_or(HoursError::Hours)
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let at = hour * 60 + minute;
    if minute > 59 || at > DAY { Err(HoursError::Hours) } else { Ok(at) }
}

const WORDS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn position(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()
}

impl fmt::Display for DayHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

impl fmt::Display for WeekHours {
    /// The days one by one or as the runs that they form, then the hours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = 0;
        let mut separator = "";
        while let Some(first) = (at..7).find(|day| self.days.get(*day) == Some(&true)) {
            let last = (first..7).take_while(|day| self.days.get(*day) == Some(&true)).last().unwrap_or(first);
            let word = |day: usize| WORDS.get(day).copied().unwrap_or_default();
            match last - first {
                0 => write!(f, "{separator}{}", word(first))?,
                _ => write!(f, "{separator}{}-{}", word(first), word(last))?,
            }
            separator = ",";
            at = last + 1;
        }
        write!(f, " {}", self.hours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<WeekHours>().map_or_else(|error| error.to_string(), |hours| hours.to_string())
    }

    #[test]
    fn given_days_and_hours_then_they_read_back() {
        for (text, same) in [
            ("mon-fri 08:00-18:00", "mon-fri 08:00-18:00"),
            ("sat 10:00-14:00", "sat 10:00-14:00"),
            ("fri 22:00-06:00", "fri 22:00-06:00"),
            ("sun,tue,mon  00:00-24:00", "mon-tue,sun 00:00-24:00"),
            ("sat-mon 22:00-00:00", "mon,sat-sun 22:00-24:00"),
            ("daily 06:30-06:29", "mon-sun 06:30-06:29"),
            (" wed 23:59-24:00 ", "wed 23:59-24:00"),
        ] {
            assert_eq!(shown(text), same, "{text}");
        }
    }

    #[test]
    fn given_hours_over_midnight_then_their_end_counts_on() {
        let night: DayHours = "22:00-06:00".parse().unwrap();
        assert_eq!((night.from(), night.to()), (22 * 60, 30 * 60));
        assert_eq!("22:00-00:00".parse::<DayHours>().unwrap().to(), 24 * 60);
        assert_eq!("22:00-24:00".parse::<DayHours>().unwrap().to(), 24 * 60);
    }

    #[test]
    fn given_anything_else_then_it_is_refused_with_what_is_wrong() {
        for (text, error) in [
            ("", HoursError::Shape),
            ("mon-fri", HoursError::Shape),
            ("08:00-18:00", HoursError::Shape),
            ("monday 08:00-18:00", HoursError::Day),
            ("Mon 08:00-18:00", HoursError::Day),
            ("mon- 08:00-18:00", HoursError::Day),
            ("mon,,fri 08:00-18:00", HoursError::Day),
            ("mon 08:00", HoursError::Hours),
            ("mon 8:00-18:00", HoursError::Hours),
            ("mon 08:00-24:01", HoursError::Hours),
            ("mon 08:60-18:00", HoursError::Hours),
            ("mon 24:00-06:00", HoursError::Hours),
            ("mon +8:00-18:00", HoursError::Hours),
            ("mon 08:00-18:00:00", HoursError::Hours),
            ("mon 08:00-08:00", HoursError::Empty),
        ] {
            assert_eq!(text.parse::<WeekHours>(), Err(error), "{text:?}");
        }
    }
}
