#include "answer.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 32 /* CNAMEs one after another; libunbound itself follows 11 */

int answer_number(enum answer_type type)
{
    return type == ANSWER_A ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
}

const char *answer_name(enum answer_type type)
{
    return type == ANSWER_A ? "A" : "AAAA";
}

void answer_add(struct answer *a, const struct address *address)
{
    if (address_of_host(address) != NULL) {
        a->drop = a->dropped == 0 ? *address : a->drop;
        a->dropped++;
    } else if (!address_list_has(&a->list, address) && !address_list_add(&a->list, address)) {
        a->left_out++;
    }
}

static void failed(struct answer *a, const char *why)
{
    *a = (struct answer){ .outcome = ANSWER_FAILED, .why = why };
}

static const char *why_of(int rcode)
{
    switch (rcode) {
    case LDNS_RCODE_SERVFAIL:
        return "no DNS server gave an answer that can be used (SERVFAIL)";
    case LDNS_RCODE_REFUSED:
        return "the DNS server refuses to answer us (REFUSED)";
    case LDNS_RCODE_FORMERR:
        return "the DNS server does not understand the question (FORMERR)";
    case LDNS_RCODE_NOTIMPL:
        return "the DNS server does not know such questions (NOTIMP)";
    default:
        return "DNS answers with an error";
    }
}

static void lower_ttl(struct answer *a, const ldns_rr *rr)
{
    a->ttl = ldns_rr_ttl(rr) < a->ttl ? ldns_rr_ttl(rr) : a->ttl;
}

/* The name that `owner` is another name for, or NULL. */
static const ldns_rdf *alias_of(struct answer *a, const ldns_rr_list *section, const ldns_rdf *owner)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(section, i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && ldns_rr_rd_count(rr) == 1
            && ldns_dname_compare(ldns_rr_owner(rr), owner) == 0) {
            lower_ttl(a, rr);
            return ldns_rr_rdf(rr, 0);
        }
    }
    return NULL;
}

static void take_addresses(struct answer *a, const ldns_rr_list *section, const ldns_rdf *owner, enum answer_type type)
{
    const size_t len = type == ANSWER_A ? 4 : 16;
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(section, i);
        const ldns_rdf *value = ldns_rr_rd_count(rr) == 1 ? ldns_rr_rdf(rr, 0) : NULL;
        if ((int)ldns_rr_get_type(rr) == answer_number(type) && ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN
            && value != NULL && ldns_rdf_size(value) == len
            && ldns_dname_compare(ldns_rr_owner(rr), owner) == 0) {
            struct address address = { .family = type == ANSWER_A ? 4 : 6 };
            memcpy(address.bytes, ldns_rdf_data(value), len);
            lower_ttl(a, rr);
            answer_add(a, &address);
        }
    }
}

static void read_section(struct answer *a, const ldns_rr_list *section, const ldns_rdf *name, enum answer_type type)
{
    const ldns_rdf *owner = name;
    a->ttl = ANSWER_TTL_MAX;
    for (unsigned i = 0; owner != NULL; i++) {
        const ldns_rdf *alias = alias_of(a, section, owner);
        if (alias == NULL) {
            break;
        }
        if (i == ALIASES_MAX) {
            failed(a, "its CNAME records go round in a circle, or are too many");
            return;
        }
        owner = alias;
    }
    take_addresses(a, section, owner, type);
    a->outcome = a->list.count > 0 ? ANSWER_ADDRESSES : a->dropped > 0 ? ANSWER_UNUSABLE : ANSWER_NOTHING;
}

void answer_read(struct answer *a, const char *name, enum answer_type type, int rcode, const void *packet,
                 size_t len)
{
    ldns_pkt *pkt = NULL;
    ldns_rdf *owner = NULL;

    memset(a, 0, sizeof *a);
    if (rcode != LDNS_RCODE_NOERROR || packet == NULL) {
        failed(a, why_of(rcode));
        return;
    }
    if (ldns_wire2pkt(&pkt, packet, len) != LDNS_STATUS_OK || pkt == NULL) {
        failed(a, "the answer of DNS cannot be read");
        return;
    }
    owner = ldns_dname_new_frm_str(name);
    if (owner == NULL) {
        failed(a, "out of memory");
    } else if (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN) {
        a->outcome = ANSWER_NO_NAME;
    } else if (ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR) {
        failed(a, why_of((int)ldns_pkt_get_rcode(pkt)));
    } else {
        read_section(a, ldns_pkt_answer(pkt), owner, type);
    }
    ldns_rdf_deep_free(owner);
    ldns_pkt_free(pkt);
}
