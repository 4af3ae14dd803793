/*
 * records-page - prints the manual page records(5), made from the schema (lib/schema.h).
 */
#include "bounds.h"
#include "schema.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const speakers[][2] = {
    { "plutod", "ike-negotiate" }, { "plutod", "secrets" }, { "plutod", "kernel-sa" },
    { "ike-negotiate", "secrets" }, { "ike-negotiate", "kernel-sa" }, { "secrets", "kernel-sa" },
    { "whack", "plutod" }, { "plutod", "dnskey" },
};

/* Texts of the schema, for a text line or as arguments of a macro. */
static void print_text(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            (void)fputs("\\e", stdout);
        } else if (*at == '-') {
            (void)fputs("\\-", stdout);
        } else {
            (void)putchar(*at);
        }
    }
}

static void print_sentence(const char *text)
{
    char first[2] = { (char)toupper((unsigned char)text[0]), '\0' };
    (void)printf("\\&");
    print_text(first);
    print_text(text + 1);
    (void)printf("%s\n", text[strlen(text) - 1] == '?' ? "" : ".");
}

static void print_head(void)
{
    (void)printf(".\\\" Made by docs/records-page.c from lib/schema.h: do not edit.\n"
                 ".Dd November 23, 2026\n.Dt RECORDS 5\n.Os\n"
                 ".Sh NAME\n.Nm records\n.Nd what the tools of plutod say to each other\n"
                 ".Sh DESCRIPTION\n"
                 "The programs\n"
                 ".Xr plutod 8 ,\n.Xr ike-negotiate 8 ,\n.Xr secrets 8 ,\n.Xr kernel-sa 8 ,\n.Xr dnskey 8\nand\n"
                 ".Xr whack 8\n"
                 "pass work to each other as records, over Unix sockets, or over pipes when they\n"
                 "are run by hand.\n"
                 "A record is one line:\n"
                 ".Pp\n.D1 Ar verb Ar key Ns Cm = Ns Ar value ...\n.Pp\n"
                 "with single blanks between, ended by a line feed, at most %d bytes long\n"
                 "(%d toward\n.Xr kernel-sa 8 ) .\n"
                 "Unknown, repeated, missing or over\\-long fields make a record wrong.\n"
                 "The order of the fields is free.\n"
                 "By hand, empty lines and lines that begin with\n.Ql #\nare skipped.\n",
                 RECORD_MAX, RECORD_MAX_KERNEL);
    (void)printf(".Pp\n"
                 "The first record in each direction is\n.Cm hello ;\n"
                 "by hand it may be left out.\n"
                 "A request carries an\n.Cm id\n"
                 "of its sender's choice, and is answered by\n.Cm ok\nor\n.Cm fail\n"
                 "with the same\n.Cm id\n"
                 "and, as\n.Cm re ,\n"
                 "the verb that is answered.\n"
                 "Who sends what is no right record earns\n.Cm bad ,\n"
                 "and over a socket the channel is closed.\n"
                 ".Pp\nTypes of values:\n.Bl -tag -width identity\n");
    (void)printf(".It number\nDecimal, without leading zeros.\n"
                 ".It bytes\nTwo lower\\-case hexadecimal digits for each byte.\n"
                 ".It text\nEvery byte that is not printable ASCII, the blank and\n.Ql %%\n"
                 "are written as\n.Ql %%XX ,\nin upper\\-case hexadecimal.\n"
                 ".It word\nOne of the words that are named.\n"
                 ".It address\nAn IPv4 or IPv6 address in numbers.\n"
                 ".It subnet\nAn address, a slash, and the number of bits.\n"
                 ".It identity\nAs for\n.Fl \\-id\nof\n.Xr whack 8 ,\nescaped like text;\n"
                 ".Ql %%25any\nwhere it is not known.\n"
                 ".El\n");
}

static void print_keys(const char *head, const uint8_t *list, bool with_id)
{
    if (list[0] == K_END && !with_id) {
        return;
    }
    (void)printf(".It %s\n", head);
    if (with_id) {
        (void)printf(".Cm id%s\n", list[0] == K_END ? "" : " ,");
    }
    for (unsigned i = 0; i < VERB_KEYS_MAX && list[i] != K_END; i++) {
        (void)printf(".Cm ");
        print_text(schema_key((enum key)list[i])->name);
        (void)printf("%s\n", i + 1 < VERB_KEYS_MAX && list[i + 1] != K_END ? " ," : "");
    }
}

