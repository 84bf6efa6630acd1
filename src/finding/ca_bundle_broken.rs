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
