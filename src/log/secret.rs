//! Secrets in logs: found and masked before anything leaves the log stage.
//!
//! What enters: any text out of a log. What leaves: the same text with every token, code, password, key, cookie and
//! proxy credential replaced by `***`. Guaranteed: cleaning twice changes nothing more, and words that a diagnosis
//! needs (hosts, paths, ids, error codes) stay. Names, addresses and tenants are not secrets here; `--redact` hides
//! those at the report.

use regex::{Regex, RegexSet};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What stands where a secret stood.
pub const MASK: &str = "***";

/// Names of parameters whose value is always a secret, as they appear in queries, forms and JSON (RFC 6749, RFC 7521,
/// RFC 7636, RFC 8628, storage SAS and connection strings).
const SECRET_KEYS: &str = "client_secret|client_assertion|assertion|refresh_token|id_token|id_token_hint|access_token|\
    device_code|user_code|code_verifier|password|passwd|pwd|passphrase|secret|sig|signature|session_state|prt|\
    x-ms-refreshtokencredential|saml_?response|wresult|flowtoken|canary|accountkey|sharedaccesskey|sharedaccesssignature|\
    api[-_]?key|client_info|sas_?token|account_?key|federated_?token|primarykey|secondarykey|spa_code|ticket";

/// One kind of secret.
struct Rule {
    pattern: String,
    /// Replacement in the notation of [`Regex::replace_all`].
    replace: &'static str,
}

