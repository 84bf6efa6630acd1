//! What strangers wrote into the evidence, on its way out: secrets never come out, in no format; names made to attack
//! whoever reads the report come out harmless.

#[path = "support/network.rs"]
mod network;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/tree.rs"]
mod tree;

use assert_cmd::Command;
use nettriage::cli::{Options, ReportFormat};
use nettriage::lang::Lang;
use nettriage::render;
use network::{CLIENT, Capture};
use std::path::Path;

/// Secrets as they stand in the command and in what az and PowerShell print. `{}` is the secret.
const IN_LOGS: &[&str] = &[
    "$ az login --service-principal -u app -p {} --tenant contoso.example --debug",
    "DEBUG: cli.knack.cli: Command arguments: ['login', '--service-principal', '-u', 'app', '-p', '{}', '--debug']",
    "$ az login --service-principal -u app --password={} --tenant contoso.example --debug",
    "DEBUG: cli.knack.cli: Command arguments: ['login', '--username', 'a@contoso.example', '--password', '{}', '--debug']",
    "$ az login --federated-token {} --service-principal -u app --debug",
    "DEBUG: msal.oauth2cli.oauth2: request body: grant_type=password&username=a&password={}&scope=openid",
    "DEBUG: msal.oauth2cli.oauth2: grant_type=client_credentials&client_id=app&client_secret={}",
    "DEBUG: msal.oauth2cli.oauth2: grant_type=refresh_token&refresh_token={}",
    "DEBUG: msal.oauth2cli.oauth2: client_assertion_type=jwt&client_assertion={}&x=1",
    "DEBUG: msal.oauth2cli.authcode: Got auth response: {'code': ['0.AXEA{}aaaaaaaaaaaaaaaaaaaa'], 'state': ['s']}",
    "DEBUG: msal.token_cache: event={ \"response\": { \"access_token\": \"{}\", \"expires_in\": 3599 } }",
    "DEBUG: msal.token_cache: event={ \"response\": { \"refresh_token\": \"{}\" } }",
    "DEBUG: msal.token_cache: event={ \"response\": { \"id_token\": \"{}\" } }",
    "DEBUG: cli.azure.cli.core.sdk.policies:     'Authorization': 'Bearer eyJhbGciOiJub25lIn0.{}.c2ln'",
    "DEBUG: cli.azure.cli.core.sdk.policies:     'x-ms-authorization-auxiliary': 'Bearer {}longerthansixteen'",
    "DEBUG: cli.azure.cli.core.util:     'Cookie': 'ESTSAUTH={}; buid=1'",
    "DEBUG: cli.azure.cli.core.util:     'Set-Cookie': 'ESTSAUTHPERSISTENT={}; path=/; secure'",
    "DEBUG: urllib3.connectionpool: http://localhost:8400 \"GET /?code={}&state=x HTTP/1.1\" 200 100",
    "DEBUG: urllib3.connectionpool: Starting new HTTPS connection (1): alice:{}@proxy.corp.example:8080",
    "DEBUG: cli.azure.cli.core: HTTPS_PROXY=http://alice:{}@proxy.corp.example:8080",
    "ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='x.blob.core.windows.net', port=443): Max retries exceeded with url: /c?sv=2022&sig={}%3D&se=1 (Caused by NewConnectionError('Connection refused'))",
    "ERROR: cli.azure.cli.core.azclierror: ProxyError('Cannot connect to proxy http://bob:{}@proxy.corp.example:3128', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
    "DEBUG: cli.azure.cli.core: AZURE_CLIENT_SECRET={}",
    "DEBUG: cli.azure.cli.core: ARM_CLIENT_SECRET='{}'",
    "DEBUG: cli.azure.cli.core: AccountName=x;AccountKey={}==;EndpointSuffix=core.windows.net",
    "WARNING: To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code {code} to authenticate.",
    "DEBUG: cli.azure.cli.core: -----BEGIN PRIVATE KEY-----\nMIIEvQ{}\n-----END PRIVATE KEY-----",
    "DEBUG: ============================ HTTP REQUEST ============================",
    "PS C:\\> Connect-AzAccount -ServicePrincipal -ApplicationId app -AccessToken {} -Debug",
    "PS C:\\> Connect-MgGraph -ClientSecretCredential {} -Debug",
    "PS C:\\> $s = ConvertTo-SecureString \"{}\" -AsPlainText -Force",
    "DEBUG: Proxy-Authorization: Basic {}longerthansixteen",
    "DEBUG: [Common.Authentication]: Received token with { \"device_code\": \"{}\" }",
    "DEBUG: {\"error\":\"invalid_grant\",\"error_description\":\"AADSTS70008: expired\",\"code_verifier\":\"{}\"}",
    "$ curl -v --proxy-user bob:{} https://login.microsoftonline.com/",
];

