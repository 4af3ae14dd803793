/* Seeds of the exchange target: scripts. */
#include "seeds.h"
#include "fuzz.h"
#include "script.h"

#include <string.h>

struct script {
    uint8_t bytes[400];
    size_t len;
};

static void step(struct script *s, unsigned what, unsigned which, unsigned a, unsigned b)
{
    const uint8_t bytes[] = { (uint8_t)what, (uint8_t)which, (uint8_t)(a >> 8), (uint8_t)a,
                              (uint8_t)(b >> 8), (uint8_t)b };
    fuzz_check(s->len + sizeof bytes <= sizeof s->bytes);
    memcpy(s->bytes + s->len, bytes, sizeof bytes);
    s->len += sizeof bytes;
}

static struct script script_of(unsigned config, unsigned messages)
{
    struct script s = { .bytes = { (uint8_t)config }, .len = 1 };
    step(&s, DELIVER_ALL, 0, messages, 0);
    return s;
}

static void end_script(struct script *s, const char *name)
{
    static unsigned n;
    step(s, DELIVER_ALL, 0, 63, 0);
    write_seed("exchange", name, n++, s->bytes, s->len);
}

/* Full by number or by size, and after that somebody who is new; an honest one gets through. */
static void write_floods(void)
{
    for (unsigned form = 0; form < 4; form++) {
        struct script s = script_of(FIND_AGAIN, 2);
        step(&s, FLOOD, 1, form == 2 ? 560 : 380, form);
        step(&s, PASS, 0, 70, 0);
        step(&s, FLOOD, 2, 20, form);
        step(&s, WHACK, 0, 0, 0);
        end_script(&s, "flood");
    }
}

/* Each thing that a peer may tell, one after the other to a host that has a tunnel. */
static void write_told(unsigned what, unsigned host)
{
    for (unsigned from = 0; from < 80; from += 20) {
        struct script s = script_of(FIND_AGAIN, 63);
        for (unsigned number = from; number < from + 20; number++) {
            step(&s, TELL, host, 5 * number, what << 8 | number);
            step(&s, PASS, 0, 400, 0);
        }
        end_script(&s, "told");
    }
}

/* After these, there may be no tunnel any more. */
static void write_ended(unsigned what, unsigned host)
{
    for (unsigned from = 0; from < 30; from += 5) {
        struct script s = script_of(FIND_AGAIN, 63);
        for (unsigned number = from; number < from + 5; number++) {
            step(&s, TELL, host, 5 * number, what << 8 | number);
            step(&s, DELIVER_ALL, 0, 63, 0);
            step(&s, WHACK, 0, 0, 0);
            step(&s, DELIVER_ALL, 0, 63, 0);
        }
        end_script(&s, "ended");
    }
}

/* Into each of the nine messages. */
static void write_put(unsigned what)
{
    for (unsigned message = 0; message < 9; message++) {
        struct script s = script_of(FIND_AGAIN, message);
        step(&s, PUT, MORE, 0, what << 8 | 4 * message);
        step(&s, PUT, 0, 0, what << 8 | (4 * message + 6));
        end_script(&s, "put");
    }
}

static void write_known(void)
{
    for (unsigned what = 0; what < KNOWN_COUNT; what++) {
        for (unsigned host = 0; host < 2; host++) {
            if (what == KNOWN_ISAKMP_DELETE || what == KNOWN_ESP_DELETE || what == KNOWN_ERROR) {
                write_ended(what, host);
            } else {
                write_told(what, host);
            }
        }
        write_put(what);
    }
    /* Lives with messages 6 and 8: each form. */
    for (unsigned number = 0; number < 40; number++) {
        for (unsigned message = 5; message < 8; message += 2) {
            struct script s = script_of(FIND_AGAIN, message);
            const unsigned what = message == 5 ? KNOWN_ISAKMP_LIFETIME : KNOWN_ESP_LIFETIME;
            step(&s, PUT, 0, 0, what << 8 | number);
            end_script(&s, "life");
        }
    }
    /* Transactions in Main Mode's exchanges, and Aggressive Mode; in clear and under keys. */
    for (unsigned exchange = 3; exchange < 5; exchange++) {
        struct script s = script_of(FIND_AGAIN, 63);
        for (unsigned number = 0; number < 48; number += 2) {
            step(&s, TELL, (number & 2) != 0 ? CLEAR : 0, exchange + 5 * number,
                 KNOWN_ATTRIBUTES << 8 | number);
            step(&s, PASS, 0, 100, 0);
        }
        end_script(&s, "refused");
    }
    /* A HASH that is wrong by a bit: of Quick Mode's messages, and of an Informational. */
    for (unsigned message = 6; message < 9; message++) {
        struct script s = script_of(FIND_AGAIN, message);
        step(&s, MISPROVE, 0, message, 1);
        end_script(&s, "misproved");
    }
    struct script s = script_of(FIND_AGAIN, 63);
    step(&s, TELL, MORE, 0, KNOWN_ISAKMP_DELETE << 8);
    step(&s, MISPROVE, 0, 0, 0x80);
    end_script(&s, "misproved");
    s = script_of(FIND_AGAIN, 63); /* the same again */
    step(&s, TELL, 0, 0, KNOWN_STATUS << 8 | 4);
    step(&s, TELL, 0, 0, KNOWN_STATUS << 8 | 4);
    end_script(&s, "again");
}

