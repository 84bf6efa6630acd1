//! The client's own file of trusted certificates cannot be read: the failure came before the network.

use super::logs::runs;
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::ErrorClass;
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "ca_bundle_broken",
    severity: Severity::Critical,
    title: Text {
        en: "The file of trusted certificates cannot be read", ja: "信頼する証明書のファイルを読み込めない"
    },
    meaning: Text {
        en: "The client could not load the PEM file that REQUESTS_CA_BUNDLE (or its default) names: not found, empty, or not Base64 PEM. It gave up before it sent a packet, so no TLS appears in the capture and no entry in the sign-in log.",
        ja: "REQUESTS_CA_BUNDLE (または既定) の PEM ファイルを読み込めなかった (存在しない、空、Base64 の PEM 形式でない)。パケットの送信前に失敗しているため、キャプチャに TLS は現れず、サインイン ログにも記録されない。",
    },
    blind: Text {
        en: "The content of the file is not among the evidence.", ja: "ファイルの内容は証跡に含まれない。"
    },
    advice: Text {
        en: "Check that REQUESTS_CA_BUNDLE names an existing file of certificates in Base64 (-----BEGIN CERTIFICATE-----), in plain text without a byte order mark, with the default certificates in it beside the proxy's root. Remove the variable to go back to the default.",
        ja: "REQUESTS_CA_BUNDLE のパスが存在し、Base64 形式 (-----BEGIN CERTIFICATE-----)、BOM なしのテキストで、プロキシのルート証明書に加えて既定の証明書も含むことを確認する。変数を削除すると既定に戻る。",
    },
    check,
};

/// What OpenSSL says of a key that is not its certificate's: the client's own pair, and no file of CAs.
const OWN_PAIR: [&str; 4] = ["KEY_VALUES_MISMATCH", "key values mismatch", "KEY_TYPE_MISMATCH", "key type mismatch"];

fn check(context: &Context<'_>) -> Vec<Finding> {
    let found = runs(context).into_iter().find_map(|run| {
        let (event, _) = run.ended_by(|c| c == ErrorClass::CaBundleBroken)?;
        let mut finding = Finding {
            detail: run.tell(message!(
                en: "%c stopped before the network: {}",
                ja: "%c は通信を始める前に失敗した: {}",
                event.text
            )),
            ..run.finding(context, &RULE, event)
        };
        if is_own_pair(&event.text) {
            finding.title = message!(
                en: "The client's own certificate and its private key do not belong together",
                ja: "クライアント証明書と秘密鍵の組み合わせが一致しない",
            );
            finding.advice = message!(
                en: "Check the file that the sign-in is given (az login --service-principal --certificate and the like): the private key and the certificate in it must be of one pair, the client's own certificate first.",
                ja: "サインインに指定したファイル (az login --service-principal --certificate など) を確認する。秘密鍵と証明書が対になっており、クライアント自身の証明書が先頭にあることが必要。",
            );
        }
        if event.text.contains("Connection aborted") {
            finding.title = message!(
                en: "A file of the client's own that its TLS needs cannot be opened",
                ja: "クライアントの TLS が使う端末上のファイルを開けない",
            );
            finding.advice = message!(
                en: "Look at the variable SSLKEYLOGFILE first: the folder of the file that it names must exist and be writable; remove the variable if nobody needs the log of TLS keys. Then check that REQUESTS_CA_BUNDLE and SSL_CERT_FILE name existing files that the user may read.",
                ja: "まず環境変数 SSLKEYLOGFILE を確認する。指定したファイルのフォルダーが存在し、書き込み可能である必要がある。TLS の鍵ログが不要であれば変数を削除する。次に REQUESTS_CA_BUNDLE と SSL_CERT_FILE のファイルが存在し、利用者が読み取れることを確認する。",
            );
        } else if event.text.contains("trustAnchors") {
            finding.title = message!(
                en: "The trust store of Java is empty or missing",
                ja: "Java のトラストストアが空、または存在しない",
            );
            finding.advice = message!(
                en: "Check that the file of javax.net.ssl.trustStore (else lib/security/cacerts of the Java that runs) exists, can be read and holds certificates; keytool -list shows them. On Linux install the package ca-certificates-java again.",
                ja: "javax.net.ssl.trustStore で指定したファイル (指定がなければ実行中の Java の lib/security/cacerts) が存在し、読み取り可能で、証明書を含むことを確認する (keytool -list で表示できる)。Linux ではパッケージ ca-certificates-java を再インストールする。",
            );
        }
        Some(finding)
    });
    found.into_iter().collect()
}

fn is_own_pair(text: &str) -> bool {
    OWN_PAIR.iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_certificate_is_no_file_of_cas() {
        assert!(is_own_pair("[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:4067)"));
        assert!(!is_own_pair("[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found (_ssl.c:4149)"));
    }
}
