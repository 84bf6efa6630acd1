//! One text → the same text with placeholders: for what was learned, and for what shows by its shape alone (addresses,
//! accounts, profile folders, names below a domain that is known to be the customer's).

use super::{Kind, Redactor, is_placeholder, public};
use regex::{Captures, Regex};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

/// A table's expression; one that does not compile would find nothing, and a test would say so.
pub(super) fn expression(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

const ACCOUNT_TEXT: &str =
    r"[A-Za-z0-9._%+#~-]+(?:@|%40)(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]";
static ACCOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| expression(ACCOUNT_TEXT));
static WHOLE_ACCOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| expression(&format!("^(?:{ACCOUNT_TEXT})$")));

/// Folders of profiles. Names with spaces are taken for such only where a Windows path goes on behind them.
static WINDOWS_PROFILE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)([a-z]:(?:\\{1,2}|/)(?:users|documents and settings)(?:\\{1,2}|/))([^\\/'"<>|:*?\s]+(?: [^\\/'"<>|:*?\s]+){0,3}[\\/]|[^\\/'"<>|:*?\s]+)"#,
    )
});
static UNIX_PROFILE: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r#"(^|[\s'"=(:,\[])(/(?:mnt/[a-z]/)?(?i:home|users)/)([^\\/'"<>|:*?\s,;)\]]+)"#));

/// Ids that are a tenant's or subscription's by what stands before them.
static TENANT_ID: LazyLock<Option<Regex>> = LazyLock::new(|| {
    expression(
        r#"(?i)(?:tenant[_ ]?(?:id)?["'\\=:\s,]{1,6}|//(?:login|sts)[a-z0-9.-]*/|-tenant(?:id)?["',=\s]+)([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"#,
    )
});
static SUBSCRIPTION_ID: LazyLock<Option<Regex>> =
    LazyLock::new(|| expression(r"(?i)/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"));

/// Profiles that every machine has.
const SHARED_PROFILES: [&str; 6] = ["public", "default", "all users", "default user", "shared", "x"];

/// Bytes of names: hosts, files, versions.
pub(super) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')
}

/// Whether a text is an id as tenants, applications and requests have them.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// The account that a text is, as a whole, in the shape by which accounts are found in texts.
pub(super) fn whole_account(text: &str) -> Option<&str> {
    WHOLE_ACCOUNT.as_ref().is_some_and(|r| r.is_match(text)).then_some(text)
}

impl Redactor {
    /// A text with placeholders.
    pub fn text(&mut self, text: &str) -> String {
        if let Some(whole) = self.names.get(&text.to_lowercase()) {
            return whole.clone();
        }
        let mut text = Cow::Borrowed(text);
        for (phrase, new) in &self.phrases {
            if text.contains(phrase.as_str()) {
                text = Cow::Owned(text.replace(phrase.as_str(), new));
            }
        }
        self.note_ids(&text);
        let text = replace(&text, &ACCOUNT, |found| self.account(found));
        let text = replace(&text, &WINDOWS_PROFILE, |found| {
            let (lead, name) = (group(found, 1), group(found, 2));
            let bare = name.trim_end_matches(['\\', '/']);
            format!("{lead}{}{}", self.profile(bare), name.get(bare.len()..).unwrap_or(""))
        });
        let text = replace(&text, &UNIX_PROFILE, |found| {
            let profile = self.profile(group(found, 3));
            format!("{}{}{profile}", group(found, 1), group(found, 2))
        });
        self.tokens(&text)
    }

    /// Remembers the tenants and subscriptions that show by what stands before them.
    pub(super) fn note_ids(&mut self, text: &str) {
        for (kind, expression) in [(Kind::Tenant, &TENANT_ID), (Kind::Subscription, &SUBSCRIPTION_ID)] {
            let Some(expression) = expression.as_ref() else { continue };
            for id in expression.captures_iter(text).filter_map(|c| c.get(1)) {
                self.placeholder(kind, id.as_str());
            }
        }
    }

    fn account(&mut self, found: &Captures<'_>) -> String {
        let written = group(found, 0);
        // In the query of an address the sign is written as its number.
        let account =
            if written.contains('@') { Cow::Borrowed(written) } else { Cow::Owned(written.replace("%40", "@")) };
        self.user(&account);
        self.placeholder(Kind::User, &account)
    }

    fn profile(&mut self, name: &str) -> String {
        let common = SHARED_PROFILES.contains(&name.to_lowercase().as_str()) || is_placeholder(name);
        if common || name.is_empty() || name.starts_with(['%', '$', '{', '<']) {
            return name.to_owned();
        }
        self.user(name);
        self.placeholder(Kind::User, name)
    }

