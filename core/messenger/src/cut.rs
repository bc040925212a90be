//! Cuts texts at a grapheme, so that no character is shown in part.

use unicode_segmentation::UnicodeSegmentation;

/// Cuts to at most `max` bytes; true if the text was longer.
pub(crate) fn to_bytes(text: &mut String, max: usize) -> bool {
    cut(text, max, str::len)
}

/// Cuts to at most `max` characters; true if the text was longer.
pub(crate) fn to_chars(text: &mut String, max: usize) -> bool {
    cut(text, max, |part| part.chars().count())
}

fn cut(text: &mut String, max: usize, size: fn(&str) -> usize) -> bool {
    if text.len() <= max {
        return false;
    }
    let fit = |parts: &mut dyn Iterator<Item = &str>| {
        let mut left = max;
        let fits = |part: &&str| {
            let rest = left.checked_sub(size(part));
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        parts.take_while(fits).map(str::len).sum::<usize>()
    };
    let end = match fit(&mut text.graphemes(true)) {
        0 => fit(&mut text.split_inclusive(|_| true)), // one grapheme with endless marks
        end => end,
    };
    let gone = end < text.len();
    text.truncate(end);
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_to(text: &str, max: usize, cut: fn(&mut String, usize) -> bool) -> (String, bool) {
        let mut text = text.to_owned();
        let gone = cut(&mut text, max);
        (text, gone)
    }

    #[test]
    fn a_text_is_cut_at_a_grapheme() {
        let family = "👩‍👩‍👧"; // five characters of 18 bytes that people see as one
        let two = format!("ab{family}{family}c");
        for (max, left) in
            [(2, "ab".to_owned()), (6, "ab".into()), (7, format!("ab{family}")), (11, format!("ab{family}"))]
        {
            assert_eq!(cut_to(&two, max, to_chars), (left, true), "{max}");
        }
        assert_eq!(cut_to(&two, 12, to_chars), (format!("ab{family}{family}"), true));
        assert_eq!(cut_to(&two, 13, to_chars), (two.clone(), false));
        assert_eq!(cut_to(&two, 19, to_bytes), ("ab".into(), true));
        assert_eq!(cut_to(&two, 20, to_bytes), (format!("ab{family}"), true));
        assert_eq!(cut_to(&two, two.len() - 1, to_bytes), (format!("ab{family}{family}"), true));
        assert_eq!(cut_to(&two, two.len(), to_bytes), (two.clone(), false));
    }

    #[test]
    fn what_is_one_grapheme_all_through_is_cut_too() {
        let marks = format!("e{}", "\u{301}".repeat(5000));
        assert_eq!(cut_to(&marks, 200, to_chars).0.chars().count(), 200);
        assert_eq!(cut_to(&marks, 4096, to_bytes).0.len(), 4095);
        assert_eq!(cut_to("", 0, to_chars), (String::new(), false));
    }
}
