#include "key_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void key_files_init(struct key_files *all)
{
    struct rlimit descriptors;
    *all = (struct key_files){ .most = KEY_SOCKETS_MAX };
    if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur / 2 < KEY_SOCKETS_MAX) {
        all->most = (size_t)descriptors.rlim_cur / 2;
    }
}

/* There may be more in it than the encrypted key. */
void key_file_forget_text(struct key_file *k)
{
    if (k->text != NULL) {
        explicit_bzero(k->text, k->len);
    }
    free(k->text);
    k->text = NULL;
}

static void key_file_free(struct key_file *k)
{
    key_file_forget_text(k);
    rsa_key_free(k->key);
    if (k->socket >= 0) {
        close(k->socket);
    }
    free(k->path);
    free(k);
}

struct key_file *key_files_find(const struct key_files *all, const char *path)
{
    struct key_file *k;
    HASH_FIND_STR(all->first, path, k);
    return k;
}

struct key_file *key_files_add(struct key_files *all, const char *path, const char *text, size_t len)
{
    struct key_file *k = calloc(1, sizeof *k);
    if (k == NULL) {
        return NULL;
    }
    k->socket = -1;
    k->path = strdup(path);
    k->text = malloc(len + 1);
    if (k->path == NULL || k->text == NULL) {
        key_file_free(k);
        return NULL;
    }
    memcpy(k->text, text, len);
    k->len = len;
    HASH_ADD_KEYPTR(hh, all->first, k->path, strlen(k->path), k);
    return k;
}

void key_files_drop(struct key_files *all, struct key_file *k)
{
    HASH_DEL(all->first, k);
    key_file_free(k);
}

void key_files_free(struct key_files *all)
{
    while (all->first != NULL) {
        key_files_drop(all, all->first);
    }
}

void key_files_keep_socket(struct key_files *all, struct key_file *k, int fd)
{
    if (k->socket >= 0 || all->sockets == all->most) {
        close(fd);
        return;
    }
    k->socket = fd;
    all->sockets++;
}
