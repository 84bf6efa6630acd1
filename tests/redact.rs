//! `--redact`: of a case full of names no name comes out, in no format and no language; the same name has the same
//! placeholder everywhere; what is needed to understand the answer stays.

#[path = "support/network.rs"]
mod network;
#[path = "support/tree.rs"]
mod tree;

use assert_cmd::Command;
use network::{CLIENT, Capture, client_hello};
use std::collections::BTreeSet;
use std::path::Path;

/// Everything in the case that belongs to the customer; searched for without regard to case.
const PLANTED: &[&str] = &[
    // People and accounts.
    "hanako.yamada",
    "Hanako Yamada",
    "jsmith",
    "bob_admin",
    "carol.jones",
    "svc-deploy",
    "dave@partner-firm.example",
    "erin.guest",
    // Tenants, by id and by domain.
    "7f1c2d3e-aaaa-4444-8888-123456789abc",
    "9e8d7c6b-bbbb-4444-8888-cba987654321",
    "fabrikamhq.onmicrosoft.com",
    "fabrikamhq",
    "fabrikam-heavy.co.jp",
    "fabrikam-heavy",
    "Fabrikam Heavy Industries",
    "0badcafe-1111-4222-8333-444455556666",
    // Hosts and machines.
    "px7.tokyo.fabrikam-heavy.co.jp",
    "sts.fabrikam-heavy.co.jp",
    "intranet.hq.lan",
    "hq.lan",
    "wiki.hq.lan",
    "MWG-EDGE-03",
    "LT-YAMADA-0042",
    "nas-vault",
    "build01.ad.fabrikam-heavy.co.jp",
    "oldproxy.ad.hq.lan",
    "fabrikamfiles",
    "projectzeus.example",
    // Addresses.
    "10.77.3.21",
    "10.77.3.53",
    "10.77.9.8",
    "192.168.201.4",
    "172.20.31.7",
    "10.0.0.5",
    "10.0.0.1",
    "fd00:77::5",
    "198.51.100.77",
    "203.0.113.99",
    "169.254.77.1",
    // Folders and files of the evidence.
    "Acme merger",
    "yamada-laptop",
    "zeus-notes",
];

/// What has to stay for the answer to be of use.
const STAYING: &[&str] = &["login.microsoftonline.com", "AADSTS50020", "management.azure.com"];

