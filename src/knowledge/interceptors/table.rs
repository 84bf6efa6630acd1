//! Products that intercept TLS or answer in a host's place: table only.
//!
//! `cn`, `o`, `ou` and `email` are regular expressions over the issuer's names; `headers` are names of HTTP fields that
//! only this product writes; `words` are names that it carries in issuers (administrators name their CA after the
//! product), in Server and Via fields, in titles and error pages.

use super::Interceptor;
use super::InterceptorKind::{
    Antivirus, Appliance, CloudProxy, DebuggingProxy, Filter, Firewall, ParentalControl, Proxy,
};
use super::Quality::{
    Listed, Recalled, SeenInCertificate, SeenInOutput, Unknown, UnnamedIssuer, VendorDocument, WellKnown,
};
use crate::knowledge::Source;

const CHROMIUM: Source =
    Source { title: "Chromium ssl_error_assistant.asciipb, mitm_software list version 6", date: "2020" };
const MITMENGINE: Source = Source {
    title: "cloudflare/mitmengine reference_fingerprints (mitm.txt, badheader.txt), commit b587be9",
    date: "2024-04-17",
};
const PUBLIC_TEXT: Source =
    Source { title: "vendor documents and public threads that print the names", date: "2026-11" };
const SEED: Source = Source { title: "Azure & Identity support troubleshooting guide", date: "2024-08-19" };
const RECALLED: Source = Source { title: "general knowledge, not verified", date: "2026-11" };

/// The empty row.
const NONE: Interceptor = Interceptor {
    id: "",
    vendor: "",
    product: "",
    kind: Proxy,
    cn: &[],
    o: &[],
    ou: &[],
    email: &[],
    headers: &[],
    words: &[],
    quality: Unknown,
    sources: &[],
};

