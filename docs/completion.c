/*
 * completion SHELL - prints what bash or zsh needs to complete the options of whack, plutod and of
 * `ipsec whack` and `ipsec pluto`, made from the declaration of the options (lib/option.h).
 *
 * Values, too: files, interfaces, words that are named, and the connections that plutod knows.
 */
#include "algorithm.h"
#include "option.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum option_program program;
    const char *name;
} programs[] = { { OF_WHACK, "whack" }, { OF_PLUTOD, "plutod" } };
#define PROGRAMS (sizeof programs / sizeof programs[0])

/* What `ipsec` takes first: ipsec(8). */
#define IPSEC_WORDS "whack pluto secrets ike-negotiate kernel-sa dnskey _updown --help --version"

static const struct option_spec *shown(unsigned option, enum option_program program)
{
    const struct option_spec *spec = option_spec((enum option_id)option);
    return (spec->programs & program) != 0 && !spec->later ? spec : NULL;
}

/* The words that may be its value, with blanks between; false: there are none to be named. */
static bool words_of(const struct option_spec *spec, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    if (spec->value == VALUE_WORD) {
        for (const char *at = spec->words; *at != '\0' && len + 1 < size; at++) {
            out[len++] = *at == '|' ? ' ' : *at;
        }
        out[len] = '\0';
    } else if (spec->completion == COMPLETE_SUITES) {
        (void)snprintf(out, size, "default classic");
    } else if (spec->completion == COMPLETE_GROUPS) {
        for (unsigned i = 0; i < GROUP_COUNT && len < size; i++) {
            len += (size_t)snprintf(out + len, size - len, "%s%s", i == 0 ? "" : " ",
                                    group_get((enum group_id)i)->word);
        }
    }
    return out[0] != '\0';
}

/* ---- bash ---- */

static void bash_list(const char *variable, enum option_program program, const char *name,
                      bool (*is)(const struct option_spec *spec))
{
    (void)printf("_ipsec_%s_%s=' ", name, variable);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = shown(i, program);
        if (spec != NULL && is(spec)) {
            (void)printf("--%s ", spec->name);
        }
    }
    (void)printf("'\n");
}

static bool is_any(const struct option_spec *spec)
{
    return spec->name[0] != '\0';
}

static bool may_repeat(const struct option_spec *spec)
{
    return spec->times == TIMES_ANY;
}

static bool is_of_an_end(const struct option_spec *spec)
{
    return spec->times == TIMES_ONCE_EACH_END;
}

static void bash_values(enum option_program program, const char *name)
{
    static const char *const actions[] = {
        [COMPLETE_FILE] = "_ipsec_files -f", [COMPLETE_FOLDER] = "_ipsec_files -d",
        [COMPLETE_INTERFACE] = "_ipsec_words \"$(ls /sys/class/net 2>/dev/null)\"",
        [COMPLETE_CONNECTION] = "_ipsec_words \"$(_ipsec_connections)\"",
        [COMPLETE_SUITES] = ":", [COMPLETE_GROUPS] = ":",
    };
    (void)printf("_ipsec_%s_value() {\n    case $1 in\n", name);
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        const struct option_spec *spec = shown(i, program);
        char words[400];
        if (spec == NULL || !option_wants_value(spec)) {
            continue;
        }
        (void)printf("    --%s) ", spec->name);
        if (words_of(spec, words, sizeof words)) {
            (void)printf("_ipsec_words '%s' ;;\n", words);
        } else {
            (void)printf("%s ;;\n", spec->completion == COMPLETE_NOTHING ? ":" : actions[spec->completion]);
        }
    }
    (void)printf("    *) return 1 ;;\n    esac\n}\n\n");
}

static const char bash_head[] =
    "# bash completion for whack, plutod and ipsec: made from lib/option_list.def, do not edit.\n"
    "# shellcheck shell=bash disable=SC2034 # variables are named by way of the program's name\n\n";

static const char bash_tail[] =
    "_ipsec_words() {\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
    "}\n\n"
    "_ipsec_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
    "}\n\n"
    "# The connections that plutod knows, asked by the very command that is being typed.\n"
    "_ipsec_connections() {\n"
    "    local -a call=(\"${command[@]}\")\n"
    "    local i\n"
    "    for ((i = 0; i + 1 < ${#words[@]}; i++)); do\n"
    "        [ \"${words[i]}\" = --ctlbase ] || continue\n"
    "        [ \"${words[i + 1]}\" != = ] || ((++i)) # --option=value comes in three words\n"
    "        call+=(--ctlbase \"${words[i + 1]}\")\n"
    "    done\n"
    "    timeout 2 \"${call[@]}\" --status 2>/dev/null | sed -n 's/^000 \"\\([^\"]*\\)\": .*/\\1/p'\n"
    "}\n\n"
    "# Options that may still be given.\n"
    "_ipsec_options() {\n"
    "    local all=_ipsec_$1_options any=_ipsec_$1_any end=_ipsec_$1_end option word left=''\n"
    "    local given=' ' of_end=' '\n"
    "    for word in \"${words[@]}\"; do\n"
    "        word=${word%%=*}\n"
    "        [ \"$word\" != --to ] || of_end=' '\n"
    "        given+=\"$word \"\n"
    "        of_end+=\"$word \"\n"
    "    done\n"
    "    for option in ${!all}; do\n"
    "        if [[ ${!any} == *\" $option \"* ]]; then\n"
    "            left+=\" $option\"\n"
    "        elif [[ ${!end} == *\" $option \"* ]]; then\n"
    "            [[ $of_end == *\" $option \"* ]] || left+=\" $option\"\n"
    "        else\n"
    "            [[ $given == *\" $option \"* ]] || left+=\" $option\"\n"
    "        fi\n"
    "    done\n"
    "    _ipsec_words \"$left\"\n"
    "}\n\n"
    "_ipsec() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local program=${COMP_WORDS[0]##*/} first=1\n"
    "    local -a command=(\"${COMP_WORDS[0]}\") words\n"
    "    COMPREPLY=()\n"
    "    if [ \"$program\" = ipsec ]; then\n"
    "        if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
    "            _ipsec_words '" IPSEC_WORDS "'\n"
    "            return\n"
    "        fi\n"
    "        program=${COMP_WORDS[1]}\n"
    "        [ \"$program\" != pluto ] || program=plutod\n"
    "        command+=(\"${COMP_WORDS[1]}\")\n"
    "        first=2\n"
    "    fi\n"
    "    case $program in whack | plutod) ;; *) return ;; esac\n"
    "    words=(\"${COMP_WORDS[@]:first:COMP_CWORD-first}\")\n"
    "    # --option=value comes in three words.\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        cur=''\n"
    "    elif [ \"$previous\" = = ]; then\n"
    "        previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    \"_ipsec_${program}_value\" \"$previous\" || _ipsec_options \"$program\"\n"
    "}\n\n"
    "complete -F _ipsec whack plutod ipsec\n";

