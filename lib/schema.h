/*
 * The one schema of what the tools say to each other: every verb, its fields, their types and
 * limits, which channel a verb may come from, and which fields are secret.
 *
 * Parsing, printing, checking, redaction (record.h) and the manual page records(5) are all made
 * from these tables. A key means the same in every verb. Not for: what a verb makes a tool do;
 * that stands with the tool.
 */
#ifndef LIB_SCHEMA_H
#define LIB_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who speaks to whom. Neighbouring bits are the two directions of one channel. */
enum direction {
    P_N = 1 << 0,  /* plutod to ike-negotiate */
    N_P = 1 << 1,
    P_S = 1 << 2,  /* plutod to secrets */
    S_P = 1 << 3,
    P_K = 1 << 4,  /* plutod to kernel-sa */
    K_P = 1 << 5,
    N_S = 1 << 6,  /* ike-negotiate to secrets */
    S_N = 1 << 7,
    N_K = 1 << 8,  /* ike-negotiate to kernel-sa */
    K_N = 1 << 9,
    S_K = 1 << 10, /* secrets to kernel-sa */
    K_S = 1 << 11,
    W_P = 1 << 12, /* whack to plutod; what comes back are lines for a person [W9] */
    P_W = 1 << 13,
    P_D = 1 << 14, /* plutod to dnskey */
    D_P = 1 << 15,
    DIRECTION_ALL = (1 << 16) - 1
};

/* The direction of answers to what came from `d` (a mask is turned round bit by bit). */
unsigned direction_reverse(unsigned d);

enum field_type {
    FIELD_NUMBER,  /* decimal, min..max is its value */
    FIELD_BYTES,   /* lower-case hex, min..max is the length in bytes */
    FIELD_TEXT,    /* %XX where not printable, min..max is the decoded length in bytes */
    FIELD_WORD,    /* one of `words` */
    FIELD_ADDRESS, /* address.h, numeric */
    FIELD_SUBNET,  /* address.h, numeric, addr/bits */
    FIELD_ID       /* identity.h */
};

