#include "secrets_scene.h"

const char scene_secrets[] = "10.9.0.1 10.9.0.2 : PSK \"correct horse\"\n"
                                    "10.9.0.2 @b : PSK \"another\"\n";

void scene_announce(struct side *s, unsigned exchange, const char *role, const char *ours,
                     const char *peer)
{
    side_say(s, "announce exchange=%u connection=net role=%s methods=psk ike=" IKE
             " our-id=%s peer-id=%s", exchange, role, ours, peer);
}

struct scene *scene_new(const char *secrets)
{
    struct scene *e = calloc(1, sizeof *e);
    if (e == NULL) {
        abort();
    }
    e->i = side_new(secrets);
    e->r = side_new(secrets);
    return e;
}

void scene_free(struct scene *e)
{
    side_free(e->i);
    side_free(e->r);
    free(e);
}

void scene_draw(struct scene *e)
{
    side_good(e->i, "ke id=1 exchange=1 group=ecp256");
    e->ke_i = side_hex(e->i, K_KE);
    e->n_i = side_hex(e->i, K_NONCE);
}

int scene_set_up(void **state)
{
    struct scene *e = scene_new(scene_secrets);
    scene_announce(e->i, 1, "initiator", "10.9.0.1", "10.9.0.2");
    scene_announce(e->r, 7, "responder", "10.9.0.2", "10.9.0.1");
    scene_draw(e);
    *state = e;
    return 0;
}

int scene_tear_down(void **state)
{
    scene_free(*state);
    return 0;
}

void scene_make_keys(struct scene *e)
{
    side_good(e->r, "keys id=1 exchange=7 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s",
              e->ke_i, e->n_i);
    char *ke_r = side_hex(e->r, K_KE);
    char *n_r = side_hex(e->r, K_NONCE);
    side_good(e->i, "keys id=2 exchange=1 connection=net method=psk " KEYS " ke-peer=%s nonce-peer=%s", ke_r,
              n_r);
    e->id = side_hex(e->i, K_ID_BODY);
    e->hash = side_hex(e->i, K_HASH);
}

void scene_authenticate(struct scene *e)
{
    scene_make_keys(e);
    side_good(e->r, "auth id=3 exchange=7 id-body=%s hash=%s", e->id, e->hash);
    e->id_r = side_hex(e->r, K_ID_BODY);
    e->hash_r = side_hex(e->r, K_HASH);
    side_good(e->i, "auth id=4 exchange=1 id-body=%s hash=%s", e->id_r, e->hash_r);
}

void scene_unauthenticated(struct side *s)
{
    while (side_take(s, &s->plutod, S_P)) {
        assert_int_not_equal(s->answer.verb, V_AUTHENTICATED);
    }
}
