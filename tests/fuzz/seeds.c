/*
 * Writes the seeds that no person can type: tests/fuzz/corpus/{packet,netlink,exchange}/, and
 * tests/fuzz/record.dict. The same files in each run. `make fuzz-seeds`.
 *
 * packet: every message of real negotiations and what follows them (tests/unit/lab.h), opened with
 * the keys of its receiver; and a message with one payload of each type. netlink: what the kernel
 * says about our SAs and policies, made by our own builders. exchange: scripts.
 */
#include "fuzz.h"

#include "kernel-sa/xfrm.h"
#include "tests/unit/hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY "policy=psk,encrypt,tunnel "

static const char *corpus;

static void write_seed(const char *target, const char *name, unsigned n, const void *bytes,
                       size_t len)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s/%s-%u", corpus, target, name, n);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

/* ---- packet ---- */

struct tape {
    const char *name;
    unsigned count;
};

static void write_clear(const char *name, unsigned n, struct opened *o)
{
    struct datagram *d = calloc(1, sizeof *d);
    fuzz_check(d != NULL);
    o->encrypted = false;
    o->header.flags = 0;
    hostile_seal(o, d);
    write_seed("packet", name, n, d->bytes, d->len);
    free(d);
}

static unsigned tape_it(struct lab *l, struct datagram *d, unsigned number)
{
    static struct opened o;
    struct tape *t = l->data;
    (void)number;
    if (hostile_open(l, d, &o)) {
        write_clear(t->name, ++t->count, &o);
    }
    return 1;
}

static void tape_negotiation(const char *name, const char *words)
{
    struct tape t = { name, 0 };
    struct lab *l = lab_new(words);
    l->network = tape_it;
    l->data = &t;
    lab_initiate(l, 0);
    fuzz_check(lab_up(l));
    lab_whack(l, 0, "whack-terminate name=net");
    lab_free(l);
}

/* Attributes that nobody should offer: methods of XAUTH and hybrid ones, among others. */
static void write_methods(void)
{
    static const unsigned methods[] = { 2, 4, 5, 64221, 64222, 65001, 65002, 65005, 65006, 65500 };
    static struct opened o;
    const unsigned count = sizeof methods / sizeof methods[0];
    struct buffer b;
    buffer_init(&b, 0);
    buffer_add_u32(&b, DOI_IPSEC);
    buffer_add_u32(&b, SIT_IDENTITY_ONLY);
    buffer_add_u16(&b, 0);
    buffer_add_u16(&b, 8 + 32 * count);
    buffer_add_u32(&b, 1 << 24 | PROTOCOL_ISAKMP << 16 | count);
    for (unsigned i = 0; i < count; i++) {
        buffer_add_u16(&b, i + 1 == count ? 0 : PAYLOAD_T << 8);
        buffer_add_u16(&b, 32);
        buffer_add_u32(&b, (i + 1) << 24 | 1 << 16);
        attribute_put(&b, 1, 7);
        attribute_put(&b, 14, 256);
        attribute_put(&b, 2, 2);
        attribute_put(&b, 3, methods[i]);
        attribute_put(&b, 4, 2);
        attribute_put(&b, 11 + i % 3, 1);
    }
    memset(&o, 0, sizeof o);
    memset(o.header.cky_i, 7, COOKIE_LEN);
    o.header.exchange = EXCHANGE_MAIN;
    o.header.version = ISAKMP_VERSION;
    payload_insert(&o, 0, PAYLOAD_SA, b.data, b.len);
    write_clear("methods", 0, &o);
    buffer_wipe(&b);
}

