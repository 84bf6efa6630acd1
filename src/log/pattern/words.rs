//! Words of error messages and the causes they name: a table, no logic.
//!
//! Wordings are those of OpenSSL, Python, urllib3, .NET, Schannel, Node, Go, Java, curl and Chromium, and the
//! translations that Windows gives its own part of a message.

use crate::facts::log::{BrokerFault, ErrorClass as E, ErrorClass, NameFault, TrustFault};

/// Words that name a cause, without regard to case. The first entry that matches wins: precise before general.
pub(super) const WORDS: &[(&str, ErrorClass)] = &[
    // Certificates of the client's own store.
    (
        r"NO_CERTIFICATE_OR_CRL_FOUND|no certificate or crl found|could not find a suitable TLS CA certificate bundle|error setting certificate (?:verify locations|file)|error adding trust anchors|trustAnchors parameter must be non-empty|\[X509[:\]]|CERT(?:IFICATE)?_?.*NOT_ENOUGH_DATA|cacert.*PEM lib",
        E::CaBundleBroken,
    ),
    (r"missing authority key identifier", E::CertificateUntrusted(TrustFault::MissingAuthorityKeyId)),
    (r"missing subject key identifier", E::CertificateUntrusted(TrustFault::MissingSubjectKeyId)),
    (
        r"basic constraints of ca cert|basic constraints.*not marked critical|(?:verify failed|problem): invalid ca certificate|\bINVALID_CA\b|CA cert does not include|path length constraint",
        E::CertificateUntrusted(TrustFault::BasicConstraints),
    ),
    // .NET lists every fault of the chain: that nothing could be asked about an unknown issuer follows from the first.
    (
        r"(?:UntrustedRoot|PartialChain)\b.*(?:RevocationStatusUnknown|OfflineRevocation)|(?:RevocationStatusUnknown|OfflineRevocation)\b.*(?:UntrustedRoot|PartialChain)",
        E::CertificateUntrusted(TrustFault::UnknownIssuer),
    ),
    (
        r"RevocationStatusUnknown|OfflineRevocation|CRYPT_E_REVOCATION_OFFLINE|CRYPT_E_NO_REVOCATION_CHECK|revocation server was offline|unable to check revocation|失効の状態を確認できませんでした|失効サーバー|失効の関数は",
        E::RevocationUnavailable,
    ),
    (
        r"SELF_SIGNED_CERT_IN_CHAIN|self[- ]signed certificate in (?:the )?(?:certificate )?chain",
        E::CertificateUntrusted(TrustFault::SelfSignedInChain),
    ),
    (
        r"DEPTH_ZERO_SELF_SIGNED_CERT|(?:verify failed|problem):? self[- ]signed certificate|\bself[- ]signed certificate$",
        E::CertificateUntrusted(TrustFault::SelfSigned),
    ),
    (
        r"certificate is not yet valid|CertificateNotYetValidException|CERT_NOT_YET_VALID|certificate not yet valid|current time \S+ is before ",
        E::CertificateUntrusted(TrustFault::NotYetValid),
    ),
    (
        r"certificate (?:has |is )?expired|CertificateExpiredException|CERT_HAS_EXPIRED|NotTimeValid|CERT_E_EXPIRED|SEC_E_CERT_EXPIRED|ERR_CERT_DATE_INVALID|not within its validity period|certificate has expired or is not yet valid|証明書は有効期限が切れ|有効期間内ではありません",
        E::CertificateUntrusted(TrustFault::Expired),
    ),
    (
        r"hostname mismatch|ip address mismatch|hostname '[^']*' doesn't match|ERR_TLS_CERT_ALTNAME_INVALID|RemoteCertificateNameMismatch|certificate is (?:not )?valid for |no alternative certificate subject name|ERR_CERT_COMMON_NAME_INVALID|Hostname/IP does not match|CERT_E_CN_NO_MATCH|SEC_E_WRONG_PRINCIPAL|subject name does not match|No subject alternative (?:DNS |IP |URI )?names? (?:matching|present)|No name matching [\w-]+(?:\.[\w-]+)+ found|名前と一致しません",
        E::CertificateUntrusted(TrustFault::NameMismatch),
    ),
    // Parameters of the handshake that OpenSSL refuses: neither the certificate nor the version is at fault.
    (r"dh[ _]key[ _]too[ _]small|UNSAFE_LEGACY_RENEGOTIATION_DISABLED|unsafe legacy renegotiation", E::TlsOther),
    (r"key too (?:weak|small)|_MD_TOO_WEAK|_KEY_TOO_SMALL|ERR_CERT_WEAK", E::CertificateUntrusted(TrustFault::Weak)),
    (
        r"certificate (?:has been |is |was )?revoked|CERT_REVOKED|CRYPT_E_REVOKED",
        E::CertificateUntrusted(TrustFault::Revoked),
    ),
    (
        r"unable to get (?:local )?issuer certificate|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|unable to verify the first certificate|signed by unknown authority|PKIX path building failed|No trusted certificate found|valid certification path to requested target|CERT_E_UNTRUSTEDROOT|SEC_E_UNTRUSTED_ROOT|UntrustedRoot|PartialChain|CERT_E_CHAINING|ERR_CERT_AUTHORITY_INVALID|root certificate which is not trusted|信頼されていないルート|信頼されていない機関によって発行|証明書チェーンは処理されましたが",
        E::CertificateUntrusted(TrustFault::UnknownIssuer),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|remote certificate is invalid|remote certificate was rejected|RemoteCertificateChainErrors|RemoteCertificateValidation|could not establish trust relationship|SSL certificate problem|certificate validation failed|Certificate verification failed\. (?:This typically happens|A proxy)|remote certificate was not (?:provided|available)|RemoteCertificateNotAvailable|検証プロシージャによると、?リモート証明書は無効|Remotezertifikat ist (?:laut|gemäß) |certificat distant (?:n.est pas valide|est non valide)|certificado remoto no es válido|远程证书无效|遠端憑證(?:是)?無效|원격 인증서가 유효하지 않|konnte keine Vertrauensstellung hergestellt werden|établir une relation de confiance|establecer una relación de confianza|建立信任关系|建立信任關係|트러스트 관계를 설정할 수 없|信頼関係を確立できません|failed to verify certificate|UnknownIssuer|PKIX path validation failed|CertPathValidatorException",
        E::CertificateUntrusted(TrustFault::Unspecified),
    ),
    // The same in further languages of Windows.
    (
        r"estabelecer (?:uma )?relação de confiança|relazione di trust|geen vertrouwensrelatie|relacji zaufania|vztah důvěryhodnosti|güven ilişkisi kurulamadı|доверительные отношения|certificado remoto (?:não é válido|é inválido)|certificato remoto non (?:è )?valido|externe certificaat is ongeldig|zdalny certyfikat jest nieprawidłowy|удал[её]нный сертификат недействителен",
        E::CertificateUntrusted(TrustFault::Unspecified),
    ),
    // What a TLS peer answered.
    (
        r"UNSUPPORTED_PROTOCOL|unsupported protocol|ALERT_PROTOCOL_VERSION|alert protocol version|protocol version not supported|do not possess a common algorithm|共通のアルゴリズム|NO_PROTOCOLS_AVAILABLE|no protocols available|unsupported TLS version|VERSION_TOO_LOW|legacy sigalg disallowed|ERR_SSL_VERSION_OR_CIPHER_MISMATCH|SEC_E_ALGORITHM_MISMATCH|server selected unsupported protocol|TLS alert: '?ProtocolVersion|NO_SHARED_CIPHER|no shared cipher|ne possèdent pas un algorithme commun|verfügen nicht über einen gemeinsamen Algorithmus",
        E::TlsVersion,
    ),
    (
        r"WRONG_VERSION_NUMBER|wrong version number|first record does not look like a TLS handshake|PACKET_LENGTH_TOO_LONG|packet length too long|\[SSL: HTTP_REQUEST\]|SSL routines:[^:]*:http request|cannot determine the frame size|unexpected packet format|ERR_SSL_PROTOCOL_ERROR|plain HTTP request was sent|INTERNAL_ERROR.*wrong version|http: server gave HTTP response to HTTPS client",
        E::TlsNotSpoken,
    ),
    // Alerts by the names that OpenSSL (twice), Go and .NET give them; numbers of RFC 8446 section 6 and its forerunners.
    (
        r"ALERT_UNEXPECTED_MESSAGE|alert unexpected message|remote error: tls: unexpected message|TLS alert: '?UnexpectedMessage",
        E::TlsAlert(Some(10)),
    ),
    (
        r"ALERT_BAD_RECORD_MAC|alert bad record mac|remote error: tls: bad record MAC|TLS alert: '?BadRecordMac",
        E::TlsAlert(Some(20)),
    ),
    (
        r"ALERT_RECORD_OVERFLOW|alert record overflow|remote error: tls: (?:record overflow|oversized record)|TLS alert: '?RecordOverflow",
        E::TlsAlert(Some(22)),
    ),
    (r"ALERT_DECOMPRESSION_FAILURE|alert decompression failure|TLS alert: '?DecompressionFail", E::TlsAlert(Some(30))),
    (
        r"ALERT_HANDSHAKE_FAILURE|alert handshake failure|tls: handshake failure|TLS alert: '?HandshakeFailure",
        E::TlsAlert(Some(40)),
    ),
    (r"ALERT_NO_CERTIFICATE|alert no certificate", E::TlsAlert(Some(41))),
    (
        r"ALERT_BAD_CERTIFICATE|alert bad certificate|tls: bad certificate|TLS alert: '?BadCertificate",
        E::TlsAlert(Some(42)),
    ),
    (
        r"ALERT_UNSUPPORTED_CERTIFICATE|alert unsupported certificate|remote error: tls: unsupported certificate|TLS alert: '?UnsupportedCert",
        E::TlsAlert(Some(43)),
    ),
    (r"ALERT_CERTIFICATE_EXPIRED|alert certificate expired|TLS alert: '?CertificateExpired", E::TlsAlert(Some(45))),
    (r"ALERT_CERTIFICATE_UNKNOWN|alert certificate unknown|TLS alert: '?CertificateUnknown", E::TlsAlert(Some(46))),
    (
        r"ALERT_ILLEGAL_PARAMETER|alert illegal parameter|remote error: tls: illegal parameter|TLS alert: '?IllegalParameter",
        E::TlsAlert(Some(47)),
    ),
    (
        r"ALERT_UNKNOWN_CA|alert unknown ca|tls: unknown certificate authority|TLS alert: '?UnknownCA",
        E::TlsAlert(Some(48)),
    ),
    (r"ALERT_ACCESS_DENIED|alert access denied|tls: access denied|TLS alert: '?AccessDenied", E::TlsAlert(Some(49))),
    (
        r"ALERT_DECODE_ERROR|alert decode error|tls: error decoding message|TLS alert: '?DecodeError",
        E::TlsAlert(Some(50)),
    ),
    (
        r"ALERT_DECRYPT_ERROR|alert decrypt error|remote error: tls: error decrypting message|TLS alert: '?DecryptError",
        E::TlsAlert(Some(51)),
    ),
    (r"ALERT_EXPORT_RESTRICTION|alert export restriction|TLS alert: '?ExportRestriction", E::TlsAlert(Some(60))),
    (
        r"ALERT_INSUFFICIENT_SECURITY|alert insufficient security|remote error: tls: insufficient security|TLS alert: '?InsufficientSecurity",
        E::TlsAlert(Some(71)),
    ),
    (
        r"ALERT_INTERNAL_ERROR|alert internal error|remote error: tls: internal error|TLS alert: '?InternalError",
        E::TlsAlert(Some(80)),
    ),
    (
        r"ALERT_INAPPROPRIATE_FALLBACK|alert inappropriate fallback|remote error: tls: inappropriate fallback",
        E::TlsAlert(Some(86)),
    ),
    (
        r"ALERT_USER_CANCELL?ED|alert user cancell?ed|remote error: tls: user cancell?ed|TLS alert: '?UserCancell?ed",
        E::TlsAlert(Some(90)),
    ),
    (
        r"ALERT_NO_RENEGOTIATION|alert no renegotiation|remote error: tls: no renegotiation|TLS alert: '?NoRenegotiation",
        E::TlsAlert(Some(100)),
    ),
    (r"ALERT_MISSING_EXTENSION|alert missing extension|remote error: tls: missing extension", E::TlsAlert(Some(109))),
    (
        r"ALERT_UNSUPPORTED_EXTENSION|alert unsupported extension|remote error: tls: unsupported extension|TLS alert: '?UnsupportedExt",
        E::TlsAlert(Some(110)),
    ),
    (r"UNRECOGNIZED_NAME|unrecognized name|TLS alert: '?UnrecognizedName", E::TlsAlert(Some(112))),
    (
        r"ALERT_UNKNOWN_PSK_IDENTITY|alert unknown psk identity|remote error: tls: unknown PSK identity",
        E::TlsAlert(Some(115)),
    ),
    (r"CERTIFICATE_REQUIRED|alert certificate required", E::TlsAlert(Some(116))),
    (r"ALERT_NO_APPLICATION_PROTOCOL|no application protocol", E::TlsAlert(Some(120))),
    (
        r"remote error: tls:|remote party sent a TLS alert|\b(?:SSLV3|TLSV1|TLSV13)_ALERT_|(?:sslv3|tlsv1|tlsv13) alert ",
        E::TlsAlert(None),
    ),
    // What Resource Manager and Graph themselves refuse.
    (
        r"\bAuthorization_RequestDenied\b|Insufficient privileges to complete the operation|\b(?:Linked)?AuthorizationFailed\b|does not have authorization to perform action|\bAuthorizationPermissionMismatch\b|is not authorized and caller is not a trusted service",
        E::HttpStatus(403),
    ),
    // Entra ID, Graph and Resource Manager where they are asked too often; nothing on the way throttles a sign-in.
    (
        r#"throttled by AAD|(?:Status|Status ?Code|Code|error): ?'?TooManyRequests\b|\(429\) Too Many Requests|error: \(429\)|\brequest is being throttled|["'](?:error|code)["']\s*:\s*["']TooManyRequests["']|RequestsThrottled\b"#,
        E::HttpStatus(429),
    ),
    // Az.Accounts where Entra ID wants more of the user than a token without a window can give; the code is not printed.
    (
        r"Authentication failed against (?:tenant|resource) \S+ User interaction is|may be due to the conditional access policy",
        E::OAuth,
    ),
    // MSAL's word for a 5xx, and Graph's after its last try for 429, 503 or 504: the service's, or a proxy's in its place.
    (
        r"Service is unavailable to process the request|ErrorCode: ?service_not_available\b|Too many retries performed",
        E::AnswerUnplaced(None),
    ),
    // Statuses of the page that the embedded window of ADAL and MSAL could not show, in the words of that window.
    (r"dialog failed to complete\. Reason: .{0,40}acting as a gateway or proxy", E::AnswerUnplaced(Some(502))),
    (r"dialog failed to complete\. Reason: .{0,60}temporarily overloaded", E::AnswerUnplaced(Some(503))),
    (r"dialog failed to complete\. Reason: .{0,60}waiting for a gateway", E::AnswerUnplaced(Some(504))),
    (r"dialog failed to complete\. Reason: Proxy authentication", E::ProxyStatus(407)),
    // The metadata service of a virtual machine, asked through something that answers in its place.
    (r"The request failed due to a gateway error", E::AnswerUnplaced(None)),
    // .NET Framework on its proxy's name, and the name that it gives the cause.
    (
        r"proxy name could not be resolved|ProxyNameResolutionFailure|プロキシ名を解決できません|Proxyname konnte nicht aufgel|résoudre le nom du proxy|nom du proxy n.a pas pu être résolu|resolver el nombre de(?:l)? proxy|nombre de(?:l)? proxy no se p(?:uede|udo) resolver|risolvere il nome (?:del )?proxy|nome do proxy não pôde ser resolvido|(?:无法|未能)解析此?代理名称|無法解析 ?proxy 名稱|프록시 이름을 확인할 수 없|разрешить имя прокси",
        E::ProxyNameNotResolved,
    ),
    // Names.
    (
        r"name or service not known|name does not resolve|nodename nor servname|no address associated with hostname|getaddrinfo ENOTFOUND|\bENOTFOUND\b|NXDOMAIN|lookup [^ ]+(?: on [^ ]+)?: no such host|DNS_PROBE_FINISHED_NXDOMAIN|DNS name does not exist|DNS 名がありません|DNS 名は存在しません|requested name is valid, but no data of the requested type|要求した名前は有効ですが|\((?:no data available|name does not resolve|no such device or address) \([^ ()]+:\d+\)\)?",
        E::NameNotResolved(NameFault::NotFound),
    ),
    (
        r"temporary failure in name resolution|EAI_AGAIN|\bTRY_AGAIN\b.*resol|server misbehaving|lookup [^ ]+(?: on [^ ]+)?: (?:i/o timeout|read udp)|resolving timed out|DNS server failure|non-recoverable failure in name resolution|usually a temporary error during hostname resolution|non-recoverable error occurred during a database lookup|ホスト名の解決時に(?:起きる|起こる|発生する)?一時的なエラー|データベースの検索中に回復不可能なエラー|resource temporarily unavailable \([^ ()]+:\d+\)|EAI_NODATA",
        E::NameNotResolved(NameFault::Temporary),
    ),
    (
        r"NameResolutionError|NameResolutionFailure|failed to resolve '|could not resolve host|could not resolve proxy|getaddrinfo failed|unable to resolve host address|no such host is known|HostNotFound|remote name could not be resolved|リモート名を解決できませんでした|そのようなホストは不明|ERR_NAME_NOT_RESOLVED|remotename konnte nicht aufgel|nom distant n.a pas pu être résolu|hôte inconnu|host ist (?:nicht bekannt|unbekannt)|kein solcher Host bekannt|host desconocido|no se conoce (?:ese|dicho|este) host|알려진 호스트가 없|无法识别这样的主机|UnknownHostException|no se p(?:uede|udo) resolver el nombre remoto|impossibile risolvere il nome remoto|nome remoto não pôde ser resolvido|разрешить удал[её]нное имя|(?:无法|未能)解析此?远程名称|無法解析遠端名稱|不知道这样的主机|無法識別這台主機|원격 이름을 확인할 수 없습니다|server name or address could not be resolved|サーバーの名前またはアドレスは解決されませんでした|because the server name cannot be resolved",
        E::NameNotResolved(NameFault::Unspecified),
    ),
    // 11001 and .NET Framework's own words in further languages of Windows.
    (
        r"este host não é conhecido|host (?:sconosciuto|desconhecido)|onbekende host|host is onbekend|nieznany host|hostitel není znám|böyle bir ana bilgisayar yok|хост неизвестен|externe naam kan niet worden omgezet|nie można rozpoznać nazwy zdalnej|vzdálený název nelze přeložit|uzak ad çözülemedi|okänd värd|ukendt vært|a gép nem ismert",
        E::NameNotResolved(NameFault::Unspecified),
    ),
    (
        r"SOCKS server failed to connect|SOCKS server (?:rejected|does not)|socks connect tcp [^ ]+: unknown error|プロキシ サーバーからの応答が無効",
        E::ProxyOther,
    ),
    // How the connection broke. Specific to TLS first: an EOF there is not yet a reset.
    (
        r"SSLEOFError|UNEXPECTED_EOF_WHILE_READING|EOF occurred in violation of protocol|unexpected eof while reading|received an unexpected EOF|before secure TLS connection was established|remote party has closed the transport stream|SSL_ERROR_SYSCALL|SSLZeroReturnError|TLS/SSL connection has been closed|unexpected EOF or 0 bytes from the transport stream|トランスポート ストリームから、予期しない EOF|Remote host (?:terminated the|closed connection during) handshake",
        E::TlsEof,
    ),
    (
        r"ConnectionResetError|ECONNRESET|connection reset by peer|forcibly closed by (?:the|a) remote host|connection was (?:forcibly closed|reset)|\bConnectionReset\b|強制的に切断|fermée par l.hôte distant|vom Remotehost geschlossen|forzada por el host remoto|远程主机强迫关闭|원격 호스트에 의해 강제로|принудительно разорвал|ERR_CONNECTION_RESET|Recv failure: Connection was reset|SocketException: Connection reset",
        E::ConnectionReset,
    ),
    // 10053 and 10054 in further languages of Windows.
    (
        r"aborted by the software in your host|ホスト コンピューターのソ[フウ]トウェアによって中止|softwaregesteuert durch den Hostcomputer abgebrochen|abandonnée par un logiciel de votre ordinateur hôte|anulado una conexión establecida por el software|主机中的软件中止了|主機上的軟體(?:已)?中止|anulada pelo software no computador host|Foi forçado o cancelamento de uma conexão|foi forçada a fechar pelo|interrotta forzatamente dall|geforceerd (?:gesloten|verbroken) door|gwałtownie zamknięte przez|vynutil ukončení existujícího připojení|vynuceně ukončeno vzdáleným|tarafından zorla kapatıldı|遠端主機已?強制關閉|tvingades att stänga",
        E::ConnectionReset,
    ),
    (
        r"ConnectionRefusedError|ECONNREFUSED|connection refused|connection to the server [^ ]+ was refused|actively refused|\bConnectionRefused\b|拒否されたため、接続できませんでした|expressément refusée|verweigerte|denegó expresamente|积极拒绝|거부했으므로|ERR_CONNECTION_REFUSED",
        E::ConnectionRefused,
    ),
    // 10061 in further languages of Windows.
    (
        r"máquina de destino as recusou ativamente|recusou ac?tivamente|Rifiuto persistente del computer|actief (?:heeft )?geweigerd|aktywnie (?:go |jego )?odm[aó]wi|aktivně (?:je |ho )?odmítl|etkin olarak reddettiğinden|отверг запрос на подключение|目標電腦拒絕連線|aktivt nekade|aktivt nægtede|célszámítógép (?:már )?visszautasította",
        E::ConnectionRefused,
    ),
    (
        r"ConnectTimeoutError|\bConnectTimeout\b|timed out\. \(connect timeout|\bETIMEDOUT\b|did not properly respond after a period of time|正しく応答しなかった|n.a pas répondu convenablement|nicht (?:ordnungsgemäß|richtig) reagiert|연결된 구성원으로부터 응답이 없어|no respondió adecuadamente|没有正确答复|dial tcp [^ ]+: i/o timeout|ERR_CONNECTION_TIMED_OUT|failed to connect to [^ ]+ port \d+ after \d+ ms: (?:timed out|timeout)|connection timed out|connection timeout after|connect to [^ ]+ port \d+ failed: (?:timed out|timeout)|ServiceRequestTimeoutError|\bConnectTimeoutException\b|connect timed out|Net::OpenTimeout|timeout was reached|operation timed out \([^ ()]+:\d+\)",
        E::ConnectTimeout,
    ),
    // 10060 in further languages of Windows.
    (
        r"não respondeu corr?ec?tamente|Risposta non corretta della parte connessa|niet (?:correct|juist|goed) heeft (?:geantwoord|gereageerd)|nie odpowiedziała poprawnie|řádně neodpověděla|belli bir süre (?:içinde|sonra) (?:düzgün )?(?:yanıt|bir biçimde)|не получен нужный отклик|(?:並未|沒有)正確回應",
        E::ConnectTimeout,
    ),
    (
        r"ReadTimeoutError|\bReadTimeout\b|read timed out|handshake operation timed out|TLS handshake timeout|operation timed out after|SSL connection timeout|ServiceResponseTimeoutError|awaiting headers|ESOCKETTIMEDOUT|Read timeout",
        E::ReadTimeout,
    ),
    (
        r"ENETUNREACH|EHOSTUNREACH|no route to host|connect: host is down|EHOSTDOWN|network is unreachable|unreachable (?:network|host)|\b(?:Network|Host)Unreachable\b|ERR_ADDRESS_UNREACHABLE|ERR_INTERNET_DISCONNECTED|到達できないホスト|到達できないネットワーク|ENETDOWN",
        E::NetworkUnreachable,
    ),
    (
        r"forbidden by its access permissions|アクセス許可で禁じられた方法|interdite par ses autorisations|ERR_NETWORK_ACCESS_DENIED|connect EACCES|connect: permission denied|connect EPERM",
        E::BlockedLocally,
    ),
    (
        r"RemoteDisconnected|remote end closed connection without response|empty reply from server|underlying connection was closed|接続が切断されました|接続は閉じられました|接続が(?:予期せず|突然)に?閉じられました|基礎?になる接続が閉じられました|IncompleteRead\(|ChunkedEncodingError|InvalidChunkLength|response ended prematurely|socket hang up|\bConnectionClosed\b|ERR_EMPTY_RESPONSE|ERR_CONNECTION_CLOSED|\bEPIPE\b|(?:tcp|socket|ssl|tls|connection|send failure)[^\n]*broken pipe|ConnectionAbortedError|ERR_CONNECTION_ABORTED|proxy connect aborted|unexpected EOF$|: EOF$",
        E::ConnectionClosed,
    ),
    // Clock, cache, authority.
    (
        r"ID token is not yet valid|token is not yet valid|computer's time and time zone|clock skew|time skew|clocks? (?:is|are) (?:out of sync|not synchron)|RequestTimeTooSkewed|KRB_AP_ERR_SKEW|SEC_E_TIME_SKEW|ERR_CERT_DATE.*clock",
        E::ClockSkew,
    ),
    (
        r"EOFError: Ran out of input|\bran out of input\b|UnpicklingError|pickle data was truncated|PersistenceDecryptionError|PersistenceNotFound|MsalCachePersistenceException|persistence check failed|token cache[^.]*(?:corrupt|damaged|invalid)|decryption failed.*(?:0x8009000B|cache|DPAPI)|can't get attribute '\w+' on <module 'msal\.|JSONDecodeError.*(?:azureProfile|token_cache)|^EOFError\b",
        E::CacheDamaged,
    ),
    (
        r#"localhost refused to connect|loopback_redirect|no web browser|could not find a suitable browser|unable to open (?:a )?(?:web page|browser)|linux_xdg_open_failed|exec: "xdg-open[^"]*": executable file not found|browser did not respond|port \d+ is (?:already )?in use"#,
        E::BrowserLeg,
    ),
    (
        r"user cancell?ed|authentication_cancell?ed|cancell?ed by (?:the )?user|UserCancell?ed|KeyboardInterrupt|user_cancel|verification code expired|\bcode_expired\b|device code (?:has )?expired|device code terminal timed-out|ユーザーによって取り消|ユーザーがキャンセル",
        E::UserCancelled,
    ),
    (
        r"unable to get authority configuration|OIDC discovery failed|authority_validation_failed|invalid_instance|endpoints_resolution_error|endpoint_discovery|failed to get openid-configuration|cannot_resolve_authority|unknown_authority",
        E::AuthorityDiscovery,
    ),
    (
        r"JSONDecodeError|Expecting value: line 1 column 1|unexpected character encountered while parsing value|Unexpected token '?<|not valid JSON|non_parsable|json_parse_failed|'<' is an invalid start of a value",
        E::AuthorityDiscovery,
    ),
    // TLS and connections in general.
    (
        r"SSL connection could not be established|could not create SSL/TLS secure channel|SSL/TLS のセキュリティで保護されているチャネル|geschützter SSL/TLS-Kanal|canal sécurisé SSL/TLS|canal seguro SSL/TLS|SSL/TLS 安全通道|SSL/TLS 보안 채널|SecureChannelFailure|a call to SSPI failed|authentication failed because the remote party|authentication failed, see inner exception|requests\.exceptions\.SSLError|urllib3\.exceptions\.SSLError|Caused by SSLError|\bssl\.SSLError|\[SSL: |\[SSL\]|\bEPROTO\b|schannel: |SSL_ERROR_SSL|bad handshake|SSL_connect:|tls: |javax\.net\.ssl\.SSL",
        E::TlsOther,
    ),
    (
        r"HttpClient\.Timeout|a task was cancell?ed|TaskCancell?edException|the operation has timed out|the operation was cancell?ed|タイムアウトしました|操作がタイムアウト|タスクが(?:取り消|キャンセル)されました|context deadline exceeded|request (?:has |to the endpoint )?timed out|ErrorCode: ?request_timeout\b|WinRM client cannot complete the operation within the time|WinRM クライアントは、指定された時間内に|TimeoutError\b|TimeoutException|délai d.attente|Zeitüberschreitung|Timeout für Vorgang|tiempo de espera de la operación|操作超时|작업 시간이 초과|Client\.Timeout exceeded",
        E::Timeout,
    ),
    // The embedded window of ADAL and MSAL loads the authority's pages itself: without a reason that is known, all that
    // shows is that it could not.
    (
        r"browser based authentication dialog failed|WebBrowser .*dialog failed|authentication_ui_failed",
        E::ConnectOther,
    ),
    // WinRM and WCF, over which the older modules of Exchange and MSOnline speak. A message that is empty says as much as that
    // no session came about.
    (
        r"client cannot connect to the destination specified in the request|there was no endpoint listening at|specified computer name is valid, that the computer is accessible over the network|failed with the following error message ?: +(?:For more information|MI_RESULT_FAILED)|ErrorCode: ?(?:no_network|network_not_available)\b",
        E::ConnectOther,
    ),
    (
        r"NewConnectionError|cannot connect to host|failed to establish a new connection|failed to connect to [^ ]+ port|failed to connect to [^ /]+/[^ ]+:\d+|error sending request for url|couldn't connect to server|unable to connect to the remote server|リモート サーバーに接続できません|Verbindung mit dem Remoteserver kann nicht|impossible de se connecter au serveur distant|conectar con el servidor remoto|无法连接到远程服务器|無法連接至遠端伺服器|원격 서버에 연결할 수 없|ConnectFailure|max retries exceeded with url|ServiceRequestError|HttpRequestException|error occurred while sending the request|要求の送信中にエラーが発生|\bfetch failed\b|network_error|request_send_failure|retry failed after \d+ tries|WebExceptionStatus|requests\.exceptions\.ConnectionError|unexpected error occurred on a (?:send|receive)|(?:送信|受信)時に、?予期しないエラー|転送接続(?:に|から)データを|HTTP/1\.x transport connection broken|malformed HTTP response",
        E::ConnectOther,
    ),
    (
        r#"["'](?:error|code)["']\s*:\s*["'](?:invalid_grant|invalid_client|interaction_required|unauthorized_client|invalid_request|access_denied|invalid_scope|unsupported_grant_type|invalid_resource|login_required|consent_required)["']|\bAADB2C\d{5,6}\b|MsalServiceException.{0,200}HTTP StatusCode [45]\d\d"#,
        E::OAuth,
    ),
    // Statuses of the Windows broker that are none of success, and the heading above its code.
    (
        r"\bResponse_Status\.Status_(?:Unexpected|Reserved|InteractionRequired|NoNetwork|NetworkTemporarilyUnavailable|ServerTemporarilyUnavailable|ApiContractViolation|UserCanceled|ApplicationCanceled|IncorrectConfiguration|InsufficientBuffer|AuthorityUntrusted|AccountUnusable|KeyNotFound|TransientError)\b|^\s*(?:[\w.]+: )*WAM Error\s*(?:$|Error Code:)",
        E::Broker(BrokerFault::Unspecified),
    ),
    // Clients of HashiCorp that had answers and no good one among them; with an error of the connection they name it behind.
    (r"\b[A-Z]{3,7} https?://\S+ giving up after \d+ attempt(?:s|\(s\))\s*$", E::AnswerUnplaced(None)),
    (r"giving up after \d+ attempt(?:s|\(s\)): ", E::ConnectOther),
    // WinRM, over which the older modules of Exchange speak, on the client's own settings; workflows of GitHub that may not
    // ask for a token of their own.
    (
        r"Basic authentication is currently disabled in the client configuration|Unable to get ACTIONS_ID_TOKEN_REQUEST_URL|Resource not accessible by integration",
        E::Other,
    ),
    // Programs that take their tokens from another one, in which nobody is signed in.
    (
        r"(?:\berror|Credential): (?:[^\n]*: )?Please run 'az login' to set ?up|No Authorization Tokens were found - please ensure|DefaultAzureCredential failed to retrieve a token from the included credentials",
        E::Other,
    ),
    // Names of exceptions say that it failed, not that anything was reached.
    (
        r"MsalUiRequiredException|MsalServiceException|MsalClientException|AuthenticationFailedException|CredentialUnavailableException|InteractiveBrowserCredential authentication (?:failed|unavailable)",
        E::Other,
    ),
];

