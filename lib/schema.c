#include "schema.h"

#include <string.h>

static const struct key_spec keys[KEY_COUNT] = {
#define KEY(e, name_, type_, min_, max_, secret_, words_, help_) \
    [e] = { .name = name_, .label = " " name_ "=", .label_len = sizeof(name_) + 1, .type = FIELD_##type_, .secret = secret_, .min = min_, .max = max_, \
            .words = words_, .help = help_ },
    SCHEMA_KEYS(KEY)
#undef KEY
};

#define EVERY_CHANNEL (DIRECTION_ALL & ~(unsigned)P_W)

static const struct verb_spec verbs[VERB_COUNT] = {
    [V_HELLO] = { .name = "hello", .from = EVERY_CHANNEL,
        .required = { K_VERSION, K_EPOCH, K_TOOL }, .optional = { K_WORKER },
        .help = "first record in each direction of a channel" },
    /* What an ok holds depends on what it answers: see the answer lists of the requests. */
    [V_OK] = { .name = "ok", .from = EVERY_CHANNEL, .required = { K_ID, K_RE },
        .help = "yes, done, with what was asked for" },
    [V_FAIL] = { .name = "fail", .from = EVERY_CHANNEL, .required = { K_ID, K_RE, K_WHY },
        .optional = { K_CODE, K_NOTIFICATION, K_RETRY },
        .help = "no; nothing was changed" },
    [V_BAD] = { .name = "bad", .from = EVERY_CHANNEL, .required = { K_WHY },
        .optional = { K_ID, K_RE },
        .help = "the other side broke the rules of these records" },

    [V_LOG] = { .name = "log", .from = N_P | S_P | K_P | D_P, .required = { K_LEVEL, K_TEXT },
        .optional = { K_EXCHANGE, K_REMOTE, K_REMOTE_PORT, K_CODE, K_CLASSES, K_HOST },
        .help = "a line for the log (with a code and `remote`: also for the whacks that wait for that peer; with `host`: about that name in the secrets file; of secrets with a code: an error in that file)" },
    [V_DEBUG] = { .name = "debug", .from = P_N | P_S | P_K | P_D, .required = { K_CLASSES },
        .help = "these debug classes from now on" },
    [V_CHANNEL] = { .name = "channel", .from = P_N | P_S | P_K, .descriptor = true,
        .required = { K_TOOL, K_EPOCH }, .optional = { K_WORKER },
        .help = "one end of a channel to another tool; an older one to the same is closed" },
    [V_BELL] = { .name = "bell", .from = P_S | P_K, .descriptor = true,
        .help = "from now on wait on this for a byte, and not on the channel: what comes without one can wait for the next need" },
    [V_FORGET] = { .name = "forget", .from = P_N | P_S, .required = { K_EXCHANGE },
        .help = "drop all that is known of this exchange, silently" },

    [V_ACCUSE] = { .name = "accuse", .from = S_P | K_P, .required = { K_TOOL, K_EPOCH, K_WHY },
        .help = "that tool broke the rules on its channel of this epoch, which is closed: it cannot be trusted" },

    [V_SOCKET] = { .name = "socket", .from = P_N, .descriptor = true,
        .required = { K_LOCAL, K_LOCAL_PORT, K_INTERFACE },
        .help = "a bound UDP socket to read from and send through" },
    [V_CLOSE_SOCKET] = { .name = "close-socket", .from = P_N,
        .required = { K_LOCAL, K_LOCAL_PORT }, .help = "close that socket" },
    [V_INITIATE] = { .name = "initiate", .from = P_N,
        .required = { K_EXCHANGE, K_CONNECTION, K_WORKER, K_LOCAL, K_LOCAL_PORT, K_REMOTE,
                      K_REMOTE_PORT, K_METHODS, K_IKE, K_LIFE },
        .help = "begin a Main Mode" },
    [V_QUICK] = { .name = "quick", .from = P_N,
        .required = { K_EXCHANGE, K_PARENT, K_CONNECTION, K_ESP, K_PFS, K_MODE, K_LIFE, K_OUR_HOST,
                      K_PEER_HOST, K_OUR_CLIENT, K_PEER_CLIENT },
        .help = "begin a Quick Mode, as soon as its parent is up" },
    [V_WORKER] = { .name = "worker", .from = P_N, .required = { K_EXCHANGE, K_WORKER },
        .help = "the secrets process of this unfinished Main Mode has died; it is announced to this one now" },
    [V_DELETE] = { .name = "delete", .from = P_N, .required = { K_EXCHANGE },
        .help = "end a negotiation, or an ISAKMP SA telling the peer by a Delete" },
    [V_DELETE_SA] = { .name = "delete-sa", .from = P_N,
        .required = { K_PARENT, K_PROTOCOL, K_SPI_IN },
        .help = "tell the peer by a Delete that this SA of ours is gone" },
    [V_FIRST] = { .name = "first", .from = N_P, .request = true,
        .required = { K_LOCAL, K_LOCAL_PORT, K_REMOTE, K_REMOTE_PORT },
        .answer = { K_EXCHANGE, K_WORKER, K_CANDIDATES, K_LIFE },
        .help = "a first message of Main Mode came: who may it be?" },
    [V_CHOSEN] = { .name = "chosen", .from = N_P,
        .required = { K_EXCHANGE, K_CONNECTION, K_PROPOSAL },
        .help = "this candidate and proposal were taken" },
    [V_IDENTIFY] = { .name = "identify", .from = N_P, .request = true, .required = { K_EXCHANGE },
        .answer_optional = { K_CONNECTION },
        .help = "the peer's identity is not the announced one: may it go on?" },
    [V_QUICK_ASK] = { .name = "quick-ask", .from = N_P, .request = true,
        .required = { K_PARENT, K_OUR_CLIENT, K_PEER_CLIENT },
        .answer = { K_EXCHANGE, K_CONNECTION, K_ESP, K_PFS, K_PFS_REQUIRED, K_MODES, K_LIFE,
                    K_OUR_HOST, K_PEER_HOST },
        .help = "the peer proposes IPsec SAs between these clients (ours first): which terms?" },
    [V_STATE] = { .name = "state", .from = N_P, .required = { K_EXCHANGE, K_STATE },
        .help = "a negotiation has come this far" },
    [V_RETRANSMITTED] = { .name = "retransmitted", .from = N_P,
        .required = { K_EXCHANGE, K_ATTEMPT, K_WAIT }, .optional = { K_WHY },
        .help = "no answer yet; sent again; and what that most probably means" },
    [V_FAILED] = { .name = "failed", .from = N_P | S_P, .required = { K_EXCHANGE, K_CODE, K_WHY },
        .optional = { K_WORKER, K_PROTECTED },
        .help = "a negotiation has ended without success and is forgotten (worker: because that secrets process died; protected: because the peer said so under the ISAKMP SA); from secrets: it can have none" },
    [V_ISAKMP_UP] = { .name = "isakmp-up", .from = N_P,
        .required = { K_EXCHANGE, K_ROLE, K_PROPOSAL, K_LIFE, K_CKY_I, K_CKY_R },
        .help = "an ISAKMP SA stands" },
    [V_PEER_DELETED] = { .name = "peer-deleted", .from = N_P,
        .required = { K_EXCHANGE, K_PROTOCOL }, .optional = { K_SPIS, K_TARGET },
        .help = "a Delete came under ISAKMP SA `exchange`: SPIs of ESP or AH, or an ISAKMP SA `target`" },
    [V_INITIAL_CONTACT] = { .name = "initial-contact", .from = N_P, .required = { K_EXCHANGE },
        .help = "the peer knows no other SA with us" },
    [V_RESPONDER_LIFETIME] = { .name = "responder-lifetime", .from = N_P,
        .required = { K_EXCHANGE, K_PROTOCOL, K_LIFE }, .optional = { K_SPI_OUT, K_TARGET },
        .help = "under ISAKMP SA `exchange` the peer lets an SA live no longer: ESP `spi-out`, or an ISAKMP SA `target`" },
    [V_NOTIFIED] = { .name = "notified", .from = N_P,
        .required = { K_EXCHANGE, K_NOTIFICATION, K_PROTECTED }, .optional = { K_TEXT },
        .help = "a notification came" },
    [V_HINT] = { .name = "hint", .from = N_P, .required = { K_EXCHANGE, K_WHY },
        .help = "what probably is wrong with a negotiation, by a message that anybody may have sent; it goes on" },
    [V_IGNORED] = { .name = "ignored", .from = N_P, .required = { K_FLAW, K_TIMES },
        .help = "messages with this flaw changed nothing; told once a second, not for each" },

    [V_ANNOUNCE] = { .name = "announce", .from = P_S,
        .required = { K_EXCHANGE, K_CONNECTION, K_ROLE, K_METHODS, K_IKE, K_OUR_ID, K_PEER_ID },
        .optional = { K_WHOEVER, K_CLASSES },
        .help = "an exchange may begin; once for each candidate connection" },
    [V_ANNOUNCE_QUICK] = { .name = "announce-quick", .from = P_S,
        .required = { K_EXCHANGE, K_PARENT, K_ROLE, K_ESP, K_PFS }, .optional = { K_PFS_REQUIRED, K_CLASSES },
        .help = "a Quick Mode may begin under an announced exchange; pfs-required=yes: with PFS only" },
    [V_ACCEPT] = { .name = "accept", .from = P_S, .request = true,
        .required = { K_EXCHANGE, K_CONNECTION, K_OUR_ID, K_PEER_ID },
        .help = "go on as this connection, if its ids mean the secret that was used" },
    [V_SECRET] = { .name = "secret", .from = P_S, .request = true,
        .required = { K_METHOD, K_OUR_ID, K_PEER_ID }, .optional = { K_IKE }, .answer = { K_FOUND },
        .help = "which line has the preshared secret for these identities, or our private key, if it can sign a HASH of one of these proposals? (for whack --explain, and before a Main Mode)" },
    [V_PUBLIC_KEYS] = { .name = "public-keys", .from = S_P, .request = true,
        .required = { K_EXCHANGE, K_OUR_ID, K_PEER_ID }, .answer = { K_PUBKEYS },
        .help = "the peer of this exchange says that it is `peer-id`, and signed: by which keys may that be checked?" },
    [V_AUTHENTICATED] = { .name = "authenticated", .from = S_P,
        .required = { K_EXCHANGE, K_CONNECTION, K_PEER_NAME, K_METHOD, K_PROPOSAL, K_MATCHED },
        .help = "the peer proved this identity, with keys made for this connection and proposal" },
    [V_LOCKED] = { .name = "locked", .from = S_P, .required = { K_FILE },
        .help = "this key file waits for its passphrase; told before `loaded`" },
    [V_LOADED] = { .name = "loaded", .from = S_P, .required = { K_ENTRIES, K_ERRORS }, .optional = { K_NAMES },
        .help = "the secrets file has been read; told again when each of its names has its answer" },
    [V_PASSPHRASE] = { .name = "passphrase", .from = P_S, .request = true, .descriptor = true,
        .required = { K_FILE }, .answer_optional = { K_TEXT },
        .help = "the passphrase of that key file lies in this socket, to be looked at and left there; ok: its key is open (text: what is odd about it), and the socket is kept for hand-on" },
    [V_HAND_ON] = { .name = "hand-on", .from = P_S, .request = true, .answer_descriptor = true, .required = { K_FILE },
        .help = "another secrets process waits for the passphrase of that key file: a socket that has opened it here, with the passphrase in it still" },

    [V_RESOLVE] = { .name = "resolve", .from = S_P | P_D, .request = true, .required = { K_HOST },
        .optional = { K_FAMILY }, .answer = { K_ADDRESSES }, .answer_optional = { K_TTL, K_RETRY, K_WHY },
        .help = "which addresses has this host? plutod hands it on to dnskey, which answers within 20 seconds; ok with retry: one kind of addresses is not known now, `why` says why; from plutod: all of them follow in another answer" },

    [V_KE] = { .name = "ke", .from = N_S, .request = true, .required = { K_EXCHANGE, K_GROUP },
        .answer = { K_KE, K_NONCE },
        .help = "draw our exponent and nonce (initiator)" },
    [V_KEYS] = { .name = "keys", .from = N_S, .request = true,
        .required = { K_EXCHANGE, K_CONNECTION, K_METHOD, K_PROPOSAL, K_CKY_I, K_CKY_R, K_SA_BODY, K_KE_PEER,
                      K_NONCE_PEER },
        .answer = { K_SKEYID_A, K_SKEYID_E },
        .answer_optional = { K_KE, K_NONCE, K_ID_BODY, K_HASH, K_SIG },
        .help = "make SKEYID and the keys of the ISAKMP SA; a responder gets its ke and nonce, an initiator its id-body and hash or sig" },
    [V_AUTH] = { .name = "auth", .from = N_S, .request = true,
        .required = { K_EXCHANGE, K_ID_BODY }, .optional = { K_HASH, K_SIG },
        .answer = { K_MATCHED }, .answer_optional = { K_ID_BODY, K_HASH, K_SIG },
        .help = "check the peer's identity, and its hash or sig; a responder gets its own if `matched`" },
    [V_FINISH] = { .name = "finish", .from = N_S, .request = true, .required = { K_EXCHANGE },
        .answer = { K_ID_BODY }, .answer_optional = { K_HASH, K_SIG },
        .help = "our identity and hash or sig, after plutod accepted an identity that was not announced" },
    [V_QUICK_KE] = { .name = "quick-ke", .from = N_S, .request = true, .required = { K_EXCHANGE },
        .optional = { K_GROUP }, .answer = { K_NONCE }, .answer_optional = { K_KE },
        .help = "draw our nonce, and exponent where a group is named, for a Quick Mode (initiator)" },
    [V_KEYMAT] = { .name = "keymat", .from = N_S, .request = true,
        .required = { K_EXCHANGE, K_PROTOCOL, K_PROPOSAL, K_SPI_IN, K_SPI_OUT, K_NONCE_PEER },
        .optional = { K_KE_PEER, K_GROUP }, .answer_optional = { K_NONCE, K_KE },
        .help = "derive KEYMAT and give it to kernel-sa; a responder gets its nonce and ke" },

    [V_SA_KEYS] = { .name = "sa-keys", .from = S_K, .request = true,
        .required = { K_EXCHANGE, K_PROTOCOL, K_PROPOSAL, K_SPI_IN, K_SPI_OUT, K_KEY_IN, K_KEY_OUT },
        .optional = { K_AUTH_IN, K_AUTH_OUT },
        .help = "keys of a pair of SAs, named with the transform they were derived for; ok: they are needed no more (both SAs are in the kernel, or never will be)" },

    [V_SPIS] = { .name = "spis", .from = N_K, .request = true, .required = { K_COUNT },
        .answer = { K_SPIS }, .help = "a block of random SPIs for SAs toward us" },
    [V_INSTALL] = { .name = "install", .from = N_K, .request = true,
        .required = { K_EXCHANGE, K_PROTOCOL, K_PROPOSAL, K_MODE, K_SPI_IN, K_SPI_OUT, K_OUR_HOST,
                      K_PEER_HOST, K_OUR_CLIENT, K_PEER_CLIENT, K_LIFE, K_ACTIVATE },
        .help = "install the inbound SA, and hold the outbound one back unless activate=yes" },
    [V_ACTIVATE] = { .name = "activate", .from = N_K, .request = true, .required = { K_EXCHANGE },
        .help = "install the outbound SA that was held back" },

    [V_PERMIT] = { .name = "permit", .from = P_K,
        .required = { K_EXCHANGE, K_CONNECTION, K_OUR_HOST, K_PEER_HOST, K_OUR_CLIENT,
                      K_PEER_CLIENT, K_ESP, K_MODES, K_LIFE, K_REQID, K_POLICIES },
        .optional = { K_REPLAY, K_AGAIN },
        .help = "these SAs may be installed for this exchange, within these terms" },
    [V_DELETE_KERNEL_SA] = { .name = "delete-kernel-sa", .from = P_K, .request = true,
        .required = { K_EXCHANGE, K_POLICIES },
        .help = "drop permit, keys and SAs of an exchange; policies=yes: its policies too" },
    [V_UPDATE_KERNEL_SA] = { .name = "update-kernel-sa", .from = P_K, .request = true,
        .required = { K_EXCHANGE, K_LIFE },
        .help = "change the life of an exchange's SAs, counted from when they were installed, in place" },
    [V_POLICY] = { .name = "policy", .from = P_K, .request = true,
        .required = { K_ACTION, K_KIND, K_OUR_CLIENT, K_PEER_CLIENT, K_REQID },
        .optional = { K_OUR_HOST, K_PEER_HOST, K_MODE },
        .help = "add or delete the policies of a client pair: trap, shunt or IPsec" },
    [V_SAMPLE] = { .name = "sample", .from = P_K, .request = true, .required = { K_EXCHANGE },
        .answer = { K_BYTES_IN, K_BYTES_OUT, K_PACKETS_IN, K_PACKETS_OUT },
        .help = "the counters of an exchange's SAs" },
    [V_LOOKUP] = { .name = "lookup", .from = P_K, .request = true, .required = { K_FROM, K_TO, K_WAY },
        .answer_optional = { K_FOUND, K_KIND, K_REQID, K_OUR_CLIENT, K_PEER_CLIENT, K_SA, K_OTHERS,
                             K_OPTIONAL, K_BESIDE, K_STANDARD },
        .help = "which of the kernel's policies catches such a packet, and which SA is taken?" },
    [V_FLUSH] = { .name = "flush", .from = P_K, .request = true,
        .help = "remove every SA and policy that we installed" },
    [V_SA_UP] = { .name = "sa-up", .from = K_P,
        .required = { K_EXCHANGE, K_PROTOCOL, K_PROPOSAL, K_MODE, K_SPI_IN, K_SPI_OUT },
        .optional = { K_LIFE },
        .help = "both SAs of the exchange are in the kernel" },
    [V_SA_EXPIRED] = { .name = "sa-expired", .from = K_P,
        .required = { K_EXCHANGE, K_PROTOCOL, K_HARD },
        .help = "the kernel reported the end of an SA's life" },
    [V_SA_DELETED] = { .name = "sa-deleted", .from = K_P, .required = { K_EXCHANGE, K_PROTOCOL },
        .help = "an SA is not in the kernel any more, without an end of its life that was reported: another program deleted it" },
    [V_POLICY_DELETED] = { .name = "policy-deleted", .from = K_P,
        .required = { K_REQID, K_OUR_CLIENT, K_PEER_CLIENT, K_WAY, K_RESTORED },
        .help = "another program took a policy of ours out of the kernel, or replaced it" },
    [V_ACQUIRE] = { .name = "acquire", .from = K_P,
        .required = { K_REQID, K_OUR_CLIENT, K_PEER_CLIENT, K_SEQ },
        .help = "a packet met a trap" },

    [V_WHACK_CONNECTION] = { .name = "whack-connection", .from = W_P,
        .required = { K_NAME, K_LEFT_HOST, K_RIGHT_HOST, K_POLICY },
        .optional = { K_LEFT_HOST_NAME, K_RIGHT_HOST_NAME, K_LEFT_ID, K_LEFT_IKEPORT, K_LEFT_NEXTHOP, K_LEFT_CLIENT, K_LEFT_UPDOWN,
                      K_RIGHT_ID, K_RIGHT_IKEPORT, K_RIGHT_NEXTHOP, K_RIGHT_CLIENT, K_RIGHT_UPDOWN,
                      K_FAMILY, K_TUNNEL_FAMILY, K_IKE, K_ESP, K_PFSGROUP, K_IKELIFETIME,
                      K_IPSECLIFETIME, K_REKEYMARGIN, K_REKEYFUZZ, K_KEYINGTRIES, K_REPLACE },
        .help = "describe a connection" },
    [V_WHACK_MYID] = { .name = "whack-myid", .from = W_P, .required = { K_MYID }, .help = "--myid" },
    [V_WHACK_DELETE] = { .name = "whack-delete", .from = W_P, .required = { K_NAME },
        .help = "--delete" },
    [V_WHACK_DELETESTATE] = { .name = "whack-deletestate", .from = W_P, .required = { K_SERIAL },
        .help = "--deletestate" },
    [V_WHACK_LISTEN] = { .name = "whack-listen", .from = W_P, .help = "--listen" },
    [V_WHACK_UNLISTEN] = { .name = "whack-unlisten", .from = W_P, .help = "--unlisten" },
    [V_WHACK_KEY] = { .name = "whack-key", .from = W_P, .required = { K_KEYID },
        .optional = { K_ADDKEY, K_PUBKEYRSA },
        .help = "--keyid: a public key of this identity, in place of those that it has unless addkey=yes" },
    [V_WHACK_ROUTE] = { .name = "whack-route", .from = W_P, .required = { K_NAME },
        .help = "--route" },
    [V_WHACK_UNROUTE] = { .name = "whack-unroute", .from = W_P, .required = { K_NAME },
        .help = "--unroute" },
    [V_WHACK_INITIATE] = { .name = "whack-initiate", .from = W_P, .required = { K_NAME },
        .optional = { K_ASYNCHRONOUS }, .help = "--initiate" },
    [V_WHACK_TERMINATE] = { .name = "whack-terminate", .from = W_P, .required = { K_NAME },
        .optional = { K_ASYNCHRONOUS }, .help = "--terminate" },
    [V_WHACK_DEBUG] = { .name = "whack-debug", .from = W_P, .required = { K_CLASSES },
        .optional = { K_NAME }, .help = "--debug-CLASS" },
    [V_WHACK_EXPLAIN] = { .name = "whack-explain", .from = W_P, .optional = { K_NAME, K_FROM, K_TO },
        .help = "--explain, with name or with from and to" },
    [V_WHACK_EVENTS] = { .name = "whack-events", .from = W_P, .optional = { K_NAME },
        .help = "--events" },
    [V_WHACK_STATUS] = { .name = "whack-status", .from = W_P, .optional = { K_JSON },
        .help = "--status" },
    [V_WHACK_SHUTDOWN] = { .name = "whack-shutdown", .from = W_P, .optional = { K_LEAVE_STATE },
        .help = "--shutdown" },
    [V_WHACK_PASSPHRASE] = { .name = "whack-passphrase", .from = W_P, .descriptor = true,
        .required = { K_QUESTION },
        .help = "the answer to a line 040, over a connection of its own: the passphrase lies in this socket (Unix, SEQPACKET), as one message" },
    [V_WHACK_NO_PASSPHRASE] = { .name = "whack-no-passphrase", .from = W_P, .required = { K_QUESTION, K_WHY },
        .help = "the same, where none can be had" },
};

