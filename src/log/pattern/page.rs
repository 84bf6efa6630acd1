//! A web page where an API's answer was due: who wrote it, as far as its title, and the words below it, tell.

use crate::facts::log::ErrorClass;
use crate::knowledge::interceptors::interceptor_by_text;
use crate::log::is;
use regex::Regex;
use std::sync::LazyLock;

regex!(TITLE, r"(?i)<title[^>]*>([^<]{1,200})");

// Titles that only filters write. "Denied" and "not allowed" alone are words of every web server.
regex!(
    BLOCKS,
    r"(?:web|content|url|internet) ?filter|(?:web ?page|web ?site|site|page|url|content) (?:has been |is |was )?blocked|blocked by|web gateway|閲覧.{0,12}(?:禁止|制限|規制|ブロック)"
);

// What filters write below a title that refuses, and no web server does.
regex!(
    BLOCKS_BELOW,
    r"(?:your|this) (?:organi[sz]ation|company|network|(?:network |it )?administrator)(?:'s \w+ \w+)? (?:has |have )?(?:blocked|restricted|prohibits|does not allow)|blocked by (?:your|the) (?:organi[sz]ation|company|(?:network |it )?administrator)|\b(?:web|url|site) categor(?:y|ies)\b|internet (?:usage|use|access) policy"
);

/// Words of a refusal in the title of a page.
const REFUSAL_WORDS: [&str; 10] =
    ["block", "denied", "restricted", "prohibit", "not allowed", "permission", "拒否", "禁止", "制限", "ブロック"];

// Phrases of a refusal, which below the name of a filter's vendor make a block page. Single words stand in style sheets,
// addresses and legal notes as well.
regex!(
    REFUSES,
    r"(?:do not|don.{1,6}t|does not) have (?:the )?permissions? to (?:visit|access|view|open|browse|use)|\b(?:has|have) been (?:blocked|denied|restricted|prohibited)|\b(?:is|was) (?:blocked|denied|prohibited)\b|\baccess denied\b|\bnot (?:allowed|permitted|authorized) to (?:visit|access|view|open|browse)|\bblocked by\b|(?:拒否|禁止|制限|規制|ブロック)(?:され|し(?:て|まし))"
);

// A title of a page that wants its reader to sign in, which refuses nobody; a name of a host in it says nothing.
regex!(
    WANTS_LOGIN,
    r"(?:^|[^\w.-])(?:log[ -]?[io]n|sign[ -]?[io]n|authenticat(?:ion|e))(?:$|[^\w.-]|[.-](?:\s|$))|ログ[イオ]ン|サインイン|認証"
);

// What of a page nobody sees; a log may cut it off anywhere.
regex!(UNSEEN, r"(?s)<style\b.*?(?:</style\s*>|$)|<script\b.*?(?:</script\s*>|$)|<!--.*?(?:-->|$)|<[^<>]*(?:>|$)");

/// Words in the title of a page that wants a login to the network; "portal" alone is the name of many a service.
const PORTAL_WORDS: [&str; 5] = ["captive", "hotspot", "wi-fi", "wifi", "guest access"];

// Web servers put the status first into the titles of their own error pages.
static STATUS_FIRST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(?:http )?(?:error |エラー )?[1-5]\d\d\b").ok());

/// The title of the page in `text`.
pub(crate) fn title(text: &str) -> Option<&str> {
    Some(TITLE.as_ref()?.captures(text)?.get(1)?.as_str())
}

