//! Tests of the redactor on texts alone; whole cases are in `tests/redact.rs`.

use super::*;

fn contoso() -> Redactor {
    let mut r = Redactor::default();
    r.host("proxy.corp.contoso.com");
    r.domain("proxy.corp.contoso.com");
    r.user("alice@contoso.com");
    r.user("CONTOSO\\bob.smith");
    r.tenant("7f1c2d3e-0000-4444-8888-123456789abc");
    r.word(Kind::Machine, "DESKTOP-7Q2");
    r
}

#[test]
fn the_same_name_gets_the_same_placeholder_everywhere() {
    let mut r = contoso();
    assert_eq!(
        r.text("via PROXY.corp.contoso.com:3128, then proxy.corp.contoso.com."),
        "via host-1.internal:3128, then host-1.internal."
    );
    assert_eq!(r.text("alice@contoso.com and Alice@Contoso.com"), "user-1 and user-1");
    assert_eq!(r.text("/authorize?login_hint=alice%40contoso.com&x=1"), "/authorize?login_hint=user-1&x=1");
    assert_eq!(r.text("/7F1C2D3E-0000-4444-8888-123456789ABC/oauth2"), "/tenant-2/oauth2");
    assert_eq!(r.text("on DESKTOP-7Q2 by CONTOSO\\bob.smith"), "on machine-1 by organisation-1\\user-2");
    assert_eq!(r.text("sts.contoso.com"), "host-2.internal");
    assert_eq!(r.text("the Contoso Web Gateway"), "the organisation-1 Web Gateway");
}

#[test]
fn what_is_everybodys_stays() {
    let mut r = contoso();
    for text in [
        "CONNECT management.azure.com:443 HTTP/1.1",
        "login.microsoftonline.com (20.190.128.1), 127.0.0.1:8400, [::1]:80, 169.254.169.254",
        "cli.azure.cli.core: tcp.stream in {4, 5}; 15:46:13.417937; az-debug.txt",
        "[Net.ServicePointManager]::SecurityProtocol, Chrome/120.0.0.0, Az.Accounts 2.12.1.0",
        "%USERPROFILE%\\.azure\\commands C:\\Users\\Public\\x",
        "*.azcliprod.blob.core.windows.net azcliprod.blob.core.windows.net http://www.msftconnecttest.com/",
        "correlation id 04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    ] {
        assert_eq!(r.text(text), text);
    }
}

#[test]
fn fixed_texts_of_the_program_have_nothing_to_hide() {
    let mut r = Redactor::default();
    for rule in crate::finding::all() {
        for text in [rule.title, rule.meaning, rule.blind, rule.advice] {
            assert_eq!((r.text(text.en), r.text(text.ja)), (text.en.to_owned(), text.ja.to_owned()), "{}", rule.code);
        }
    }
}

#[test]
fn shapes_show_without_being_learned() {
    let mut r = Redactor::default();
    assert_eq!(
        r.text("10.1.2.3:8080 -> 10.1.2.3, fd00::7, 192.168.0.0/24"),
        "address-1:8080 -> address-1, address-2, network-1/24"
    );
    assert_eq!(r.text("ip.addr == 10.1.2.3 && [fd00::7]:443"), "ip.addr == address-1 && [address-2]:443");
    assert_eq!(
        r.text("C:\\Users\\Hanako Yamada\\.azure, C:\\\\Users\\\\bo\\\\x"),
        "C:\\Users\\user-1\\.azure, C:\\\\Users\\\\user-2\\\\x"
    );
    assert_eq!(
        r.text("open '/Users/carol/.azure/config' of Hanako Yamada"),
        "open '/Users/user-3/.azure/config' of user-1"
    );
    assert_eq!(
        r.text("contoso.onmicrosoft.com, contosofiles.blob.core.windows.net"),
        "tenant-1, host-1.blob.core.windows.net"
    );
    assert_eq!(r.text("アカウントalice@contoso.comは失敗"), "アカウントuser-4は失敗");
}

#[test]
fn redacting_twice_changes_nothing_more() {
    let mut r = contoso();
    let once = r.text("C:\\Users\\bob.smith on DESKTOP-7Q2 (10.0.0.5) via proxy.corp.contoso.com as alice@contoso.com");
    assert_eq!(r.text(&once), once);
    assert!(!once.contains("bob") && !once.contains("contoso"), "{once}");
}

#[test]
fn words_are_not_found_inside_others() {
    let mut r = Redactor::default();
    r.user("anna");
    r.user("app");
    assert_eq!(r.text("Annabelle applied; anna_x, anna's app"), "Annabelle applied; user-1_x, user-1's app");
}

#[test]
fn names_in_answers_are_the_organisations() {
    let mut r = Redactor::default();
    r.learn_text(r#"200 {"value":[{"id":"x","displayName":"Fabrikam Group","name":"AzureCloud"}]}"#);
    assert_eq!(r.text("Fabrikam Group in AzureCloud"), "organisation-1 in AzureCloud");
}

#[test]
fn products_stay_in_the_names_of_certificates() {
    use public::{CertificateName, certificate_name};
    assert!(matches!(certificate_name("Zscaler Intermediate Root CA (zscaler.net)"), CertificateName::Known));
    assert!(matches!(certificate_name("Microsoft Azure RSA TLS Issuing CA 03"), CertificateName::Known));
    assert!(matches!(certificate_name("DigiCert, Inc."), CertificateName::Known));
    assert!(matches!(certificate_name("Contoso Root CA"), CertificateName::Own));
    assert!(
        matches!(certificate_name("Contoso Zscaler Root CA"), CertificateName::Product(p) if p.contains("Zscaler"))
    );
}

#[test]
fn domains_have_their_registered_part_and_their_name() {
    assert_eq!(public::registrable("sts.emea.contoso.co.jp").as_deref(), Some("contoso.co.jp"));
    assert_eq!(public::brand("contoso.onmicrosoft.com").as_deref(), Some("contoso"));
    assert_eq!(public::brand("proxy.corp.example"), None);
    assert_eq!(public::brand("gateway.zscaler.net"), None);
    assert!(public::is_public("LOGIN.microsoftonline.com.") && !public::is_public("contoso.sharepoint.com"));
}