unsigned direction_reverse(unsigned d)
{
    const unsigned even = 0x5555;
    return ((d & even) << 1) | ((d >> 1) & even);
}

const char *schema_tool_name(enum tool tool)
{
    static const char *const name[TOOL_COUNT] = {
        [TOOL_PLUTOD] = "plutod", [TOOL_IKE_NEGOTIATE] = "ike-negotiate", [TOOL_SECRETS] = "secrets",
        [TOOL_KERNEL_SA] = "kernel-sa", [TOOL_DNSKEY] = "dnskey", [TOOL_WHACK] = "whack"
    };
    return name[tool];
}

const struct key_spec *schema_key(enum key key)
{
    return &keys[key];
}

const char *schema_word(enum key key, unsigned place, char out[SCHEMA_WORD])
{
    const char *at = keys[key].words;
    for (unsigned i = 0; i < place && *at != '\0'; i++) {
        at += strcspn(at, "|");
        at += *at == '|' ? 1 : 0;
    }
    size_t len = strcspn(at, "|");
    len = len < SCHEMA_WORD ? len : SCHEMA_WORD - 1;
    memcpy(out, at, len);
    out[len] = '\0';
    return out;
}

const struct verb_spec *schema_verb(enum verb verb)
{
    return &verbs[verb];
}

/*
 * Names are looked up in every record: their lengths and first letters, side by side, tell nearly
 * all of them apart. What is looked up may hold NULs.
 */
struct glance {
    uint8_t len;
    char first;
};

static const struct glance key_glance[KEY_COUNT] = {
#define KEY(e, name_, type_, min_, max_, secret_, words_, help_) \
    [e] = { sizeof(name_) - 1, (name_)[0] },
    SCHEMA_KEYS(KEY)
#undef KEY
};

bool schema_key_is(enum key key, const char *name, size_t len)
{
    return key_glance[key].len == len && key_glance[key].first == name[0]
           && memcmp(keys[key].name, name, len) == 0;
}

enum key schema_find_key(const char *name, size_t len)
{
    for (enum key k = (enum key)1; k < KEY_COUNT; k++) {
        if (schema_key_is(k, name, len)) {
            return k;
        }
    }
    return K_END;
}

enum verb schema_find_verb(const char *name, size_t len)
{
    for (enum verb v = (enum verb)1; v < VERB_COUNT && len > 0; v++) {
        const char *of = verbs[v].name;
        if (of[0] == name[0] && strlen(of) == len && memcmp(of, name, len) == 0) {
            return v;
        }
    }
    return V_NONE;
}
