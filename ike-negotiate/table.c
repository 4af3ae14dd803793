/*
 * The exchanges as data: one row for each thing that may happen in a state.
 */
#include "actions.h"
#include "exchange.h"

#define B(x) PAYLOAD_BIT(PAYLOAD_##x)
#define ANY 0 /* authentication method */

static const struct transition table[] = {
    /*
     * RFC 2409, 5.4 and 5.1: Main Mode with a preshared key, or with signatures
     *
     *        Initiator                          Responder
     *       ----------                         -----------
     *        HDR, SA             -->
     *                            <--    HDR, SA
     *        HDR, KE, Ni         -->
     *                            <--    HDR, KE, Nr
     *        HDR*, IDii, HASH_I  -->
     *                            <--    HDR*, IDir, HASH_R
     *    or: HDR*, IDii, [ CERT, ] SIG_I -->
     *                            <--    HDR*, IDir, [ CERT, ] SIG_R
     */
    { MAIN_I1, V_KE, ANY, false, 0, 0, 0, 0, mi_ke_early, MAIN_I1, MAIN_I1 },
    { MAIN_I1, ON_MESSAGE, ANY, false, B(SA), 0, PAYLOAD_SA, 0, mi_message_2, MAIN_I2, MAIN_I1_KE },
    { MAIN_I1_KE, V_KE, ANY, false, 0, 0, 0, 0, mi_ke_late, MAIN_I2, MAIN_I1_KE },
    { MAIN_I2, ON_MESSAGE, ANY, false, B(KE) | B(NONCE), 0, 0, 0, mi_message_4, MAIN_I2_KEYS,
      MAIN_I2_KEYS },
    { MAIN_I2_KEYS, V_KEYS, ANY, false, 0, 0, 0, 0, mi_keys, MAIN_I3, MAIN_I3 },
    { MAIN_I3, ON_MESSAGE, AUTH_PSK, true, B(ID) | B(HASH), B(CERT), 0, 0, mi_message_6, MAIN_I3_AUTH,
      MAIN_I3_AUTH },
    { MAIN_I3, ON_MESSAGE, AUTH_RSASIG, true, B(ID) | B(SIG), B(CERT), 0, 0, mi_message_6, MAIN_I3_AUTH,
      MAIN_I3_AUTH },
    { MAIN_I3_AUTH, V_AUTH, ANY, false, 0, 0, 0, 0, mi_auth, MAIN_I4, MAIN_I4 },

    { MAIN_R0, ON_MESSAGE, ANY, false, B(SA), 0, PAYLOAD_SA, 0, mr_message_1, MAIN_R0_FIRST,
      MAIN_R0_FIRST },
    { MAIN_R0_FIRST, V_FIRST, ANY, false, 0, 0, 0, 0, mr_first, MAIN_R1, MAIN_R1 },
    { MAIN_R1, ON_MESSAGE, ANY, false, B(KE) | B(NONCE), 0, 0, 0, mr_message_3, MAIN_R1_KEYS,
      MAIN_R1_KEYS },
    { MAIN_R1_KEYS, V_KEYS, ANY, false, 0, 0, 0, 0, mr_keys, MAIN_R2, MAIN_R2 },
    { MAIN_R2, ON_MESSAGE, AUTH_PSK, true, B(ID) | B(HASH), B(CERT), 0, 0, mr_message_5,
      MAIN_R2_AUTH, MAIN_R2_AUTH },
    { MAIN_R2, ON_MESSAGE, AUTH_RSASIG, true, B(ID) | B(SIG), B(CERT), 0, 0, mr_message_5,
      MAIN_R2_AUTH, MAIN_R2_AUTH },
    { MAIN_R2_AUTH, V_AUTH, ANY, false, 0, 0, 0, 0, mr_auth, MAIN_R3, MAIN_R2_IDENTIFY },
    { MAIN_R2_IDENTIFY, V_IDENTIFY, ANY, false, 0, 0, 0, 0, mr_identify, MAIN_R2_FINISH,
      MAIN_R2_FINISH },
    { MAIN_R2_FINISH, V_FINISH, ANY, false, 0, 0, 0, 0, mr_finish, MAIN_R3, MAIN_R3 },

    /*
     * RFC 2409, 5.5: Quick Mode, always under an ISAKMP SA
     *
     *        Initiator                          Responder
     *       -----------                        -----------
     *        HDR*, HASH(1), SA, Ni
     *          [, KE ] [, IDci, IDcr ] -->
     *                                  <--    HDR*, HASH(2), SA, Nr
     *                                               [, KE ] [, IDci, IDcr ]
     *        HDR*, HASH(3)             -->
     */
    { QUICK_I0_KE, V_QUICK_KE, ANY, true, 0, 0, 0, 0, qi_ke, QUICK_I1, QUICK_I1 },
    { QUICK_I1, ON_MESSAGE, ANY, true, B(HASH) | B(SA) | B(NONCE), B(KE), PAYLOAD_HASH, PAYLOAD_SA,
      qi_message_2, QUICK_I1_SA, QUICK_I1_SA },
    { QUICK_I1_SA, V_KEYMAT, ANY, true, 0, 0, 0, 0, qi_keymat, QUICK_I1_ACTIVATE, QUICK_I1_SA },
    { QUICK_I1_SA, V_INSTALL, ANY, true, 0, 0, 0, 0, qi_install, QUICK_I1_ACTIVATE, QUICK_I1_SA },
    { QUICK_I1_ACTIVATE, V_ACTIVATE, ANY, true, 0, 0, 0, 0, qi_activate, QUICK_I2, QUICK_I2 },

    { QUICK_R0, ON_MESSAGE, ANY, true, B(HASH) | B(SA) | B(NONCE), B(KE), PAYLOAD_HASH, PAYLOAD_SA,
      qr_message_1, QUICK_R0_ASK, QUICK_R0_ASK },
    { QUICK_R0_ASK, V_QUICK_ASK, ANY, true, 0, 0, 0, 0, qr_ask, QUICK_R0_SA, QUICK_R0_SPI },
    { QUICK_R0_SA, V_KEYMAT, ANY, true, 0, 0, 0, 0, qr_keymat, QUICK_R1, QUICK_R0_SA },
    { QUICK_R0_SA, V_INSTALL, ANY, true, 0, 0, 0, 0, qr_install, QUICK_R1, QUICK_R0_SA },
    { QUICK_R1, ON_MESSAGE, ANY, true, B(HASH), 0, PAYLOAD_HASH, 0, qr_message_3, QUICK_R1_ACTIVATE,
      QUICK_R1_ACTIVATE },
    { QUICK_R1_ACTIVATE, V_ACTIVATE, ANY, true, 0, 0, 0, 0, qr_activate, QUICK_R2, QUICK_R2 },
};