/// Secrets as they stand in HTTP in clear: what the client sends, and what it is answered.
const IN_REQUESTS: &[&str] = &[
    "CONNECT login.microsoftonline.com:443 HTTP/1.1\r\nHost: login.microsoftonline.com:443\r\nProxy-Authorization: Basic {}\r\n\r\n",
    "GET http://bob:{}@login.microsoftonline.com/ HTTP/1.1\r\nHost: login.microsoftonline.com\r\n\r\n",
    "GET http://portal.example/cb?code={}&state=1 HTTP/1.1\r\nHost: portal.example\r\nCookie: sid=1\r\n\r\n",
    "GET http://portal.example/?access_token={} HTTP/1.1\r\nHost: portal.example\r\n\r\n",
    "POST http://portal.example/login HTTP/1.1\r\nHost: portal.example\r\nContent-Length: 40\r\n\r\nuser=a&password={}",
];
const IN_ANSWERS: &[&str] = &[
    "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM {}longerthansixteen\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: https://portal.example/cb#access_token={}&x=1\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nLocation: http://carol:{}@portal.example/\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 403 Forbidden\r\nSet-Cookie: session={}; path=/\r\nContent-Length: 0\r\n\r\n",
];

fn secret(number: usize) -> String {
    format!("S3cr3t{number:02}x7Kq9")
}

/// Device codes have a shape of their own.
const DEVICE_CODE: &str = "S3CR3TQXB";

fn planted(pattern: &str, number: usize) -> String {
    pattern.replace("{}", &secret(number)).replace("{code}", DEVICE_CODE)
}

/// A case full of secrets, written to `folder`. Returns how many.
fn plant(folder: &Path) -> usize {
    let mut number = 0;
    let mut log = String::new();
    for pattern in IN_LOGS {
        log += &planted(pattern, number);
        log.push('\n');
        number += 1;
    }
    std::fs::write(folder.join("az-debug.txt"), &log).expect("written");
    let mut capture = Capture::default();
    let proxy = ([10, 0, 0, 8], 8080);
    for (i, request) in IN_REQUESTS.iter().enumerate() {
        let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        capture.talk((CLIENT, 41_000 + i as u16), proxy, planted(request, number).as_bytes(), answer.as_bytes());
        number += 1;
    }
    for (i, answer) in IN_ANSWERS.iter().enumerate() {
        let request = "GET http://portal.example/ HTTP/1.1\r\nHost: portal.example\r\n\r\n";
        capture.talk((CLIENT, 42_000 + i as u16), proxy, request.as_bytes(), planted(answer, number).as_bytes());
        number += 1;
    }
    std::fs::write(folder.join("trace.pcap"), capture.pcap()).expect("written");
    number
}

/// What the program prints, and what it says on standard error.
fn output(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage"))
        .args(arguments)
        .env("LC_ALL", "C")
        .env("COLUMNS", "140")
        .output()
        .expect("the program starts");
    assert!(output.status.code().is_some_and(|c| c < 2), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8([output.stdout, output.stderr].concat()).expect("output is UTF-8")
}

const FORMATS: &[&str] = &["text", "json", "jsonl", "html", "markdown", "csv"];
const ALL: [ReportFormat; 6] = [
    ReportFormat::Text,
    ReportFormat::Json,
    ReportFormat::Jsonl,
    ReportFormat::Html,
    ReportFormat::Markdown,
    ReportFormat::Csv,
];

/// Everything that can be said about a case, by format.
fn all_outputs(path: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for format in FORMATS {
        for lang in ["en", "ja"] {
            for more in [&[][..], &["--redact"]] {
                let arguments = [&["-v", "--format", format, "--lang", lang, path][..], more].concat();
                out.push((format!("{format} {lang} {more:?}"), output(&arguments)));
            }
        }
    }
    for format in ["jsonl", "csv"] {
        out.push((format!("{format} of facts"), output(&["facts", "--format", format, path])));
    }
    out
}

/// What `batch` and `diff` write, by format.
fn outputs_over_cases(path: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for format in ["text", "json", "html", "markdown"] {
        if let Some(text) = output_if_built(&["diff", "--format", format, path, path]) {
            out.push((format!("{format} of diff"), text));
        }
    }
    let folder = tempfile::tempdir().expect("a folder for the test");
    let reports = folder.path().join("reports");
    let formats = FORMATS.join(",");
    if let Some(text) = output_if_built(&["batch", path, "-o", &reports.to_string_lossy(), "--format", &formats]) {
        out.push(("text of batch".to_owned(), text));
        for file in tree::files(&reports) {
            let format = match file.extension().unwrap_or_default().to_string_lossy().as_ref() {
                "md" => "markdown".to_owned(),
                other => other.to_owned(),
            };
            let text = String::from_utf8(std::fs::read(&file).expect("a report")).expect("reports are UTF-8");
            out.push((format!("{format} of batch {}", file.display()), text));
        }
        assert!(out.len() > 8, "batch wrote no reports");
    }
    out
}

/// As [`output`]; nothing for a command that is not there yet.
fn output_if_built(arguments: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_nettriage")).args(arguments).output().expect("the program starts");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("output is UTF-8");
    (!text.contains("not built yet")).then_some(text)
}

#[test]
fn no_secret_comes_out_in_any_format() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let count = plant(folder.path());
    assert!(count >= 40, "only {count} secrets are planted");
    let path = folder.path().to_string_lossy().into_owned();
    let mut leaks = Vec::new();
    for (what, text) in all_outputs(&path).into_iter().chain(outputs_over_cases(&path)) {
        leaks.extend(
            (0..count).map(secret).filter(|s| text.contains(s)).map(|s| format!("{what}: {}", around(&text, &s))),
        );
        if text.contains(DEVICE_CODE) {
            leaks.push(format!("{what}: {}", around(&text, DEVICE_CODE)));
        }
    }
    assert!(leaks.is_empty(), "{} leaks: {leaks:#?}", leaks.len());
}