/* KEY(enumerator, name, type, min, max, secret, words, help) */
#define SCHEMA_KEYS(KEY) \
    KEY(K_ID, "id", NUMBER, 1, INT64_MAX, 0, NULL, "the sender's number of a request; its answer repeats it") \
    KEY(K_RE, "re", TEXT, 1, 32, 0, NULL, "the verb that is answered") \
    KEY(K_WHY, "why", TEXT, 1, 4000, 0, NULL, "what was wrong, where, and what to do") \
    KEY(K_CODE, "code", NUMBER, 0, 999, 0, NULL, "number for whack's reply line: 31, or 200 + the notification's type") \
    KEY(K_VERSION, "version", NUMBER, 1, 65535, 0, NULL, "version of these records; both sides must have the same") \
    KEY(K_EPOCH, "epoch", NUMBER, 1, INT64_MAX, 0, NULL, "how many times this channel was made") \
    KEY(K_TOOL, "tool", WORD, 0, 0, 0, "plutod|ike-negotiate|secrets|kernel-sa|dnskey|whack", "a program of this system") \
    KEY(K_WORKER, "worker", NUMBER, 0, UINT32_MAX, 0, NULL, "number of a secrets process, never used twice by one plutod") \
    KEY(K_EXCHANGE, "exchange", NUMBER, 1, UINT64_MAX, 0, NULL, "exchange number, given by plutod: a Main Mode with its ISAKMP SA, or a Quick Mode with its IPsec SAs") \
    KEY(K_PARENT, "parent", NUMBER, 1, UINT64_MAX, 0, NULL, "exchange number of the ISAKMP SA that a Quick Mode runs under") \
    KEY(K_CONNECTION, "connection", TEXT, 1, 96, 0, NULL, "name of a connection, an instance with its number in brackets") \
    KEY(K_ROLE, "role", WORD, 0, 0, 0, "initiator|responder", "our part in the exchange") \
    KEY(K_LEVEL, "level", WORD, 0, 0, 0, "debug|info|serious", "weight of a log line") \
    KEY(K_TEXT, "text", TEXT, 0, 8000, 0, NULL, "words for a person") \
    KEY(K_CLASSES, "classes", TEXT, 0, 200, 0, NULL, "debug classes, with commas: raw crypt parsing emitting control lifecycle kernel dns oppo private") \
    KEY(K_LOCAL, "local", ADDRESS, 0, 0, 0, NULL, "our address of a datagram or socket") \
    KEY(K_LOCAL_PORT, "local-port", NUMBER, 1, 65535, 0, NULL, "our UDP port") \
    KEY(K_REMOTE, "remote", ADDRESS, 0, 0, 0, NULL, "the peer's address") \
    KEY(K_REMOTE_PORT, "remote-port", NUMBER, 1, 65535, 0, NULL, "the peer's UDP port") \
    KEY(K_INTERFACE, "interface", TEXT, 1, 15, 0, NULL, "name of a network interface") \
    KEY(K_CANDIDATES, "candidates", TEXT, 1, 16000, 0, NULL, "connections that fit, in order: NAME:METHODS:IKE-PROPOSALS;... with METHODS psk, rsasig or psk+rsasig") \
    KEY(K_IKE, "ike", TEXT, 1, 2000, 0, NULL, "ISAKMP proposals: aes256-sha2_256-modp2048,... or default or classic") \
    KEY(K_ESP, "esp", TEXT, 1, 2000, 0, NULL, "ESP proposals: aes256-sha2_256,aes256gcm16,... or default or classic") \
    KEY(K_PROPOSAL, "proposal", TEXT, 1, 100, 0, NULL, "the one proposal that was chosen, in the same words") \
    KEY(K_GROUP, "group", TEXT, 1, 20, 0, NULL, "a Diffie-Hellman group: modp2048, ecp256, curve25519, ...") \
    KEY(K_PFS, "pfs", TEXT, 1, 400, 0, NULL, "no, or the groups that are allowed, with commas; the first is proposed") \
    KEY(K_PFS_REQUIRED, "pfs-required", WORD, 0, 0, 0, "no|yes", "a Quick Mode without KE payload is refused") \
    KEY(K_LIFE, "life", NUMBER, 1, UINT32_MAX, 0, NULL, "seconds") \
    KEY(K_OUR_ID, "our-id", ID, 0, 0, 0, NULL, "our identity") \
    KEY(K_PEER_ID, "peer-id", ID, 0, 0, 0, NULL, "the peer's identity; %any where it is not known yet") \
    KEY(K_PEER_NAME, "peer", ID, 0, 0, 0, NULL, "the identity that the peer proved") \
    KEY(K_METHOD, "method", WORD, 0, 0, 0, "psk|rsasig", "authentication method") \
    KEY(K_METHODS, "methods", WORD, 0, 0, 0, "psk|rsasig|psk+rsasig", "authentication methods that are allowed") \
    KEY(K_WHOEVER, "whoever", WORD, 0, 0, 0, "no|yes", "no other connection could be meant: any identity with the same secret goes on") \
    KEY(K_MATCHED, "matched", WORD, 0, 0, 0, "no|yes", "the peer's identity is the one that was announced") \
    KEY(K_CKY_I, "cky-i", BYTES, 8, 8, 0, NULL, "CKY-I, the initiator's cookie") \
    KEY(K_CKY_R, "cky-r", BYTES, 8, 8, 0, NULL, "CKY-R, the responder's cookie") \
    KEY(K_SA_BODY, "sa-body", BYTES, 8, 16384, 0, NULL, "SAi_b, body of the initiator's SA payload as it was on the wire") \
    KEY(K_KE, "ke", BYTES, 1, 512, 0, NULL, "our public Diffie-Hellman value") \
    KEY(K_KE_PEER, "ke-peer", BYTES, 1, 512, 0, NULL, "the peer's public Diffie-Hellman value") \
    KEY(K_NONCE, "nonce", BYTES, 8, 256, 0, NULL, "our nonce") \
    KEY(K_NONCE_PEER, "nonce-peer", BYTES, 8, 256, 0, NULL, "the peer's nonce") \
    KEY(K_SKEYID_A, "skeyid-a", BYTES, 16, 64, 1, NULL, "SKEYID_a, authenticates ISAKMP messages") \
    KEY(K_SKEYID_E, "skeyid-e", BYTES, 16, 64, 1, NULL, "SKEYID_e, encrypts ISAKMP messages") \
    KEY(K_ID_BODY, "id-body", BYTES, 4, 260, 0, NULL, "body of an ID payload as it is on the wire") \
    KEY(K_HASH, "hash", BYTES, 1, 64, 0, NULL, "HASH_I or HASH_R (with psk)") \
    KEY(K_SIG, "sig", BYTES, 1, 1024, 0, NULL, "SIG_I or SIG_R (with rsasig)") \
    KEY(K_PUBKEYS, "pubkeys", TEXT, 1, 16000, 0, NULL, "RSA public keys as --pubkeyrsa has them (RFC 3110, 0s and base64), with commas: any of them will do") \
    KEY(K_PROTOCOL, "protocol", WORD, 0, 0, 0, "isakmp|ah|esp|ipcomp", "security protocol (RFC 2407, 4.4.1)") \
    KEY(K_SPI_IN, "spi-in", BYTES, 4, 4, 0, NULL, "SPI of the SA toward us, which we chose") \
    KEY(K_SPI_OUT, "spi-out", BYTES, 4, 4, 0, NULL, "SPI of the SA toward the peer, which he chose") \
    KEY(K_SPIS, "spis", BYTES, 4, 16384, 0, NULL, "SPIs, four bytes each") \
    KEY(K_COUNT, "count", NUMBER, 1, 256, 0, NULL, "how many") \
    KEY(K_KEY_IN, "key-in", BYTES, 1, 68, 1, NULL, "encryption key toward us (with the salt for GCM)") \
    KEY(K_KEY_OUT, "key-out", BYTES, 1, 68, 1, NULL, "encryption key toward the peer") \
    KEY(K_AUTH_IN, "auth-in", BYTES, 1, 64, 1, NULL, "authentication key toward us") \
    KEY(K_AUTH_OUT, "auth-out", BYTES, 1, 64, 1, NULL, "authentication key toward the peer") \
    KEY(K_OUR_HOST, "our-host", ADDRESS, 0, 0, 0, NULL, "our end of the IPsec SAs") \
    KEY(K_PEER_HOST, "peer-host", ADDRESS, 0, 0, 0, NULL, "the peer's end of the IPsec SAs") \
    KEY(K_OUR_CLIENT, "our-client", SUBNET, 0, 0, 0, NULL, "the net (or host) behind us") \
    KEY(K_PEER_CLIENT, "peer-client", SUBNET, 0, 0, 0, NULL, "the net (or host) behind the peer") \
    KEY(K_MODE, "mode", WORD, 0, 0, 0, "tunnel|transport", "encapsulation mode") \
    KEY(K_MODES, "modes", WORD, 0, 0, 0, "tunnel|transport|any", "encapsulation modes that are allowed") \
    KEY(K_REQID, "reqid", NUMBER, 1, UINT32_MAX, 0, NULL, "ties the kernel's policies and SAs of one connection together") \
    KEY(K_REPLAY, "replay", NUMBER, 0, 4096, 0, NULL, "anti-replay window in packets") \
    KEY(K_AGAIN, "again", WORD, 0, 0, 0, "open|up", "it was permitted to a kernel-sa before this one, which gave out its spi-in; `up`: and its SAs stood") \
    KEY(K_POLICIES, "policies", WORD, 0, 0, 0, "no|yes", "kernel policies come or go together with the SAs") \
    KEY(K_ACTIVATE, "activate", WORD, 0, 0, 0, "no|yes", "install the outbound SA too, at once") \
    KEY(K_ACTION, "action", WORD, 0, 0, 0, "add|delete", "what is to be done") \
    KEY(K_KIND, "kind", WORD, 0, 0, 0, "ipsec|trap|pass|drop|reject", "the kernel's answer to a packet that the policy selects") \
    KEY(K_HARD, "hard", WORD, 0, 0, 0, "no|yes", "the SA is gone (soft: it is to be replaced)") \
    KEY(K_SEQ, "seq", NUMBER, 0, UINT32_MAX, 0, NULL, "the kernel's number of an ACQUIRE") \
    KEY(K_BYTES_IN, "bytes-in", NUMBER, 0, UINT64_MAX, 0, NULL, "bytes that came in under the SA") \
    KEY(K_BYTES_OUT, "bytes-out", NUMBER, 0, UINT64_MAX, 0, NULL, "bytes that went out under the SA") \
    KEY(K_PACKETS_IN, "packets-in", NUMBER, 0, UINT64_MAX, 0, NULL, "packets that came in under the SA") \
    KEY(K_PACKETS_OUT, "packets-out", NUMBER, 0, UINT64_MAX, 0, NULL, "packets that went out under the SA") \
    KEY(K_STATE, "state", WORD, 0, 0, 0, \
        "MAIN_R0|MAIN_I1|MAIN_R1|MAIN_I2|MAIN_R2|MAIN_I3|MAIN_R3|MAIN_I4|" \
        "QUICK_R0|QUICK_I1|QUICK_R1|QUICK_I2|QUICK_R2|INFO|INFO_PROTECTED", \
        "how far a negotiation is; the order gives whack's numbers from 101") \
    KEY(K_ATTEMPT, "attempt", NUMBER, 1, 1000, 0, NULL, "how many times a message was sent by now") \
    KEY(K_WAIT, "wait", NUMBER, 0, 86400, 0, NULL, "seconds until something is done again") \
    KEY(K_NOTIFICATION, "notification", NUMBER, 1, 65535, 0, NULL, "type of a notification (RFC 2408, 3.14.1)") \
    KEY(K_FLAW, "flaw", WORD, 0, 0, 0, \
        "malformed|unsupported|unknown|other-peer|undecryptable|wrong-hash|unexpected|replayed|" \
        "duplicate|no-room", "why messages were ignored") \
    KEY(K_TIMES, "times", NUMBER, 1, UINT32_MAX, 0, NULL, "how often") \
    KEY(K_PROTECTED, "protected", WORD, 0, 0, 0, "no|yes", "it came under an ISAKMP SA, with a right HASH") \
    KEY(K_TARGET, "target", NUMBER, 1, UINT64_MAX, 0, NULL, "exchange number of the SA that is meant") \
    KEY(K_ENTRIES, "entries", NUMBER, 0, UINT32_MAX, 0, NULL, "secrets that were read") \
    KEY(K_ERRORS, "errors", NUMBER, 0, UINT32_MAX, 0, NULL, "errors that were found") \
    KEY(K_FILE, "file", TEXT, 1, 1100, 0, NULL, "a key file that ipsec.secrets names with %prompt") \
    KEY(K_QUESTION, "question", NUMBER, 1, INT64_MAX, 0, NULL, "number of a question that a whack was asked, never used twice, by a later plutod neither") \
    KEY(K_NAME, "name", TEXT, 1, 64, 0, NULL, "connection name") \
    KEY(K_LEFT_HOST, "left-host", TEXT, 1, 64, 0, NULL, "first end: --host") \
    KEY(K_LEFT_HOST_NAME, "left-host-name", TEXT, 1, 253, 0, NULL, "first end: the name that --host was given as, of which the host was an address") \
    KEY(K_LEFT_ID, "left-id", TEXT, 1, 776, 0, NULL, "first end: --id") \
    KEY(K_LEFT_IKEPORT, "left-ikeport", NUMBER, 1, 65535, 0, NULL, "first end: --ikeport") \
    KEY(K_LEFT_NEXTHOP, "left-nexthop", TEXT, 1, 64, 0, NULL, "first end: --nexthop") \
    KEY(K_LEFT_CLIENT, "left-client", TEXT, 1, 64, 0, NULL, "first end: --client") \
    KEY(K_LEFT_UPDOWN, "left-updown", TEXT, 1, 1000, 0, NULL, "first end: --updown") \
    KEY(K_RIGHT_HOST, "right-host", TEXT, 1, 64, 0, NULL, "second end: --host") \
    KEY(K_RIGHT_HOST_NAME, "right-host-name", TEXT, 1, 253, 0, NULL, "second end: the same") \
    KEY(K_RIGHT_ID, "right-id", TEXT, 1, 776, 0, NULL, "second end: --id") \
    KEY(K_RIGHT_IKEPORT, "right-ikeport", NUMBER, 1, 65535, 0, NULL, "second end: --ikeport") \
    KEY(K_RIGHT_NEXTHOP, "right-nexthop", TEXT, 1, 64, 0, NULL, "second end: --nexthop") \
    KEY(K_RIGHT_CLIENT, "right-client", TEXT, 1, 64, 0, NULL, "second end: --client") \
    KEY(K_RIGHT_UPDOWN, "right-updown", TEXT, 1, 1000, 0, NULL, "second end: --updown") \
    KEY(K_POLICY, "policy", TEXT, 0, 200, 0, NULL, "whack's flags without dashes, with commas: psk,encrypt,tunnel,pfs,dontrekey,...") \
    KEY(K_FAMILY, "family", WORD, 0, 0, 0, "ipv4|ipv6", "family of the hosts where they do not show it; of addresses that are looked up: only these") \
    KEY(K_TUNNEL_FAMILY, "tunnel-family", WORD, 0, 0, 0, "ipv4|ipv6", "family of the clients where they do not show it") \
    KEY(K_PFSGROUP, "pfsgroup", TEXT, 1, 400, 0, NULL, "--pfsgroup") \
    KEY(K_IKELIFETIME, "ikelifetime", NUMBER, 1, 86400, 0, NULL, "--ikelifetime, seconds") \
    KEY(K_IPSECLIFETIME, "ipseclifetime", NUMBER, 1, 86400, 0, NULL, "--ipseclifetime, seconds") \
    KEY(K_REKEYMARGIN, "rekeymargin", NUMBER, 0, 86400, 0, NULL, "--rekeymargin, seconds") \
    KEY(K_REKEYFUZZ, "rekeyfuzz", NUMBER, 0, 100000, 0, NULL, "--rekeyfuzz, percent") \
    KEY(K_KEYINGTRIES, "keyingtries", NUMBER, 0, 1000000, 0, NULL, "--keyingtries; 0: never give up") \
    KEY(K_REPLACE, "replace", WORD, 0, 0, 0, "no|yes", "--delete: what had that name goes first") \
    KEY(K_JSON, "json", WORD, 0, 0, 0, "no|yes", "--json: as lines of one JSON document") \
    KEY(K_ASYNCHRONOUS, "asynchronous", WORD, 0, 0, 0, "no|yes", "--asynchronous: answer at once") \
    KEY(K_FROM, "from", ADDRESS, 0, 0, 0, NULL, "where a packet comes from") \
    KEY(K_TO, "to", ADDRESS, 0, 0, 0, NULL, "where a packet goes to") \
    KEY(K_WAY, "way", WORD, 0, 0, 0, "in|out|fwd", "which policies a packet meets: for this machine, from or through it, through it") \
    KEY(K_FOUND, "found", TEXT, 1, 400, 0, NULL, "a kernel policy, or the line of a file, in words") \
    KEY(K_SA, "sa", TEXT, 1, 400, 0, NULL, "an SA of the kernel, with its counters, in words") \
    KEY(K_OTHERS, "others", TEXT, 1, 2000, 0, NULL, "kernel policies that select the packet too, and why it is not theirs") \
    KEY(K_OPTIONAL, "optional", WORD, 0, 0, 0, "no|yes", "what has no SA for that policy passes as it is") \
    KEY(K_BESIDE, "beside", TEXT, 1, 400, 0, NULL, "a kernel policy of type sub, which applies as well") \
    KEY(K_STANDARD, "default", WORD, 0, 0, 0, "block|accept", "what the kernel does where no policy selects the packet (ip xfrm policy getdefault)") \
    KEY(K_RESTORED, "restored", WORD, 0, 0, 0, "no|yes", "it is in the kernel again") \
    KEY(K_KEYID, "keyid", ID, 0, 0, 0, NULL, "--keyid: whose key it is") \
    KEY(K_ADDKEY, "addkey", WORD, 0, 0, 0, "no|yes", "--addkey: the keys that this identity has stay") \
    KEY(K_PUBKEYRSA, "pubkeyrsa", BYTES, 1, 2051, 0, NULL, "--pubkeyrsa: an RSA public key in the layout of RFC 3110") \
    KEY(K_MYID, "myid", TEXT, 1, 776, 0, NULL, "--myid: who %myid is") \
    KEY(K_LEAVE_STATE, "leave-state", WORD, 0, 0, 0, "no|yes", "--leave-state: SAs, policies and routes stay") \
    KEY(K_SERIAL, "serial", NUMBER, 1, INT64_MAX, 0, NULL, "a state's serial number") \
    KEY(K_HOST, "host", TEXT, 1, 253, 0, NULL, "a host's name in DNS or /etc/hosts, fully qualified") \
    KEY(K_ADDRESSES, "addresses", TEXT, 2, 735, 0, NULL, "addresses of a host, at most 16, with commas") \
    KEY(K_TTL, "ttl", NUMBER, 0, 86400, 0, NULL, "seconds that an answer of DNS holds") \
    KEY(K_NAMES, "names", NUMBER, 0, 4096, 0, NULL, "names of hosts in the secrets file that wait for their addresses") \
    KEY(K_RETRY, "retry", NUMBER, 1, 86400, 0, NULL, "to ask again after so many seconds may help; absent: the answer is final")