/* The clients left out, and in other words; with nets, and between hosts alone. */
static void write_clients(void)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned number = 0; number < 14; number++) {
            struct script s = script_of(FIND_AGAIN | (i < 2 ? 0 : HOSTS), 6 + i % 2);
            step(&s, REMOVE, MORE, 3, 0); /* payload 3, and then what was behind it */
            step(&s, REMOVE, MORE, 3, 0);
            if (number != 0) {
                step(&s, PUT, MORE, 0, KNOWN_CLIENT << 8 | (number - 1));
                step(&s, PUT, MORE, 0, KNOWN_CLIENT << 8 | number);
            }
            end_script(&s, "clients");
        }
    }
}

/* Another identity with a right proof; and what a peer may say to one who has not proved himself yet. */
static void write_identities(void)
{
    for (unsigned number = 0; number < 9; number++) {
        for (unsigned message = 4; message < 6; message++) {
            struct script s = script_of(FIND_AGAIN, message);
            step(&s, IDENTIFY, 0, 0, number);
            step(&s, PASS, 0, 10 << 8, 0);
            end_script(&s, "identified");
        }
    }
    for (unsigned number = 0; number < 28; number += 4) {
        for (unsigned i = 0; i < 6; i++) {
            struct script s = script_of(FIND_AGAIN, 3 + i / 2);
            step(&s, TELL, i % 2, 0, KNOWN_ERROR << 8 | number);
            step(&s, PASS, 0, 10 << 8, 0);
            end_script(&s, "refused");
        }
    }
}

/* The kernel refuses each request of a negotiation once. */
static void write_kernel(void)
{
    for (unsigned at = 0; at < 16; at++) {
        for (unsigned host = 0; host < 2; host++) {
            struct script s = script_of(FIND_AGAIN, at < 8 ? 6 : 63);
            step(&s, REFUSE, host, at, at < 8 ? 16 : at - 5);
            step(&s, DELIVER_ALL, 0, 63, 0);
            step(&s, TELL, 1 - host, 0, KNOWN_ESP_LIFETIME << 8);
            step(&s, WHACK, host, 2, 0);
            end_script(&s, "kernel");
        }
    }
}

/* Payloads of a wrong length, in another order, too many; messages sent back to their sender. */
static void write_spoilt(void)
{
    static const unsigned lengths[][3] = { /* message, payload, bytes */
        { 2, 1, 7 }, { 3, 1, 7 }, { 2, 0, 5 }, { 3, 0, 5 }, { 4, 0, 3 }, { 5, 0, 3 }, { 4, 1, 5 },
        { 5, 1, 5 }, { 6, 2, 7 }, { 7, 2, 7 }, { 6, 3, 3 }, { 7, 3, 3 }
    };
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct script s = script_of(FIND_AGAIN, lengths[i][0]);
        step(&s, SHORTEN, 0, lengths[i][1], lengths[i][2]);
        end_script(&s, "short");
    }
    for (unsigned message = 6; message < 8; message++) { /* SA behind the others; behind another payload */
        for (unsigned place = 2; place < 6; place++) {
            struct script s = script_of(FIND_AGAIN, message);
            step(&s, COPY, MORE, 1, place);
            step(&s, REMOVE, 0, 1, 0);
            end_script(&s, "order");
        }
    }
    for (unsigned message = 0; message < 9; message++) {
        struct script s = script_of(FIND_AGAIN, message);
        step(&s, FROM_ELSEWHERE, 0, 0, 1);
        step(&s, PASS, 0, 11 << 8, 0);
        end_script(&s, "back");
    }
    for (unsigned odd = 0; odd < 2; odd++) {
        struct script s = script_of(FIND_AGAIN, 1);
        step(&s, HEADER, 0, 2, odd);
        end_script(&s, "cookie");
    }
    struct script s;
    for (unsigned i = 0; i < 4; i++) { /* messages 3 and 4 with what their receiver has */
        s = script_of(FIND_AGAIN, 2 + i / 2);
        step(&s, MIRROR, 0, i % 2, 0);
        step(&s, PASS, 0, 11 << 8, 0);
        end_script(&s, "mirror");
    }
    for (unsigned len = 200; len < 256; len += 55) { /* an identity that is too long */
        for (unsigned message = 4; message < 6; message++) {
            s = script_of(FIND_AGAIN, message);
            step(&s, REMOVE, MORE, 0, 0);
            step(&s, INSERT, 8, 0, PAYLOAD_ID << 8 | len);
            end_script(&s, "long");
        }
    }
}

