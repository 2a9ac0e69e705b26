//! Rust source reduced to its code: what stands in comments and strings is nobody's import.

/// The text with comments and the contents of strings blanked, line by line as before, and cut before the unit tests,
/// which by the custom of this repository close a file.
pub fn without_tests(text: &str) -> String {
    let code = of(text);
    match code.find("#[cfg(test)]\nmod tests") {
        Some(end) => code.get(..end).unwrap_or_default().to_owned(),
        None => code,
    }
}

/// The text with comments and the contents of strings blanked, line by line as before.
pub fn of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if c == '"' {
            string(rest)
        } else if c == 'r' && !ends_in_word(&code) {
            raw_string(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        let (skip, after) = rest.split_at(skipped);
        code.extend(skip.chars().filter(|c| *c == '\n'));
        if skipped == 0 {
            code.push(c);
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        } else {
            code.push(' ');
            rest = after;
        }
    }
    code
}

/// True where `word` stands alone somewhere in this line of code.
pub fn has_word(line: &str, word: &str) -> bool {
    positions(line, word).next().is_some()
}

/// Where `word` stands alone: not as a part of a longer name.
pub fn positions<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    line.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = line.get(..*at).unwrap_or_default();
        let after = line.get(at + word.len()..).unwrap_or_default();
        !ends_in_word(before) && !after.starts_with(is_word)
    })
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the string that starts here.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the raw string that starts here, or 0 where none does.
fn raw_string(text: &str) -> usize {
    let fence = text.get(1..).unwrap_or_default();
    let hashes = fence.len() - fence.trim_start_matches('#').len();
    if !fence.get(hashes..).unwrap_or_default().starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = hashes + 2;
    text.get(body..)
        .and_then(|rest| rest.find(&close))
        .map_or(text.len(), |end| body + end + close.len())
}

/// The length of the character that starts here, or 0 where it is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, c))) => {
            let from = escaped + c.len_utf8();
            text.get(from..)
                .and_then(|rest| rest.find('\''))
                .map_or(0, |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay_where_they_were() {
        let text =
            "let a = \"axum \\\" // no\";\n// axum\nuse axum; /* axum\n axum */ let r = r#\"axum\"#;\n";
        let code = of(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(code.matches("axum").count(), 1);
        assert!(code.lines().nth(2).unwrap().contains("use axum;"));
    }

    #[test]
    fn a_quoted_quote_does_not_open_a_string_and_a_lifetime_is_not_a_character() {
        let code = of("fn f<'a>(x: &'a str) { if c == '\"' || d == '\\'' { axum() } }");
        assert!(code.contains("axum()"), "{code}");
    }

    #[test]
    fn unit_tests_are_cut_off() {
        assert_eq!(
            without_tests("fn a() {}\n#[cfg(test)]\nmod tests {\n}\n"),
            "fn a() {}\n"
        );
    }

    #[test]
    fn a_word_is_not_found_inside_a_longer_one() {
        assert!(has_word("use axum::Router;", "axum"));
        assert!(!has_word("use axum_extra::Form;", "axum"));
    }
}