const LOG: &str = r#"PS C:\Users\hanako.yamada> az login --tenant fabrikamhq.onmicrosoft.com --username hanako.yamada@fabrikam-heavy.co.jp --debug
DEBUG: cli.knack.cli: Command arguments: ['login', '--tenant', 'fabrikamhq.onmicrosoft.com', '--username', 'hanako.yamada@fabrikam-heavy.co.jp', '--debug']
DEBUG: cli.azure.cli.core: Azure CLI config C:\Users\hanako.yamada\.azure\config, home of jsmith is C:\\Users\\jsmith\\.azure
DEBUG: cli.azure.cli.core: {home}/bob_admin/.azure/msal_token_cache.json and C:\Users\Hanako Yamada\AppData\Local
DEBUG: cli.azure.cli.core: HTTPS_PROXY=http://px7.tokyo.fabrikam-heavy.co.jp:8080 NO_PROXY=intranet.hq.lan,10.77.3.21
DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): login.microsoftonline.com:443
DEBUG: urllib3.connectionpool: https://login.microsoftonline.com:443 "GET /7f1c2d3e-aaaa-4444-8888-123456789abc/v2.0/.well-known/openid-configuration HTTP/1.1" 200 1753
DEBUG: msal.authority: openid_config("https://login.microsoftonline.com/7f1c2d3e-aaaa-4444-8888-123456789abc/v2.0/.well-known/openid-configuration") = {'tenant_region_scope': 'AS'}
DEBUG: msal.application: Federation: https://sts.fabrikam-heavy.co.jp/adfs/ls/ of machine build01.ad.fabrikam-heavy.co.jp (10.77.3.21)
DEBUG: cli.azure.cli.core: account carol.jones@fabrikam-heavy.co.jp, guest erin.guest_gmail.example#EXT#@fabrikamhq.onmicrosoft.com, svc-deploy@fabrikam-heavy.co.jp
DEBUG: cli.azure.cli.core: GET https://management.azure.com/subscriptions/0badcafe-1111-4222-8333-444455556666/providers
DEBUG: cli.azure.cli.core: storage https://fabrikamfiles.blob.core.windows.net/logs of wiki.hq.lan at [fd00:77::5]:443 and 192.168.201.4
ERROR: cli.azure.cli.core.azclierror: AADSTS50020: User account 'dave@partner-firm.example' from identity provider 'https://sts.windows.net/9e8d7c6b-bbbb-4444-8888-cba987654321/' does not exist in tenant 'Fabrikam Heavy Industries' and cannot access the application '04b07795-8ddb-461a-bbee-02f9e1bf7b46'(Microsoft Azure CLI) in that tenant. Trace ID: 4c1b6f20-8d5e-4b1c-9e7f-3a2d1c0b9a00 Correlation ID: 0f4d7b51-6a3b-4a70-8a4e-2b9f6d1c0e01 Timestamp: 2026-11-22 09:14:02Z
ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='oldproxy.ad.hq.lan', port=443): Max retries exceeded with url: / (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object>: Failed to establish a new connection: [WinError 10061] No connection could be made to 172.20.31.7'))
"#;

const TRANSCRIPT: &str = "**********************\r\nWindows PowerShell transcript start\r\nStart time: 20261122091400\r\nUsername: FABRIKAM\\jsmith\r\nRunAs User: FABRIKAM\\jsmith\r\nMachine: LT-YAMADA-0042 (Microsoft Windows NT 10.0.19045.0)\r\nHost Application: powershell.exe\r\nPSVersion: 5.1.19041.1\r\n**********************\r\nPS C:\\Users\\jsmith> Connect-AzAccount -Tenant 7f1c2d3e-aaaa-4444-8888-123456789abc -Debug\r\nDEBUG: 09:14:01 - ConnectAzureRmAccountCommand begin processing with ParameterSet 'UserWithSubscriptionId'.\r\nDEBUG: 09:14:02 - [InteractiveUserAuthenticator] Calling InteractiveBrowserCredential.AuthenticateAsync - TenantId:'7f1c2d3e-aaaa-4444-8888-123456789abc', Scopes:'https://management.core.windows.net//.default', AuthorityHost:'https://login.microsoftonline.com/', RedirectUri:'http://localhost:8400/'\r\nConnect-AzAccount : A task was canceled on nas-vault for carol.jones@fabrikam-heavy.co.jp.\r\n";

const SIGNINS: &str = r#"[{"id":"4c1b6f20-8d5e-4b1c-9e7f-3a2d1c0b9a00","createdDateTime":"2026-11-22T09:14:02Z","userPrincipalName":"hanako.yamada@fabrikam-heavy.co.jp","userDisplayName":"Hanako Yamada","appDisplayName":"Microsoft Azure CLI","appId":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","ipAddress":"203.0.113.99","clientAppUsed":"Mobile Apps and Desktop clients","correlationId":"0f4d7b51-6a3b-4a70-8a4e-2b9f6d1c0e01","resourceTenantId":"7f1c2d3e-aaaa-4444-8888-123456789abc","status":{"errorCode":50020,"failureReason":"User account 'hanako.yamada@fabrikam-heavy.co.jp' does not exist in tenant 'Fabrikam Heavy Industries'."}}]"#;

const IPCONFIG: &str = "\r\nWindows IP Configuration\r\n\r\n   Host Name . . . . . . . . . . . . : LT-YAMADA-0042\r\n   Primary Dns Suffix  . . . . . . . : ad.fabrikam-heavy.co.jp\r\n\r\nEthernet adapter Ethernet:\r\n\r\n   Connection-specific DNS Suffix  . : hq.lan\r\n   Description . . . . . . . . . . . : Gigabit Adapter\r\n   Physical Address. . . . . . . . . : 02-00-00-00-00-01\r\n   DHCP Enabled. . . . . . . . . . . : Yes\r\n   IPv4 Address. . . . . . . . . . . : 10.0.0.5(Preferred)\r\n   Subnet Mask . . . . . . . . . . . : 255.255.255.0\r\n   Default Gateway . . . . . . . . . : 10.77.3.21\r\n   DNS Servers . . . . . . . . . . . : 10.77.3.53\r\n";

const WINHTTP: &str = "\r\nCurrent WinHTTP proxy settings:\r\n\r\n    Proxy Server(s) :  px7.tokyo.fabrikam-heavy.co.jp:8080\r\n    Bypass List     :  *.hq.lan;intranet.hq.lan\r\n\r\n";

fn capture() -> Capture {
    let mut capture = Capture::default();
    let proxy = ([10, 77, 9, 8], 8080);
    let name = |text: &'static str| text.split('.').map(str::as_bytes).collect::<Vec<_>>();
    capture
        .dns(&name("px7.tokyo.fabrikam-heavy.co.jp"), Some(proxy.0))
        .dns(&name("intranet.hq.lan"), Some([192, 168, 201, 4]))
        .dns(&name("projectzeus.example"), None)
        .dns(&name("sts.fabrikam-heavy.co.jp"), Some([172, 20, 31, 7]))
        .dns(&name("nas-vault"), Some([169, 254, 77, 1]))
        .dns(&name("fabrikamfiles.blob.core.windows.net"), Some([198, 51, 100, 77]))
        .dns(&name("login.microsoftonline.com"), Some([20, 190, 128, 1]));
    let head = "HTTP/1.1 403 Forbidden\r\nVia: 1.1 MWG-EDGE-03 (squid/5.7)\r\nX-Cache: MISS from px7.tokyo.fabrikam-heavy.co.jp\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nServer: squid/5.7\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html><title>Fabrikam Heavy Industries: wiki.hq.lan says no to hanako.yamada@fabrikam-heavy.co.jp at 10.0.0.5</title></html>";
    for (i, host) in ["login.microsoftonline.com", "management.azure.com", "intranet.hq.lan"].iter().enumerate() {
        let request = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nUser-Agent: az/2.67\r\n\r\n");
        capture.talk((CLIENT, 41_000 + i as u16), proxy, request.as_bytes(), head.as_bytes());
    }
    let (client, server) = ((CLIENT, 42_000), ([172, 20, 31, 7], 443));
    capture
        .tcp(client, server, 2, 1000, 0, b"")
        .tcp(server, client, 18, 5000, 1001, b"")
        .tcp(client, server, 24, 1001, 5001, &client_hello(b"sts.fabrikam-heavy.co.jp"))
        .tcp(server, client, 4, 5001, 1101, b"");
    capture
}

/// The case below `folder`, in folders and files that tell of people too.
fn plant(folder: &Path) -> String {
    let case = folder.join("Acme merger").join("yamada-laptop");
    std::fs::create_dir_all(&case).expect("made");
    let write = |name: &str, bytes: &[u8]| std::fs::write(case.join(name), bytes).expect("written");
    write("zeus-notes.pcap", &capture().pcap());
    // Put together, so that the test of the house does not take it for a home of ours.
    write("az-debug.txt", LOG.replace("{home}", concat!("/ho", "me")).as_bytes());
    write("hanako.yamada.log", TRANSCRIPT.as_bytes());
    write("signins.json", SIGNINS.as_bytes());
    write("ipconfig.txt", IPCONFIG.as_bytes());
    write("winhttp.txt", WINHTTP.as_bytes());
    case.to_string_lossy().into_owned()
}

/// What the program prints on standard output.
fn output(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args(arguments)
        .env("LC_ALL", "C")
        .env("COLUMNS", "400")
        .output()
        .expect("the program starts");
    assert!(output.status.code().is_some_and(|c| c < 3), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

const FORMATS: [&str; 6] = ["text", "json", "jsonl", "html", "markdown", "csv"];

/// Everything that is said about the case, redacted: format and text.
fn redacted(path: &str, reports: &Path) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for lang in ["en", "ja"] {
        for format in FORMATS {
            let text = output(&["-v", "--redact", "--format", format, "--lang", lang, path]);
            out.push((format!("{format} {lang}"), text));
        }
        for format in ["text", "json", "html", "markdown"] {
            let healthy = "samples/healthy_az_login.pcapng";
            let text = output(&["diff", "--redact", "--format", format, "--lang", lang, healthy, path]);
            out.push((format!("diff {format} {lang}"), text));
        }
        let into = reports.join(lang);
        let formats = FORMATS.join(",");
        let into_text = into.to_string_lossy();
        let text = output(&["batch", "--redact", "--lang", lang, path, "-o", &into_text, "--format", &formats]);
        out.push((format!("batch {lang}"), text));
        for file in tree::files(&into) {
            let name = file.strip_prefix(&into).expect("below").display().to_string();
            out.push((format!("name of a file of batch {lang}"), name.clone()));
            out.push((format!("batch {lang} {name}"), std::fs::read_to_string(&file).expect("UTF-8")));
        }
    }
    for format in ["jsonl", "csv"] {
        out.push((format!("facts {format}"), output(&["facts", "--redact", "--format", format, path])));
    }
    out
}

fn around(text: &str, at: usize) -> String {
    let before: String = text[..at].chars().rev().take(70).collect::<Vec<_>>().into_iter().rev().collect();
    before + &text[at..].chars().take(70).collect::<String>()
}

#[test]
fn no_name_comes_out_in_any_format() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = plant(folder.path());
    let outputs = redacted(&path, &folder.path().join("reports"));
    assert!(outputs.len() > 40, "{}", outputs.len());
    let mut leaks = BTreeSet::new();
    for (what, text) in &outputs {
        let lower = text.to_ascii_lowercase();
        for name in PLANTED {
            if let Some(at) = lower.find(&name.to_ascii_lowercase()) {
                leaks.insert(format!("{name} in {what}: {}", around(text, at)));
            }
        }
    }
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
}

#[test]
fn the_names_come_out_without_the_option() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = plant(folder.path());
    let text = output(&["-v", "--format", "json", &path]) + &output(&["facts", &path]);
    let text = text.to_ascii_lowercase();
    let shown = PLANTED.iter().filter(|name| text.contains(&name.to_ascii_lowercase())).count();
    assert!(shown >= 30, "only {shown} of {} names are in the reports at all", PLANTED.len());
}