#[test]
fn the_case_full_of_secrets_is_really_read() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    plant(folder.path());
    let json: serde_json::Value =
        serde_json::from_str(&output(&["--format", "json", &folder.path().to_string_lossy()])).expect("JSON");
    let evidence = json["evidence"].as_array().expect("a list");
    assert_eq!(evidence.len(), 2, "{evidence:#?}");
    let facts = output(&["facts", &folder.path().to_string_lossy()]);
    assert_eq!(facts.matches("\"type\":\"http\"").count() + facts.matches("\"type\":\"connect\"").count(), 9);
}

#[test]
fn secrets_of_the_samples_come_out_nowhere() {
    let mut secrets = vec!["lab-secret".to_owned()];
    let mut planted = 0;
    for file in samples::all().iter().flat_map(|s| s.files()) {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        planted += text.matches("lab-secret").count();
        // A key log: label, random, secret.
        secrets.extend(text.lines().filter_map(|l| l.split(' ').nth(2)).filter(|s| is_hex(s)).map(str::to_owned));
    }
    assert!(planted > 0 && secrets.len() > 2, "the samples hold no secrets: {secrets:?}");
    for sample in samples::all() {
        let path = sample.path.to_string_lossy().into_owned();
        let analysis = sample.analyse(&samples::quiet());
        let mut outputs = vec![output(&["facts", &path])];
        for lang in [Lang::En, Lang::Ja] {
            let options = Options { lang, verbosity: 1, ..samples::quiet() };
            for format in ALL {
                let mut out = Vec::new();
                render::report(&analysis.report, format, &options, None, &mut out).unwrap();
                outputs.push(String::from_utf8(out).unwrap());
            }
        }
        for text in outputs {
            for secret in &secrets {
                assert!(!text.contains(secret.as_str()), "{}: {}", sample.name, around(&text, secret));
            }
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.len() >= 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Names made to attack whoever reads the report.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "=cmd|'/C calc'!A0",
    "＝cmd",
    "@SUM(1+1)*cmd",
    "a\u{202e}moc.tfosorcim\u{202c}",
    "a\u{200b}b\u{feff}c",
    "[x](javascript:alert(1)) | `y`",
    "\u{9b}31mred",
    "line\rreturn\u{8}\u{8}",
];

/// The names where a stranger can put them: DNS, SNI, requests, answers, log lines.
fn attack(folder: &Path) {
    let mut capture = Capture::default();
    let mut log = String::from("$ az login --debug\nDEBUG: cli.knack.cli: Command arguments: ['login', '--debug']\n");
    let proxy = ([10, 0, 0, 8], 8080);
    for (i, name) in (0u8..).zip(HOSTILE) {
        let port = 43_000 + u16::from(i) * 10;
        let server = [20, 190, 1, 10 + i];
        capture.dns(&[name.as_bytes(), b"login", b"microsoftonline", b"com"], None);
        capture.dns(&[name.as_bytes(), b"example"], Some(server));
        let hello = network::client_hello(format!("{name}.login.microsoftonline.com").as_bytes());
        let client = (CLIENT, port);
        capture
            .tcp(client, (server, 443), 2, 1000, 0, b"")
            .tcp((server, 443), client, 18, 5000, 1001, b"")
            .tcp(client, (server, 443), 24, 1001, 5001, &hello)
            .tcp((server, 443), client, 4, 5001, 1001 + hello.len() as u32, b"");
        capture.talk(
            (CLIENT, port + 1),
            proxy,
            format!("CONNECT {name}:443 HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {name}\r\n\r\n").as_bytes(),
            format!("HTTP/1.1 403 {name}\r\nServer: {name}\r\nVia: {name}\r\nX-Squid-Error: {name}\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<title>{name}</title>").as_bytes(),
        );
        capture.talk(
            (CLIENT, port + 2),
            (server, 80),
            format!("GET /{name} HTTP/1.1\r\nHost: {name}\r\n\r\n").as_bytes(),
            format!("HTTP/1.1 302 {name}\r\nLocation: http://{name}/\r\nContent-Length: 0\r\n\r\n").as_bytes(),
        );
        log += &format!(
            "ERROR: cli.azure.cli.core.azclierror: HTTPSConnectionPool(host='{name}', port=443): Max retries exceeded with url: /{name} (Caused by NewConnectionError('{name}: [Errno 111] Connection refused'))\n"
        );
        log += &format!("ERROR: cli.azure.cli.core.azclierror: AADSTS50034: {name}\n");
    }
    std::fs::write(folder.join("trace.pcap"), capture.pcap()).expect("written");
    std::fs::write(folder.join("az-debug.txt"), log).expect("written");
}

/// Names of files are a stranger's words too, where the system lets them be.
#[cfg(unix)]
const FILE_NAME: &str = "=<script>alert(1)<\u{202e}|`\u{1b}[2J.pcap";
#[cfg(not(unix))]
const FILE_NAME: &str = "=trace.pcap";

#[test]
fn hostile_names_come_out_harmless_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    attack(folder.path());
    // A folder of that name cannot hold a slash; the capture's own name can hold the rest.
    std::fs::rename(folder.path().join("trace.pcap"), folder.path().join(FILE_NAME)).expect("renamed");
    let path = folder.path().to_string_lossy().into_owned();
    let mut wrong = Vec::new();
    for (what, text) in all_outputs(&path).into_iter().chain(outputs_over_cases(&path)) {
        for (i, c) in text.chars().enumerate() {
            let steers = c.is_control() && c != '\n' && !(c == '\r' && what.contains("csv"));
            let hides =
                matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            // Japanese tables begin with the mark by which spreadsheets know UTF-8.
            let mark = i == 0 && what.starts_with("csv");
            if (steers || hides) && !mark {
                let near: String = text.chars().skip(i.saturating_sub(40)).take(60).collect();
                wrong.push(format!("{what}: {:?} in {near:?}", c));
                break;
            }
        }
        if what.starts_with("html") {
            for bad in ["<script>alert", "<img src=x", "<\\u"] {
                if text.contains(bad) {
                    wrong.push(format!("{what}: {}", around(&text, bad)));
                }
            }
        }
        if what.starts_with("markdown") {
            let prose = without_code_spans(&text);
            for bad in ["<script", "<img", "](javascript"] {
                if prose.match_indices(bad).any(|(i, _)| !prose[..i].ends_with('\\')) {
                    wrong.push(format!("{what}: {}", around(&prose, bad)));
                }
            }
        }
        if what.contains("csv") {
            let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
            for row in reader.records() {
                for cell in row.expect("rows can be read").iter() {
                    if cell.starts_with(['=', '+', '@', '＝', '＋', '－', '＠', '\t', '\r'])
                        || (cell.starts_with('-') && cell.len() > 1)
                    {
                        wrong.push(format!("{what}: {cell}"));
                    }
                }
            }
        }
        if what.starts_with("json ") {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{what}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Markdown without its code spans: a run of backticks to the next run of the same length (CommonMark 6.1).
fn without_code_spans(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('`') {
        if rest[..start].ends_with('\\') {
            out += &rest[..=start];
            rest = &rest[start + 1..];
            continue;
        }
        let run = rest[start..].chars().take_while(|c| *c == '`').count();
        let fence = "`".repeat(run);
        out += &rest[..start];
        let inside = &rest[start + run..];
        let mut end = None;
        let mut from = 0;
        while let Some(i) = inside[from..].find(&fence).map(|i| i + from) {
            let length = inside[i..].chars().take_while(|c| *c == '`').count();
            if length == run {
                end = Some(i);
                break;
            }
            from = i + length;
        }
        match end {
            Some(end) => rest = &inside[end + run..],
            None => {
                out += &fence;
                rest = inside;
            }
        }
    }
    out + rest
}

fn around(text: &str, what: &str) -> String {
    let at = text.find(what).unwrap_or(0);
    let before: String = text[..at].chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    let after: String = text[at..].chars().take(60).collect();
    before + &after
}