const struct transition *table_find(const struct exchange *x, enum verb on)
{
    const unsigned method = x->main == NULL ? 0 : x->main->method;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].from == x->state && table[i].on == on && (table[i].method == ANY || table[i].method == method)) {
            return &table[i];
        }
    }
    return NULL;
}

enum state state_public(enum state s)
{
    static const enum state shown[STATE_COUNT - PUBLIC_STATES] = {
        [MAIN_R0_FIRST - PUBLIC_STATES] = MAIN_R0,    [MAIN_R1_KEYS - PUBLIC_STATES] = MAIN_R1,
        [MAIN_R2_AUTH - PUBLIC_STATES] = MAIN_R2,     [MAIN_R2_IDENTIFY - PUBLIC_STATES] = MAIN_R2,
        [MAIN_R2_FINISH - PUBLIC_STATES] = MAIN_R2,   [MAIN_I1_KE - PUBLIC_STATES] = MAIN_I1,
        [MAIN_I2_KEYS - PUBLIC_STATES] = MAIN_I2,     [MAIN_I3_AUTH - PUBLIC_STATES] = MAIN_I3,
        [QUICK_PENDING - PUBLIC_STATES] = QUICK_I1,   [QUICK_I0_KE - PUBLIC_STATES] = QUICK_I1,
        [QUICK_I1_SA - PUBLIC_STATES] = QUICK_I1,     [QUICK_I1_ACTIVATE - PUBLIC_STATES] = QUICK_I1,
        [QUICK_R0_ASK - PUBLIC_STATES] = QUICK_R0,    [QUICK_R0_SPI - PUBLIC_STATES] = QUICK_R0,
        [QUICK_R0_SA - PUBLIC_STATES] = QUICK_R0,     [QUICK_R1_ACTIVATE - PUBLIC_STATES] = QUICK_R1,
    };
    return s < PUBLIC_STATES ? s : shown[s - PUBLIC_STATES];
}

const char *state_name(enum state s)
{
    static const char *const names[PUBLIC_STATES] = {
        "MAIN_R0", "MAIN_I1", "MAIN_R1", "MAIN_I2", "MAIN_R2", "MAIN_I3", "MAIN_R3", "MAIN_I4",
        "QUICK_R0", "QUICK_I1", "QUICK_R1", "QUICK_I2", "QUICK_R2",
    };
    return names[state_public(s)];
}