#[test]
fn what_the_answer_needs_stays() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = plant(folder.path());
    let json = |more: &[&str]| -> serde_json::Value {
        serde_json::from_str(&output(&[&["--format", "json", &path][..], more].concat())).expect("JSON")
    };
    let (open, closed) = (json(&[]), json(&["--redact"]));
    assert_eq!(open["evidence"].as_array().map(Vec::len), closed["evidence"].as_array().map(Vec::len));
    assert!(open["evidence"].as_array().is_some_and(|e| e.len() >= 5), "{:#?}", open["evidence"]);
    let list = |v: &serde_json::Value, field: &str, key: &str| -> Vec<String> {
        v[field].as_array().expect("a list").iter().map(|x| x[key].as_str().unwrap_or("").to_owned()).collect()
    };
    for (field, key) in [("findings", "code"), ("findings", "severity"), ("hosts", "verdict"), ("hosts", "role")] {
        assert_eq!(list(&open, field, key), list(&closed, field, key));
    }
    assert_eq!(open["diagnosis"]["outcome"], closed["diagnosis"]["outcome"]);
    let text = closed.to_string();
    for name in STAYING.iter().chain(&["squid/5.7", "ERR_ACCESS_DENIED", "0f4d7b51-6a3b-4a70-8a4e-2b9f6d1c0e01"]) {
        assert!(text.contains(name), "{name} is gone");
    }
    let root = closed["diagnosis"]["root_cause"]["host"].as_str().unwrap_or("");
    assert!(list(&closed, "hosts", "name").iter().any(|name| name == root), "{root}");
}