enum key {
    K_END = 0, /* ends a list of keys */
#define KEY(e, name, type, min, max, secret, words, help) e,
    SCHEMA_KEYS(KEY)
#undef KEY
    KEY_COUNT
};

enum tool { /* places of the words of K_TOOL */
    TOOL_PLUTOD, TOOL_IKE_NEGOTIATE, TOOL_SECRETS, TOOL_KERNEL_SA, TOOL_DNSKEY, TOOL_WHACK,
    TOOL_COUNT
};

/* Places of the words of other keys; those of K_LEVEL are enum log_level in log.h. */
enum role { ROLE_INITIATOR, ROLE_RESPONDER };                             /* K_ROLE */
enum method { METHOD_PSK, METHOD_RSASIG };                                     /* K_METHOD */
enum { METHODS_PSK, METHODS_RSASIG, METHODS_BOTH };                       /* K_METHODS */
enum { WORD_ISAKMP, WORD_AH, WORD_ESP, WORD_IPCOMP }; /* K_PROTOCOL; not the wire's numbers */
enum { MODES_TUNNEL, MODES_TRANSPORT, MODES_ANY };    /* K_MODES, and K_MODE, without `any` */
enum { ACTION_ADD, ACTION_DELETE };                                       /* K_ACTION */
enum { WORD_IN, WORD_OUT, WORD_FWD, WORD_WAYS };                          /* K_WAY */
enum { WORD_BLOCK, WORD_ACCEPT };                                         /* K_STANDARD */
enum { KIND_IPSEC, KIND_TRAP, KIND_PASS, KIND_DROP, KIND_REJECT };        /* K_KIND */
enum flaw {                                                               /* K_FLAW */
    FLAW_MALFORMED, FLAW_UNSUPPORTED, FLAW_UNKNOWN, FLAW_OTHER_PEER, FLAW_UNDECRYPTABLE,
    FLAW_WRONG_HASH, FLAW_UNEXPECTED, FLAW_REPLAYED, FLAW_DUPLICATE, FLAW_NO_ROOM, FLAW_COUNT
};
enum again { AGAIN_OPEN, AGAIN_UP, AGAIN_NOT /* the field is absent */ }; /* K_AGAIN */