/// The table; the first row that fits wins.
pub static INTERCEPTORS: &[Interceptor] = &[
    // The leaf issuer's CN ends in ' (t) ' with a trailing blank; trim before comparing. The cloud name in
    // brackets (zscloud.net, zscaler.net, ...) tells which cloud. Customers may also use their own intermediate,
    // then O is the customer's.
    Interceptor {
        id: "zscaler",
        vendor: "Zscaler",
        product: "Zscaler Internet Access",
        kind: CloudProxy,
        cn: &[r"^Zscaler Root CA$", r"^Zscaler Intermediate Root CA \([a-z0-9.]+\)( \(t\) ?)?$"],
        o: &[r"^Zscaler,? Inc\.$"],
        ou: &[r"^Zscaler Inc\.$"],
        email: &[r"@zscaler\.com$"],
        headers: &["z-forwarded-for", "zsa-skip-avscanning"],
        // Names of its clouds, whose hosts end in them.
        words: &["zscaler", "zscalerone", "zscalertwo", "zscalerthree", "zscalerbeta", "zscalergov", "zscloud"],
        quality: SeenInOutput,
        sources: &[&PUBLIC_TEXT, &CHROMIUM],
    },
    // The CA that signs leaves has CN ca.<tenant>.goskope.com and O = the TENANT's name, not Netskope; only the CN
    // suffix and the e-mail attribute name the vendor. Its own issuer is CN *.<pop>.goskope.com, OU certadmin, O
    // Netskope Inc. Matching on O alone misses it. Local files: nscacert.pem / nscacert_combined.pem.
    Interceptor {
        id: "netskope",
        vendor: "Netskope",
        product: "Netskope Security Cloud / client",
        kind: CloudProxy,
        cn: &[r"^ca\.[a-z0-9-]+\.([a-z0-9-]+\.)?goskope\.com$", r"^\*\.[a-z0-9]+\.goskope\.com$"],
        o: &[r"^Netskope,? Inc\.?$"],
        email: &[r"^certadmin@netskope\.com$"],
        words: &["netskope", "goskope"],
        quality: SeenInCertificate,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    // The Forward Trust certificate is generated or imported by the customer, often a subordinate of the
    // enterprise PKI, so there is no fixed issuer name. A server the firewall does not trust is signed with the
    // Forward Untrust certificate: on a Microsoft host that means the firewall itself lacks the root.
    Interceptor {
        id: "paloalto",
        vendor: "Palo Alto Networks",
        product: "NGFW / Prisma Access SSL forward proxy",
        kind: Firewall,
        words: &["palo alto networks", "globalprotect", "prisma access", "pan-os"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    // Default inspection CA: CN = serial number of the unit, so it names the very box. 'FortiGate Untrusted CA' is
    // recalled, not confirmed. The widely shared 'FortiGate CA' of 2016 expired on 2026-01-13: expired-issuer
    // failures after that date are a real pattern to test for.
    Interceptor {
        id: "fortinet",
        vendor: "Fortinet",
        product: "FortiGate / FortiProxy deep inspection",
        kind: Firewall,
        cn: &[r"^FortiGate CA$", r"^FG[A-Z0-9]{6,}$", r"^FortiGate Untrusted CA$"],
        o: &[r"^Fortinet( Ltd\.)?$"],
        email: &[r"^support@fortinet\.com$"],
        headers: &["x-fcckv2"],
        words: &["fortinet", "fortigate", "fortiguard", "fortiproxy"],
        quality: SeenInOutput,
        sources: &[&PUBLIC_TEXT, &CHROMIUM, &MITMENGINE],
        ..NONE
    },
    // Newer issuer names (Symantec / Broadcom) not verified.
    Interceptor {
        id: "bluecoat",
        vendor: "Broadcom (Symantec, Blue Coat)",
        product: "ProxySG / Edge SWG / Cloud SWG (WSS)",
        kind: Proxy,
        o: &[r"^Blue Coat.*"],
        headers: &["x-bluecoat-via", "x-bluecoat-user", "x_bluecoat_via", "x_bluecoat_user"],
        words: &["blue coat", "bluecoat", "proxysg", "symantec web security"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE, &PUBLIC_TEXT],
        ..NONE
    },
    // Leaf lifetime of ten days or less according to the support article: usable as a heuristic. Proxies selected
    // sites only, so one host may be intercepted and the next not.
    Interceptor {
        id: "umbrella",
        vendor: "Cisco",
        product: "Umbrella intelligent proxy / SWG",
        kind: CloudProxy,
        cn: &[
            r"^Cisco Umbrella Root CA$",
            r"^Cisco Umbrella (Primary|Secondary) SubCA.*",
            r"^Cisco Umbrella Customers? CA.*",
        ],
        o: &[r"^Cisco$"],
        words: &["cisco umbrella", "opendns"],
        quality: VendorDocument,
        sources: &[&PUBLIC_TEXT, &CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "cisco-wsa",
        vendor: "Cisco",
        product: "Secure Web Appliance (WSA)",
        kind: Proxy,
        words: &["ironport", "cisco web security", "cisco secure web appliance"],
        quality: UnnamedIssuer,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "forcepoint",
        vendor: "Forcepoint (Websense)",
        product: "Web Security / Content Gateway / Cloud",
        kind: Proxy,
        cn: &[r"^Forcepoint Cloud CA$"],
        o: &[r"^Forcepoint LLC$"],
        headers: &["x-websensehost", "x-websenseproxychannel", "x-websenseproxysslconnection"],
        words: &["forcepoint", "websense"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE, &PUBLIC_TEXT],
        ..NONE
    },
    // Skyhigh-branded issuer names not verified.
    Interceptor {
        id: "skyhigh",
        vendor: "Skyhigh Security (McAfee)",
        product: "Web Gateway",
        kind: Proxy,
        cn: &[r"^McAfee Web Gateway"],
        headers: &["x-mwg-via"],
        words: &["mcafee web gateway", "mcafee", "skyhigh"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "sophos",
        vendor: "Sophos",
        product: "UTM / Firewall / Web Appliance",
        kind: Firewall,
        cn: &[
            r"^Sophos SSL CA_[A-Z0-9\-]+$",
            r"^Sophos_CA_[A-Z0-9]+$",
            r"^sophosutm Proxy CA$",
            r"^Sophos Web Appliance$",
        ],
        o: &[r"^Sophos( Plc)?$", r"^sophosutm$"],
        headers: &["x-sophos-wsa-clientip", "x-sophos-meta", "x-sophos-filter"],
        words: &["sophos"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE],
        ..NONE
    },
    // Outbound CA is created by the customer in SmartConsole (recalled).
    Interceptor {
        id: "checkpoint",
        vendor: "Check Point",
        product: "HTTPS Inspection",
        kind: Firewall,
        words: &["check point", "checkpoint", "usercheck"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "menlo",
        vendor: "Menlo Security",
        product: "Isolation / SWG",
        kind: CloudProxy,
        words: &["menlo security", "menlosecurity"],
        quality: Unknown,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "iboss",
        vendor: "iboss",
        product: "iboss cloud",
        kind: CloudProxy,
        words: &["iboss"],
        quality: Unknown,
        sources: &[&RECALLED],
        ..NONE
    },
    // CA is generated per account or customer-supplied; exact CN not verified.
    Interceptor {
        id: "cloudflare-gateway",
        vendor: "Cloudflare",
        product: "Gateway (Zero Trust)",
        kind: CloudProxy,
        cn: &[r"^Gateway CA - Cloudflare Managed"],
        words: &["cloudflare gateway", "cloudflare managed"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "a10-ssli",
        vendor: "A10 Networks",
        product: "SSL Insight",
        kind: Appliance,
        words: &["a10 networks", "ssl insight"],
        quality: Unknown,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "juniper",
        vendor: "Juniper",
        product: "SRX SSL proxy / Secure Edge",
        kind: Firewall,
        words: &["juniper networks"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "barracuda",
        vendor: "Barracuda",
        product: "Web Filter / Web Security",
        kind: Proxy,
        headers: &[
            "x-barracuda-wf-agent",
            "x-barracuda-wf-app",
            "x-barracuda-wf-device",
            "x-barracuda-wf-domain",
            "x-barracuda-wf-machine",
            "x-barracuda-wf-user",
            "cuda_cliip",
        ],
        words: &["barracuda"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "sonicwall",
        vendor: "SonicWall",
        product: "Firewall DPI-SSL",
        kind: Firewall,
        o: &[r"^HTTPS Management Certificate for SonicWALL"],
        words: &["sonicwall"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "cyberoam",
        vendor: "Cyberoam (Sophos)",
        product: "Firewall",
        kind: Firewall,
        o: &[r"^Cyberoam Certificate Authority"],
        words: &["cyberoam"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "smoothwall",
        vendor: "Smoothwall",
        product: "Firewall",
        kind: Firewall,
        cn: &[r"^Smoothwall-default-root-certificate-authority"],
        words: &["smoothwall"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "contentkeeper",
        vendor: "ContentKeeper",
        product: "Appliance",
        kind: Appliance,
        cn: &[r"^ContentKeeper Appliance CA \(\d+\)"],
        o: &[r"^ContentKeeper Technologies"],
        words: &["contentkeeper"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "netspark",
        vendor: "NetSpark",
        product: "Filter",
        kind: Filter,
        cn: &[r"www\.netspark\.com"],
        o: &[r"^NetSpark"],
        words: &["netspark"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    // Widely deployed in Japan.
    Interceptor {
        id: "trendmicro-iws",
        vendor: "Trend Micro",
        product: "InterScan Web Security / Cloud Edge",
        kind: Proxy,
        cn: &[r"^IWSS\.TREND"],
        headers: &["x-iwsaas-via"],
        words: &["trend micro", "interscan", "iwsva", "iwsaas"],
        quality: Listed,
        sources: &[&CHROMIUM, &PUBLIC_TEXT, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "microsoft-tmg",
        vendor: "Microsoft",
        product: "Threat Management Gateway (retired)",
        kind: Proxy,
        words: &["threat management gateway", "isa server"],
        quality: UnnamedIssuer,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "webtitan",
        vendor: "TitanHQ",
        product: "WebTitan",
        kind: Filter,
        words: &["webtitan"],
        quality: UnnamedIssuer,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "citrix",
        vendor: "Citrix",
        product: "Gateway / NetScaler SSL forward proxy",
        kind: Appliance,
        headers: &["x-citrix-via", "x-citrix-via-vip", "x-citrix-gateway"],
        words: &["netscaler", "citrix"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    // CA is made by the administrator; the Via header or Server: squid in a CONNECT error page names it.
    Interceptor {
        id: "squid",
        vendor: "Squid",
        product: "Squid",
        kind: Proxy,
        words: &["squid"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    // Common in Japanese companies and public bodies. DN of its CA not found in public text: collect from a
    // customer capture.
    Interceptor {
        id: "i-filter",
        vendor: "Digital Arts (Japan)",
        product: "i-FILTER",
        kind: Proxy,
        words: &["i-filter", "ifilter", "デジタルアーツ"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    // Common in Japan. DN of its CA not found.
    Interceptor {
        id: "intersafe",
        vendor: "ALSI (Japan)",
        product: "InterSafe WebFilter / CATS",
        kind: Proxy,
        words: &["intersafe"],
        quality: UnnamedIssuer,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    // Support engineers often run it beside netsh trace; report as 'your own tool', not as a middlebox.
    Interceptor {
        id: "fiddler",
        vendor: "Progress (Telerik)",
        product: "Fiddler Classic",
        kind: DebuggingProxy,
        cn: &[r"^DO_NOT_TRUST_FiddlerRoot(-.*)?$"],
        o: &[r"^DO_NOT_TRUST(_BC)?$"],
        words: &["fiddler"],
        quality: WellKnown,
        sources: &[&SEED, &PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "mitmproxy",
        vendor: "mitmproxy project",
        product: "mitmproxy",
        kind: DebuggingProxy,
        cn: &[r"^mitmproxy$"],
        o: &[r"^mitmproxy$"],
        words: &["mitmproxy"],
        quality: Recalled,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "charles",
        vendor: "XK72",
        product: "Charles Proxy",
        kind: DebuggingProxy,
        cn: &[r"^Charles Proxy (Custom Root Certificate|CA) .*"],
        o: &[r"^XK72 Ltd$"],
        words: &["charles proxy"],
        quality: Recalled,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "burp",
        vendor: "PortSwigger",
        product: "Burp Suite",
        kind: DebuggingProxy,
        cn: &[r"^PortSwigger CA$"],
        o: &[r"^PortSwigger$"],
        words: &["burp suite", "portswigger"],
        quality: Recalled,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "zap",
        vendor: "OWASP ZAP",
        product: "ZAP",
        kind: DebuggingProxy,
        cn: &[r"^OWASP Zed Attack Proxy Root CA$", r"^ZAP Root CA$"],
        words: &["zed attack proxy", "owasp zap"],
        quality: Recalled,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "proxyman",
        vendor: "Proxyman",
        product: "Proxyman",
        kind: DebuggingProxy,
        cn: &[r"^Proxyman CA .*"],
        o: &[r"^Proxyman LLC$"],
        words: &["proxyman"],
        quality: SeenInOutput,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "avast",
        vendor: "Gen Digital",
        product: "Avast Web/Mail Shield",
        kind: Antivirus,
        cn: &[
            r"^avast! Web/Mail Shield Root$",
            r"^Avast Web/Mail Shield Root$",
            r".*Web/Mail Shield (Self-signed|Untrusted) Root$",
        ],
        o: &[r"^(avast!|Avast) Web/Mail Shield$"],
        words: &["avast"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "avg",
        vendor: "Gen Digital",
        product: "AVG Web/Mail Shield",
        kind: Antivirus,
        cn: &[r"^AVG Web/Mail Shield Root$"],
        o: &[r"^AVG Web/Mail Shield$"],
        words: &["avg web/mail"],
        quality: Recalled,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "norton",
        vendor: "Gen Digital",
        product: "Norton Web/Mail Shield",
        kind: Antivirus,
        cn: &[r"^Norton Web/Mail Shield Root$"],
        words: &["norton web/mail"],
        quality: SeenInOutput,
        sources: &[&PUBLIC_TEXT],
        ..NONE
    },
    Interceptor {
        id: "eset",
        vendor: "ESET",
        product: "SSL/TLS filtering",
        kind: Antivirus,
        cn: &[r"^ESET SSL Filter CA$"],
        o: &[r"^ESET, spol\. s r\. ?o\.$"],
        headers: &["x-eset-updateid", "x-eset-spread-control", "x-nod32-mode"],
        words: &["eset ssl filter"],
        quality: SeenInCertificate,
        sources: &[&PUBLIC_TEXT, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "kaspersky",
        vendor: "Kaspersky",
        product: "Endpoint / Internet Security",
        kind: Antivirus,
        cn: &[r"^Kaspersky Anti-Virus Personal Root Certificate$"],
        words: &["kaspersky"],
        quality: Listed,
        sources: &[&CHROMIUM, &MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "bitdefender",
        vendor: "Bitdefender",
        product: "Endpoint / Total Security",
        kind: Antivirus,
        cn: &[r"^Bitdefender Personal CA\.Net-Defender$"],
        o: &[r"^Bitdefender$"],
        words: &["bitdefender"],
        quality: Listed,
        sources: &[&CHROMIUM],
        ..NONE
    },
    Interceptor {
        id: "drweb",
        vendor: "Doctor Web",
        product: "Dr.Web",
        kind: Antivirus,
        headers: &["x-drweb-keynumber", "x-drweb-matchate", "x-drweb-syshash"],
        words: &["dr.web"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "gdata",
        vendor: "G DATA",
        product: "Antivirus",
        kind: Antivirus,
        headers: &["x-gdata-device", "gdata-version", "gdataver"],
        words: &["g data"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "bullguard",
        vendor: "BullGuard",
        product: "Antivirus",
        kind: Antivirus,
        words: &["bullguard"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "qustodio",
        vendor: "Qustodio",
        product: "Parental control",
        kind: ParentalControl,
        words: &["qustodio"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "netnanny",
        vendor: "Net Nanny",
        product: "Parental control",
        kind: ParentalControl,
        headers: &["x-netnanny-ignore"],
        words: &["net nanny", "netnanny"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "cybersitter",
        vendor: "CYBERsitter",
        product: "Parental control",
        kind: ParentalControl,
        headers: &["x-cybersitter-content-flag", "x-cybersitter-oemid", "x-cybersitter-csvt-token"],
        words: &["cybersitter"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "kerio",
        vendor: "GFI Kerio",
        product: "Control / WinRoute",
        kind: Firewall,
        headers: &["xroxy-connection"],
        words: &["kerio"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    Interceptor {
        id: "squixa",
        vendor: "Squixa",
        product: "Proxy",
        kind: Proxy,
        headers: &["squixa-proxy"],
        words: &["squixa"],
        quality: Listed,
        sources: &[&MITMENGINE],
        ..NONE
    },
    // Plain forward proxies: they do not intercept, but their name in an error page says who answered.
    Interceptor {
        id: "tinyproxy",
        vendor: "tinyproxy project",
        product: "tinyproxy",
        words: &["tinyproxy"],
        quality: WellKnown,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "privoxy",
        vendor: "Privoxy project",
        product: "Privoxy",
        words: &["privoxy"],
        quality: WellKnown,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "traffic-server",
        vendor: "Apache",
        product: "Traffic Server",
        words: &["apachetrafficserver", "traffic server"],
        quality: WellKnown,
        sources: &[&RECALLED],
        ..NONE
    },
    Interceptor {
        id: "cntlm",
        vendor: "Cntlm project",
        product: "Cntlm",
        words: &["cntlm"],
        quality: WellKnown,
        sources: &[&RECALLED],
        ..NONE
    },
];