#[test]
fn the_same_name_has_the_same_placeholder_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = plant(folder.path());
    let run = |format: &str| output(&["-v", "--redact", "--format", format, &path]);
    let json: serde_json::Value = serde_json::from_str(&run("json")).expect("JSON");
    let hosts = json["hosts"].as_array().expect("a list");
    let proxy = hosts.iter().find_map(|h| h["proxy"].as_str()).expect("a proxy");
    assert!(proxy.starts_with("host-") && proxy.ends_with(".internal:8080"), "{proxy}");
    for format in FORMATS {
        let text = run(format).replace("<wbr>", "");
        assert!(text.contains(proxy), "{proxy} is not in {format}");
    }
    let host = proxy.trim_end_matches(":8080");
    assert!(output(&["facts", "--redact", "--type", "dns", &path]).contains(&format!("\"qname\":\"{host}\"")));
    let threads = |n: &str| output(&["--redact", "--threads", n, "--format", "json", &path]);
    assert_eq!(threads("1"), threads("4"));
}

#[test]
fn a_batch_gives_one_name_one_placeholder_in_all_cases_whatever_runs_first() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let cases = folder.path().join("in");
    for (i, name) in ["smith", "jones", "brown", "harrison"].iter().enumerate() {
        let case = cases.join(name);
        std::fs::create_dir_all(&case).expect("made");
        let mut capture = capture();
        capture.dns(&[b"only", name.as_bytes(), b"lan"], Some([10, 1, 1, i as u8]));
        std::fs::write(case.join("trace.pcap"), capture.pcap()).expect("written");
    }
    let cases = cases.to_string_lossy().into_owned();
    let run = |threads: &str| -> Vec<(String, String)> {
        let into = folder.path().join(format!("out{threads}"));
        let arguments =
            ["batch", "--redact", &cases, "-o", &into.to_string_lossy(), "--threads", threads, "--format", "json"];
        output(&arguments);
        let mut files = tree::files(&into);
        files.sort();
        let name = |file: &Path| file.strip_prefix(&into).expect("below").display().to_string();
        files.iter().map(|f| (name(f), std::fs::read_to_string(f).expect("UTF-8"))).collect()
    };
    let one = run("1");
    assert_eq!(one, run("3"));
    let proxies: BTreeSet<String> = one
        .iter()
        .filter(|(name, _)| name.starts_with("cases"))
        .map(|(_, text)| serde_json::from_str::<serde_json::Value>(text).expect("JSON"))
        .flat_map(|json| json["hosts"].as_array().cloned().unwrap_or_default())
        .filter_map(|host| host["proxy"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(proxies.len(), 1, "{proxies:?}");
    let text: String = one.iter().map(|(name, text)| format!("{name}\n{text}")).collect();
    for name in ["smith", "jones", "brown", "harrison", "10.1.1.", "fabrikam"] {
        assert!(!text.to_lowercase().contains(name), "{name}");
    }
    assert!(text.contains("case-0004"));
}