struct key_spec {
    const char *name;
    const char *label;  /* the name as it stands before a value: " name=" */
    size_t label_len;
    enum field_type type;
    bool secret;        /* shown as <N bytes> outside the channel */
    uint64_t min;
    uint64_t max;
    const char *words;  /* FIELD_WORD: with | between; a word's place from 0 is its number */
    const char *help;
};

enum verb {
    V_NONE = 0,
    /* on every channel */
    V_HELLO, V_OK, V_FAIL, V_BAD,
    /* plutod and a tool */
    V_LOG, V_DEBUG, V_CHANNEL, V_BELL, V_FORGET, V_ACCUSE,
    /* plutod and ike-negotiate */
    V_SOCKET, V_CLOSE_SOCKET, V_INITIATE, V_QUICK, V_WORKER, V_DELETE, V_DELETE_SA,
    V_FIRST, V_CHOSEN, V_IDENTIFY, V_QUICK_ASK, V_STATE, V_RETRANSMITTED, V_FAILED, V_ISAKMP_UP,
    V_PEER_DELETED, V_INITIAL_CONTACT, V_RESPONDER_LIFETIME, V_NOTIFIED, V_HINT, V_IGNORED,
    /* plutod and secrets */
    V_ANNOUNCE, V_ANNOUNCE_QUICK, V_ACCEPT, V_SECRET, V_PUBLIC_KEYS, V_AUTHENTICATED, V_LOCKED, V_LOADED,
    V_PASSPHRASE, V_HAND_ON,
    /* secrets by plutod to dnskey */
    V_RESOLVE,
    /* ike-negotiate and secrets */
    V_KE, V_KEYS, V_AUTH, V_FINISH, V_QUICK_KE, V_KEYMAT,
    /* secrets and kernel-sa */
    V_SA_KEYS,
    /* ike-negotiate and kernel-sa */
    V_SPIS, V_INSTALL, V_ACTIVATE,
    /* plutod and kernel-sa */
    V_PERMIT, V_DELETE_KERNEL_SA, V_UPDATE_KERNEL_SA, V_POLICY, V_SAMPLE, V_LOOKUP, V_FLUSH,
    V_SA_UP, V_SA_EXPIRED, V_SA_DELETED, V_POLICY_DELETED, V_ACQUIRE,
    /* whack to plutod */
    V_WHACK_MYID, V_WHACK_CONNECTION, V_WHACK_DELETE, V_WHACK_DELETESTATE, V_WHACK_LISTEN, V_WHACK_UNLISTEN,
    V_WHACK_KEY, V_WHACK_ROUTE, V_WHACK_UNROUTE, V_WHACK_INITIATE, V_WHACK_TERMINATE, V_WHACK_DEBUG,
    V_WHACK_EXPLAIN, V_WHACK_EVENTS, V_WHACK_STATUS, V_WHACK_SHUTDOWN, V_WHACK_PASSPHRASE, V_WHACK_NO_PASSPHRASE,
    VERB_COUNT
};

