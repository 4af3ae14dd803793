/*
 * Writes the seeds that no person can type: tests/fuzz/corpus/{packet,netlink,exchange,socket,output}/,
 * and tests/fuzz/record.dict. The same files in each run. `make fuzz-seeds`.
 *
 * packet: every message of real negotiations and what follows them (tests/unit/lab.h), opened with
 * the keys of its receiver; and a message with one payload of each type. The others: seeds_*.c.
 */
#include "seeds.h"
#include "fuzz.h"

#include "tests/unit/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY "policy=psk,encrypt,tunnel "

static const char *corpus;

void write_seed(const char *target, const char *name, unsigned n, const void *bytes,
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
        { PAYLOAD_VID, "unknown", 7 },
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
    write_socket();
    write_output();
    write_words();
    return 0;
}
