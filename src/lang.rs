//! The two languages of every text that a person reads.

/// The language of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

impl Lang {
    /// The language of a locale name such as `ja_JP.UTF-8`; English where it is neither.
    pub fn from_locale(locale: &str) -> Lang {
        if locale.to_ascii_lowercase().starts_with("ja") { Lang::Ja } else { Lang::En }
    }
}

/// A fixed text in both languages; leaving one out does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Japanese.
    pub ja: &'static str,
}

impl Text {
    /// The text in one language.
    pub fn get(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ja => self.ja,
        }
    }
}

/// A text made at run time (with host names, numbers) in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

impl Message {
    /// The text in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }

    /// Adds words at the end, as they are: English ones bring the space before them.
    pub fn push(&mut self, more: Message) {
        self.en.push_str(&more.en);
        self.ja.push_str(&more.ja);
    }

    /// Adds a sentence at the end: behind a space in English, behind nothing in Japanese.
    pub fn push_sentence(&mut self, more: Message) {
        self.en.push(' ');
        self.push(more);
    }

    /// The same words in both languages: names, numbers, quoted log lines.
    pub fn same(text: impl Into<String>) -> Message {
        let en = text.into();
        Message { ja: en.clone(), en }
    }
}

impl From<Text> for Message {
    fn from(t: Text) -> Message {
        Message { en: t.en.to_owned(), ja: t.ja.to_owned() }
    }
}

/// The ending of an English noun behind a number.
pub fn plural(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

/// Builds a [`Message`] from two format strings over the same variables.
#[macro_export]
macro_rules! message {
    (en: $en:literal, ja: $ja:literal $(, $($args:tt)*)?) => {
        $crate::lang::Message { en: format!($en $(, $($args)*)?), ja: format!($ja $(, $($args)*)?) }
    };
}