#define VERB_KEYS_MAX 40

struct verb_spec {
    const char *name;
    unsigned from;      /* mask of enum direction */
    bool request;       /* carries id, is answered with ok or fail */
    bool descriptor;    /* carries one descriptor */
    bool answer_descriptor; /* its ok does */
    uint8_t required[VERB_KEYS_MAX]; /* enum key, ended by K_END; id is implied by `request` */
    uint8_t optional[VERB_KEYS_MAX];
    uint8_t answer[VERB_KEYS_MAX];          /* required in its ok, beside id and re */
    uint8_t answer_optional[VERB_KEYS_MAX];
    const char *help;
};

const char *schema_tool_name(enum tool tool); /* as K_TOOL has it, and as its program is called */
const struct key_spec *schema_key(enum key key);
/* The word of a FIELD_WORD at this place; returns out. */
#define SCHEMA_WORD 32
const char *schema_word(enum key key, unsigned place, char out[SCHEMA_WORD]);
const struct verb_spec *schema_verb(enum verb verb);
bool schema_key_is(enum key key, const char *name, size_t len);
enum key schema_find_key(const char *name, size_t len);    /* K_END: no such key */
enum verb schema_find_verb(const char *name, size_t len);  /* V_NONE: no such verb */

/* Does a word of K_METHODS allow this one of K_METHOD? */
static inline bool methods_allow(unsigned word, enum method method)
{
    return word == METHODS_BOTH || word == (method == METHOD_PSK ? METHODS_PSK : METHODS_RSASIG);
}

#endif