static void write_payloads(void)
{
    static const struct {
        unsigned type;
        const char *body;
        size_t len;
    } bodies[] = {
        { PAYLOAD_ID, "\1\21\1\364\12\11\0\1", 8 }, { PAYLOAD_ID, "\2\0\0\0gate.example", 16 },
        { PAYLOAD_ID, "\3\0\0\0user@gate", 13 }, { PAYLOAD_ID, "\13\0\0\0\1\2\3", 7 },
        { PAYLOAD_ID, "\4\0\0\0\12\1\0\0\377\377\0\0", 12 },
        { PAYLOAD_ID, "\7\21\6\245\12\1\0\0\12\1\0\377", 12 },
        { PAYLOAD_ID, "\5\0\0\0\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1", 20 },
        { PAYLOAD_ID, "\6\0\0\0\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\0"
                      "\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\0", 36 },
        { PAYLOAD_ID, "\10\0\0\0\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\0"
                      "\40\1\15\270\0\0\0\0\377\377\377\377\377\377\377\377", 36 },
        { PAYLOAD_ID, "\11\0\0\0\60\0", 6 },
        { PAYLOAD_CERT, "\4\60\0", 3 }, { PAYLOAD_CR, "\4", 1 }, { PAYLOAD_SIG, "sig", 3 },
        { PAYLOAD_HASH, "01234567890123456789", 20 }, { PAYLOAD_NONCE, "01234567", 8 },
        { PAYLOAD_N, "\0\0\0\1\1\20\140\2" "0123456789012345", 24 },
        { PAYLOAD_N, "\0\0\0\1\3\4\140\1" "0123\200\1\0\1\200\2\16\20", 20 },
        { PAYLOAD_N, "\0\0\0\1\1\0\0\16", 8 },
        { PAYLOAD_D, "\0\0\0\1\3\4\0\2" "01234567", 16 },
        { PAYLOAD_D, "\0\0\0\1\1\20\0\1" "0123456789012345", 24 },
        { PAYLOAD_D, "\0\0\0\1\4\2\0\1" "01", 10 },
        { PAYLOAD_VID, "\257\312\327\23\150\241\361\311\153\206\226\374\167\127\1\0", 16 },
        { PAYLOAD_ATTRIBUTES, "\1\0\0\1\200\1\0\0", 8 }, { PAYLOAD_NAT_D, "0123456789012345", 16 },
        { PAYLOAD_NAT_OA, "\1\0\0\0\12\0\0\1", 8 }, { PAYLOAD_NAT_D_DRAFT, "0123456789012345", 16 },
        { PAYLOAD_NAT_OA_DRAFT, "\5\0\0\0" "0123456789012345", 20 },
        { PAYLOAD_FRAGMENT, "\0\1\1\0abcd", 8 }, { 200, "private", 7 },
    };
    static struct opened o;
    for (unsigned i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        memset(&o, 0, sizeof o);
        memset(o.header.cky_i, 7, COOKIE_LEN);
        o.header.exchange = EXCHANGE_INFORMATIONAL;
        o.header.version = ISAKMP_VERSION;
        payload_insert(&o, 0, bodies[i].type, bodies[i].body, bodies[i].len);
        write_clear("payload", i, &o);
    }
}

/* ---- netlink ---- */

struct tongue { /* an input of fuzz_netlink under construction */
    struct buffer bytes;
    unsigned seeds;
};

static void say_datagram(struct tongue *t, const void *message, size_t len, unsigned type,
                         unsigned flags, uint32_t seq)
{
    struct nlmsghdr head = { .nlmsg_len = (uint32_t)len, .nlmsg_type = (uint16_t)type,
                             .nlmsg_flags = (uint16_t)flags, .nlmsg_seq = seq };
    buffer_add_u16(&t->bytes, (unsigned)len);
    buffer_add(&t->bytes, &head, sizeof head);
    buffer_add(&t->bytes, (const uint8_t *)message + sizeof head, len - sizeof head);
}

static void say_request(struct tongue *t, const struct kernel_request *q, unsigned type,
                        unsigned flags, uint32_t seq)
{
    _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];
    size_t len = xfrm_build(message, sizeof message, q, seq);
    say_datagram(t, message, len, type, flags, seq);
}

static void say_sa(struct tongue *t, const char *suite, unsigned type, unsigned flags, uint32_t seq)
{
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    q.sa = fake_sa(suite, "10.9.0.2", "10.9.0.1");
    q.sa.transport = strstr(suite, "gcm") != NULL;
    q.sa.replay = q.sa.transport ? 128 : 32;
    say_request(t, &q, type, flags, seq);
}

static void say_policy(struct tongue *t, enum policy_kind kind, unsigned flags, uint32_t seq)
{
    struct kernel_request q = { .verb = KERNEL_ADD_POLICY };
    q.policy = (struct kernel_policy){ .way = WAY_FWD, .kind = kind, .reqid = 77, .priority = 3712,
                                       .index = policy_index(MAKER_DAEMON, WAY_FWD, 0xabcdef) };
    fuzz_check(subnet_parse(&q.policy.src, "10.2.0.0/24", 4) == NULL);
    fuzz_check(subnet_parse(&q.policy.dst, "10.1.0.0/16", 4) == NULL);
    fuzz_check(address_parse(&q.policy.tunnel_src, "10.9.0.2") == NULL);
    fuzz_check(address_parse(&q.policy.tunnel_dst, "10.9.0.1") == NULL);
    say_request(t, &q, XFRM_MSG_NEWPOLICY, flags, seq);
}