static void print_bash(void)
{
    (void)fputs(bash_head, stdout);
    for (size_t i = 0; i < PROGRAMS; i++) {
        bash_list("options", programs[i].program, programs[i].name, is_any);
        bash_list("any", programs[i].program, programs[i].name, may_repeat);
        bash_list("end", programs[i].program, programs[i].name, is_of_an_end);
        (void)putchar('\n');
        bash_values(programs[i].program, programs[i].name);
    }
    (void)fputs(bash_tail, stdout);
}

/* ---- zsh ---- */

/* Within '...[...]' of _arguments. */
static void zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs("'\\''", stdout);
        } else if (strchr("[]:\\", *text) != NULL) {
            (void)printf("\\%c", *text);
        } else {
            (void)putchar(*text);
        }
    }
}

static void zsh_option(const struct option_spec *spec)
{
    static const char *const actions[] = {
        [COMPLETE_NOTHING] = "", [COMPLETE_FILE] = "_files", [COMPLETE_FOLDER] = "_files -/",
        [COMPLETE_INTERFACE] = "_net_interfaces", [COMPLETE_CONNECTION] = "_ipsec_connections",
        [COMPLETE_SUITES] = "", [COMPLETE_GROUPS] = "",
    };
    char words[400] = "";
    (void)printf("        '%s--%s%s[", spec->times == TIMES_ONCE ? "" : "*", spec->name,
                 option_wants_value(spec) ? "=" : "");
    zsh_text(spec->help);
    (void)putchar(']');
    if (option_wants_value(spec)) {
        (void)putchar(':');
        zsh_text(spec->argument);
        if (words_of(spec, words, sizeof words)) {
            (void)printf(":(%s)", words);
        } else {
            (void)printf(":%s", actions[spec->completion]);
        }
    }
    (void)printf("'\n");
}

static const char zsh_tail[] =
    "# The connections that plutod knows, asked by the very command that is being typed.\n"
    "_ipsec_connections() {\n"
    "    local -a call=($_ipsec_command) names\n"
    "    [[ -z ${opt_args[--ctlbase]} ]] || call+=(--ctlbase ${opt_args[--ctlbase]})\n"
    "    names=(${(f)\"$($call --status 2>/dev/null | sed -n 's/^000 \"\\([^\"]*\\)\": .*/\\1/p')\"})\n"
    "    compadd -a names\n"
    "}\n\n"
    "_ipsec() {\n"
    "    local -a _ipsec_command=($words[1])\n"
    "    local program=$service\n"
    "    if [[ $service == ipsec ]]; then\n"
    "        if ((CURRENT == 2)); then\n"
    "            compadd -- " IPSEC_WORDS "\n"
    "            return\n"
    "        fi\n"
    "        program=${words[2]/%pluto/plutod}\n"
    "        _ipsec_command+=($words[2])\n"
    "        shift words\n"
    "        ((CURRENT--))\n"
    "    fi\n"
    "    (($+functions[_ipsec_$program])) && _ipsec_$program\n"
    "}\n\n"
    "_ipsec \"$@\"\n";

static void print_zsh(void)
{
    (void)printf("#compdef whack plutod ipsec\n"
                 "# zsh completion: made from lib/option_list.def, do not edit.\n\n");
    for (size_t i = 0; i < PROGRAMS; i++) {
        (void)printf("_ipsec_%s() {\n    local -a options=(\n", programs[i].name);
        for (unsigned k = 0; k < OPTION_COUNT; k++) {
            const struct option_spec *spec = shown(k, programs[i].program);
            if (spec != NULL) {
                zsh_option(spec);
            }
        }
        (void)printf("    )\n    _arguments $options\n}\n\n");
    }
    (void)fputs(zsh_tail, stdout);
}

int main(int argc, char *argv[])
{
    if (argc != 2 || (strcmp(argv[1], "bash") != 0 && strcmp(argv[1], "zsh") != 0)) {
        (void)fputs("completion: say bash or zsh\n", stderr);
        return 100;
    }
    (argv[1][0] == 'b' ? print_bash : print_zsh)();
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? 0 : 111;
}
