//! Proxy settings: `netsh winhttp show proxy`, Internet settings as registry export or PowerShell shows them,
//! environment variables.
//!
//! What enters: a text that may hold them. What leaves: [`ProxySetting`]s without credentials.

use super::text::clean;
use crate::facts::system::{ProxyScope, ProxySetting, SystemFacts};

/// Environment variables that name a proxy.
const VARIABLES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Settings kept.
const SETTINGS_MAX: usize = 64;

/// Reads all three.
pub fn read(text: &str, facts: &mut SystemFacts) {
    winhttp(text, facts);
    user(text, facts);
    environment(text, facts);
    facts.proxy_settings.truncate(SETTINGS_MAX);
    for endpoint in facts.proxy_settings.iter().flat_map(ProxySetting::endpoints) {
        if !facts.proxies.contains(&endpoint) {
            facts.proxies.push(endpoint);
        }
    }
}

/// After the heading that names WinHTTP: one line (direct access), or proxy and bypass list behind colons.
fn winhttp(text: &str, facts: &mut SystemFacts) {
    let mut lines = text.lines();
    // The product's name is the same in every language; commands that are echoed hold no colon.
    while let Some(heading) = lines.next() {
        if !heading.contains("WinHTTP") || !heading.trim_end().ends_with([':', '：']) {
            continue;
        }
        let values: Vec<&str> =
            lines.by_ref().skip_while(|l| l.trim().is_empty()).take_while(|l| !l.trim().is_empty()).take(4).collect();
        let after_colon = |line: &&str| {
            let (_, value) = line.split_once([':', '：'])?;
            Some(clean(value)).filter(|v| !v.is_empty())
        };
        let Some(first) = values.first() else { return };
        let server = after_colon(first).map(|v| without_credentials(&v));
        let bypass = values.get(1).and_then(after_colon).filter(|v| !v.starts_with('('));
        facts.proxy_settings.push(ProxySetting {
            scope: ProxyScope::WinHttp,
            server,
            auto_config_url: None,
            bypass,
            enabled: true,
            variable: None,
        });
        return;
    }
}

/// `"ProxyServer"="host:8080"` of a registry export, `ProxyServer : host:8080` of PowerShell, `ProxyServer REG_SZ host` of reg query.
fn user(text: &str, facts: &mut SystemFacts) {
    let mut found = [None, None, None, None];
    for line in text.lines() {
        let Some((name, value)) = setting(line) else { continue };
        let names = ["ProxyEnable", "ProxyServer", "AutoConfigURL", "ProxyOverride"];
        for (place, known) in found.iter_mut().zip(names) {
            if place.is_none() && name.eq_ignore_ascii_case(known) {
                *place = Some(value.clone());
            }
        }
    }
    let [enable, server, script, bypass] = found;
    if enable.is_none() && server.is_none() && script.is_none() {
        return;
    }
    let filled = |v: Option<String>| v.filter(|v| !v.is_empty());
    facts.proxy_settings.push(ProxySetting {
        scope: ProxyScope::User,
        server: filled(server).map(|s| without_credentials(&s)),
        auto_config_url: filled(script).map(|s| without_credentials(&s)),
        bypass: filled(bypass),
        enabled: enable.is_none_or(|v| v.trim_start_matches("0x").trim_start_matches('0') == "1"),
        variable: None,
    });
}

/// Name and value of one line in any of the three forms.
fn setting(line: &str) -> Option<(&str, String)> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix('"') {
        let (name, value) = rest.split_once("\"=")?;
        let value = value.strip_prefix("dword:").unwrap_or(value).trim_matches('"');
        return Some((name, clean(&value.replace("\\\\", "\\"))));
    }
    let name_end = line.find([' ', '\t', ':'])?;
    let (name, rest) = line.split_at(name_end);
    if !name.starts_with("Proxy") && !name.starts_with("AutoConfig") {
        return None;
    }
    let rest = rest.trim_start();
    let value = match rest.strip_prefix(':') {
        Some(value) => value,
        // `REG_SZ    value`, `REG_DWORD    0x1`
        None => rest.strip_prefix("REG_")?.split_once(char::is_whitespace)?.1,
    };
    Some((name, clean(value)))
}