/* error 0: good. text: the kernel's words, NULL: none. */
static void say_ack(struct tongue *t, int error, const char *text, uint32_t seq)
{
    uint8_t message[200] = { 0 };
    struct nlmsgerr e = { .error = -error, .msg = { .nlmsg_len = sizeof e.msg } };
    struct nlattr a = { .nla_type = NLMSGERR_ATTR_MSG };
    size_t len = NLMSG_HDRLEN + sizeof e;
    memcpy(message + NLMSG_HDRLEN, &e, sizeof e);
    if (text != NULL) {
        a.nla_len = (uint16_t)(sizeof a + strlen(text) + 1);
        memcpy(message + len, &a, sizeof a);
        memcpy(message + len + sizeof a, text, strlen(text));
        len += (size_t)NLA_ALIGN(a.nla_len);
    }
    say_datagram(t, message, len, NLMSG_ERROR, text == NULL ? 0 : NLM_F_ACK_TLVS | NLM_F_CAPPED,
                 seq);
}

static void say_done(struct tongue *t, int error, unsigned flags, uint32_t seq)
{
    uint8_t message[NLMSG_HDRLEN + 4] = { 0 };
    int32_t status = -error;
    memcpy(message + NLMSG_HDRLEN, &status, sizeof status);
    say_datagram(t, message, sizeof message, NLMSG_DONE, flags, seq);
}

static void say_event(struct tongue *t, unsigned type, const void *body, size_t len)
{
    uint8_t message[1000] = { 0 };
    memcpy(message + NLMSG_HDRLEN, body, len);
    say_datagram(t, message, NLMSG_HDRLEN + len, type, 0, 0);
}

static void say_events(struct tongue *t)
{
    _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];
    struct kernel_request q = { .verb = KERNEL_ADD_SA };
    struct xfrm_user_expire expire = { .hard = 1 };
    struct xfrm_user_acquire acquire = { .seq = 9, .sel.family = AF_INET, .policy.dir = 1,
                                         .policy.sel.family = AF_INET };
    q.sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    (void)xfrm_build(message, sizeof message, &q, 1);
    memcpy(&expire.state, message + NLMSG_HDRLEN, sizeof expire.state);
    say_event(t, XFRM_MSG_EXPIRE, &expire, sizeof expire);
    acquire.policy.index = policy_index(MAKER_DAEMON, WAY_OUT, 5);
    say_event(t, XFRM_MSG_ACQUIRE, &acquire, sizeof acquire);
}

static void begin(struct tongue *t, int what)
{
    buffer_init(&t->bytes, 0);
    buffer_add_u8(&t->bytes, (unsigned)what);
}

static void end(struct tongue *t)
{
    write_seed("netlink", "said", ++t->seeds, t->bytes.data, t->bytes.len);
    buffer_wipe(&t->bytes);
}

