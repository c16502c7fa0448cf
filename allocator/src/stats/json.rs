//! JSON, written as it comes: the only state is whether a comma is due.

use core::fmt::{self, Display, Write};

/// A document that is being written.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
    comma: bool,
}

impl<'a> Json<'a> {
    /// Writes one object, whose members `body` writes.
    pub(crate) fn object(out: &'a mut dyn Write, body: impl FnOnce(&mut Json<'a>) -> fmt::Result) -> fmt::Result {
        Json { out, comma: false }.within("{", "}", body)
    }

    fn within(&mut self, open: &str, close: &str, body: impl FnOnce(&mut Json<'a>) -> fmt::Result) -> fmt::Result {
        self.out.write_str(open)?;
        self.comma = false;
        body(self)?;
        self.comma = true;
        self.out.write_str(close)
    }

    /// Writes what precedes a value. An empty name means none, as in a list.
    fn begin(&mut self, name: &str) -> fmt::Result {
        if self.comma {
            self.out.write_str(",")?;
        }
        self.comma = true;
        if name.is_empty() { Ok(()) } else { write!(self.out, "\"{name}\":") }
    }

    /// Writes a member that is an object.
    pub(crate) fn members(&mut self, name: &str, body: impl FnOnce(&mut Json<'a>) -> fmt::Result) -> fmt::Result {
        self.begin(name)?;
        self.within("{", "}", body)
    }

    /// Writes a member that is a list; its items have empty names.
    pub(crate) fn list(&mut self, name: &str, body: impl FnOnce(&mut Json<'a>) -> fmt::Result) -> fmt::Result {
        self.begin(name)?;
        self.within("[", "]", body)
    }

    /// Writes a number, or `null` if there is none.
    pub(crate) fn number(&mut self, name: &str, value: impl Into<Option<usize>>) -> fmt::Result {
        self.begin(name)?;
        match value.into() {
            Some(value) => write!(self.out, "{value}"),
            None => self.out.write_str("null"),
        }
    }

    /// Writes several numbers, each under its name.
    pub(crate) fn numbers<const N: usize>(&mut self, members: [(&str, usize); N]) -> fmt::Result {
        members.into_iter().try_for_each(|(name, value)| self.number(name, value))
    }

    /// Writes a string.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) -> fmt::Result {
        self.begin(name)?;
        self.out.write_str("\"")?;
        write!(Escaped(self.out), "{value}")?;
        self.out.write_str("\"")
    }
}

/// Escapes the characters of a string.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' | '\\' => write!(self.0, "\\{c}"),
            '\0'..' ' => write!(self.0, "\\u{:04x}", u32::from(c)),
            other => self.0.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::string::String;

    #[test]
    fn commas_names_and_strings() {
        let mut text = String::new();
        Json::object(&mut text, |json| {
            json.text("word", "a \"b\"\\\n")?;
            json.members("empty", |_| Ok(()))?;
            json.list("list", |json| {
                json.number("", 1)?;
                json.number("", None)?;
                json.members("", |json| json.numbers([("x", 2), ("y", 3)]))
            })
        })
        .unwrap();
        assert_eq!(text, r#"{"word":"a \"b\"\\\u000a","empty":{},"list":[1,null,{"x":2,"y":3}]}"#);
    }
}
