#include "quote.h"

#include "entry.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

void quote_for_shell(struct buffer *out, const char *word)
{
    static const char harmless[] = LETTERS "-_.,:@%#/+";
    if (word[0] != '\0' && word[0] != '#' && word[strspn(word, harmless)] == '\0') {
        buffer_add_text(out, word);
        return;
    }
    buffer_add_text(out, "'");
    for (const char *c = word; *c != '\0'; c++) {
        buffer_add(out, *c == '\'' ? "'\\''" : c, *c == '\'' ? 4 : 1);
    }
    buffer_add_text(out, "'");
}

/* A word ends at a blank, whatever else is in it; a text in quotes has none of its own kind. */
bool quote_file_for_entry(struct buffer *out, const char *path)
{
    const bool plain = strpbrk(path, " \t\r") == NULL && path[0] == '/';
    const char *quote = plain ? "" : strchr(path, '"') == NULL ? "\"" : "'";
    if (path[0] == '\0' || strlen(path) >= KEY_FILE_NAME || strchr(path, '\n') != NULL
        || (quote[0] == '\'' && strchr(path, '\'') != NULL)) {
        return false;
    }
    buffer_add_text(out, quote);
    buffer_add_text(out, path);
    buffer_add_text(out, quote);
    return true;
}

/* Blanks and quotes are %XX already; a comment it would be if it began with #. */
void quote_id_for_entry(struct buffer *out, const struct identity *id)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    buffer_add_text(out, text[0] == '#' ? "%23" : "");
    buffer_add_text(out, text[0] == '#' ? text + 1 : text);
}