/// The rules in the order in which they are applied; wider ones come last.
fn rules() -> Vec<Rule> {
    let rule = |pattern: &str, replace: &'static str| Rule { pattern: pattern.replace("KEYS", SECRET_KEYS), replace };
    vec![
        // RFC 7468 text of a private key, whole or cut.
        rule(r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)", "***"),
        // Credentials in a URL (RFC 3986 section 3.2.1). Greedy, for passwords that hold an at sign.
        rule(r#"(?i)([a-z][a-z0-9+.-]*://)[^/\s'"?#<>]*@"#, "${1}***@"),
        rule(r#"(?i)\b((?:https?|all|ftp)_proxy['"]?\s*[=:]\s*['"]?)[^/\s'"@]+:[^/\s'"]*@"#, "${1}***@"),
        // The same without a scheme, as connection pools name a proxy: only where a port follows the host, since
        // `label:name@example.com` is an account.
        rule(r#"(^|[\s'"(=,])[^\s:/@'"(=,]+:[^\s/'"]*@([A-Za-z0-9._-]+:\d{2,5})\b"#, "${1}***@${2}"),
        // Headers; the scheme stays, because it tells which authentication a proxy was given.
        rule(
            r#"(?i)\b((?:proxy-|x-ms-)?authorization(?:-auxiliary)?\s*['"]?\s*[:=,]\s*['"]?)(basic|bearer|negotiate|ntlm|digest|kerberos|sharedkey(?:lite)?|pop)?(?:[ \t]*[^'"\s][^'"\r\n]*)?"#,
            "${1}${2} ***",
        ),
        rule(r#"(?i)\b((?:set-)?cookie2?\s*['"]?\s*[:=]\s*['"]?)[^'"\r\n]+"#, "${1}***"),
        rule(r"(?i)\b(bearer|basic|negotiate|ntlm)\s+[a-z0-9+/._~-]{16,}=*", "$1 ***"),
        // JSON Web Tokens (RFC 7519), also cut ones.
        rule(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*", "***"),
        // JSON and dictionaries.
        rule(r#"(?i)("(?:KEYS)"\s*:\s*\[?\s*)"(?:[^"\\]|\\.)*(?:"|\z)"#, "${1}\"***\""),
        rule(r#"(?i)('(?:KEYS)'\s*:\s*\[?\s*)'(?:[^'\\]|\\.)*(?:'|\z)"#, "${1}'***'"),
        rule(r#"(?i)(\\"(?:KEYS)\\"\s*:\s*\[?\s*)\\"[^"\\]*(?:\\"|\z)"#, "${1}\\\"***\\\""),
        rule(r#"(?i)((?:"code"|'code')\s*:\s*\[?\s*['"])[A-Za-z0-9._~*!$-]{24,}"#, "${1}***"),
        // Queries, forms, connection strings, environment variables.
        rule(r#"(?i)\b((?:KEYS)\s*=\s*)(?:"[^"]*"|'[^']*'|[^&\s'",;)}\]]+)"#, "${1}***"),
        rule(
            r#"(?i)\b([a-z0-9_]*(?:secret|password|passwd|_token|_key|accountkey)['"]?\s*=\s*)(?:"[^"]*"|'[^']*'|[^&\s'",;)}\]]+)"#,
            "${1}***",
        ),
        rule(r"(?i)([?&]code=)[^&\s]+", "${1}***"),
        rule(r"\b(code=)[A-Za-z0-9._~-]{20,}", "${1}***"),
        // Options of az, curl, PowerShell. A value that begins with two dashes is the next option.
        rule(
            r#"(?i)(^|[\s'",\[(])(--(?:password|client-secret|secret|certificate-password|federated-token|client-assertion|access-token|account-key|connection-string|sas-token|refresh-token|token|pass|proxy-pass)|-(?:password|clientsecret|accesstoken|graphaccesstoken|keyvaultaccesstoken|certificatepassword|federatedtoken|clientassertion|clientsecretcredential|proxycredential|credential))(['"]?(?:\s*[=:,]\s*|\s+))("[^"]*"|'[^']*'|-?[^\s'"-][^\s'"]*[^\s'",\])]|[^\s'"-])"#,
            "${1}${2}${3}***",
        ),
        rule(
            r#"(^|[\s'",\[(])(-p)(['"]?(?:\s*[=,]\s*|\s+))("[^"]*"|'[^']*'|[^\s'"-][^\s'"]*[^\s'",\])]|[^\s'"-])"#,
            "${1}${2}${3}***",
        ),
        rule(r#"(?i)(^|\s)(-u|--user|--proxy-user)(\s+|=)(['"]?[^\s:'"\\/]+:)[^\s'"]+"#, "${1}${2}${3}${4}***"),
        rule(r#"(?i)(ConvertTo-SecureString\s+(?:-String\s+)?)("[^"]*"|'[^']*'|[^\s'"-][^\s'"]*)"#, "${1}***"),
        // Device codes, in the sentence that shows them (its words are translated, the address is not).
        rule(r"(?i)(enter the code\s+)[A-Z0-9]{6,12}\b", "${1}***"),
        rule(r"(コード\s*)[A-Z0-9]{6,12}(\s*を)", "${1}***${2}"),
        // Authorization codes and refresh tokens of Entra ID by their shape.
        rule(r"\b[0-9]\.A[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_.-]+)?", "***"),
        rule(r"\bM\.[A-Z][A-Za-z0-9]*_[A-Z0-9]+\.[A-Za-z0-9_.!*$%-]{20,}", "***"),
        // Any long run of base64: assertions, tickets, keys.
        rule(r"[A-Za-z0-9+_]{64}[A-Za-z0-9+/_=-]{16,}", "***"),
    ]
}

static RULES: LazyLock<(RegexSet, Vec<(Regex, &'static str)>)> = LazyLock::new(|| {
    let rules = rules();
    let set = RegexSet::new(rules.iter().map(|r| r.pattern.as_str())).unwrap_or_else(|_| RegexSet::empty());
    // A rule that does not compile would let secrets through; the tests count that all do.
    let compiled = rules.iter().filter_map(|r| Regex::new(&r.pattern).ok().map(|x| (x, r.replace))).collect();
    (set, compiled)
});

static DEVICE_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b[A-Z0-9]{8,10}\b").ok());

/// `text` without secrets.
pub fn clean(text: &str) -> Cow<'_, str> {
    let (set, compiled) = &*RULES;
    let mut out = Cow::Borrowed(text);
    if set.is_match(text) {
        // One rule may uncover what another one masks, so all are applied once anything is found.
        for (regex, replace) in compiled {
            if let Cow::Owned(changed) = regex.replace_all(&out, *replace) {
                out = Cow::Owned(changed);
            }
        }
    }
    let shows_device_code = ["devicelogin", "/deviceauth", "microsoft.com/device"].iter().any(|a| out.contains(a));
    if shows_device_code && let Some(regex) = DEVICE_CODE.as_ref() {
        let masked = regex.replace_all(&out, MASK).into_owned();
        if masked != *out {
            out = Cow::Owned(masked);
        }
    }
    out
}

/// `arguments` of a command without secrets: values of secret options, and secrets inside any argument.
pub fn clean_arguments(arguments: &[String]) -> Vec<String> {
    /// Options whose value is a secret; `-p` is the password of az and of many others.
    const OPTIONS: &[&str] = &[
        "-p",
        "--password",
        "--client-secret",
        "--secret",
        "--certificate-password",
        "--federated-token",
        "--client-assertion",
        "--access-token",
        "--account-key",
        "--connection-string",
        "--sas-token",
        "--refresh-token",
        "--token",
        "--pass",
        "-password",
        "-clientsecret",
        "-accesstoken",
        "-graphaccesstoken",
        "-keyvaultaccesstoken",
        "-certificatepassword",
        "-federatedtoken",
        "-credential",
        "-clientsecretcredential",
        "-proxycredential",
    ];
    /// Options whose value is `name:password` (or `file:password`): the name stays.
    const PAIRS: &[&str] = &["-u", "-U", "--user", "--proxy-user", "-E", "--cert", "--proxy-cert"];
    let mut out = Vec::with_capacity(arguments.len());
    let mut secret_follows = false;
    let mut pair_follows = false;
    for argument in arguments {
        let lower = argument.to_ascii_lowercase();
        if std::mem::replace(&mut pair_follows, PAIRS.contains(&argument.as_str()))
            && let Some((name, _)) = argument.split_once(':')
        {
            out.push(format!("{name}:{MASK}"));
            continue;
        }
        if secret_follows && !lower.starts_with("--") {
            out.push(MASK.to_owned());
            secret_follows = false;
            continue;
        }
        secret_follows = OPTIONS.contains(&lower.as_str());
        match argument.split_once(['=', ':']) {
            Some((name, _)) if OPTIONS.contains(&name.to_ascii_lowercase().as_str()) => {
                out.push(format!("{name}={MASK}"));
            }
            _ => out.push(clean(argument).into_owned()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        let (set, compiled) = &*RULES;
        assert_eq!(compiled.len(), rules().len());
        assert_eq!(set.len(), rules().len());
    }

    /// Text, the secret that must vanish, a part that must stay.
    const CASES: &[(&str, &str, &str)] = &[
        ("Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln", "eyJ", "Bearer"),
        ("Proxy-Authorization: Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy", "Basic"),
        ("    'Authorization': 'Bearer abcdefghijklmnopqrstuvwxyz'", "abcdefghijkl", "Authorization"),
        ("Set-Cookie: buid=0.AVMA; path=/; secure", "0.AVMA", "Set-Cookie"),
        ("HTTPS_PROXY=http://alice:p@ss!word@proxy.example:8080", "p@ss", "proxy.example:8080"),
        ("Starting new HTTPS connection (1): alice:hunter2@proxy.example:8080", "hunter2", "proxy.example:8080"),
        ("https_proxy=alice:hunter2@proxy.example:8080", "hunter2", "proxy.example:8080"),
        ("http://localhost:8400/?code=0.AAAAbbbbccccddddeeeeffff&state=xyz", "AAAAbbbb", "localhost:8400"),
        ("Got auth response: {'code': ['1.AXEA-0123456789abcdefghijk'], 'state': ['q']}", "AXEA", "state"),
        ("grant_type=refresh_token&refresh_token=0.secretvalue&scope=openid", "secretvalue", "scope=openid"),
        (r#"{"access_token": "opaque-token-value", "expires_in": 3599}"#, "opaque", "3599"),
        (r#"{\"client_secret\": \"abc~def\"}"#, "abc~def", "client_secret"),
        ("az login --service-principal -u app -p S3cr3t~x --tenant contoso.com", "S3cr3t", "--tenant contoso.com"),
        ("az login --password=S3cr3t --tenant t", "S3cr3t", "--tenant t"),
        ("['login', '-u', 'app', '-p', 'S3cr3t x', '--debug']", "S3cr3t", "--debug"),
        ("Connect-AzAccount -Credential 'hunter2' -Tenant t", "hunter2", "-Tenant t"),
        ("Connect-AzAccount -AccessToken abcdef123 -AccountId a", "abcdef123", "-AccountId a"),
        ("$s = ConvertTo-SecureString \"hunter2\" -AsPlainText -Force", "hunter2", "-AsPlainText"),
        ("curl -v --proxy-user bob:hunter2 https://graph.microsoft.com/", "hunter2", "graph.microsoft.com"),
        ("https://x.blob.core.windows.net/c?sv=2022&sig=AbC%2Bdef%3D&se=1", "AbC%2B", "sv=2022"),
        ("AccountName=x;AccountKey=YWJjZGVm==;EndpointSuffix=core.windows.net", "YWJjZGVm", "AccountName=x"),
        ("AZURE_CLIENT_SECRET=hunter2value", "hunter2", "AZURE_CLIENT_SECRET"),
        (
            "To sign in, open the page https://microsoft.com/devicelogin and enter the code ABCD12345",
            "ABCD12345",
            "open",
        ),
        ("https://microsoft.com/devicelogin を開き、コード B7QW8ZXPL を入力してください", "B7QW8ZXPL", "devicelogin"),
        ("Ouvrez https://login.microsoft.com/device et saisissez F4KLMN2PQ", "F4KLMN2PQ", "saisissez"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\nafter", "MIIEvQ", "after"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ", "MIIEvQ", "***"),
        ("token result: {'access_token': 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsIng1'}", "eyJ0", "token result"),
    ];

    #[test]
    fn secrets_vanish_and_the_rest_stays() {
        for (text, secret, stays) in CASES {
            let cleaned = clean(text);
            assert!(!cleaned.contains(secret), "{secret} is still in: {cleaned}");
            assert!(cleaned.contains(stays), "{stays} is gone from: {cleaned}");
            assert_eq!(clean(&cleaned), cleaned, "not stable: {cleaned}");
        }
    }

    #[test]
    fn what_a_diagnosis_needs_is_left_alone() {
        for text in [
            "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /organizations/v2.0/.well-known/openid-configuration",
            "AADSTS50034: ... Trace ID: 57b95222-9734-4f24-a5b2-ccd2d8bf239b Timestamp: 2026-02-17 18:39:09Z",
            r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#,
            "exit code: 1, status code=407, error_code=7",
            "'ParameterSetName': '--service-principal -u -p --tenant --debug'",
            "Tunnel connection failed: 407 Proxy Authentication Required",
            "DEBUG: msal.telemetry: Generate or reuse correlation_id: 5435b6f4-dc89-489a-a7b7-38965bef216c",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn arguments_keep_their_names_and_lose_their_secrets() {
        let arguments: Vec<String> =
            ["login", "-u", "app", "-p", "hunter2", "--tenant", "t", "--password=x"].map(str::to_owned).into();
        assert_eq!(clean_arguments(&arguments), ["login", "-u", "app", "-p", "***", "--tenant", "t", "--password=***"]);
        let pairs: Vec<String> =
            ["-x", "http://a:b@p:1", "-U", "alice:pw:1", "--cert", "c.pem", "-k"].map(str::to_owned).into();
        assert_eq!(clean_arguments(&pairs), ["-x", "http://***@p:1", "-U", "alice:***", "--cert", "c.pem", "-k"]);
        let flags: Vec<String> = ["-p", "--tenant", "t"].map(str::to_owned).into();
        assert_eq!(clean_arguments(&flags), ["-p", "--tenant", "t"]);
    }
}
