//! Consistent placeholders for names, addresses, users and tenants.
//!
//! What enters: the facts of cases, in the order in which they come by, then texts made of them. What leaves: the same
//! texts with placeholders (`host-1.internal`, `user-1`, `tenant-1`, `address-1`, ...), one and the same for one and the
//! same name. What Microsoft and the public own stays, and so do products: the answer has to remain useful. Guaranteed:
//! numbers depend on the order of the facts alone; a text without anything of a customer comes back as it was; redacting
//! twice changes nothing more.
//!
//! Names are learned from facts (`learn`); texts are searched for what was learned and for what shows by its shape
//! alone (`scan`); `public` tells what may stay; `walk` reaches every text of a report.

mod learn;
mod public;
mod scan;
mod walk;

use crate::lang::Message;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    /// A host by its full name.
    Host,
    /// A machine by its short name.
    Machine,
    /// A person's or service's account.
    User,
    /// A tenant: id or domain.
    Tenant,
    /// A subscription's id.
    Subscription,
    /// An address.
    Address,
    /// An address with a prefix length behind it.
    Network,
    /// An organisation.
    Organisation,
    /// A certificate authority of the customer's own.
    Authority,
    /// A place in a certificate's name.
    Place,
    /// A file of the evidence.
    File,
}

/// Every kind of placeholder by its word.
const KINDS: [(Kind, &str); 11] = [
    (Kind::Host, "host"),
    (Kind::Machine, "machine"),
    (Kind::User, "user"),
    (Kind::Tenant, "tenant"),
    (Kind::Subscription, "subscription"),
    (Kind::Address, "address"),
    (Kind::Network, "network"),
    (Kind::Organisation, "organisation"),
    (Kind::Authority, "authority"),
    (Kind::Place, "place"),
    (Kind::File, "file"),
];

impl Kind {
    fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("name", |(_, word)| word)
    }
}

/// What stands behind the number of a host: no public name ends so.
const INTERNAL: &str = ".internal";

/// Words that say nothing about anybody, though accounts, machines and certificates carry them.
const COMMON: &[&str] = &[
    "access",
    "account",
    "admin",
    "administrator",
    "all users",
    "app",
    "authority",
    "azure",
    "azureuser",
    "capture",
    "certificate",
    "certificate authority",
    "certificates",
    "client",
    "cloud",
    "common",
    "consumers",
    "contributor",
    "corp",
    "default",
    "default user",
    "desktop",
    "device",
    "devices",
    "dns",
    "domain",
    "error",
    "external",
    "file",
    "firewall",
    "frame",
    "gateway",
    "guest",
    "home",
    "host",
    "http",
    "https",
    "internal",
    "issuer",
    "localhost",
    "local",
    "login",
    "machine",
    "management",
    "microsoft",
    "network",
    "none",
    "null",
    "organisation",
    "organization",
    "organizations",
    "owner",
    "password",
    "place",
    "policy",
    "proxy",
    "public",
    "reader",
    "root",
    "root ca",
    "runner",
    "security",
    "server",
    "servers",
    "service",
    "services",
    "sign-in",
    "site",
    "subscription",
    "system",
    "tenant",
    "test",
    "token",
    "trust",
    "unknown",
    "user",
    "users",
    "web",
    "windows",
    "workgroup",
    "world",
    "wpad",
    "isatap",
    "example",
];

/// Learns what belongs to a customer, and replaces it.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Placeholder by name, in lower case.
    names: HashMap<String, String>,
    /// How many placeholders of each kind there are.
    counts: HashMap<Kind, u32>,
    /// Domains of hosts that are replaced: what lies below them is replaced too.
    domains: HashSet<String>,
    /// Public addresses that may stay: those of hosts whose names stay.
    shown: HashSet<IpAddr>,
    /// Words and phrases by their first run of ASCII letters and digits, the longest first.
    words: HashMap<String, Vec<(String, String)>>,
    /// Phrases that begin otherwise, and paths: replaced wherever they stand, the longest first.
    phrases: Vec<(String, String)>,
}

impl Redactor {
    /// The placeholder of a name, which gets one at its first appearance.
    fn placeholder(&mut self, kind: Kind, name: &str) -> String {
        let key = name.to_lowercase();
        if let Some(known) = self.names.get(&key) {
            return known.clone();
        }
        let numbered = self.number(kind);
        let new = match kind {
            Kind::Host => format!("{numbered}{}", public::shared_suffix(&key).unwrap_or(INTERNAL)),
            Kind::File => numbered + public::extension(&key),
            _ => numbered,
        };
        self.names.insert(key, new.clone());
        new
    }

    fn number(&mut self, kind: Kind) -> String {
        let count = self.counts.entry(kind).or_default();
        *count = count.saturating_add(1);
        format!("{}-{count}", kind.word())
    }