/* Headers: exchange types, flags, message ids; and what does not decrypt. */
static void write_headers(void)
{
    static const uint8_t types[] = { EXCHANGE_AGGRESSIVE, EXCHANGE_INFORMATIONAL, EXCHANGE_MAIN,
                                     EXCHANGE_QUICK, EXCHANGE_TRANSACTION, 1, 200 };
    static const uint8_t flags[] = { FLAG_COMMIT, FLAG_ENCRYPTION, FLAG_AUTH_ONLY, 0xff };
    static const unsigned places[] = { 16, 17, 18, 19, 20, 27, 40 };
    for (unsigned message = 0; message < 9; message += 2) {
        struct script s = script_of(FIND_AGAIN, message);
        for (unsigned i = 0; i < sizeof types; i++) {
            step(&s, REPEAT, 0, 0, 0); /* the honest one, in between */
            step(&s, HEADER, 0, 0, types[i]);
        }
        end_script(&s, "header");
        for (unsigned i = 0; i < sizeof flags; i++) {
            s = script_of(FIND_AGAIN, message);
            step(&s, HEADER, 0, 1, flags[i]);
            end_script(&s, "header");
        }
        for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
            s = script_of(FIND_AGAIN, message);
            step(&s, FLIP, 0, places[i], message % 4 == 0 ? 1 : 2);
            step(&s, PASS, 0, 11 << 8, 0);
            end_script(&s, "flipped");
        }
        s = script_of(FIND_AGAIN, message);
        for (unsigned i = 0; i < 5; i++) { /* again and again, and each time nonsense */
            step(&s, FLIP, 0, 30, 1 + i);
            step(&s, PASS, 0, 11 << 8, 0);
        }
        step(&s, CUT, 0, 37, 0);
        end_script(&s, "nonsense");
    }
}

/* What comes while the proof is being checked, behind it: each kind, and too many of them. */
static void write_early(void)
{
    for (unsigned what = 0; what < KNOWN_COUNT; what++) {
        for (unsigned host = 0; host < 2; host++) {
            struct script s = script_of(FIND_AGAIN, host == 1 ? 4 : 5);
            unsigned count = what == KNOWN_STATUS ? 12 : 2;
            step(&s, HURRY, 0, 1 + count, 0);
            step(&s, DELIVER_ALL, 0, 1, 0);
            for (unsigned i = 0; i < count; i++) {
                step(&s, TELL, host, 5 * i, what << 8 | 4 * i);
            }
            step(&s, PASS, 0, 10 << 8, 0);
            end_script(&s, "early");
        }
    }
    /* A Quick Mode behind message 5, and the same one again. */
    struct script s = script_of(FIND_AGAIN, 4);
    step(&s, HURRY, 0, 3, 0);
    step(&s, DELIVER_ALL, 0, 1, 0);
    step(&s, TELL, 1, 1, KNOWN_CLIENT << 8);
    step(&s, TELL, 1, 1, KNOWN_CLIENT << 8);
    end_script(&s, "early");
}

void write_exchange(void)
{
    static const uint8_t configs[] = { 16, 17, 18, 19, 20, 21, 22, 23, 24, 48, 56, 4, 40, 16 + SHORTER,
                                       19 + SHORTER, 48 + SHORTER, 16 + HOSTS, 23 + HOSTS };
    for (unsigned i = 0; i < sizeof configs; i++) {
        struct script s = script_of(configs[i], 63);
        step(&s, WHACK, 0, 2, 0);
        end_script(&s, "plain");
    }
    /* Each change to each of the nine messages. */
    for (uint8_t what = 2; what < (uint8_t)SAY; what++) {
        for (uint8_t message = 0; message < 9; message++) {
            struct script s = script_of(FIND_AGAIN, message);
            step(&s, what, 0, 5, 8 << 8 | 4);
            step(&s, PASS, 0, 10 << 8, 0);
            end_script(&s, "changed");
        }
    }
    for (uint8_t tool = 0; tool < 3; tool++) {
        for (uint8_t message = 0; message < 10; message++) {
            struct script s = script_of(FIND_AGAIN, message);
            step(&s, KILL, message, tool, 0);
            step(&s, PASS, 0, 30 << 8, 0);
            end_script(&s, "killed");
        }
    }
    static const uint8_t said[] = { PAYLOAD_N, PAYLOAD_D, PAYLOAD_SA, PAYLOAD_ID, PAYLOAD_HASH };
    for (unsigned i = 0; i < sizeof said / sizeof said[0]; i++) {
        struct script s = script_of(FIND_AGAIN, 63);
        step(&s, SAY, 9, i, (unsigned)said[i] << 8 | 12);
        end_script(&s, "said");
    }
    write_known();
    write_clients();
    write_identities();
    write_kernel();
    write_early();
    write_spoilt();
    write_headers();
    write_floods();
}