    /// Addresses, hosts and words, from left to right.
    fn tokens(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut before: Option<char> = None;
        while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
            let starts_run = !before.is_some_and(|c| c.is_ascii_alphanumeric());
            let starts_token = !before.is_some_and(|c| u8::try_from(c).is_ok_and(is_token_byte));
            let found = starts_run.then(|| self.found(rest, before, starts_token, text, at)).flatten();
            match found {
                Some((length, new)) => {
                    out.push_str(&new);
                    before = rest.get(..length).and_then(|r| r.chars().next_back());
                    at = at.saturating_add(length.max(1));
                }
                None => {
                    let Some(c) = rest.chars().next() else { break };
                    out.push(c);
                    before = Some(c);
                    at = at.saturating_add(c.len_utf8());
                }
            }
        }
        out
    }

    /// What stands at the beginning of `rest`: its length and its placeholder.
    fn found(
        &mut self,
        rest: &str,
        before: Option<char>,
        starts_token: bool,
        text: &str,
        at: usize,
    ) -> Option<(usize, String)> {
        let first = *rest.as_bytes().first()?;
        if first == b':' || first.is_ascii_hexdigit() {
            let run = run(rest, |b| b.is_ascii_hexdigit() || b == b':' || b == b'.');
            if let Some(found) = self.address_6(run, rest, before) {
                return Some(found);
            }
        }
        if !first.is_ascii_alphanumeric() && first != b'_' {
            return None;
        }
        if first.is_ascii_digit()
            && before != Some('.')
            && let Some(found) = self.address_4(rest, text, at)
        {
            return Some(found);
        }
        if starts_token || matches!(before, Some('.' | '-' | '_')) {
            let token = run(rest, is_token_byte).trim_end_matches(['.', '-', '_']);
            if is_placeholder(token) {
                return Some((token.len(), token.to_owned()));
            }
            if let Some(new) = self.name(token) {
                return Some((token.len(), new));
            }
        }
        self.word_at(rest)
    }

    /// The placeholder of a name with dots, and of any other that was learned.
    fn name(&mut self, token: &str) -> Option<String> {
        let key = token.to_ascii_lowercase();
        let whole = self.names.get(&key).filter(|_| token.contains('.') || is_guid(token)).cloned();
        if whole.is_some() || !token.contains('.') {
            return whole;
        }
        if public::is_tenant_domain(&key) {
            self.tenant(&key);
            return self.names.get(&key).cloned();
        }
        let ours = public::registrable(&key).is_some_and(|d| self.domains.contains(&d));
        if (ours || public::shared_suffix(&key).is_some()) && !public::is_public(&key) {
            return Some(self.placeholder(Kind::Host, &key));
        }
        None
    }

    /// The longest word or phrase that was learned and stands here, up to a border of words.
    fn word_at(&self, rest: &str) -> Option<(usize, String)> {
        let first = run(rest, |b| b.is_ascii_alphanumeric());
        let list = self.words.get(&first.to_ascii_lowercase())?;
        let fits = |phrase: &str| {
            let here = rest.get(..phrase.len()).is_some_and(|t| t.eq_ignore_ascii_case(phrase));
            let after = rest.as_bytes().get(phrase.len());
            let closed = !phrase.bytes().next_back().is_some_and(|b| b.is_ascii_alphanumeric());
            here && (closed || !after.is_some_and(u8::is_ascii_alphanumeric))
        };
        list.iter().find(|(phrase, _)| fits(phrase)).map(|(phrase, new)| (phrase.len(), new.clone()))
    }

    fn address_6(&mut self, run: &str, rest: &str, before: Option<char>) -> Option<(usize, String)> {
        if run.bytes().filter(|b| *b == b':').count() < 2 || matches!(before, Some(']' | ':' | '_')) {
            return None;
        }
        let mut end = run.len();
        let address = loop {
            let part = run.get(..end)?;
            match part.parse::<Ipv6Addr>() {
                Ok(address) => break address,
                Err(_) if part.ends_with([':', '.']) => end = end.checked_sub(1)?,
                Err(_) => return None,
            }
        };
        let after = rest.as_bytes().get(end).copied();
        if after.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        self.replaced(IpAddr::V6(address), after).map(|new| (end, new))
    }

    fn address_4(&mut self, rest: &str, text: &str, at: usize) -> Option<(usize, String)> {
        let part = run(rest, |b| b.is_ascii_digit() || b == b'.').trim_end_matches('.');
        let address: Ipv4Addr = part.parse().ok()?;
        let after = rest.as_bytes().get(part.len()).copied();
        if after.is_some_and(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let ip = IpAddr::V4(address);
        let known = self.names.contains_key(part) || public::is_private(ip);
        if !known && (self.shown.contains(&ip) || is_version(address, text.get(..at).unwrap_or(""))) {
            return None;
        }
        self.replaced(ip, after).map(|new| (part.len(), new))
    }

    fn replaced(&mut self, address: IpAddr, after: Option<u8>) -> Option<String> {
        if public::is_everybodys(address) || self.shown.contains(&address) {
            return None;
        }
        let text = address.to_string();
        match after {
            Some(b'/') if !self.names.contains_key(&text) => Some(self.placeholder(Kind::Network, &format!("{text}/"))),
            _ => Some(self.placeholder(Kind::Address, &text)),
        }
    }
}

/// Four numbers that nobody saw as an address: of a program (`Chrome/120.0.0.0`, `version 4.56.1.2`).
fn is_version(address: Ipv4Addr, before: &str) -> bool {
    let last = before.trim_end();
    let of_product = before.ends_with('/') && !before.ends_with("//");
    let word = last.rsplit(|c: char| c.is_whitespace()).next().unwrap_or("").to_lowercase();
    let named = word.contains("version") || word.ends_with('v') || word.contains("accounts") || word.contains("msal");
    of_product || named || address.octets().last() == Some(&0)
}

fn run(text: &str, is_in: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|b| !is_in(b)).unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}

fn group<'a>(found: &'a Captures<'_>, number: usize) -> &'a str {
    found.get(number).map_or("", |m| m.as_str())
}

fn replace<'a>(
    text: &'a str,
    expression: &LazyLock<Option<Regex>>,
    new: impl FnMut(&Captures<'_>) -> String,
) -> Cow<'a, str> {
    match expression.as_ref() {
        Some(expression) => expression.replace_all(text, new),
        None => Cow::Borrowed(text),
    }
}