/// What the page in `text` is; `None` where there is no page.
pub(crate) fn page(text: &str) -> Option<ErrorClass> {
    let at = memchr::memchr(b'<', text.as_bytes())?;
    let text = text.get(at..)?.to_lowercase();
    if !(text.contains("<!doctype html") || text.contains("<html") || text.contains("<title")) {
        return None;
    }
    let title = title(&text).unwrap_or_default();
    if is(&STATUS_FIRST, title) {
        return Some(ErrorClass::ForeignPage);
    }
    let says = |words: &[&str]| words.iter().any(|w| title.contains(w));
    let blocks = is(&BLOCKS, title);
    let shown = UNSEEN.as_ref().map(|r| r.replace_all(&text, " ")).unwrap_or_default();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let reads = |words: &LazyLock<Option<Regex>>| words.as_ref().is_some_and(|r| r.is_match(&shown));
    let wants_login = is(&WANTS_LOGIN, title);
    // A product may give its name to the title and the refusal to the text.
    let refuses = || (says(&REFUSAL_WORDS) || reads(&REFUSES)) && interceptor_by_text(title).is_some();
    let below = || says(&REFUSAL_WORDS) && reads(&BLOCKS_BELOW);
    Some(if !wants_login && (blocks || refuses() || below()) {
        ErrorClass::BlockPage
    } else if says(&PORTAL_WORDS) {
        ErrorClass::CaptivePortal
    } else {
        ErrorClass::ForeignPage
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_who_wrote_a_page() {
        for (text, class) in [
            ("<!DOCTYPE html><html><head><title>Access Denied - Zscaler</title></head></html>", ErrorClass::BlockPage),
            ("HTTP status: 403, Error: <html><head><title>Blocked by Web Filter</title>", ErrorClass::BlockPage),
            ("<html><title>Hotel Wi-Fi</title>", ErrorClass::CaptivePortal),
            (
                "<html><head><title>Internet Security by Zscaler</title></head><body>You don't have permission to visit this site.",
                ErrorClass::BlockPage,
            ),
            (
                "<html><title>Access Denied</title><body>Your organization has blocked access (Web category: IT).",
                ErrorClass::BlockPage,
            ),
            ("<html><title>Access Denied</title><body>You have no role on this subscription.", ErrorClass::ForeignPage),
            (
                "<html><title>Sign in to your account</title><body>Your organization has blocked this application.",
                ErrorClass::ForeignPage,
            ),
            ("<html><head><title>502 Bad Gateway</title></head></html>", ErrorClass::ForeignPage),
        ] {
            assert_eq!(page(text), Some(class), "{text}");
        }
        for title in [
            "403 - Forbidden: Access is denied.",
            "405 - HTTP verb used to access this page is not allowed.",
            "401 - Unauthorized: Access is denied due to invalid credentials.",
            "405 Not Allowed",
            "Access Denied",
            "Microsoft Azure Portal",
            "Contoso Employee Portal - Sign In",
        ] {
            let text = format!("<html><head><title>{title}</title></head></html>");
            assert_eq!(page(&text), Some(ErrorClass::ForeignPage), "{title}");
        }
        for title in ["Web Page Blocked", "このサイトの閲覧は禁止されています"] {
            assert_eq!(page(&format!("<title>{title}</title>")), Some(ErrorClass::BlockPage), "{title}");
        }
        // Neither a style sheet nor the name of a host in the title tells what a page wants.
        let vendors = |title: &str, body: &str| {
            page(&format!(
                "<html><head><title>{title}</title><style>.a{{display:block}}</style><script>var denied = 'access denied'</script></head><body><div class=\"access denied\">{body}"
            ))
        };
        for (title, body, class) in [
            ("Zscaler Login", "Please enter your user name", ErrorClass::ForeignPage),
            ("Zscaler Login", "Access denied. Your organization has blocked access.", ErrorClass::ForeignPage),
            ("Fortinet Firewall Authentication", "Username: Password: Continue", ErrorClass::ForeignPage),
            ("Sophos Firewall - User Portal Login", "Sign in", ErrorClass::ForeignPage),
            ("Barracuda Web Security - Warning", "Click continue to proceed", ErrorClass::ForeignPage),
            ("Zscaler - Gateway error", "DNS resolution failed.", ErrorClass::ForeignPage),
            ("Zscaler", "The page <b>has been</b>\nblocked.", ErrorClass::BlockPage),
            ("Zscaler: login.microsoftonline.com", "Access denied", ErrorClass::BlockPage),
        ] {
            assert_eq!(vendors(title, body), Some(class), "{title}: {body}");
        }
        assert!(BLOCKS.is_some() && BLOCKS_BELOW.is_some() && STATUS_FIRST.is_some());
        assert!(REFUSES.is_some() && WANTS_LOGIN.is_some() && UNSEEN.is_some());
        assert_eq!(page("Path '', value: <. line 0"), None);
        assert_eq!(page("<urllib3.connection.HTTPSConnection object at 0x1>: blocked"), None);
    }
}
