//! Words and digits as they are compared: folded, so that nobody needs to type them exactly.

/// Lower case without diacritics; Latin and the Arabic marks that are often left out.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => folded.push('a'),
            'æ' => folded.push_str("ae"),
            'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => folded.push('c'),
            'ď' | 'đ' | 'ð' => folded.push('d'),
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ĝ' | 'ğ' | 'ġ' | 'ģ' => folded.push('g'),
            'ĥ' | 'ħ' => folded.push('h'),
            'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => folded.push('i'),
            'ĵ' => folded.push('j'),
            'ķ' => folded.push('k'),
            'ĺ' | 'ļ' | 'ľ' | 'ł' => folded.push('l'),
            'ñ' | 'ń' | 'ņ' | 'ň' => folded.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => folded.push('o'),
            'œ' => folded.push_str("oe"),
            'ŕ' | 'ŗ' | 'ř' => folded.push('r'),
            'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => folded.push('s'),
            'ß' => folded.push_str("ss"),
            'ţ' | 'ť' | 'ț' | 'ŧ' => folded.push('t'),
            'þ' => folded.push_str("th"),
            'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ŵ' => folded.push('w'),
            'ý' | 'ÿ' | 'ŷ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'أ' | 'إ' | 'آ' => folded.push('ا'),
            'ى' => folded.push('ي'),
            // Combining marks, Arabic vowel signs and the tatweel.
            '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{652}' | '\u{640}' => {}
            other => folded.push(other),
        }
    }
    folded
}

pub(super) fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|letter: char| !letter.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The digits of a text, in any script that phones are written in.
pub(super) fn digits(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            '0'..='9' => Some(letter),
            '٠'..='٩' => char::from_digit(u32::from(letter) - u32::from('٠'), 10),
            _ => None,
        })
        .collect()
}

/// Whether at most one slip (a letter more, less, another, or two swapped) makes `typed` a prefix
/// of `word`.
pub(super) fn nearly_begins(word: &str, typed: &str) -> bool {
    let (mut word, mut typed) = (word.chars(), typed.chars());
    loop {
        let (before_word, before_typed) = (word.clone(), typed.clone());
        let Some(wanted) = typed.next() else {
            return true;
        };
        let Some(found) = word.next() else {
            // One letter too many at the end.
            return typed.next().is_none();
        };
        if wanted == found {
            continue;
        }
        let begins = |word: core::str::Chars<'_>, typed: core::str::Chars<'_>| {
            word.as_str().starts_with(typed.as_str())
        };
        let another = begins(word.clone(), typed.clone());
        let too_many = begins(before_word.clone(), typed.clone());
        let missing = begins(word.clone(), before_typed);
        let mut word_after = word;
        let mut typed_after = typed;
        let swapped = word_after.next() == Some(wanted)
            && typed_after.next() == Some(found)
            && begins(word_after, typed_after);
        return another || too_many || missing || swapped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_is_forgiven_and_two_are_not() {
        for typed in [
            "garcia", "garci", "gracia", "garsia", "garia", "garrcia", "arcia",
        ] {
            assert!(nearly_begins("garcia", typed), "{typed}");
        }
        for typed in ["grasia", "gxrcxa", "martin"] {
            assert!(!nearly_begins("garcia", typed), "{typed}");
        }
    }

    #[test]
    fn case_and_diacritics_do_not_matter() {
        assert_eq!(fold("Müller-Núñez"), "muller-nunez");
        assert_eq!(fold("STRAẞE"), "strasse");
        assert_eq!(words("Ana  O’Neill"), ["ana", "o", "neill"]);
        assert_eq!(digits("+34 (612) 34-56"), "346123456");
    }
}
