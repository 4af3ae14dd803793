#include "rsa_text.h"

#include "hostname.h"
#include "quote.h"
#include "rsa_inside.h"
#include "rsa_pem.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#define KEY_FLAGS 16896u   /* RFC 2535, 3.1.2: of a host, for authentication only */
#define PRECEDENCE 10u     /* of several gateways, RFC 4025 2.1, RFC 4322 3.1 */
#define STRING_MAX 255u    /* of DNS */

bool rsa_form_named(enum rsa_form *form, const char *word)
{
    static const char *const words[] = { "whack", "dns", "ipseckey", "txt", "pem", "secrets" };
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i], word) == 0) {
            *form = (enum rsa_form)i;
            return true;
        }
    }
    return false;
}

static bool is_address(const struct identity *id)
{
    return id != NULL && (id->type == ID_IPV4_ADDR || id->type == ID_IPV6_ADDR);
}

/* NULL, or why it is no name that can stand in a zone file as it is. */
static const char *check_name(const struct identity *id)
{
    char name[ID_VALUE_MAX + 1];
    memcpy(name, id->bytes, id->len);
    name[id->len] = '\0';
    return memchr(name, '\0', id->len) != NULL ? "a NUL byte" : hostname_check(name);
}

static bool is_host_name(const struct identity *id)
{
    return id != NULL && id->type == ID_FQDN && check_name(id) == NULL;
}

const char *rsa_text_owner(enum rsa_form form, const struct identity *id)
{
    const bool of_dns = form == RSA_FORM_DNS || form == RSA_FORM_IPSECKEY || form == RSA_FORM_TXT;
    return of_dns && id != NULL && id->type == ID_FQDN ? check_name(id) : NULL;
}

/* As DNS has it, with the dot at its end. */
static void add_name(struct buffer *out, const struct identity *id)
{
    buffer_add(out, id->bytes, id->len);
    if (id->bytes[id->len - 1] != '.') {
        buffer_add_text(out, ".");
    }
}

/* Where the record stands: an address' is in the reverse tree. None: the one of the line before. */
static void add_owner(struct buffer *out, const struct identity *id)
{
    char label[8];
    if (is_host_name(id)) {
        add_name(out, id);
    } else if (is_address(id)) {
        bool v4 = id->type == ID_IPV4_ADDR;
        for (size_t i = id->len; i > 0; i--) {
            (void)snprintf(label, sizeof label, v4 ? "%u." : "%x.", v4 ? id->bytes[i - 1]
                           : id->bytes[i - 1] & 15u);
            buffer_add_text(out, label);
            if (!v4) {
                (void)snprintf(label, sizeof label, "%x.", id->bytes[i - 1] >> 4u);
                buffer_add_text(out, label);
            }
        }
        buffer_add_text(out, v4 ? "in-addr.arpa." : "ip6.arpa.");
    }
    buffer_add_text(out, "\tIN\t");
}

static void add_number(struct buffer *out, unsigned number, const char *behind)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%u%s", number, behind);
    buffer_add_text(out, text);
}

static void add_id(struct buffer *out, const struct identity *id)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    buffer_add_text(out, text);
}

/* RFC 4025, 2: precedence, type of the gateway, algorithm (2: RSA), gateway. */
static void add_ipseckey(struct buffer *out, const struct identity *id)
{
    add_owner(out, id);
    buffer_add_text(out, "IPSECKEY\t");
    add_number(out, PRECEDENCE, "");
    if (is_address(id)) {
        buffer_add_text(out, id->type == ID_IPV4_ADDR ? " 1 2 " : " 2 2 ");
        add_id(out, id);
    } else if (is_host_name(id)) {
        buffer_add_text(out, " 3 2 ");
        add_name(out, id);
    } else {
        buffer_add_text(out, " 0 2 .");
    }
    buffer_add_text(out, " ");
}