/// `HTTPS_PROXY=http://user:password@host:8080`, also as `set` and `env:` show it.
fn environment(text: &str, facts: &mut SystemFacts) {
    let mut bypass = None;
    let mut settings = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        // `Get-ChildItem env:` writes blanks between name and value.
        let Some(end) = line.find(['=', ' ']) else { continue };
        let (name, rest) = line.split_at(end);
        let Some(known) = VARIABLES.iter().find(|v| v.eq_ignore_ascii_case(name)) else { continue };
        let value = clean(rest.trim_start_matches(['=', ' ']));
        if value.is_empty() || (!rest.starts_with('=') && value.contains(' ')) {
            continue;
        }
        if *known == "NO_PROXY" {
            bypass = Some(value);
        } else {
            settings.push(ProxySetting {
                scope: ProxyScope::Environment,
                server: Some(without_credentials(&value)),
                auto_config_url: None,
                bypass: None,
                enabled: true,
                variable: Some((*known).to_owned()),
            });
        }
    }
    for mut s in settings {
        s.bypass.clone_from(&bypass);
        if !facts.proxy_settings.contains(&s) {
            facts.proxy_settings.push(s);
        }
    }
}

/// `http://user:password@host:8080` → `http://host:8080`; in lists for each part.
fn without_credentials(text: &str) -> String {
    let parts = text.split(';').map(|part| match part.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before
                .find("://")
                .map_or_else(|| before.find('=').and_then(|i| before.get(..i + 1)), |i| before.get(..i + 3));
            format!("{}{host}", scheme.unwrap_or(""))
        }
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(text: &str) -> Vec<ProxySetting> {
        let mut f = SystemFacts::default();
        read(text, &mut f);
        f.proxy_settings
    }

    #[test]
    fn winhttp_settings_read_in_english_and_japanese() {
        let en = "\r\nCurrent WinHTTP proxy settings:\r\n\r\n    Proxy Server(s) :  proxy.example:8080\r\n    Bypass List     :  *.local\r\n\r\n";
        let ja = "\r\n現在の WinHTTP プロキシ設定:\r\n\r\n    プロキシ サーバー:  proxy.example:8080\r\n    バイパス一覧     :  *.local\r\n\r\n";
        for text in [en, ja] {
            let p = &proxies(text)[0];
            assert_eq!((p.server.as_deref(), p.bypass.as_deref()), (Some("proxy.example:8080"), Some("*.local")));
        }
        let direct = "Current WinHTTP proxy settings:\n\n    Direct access (no proxy server).\n";
        assert_eq!(proxies(direct)[0].server, None);
        let none = "現在の WinHTTP プロキシ設定:\n\n    直接アクセス (プロキシ サーバーなし)。\n";
        assert_eq!(proxies(none)[0].server, None);
    }

    #[test]
    fn user_settings_read_from_registry_and_powershell() {
        let reg =
            "[HKEY_CURRENT_USER\\...]\n\"ProxyEnable\"=dword:00000001\n\"ProxyServer\"=\"http=a:80;https=u:pw@b:81\"\n";
        let p = &proxies(reg)[0];
        assert_eq!((p.enabled, p.server.as_deref()), (true, Some("http=a:80;https=b:81")));
        let ps =
            "ProxyEnable        : 0\nProxyServer        : b:81\nAutoConfigURL      : http://wpad.example/proxy.pac\n";
        let p = &proxies(ps)[0];
        assert_eq!((p.enabled, p.auto_config_url.as_deref()), (false, Some("http://wpad.example/proxy.pac")));
        let query = "    ProxyEnable    REG_DWORD    0x1\n    ProxyServer    REG_SZ    b:81\n";
        assert_eq!((proxies(query)[0].enabled, proxies(query)[0].server.as_deref()), (true, Some("b:81")));
    }

    #[test]
    fn environment_variables_lose_their_credentials() {
        let p = proxies("https_proxy=http://user:p@ss@proxy.example:8080\nNO_PROXY=localhost\nPATH=x\n");
        assert_eq!(p[0].server.as_deref(), Some("http://proxy.example:8080"));
        assert_eq!((p[0].variable.as_deref(), p[0].bypass.as_deref()), (Some("HTTPS_PROXY"), Some("localhost")));
        assert_eq!(p.len(), 1);
    }

    #[test]
    fn hosts_and_ports_of_proxies_are_told_apart_from_what_is_switched_off() {
        let mut f = SystemFacts::default();
        read("ProxyEnable : 1\nProxyServer : http=A:80;https=[::1]:81\nHTTPS_PROXY=http://u:p@b:8080/\n", &mut f);
        assert_eq!(f.proxies, [("a".into(), 80), ("::1".into(), 81), ("b".into(), 8080)]);
        let mut f = SystemFacts::default();
        read("ProxyEnable : 0\nProxyServer : a:80\n", &mut f);
        assert!(f.proxies.is_empty());
    }
}