#[cfg(test)]
mod tests {
    use super::super::classify;
    use super::*;
    use crate::facts::log::ProxyFault;

    /// Texts of one cause in the languages of Windows and the dialects of programs.
    const ROWS: &[(&str, ErrorClass)] = &[
        (
            "x509: certificate has expired or is not yet valid: current time 2014-01-02T03:04:05Z is before 2023-12-31T23:59:59Z",
            E::CertificateUntrusted(TrustFault::NotYetValid),
        ),
        (
            "errors in the certificate chain: PartialChain, RevocationStatusUnknown, OfflineRevocation",
            E::CertificateUntrusted(TrustFault::UnknownIssuer),
        ),
        ("errors in the certificate chain: RevocationStatusUnknown, OfflineRevocation", E::RevocationUnavailable),
        ("[SSL: SSLV3_ALERT_BAD_RECORD_MAC] sslv3 alert bad record mac", E::TlsAlert(Some(20))),
        ("[SSL: TLSV1_ALERT_USER_CANCELLED] tlsv1 alert user cancelled", E::TlsAlert(Some(90))),
        ("Post \"https://a.example/t\": remote error: tls: unexpected message", E::TlsAlert(Some(10))),
        ("Post \"https://a.example/t\": local error: tls: bad record MAC", E::TlsOther),
        ("Authentication failed because the remote party sent a TLS alert: 'DecodeError'.", E::TlsAlert(Some(50))),
        ("Authentication failed because the remote party sent a TLS alert: 'ProtocolVersion'.", E::TlsVersion),
        ("Authentication failed because the remote party sent a TLS alert: '199'.", E::TlsAlert(None)),
        ("[SSL: DH_KEY_TOO_SMALL] dh key too small", E::TlsOther),
        ("[SSL: UNSAFE_LEGACY_RENEGOTIATION_DISABLED] unsafe legacy renegotiation disabled", E::TlsOther),
        ("certificate verify failed: EE certificate key too weak", E::CertificateUntrusted(TrustFault::Weak)),
        (
            "Das Remotezertifikat ist laut Validierungsverfahren ungültig.",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        (
            "Le certificat distant n’est pas valide selon la procédure de validation.",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        (
            "SSL/TLS 보안 채널에 대한 트러스트 관계를 설정할 수 없습니다.",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        ("Host desconocido. (a.example:443)", E::NameNotResolved(NameFault::Unspecified)),
        ("Der angegebene Host ist unbekannt. (a.example:443)", E::NameNotResolved(NameFault::Unspecified)),
        (
            "The requested name is valid, but no data of the requested type was found. (a.example:443)",
            E::NameNotResolved(NameFault::NotFound),
        ),
        (
            "これは通常、ホスト名の解決時に起きる一時的なエラーで、ローカル サーバーが",
            E::NameNotResolved(NameFault::Temporary),
        ),
        ("(Resource temporarily unavailable (a.example:443))", E::NameNotResolved(NameFault::Temporary)),
        ("n’a pas répondu convenablement au-delà d’une certaine durée", E::ConnectTimeout),
        ("연결된 구성원으로부터 응답이 없어 연결하지 못했거나", E::ConnectTimeout),
        ("curl: (28) Failed to connect to a.example port 443 after 21040 ms: Timed out", E::ConnectTimeout),
        ("Post \"https://a.example/token\": Proxy Authentication Required", E::ProxyStatus(407)),
        ("Post \"https://a.example/token\": Bad Gateway", E::ProxyStatus(502)),
        (
            "HttpProxyHandler$HttpProxyConnectException: http, none, /10.0.0.5:8080 => a.example/<unresolved>:443, status: 407 Proxy Authentication Required",
            E::ProxyStatus(407),
        ),
        (
            "HttpProxyHandler$HttpProxyConnectException: http, none, p/10.0.0.5:8080 => a.example/<unresolved>:443, status: 403 Forbidden",
            E::ProxyStatus(403),
        ),
        (
            "ClientConnectorError: Cannot connect to host a.example:443 ssl:default [Connect call failed ('192.0.2.1', 443)]",
            E::ConnectOther,
        ),
        ("HttpRequestException: Name does not resolve (a.example:443)", E::NameNotResolved(NameFault::NotFound)),
        ("Unable to tunnel through proxy. Proxy returns \"HTTP/1.1 403 Forbidden\"", E::ProxyStatus(403)),
        ("java.io.IOException: Failed to authenticate with proxy", E::ProxyStatus(407)),
        (
            "ProxyError('Unable to connect to proxy', SSLError(SSLEOFError(8, '[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol')))",
            E::ProxyUnreachable(ProxyFault::Tls),
        ),
        (
            "ProxyError('Unable to connect to proxy', SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate')))",
            E::ProxyUnreachable(ProxyFault::Certificate),
        ),
        ("InteractiveBrowserCredential authentication failed: A window handle must be configured.", E::Other),
        (
            "ERROR: Certificate verification failed. A proxy may intercept.",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        ("PKIX path validation failed: x: validity check failed", E::CertificateUntrusted(TrustFault::Unspecified)),
        (
            "Caused by: java.security.cert.CertificateExpiredException: NotAfter: x",
            E::CertificateUntrusted(TrustFault::Expired),
        ),
        (
            "No subject alternative DNS name matching a.example found.",
            E::CertificateUntrusted(TrustFault::NameMismatch),
        ),
        ("ValidatorException: No trusted certificate found", E::CertificateUntrusted(TrustFault::UnknownIssuer)),
        ("SSLHandshakeException: Remote host closed connection during handshake", E::TlsEof),
        ("SSLException: the trustAnchors parameter must be non-empty", E::CaBundleBroken),
        ("Status: Response_Status.Status_Unexpected, Error code: 0", E::Broker(BrokerFault::Unspecified)),
        ("fatal: WAM Error", E::Broker(BrokerFault::Unspecified)),
        ("Can't get attribute 'X' on <module 'msal.y' from 'z'>", E::CacheDamaged),
        ("auth failed: exec: \"xdg-open,www-browser\": executable file not found in $PATH", E::BrowserLeg),
        ("Error: running Azure CLI: exit status 1: ERROR: Please run 'az login' to setup account.", E::Other),
        ("AzureCliCredential: Please run 'az login' to set up an account", E::Other),
        ("GET http://a.example/token giving up after 9 attempts", E::AnswerUnplaced(None)),
        (
            "giving up after 5 attempt(s): Get \"https://a.example/\": dial tcp 192.0.2.1:443: connection refused",
            E::ConnectionRefused,
        ),
        ("x (Caused by ResponseError('too many 503 error responses'))", E::HttpStatus(503)),
        (
            "Max retries exceeded with url: /x (Caused by ResponseError('too many 429 error responses',))",
            E::HttpStatus(429),
        ),
        ("('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))", E::CaBundleBroken),
        ("('Connection aborted.', PermissionError(13, 'Permission denied'))", E::CaBundleBroken),
        ("('Connection aborted.', OSError(22, 'Invalid argument'))", E::ConnectOther),
        (
            "Max retries exceeded with url: /x (Caused by ProtocolError('Connection aborted.', OSError(0, 'Error')))",
            E::ConnectionClosed,
        ),
        (
            "('Connection aborted.', PermissionError(13, 'An attempt was made to access a socket in a way forbidden by its access permissions', None, 10013, None))",
            E::BlockedLocally,
        ),
        ("('Connection aborted.', BadStatusLine(\"''\",))", E::ConnectionClosed),
        ("Connection aborted", E::ConnectionClosed),
        ("Microsoft.Identity.Client.MsalUiRequiredException: x", E::Other),
        ("The underlying connection was closed: An unexpected error occurred on a send.", E::ConnectionClosed),
        ("基になる接続が閉じられました: 送信時に、予期しないエラーが発生しました。", E::ConnectionClosed),
        ("接続が予期せずに閉じられました。", E::ConnectionClosed),
        ("受信時に予期しないエラーが発生しました。", E::ConnectOther),
        (
            "証明書チェーンは、信頼されていない機関によって発行されました。",
            E::CertificateUntrusted(TrustFault::UnknownIssuer),
        ),
        (
            "Não foi possível estabelecer relação de confiança para o canal seguro de SSL/TLS.",
            E::CertificateUntrusted(TrustFault::Unspecified),
        ),
        ("確立された接続がホスト コンピューターのソフトウェアによって中止されました。", E::ConnectionReset),
        ("遠端主機已強制關閉一個現存的連線。 (a.example:443)", E::ConnectionReset),
        ("Connessione in corso interrotta forzatamente dall'host remoto.", E::ConnectionReset),
        ("Kan geen verbinding maken omdat de doelcomputer de verbinding actief heeft geweigerd.", E::ConnectionRefused),
        ("無法連線，因為目標電腦拒絕連線。", E::ConnectionRefused),
        ("конечный компьютер отверг запрос на подключение", E::ConnectionRefused),
        ("ponieważ komputer docelowy aktywnie go odmawia", E::ConnectionRefused),
        ("連線對象有一段時間並未正確回應", E::ConnectTimeout),
        ("připojená strana v časovém intervalu řádně neodpověděla", E::ConnectTimeout),
        ("de verbonden party niet correct heeft geantwoord na een bepaalde tijd", E::ConnectTimeout),
        ("Bilinen böyle bir ana bilgisayar yok. (a.example:443)", E::NameNotResolved(NameFault::Unspecified)),
        ("Nieznany host. (a.example:443)", E::NameNotResolved(NameFault::Unspecified)),
        ("タスクがキャンセルされました。", E::Timeout),
        ("('Connection broken: IncompleteRead(1 bytes read, 2 more expected)', x)", E::ConnectionClosed),
        ("net/http: HTTP/1.x transport connection broken: malformed HTTP response", E::ConnectOther),
        (r#"{"error":"invalid_grant"}"#, E::OAuth),
        ("The proxy name could not be resolved: 'proxy.corp.example'", E::ProxyNameNotResolved),
        ("プロキシ名を解決できませんでした: 'proxy.corp.example'", E::ProxyNameNotResolved),
        ("Der Proxyname konnte nicht aufgelöst werden: 'proxy.corp.example'", E::ProxyNameNotResolved),
        ("Impossible de résoudre le nom du proxy : 'proxy.corp.example'", E::ProxyNameNotResolved),
        ("Operation timed out (a.example:443)", E::ConnectTimeout),
        (
            "通常、これはホスト名の解決時に発生する一時的なエラーで、ローカル サーバーが",
            E::NameNotResolved(NameFault::Temporary),
        ),
        ("ErrorCode: Authorization_RequestDenied", E::HttpStatus(403)),
        ("MsalServiceException: Request to the endpoint timed out.", E::Timeout),
        ("\tErrorCode: request_timeout", E::Timeout),
        ("\tErrorCode: network_not_available", E::ConnectOther),
        ("MsalServiceException: Service is unavailable to process the request", E::AnswerUnplaced(None)),
        ("Get-MgUser : Too many retries performed.", E::AnswerUnplaced(None)),
        ("Connect-MgGraph : Your app has been throttled by AAD", E::HttpStatus(429)),
        ("Response status code does not indicate success: 429 (Too Many Requests).", E::HttpStatus(429)),
        (
            "The browser based authentication dialog failed to complete. Reason: The server or proxy was not found.",
            E::ConnectOther,
        ),
        (
            "The browser based authentication dialog failed to complete. Reason: The server, acting as a gateway or proxy, got no valid answer.",
            E::AnswerUnplaced(Some(502)),
        ),
        ("Authentication failed against tenant a.example. User interaction is required.", E::OAuth),
        (
            "Connecting to remote server a.example failed: The client cannot connect to the destination specified in the request.",
            E::ConnectOther,
        ),
        ("There was no endpoint listening at https://a.example/x that could accept the message.", E::ConnectOther),
        ("WinRM cannot go on because the server name cannot be resolved.", E::NameNotResolved(NameFault::Unspecified)),
        ("wget: unable to resolve host address ‘a.example’", E::NameNotResolved(NameFault::Unspecified)),
        ("Net::OpenTimeout: Failed to open TCP connection to a.example:443 (execution expired)", E::ConnectTimeout),
        ("java.net.ConnectException: Failed to connect to a.example/192.0.2.1:443", E::ConnectOther),
        ("Error: error sending request for url (https://a.example/x)", E::ConnectOther),
        (r#"{"error": {"code": "tooManyRequests", "message": "Please retry again later."}}"#, E::HttpStatus(429)),
        ("(SubscriptionRequestsThrottled) Number of 'read' requests exceeded the limit", E::HttpStatus(429)),
        ("The connection to the server localhost:8080 was refused - did you", E::ConnectionRefused),
        ("AuthError: server_error: AADB2C90117: The scope is not supported.", E::OAuth),
        ("DeviceCodeCredential authentication failed: Verification code expired before x", E::UserCancelled),
        (
            "Get-MgUser : Response status code does not indicate success: TooManyRequests (Too Many Requests).",
            E::HttpStatus(429),
        ),
        ("Response status code does not indicate success: BadRequest (Bad Request).", E::HttpStatus(400)),
        (
            "HttpResponseError: (Forbidden) Client address is not authorized and caller is not a trusted service.",
            E::HttpStatus(403),
        ),
        ("RESPONSE ERROR (ServiceCode=AuthorizationPermissionMismatch)", E::HttpStatus(403)),
        ("(AuthorizationFailed) The client 'x' does not have authorization to perform action 'y'", E::HttpStatus(403)),
        ("The request failed due to a gateway error.", E::AnswerUnplaced(None)),
        (
            "ProxyError('Your proxy appears to only use HTTP and not HTTPS, try changing your proxy URL to be HTTP.', SSLError(SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)')))",
            E::ProxyUnreachable(ProxyFault::Tls),
        ),
        (
            "Exception type: Microsoft.Identity.Client.MsalServiceException, ErrorCode: invalid_request HTTP StatusCode 400",
            E::OAuth,
        ),
        (
            "Post \"https://a.example/token\": proxyconnect tcp: tls: first record does not look like a TLS handshake",
            E::ProxyUnreachable(ProxyFault::Tls),
        ),
    ];

    #[test]
    fn texts_of_every_language_and_program_name_their_cause() {
        let wrong: Vec<_> =
            ROWS.iter().map(|(t, c)| (*t, classify(t), *c)).filter(|(_, got, c)| *got != Some(*c)).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