/* [D1]; strings of DNS are joined again by whoever reads them. */
static const char *add_txt(struct buffer *out, const struct identity *id, const char *key)
{
    struct buffer text;
    if (!is_address(id) && !is_host_name(id)) {
        return "expected --id with an address or @name: a TXT record names the gateway";
    }
    buffer_init(&text, 0);
    buffer_add_text(&text, "X-IPsec-Server(");
    add_number(&text, PRECEDENCE, ")=");
    add_id(&text, id);
    buffer_add_text(&text, " ");
    buffer_add_text(&text, key);
    add_owner(out, id);
    buffer_add_text(out, "TXT\t(");
    for (size_t at = 0; at < text.len; at += STRING_MAX) {
        buffer_add_text(out, " \"");
        buffer_add(out, text.data + at, text.len - at < STRING_MAX ? text.len - at : STRING_MAX);
        buffer_add_text(out, "\"");
    }
    buffer_add_text(out, " )\n");
    out->overflowed = out->overflowed || text.overflowed;
    buffer_wipe(&text);
    return NULL;
}

static void add_quoted_id(struct buffer *out, const struct identity *id)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    quote_for_shell(out, text);
}

/* [K1], as FreeS/WAN wrote it. */
static const char *add_entry(struct buffer *out, const struct rsa_key *key, const struct identity *id)
{
    static const char *const words[RSA_NUMBERS] = { "Modulus", "PublicExponent", "PrivateExponent", "Prime1",
                                                    "Prime2", "Exponent1", "Exponent2", "Coefficient" };
    const char *why = NULL;
    if (id != NULL) {
        quote_id_for_entry(out, id);
        buffer_add_text(out, " ");
    }
    buffer_add_text(out, ": RSA {\n");
    for (size_t i = 0; i < RSA_NUMBERS && why == NULL; i++) {
        BIGNUM *bn = BN_secure_new();
        char *hex = NULL;
        if (bn == NULL || EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[i], &bn) != 1
            || (hex = BN_bn2hex(bn)) == NULL) {
            why = "out of memory";
        } else {
            buffer_add_text(out, "\t");
            buffer_add_text(out, words[i]);
            buffer_add_text(out, ": 0x");
            buffer_add_text(out, hex);
            buffer_add_text(out, "\n");
        }
        OPENSSL_clear_free(hex, hex == NULL ? 0 : strlen(hex));
        BN_clear_free(bn);
    }
    buffer_add_text(out, "\t}\n");
    return why;
}

const char *rsa_text(struct buffer *out, const struct rsa_key *key, enum rsa_form form,
                     const struct identity *id, bool private)
{
    char text[RSA_PUBLIC_TEXT];
    const char *base64 = text + 2; /* behind 0s */
    const char *why = NULL;

    rsa_public_print(rsa_key_public(key), text);
    why = rsa_text_owner(form, id);
    if (why != NULL) {
        return why;
    }
    switch (form) {
    case RSA_FORM_WHACK:
        if (id != NULL) {
            buffer_add_text(out, "whack --keyid ");
            add_quoted_id(out, id);
            buffer_add_text(out, " --addkey ");
        }
        buffer_add_text(out, "--pubkeyrsa ");
        buffer_add_text(out, text);
        buffer_add_text(out, "\n");
        break;
    case RSA_FORM_DNS: /* RFC 2535, 3: protocol 4 (IPsec), algorithm 1 (RSA) */
        add_owner(out, id);
        buffer_add_text(out, "KEY\t");
        add_number(out, KEY_FLAGS, " 4 1 ");
        buffer_add_text(out, base64);
        buffer_add_text(out, "\n");
        break;
    case RSA_FORM_IPSECKEY:
        add_ipseckey(out, id);
        buffer_add_text(out, base64);
        buffer_add_text(out, "\n");
        break;
    case RSA_FORM_TXT:
        why = add_txt(out, id, base64);
        break;
    case RSA_FORM_PEM:
        why = rsa_pem_write(out, key, private) ? NULL : "out of memory";
        break;
    case RSA_FORM_SECRETS:
        why = private ? add_entry(out, key, id) : "this form has the private key in it";
        break;
    }
    return why == NULL && out->overflowed ? "out of memory" : why;
}