static void print_channels(unsigned from)
{
    const unsigned every = DIRECTION_ALL & ~(unsigned)P_W;
    if (from == every) {
        (void)printf("Every channel.\n");
        return;
    }
    for (unsigned i = 0; i < sizeof speakers / sizeof speakers[0] * 2; i++) {
        if ((from & 1U << i) == 0) {
            continue;
        }
        (void)printf("From\n.Xr %s 8\nto\n.Xr %s 8 .\n", speakers[i / 2][i % 2],
                     speakers[i / 2][1 - i % 2]);
    }
}

static void print_verb(enum verb verb)
{
    const struct verb_spec *spec = schema_verb(verb);
    (void)printf(".Ss ");
    print_text(spec->name);
    (void)printf("\n");
    print_sentence(spec->help);
    print_channels(spec->from);
    if (spec->request) {
        (void)printf("It is a request.\n");
    }
    if (verb == V_OK) {
        (void)printf("It holds also what the request names as its answer.\n");
    }
    if (spec->descriptor) {
        (void)printf("It carries a file descriptor.\n");
    }
    if (spec->answer_descriptor) {
        (void)printf("Its\n.Cm ok\ncarries a file descriptor.\n");
    }
    if (spec->required[0] == K_END && spec->optional[0] == K_END && !spec->request) {
        (void)printf("It has no fields.\n");
        return;
    }
    (void)printf(".Bl -tag -width allowed\n");
    print_keys("needed", spec->required, spec->request);
    print_keys("allowed", spec->optional, false);
    print_keys("answer", spec->answer, false);
    print_keys("answer may have", spec->answer_optional, false);
    (void)printf(".El\n");
}

static void print_words(const char *words)
{
    for (const char *at = words;; at++) {
        size_t len = strcspn(at, "|");
        char word[64];
        (void)snprintf(word, sizeof word, "%.*s", (int)len, at);
        (void)printf(".Cm ");
        print_text(word);
        at += len;
        (void)printf("%s\n", *at == '\0' ? "" : " ,");
        if (*at == '\0') {
            break;
        }
    }
}

static void print_key(const struct key_spec *spec)
{
    static const char *const types[] = {
        [FIELD_NUMBER] = "Number", [FIELD_BYTES] = "Bytes", [FIELD_TEXT] = "Text",
        [FIELD_WORD] = "Word", [FIELD_ADDRESS] = "Address", [FIELD_SUBNET] = "Subnet",
        [FIELD_ID] = "Identity",
    };
    (void)printf(".It Cm ");
    print_text(spec->name);
    (void)printf("\n");
    print_sentence(spec->help);
    (void)printf("%s", types[spec->type]);
    switch (spec->type) {
    case FIELD_NUMBER:
        (void)printf(", %" PRIu64 " to %" PRIu64 ".\n", spec->min, spec->max);
        break;
    case FIELD_BYTES:
    case FIELD_TEXT:
        if (spec->min == spec->max) {
            (void)printf(", exactly %" PRIu64 ".\n", spec->min);
        } else {
            (void)printf(", %" PRIu64 " to %" PRIu64 "%s.\n", spec->min, spec->max,
                         spec->type == FIELD_TEXT ? " bytes" : "");
        }
        break;
    case FIELD_WORD:
        (void)printf(", one of\n");
        print_words(spec->words);
        break;
    case FIELD_ADDRESS:
    case FIELD_SUBNET:
    case FIELD_ID:
        (void)printf(".\n");
        break;
    }
    if (spec->secret) {
        (void)printf("Secret: outside the channel only its length is shown.\n");
    }
}

static void print_tail(void)
{
    (void)printf(".Sh EXAMPLES\n"
                 "A trap, as\n.Xr plutod 8\norders it, and what\n.Xr kernel-sa 8\nanswers:\n"
                 ".Bd -literal -offset indent\n"
                 "policy id=3 action=add kind=trap our\\-client=10.9.1.0/24 \\e\n"
                 "    peer\\-client=10.9.2.0/24 reqid=16385\n"
                 "ok id=3 re=policy\n"
                 ".Ed\n.Pp\n(the first is one line).\n"
                 ".Sh SEE ALSO\n"
                 ".Xr ike-negotiate 8 ,\n.Xr kernel-sa 8 ,\n.Xr plutod 8 ,\n.Xr secrets 8 ,\n"
                 ".Xr whack 8\n");
}

int main(void)
{
    print_head();
    (void)printf(".Sh VERBS\n");
    for (enum verb v = (enum verb)1; v < VERB_COUNT; v++) {
        print_verb(v);
    }
    (void)printf(".Sh KEYS AND VALUES\nA key means the same in every record.\n.Bl -tag -width Ds\n");
    for (enum key k = (enum key)1; k < KEY_COUNT; k++) {
        print_key(schema_key(k));
    }
    (void)printf(".El\n");
    print_tail();
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 111;
}