    /// Remembers a host, and the domain above it.
    fn host(&mut self, name: &str) {
        let name = name.trim_matches(['.', '*', '[', ']']);
        if name.is_empty() || is_placeholder(name) {
            return;
        }
        if let Ok(address) = name.parse() {
            self.address(address);
        } else if !name.contains('.') {
            self.word(Kind::Machine, name);
        } else if public::is_tenant_domain(name) {
            self.tenant(name);
        } else if !public::is_public(name) {
            self.placeholder(Kind::Host, name);
            if !name.is_ascii() || !name.bytes().all(scan::is_token_byte) {
                self.anywhere(Kind::Host, name);
            }
            if public::shared_suffix(name).is_none()
                && let Some(domain) = public::registrable(name)
            {
                self.domains.insert(domain);
            }
        }
    }

    /// Remembers an address, unless nobody owns it or it may stay.
    fn address(&mut self, address: IpAddr) {
        if !public::is_everybodys(address) && !self.shown.contains(&address) {
            self.placeholder(Kind::Address, &address.to_string());
        }
    }

    /// Remembers a tenant: an id or a domain.
    fn tenant(&mut self, name: &str) {
        let name = name.trim_matches('.');
        if scan::is_guid(name) {
            self.placeholder(Kind::Tenant, name);
        } else if name.contains('.') && (public::is_tenant_domain(name) || !public::is_public(name)) {
            self.placeholder(Kind::Tenant, name);
            self.domain(name);
        }
    }

    /// Remembers a domain of the customer's own: what lies below it, and the name in it.
    fn domain(&mut self, name: &str) {
        let tenant = public::is_tenant_domain(name);
        if let Some(domain) = public::registrable(name).filter(|_| !tenant && !public::is_public(name)) {
            self.domains.insert(domain);
        }
        if let Some(brand) = public::brand(name) {
            self.word(Kind::Organisation, &brand);
            // `fabrikam-heavy.example` is "Fabrikam Heavy" to people.
            let spoken = brand.replace('-', " ");
            if let Some(new) = self.names.get(&brand).filter(|_| spoken != brand).cloned() {
                self.names.entry(spoken.clone()).or_insert(new);
                self.word(Kind::Organisation, &spoken);
            }
        }
    }

    /// Remembers an account: `name@domain`, `DOMAIN\name`, a name alone or an id.
    fn user(&mut self, name: &str) {
        let name = name.trim();
        if let Some((_, domain)) = name.split_once('@') {
            self.placeholder(Kind::User, name);
            if scan::whole_account(name).is_none() {
                self.anywhere(Kind::User, name);
            }
            self.tenant(domain);
        } else if let Some((domain, user)) = name.split_once('\\') {
            self.word(Kind::Organisation, domain);
            self.user(user.trim_start_matches('\\'));
        } else if scan::is_guid(name) {
            self.placeholder(Kind::User, name);
        } else {
            self.word(Kind::User, name);
        }
    }

    /// Remembers a word or phrase, unless it is everybody's.
    fn word(&mut self, kind: Kind, phrase: &str) {
        let phrase = phrase.trim();
        let telling = phrase.chars().count() > 2 && !phrase.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !telling || COMMON.contains(&phrase.to_lowercase().as_str()) || is_placeholder(phrase) {
            return;
        }
        let first: String = phrase.chars().take_while(char::is_ascii_alphanumeric).collect();
        if first.is_empty() {
            self.anywhere(kind, phrase);
            return;
        }
        let new = self.placeholder(kind, phrase);
        let list = self.words.entry(first.to_ascii_lowercase()).or_default();
        insert_longest_first(list, phrase, new);
    }

    /// Remembers a text to be replaced wherever it stands.
    fn anywhere(&mut self, kind: Kind, phrase: &str) {
        let new = self.placeholder(kind, phrase);
        insert_longest_first(&mut self.phrases, phrase, new);
    }

    /// A text in both languages with placeholders.
    pub fn message(&mut self, message: &Message) -> Message {
        Message { en: self.text(&message.en), ja: self.text(&message.ja) }
    }
}

fn insert_longest_first(list: &mut Vec<(String, String)>, phrase: &str, new: String) {
    if list.iter().all(|(known, _)| known != phrase) {
        let at = list.partition_point(|(known, _)| known.len() >= phrase.len());
        list.insert(at, (phrase.to_owned(), new));
    }
}

/// Whether a name is a placeholder of ours.
fn is_placeholder(name: &str) -> bool {
    let Some((word, rest)) = name.split_once('-') else { return false };
    let digits = rest.split('.').next().unwrap_or("");
    KINDS.iter().any(|(_, w)| *w == word) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
