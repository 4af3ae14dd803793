/*
 * The actions that the tables name (main_*.c, quick_*.c), what begins an exchange, and what the files of an exchange
 * share. Internal to the core. Not for: moving states (engine.c).
 */
#ifndef ACTIONS_H
#define ACTIONS_H

#include "exchange.h"

action mi_message_2, mi_ke_early, mi_ke_late, mi_message_4, mi_keys, mi_message_6, mi_auth;
action mr_message_1, mr_first, mr_message_3, mr_keys, mr_message_5, mr_auth, mr_identify, mr_finish;
action qi_ke, qi_message_2, qi_keymat, qi_install, qi_activate;
action qr_message_1, qr_ask, qr_keymat, qr_install, qr_message_3, qr_activate;
bool main_take_keys(struct exchange *x, const struct record *answer);
bool main_send_identity(struct ike *ike, struct exchange *x, const struct record *answer);
const char *main_ask_auth(struct ike *ike, struct exchange *x, const struct message *m);
enum outcome not_authenticated(struct ike *ike, struct exchange *x, const struct record *answer,
                               const char *why);
void main_initiate(struct ike *ike, struct exchange *x);
/* Another worker has it now: what the one before did not answer is asked of this one. */
void main_ask_again(struct ike *ike, struct exchange *x);
void main_first_message(struct ike *ike, const struct path *path, const struct message *m,
                        const uint8_t *digest);
void main_up(struct ike *ike, struct exchange *x);
/* Ends an ISAKMP SA under which no further Quick Mode may begin, with those that are under way: the
 * peer and plutod go on under a new one. */
void main_worn_out(struct ike *ike, struct exchange *x);
void quick_begin(struct ike *ike, struct exchange *x);
void quick_first_message(struct ike *ike, struct exchange *parent, const struct message *m,
                         const uint8_t *iv, const uint8_t *digest);
/* HASH(1..3) over the message; false: it differs. */
bool quick_hash_ok(const struct exchange *x, const struct message *m, unsigned number);
bool quick_send(struct ike *ike, struct exchange *x, const struct buffer *sa, unsigned number);
const char *quick_take_nonce_ke(struct exchange *x, const struct message *m);
bool quick_take_ours(struct exchange *x, const struct record *answer);
const char *quick_take_needs(struct quick_needs *n, const struct record *r);
/* False: x is lost, and gone. */
bool quick_ask_sas(struct ike *ike, struct exchange *x);
void quick_go_on(struct ike *ike, struct exchange *x); /* from QUICK_R0_SPI */

#endif