static void write_netlink(void)
{
    struct tongue t = { .seeds = 0 };
    static const char whats[] = "gu";
    for (const char *what = whats; *what != '\0'; what++) {
        begin(&t, *what);
        say_sa(&t, "aes256-sha2_256", XFRM_MSG_NEWSA, 0, 1);
        say_ack(&t, 0, NULL, 1);
        say_ack(&t, 0, NULL, 2);
        end(&t);
    }
    begin(&t, 'd');
    say_ack(&t, ESRCH, "no such SA", 1);
    end(&t);
    for (int calls = 'A'; calls <= 'L'; calls++) {
        begin(&t, calls);
        say_ack(&t, 0, NULL, 1);
        end(&t);
    }
    begin(&t, 'd');
    buffer_add_u16(&t.bytes, 0xfe02u);
    buffer_add_u16(&t.bytes, 0);
    buffer_add_u16(&t.bytes, 0xfd02u);
    buffer_add_u16(&t.bytes, 0);
    end(&t);
    begin(&t, 'd');
    buffer_add_u16(&t.bytes, 0xff00u + ENOBUFS);
    say_events(&t);
    end(&t);
    for (int form = '0'; form <= '9'; form++) {
        begin(&t, form);
        say_ack(&t, form == '4' ? EEXIST : 0, form == '4' ? "there is one" : NULL, 1);
        say_ack(&t, 0, NULL, 2);
        end(&t);
    }
    begin(&t, 'a');
    say_sa(&t, "aes256gcm16", XFRM_MSG_NEWSA, NLM_F_MULTI, 1);
    say_sa(&t, "3des-md5", XFRM_MSG_NEWSA, NLM_F_MULTI, 1);
    say_done(&t, 0, NLM_F_MULTI, 1);
    say_policy(&t, POLICY_IPSEC, NLM_F_MULTI, 2);
    say_policy(&t, POLICY_DROP, NLM_F_MULTI, 2);
    say_policy(&t, POLICY_PASS, NLM_F_MULTI, 2);
    say_done(&t, 0, NLM_F_MULTI, 2);
    say_events(&t);
    end(&t);
    begin(&t, 'a');
    say_sa(&t, "aes128-sha1", XFRM_MSG_NEWSA, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
    say_done(&t, 0, NLM_F_MULTI | NLM_F_DUMP_INTR, 1);
    say_done(&t, EPERM, NLM_F_MULTI, 2);
    end(&t);
}

/* ---- exchange ---- */

/* Numbers of enum what in fuzz_exchange.c. */
static void write_exchange(void)
{
    static const uint8_t configs[] = { 16, 17, 18, 19, 20, 21, 22, 23, 24, 48, 56, 4, 40 };
    enum { DELIVER_ALL = 1, SAY = 15, PASS, WHACK, KILL };
    unsigned n = 0;
    for (unsigned i = 0; i < sizeof configs; i++) {
        const uint8_t plain[] = { configs[i], DELIVER_ALL, 0, 0, 63, 0, 0, WHACK, 0, 0, 2, 0, 0,
                                  DELIVER_ALL, 0, 0, 63, 0, 0 };
        write_seed("exchange", "plain", n++, plain, sizeof plain);
    }
    /* Each change to each of the nine messages. */
    for (uint8_t what = 2; what < (uint8_t)SAY; what++) {
        for (uint8_t message = 0; message < 9; message++) {
            const uint8_t changed[] = { 16, DELIVER_ALL, 0, 0, message, 0, 0, what, 0, 0, 5, 8, 4,
                                        PASS, 0, 10, 0, 0, 0, DELIVER_ALL, 0, 0, 63, 0, 0 };
            write_seed("exchange", "changed", n++, changed, sizeof changed);
        }
    }
    for (uint8_t tool = 0; tool < 3; tool++) {
        for (uint8_t message = 0; message < 10; message++) {
            const uint8_t killed[] = { 16, DELIVER_ALL, 0, 0, message, 0, 0, KILL, message, 0, tool,
                                       0, 0, PASS, 0, 30, 0, 0, 0, DELIVER_ALL, 0, 0, 63, 0, 0 };
            write_seed("exchange", "killed", n++, killed, sizeof killed);
        }
    }
    static const uint8_t said[] = { PAYLOAD_N, PAYLOAD_D, PAYLOAD_SA, PAYLOAD_ID, PAYLOAD_HASH };
    for (unsigned i = 0; i < sizeof said; i++) {
        const uint8_t spoken[] = { 16, DELIVER_ALL, 0, 0, 63, 0, 0, SAY, 9, 0, (uint8_t)i,
                                   said[i], 12, DELIVER_ALL, 0, 0, 63, 0, 0 };
        write_seed("exchange", "said", n++, spoken, sizeof spoken);
    }
}

/* ---- the words of records, for libFuzzer ---- */

static void write_words(void)
{
    char path[300];
    snprintf(path, sizeof path, "%s/../record.dict", corpus);
    FILE *f = fopen(path, "w");
    fuzz_check(f != NULL);
    fputs("# Verbs and fields of lib/schema.h, by tests/fuzz/seeds.c\n", f);
    for (unsigned verb = 1; verb < VERB_COUNT; verb++) {
        fprintf(f, "\"%s\"\n", schema_verb((enum verb)verb)->name);
    }
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        fprintf(f, "\" %s=\"\n", schema_key((enum key)key)->name);
    }
    fuzz_check(fclose(f) == 0);
}

int main(int argc, char **argv)
{
    corpus = argc == 2 ? argv[1] : "tests/fuzz/corpus";
    fuzz_random_begin(1);
    tape_negotiation("default", POLICY "ike=default esp=default");
    tape_negotiation("classic", POLICY "ike=classic esp=classic");
    tape_negotiation("cheap", LAB_CHEAP);
    tape_negotiation("gcm", POLICY "ike=aes256-sha2_512-ecp384 esp=aes256gcm16");
    write_payloads();
    write_methods();
    write_netlink();
    write_exchange();
    write_words();
    return 0;
}
