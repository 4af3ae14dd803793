#include "secrets_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void secrets_folder_begin(struct secrets_folder *f)
{
    *f = (struct secrets_folder){ .path = "/tmp/test_secrets.XXXXXX" };
    assert_non_null(mkdtemp(f->path));
    assert_int_equal(chdir(f->path), 0);
    f->store = store_new();
    buffer_init(&f->lines, 0);
    f->log = (struct log){ .tool = "secrets", .records = &f->lines };
}

void secrets_folder_end(struct secrets_folder *f)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", f->path);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    store_free(f->store);
    buffer_wipe(&f->lines);
}

int secrets_folder_set_up(void **state)
{
    struct secrets_folder *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return 1;
    }
    secrets_folder_begin(f);
    *state = f;
    return 0;
}

int secrets_folder_tear_down(void **state)
{
    secrets_folder_end(*state);
    free(*state);
    return 0;
}

void secrets_put_bytes(const char *name, const char *bytes, size_t len)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    assert_int_equal(chmod(name, 0600), 0);
}

void secrets_put(const char *name, const char *text)
{
    secrets_put_bytes(name, text, strlen(text));
}

bool secrets_said(const struct secrets_folder *f, const char *text)
{
    return f->lines.len > 0 && memmem(f->lines.data, f->lines.len, text, strlen(text)) != NULL;
}

void secrets_read_as(struct secrets_folder *f, bool insecure)
{
    store_free(f->store);
    f->store = store_new();
    buffer_truncate(&f->lines, 0);
    file_read(f->store, "s", insecure, &f->log, &f->counts);
}

void secrets_expect(const struct secrets_folder *f, const char *text)
{
    if (!secrets_said(f, text)) {
        fail_msg("expected \"%s\" in: %.*s", text, (int)(f->lines.len < 2000 ? f->lines.len : 2000),
                 (const char *)f->lines.data);
    }
}

void secrets_reads(struct secrets_folder *f, size_t psk, size_t rsa, const char *said)
{
    secrets_read_as(f, false);
    if (said != NULL) {
        secrets_expect(f, said);
    } else if (f->lines.len > 0) {
        fail_msg("it was said: %.*s", (int)f->lines.len, (const char *)f->lines.data);
    }
    assert_int_equal(f->counts.errors, said != NULL);
    assert_int_equal(f->counts.psk, psk);
    assert_int_equal(f->counts.rsa, rsa);
}

void secrets_read(struct secrets_folder *f)
{
    secrets_read_as(f, false);
}
